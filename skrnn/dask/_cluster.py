"""Sequences distributed over a cluster, as training data.

Consecutive chunks form shards, one for each thread of the cluster. Shards stay on the
workers that packed them. If a worker is lost, Dask recomputes its shards elsewhere from
the chunks. An evaluation sends the parameters to the workers and returns one loss and
one gradient, summed in the order of the shards. Of each sequence, the client receives
only its length and its group, and the search for the strength its held-out loss.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce
from itertools import pairwise
from operator import getitem
from typing import Any, NamedTuple, Self

import dask
import numpy as np
from distributed import Client, Future
from distributed.comm import CommClosedError
from numpy.typing import NDArray

from skrnn._network.model.parameters import Architecture
from skrnn._network.training import regularization
from skrnn._network.training.objective import Objective, Subset
from skrnn._network.training.problem import TrainingProblem
from skrnn._network.training.subsample import Subsample
from skrnn._network.training.target_scaling import TargetScaler
from skrnn._validation.sequences import Sequences

from . import _chunks, _order, _shards

Array = NDArray[Any]
Vector = NDArray[np.float64]

_LOST = (CancelledError, CommClosedError)

# Results added by one task: few tasks, and no worker receives all results.
_FAN_IN = 8


class Tasks:
    """A client that tracks the results it holds on the workers."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.held: list[Future] = []

    def hold(self, futures: Sequence[Future]) -> list[Future]:
        """Keep results on the workers until `release`."""
        self.held += futures
        return list(futures)

    def map(
        self, work: Callable[..., Any], shards: Sequence[Future], *same: Any
    ) -> list[Future]:
        """Call ``work(shard, *same)`` for every shard."""
        n = len(shards)
        # Keyword arguments would be sent under keys that several calls share.
        columns = [[value] * n for value in same]
        futures: list[Future] = self.client.map(work, shards, *columns, pure=False)
        return futures

    def call(self, work: Callable[..., Any], *arguments: Any) -> Future:
        """Call a function on a worker."""
        return self.client.submit(work, *arguments, pure=False)

    def total(self, parts: list[Future]) -> tuple[Any, ...]:
        """Add results of shards in a tree whose shape depends only on their number."""
        while len(parts) > _FAN_IN:
            parts = [
                self.call(_shards.add, parts[i : i + _FAN_IN])
                for i in range(0, len(parts), _FAN_IN)
            ]
        # The client computes the root of the tree, which saves one task.
        return _shards.add(self.client.gather(parts))

    def release(self, futures: Sequence[Future]) -> None:
        """Release results on the workers."""
        for future in futures:
            future.release()
            self.held.remove(future)

    def __enter__(self) -> Self:
        """Return self; all results are released at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release all results on the workers."""
        self.release(list(self.held))


@dataclass
class DaskLossSum:
    """Loss and gradient, summed over shards by their workers."""

    tasks: Tasks
    shards: list[Future]
    total_weight: float
    part: str = "batches"  # of the shards, or "held_out"

    def loss_and_gradient(
        self, architecture: Architecture, theta: Vector
    ) -> tuple[float, Vector]:
        """Return the weighted sum of the losses, and its gradient."""
        loss, gradient = self._sum(_shards.gradients, architecture, theta)
        return float(loss), gradient

    def loss(self, architecture: Architecture, theta: Vector) -> float:
        """Return the weighted sum of the losses."""
        (loss,) = self._sum(_shards.losses, architecture, theta, self.part)
        return float(loss)

    def class_weights(self, n_classes: int) -> Vector:
        """Return the weight of the steps of each class."""
        weights: Vector
        (weights,) = self._sum(_shards.class_weights, n_classes, self.part)
        return weights

    def sequence_losses(self, architecture: Architecture, theta: Vector) -> Vector:
        """Return the weighted sum of the losses, and the weight, of every sequence."""
        parts = self.tasks.map(
            _shards.losses_of_sequences, self.shards, architecture, theta, self.part
        )
        ranks, found = zip(*self.tasks.client.gather(parts), strict=True)
        order = np.argsort(np.concatenate(ranks), kind="stable")
        losses: Vector = np.concatenate(found, axis=1)[:, order]
        return losses

    def _sum(self, work: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
        # Sent with the tasks, so available when one runs again on another worker.
        return self.tasks.total(self.tasks.map(work, self.shards, *arguments))


class _Shards(NamedTuple):
    """Packed sequences on the workers, and their total moments and weights."""

    tasks: Tasks
    shards: list[Future]
    sizes: regularization.FeatureMoments
    held_out: float  # weight of the held-out sequences

    def objective(self, architecture: Architecture) -> Objective:
        """Return the objective on the training sequences."""
        loss_sum = DaskLossSum(self.tasks, self.shards, self.sizes.total)
        return Objective(architecture, loss_sum)

    def validation(self, architecture: Architecture) -> Objective | None:
        """Return the objective on held-out sequences, if there are any."""
        if not self.held_out:
            return None
        loss_sum = DaskLossSum(self.tasks, self.shards, self.held_out, "held_out")
        return Objective(architecture, loss_sum)


class DaskData(NamedTuple):
    """Labeled sequences on a cluster, not packed yet."""

    tasks: Tasks
    chunks: list[Future]  # one list of chunks for each shard
    targets: _chunks.Targets
    n_features: int
    has_numbers: bool

    @contextmanager
    def problem(
        self,
        architecture: Architecture,
        dtype: np.dtype[Any],
        validation_fraction: float,
        rng: np.random.RandomState,
    ) -> Iterator[TrainingProblem]:
        """Pack the data on their workers."""
        tasks = self.tasks
        with tasks, connected(tasks.client):
            assigned, lengths, groups = self._assign(validation_fraction, rng)
            target_scaler = TargetScaler.identity(architecture.n_outputs)
            if self.has_numbers:
                raw, target_scaler = assigned, self._target_scaler(assigned)
                options = target_scaler, dtype
                assigned = tasks.hold(tasks.map(_shards.standardize, raw, *options))
                tasks.release(raw)
            sample = self._sample(assigned)
            pack = partial(self._packed, architecture, dtype)
            shards = pack(assigned)
            tasks.hold(shards.shards)
            # Dask can recompute them if a shard is lost.
            tasks.release(self.chunks)

            def subset_objective(subset: Subset) -> Objective:
                # Not held: its shards are released together with the objective.
                taken = tasks.map(_shards.take_subset, assigned, subset)
                return pack(taken).objective(architecture)

            yield TrainingProblem(
                shards.objective(architecture),
                shards.validation(architecture),
                regularization.stats_from_moments(shards.sizes),
                target_scaler,
                sample,
                lengths,
                groups,
                subset_objective,
            )

    def _packed(
        self, architecture: Architecture, dtype: np.dtype[Any], assigned: list[Future]
    ) -> _Shards:
        tasks = self.tasks
        shards = tasks.map(_shards.pack, assigned, architecture, dtype)
        *sizes, held_out = tasks.total(tasks.map(_shards.measure, shards))
        return _Shards(tasks, shards, regularization.FeatureMoments(*sizes), held_out)

    def _assign(
        self, validation_fraction: float, rng: np.random.RandomState
    ) -> tuple[list[Future], NDArray[np.intp], NDArray[np.intp]]:
        """Return assigned chunks, and lengths and groups of training sequences."""
        tasks = self.tasks
        # Small results are kept, so only the lost shard itself must be recomputed.
        tables = tasks.hold(
            tasks.map(_order.index_sequences, self.chunks, self.targets)
        )
        order = tasks.call(_order.assign_sequences, tables, validation_fraction, rng)
        tasks.hold([order])
        n = len(self.chunks)
        parts = tasks.hold([tasks.call(getitem, order, i) for i in range(n)])
        drawn, lengths, groups = tasks.call(getitem, order, n).result()
        rng.set_state(drawn.get_state())
        assigned = [
            tasks.call(_shards.assign, *place, self.targets)
            for place in zip(self.chunks, parts, strict=True)
        ]
        return tasks.hold(assigned), lengths, groups

    def _sample(self, assigned: list[Future]) -> Subsample:
        """Fetch the representative sample of sequences."""
        found = self.tasks.map(_shards.sample, assigned)
        chosen = [item for part in self.tasks.client.gather(found) for item in part]
        chosen.sort(key=lambda item: item[0])
        _, steps, y, w = zip(*chosen, strict=True)
        lengths = np.array([x.shape[0] for x in steps], dtype=np.intp)
        source = Sequences(
            "ragged", list(steps), lengths, self.n_features, np.dtype(np.float64)
        )
        sample = Subsample(
            source, np.arange(len(steps)), np.concatenate(y), np.concatenate(w)
        )
        return sample.cut()

    def _target_scaler(self, assigned: list[Future]) -> TargetScaler:
        """Return the result of `TargetScaler.fit` on all data together."""
        tasks = self.tasks

        extents = tasks.client.gather(tasks.map(_shards.extent, assigned))
        # Shards without a training target have scalars.
        lowest = reduce(np.minimum, [low for low, _ in extents])
        highest = reduce(np.maximum, [high for _, high in extents])
        size = np.maximum(np.abs(lowest), np.abs(highest))
        size[size == 0] = 1.0
        first = TargetScaler(np.zeros_like(size), size)
        total, _, weight = tasks.total(tasks.map(_shards.moments, assigned, first))
        second = TargetScaler(total / weight * size, size)
        _, squares, _ = tasks.total(tasks.map(_shards.moments, assigned, second))
        deviation = np.where(highest > lowest, np.sqrt(squares / weight), 1.0)
        return TargetScaler(second.mean, deviation * size)


@contextmanager
def connected(client: Client) -> Iterator[None]:
    """Raise ConnectionError if the connection to Dask is lost."""
    try:
        yield
    except Exception as error:
        # The exception of a closed client depends on the version of Dask.
        is_lost = client.status != "running" or isinstance(error, _LOST)
        if not is_lost:
            raise
        raise ConnectionError(
            "the connection to Dask's scheduler was lost, or the tasks of this fit "
            "were canceled; fit again with a connected client"
        ) from error


def slots(client: Client) -> list[str]:
    """Return the address of a worker for each thread, first threads first."""
    n_threads = client.nthreads()
    if not n_threads:
        raise RuntimeError(
            f"Dask's cluster at {client.scheduler.address} has no workers; start some, "
            "or wait for them with client.wait_for_workers(1)"
        )
    places = [(i, at) for at, n in n_threads.items() for i in range(n)]
    return [at for _, at in sorted(places)]


def persist_chunks(
    tasks: Tasks, check: _chunks.ChunkReader, chunks: list[tuple[Any, Any, Any]]
) -> list[Future]:
    """Read and check chunks, each on the worker of its shard."""
    places = slots(tasks.client)[: len(chunks)]
    ends = np.linspace(0, len(chunks), len(places) + 1).astype(int).tolist()
    load = dask.delayed(_chunks.load, pure=False)
    futures: list[Future] = []
    for at, (first, end) in zip(places, pairwise(ends), strict=True):
        # Not strictly: the worker may be gone when a lost shard is recomputed.
        futures += tasks.client.compute(
            [load(check, chunks[first:end], first)],
            workers=[at],
            allow_other_workers=True,
        )
    return tasks.hold(futures)
