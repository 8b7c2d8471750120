"""Forward and backward pass of the whole network on one batch.

    H^0 = X        H^l = [forward states | backward states] of layer l
    L = H^last W_hy + b_y (+ X W_xy) (+ weights of n-grams)

``backward`` mirrors ``forward`` line by line. A network without hidden layers has only
direct weights, L = X W_xy + b_y.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from skrnn._network.data import inputs
from skrnn._network.data.inputs import Array
from skrnn._network.data.packing import Batch, StepRows, iter_steps, rows_of_steps
from skrnn._network.workspace import Workspace

from . import recurrence
from .parameters import Parameters

# Number of states of a direction whose gradients are computed at a time.
_BLOCK_STATES = 1 << 19


def forward(
    parameters: Parameters, batch: Batch, activation: str, space: Workspace
) -> tuple[list[Array], Array]:
    """Return the states of every layer and the logits of every row."""
    states: list[Array] = []
    X = batch.X_of_layers
    for i, (W_xh, W_hh, b_h) in enumerate(parameters.layers):
        H = space.rows(("H", i), X.shape[0], len(b_h))
        inputs.affine(X, W_xh, b_h, out=H)
        scratch = space.rows("scratch", batch.offsets[1], W_hh.shape[-1])
        for d, part in enumerate(directions(W_hh)):
            recurrence.forward(
                H[:, part],
                W_hh[d],
                batch.offsets,
                scratch,
                activation=activation,
                from_end=d == 1,
            )
        states.append(H)
        X = H
    L = space.rows("L", X.shape[0], len(parameters.b_y))
    if states:
        inputs.affine(X, parameters.W_hy, parameters.b_y, out=L)
        if parameters.W_xy is not None:
            skipped = space.rows("skipped", *L.shape)
            inputs.add_product(batch.X, parameters.W_xy, skipped, out=L)
    elif parameters.W_xy is not None:
        inputs.affine(batch.X, parameters.W_xy, parameters.b_y, out=L)
    else:
        L[...] = parameters.b_y
    if parameters.pairs is not None:
        assert batch.ngrams is not None
        batch.ngrams.add_scores(parameters.pairs, out=L)
    return states, L


def backward(
    parameters: Parameters,
    batch: Batch,
    activation: str,
    space: Workspace,
    states: list[Array],
    dL: Array,
    gradient: Parameters,
) -> None:
    """Write the gradient of the loss to ``gradient``, given that of the logits.

    That of the chain is not written: it belongs to the loss.
    """
    output_gradient(batch, states, dL, gradient)
    for array in (array for layer in gradient.layers for array in layer):
        array[...] = 0
    for deltas in iter_deltas(parameters, batch, activation, space, states, dL):
        add_layer_gradient(batch, states, deltas, gradient)


class Deltas(NamedTuple):
    """Gradient with respect to the inputs of a direction's states, at some rows."""

    layer: int
    direction: int
    part: slice  # the columns of the direction
    rows: slice
    array: Array  # (n_rows, n_hidden)


def iter_deltas(
    parameters: Parameters,
    batch: Batch,
    activation: str,
    space: Workspace,
    states: list[Array],
    dL: Array,
) -> Iterator[Deltas]:
    """Iterate over the gradients with respect to the inputs of all states.

    Each layer, from the last to the first, and each of its directions comes in blocks
    of steps, against the order of reading. A block fits into the cache, and the
    gradients of a long sequence need not be kept beside its states. The gradients are
    valid until the next ones are requested.
    """
    d_out, W_out = dL, parameters.W_hy
    for i, (W_xh, W_hh, _) in reversed(list(enumerate(parameters.layers))):
        H, n_hidden = states[i], W_hh.shape[-1]
        # The layer below needs all gradients at once.
        all_dA = space.rows(("dA", i), *H.shape) if i else None
        for d, part in enumerate(directions(W_hh)):
            carry = space.rows("scratch", batch.offsets[1], n_hidden)
            n_carried = 0
            for block in blocks_against_reading(batch, d, n_hidden):
                rows = rows_of_steps(block)
                n_rows = rows.stop - rows.start
                dA = space.rows("dA", n_rows, n_hidden)
                np.matmul(d_out[rows], W_out[part].T, out=dA)
                slopes = space.rows("slopes", n_rows, n_hidden)
                recurrence.slope(H[rows, part], activation, out=slopes)
                n_carried = recurrence.backward(
                    dA, slopes, W_hh[d], block, carry, n_carried
                )
                yield Deltas(i, d, part, rows, dA)
                if all_dA is not None:
                    all_dA[rows, part] = dA
        if all_dA is not None:
            d_out, W_out = all_dA, W_xh


def blocks_against_reading(
    batch: Batch, direction: int, n_hidden: int
) -> Iterator[list[StepRows]]:
    """Divide the steps, last read first, into blocks of limited size."""
    n_max = max(1, _BLOCK_STATES // n_hidden)
    block: list[StepRows] = []
    n_rows = 0
    for step in iter_steps(
        batch.offsets, from_end=direction == 1, against_reading=True
    ):
        size = step.now.stop - step.now.start
        if block and n_rows + size > n_max:
            yield block
            block, n_rows = [], 0
        block.append(step)
        n_rows += size
    yield block


def output_gradient(
    batch: Batch, states: list[Array], dL: Array, gradient: Parameters
) -> None:
    """Write the gradients of the weights that the logits depend on directly."""
    if states:
        np.matmul(states[-1].T, dL, out=gradient.W_hy)
    if gradient.W_xy is not None:
        gradient.W_xy[...] = inputs.transposed_product(batch.X, dL)
    if gradient.pairs is not None:
        assert batch.ngrams is not None
        batch.ngrams.weight_gradient(dL, out=gradient.pairs)
    gradient.b_y[...] = inputs.sum_of_rows(dL)


def add_layer_gradient(
    batch: Batch, states: list[Array], deltas: Deltas, gradient: Parameters
) -> None:
    """Add the gradients of a layer's weights, products of inputs and deltas."""
    i, d, part, rows, dA = deltas
    dW_xh, dW_hh, db_h = gradient.layers[i]
    after, before = batch.rows_before(rows, from_end=d == 1)
    dW_hh[d] += states[i][:, part][before].T @ dA[after]
    db_h[part] += inputs.sum_of_rows(dA)
    X = inputs.row_range(states[i - 1] if i else batch.X_of_layers, rows)
    dW_xh[:, part] += inputs.transposed_product(X, dA)


def directions(W_hh: Array) -> list[slice]:
    """Return the columns of each direction's states."""
    n_directions, n_hidden = W_hh.shape[:2]
    return [slice(d * n_hidden, (d + 1) * n_hidden) for d in range(n_directions)]
