"""Forward and backward messages of a chain of labels, for packed sequences.

    forward     f_t = (f_{t-1} E) * M_t      f_0     = exp(start) * M_0
    backward    g_t = (g_{t+1} E') * M_t     g_{T-1} = exp(end) * M_{T-1}

with E = exp(A) and M = exp(L). f_t[k] is the sum over all labelings of the steps up to
t that end in label k, g_t[k] the sum over those of the steps from t on that start with
k. Both are the same recursion: the backward messages are the forward messages of the
reversed sequences. So one loop computes both, stacked along a first axis.

There are two versions of the loop. ``scaled`` multiplies, and divides by the sum of a
row before numbers leave the range of float64; it returns None where it cannot exclude
an underflow. ``logarithmic`` adds logarithms, is several times slower, and always
exact.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data.inputs import Array
from skrnn._network.data.packing import iter_steps
from skrnn._network.workspace import Workspace

from .parameters import Chain

Rows = NDArray[np.intp]
Vector = NDArray[np.float64]

# The logarithm of a message changes by at most this much between two normalizations.
_RANGE = 150.0
# Numbers below this, relative to the sum of a row, are exact, but in the next interval,
# or in a product of both messages, they could underflow.
TINY = 1e-160


class Layout(NamedTuple):
    """Which rows belong to a sequence, and where it ends."""

    offsets: Sequence[int]  # (n_steps + 1,), see ``packing``
    numbers: Rows  # (n_rows,) number of the sequence of each row
    previous: Rows  # (n_later_rows,) row one step before each but the first rows
    mirror: Rows  # (n_rows,) row of the same step in the reversed sequence
    last: Rows  # (n_sequences,) row of the last step


class Messages(NamedTuple):
    """Messages of the sequences and, second, of the reversed sequences if computed."""

    before: Array  # (n_directions, n_rows, n_outputs), without the logits of the row
    upto: Array  # (n_directions, n_rows, n_outputs), with them
    log_partition: Vector  # (n_sequences,)

    def both_sides(self, layout: Layout) -> tuple[Array, Array]:
        """Return ``f_{t-1} E`` and ``g_t`` of every row."""
        # The place is not needed any more, and in the cache.
        g = _take_rows(self.upto[1], layout.mirror, out=self.before[1])
        return self.before[0], g


def scaled(
    L: Array,
    layout: Layout,
    chain: Chain,
    allowed: NDArray[np.bool_] | None = None,
    *,
    both: bool,
    space: Workspace | None = None,
) -> Messages | None:
    """Return the messages, each row times some factor, or None where out of range.

    Parameters
    ----------
    L : ndarray of shape (n_rows, n_outputs)
    layout : Layout
    chain : Chain
    allowed : ndarray of shape (n_rows, n_outputs), optional
        The labels over which to sum; by default all.
    both : bool
        Compute backward messages, too.
    space : Workspace, optional
        Its buffers hold the messages, those over all labels and those over allowed ones
        apart from each other.
    """
    shift, size = _shift(L)
    growth = size + max(map(_largest, chain)) + np.log(L.shape[1])
    if not growth <= _RANGE:  # or not a number
        return None
    E, edges = _stack(*map(np.exp, chain), both=both)
    has_zeros = allowed is not None or not (E.all() and edges.all())

    before, upto = _buffers(L, len(E), allowed is None, space)
    np.subtract(L, shift, out=upto[0], dtype=np.float64)
    np.exp(upto[0], out=upto[0])
    if allowed is not None:
        upto[0] *= allowed
    if both:
        _take_rows(upto[0], layout.mirror, out=upto[1])
    interval = int(_RANGE // max(growth, 1.0))
    log_scale = _multiply(before, upto, E, edges, layout, interval, has_zeros)
    if log_scale is None:
        return None
    total = upto[0, layout.last] @ np.exp(chain.end)
    if not total.min() > TINY:
        return None
    log_partition = np.log(total) + log_scale[0]
    if len(shift) == len(L):
        log_partition += np.bincount(layout.numbers, shift[:, 0])
    return Messages(before, upto, log_partition)


def logarithmic(
    L: Array,
    layout: Layout,
    chain: Chain,
    allowed: NDArray[np.bool_] | None = None,
    *,
    both: bool,
) -> Messages:
    """Return the logarithms of the messages, each row plus some constant.

    Parameters are those of ``scaled``.
    """
    A, edges = _stack(*chain, both=both)
    before, upto = _buffers(L, len(A))
    upto[0] = L
    if allowed is not None:
        upto[0, ~allowed] = -np.inf
    if both:
        _take_rows(upto[0], layout.mirror, out=upto[1])
    log_scale = _add_logs(before, upto, A, edges, layout)
    total = logsumexp(upto[0, layout.last] + chain.end)
    return Messages(before, upto, total + log_scale[0])


def _multiply(
    before: Array,  # (n_directions, n_rows, n_outputs), becomes f_{t-1} E
    upto: Array,  # (n_directions, n_rows, n_outputs), M, becomes f_t
    E: Array,  # (n_directions, n_outputs, n_outputs)
    edges: Array,  # (n_directions, n_outputs)
    layout: Layout,
    interval: int,
    has_zeros: bool,
) -> Array | None:
    """Compute messages; return the logarithms of what they were divided by."""
    log_scale = np.zeros((len(E), len(layout.last)))
    ones = np.ones(E.shape[-1])
    before[:, : len(layout.last)] = edges[:, None]
    for t, (now, _, previous) in enumerate(iter_steps(layout.offsets, from_end=False)):
        if t:
            np.matmul(upto[:, previous], E, out=before[:, now])
        f = upto[:, now]
        f *= before[:, now]
        if (t + 1) % interval == 0:
            total = f @ ones
            f *= (1 / total)[..., None]  # cheaper than a division of each
            log_scale[:, : f.shape[1]] += np.log(total)
            # Without zeros, every message is fed by the largest one before it.
            if has_zeros and ((f < TINY) & (f > 0)).any():
                return None
    return log_scale


def _add_logs(
    before: Array,  # (n_directions, n_rows, n_outputs), becomes log(f_{t-1} E)
    upto: Array,  # (n_directions, n_rows, n_outputs), L, becomes log(f_t)
    A: Array,  # (n_directions, n_outputs, n_outputs)
    edges: Array,  # (n_directions, n_outputs)
    layout: Layout,
) -> Array:
    """Compute logarithms of messages; return what was subtracted from them."""
    log_scale = np.zeros((len(A), len(layout.last)))
    factor = LogMatrix(A)
    before[:, : len(layout.last)] = edges[:, None]
    for t, (now, _, previous) in enumerate(iter_steps(layout.offsets, from_end=False)):
        if t:
            before[:, now] = factor.multiply(upto[:, previous])
        f = upto[:, now]
        f += before[:, now]
        largest = _finite_or_zero(f.max(axis=2, keepdims=True))
        f -= largest
        log_scale[:, : f.shape[1]] += largest[..., 0]
    return log_scale


class LogMatrix:
    """Matrices given by their logarithms, for products of logarithms.

    Parameters
    ----------
    A : ndarray of shape (..., n, n)
    """

    def __init__(self, A: Array) -> None:
        self.A = A
        self.shift = _finite_or_zero(A.max(axis=(-2, -1), keepdims=True))
        self.E = np.exp(A - self.shift)

    def multiply(self, log_f: Array) -> Array:
        """Return ``log(exp(log_f) @ exp(A))``, without underflow.

        Parameters
        ----------
        log_f : ndarray of shape (..., n_rows, n)
        """
        largest = _finite_or_zero(log_f.max(axis=-1, keepdims=True))
        product = np.exp(log_f - largest) @ self.E
        result: Array = np.log(product) + (largest + self.shift)
        # Terms that underflow are lost, which matters where the others are small.
        lost = np.nonzero(~(product > TINY))
        if lost[0].size:
            A_to = np.swapaxes(self.A, -1, -2)
            terms = log_f[lost[:-1]] + A_to[lost[:-2] + lost[-1:]]
            result[lost] = logsumexp(terms)
        return result


def logsumexp(values: Array) -> Array:
    """Return ``log(sum(exp(values)))`` along the last axis."""
    largest = _finite_or_zero(values.max(axis=-1, keepdims=True))
    total: Array = np.log(np.exp(values - largest).sum(axis=-1)) + largest[..., 0]
    return total


def layout_of(offsets: Sequence[int]) -> Layout:
    """Return the layout of packed rows."""
    starts, sizes = np.asarray(offsets[:-1]), np.diff(offsets)
    steps = np.repeat(np.arange(len(sizes)), sizes)
    numbers = np.arange(offsets[-1]) - starts[steps]
    # Step t has as many rows as there are sequences longer than t.
    lengths = np.searchsorted(-sizes, -np.arange(offsets[1]))
    first = offsets[1]
    previous = starts[steps[first:] - 1] + numbers[first:]
    mirror = starts[lengths[numbers] - 1 - steps] + numbers
    return Layout(offsets, numbers, previous, mirror, mirror[:first])


def _stack(A: Array, start: Array, end: Array, *, both: bool) -> tuple[Array, Array]:
    # Of the reversed sequences: the transposed matrix, and they start at the end.
    n = 2 if both else 1
    return np.stack([A, A.T][:n]), np.stack([start, end][:n])


def _buffers(
    L: Array, n_directions: int, is_free: bool = True, space: Workspace | None = None
) -> tuple[Array, Array]:
    """Return arrays for messages before and up to each row."""
    n_rows, n_outputs = L.shape
    space = space or Workspace(np.dtype(np.float64))

    def rows(name: str) -> Array:
        flat = space.rows(
            (name, is_free), n_directions * n_rows, n_outputs, np.dtype(np.float64)
        )
        return flat.reshape(n_directions, n_rows, n_outputs)

    return rows("before"), rows("upto")


def _take_rows(values: Array, rows: Rows, out: Array) -> Array:
    # With mode="raise" and a given array, NumPy makes a copy first.
    return np.take(values, rows, axis=0, out=out, mode="clip")


def _shift(L: Array) -> tuple[Array, float]:
    """Return what to subtract from each row, and the size of what remains."""
    size = max(L.max(), -L.min())
    # The maximum along the short axis costs as much as a matrix product.
    if size <= _RANGE / 2:
        return np.zeros((1, 1)), float(size)
    shift = L.max(axis=1, keepdims=True)
    return shift, float((shift - L.min(axis=1, keepdims=True)).max())


def _largest(values: Array) -> float:
    """Return the largest absolute value that is not -inf."""
    return float(np.abs(values[values > -np.inf]).max(initial=0.0))


def _finite_or_zero(values: Array) -> Array:
    # Where all labelings are impossible, -inf - -inf would be no number.
    result: Array = np.where(values == -np.inf, 0.0, values)
    return result
