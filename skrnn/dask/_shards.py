"""Packed sequences on a worker, and sums over them.

chunks and their assignment -> batches -> loss and gradient

Like those of ``_chunks``, these functions run as tasks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import packing
from skrnn._network.data.packing import Batch
from skrnn._network.data.steps import steps_of
from skrnn._network.model.parameters import Architecture
from skrnn._network.parallel import one_blas_thread
from skrnn._network.training import objective, regularization
from skrnn._network.training.objective import (
    Subset,
    sum_of_gradients,
    sum_of_losses,
    weight_of,
)
from skrnn._network.training.target_scaling import TargetScaler
from skrnn._network.workspace import Workspace
from skrnn._validation.sequences import Sequences

from ._chunks import Chunk, SizeofMixin, Targets
from ._order import ChunkAssignment, repeat_weights

Array = NDArray[Any]
Ids = NDArray[np.intp]
Vector = NDArray[np.float64]


@dataclass
class Shard(SizeofMixin):
    """Packed sequences that stay on their worker."""

    batches: list[Batch]
    held_out: list[Batch]
    places: Ids  # rank of each sequence of the batches among all training sequences
    dtype: np.dtype[Any]


@dataclass
class Assigned(SizeofMixin):
    """A chunk with its part of the canonical order."""

    sequences: Sequences
    y: Array
    w: Vector
    training: Ids  # index in the chunk of the training sequences
    places: Ids  # rank of each among all training sequences
    held_out: Ids
    sampled: Ids  # index of the sequences in the sample
    ranks: Ids  # rank of each in the sample

    def steps_of(self, ids: Ids) -> Ids:
        """Return the indices of the steps of some sequences."""
        return steps_of(ids, self.sequences.lengths)


def assign(
    chunks: list[Chunk], parts: list[ChunkAssignment], targets: Targets
) -> list[Assigned]:
    """Apply the canonical order, and the weights of copies elsewhere."""
    assigned = []
    for chunk, part in zip(chunks, parts, strict=True):
        is_training, is_sampled = part.places >= 0, part.sampled >= 0
        y = targets.encode(chunk)
        found = Assigned(
            chunk.sequences,
            y,
            np.zeros(len(chunk.w)),
            part.ids[is_training],
            part.places[is_training],
            part.ids[~is_training],
            part.ids[is_sampled],
            part.sampled[is_sampled],
        )
        lengths = chunk.sequences.lengths[part.ids]
        w = repeat_weights(part.weights, part.n_weights, lengths)
        found.w[found.steps_of(part.ids)] = w
        found.w *= targets.weights(y)
        assigned.append(found)
    return assigned


def take_subset(assigned: list[Assigned], subset: Subset) -> list[Assigned]:
    """Return some of the training sequences."""
    taken = []
    for chunk in assigned:
        chosen = np.isin(chunk.places, subset.places)
        taken.append(
            replace(
                chunk,
                w=subset.weights(chunk.w, chunk.sequences.lengths, chunk.y),
                training=chunk.training[chosen],
                places=chunk.places[chosen],
                held_out=chunk.held_out[:0],
            )
        )
    return taken


def standardize(
    assigned: list[Assigned], target_scaler: TargetScaler, dtype: np.dtype[Any]
) -> list[Assigned]:
    """Standardize the targets."""
    return [
        replace(chunk, y=target_scaler.standardize(chunk.y).astype(dtype))
        for chunk in assigned
    ]


def pack(
    assigned: list[Assigned], architecture: Architecture, dtype: np.dtype[Any]
) -> Shard:
    """Pack the assigned sequences."""
    places = np.concatenate([np.empty(0, np.intp), *(c.places for c in assigned)])
    n_states, shard = architecture.n_states, Shard([], [], places, dtype)
    for chunk in assigned:
        for ids, batches in (
            (chunk.training, shard.batches),
            (chunk.held_out, shard.held_out),
        ):
            batches += packing.batches(
                chunk.sequences, ids, dtype, chunk.y, chunk.w, n_states=n_states
            )
    return shard


def sample(assigned: list[Assigned]) -> list[tuple[int, Any, Array, Vector]]:
    """Return rank, steps, targets and weights of the sampled sequences."""
    chosen = []
    for chunk in assigned:
        for rank, i in zip(chunk.ranks.tolist(), chunk.sampled[:, None], strict=True):
            X = chunk.sequences.take(i, np.dtype(np.float64))
            steps = chunk.steps_of(i)
            chosen.append((rank, X, chunk.y[steps], chunk.w[steps]))
    return chosen


def measure(shard: Shard) -> tuple[Any, ...]:
    """Return the feature moments of the batches, and the held-out weight."""
    return (*regularization.feature_moments(shard.batches), weight_of(shard.held_out))


def extent(assigned: list[Assigned]) -> tuple[Any, Any]:
    """Return the lowest and the highest training target of every output."""
    lowest, highest = np.inf, -np.inf
    for y, _ in _training_targets(assigned):
        lowest = np.minimum(lowest, y.min(axis=0, initial=np.inf))
        highest = np.maximum(highest, y.max(axis=0, initial=-np.inf))
    return lowest, highest


def moments(assigned: list[Assigned], target_scaler: TargetScaler) -> tuple[Any, ...]:
    """Return the weighted sums of scaled targets and of their squares."""
    total: tuple[Any, ...] = (0.0, 0.0, 0.0)
    for y, w in _training_targets(assigned):
        z = target_scaler.standardize(y)
        total = add([total, (w @ z, w @ np.square(z), w.sum())])
    return total


def _training_targets(assigned: list[Assigned]) -> Iterator[tuple[Vector, Vector]]:
    """Yield the training targets and the weights of their steps."""
    for chunk in assigned:
        steps = chunk.steps_of(chunk.training)
        steps = steps[chunk.w[steps] > 0]
        yield chunk.y[steps], chunk.w[steps]


def gradients(
    shard: Shard, architecture: Architecture, theta: Vector
) -> tuple[float, Vector]:
    """Return the sum of the losses over a shard, and its gradient."""
    with one_blas_thread():
        space = Workspace(shard.dtype)
        return sum_of_gradients(architecture, theta, shard.batches, space)


def losses(
    shard: Shard, architecture: Architecture, theta: Vector, part: str
) -> tuple[float]:
    """Return the sum of the losses over the batches of one part of a shard."""
    with one_blas_thread():
        space = Workspace(shard.dtype)
        return (sum_of_losses(architecture, theta, getattr(shard, part), space),)


def class_weights(shard: Shard, n_classes: int, part: str) -> tuple[Vector]:
    """Return the weight of the steps of each class of one part of a shard."""
    return (objective.class_weights(getattr(shard, part), n_classes),)


def losses_of_sequences(
    shard: Shard, architecture: Architecture, theta: Vector, part: str
) -> tuple[Ids, Vector]:
    """Return rank, loss and weight of each sequence of one part of a shard."""
    with one_blas_thread():
        space = Workspace(shard.dtype)
        found = objective.losses_of_sequences(
            architecture, theta, getattr(shard, part), space
        )
    # Held-out sequences have no rank; they stay in the order of the shards.
    ranks = shard.places if part == "batches" else np.zeros(found.shape[1], np.intp)
    return ranks, found


def add(parts: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Add results of several shards, in their order."""
    first, *others = parts
    for other in others:
        first = tuple(a + b for a, b in zip(first, other, strict=True))
    return first
