"""Packed sequences on a worker, and sums over them.

chunks and their assignment -> batches -> loss and gradient

Like those of ``_chunks``, these functions run as tasks.
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

from ._chunks import Chunk, SizeofMixin, Targets
from ._order import ShardAssignment

Array = NDArray[Any]
Ids = NDArray[np.intp]
Vector = NDArray[np.float64]


@dataclass
class Shard(SizeofMixin):
    """Packed sequences that stay on their worker."""

    batches: list[Batch]
    held_out: list[Batch]
    dtype: np.dtype[Any]


class _ChunkSlice(NamedTuple):
    """A chunk and the assignment of its sequences."""

    sequences: Sequences
    ids: Ids
    y: Array
    w: Vector
    held_out: NDArray[np.bool_]
    sampled: Ids


def _chunk_slices(
    chunks: list[Chunk], assignment: ShardAssignment, targets: Targets
) -> Iterator[_ChunkSlice]:
    begin = 0
    for chunk in chunks:
        lengths = chunk.sequences.lengths
        end = begin + len(lengths)
        here = (assignment.ids >= begin) & (assignment.ids < end)
        ids = assignment.ids[here] - begin
        per_sequence = np.zeros(len(lengths))
        per_sequence[ids] = assignment.weights[here]
        w = np.repeat(per_sequence, lengths)
        starts = first_steps(lengths)
        for i, weights in assignment.step_weights.items():
            if begin <= i < end:
                start = starts[i - begin]
                w[start : start + len(weights)] = weights
        y = targets.encode(chunk)
        w *= targets.weights(y)
        yield _ChunkSlice(
            chunk.sequences,
            ids,
            y,
            w,
            assignment.places[here] < 0,
            assignment.sampled[here],
        )
        begin = end


def pack(
    chunks: list[Chunk],
    assignment: ShardAssignment,
    targets: Targets,
    target_scaler: TargetScaler | None,
    architecture: Architecture,
    dtype: np.dtype[Any],
) -> Shard:
    """Pack the assigned sequences."""
    shard = Shard([], [], dtype)
    for chunk_slice in _chunk_slices(chunks, assignment, targets):
        y = _standardized(chunk_slice.y, target_scaler, dtype)
        for held_out, batches in ((False, shard.batches), (True, shard.held_out)):
            batches += packing.batches(
                chunk_slice.sequences,
                chunk_slice.ids[chunk_slice.held_out == held_out],
                dtype,
                y,
                chunk_slice.w,
                n_states=architecture.n_states,
            )
    return shard


def _standardized(
    y: Array, target_scaler: TargetScaler | None, dtype: np.dtype[Any]
) -> Array:
    return y if target_scaler is None else target_scaler.standardize(y).astype(dtype)


def sample(
    chunks: list[Chunk],
    assignment: ShardAssignment,
    targets: Targets,
    target_scaler: TargetScaler | None,
    dtype: np.dtype[Any],
) -> list[tuple[int, Any, Array, Vector]]:
    """Return rank, steps, targets and weights of the sampled sequences."""
    chosen = []
    for chunk_slice in _chunk_slices(chunks, assignment, targets):
        y = _standardized(chunk_slice.y, target_scaler, dtype)
        lengths = chunk_slice.sequences.lengths
        starts = first_steps(lengths)
        for i, place in zip(chunk_slice.ids, chunk_slice.sampled, strict=True):
            if place >= 0:
                steps = chunk_slice.sequences.take(np.array([i]), np.dtype(np.float64))
                own = slice(starts[i], starts[i] + lengths[i])
                chosen.append((int(place), steps, y[own], chunk_slice.w[own]))
    return chosen


def measure(shard: Shard) -> tuple[Any, ...]:
    """Return the feature moments of the batches, and the held-out weight."""
    return (*regularization.feature_moments(shard.batches), weight_of(shard.held_out))


class Extent(NamedTuple):
    """The range of the training targets."""

    lowest: Vector  # (n_outputs,)
    highest: Vector


def extent(
    chunks: list[Chunk], assignment: ShardAssignment, targets: Targets
) -> Extent:
    """Return the range of every output."""
    y = [y for y, _ in _training_targets(chunks, assignment, targets) if len(y)]
    if not y:
        return Extent(np.array(np.inf), np.array(-np.inf))
    return Extent(
        np.min([values.min(axis=0) for values in y], axis=0),
        np.max([values.max(axis=0) for values in y], axis=0),
    )


def moments(
    chunks: list[Chunk],
    assignment: ShardAssignment,
    targets: Targets,
    target_scaler: TargetScaler,
) -> tuple[Any, ...]:
    """Return the weighted sums of scaled targets and of their squares."""
    total: tuple[Any, ...] = (0.0, 0.0, 0.0)
    for y, w in _training_targets(chunks, assignment, targets):
        z = target_scaler.standardize(y)
        total = add([total, (w @ z, w @ np.square(z), w.sum())])
    return total


def _training_targets(
    chunks: list[Chunk], assignment: ShardAssignment, targets: Targets
) -> Iterator[tuple[Vector, Vector]]:
    """Yield the training targets and the weights of their steps."""
    for chunk_slice in _chunk_slices(chunks, assignment, targets):
        is_training = np.zeros(len(chunk_slice.sequences.lengths), dtype=bool)
        is_training[chunk_slice.ids[~chunk_slice.held_out]] = True
        steps = np.repeat(is_training, chunk_slice.sequences.lengths) & (
            chunk_slice.w > 0
        )
        yield chunk_slice.y[steps], chunk_slice.w[steps]


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
    """Return the sum of the losses over the held-out sequences of a shard."""
    with one_blas_thread():
        space = Workspace(shard.dtype)
        return (sum_of_losses(architecture, theta, shard.held_out, space),)


def add(parts: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Add results of several shards, in their order."""
    first, *others = parts
    for other in others:
        first = tuple(a + b for a, b in zip(first, other, strict=True))
    return first
