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
from skrnn._network.data.packing import Batch, first_steps, ranges
from skrnn._network.model.network import Workspace
from skrnn._network.model.parameters import Architecture
from skrnn._network.parallel import one_blas_thread
from skrnn._network.training import regularization
from skrnn._network.training.objective import sum_of_gradients, sum_of_losses, weight_of
from skrnn._network.training.target_scaling import TargetScaler
from skrnn._validation.sequences import Sequences

from ._chunks import Chunk, SizeofMixin, Targets
from ._order import ChunkAssignment

Array = NDArray[Any]
Ids = NDArray[np.intp]
Vector = NDArray[np.float64]


@dataclass
class Shard(SizeofMixin):
    """Packed sequences that stay on their worker."""

    batches: list[Batch]
    held_out: list[Batch]
    dtype: np.dtype[Any]


class _Assigned(NamedTuple):
    """A chunk with the assignment of its sequences."""

    sequences: Sequences
    part: ChunkAssignment
    y: Array
    w: Vector

    def steps_of(self, ids: Ids) -> Ids:
        """Return the indices of the steps of some sequences."""
        lengths = self.sequences.lengths
        return ranges(first_steps(lengths)[ids], lengths[ids])


def _assigned(
    chunks: list[Chunk], assignment: list[ChunkAssignment], targets: Targets
) -> Iterator[_Assigned]:
    for chunk, part in zip(chunks, assignment, strict=True):
        y = targets.encode(chunk)
        found = _Assigned(chunk.sequences, part, y, np.zeros(len(chunk.w)))
        steps = found.steps_of(part.ids)
        found.w[steps] = part.step_weights(chunk.sequences.lengths[part.ids])
        found.w[:] *= targets.weights(y)
        yield found


def pack(
    chunks: list[Chunk],
    assignment: list[ChunkAssignment],
    targets: Targets,
    target_scaler: TargetScaler | None,
    architecture: Architecture,
    dtype: np.dtype[Any],
) -> Shard:
    """Pack the assigned sequences."""
    shard = Shard([], [], dtype)
    for sequences, part, y, w in _assigned(chunks, assignment, targets):
        y = _standardized(y, target_scaler, dtype)
        is_training = part.places >= 0
        for ids, batches in (
            (part.ids[is_training], shard.batches),
            (part.ids[~is_training], shard.held_out),
        ):
            batches += packing.batches(
                sequences, ids, dtype, y, w, n_states=architecture.n_states
            )
    return shard


def _standardized(
    y: Array, target_scaler: TargetScaler | None, dtype: np.dtype[Any]
) -> Array:
    return y if target_scaler is None else target_scaler.standardize(y).astype(dtype)


def sample(
    chunks: list[Chunk],
    assignment: list[ChunkAssignment],
    targets: Targets,
    target_scaler: TargetScaler | None,
    dtype: np.dtype[Any],
) -> list[tuple[int, Any, Array, Vector]]:
    """Return rank, steps, targets and weights of the sampled sequences."""
    chosen = []
    for chunk in _assigned(chunks, assignment, targets):
        y = _standardized(chunk.y, target_scaler, dtype)
        for rank, i in zip(chunk.part.sampled, chunk.part.ids, strict=True):
            if rank >= 0:
                id_ = np.array([i])
                X = chunk.sequences.take(id_, np.dtype(np.float64))
                steps = chunk.steps_of(id_)
                chosen.append((int(rank), X, y[steps], chunk.w[steps]))
    return chosen


def measure(shard: Shard) -> tuple[Any, ...]:
    """Return the feature moments of the batches, and the held-out weight."""
    return (*regularization.feature_moments(shard.batches), weight_of(shard.held_out))


def extent(
    chunks: list[Chunk], assignment: list[ChunkAssignment], targets: Targets
) -> tuple[Any, Any]:
    """Return the lowest and the highest training target of every output."""
    lowest, highest = np.inf, -np.inf
    for y, _ in _training_targets(chunks, assignment, targets):
        lowest = np.minimum(lowest, y.min(axis=0, initial=np.inf))
        highest = np.maximum(highest, y.max(axis=0, initial=-np.inf))
    return lowest, highest


def moments(
    chunks: list[Chunk],
    assignment: list[ChunkAssignment],
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
    chunks: list[Chunk], assignment: list[ChunkAssignment], targets: Targets
) -> Iterator[tuple[Vector, Vector]]:
    """Yield the training targets and the weights of their steps."""
    for chunk in _assigned(chunks, assignment, targets):
        steps = chunk.steps_of(chunk.part.ids[chunk.part.places >= 0])
        steps = steps[chunk.w[steps] > 0]
        yield chunk.y[steps], chunk.w[steps]


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
