"""Outputs and states of a trained network, a batch at a time."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np

from .data.inputs import Array
from .data.packing import Ids, Source, by_length, first_steps, pack, split_into_batches
from .model import network, recurrence
from .model.loss import log_softmax, softmax
from .model.parameters import Architecture, Parameters
from .parallel import ThreadGroup, effective_n_threads, one_blas_thread

# Buffers last for one call. The operating system reclaims larger buffers and clears
# them again each time, which costs half as much as the computation. With several
# threads, small buffers cause similar overhead, unless states exceed the cache.
_ROWS_ONE_THREAD = 1 << 12
_ROWS_MANY_THREADS = 1 << 14
_STATES_MANY_THREADS = 1 << 20


# (states, logits) -> requested output
OutputFn = Callable[[list[Array], Array], Array]


def logits(states: list[Array], L: Array) -> Array:
    """Return the logits of a forward pass."""
    return L


def probabilities(states: list[Array], L: Array) -> Array:
    """Return the probabilities of a forward pass; overwrites the logits."""
    return softmax(L)


def log_probabilities(states: list[Array], L: Array) -> Array:
    """Return the log-probabilities, accurate even where probabilities round to 0."""
    return log_softmax(L)


def most_probable(states: list[Array], L: Array) -> Array:
    """Return the index of the most probable class."""
    numbers: Array = L.argmax(axis=1)
    return numbers


def last_states(states: list[Array], L: Array) -> Array:
    """Return the states of the last layer."""
    return states[-1]


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
    nothing = output_fn(
        [np.empty((0, architecture.n_states), dtype)],
        np.empty((0, architecture.n_outputs), dtype),
    )
    out = np.empty((n_rows, *nothing.shape[1:]), nothing.dtype)

    def work(part: list[Ids]) -> None:
        space = network.Workspace(dtype)
        with np.errstate(all="ignore"):  # non-finite values are detected below
            for batch_ids in part:
                batch = pack(source, batch_ids, dtype, starts=starts)
                states, L = network.forward(
                    parameters, batch, architecture.activation, space
                )
                if not np.isfinite(L).all():
                    raise FloatingPointError("the network overflows")
                out[batch.steps] = output_fn(states, L)

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
    n_rows = _ROWS_ONE_THREAD
    if n_threads > 1:
        n_rows = min(_ROWS_MANY_THREADS, _STATES_MANY_THREADS // n_states)
    cut = split_into_batches(ids, lengths, n_threads, n_rows)
    return [cut[i::n_threads] for i in range(n_threads)]


def step(
    parameters: Parameters, activation: str, X_t: Array, state: tuple[Array, ...]
) -> tuple[Array, tuple[Array, ...]]:
    """Process one step of several sequences; return its logits and the new state.

    The cost does not depend on the number of previous steps. For a single row, call
    overhead dominates, which is half as much for `dot` as for `@`.
    """
    H = X_t
    states = []
    for (W_xh, W_hh, b_h), before in zip(parameters.layers, state, strict=True):
        H = H.dot(W_xh)
        H += before.dot(W_hh[0])
        H += b_h
        recurrence.activate(H, activation)
        states.append(H)
    L = H.dot(parameters.W_hy)
    L += parameters.b_y
    return L, tuple(states)
