"""Forward and backward pass of the whole network on one batch.

    H^0 = X        H^l = [forward states | backward states] of layer l
    L = H^last W_hy + b_y (+ X W_xy) (+ weights of n-grams)

``backward`` mirrors ``forward`` line by line. A network without hidden layers has only
direct weights, L = X W_xy + b_y.
"""

from typing import Any

import numpy as np

from skrnn._network.data import inputs
from skrnn._network.data.inputs import Array
from skrnn._network.data.packing import Batch

from . import recurrence
from .parameters import Parameters


class Workspace:
    """Buffers that are reused from one batch to the next."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._buffers: dict[object, Array] = {}

    def rows(
        self,
        name: object,
        n_rows: int,
        n_columns: int,
        dtype: np.dtype[Any] | None = None,
    ) -> Array:
        """Return an uninitialized array of shape (n_rows, n_columns)."""
        size = n_rows * n_columns
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size, dtype or self.dtype)
        return buffer[:size].reshape(n_rows, n_columns)


def forward(
    parameters: Parameters, batch: Batch, activation: str, space: Workspace
) -> tuple[list[Array], Array]:
    """Return the states of every layer and the logits of every row."""
    states: list[Array] = []
    X = batch.X
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
        inputs.affine(X, parameters.W_xy, parameters.b_y, out=L)
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
    dA = backward_states(parameters, batch, activation, space, states, dL)
    weight_gradients(batch, states, dA, dL, gradient)


def backward_states(
    parameters: Parameters,
    batch: Batch,
    activation: str,
    space: Workspace,
    states: list[Array],
    dL: Array,
) -> list[Array]:
    """Return the gradient with respect to the inputs of every layer's states."""
    d_inputs: list[Array] = []
    if not states:
        return d_inputs
    dH = space.rows(("dH", len(states) - 1), *states[-1].shape)
    np.matmul(dL, parameters.W_hy.T, out=dH)
    for i, (W_xh, W_hh, _) in reversed(list(enumerate(parameters.layers))):
        H = states[i]
        slopes = recurrence.slope(H, activation, space.rows("slopes", *H.shape))
        scratch = space.rows("scratch", batch.offsets[1], W_hh.shape[-1])
        for d, part in enumerate(directions(W_hh)):
            recurrence.backward(
                dH[:, part],
                slopes[:, part],
                W_hh[d],
                batch.offsets,
                scratch,
                from_end=d == 1,
            )
        dA = dH
        d_inputs.insert(0, dA)
        if i:
            dH = space.rows(("dH", i - 1), *states[i - 1].shape)
            np.matmul(dA, W_xh.T, out=dH)
    return d_inputs


def weight_gradients(
    batch: Batch,
    states: list[Array],
    d_inputs: list[Array],
    dL: Array,
    gradient: Parameters,
) -> None:
    """Write the weight gradients, products of inputs and deltas, to ``gradient``."""
    if states:
        inputs.input_weight_grad(states[-1], dL, out=gradient.W_hy)
    if gradient.W_xy is not None:
        inputs.input_weight_grad(batch.X, dL, out=gradient.W_xy)
    if gradient.pairs is not None:
        assert batch.ngrams is not None
        batch.ngrams.weight_gradient(dL, out=gradient.pairs)
    np.sum(dL, axis=0, out=gradient.b_y)
    for i, (dW_xh, dW_hh, db_h) in enumerate(gradient.layers):
        H, dA = states[i], d_inputs[i]
        for d, part in enumerate(directions(dW_hh)):
            rows = batch.previous_rows, batch.next_rows
            before, after = rows[:: -1 if d == 1 else 1]
            np.matmul(H[:, part][before].T, dA[:, part][after], out=dW_hh[d])
        np.sum(dA, axis=0, out=db_h)
        X = states[i - 1] if i else batch.X
        inputs.input_weight_grad(X, dA, out=dW_xh)


def directions(W_hh: Array) -> list[slice]:
    """Return the columns of each direction's states."""
    n_directions, n_hidden = W_hh.shape[:2]
    return [slice(d * n_hidden, (d + 1) * n_hidden) for d in range(n_directions)]
