"""Outputs and states of a trained network, a batch at a time."""

from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .data.inputs import Array
from .data.packing import (
    Ids,
    Source,
    by_length,
    pack,
    split_into_batches,
    time_major,
)
from .data.steps import first_steps
from .model import chain, network, recurrence
from .model.loss import log_softmax, softmax
from .model.parameters import Architecture, Chain, Parameters
from .parallel import ThreadGroup, effective_n_threads, one_blas_thread
from .workspace import borrowed_workspace

Mask = NDArray[np.bool_]

# Rows and states of a batch: few enough for the cache, enough for matrix products and
# elementwise functions to outweigh call overhead.
_BATCH_ROWS = 1 << 14
_BATCH_STATES = 1 << 19
# Values of X in a batch to use memory again for: not for long sequences.
_MAX_BUFFER = 1 << 21


class ForwardPass(NamedTuple):
    """States and logits of a batch, and how its labels depend on each other."""

    states: list[Array]
    L: Array
    offsets: list[int]  # of the steps, see `Batch`
    chain: Chain | None


OutputFn = Callable[[ForwardPass], Array]


def logits(result: ForwardPass) -> Array:
    """Return the logits, without the scores of a chain."""
    return result.L


def probabilities(result: ForwardPass) -> Array:
    """Return the probabilities of labels; may overwrite the logits."""
    if result.chain is None:
        return softmax(result.L)
    return chain.marginals(result.L, result.offsets, result.chain)


def log_probabilities(result: ForwardPass) -> Array:
    """Return the log-probabilities, accurate even where probabilities round to 0."""
    if result.chain is None:
        return log_softmax(result.L)
    return chain.log_marginals(result.L, result.offsets, result.chain)


def most_probable(result: ForwardPass) -> Array:
    """Return the classes of the most probable labeling of each sequence."""
    if result.chain is None:
        numbers: Array = result.L.argmax(axis=1)
        return numbers
    return chain.viterbi(result.L, result.offsets, result.chain)


def last_states(result: ForwardPass) -> Array:
    """Return the states of the last layer."""
    if result.states:
        return result.states[-1]
    return np.empty((len(result.L), 0), result.L.dtype)


def evaluate(
    architecture: Architecture,
    parameters: Parameters,
    source: Source,
    dtype: np.dtype[Any],
    output_fn: OutputFn,
) -> Array:
    """Run the network over all sequences.

    Returns
    -------
    ndarray of shape (n_valid_steps, ...)
        The results of ``output_fn`` for all sequences, concatenated.

    Raises
    ------
    OverflowError
        If a parameter is too large for the type.
    FloatingPointError
        If the outputs of a step are not finite.
    """
    parameters = architecture.cast(parameters, dtype)
    n_rows = int(source.lengths.sum())
    ids = by_length(source.lengths)
    ids = ids[source.lengths[ids] > 0]
    starts = first_steps(source.lengths)
    one_row = output_fn(
        ForwardPass(
            [np.zeros((1, architecture.n_states), dtype)],
            np.zeros((1, architecture.n_outputs), dtype),
            [0, 1],
            parameters.chain,
        )
    )
    out = np.empty((n_rows, *one_row.shape[1:]), one_row.dtype)

    def work(part: list[Ids]) -> None:
        # Non-finite values are detected below.
        with borrowed_workspace(dtype) as space, np.errstate(all="ignore"):
            for batch_ids in part:
                n_values = source.lengths[batch_ids].sum() * architecture.n_features
                batch = pack(
                    source,
                    batch_ids,
                    dtype,
                    starts=starts,
                    space=space if n_values <= _MAX_BUFFER else None,
                )
                states, L = network.forward(
                    parameters, batch, architecture.activation, space
                )
                if not np.isfinite(L).all():
                    raise FloatingPointError("the network overflows")
                out[batch.steps] = output_fn(
                    ForwardPass(states, L, batch.offsets, parameters.chain)
                )

    with one_blas_thread() as n_available:
        n_threads = effective_n_threads(architecture, source.lengths, n_available)
        shares = split_for_threads(
            ids, source.lengths, architecture.n_states, n_threads
        )
        with closing(ThreadGroup(n_threads)) as threads:
            threads.map(work, shares)
    return out


def split_for_threads(
    ids: Ids, lengths: Ids, n_states: int, n_threads: int
) -> list[list[Ids]]:
    """Split sequences, longest first, into the batches of each thread."""
    n_rows = min(_BATCH_ROWS, _BATCH_STATES // max(1, n_states))
    cut = split_into_batches(ids, lengths, n_threads, n_rows)
    return [cut[i::n_threads] for i in range(n_threads)]


def step(
    parameters: Parameters, activation: str, X_t: Array, state: tuple[Array, ...]
) -> tuple[Array, tuple[Array, ...]]:
    """Process one step of several sequences; return its logits and the new states.

    The cost does not depend on the number of previous steps. For a single row, call
    overhead dominates, which is half as much for `dot` as for `@`.
    """
    H = X_t
    states = []
    # The state of a chain comes last, and is not needed for the logits.
    for (W_xh, W_hh, b_h), before in zip(parameters.layers, state, strict=False):
        H = H.dot(W_xh)
        H += before.dot(W_hh[0])
        H += b_h
        recurrence.activate(H, activation)
        states.append(H)
    if states:
        L = H.dot(parameters.W_hy)
        L += parameters.b_y
    else:
        L = np.tile(parameters.b_y, (len(X_t), 1))
    if parameters.W_xy is not None:
        L += X_t.dot(parameters.W_xy)
    return L, tuple(states)


def filtered(L: Array, predicted: Array, scores: Chain) -> tuple[Array, Array]:
    """Return the probabilities of labels given the steps so far, and the new state.

    Parameters
    ----------
    L : ndarray of shape (n_sequences, n_outputs)
        Logits of a step.
    predicted : ndarray of shape (n_sequences, n_outputs)
        Log-probabilities of its label given the steps before, up to a constant.
    scores : Chain
    """
    with np.errstate(divide="ignore"):  # the logarithm of 0 is -inf
        log_proba, predicted = chain.filtered(L, predicted, scores)
    return np.exp(log_proba).astype(L.dtype), predicted.astype(L.dtype)


def sequence_log_probabilities(
    L: Array, lengths: Ids, y: Ids, is_known: Mask, scores: Chain | None
) -> Array:
    """Return the log-probability of the labels of every sequence.

    Parameters
    ----------
    L : ndarray of shape (n_steps, n_outputs)
        Logits of all sequences, one after another.
    lengths : ndarray of shape (n_sequences,)
    y, is_known : ndarray of shape (n_steps,)
        Class of each step, and whether it is known; unknown ones are summed over.
    scores : Chain or None

    Returns
    -------
    ndarray of shape (n_sequences,)
    """
    out, starts = np.zeros(len(lengths)), first_steps(lengths)
    if scores is None:
        log_proba = log_softmax(L.astype(np.float64))[np.arange(len(L)), y]
        number = np.repeat(np.arange(len(lengths)), lengths)
        np.add.at(out, number, np.where(is_known, log_proba, 0.0))
        return out
    ids = by_length(lengths)
    for batch_ids in split_into_batches(ids[lengths[ids] > 0], lengths):
        offsets, i, t = time_major(lengths[batch_ids])
        rows = starts[batch_ids][i] + t
        log_proba = chain.log_proba_of(
            L[rows], offsets.tolist(), y[rows], is_known[rows], scores
        )
        out[batch_ids] = np.minimum(log_proba, 0.0)  # but for rounding
    # Of a sequence that no labeling fits, 0 / 0.
    out[np.isnan(out)] = -np.inf
    return out


def n_best(
    L: Array, lengths: Ids, scores: Chain | None, n: int
) -> list[tuple[Ids, Array]]:
    """Return the n most probable labelings of every sequence.

    Parameters
    ----------
    L : ndarray of shape (n_steps, n_outputs)
        Logits of all sequences, one after another.
    lengths : ndarray of shape (n_sequences,)
    scores : Chain
    n : int

    Returns
    -------
    list of (labels, log_proba)
        Arrays of shape (n_i, n_steps_i) and (n_i,), n_i <= n. An empty sequence has one
        labeling, of probability 1.
    """
    assert scores is not None
    found = []
    for start, length in zip(first_steps(lengths), lengths, strict=True):
        if length == 0:
            found.append((np.empty((1, 0), np.intp), np.zeros(1)))
        else:
            labels, log_proba = chain.n_best(L[start : start + length], scores, n)
            found.append((labels, np.minimum(log_proba, 0.0)))  # but for rounding
    return found
