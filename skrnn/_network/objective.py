"""The objective of training: flat vector -> (loss, flat gradient).

    J(theta) = 1/W sum_it w_it (-log p_it[y_it]) + alpha / (2 W) sum_j c_j theta_j^2

with W the sum of the step weights and c_j the inverse prior variance of a weight (see
``prior``), 0 for biases. The sum runs over batches, which threads share; memory for
states depends on the size of a batch and on nothing else of the data.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import network
from .loss import LOSSES
from .packing import Batch
from .parameters import Architecture

Array = NDArray[Any]
Result = TypeVar("Result")

# Below this many multiplications an evaluation is over before threads have met.
_MIN_WORK_PER_THREAD = 2e6


class Team:
    """Threads that share batches, each with a workspace of its own.

    A batch always goes to the same thread, and results are added in the order
    of the threads, so that a result is reproducible for a number of threads.
    """

    def __init__(
        self, batches: Sequence[Batch], dtype: np.dtype[Any], n_threads: int
    ) -> None:
        self.batches = batches
        self.shares: list[list[Batch]] = [[] for _ in range(n_threads)]
        load = np.zeros(n_threads)
        for batch in sorted(batches, key=lambda batch: -batch.X.shape[0]):
            idlest = int(np.argmin(load))
            self.shares[idlest].append(batch)
            load[idlest] += batch.X.shape[0]
        self.spaces = [network.Workspace(dtype) for _ in range(n_threads)]
        self._pool = ThreadPoolExecutor(n_threads) if n_threads > 1 else None

    def each(
        self, work: Callable[[list[Batch], network.Workspace], Result]
    ) -> list[Result]:
        """Call ``work(share, workspace)`` once per thread."""
        if self._pool is None:
            return [work(self.shares[0], self.spaces[0])]
        return list(self._pool.map(work, self.shares, self.spaces))

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()


def sensible_threads(architecture: Architecture, n_rows: int, n_threads: int) -> int:
    """Return how many of the threads at hand so many steps can keep busy."""
    work = n_rows * architecture.n_recurrent
    return int(np.clip(work // _MIN_WORK_PER_THREAD, 1, n_threads))


class Objective:
    """Loss and gradient over all batches.

    Parameters
    ----------
    architecture : Architecture
    team : Team
        Holds the batches; the sum of their weights is W.
    """

    def __init__(self, architecture: Architecture, team: Team) -> None:
        self.architecture = architecture
        self.team = team
        self.total_weight = sum(
            float(batch.w.sum(dtype=np.float64)) for batch in team.batches
        )
        self.penalty = np.zeros(architecture.n_parameters)

    def penalise(self, strengths: NDArray[np.float64]) -> None:
        """Set the strength of the L2 penalty on every parameter, times W."""
        self.penalty = strengths / self.total_weight

    def loss_and_gradient(
        self, theta: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the objective and its gradient at theta."""

        def share(
            batches: list[Batch], space: network.Workspace
        ) -> tuple[float, NDArray[np.float64]]:
            loss, gradient = 0.0, np.zeros(len(theta))
            with np.errstate(all="ignore"):  # what is not finite is noticed above
                for batch in batches:
                    part, slope = batch_loss_and_gradient(
                        self.architecture, theta, batch, space
                    )
                    loss += part
                    gradient += slope
            return loss, gradient

        parts = self.team.each(share)
        penalty_slope = self.penalty * theta
        loss = sum(part for part, _ in parts) / self.total_weight
        gradient = np.sum([slope for _, slope in parts], axis=0) / self.total_weight
        return loss + 0.5 * float(penalty_slope @ theta), gradient + penalty_slope

    def data_loss(self, theta: NDArray[np.float64]) -> float:
        """Return the weighted mean of -log p alone."""

        def share(batches: list[Batch], space: network.Workspace) -> float:
            parameters = self.architecture.unflatten(theta.astype(space.dtype))
            evaluate, loss = LOSSES[self.architecture.output].evaluate, 0.0
            for batch in batches:
                _, L = network.forward(
                    parameters, batch, self.architecture.activation, space
                )
                loss += evaluate(L, batch.y, batch.w)
            return loss

        return sum(self.team.each(share)) / self.total_weight


def batch_loss_and_gradient(
    architecture: Architecture,
    theta: NDArray[np.float64],
    batch: Batch,
    space: network.Workspace,
) -> tuple[float, Array]:
    """Return the weighted sum of -log p over a batch, and its gradient.

    The gradient lives in the workspace until the next call.
    """
    parameters = architecture.unflatten(theta.astype(space.dtype, copy=False))
    slope = space.rows("gradient", 1, architecture.n_parameters)[0]
    states, L = network.forward(parameters, batch, architecture.activation, space)
    loss = LOSSES[architecture.output].evaluate(L, batch.y, batch.w)
    network.backward(
        parameters,
        batch,
        architecture.activation,
        space,
        states,
        L,
        architecture.unflatten(slope),
    )
    return loss, slope
