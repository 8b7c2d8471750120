"""Outputs and states of a trained network, a batch at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import network, recurrence
from .loss import softmax
from .packing import Source, by_length, first_steps, pack, runs
from .parameters import Architecture, Parameters
from .threads import one_blas_thread

Array = NDArray[Any]

# Fewer multiplications than this are done before threads have met.
_MIN_WORK_FOR_THREADS = 2e7


def logits(batch_states: list[Array], L: Array) -> Array:
    """Choose the logits among what a forward pass returns."""
    return L


def probabilities(batch_states: list[Array], L: Array) -> Array:
    """Turn the logits among what a forward pass returns into probabilities."""
    return softmax(L)


def last_states(batch_states: list[Array], L: Array) -> Array:
    """Choose the states of the last layer among what a forward pass returns."""
    return batch_states[-1]


def evaluate(
    architecture: Architecture,
    parameters: Parameters,
    source: Source,
    dtype: np.dtype[Any],
    choose: Callable[[list[Array], Array], Array],
) -> Array:
    """Run the network over all sequences.

    Returns
    -------
    ndarray of shape (n_valid_steps, n_columns)
        What ``choose`` picks, one sequence after another.
    """
    parameters = architecture.unflatten(
        architecture.flatten(parameters).astype(dtype, copy=False)
    )
    n_rows = int(source.lengths.sum())
    ids = by_length(source.lengths)
    ids = ids[source.lengths[ids] > 0]
    starts = first_steps(source.lengths)
    nothing = np.empty((0, _n_states(architecture))), np.empty((0, len(parameters.b_y)))
    out = np.empty((n_rows, choose([nothing[0]], nothing[1]).shape[1]), dtype)

    def work(share: list[NDArray[np.intp]]) -> None:
        space = network.Workspace(dtype)
        with np.errstate(all="ignore"):
            for run in share:
                batch = pack(source, run, dtype, starts=starts)
                states, L = network.forward(
                    parameters, batch, architecture.activation, space
                )
                out[batch.steps] = choose(states, L)

    if n_rows * architecture.n_recurrent < _MIN_WORK_FOR_THREADS:
        work(runs(ids, source.lengths))
        return out
    with one_blas_thread() as n_threads, ThreadPoolExecutor(n_threads) as pool:
        cut = runs(ids, source.lengths, n_threads)
        list(pool.map(work, [cut[i::n_threads] for i in range(n_threads)]))
    return out


def _n_states(architecture: Architecture) -> int:
    return architecture.n_directions * architecture.hidden_layer_sizes[-1]


def step(
    parameters: Parameters, activation: str, X_t: Array, state: tuple[Array, ...]
) -> tuple[Array, tuple[Array, ...]]:
    """Read one step of several sequences; return its logits and the new state.

    The cost does not depend on how much was read before. For a single row most of it is
    that of starting a call, which is half as much for `dot` as for `@`.
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
