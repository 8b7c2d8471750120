"""A linear-chain conditional random field on top of the network's logits.

    p(y) = exp(score(y)) / Z        Z = sum of exp(score) over all labelings
    score(y) = sum_t L[t, y_t] + start[y_0] + sum_t A[y_{t-1}, y_t] + end[y_{T-1}]

Scores of -inf in A, start and end forbid labelings. Rows are steps of several
sequences, time-major (see ``packing``). With the messages f and g (see ``messages``),

    p(y_t = k)               = (f_{t-1} E)[k] g_t[k] / Z
    p(y_{t-1} = j, y_t = k)  = f_{t-1}[j] E[j, k] g_t[k] / Z

and the gradient of log Z is the expectation of what multiplies a score: of L[t, k] the
first probability, of A[j, k] the sum of the second over all steps. Where a label is
unknown, the loss sums over all labels of the step: log Z less log Z over the labelings
that agree with the known labels.

The network may be in float32; everything here is computed in float64.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data.inputs import Array
from skrnn._network.data.packing import Batch
from skrnn._network.workspace import Workspace

from . import messages
from .messages import TINY, Layout, LogMatrix, Messages, Vector, layout_of, logsumexp
from .parameters import Chain
from .paths import draw, filtered, n_best, viterbi

__all__ = [
    "cross_entropy",
    "draw",
    "filtered",
    "log_marginals",
    "log_partition",
    "log_proba_of",
    "marginals",
    "n_best",
    "sequence_losses",
    "viterbi",
]

Labels = NDArray[np.intp] | NDArray[np.int32]
Mask = NDArray[np.bool_]

# Number of pairwise probabilities to compute at a time.
_N_PAIRS = 1 << 20


class Expectations(NamedTuple):
    """Derivatives of the weighted sum of log Z over the sequences of a batch."""

    log_partition: Vector  # (n_sequences,), log Z, unweighted
    marginals: Array  # (n_rows, n_outputs)
    chain: Chain

    @property
    def arrays(self) -> tuple[Array, ...]:
        """All derivatives."""
        return (self.marginals, *self.chain)


@np.errstate(all="ignore")
def cross_entropy(
    L: Array,
    batch: Batch,
    chain: Chain,
    gradient: Chain | None,
    space: Workspace | None = None,
) -> float:
    """Return the loss and replace the logits by their gradient, in place.

    Parameters
    ----------
    L : ndarray of shape (n_rows, n_outputs)
    batch : Batch
        Labels, and weights: one for all labeled steps of a sequence, 0 for others.
    chain : Chain
    gradient : Chain or None
        Arrays for the gradient with respect to those of the chain; None if only the
        loss is needed.
    space : Workspace, optional
        Buffers that are reused from one batch to the next.
    """
    if not np.isfinite(L).all():
        return np.nan
    layout, w = layout_of(batch.offsets), batch.sequence_weights
    if gradient is None:
        losses = sequence_losses(L, batch, chain)
    else:
        losses = _losses_and_gradient(L, batch, chain, layout, w, gradient, space)
    return float(w @ np.where(w > 0, losses, 0.0))


@np.errstate(all="ignore")
def sequence_losses(L: Array, batch: Batch, chain: Chain) -> Vector:
    """Return -log p of the labels of every sequence, unweighted."""
    return -log_proba_of(L, batch.offsets, batch.y, batch.w > 0, chain)


@np.errstate(all="ignore")
def log_partition(
    L: Array, offsets: Sequence[int], chain: Chain, allowed: Mask | None = None
) -> Vector:
    """Return log Z of every sequence.

    Parameters
    ----------
    L : ndarray of shape (n_rows, n_outputs)
    offsets : sequence of int
    chain : Chain
    allowed : ndarray of shape (n_rows, n_outputs), optional
        The labels over which to sum; by default all.
    """
    layout = layout_of(offsets)
    found = messages.scaled(L, layout, chain, allowed, both=False)
    if found is None:
        found = messages.logarithmic(L, layout, chain, allowed, both=False)
    return found.log_partition


@np.errstate(all="ignore")
def log_proba_of(
    L: Array, offsets: Sequence[int], y: Labels, is_known: Mask, chain: Chain
) -> Vector:
    """Return the log-probability of the labels of every sequence.

    Parameters
    ----------
    L : ndarray of shape (n_rows, n_outputs)
    offsets : sequence of int
    y : ndarray of shape (n_rows,)
    is_known : ndarray of shape (n_rows,)
        Which labels count; the probability is summed over the others.
    chain : Chain
    """
    if is_known.all():
        log_given = _scores(L, y, chain, layout_of(offsets))
    else:
        allowed = _allowed(y, is_known, L.shape[1])
        log_given = log_partition(L, offsets, chain, allowed)
    return log_given - log_partition(L, offsets, chain)


@np.errstate(all="ignore")
def marginals(L: Array, offsets: Sequence[int], chain: Chain) -> Array:
    """Return the probability of every label at every row."""
    layout = layout_of(offsets)
    found = messages.scaled(L, layout, chain, both=True)
    if found is not None:
        p, g = found.both_sides(layout)
        p *= g
        total = _row_sums(p)
        if total.min() > TINY:
            p /= total[:, None]
            return p.astype(L.dtype, copy=False)
    return np.exp(log_marginals(L, offsets, chain))


@np.errstate(all="ignore")
def log_marginals(L: Array, offsets: Sequence[int], chain: Chain) -> Array:
    """Return the logarithms of the marginals, exact even where these are 0."""
    layout = layout_of(offsets)
    log_p, g = messages.logarithmic(L, layout, chain, both=True).both_sides(layout)
    log_p += g
    log_p -= logsumexp(log_p)[:, None]
    return log_p.astype(L.dtype, copy=False)


def _losses_and_gradient(
    L: Array,
    batch: Batch,
    chain: Chain,
    layout: Layout,
    w: Vector,
    gradient: Chain,
    space: Workspace | None,
) -> Vector:
    """Return the loss of every sequence; write the gradient of their weighted sum."""
    space = space or Workspace(L.dtype)
    w = w[layout.numbers]
    every = _expectations(L, batch, chain, layout, w, space)
    is_known = batch.w > 0
    if is_known[w > 0].all():
        y = np.where(is_known, batch.y, 0)
        log_given = _scores(L, y, chain, layout)
        _subtract_labels(every, y, layout, w)
    else:
        allowed = _allowed(batch.y, is_known, L.shape[1])
        given = _expectations(L, batch, chain, layout, w, space, allowed)
        log_given = given.log_partition
        for d, expected in zip(every.arrays, given.arrays, strict=True):
            d -= expected
    for d, difference in zip((L, *gradient), every.arrays, strict=True):
        d[...] = difference
    return every.log_partition - log_given


def _expectations(
    L: Array,
    batch: Batch,
    chain: Chain,
    layout: Layout,
    w: Vector,
    space: Workspace,
    allowed: Mask | None = None,
) -> Expectations:
    """Return log Z over the allowed labels and its derivatives.

    Parameters
    ----------
    L : ndarray of shape (n_rows, n_outputs)
    batch : Batch
    chain : Chain
    layout : Layout
    w : ndarray of shape (n_rows,)
        Weight of the sequence of every row.
    space : Workspace
    allowed : ndarray of shape (n_rows, n_outputs), optional
    """
    found = messages.scaled(L, layout, chain, allowed, both=True, space=space)
    if found is not None:
        f, (p, g) = found.upto[0], found.both_sides(layout)
        p *= g
        total = _row_sums(p)
        if total.min() > TINY:
            factor = (w / total)[:, None]
            p *= factor
            g *= factor
            dA = np.exp(chain.A) * (f[batch.previous_rows].T @ g[batch.next_rows])
            return _collect(found, layout, p, dA)
    return _expectations_from_logs(L, batch, chain, layout, w, allowed)


def _expectations_from_logs(
    L: Array,
    batch: Batch,
    chain: Chain,
    layout: Layout,
    w: Vector,
    allowed: Mask | None,
) -> Expectations:
    found = messages.logarithmic(L, layout, chain, allowed, both=True)
    f, (p, g) = found.upto[0], found.both_sides(layout)
    p += g
    total = logsumexp(p)
    p -= total[:, None]
    np.exp(p, out=p)
    p *= w[:, None]
    before, after = batch.previous_rows, batch.next_rows
    dA = _sum_of_pairs(chain.A, f[before], g[after], total[after], w[after])
    return _collect(found, layout, p, dA)


def _collect(found: Messages, layout: Layout, p: Array, dA: Array) -> Expectations:
    last = layout.last
    ends = Chain(dA, p[: len(last)].sum(axis=0), p[last].sum(axis=0))
    return Expectations(found.log_partition, p, ends)


def _sum_of_pairs(A: Array, f: Array, g: Array, total: Vector, w: Vector) -> Array:
    """Return the sum of ``w exp(f[j] + A[j, k] + g[k] - total)`` over rows.

    The largest value of each row of f and of g is 0.
    """
    factor = LogMatrix(A)
    scale = np.exp(factor.shift[0] - total)
    # A product is exact unless its terms underflow, and they matter if total is tiny.
    simple = scale < 1 / TINY
    g_scaled = np.exp(g[simple]) * (w[simple] * scale[simple])[:, None]
    result: Array = factor.E * (np.exp(f[simple]).T @ g_scaled)
    hard = np.flatnonzero(~simple)
    n = max(1, _N_PAIRS // A.size)
    for i in range(0, len(hard), n):
        rows = hard[i : i + n]
        terms = f[rows, :, None] + A + (g[rows] - total[rows, None])[:, None]
        result += np.tensordot(w[rows], np.exp(terms), axes=1)
    return result


def _subtract_labels(every: Expectations, y: Labels, layout: Layout, w: Vector) -> None:
    """Subtract how often labels and pairs of labels are given."""
    first, K = len(layout.last), every.marginals.shape[1]
    every.marginals[np.arange(len(y)), y] -= w
    pairs = y[layout.previous] * K + y[first:]
    dA, d_start, d_end = every.chain
    dA -= np.bincount(pairs, w[first:], minlength=K * K).reshape(K, K)
    d_start -= np.bincount(y[:first], w[:first], minlength=K)
    d_end -= np.bincount(y[layout.last], w[layout.last], minlength=K)


def _scores(L: Array, y: Labels, chain: Chain, layout: Layout) -> Vector:
    """Return the score of the labels of every sequence."""
    first = len(layout.last)
    terms = L[np.arange(len(y)), y].astype(np.float64)
    terms[:first] += chain.start[y[:first]]
    terms[first:] += chain.A[y[layout.previous], y[first:]]
    terms[layout.last] += chain.end[y[layout.last]]
    scores: Vector = np.bincount(layout.numbers, terms).astype(np.float64, copy=False)
    return scores


def _allowed(y: Labels, is_known: Mask, n_outputs: int) -> Mask:
    """Return which labels agree with those that are known."""
    allowed: Mask = y[:, None] == np.arange(n_outputs)
    allowed[~is_known] = True
    return allowed


def _row_sums(values: Array) -> Vector:
    # A product is cheaper than a sum along the short axis.
    sums: Vector = values @ np.ones(values.shape[1])
    return sums
