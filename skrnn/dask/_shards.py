"""Packed sequences on a worker, and the sums over them.

chunks and their part of the order -> batches -> loss and gradient

As those of ``_chunks``, these functions run as tasks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import packing
from skrnn._network.data.packing import Batch, first_steps
from skrnn._network.model.network import Workspace
from skrnn._network.model.parameters import Architecture
from skrnn._network.parallel import one_blas_thread
from skrnn._network.training import regularization
from skrnn._network.training.objective import sum_of_gradients, sum_of_losses, weight_of
from skrnn._network.training.target_scaling import TargetScaler
from skrnn._validation.sequences import Sequences

from ._chunks import Chunk, Targets, Weighty
from ._order import Part

Array = NDArray[Any]
Ids = NDArray[np.intp]
Vector = NDArray[np.float64]


@dataclass
class Shard(Weighty):
    """Packed sequences that stay where they are."""

    batches: list[Batch]
    held_out: list[Batch]
    dtype: np.dtype[Any]


class _Piece(NamedTuple):
    """A chunk and what a part says of it."""

    sequences: Sequences
    ids: Ids
    y: Array
    w: Vector
    held_out: NDArray[np.bool_]
    sampled: Ids


def _pieces(chunks: list[Chunk], part: Part, targets: Targets) -> Iterator[_Piece]:
    begin = 0
    for chunk in chunks:
        lengths = chunk.sequences.lengths
        end = begin + len(lengths)
        here = (part.ids >= begin) & (part.ids < end)
        ids = part.ids[here] - begin
        per_sequence = np.zeros(len(lengths))
        per_sequence[ids] = part.weights[here]
        w = np.repeat(per_sequence, lengths)
        starts = first_steps(lengths)
        for i, weights in part.step_weights.items():
            if begin <= i < end:
                start = starts[i - begin]
                w[start : start + len(weights)] = weights
        y = targets.encode(chunk.y)
        w *= targets.weights(y)
        yield _Piece(
            chunk.sequences, ids, y, w, part.places[here] < 0, part.sampled[here]
        )
        begin = end


def pack(
    chunks: list[Chunk],
    part: Part,
    targets: Targets,
    target_scaler: TargetScaler | None,
    architecture: Architecture,
    dtype: np.dtype[Any],
) -> Shard:
    """Pack the sequences of a part."""
    shard = Shard([], [], dtype)
    for piece in _pieces(chunks, part, targets):
        y = _standardized(piece.y, target_scaler, dtype)
        for held_out, batches in ((False, shard.batches), (True, shard.held_out)):
            batches += packing.batches(
                piece.sequences,
                piece.ids[piece.held_out == held_out],
                dtype,
                y,
                piece.w,
                n_states=architecture.n_states,
            )
    return shard


def _standardized(
    y: Array, target_scaler: TargetScaler | None, dtype: np.dtype[Any]
) -> Array:
    return y if target_scaler is None else target_scaler.standardize(y).astype(dtype)


def sample(
    chunks: list[Chunk],
    part: Part,
    targets: Targets,
    target_scaler: TargetScaler | None,
    dtype: np.dtype[Any],
) -> list[tuple[int, Any, Array, Vector]]:
    """Return place in the sample, steps, targets and weights of what is sampled."""
    chosen = []
    for piece in _pieces(chunks, part, targets):
        y = _standardized(piece.y, target_scaler, dtype)
        lengths = piece.sequences.lengths
        starts = first_steps(lengths)
        for i, place in zip(piece.ids, piece.sampled, strict=True):
            if place >= 0:
                steps = piece.sequences.take(np.array([i]), np.dtype(np.float64))
                own = slice(starts[i], starts[i] + lengths[i])
                chosen.append((int(place), steps, y[own], piece.w[own]))
    return chosen


def measure(shard: Shard) -> tuple[Any, ...]:
    """Return the feature moments of the batches, and the weight of those held out."""
    return (*regularization.feature_moments(shard.batches), weight_of(shard.held_out))


class Extent(NamedTuple):
    """The range of the targets to learn from."""

    lowest: Vector  # (n_outputs,)
    highest: Vector


def extent(chunks: list[Chunk], part: Part, targets: Targets) -> Extent:
    """Return the range of every output."""
    y = [y for y, _ in _learned(chunks, part, targets) if len(y)]
    if not y:
        return Extent(np.array(np.inf), np.array(-np.inf))
    return Extent(
        np.min([part.min(axis=0) for part in y], axis=0),
        np.max([part.max(axis=0) for part in y], axis=0),
    )


def moments(
    chunks: list[Chunk], part: Part, targets: Targets, target_scaler: TargetScaler
) -> tuple[Any, ...]:
    """Return the weighted sums of targets in a unit, and of their squares."""
    total: tuple[Any, ...] = (0.0, 0.0, 0.0)
    for y, w in _learned(chunks, part, targets):
        z = target_scaler.standardize(y)
        total = add([total, (w @ z, w @ np.square(z), w.sum())])
    return total


def _learned(
    chunks: list[Chunk], part: Part, targets: Targets
) -> Iterator[tuple[Vector, Vector]]:
    """Yield targets to learn from, and the weights of their steps."""
    for piece in _pieces(chunks, part, targets):
        is_learned = np.zeros(len(piece.sequences.lengths), dtype=bool)
        is_learned[piece.ids[~piece.held_out]] = True
        steps = np.repeat(is_learned, piece.sequences.lengths) & (piece.w > 0)
        yield piece.y[steps], piece.w[steps]


def gradients(
    shard: Shard, architecture: Architecture, theta: Vector
) -> tuple[float, Vector]:
    """Return the sum of the losses over a shard, and its gradient."""
    with one_blas_thread():
        space = Workspace(shard.dtype)
        return sum_of_gradients(architecture, theta, shard.batches, space)


def held_out_losses(
    shard: Shard, architecture: Architecture, theta: Vector
) -> tuple[float]:
    """Return the sum of the losses over what a shard holds out."""
    with one_blas_thread():
        space = Workspace(shard.dtype)
        return (sum_of_losses(architecture, theta, shard.held_out, space),)


def add(parts: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Add results of several shards, in their order."""
    first, *others = parts
    for other in others:
        first = tuple(a + b for a, b in zip(first, other, strict=True))
    return first
