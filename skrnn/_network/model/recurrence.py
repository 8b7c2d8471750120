"""Forward and backward sweep of one direction of a recurrent layer.

    a_t = x_t W_xh + b_h + h_{t-1} W_hh        h_t = f(a_t)        h_0 = 0

Rows are valid steps, time-major (see ``packing``). ``A`` already contains
``x_t W_xh + b_h`` for all rows, computed at once; the sweep adds the recurrent term,
which requires a loop over steps. The backward sweep mirrors the forward sweep in
reverse order, line by line; ``dV`` is the gradient of the loss with respect to ``V``.
"""

from collections.abc import Sequence

import numpy as np

from skrnn._network.data.inputs import Array
from skrnn._network.data.packing import StepRows, rows_of_steps


def forward(
    A: Array,  # (n_rows, n_hidden), becomes H
    W_hh: Array,  # (n_hidden, n_hidden)
    offsets: Sequence[int],
    scratch: Array,  # (n_sequences, n_hidden)
    *,
    activation: str,
    from_end: bool,
) -> None:
    """Compute the states of a direction from its inputs, in place."""
    order = range(len(offsets) - 1)
    before = A[:0]
    for t in reversed(order) if from_end else order:
        now = A[offsets[t] : offsets[t + 1]]
        n = min(len(now), len(before))
        if n:
            shared = now[:n]
            shared += np.matmul(before[:n], W_hh, out=scratch[:n])
        activate(now, activation)
        before = now


def backward(
    dH: Array,  # (n_rows, n_hidden), becomes dA
    slopes: Array,  # (n_rows, n_hidden), f'(a) of every row
    W_hh: Array,  # (n_hidden, n_hidden)
    steps: Sequence[StepRows],  # last read first
    carry: Array,  # (n_sequences, n_hidden), dA W_hh^T of the step read next
    n_carried: int,  # rows of it, 0 if there is none
) -> int:
    """Compute gradients of a direction's inputs from those of its states, in place.

    The steps may be a part of all; ``dH`` and ``slopes`` have only their rows. Returns
    the ``n_carried`` for the part that is read before.
    """
    first_row = rows_of_steps(steps).start
    for now, shared, _ in steps:
        local = slice(now.start - first_row, now.stop - first_row)
        dA = dH[local]
        if n_carried:
            dA[:n_carried] += carry[:n_carried]
        dA *= slopes[local]
        n_carried = _size(shared)
        if n_carried:
            np.matmul(dA[:n_carried], W_hh.T, out=carry[:n_carried])
    return n_carried


def activate(A: Array, activation: str) -> None:
    """Apply the activation function in place."""
    if activation == "tanh":
        np.tanh(A, out=A)
    else:
        np.maximum(A, 0, out=A)


def slope(H: Array, activation: str, out: Array) -> Array:
    """Compute f'(a) from h = f(a)."""
    if activation == "tanh":
        np.multiply(H, H, out=out)
        return np.subtract(1, out, out=out)
    return np.greater(H, 0, out=out, casting="unsafe")


def _size(rows: slice) -> int:
    return int(rows.stop - rows.start)
