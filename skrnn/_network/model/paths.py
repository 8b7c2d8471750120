"""Labelings of a chain: the most probable ones, random ones, and streams.

    best      d_t[k] = max_j (d_{t-1}[j] + A[j, k]) + L[t, k]
    random    y_{T-1} ~ f_{T-1} exp(end)        y_{t-1} ~ f_{t-1}[j] exp(A[j, y_t])
    stream    p(y_t | x_0 ... x_t) = (p_{t-1} E) * exp(L_t), normalized

Both kinds of labelings are read from the last step to the first. ``chain`` has the
model, ``messages`` the forward messages f.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data.inputs import Array
from skrnn._network.data.packing import iter_steps

from . import messages
from .messages import LogMatrix, Vector, layout_of, logsumexp
from .parameters import Chain

Labels = NDArray[np.intp]

# Number of pairs of labels to compare at a time.
_N_PAIRS = 1 << 18


@np.errstate(all="ignore")
def viterbi(L: Array, offsets: Sequence[int], chain: Chain) -> Labels:
    """Return the most probable labels of every sequence, as shape (n_rows,)."""
    d = L.astype(np.float64)
    d[: offsets[1]] += chain.start
    for now, shared, before in iter_steps(offsets, from_end=False):
        if shared.stop > shared.start:
            d[now] += _max_product(d[before], chain.A)
    return _read_back(d, offsets, chain, _most_probable)


@np.errstate(all="ignore")
def draw(L: Array, offsets: Sequence[int], chain: Chain, u: Vector) -> Labels:
    """Draw the labels of every sequence from the model.

    Parameters
    ----------
    L : ndarray of shape (n_rows, n_outputs)
    offsets : sequence of int
    chain : Chain
    u : ndarray of shape (n_rows,)
        Uniform random numbers below 1.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    log_f = messages.logarithmic(L, layout_of(offsets), chain, both=False).upto[0]

    def choose(scores: Array, rows: slice) -> Labels:
        p = np.exp(scores - scores.max(axis=1, keepdims=True)).cumsum(axis=1)
        p /= p[:, -1:]  # the last becomes 1, and is larger than any u
        labels: Labels = (p > u[rows, None]).argmax(axis=1)
        return labels

    return _read_back(log_f, offsets, chain, choose)


@np.errstate(all="ignore")
def n_best(L: Array, chain: Chain, n: int) -> tuple[Labels, Vector]:
    """Return the most probable labelings of one sequence, best first.

    Parameters
    ----------
    L : ndarray of shape (n_steps, n_outputs)
    chain : Chain
    n : int

    Returns
    -------
    labels : ndarray of shape (n_found, n_steps)
        All different; fewer than n if no more are allowed.
    log_proba : ndarray of shape (n_found,)
    """
    L = L.astype(np.float64)
    T, K = L.shape
    # d[i, k] is the score of the i-th best labeling so far that ends in label k, and
    # comes_from[t][i, k] its place, i' * K + j, one step before.
    d = (chain.start + L[0])[None]
    comes_from = []
    for t in range(1, T):
        candidates = (d[:, :, None] + chain.A).reshape(-1, K)
        best = _best(candidates, n)
        comes_from.append(best)
        d = np.take_along_axis(candidates, best, axis=0) + L[t]
    final = (d + chain.end).reshape(-1, 1)
    place = _best(final, n)[:, 0]
    place = place[final[place, 0] > -np.inf]
    scores = final[place, 0]
    labels = np.empty((len(place), T), np.intp)
    labels[:, -1] = place % K
    for t in range(T - 1, 0, -1):
        place = comes_from[t - 1].ravel()[place]
        labels[:, t - 1] = place % K
    layout = layout_of(range(T + 1))
    log_Z = messages.logarithmic(L, layout, chain, both=False).log_partition
    return labels, scores - log_Z


@np.errstate(all="ignore")
def filtered(L_t: Array, predicted: Array, chain: Chain) -> tuple[Array, Array]:
    """Read one more step of several sequences.

    Parameters
    ----------
    L_t : ndarray of shape (n_sequences, n_outputs)
        Logits of the step.
    predicted : ndarray of shape (n_sequences, n_outputs) or (n_outputs,)
        Logarithm of the probability of each label given the steps before, up to a
        constant for each sequence; at the first step ``chain.start``.
    chain : Chain

    Returns
    -------
    log_p : ndarray of shape (n_sequences, n_outputs)
        Logarithm of the probability of each label given the steps so far, whatever may
        follow: the scores of the end are not used.
    predicted : ndarray of shape (n_sequences, n_outputs)
        What to pass at the next step.
    """
    log_p = L_t.astype(np.float64) + predicted
    log_p -= logsumexp(log_p)[:, None]
    return log_p, LogMatrix(chain.A).multiply(log_p)


def _read_back(
    d: Array,
    offsets: Sequence[int],
    chain: Chain,
    choose: Callable[[Array, slice], Labels],
) -> Labels:
    """Choose labels from the last step to the first.

    ``choose`` receives the scores of the labels of some rows given the labels that
    follow, of shape (n, n_outputs), and the rows.
    """
    y = np.empty(len(d), np.intp)
    A_to = np.ascontiguousarray(chain.A.T)
    following, n_following = 0, 0
    for start, stop in reversed(list(pairwise(offsets))):
        scores = d[start:stop] + chain.end
        goes_on = slice(following, following + n_following)
        scores[:n_following] = d[start : start + n_following] + A_to[y[goes_on]]
        y[start:stop] = choose(scores, slice(start, stop))
        following, n_following = start, stop - start
    return y


def _most_probable(scores: Array, rows: slice) -> Labels:
    labels: Labels = scores.argmax(axis=1)
    return labels


def _max_product(d: Array, A: Array) -> Array:
    """Return ``max_j (d[i, j] + A[j, k])`` for all i and k."""
    n = max(1, _N_PAIRS // A.size)
    parts = (d[i : i + n].T[:, :, None] + A[:, None] for i in range(0, len(d), n))
    return np.concatenate([part.max(axis=0) for part in parts])


def _best(scores: Array, n: int) -> Labels:
    """Return the rows of the n largest scores of each column, best first."""
    order: Labels = np.argsort(-scores, axis=0, kind="stable")[:n]
    return order
