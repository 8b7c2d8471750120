"""The objective of training: flat vector -> (loss, flat gradient).

    J(theta) = 1/W sum_it w_it (-log p_it[y_it]) + alpha / (2 W) sum_j c_j theta_j^2

with W the sum of the step weights and c_j the inverse prior variance of a weight (see
``regularization``), 0 for biases. With a chain of labels, the loss of a sequence is
w_i (-log p(labels of i)) instead, w_i the weight of each of its labeled steps. Direct
weights and transitions have a strength of their own in place of alpha. Threads share
the batches of the sum; memory for states depends only on the size of a batch, not on
the amount of data.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data.packing import Batch
from skrnn._network.model import chain, network
from skrnn._network.model.loss import LOSSES
from skrnn._network.model.parameters import Architecture, Parameters
from skrnn._network.parallel import ThreadGroup
from skrnn._network.workspace import Workspace

Array = NDArray[Any]
Result = TypeVar("Result")

# Sequences with so many steps have a last fifth that says something about the rest.
MIN_STEPS_TO_CUT = 100


class Subset(NamedTuple):
    """Some of the training sequences, and which of their labels count."""

    places: NDArray[np.intp]  # ranks in the canonical order, ascending
    labels: str = "all"  # or "early", "late": before and in the last fifth of the steps
    classes: NDArray[np.intp] | None = None  # only their labels count; None for all

    def weights(
        self, w: NDArray[np.float64], lengths: NDArray[np.intp], y: Array
    ) -> NDArray[np.float64]:
        """Return the weights of all steps, 0 where the label does not count.

        Parameters
        ----------
        w : ndarray of shape (n_valid_steps,)
            Weights of the steps of all sequences, one sequence after another.
        lengths : ndarray of shape (n_sequences,)
            Their numbers of steps; short sequences have no last fifth.
        y : ndarray of shape (n_valid_steps, ...)
            Targets of all steps.
        """
        if self.classes is not None:
            w = np.where(np.isin(y, self.classes), w, 0.0)
        if self.labels == "all":
            return w
        end = np.repeat(np.cumsum(lengths), lengths)
        n = np.repeat(lengths, lengths)
        is_late = (n >= MIN_STEPS_TO_CUT) & (np.arange(len(w)) >= end - n // 5)
        return np.where(is_late == (self.labels == "late"), w, 0.0)


class LossSum(Protocol):
    """Anything that can compute the total loss over labeled steps."""

    total_weight: float  # of the steps

    def loss_and_gradient(
        self, architecture: Architecture, theta: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the weighted sum of the losses, and its gradient."""

    def loss(self, architecture: Architecture, theta: NDArray[np.float64]) -> float:
        """Return the weighted sum of the losses."""

    def class_weights(self, n_classes: int) -> NDArray[np.float64]:
        """Return the weight of the steps of each class."""

    def sequence_losses(
        self, architecture: Architecture, theta: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted sum of the losses, and the weight, of every sequence.

        Returns
        -------
        ndarray of shape (2, n_sequences)
            In canonical order.
        """


class ThreadedSum:
    """The total loss of batches that are divided among threads.

    Each thread has its own workspace and always evaluates the same batches. Results are
    added in the order of the threads, so they are reproducible for a given number of
    threads.

    Parameters
    ----------
    batches : sequence of Batch
    dtype : dtype
        Floating type of the workspaces.
    n_threads : int
    shared_with : ThreadedSum, optional
        Another sum, not evaluated at the same time, whose threads and workspaces are
        reused; it must have at least as many.
    """

    def __init__(
        self,
        batches: Sequence[Batch],
        dtype: np.dtype[Any],
        n_threads: int,
        shared_with: "ThreadedSum | None" = None,
    ) -> None:
        self.batches = batches
        self.total_weight = weight_of(batches)
        self.shares: list[list[Batch]] = [[] for _ in range(n_threads)]
        load = np.zeros(n_threads)
        for batch in sorted(batches, key=lambda batch: -batch.X.shape[0]):
            idlest = int(np.argmin(load))
            self.shares[idlest].append(batch)
            load[idlest] += batch.X.shape[0]
        self.spaces: list[Workspace]
        self._threads: ThreadGroup
        if shared_with is not None:
            self.spaces = shared_with.spaces[:n_threads]
            self._threads = shared_with._threads
        else:
            self.spaces = [Workspace(dtype) for _ in range(n_threads)]
            self._threads = ThreadGroup(n_threads)

    def map(self, work: Callable[[list[Batch], Workspace], Result]) -> list[Result]:
        """Call ``work(share, workspace)`` once per thread."""
        return self._threads.map(work, self.shares, self.spaces)

    def loss_and_gradient(
        self, architecture: Architecture, theta: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the weighted sum of the losses, and its gradient."""

        def share(
            batches: list[Batch], space: Workspace
        ) -> tuple[float, NDArray[np.float64]]:
            return sum_of_gradients(architecture, theta, batches, space)

        parts = self.map(share)
        gradient = np.sum([slope for _, slope in parts], axis=0)
        return sum(part for part, _ in parts), gradient

    def loss(self, architecture: Architecture, theta: NDArray[np.float64]) -> float:
        """Return the weighted sum of the losses."""

        def share(batches: list[Batch], space: Workspace) -> float:
            return sum_of_losses(architecture, theta, batches, space)

        return sum(self.map(share))

    def class_weights(self, n_classes: int) -> NDArray[np.float64]:
        """Return the weight of the steps of each class."""
        return class_weights(self.batches, n_classes)

    def sequence_losses(
        self, architecture: Architecture, theta: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted sum of the losses, and the weight, of every sequence."""
        return losses_of_sequences(architecture, theta, self.batches, self.spaces[0])

    def close(self) -> None:
        """Stop the threads; call this on the sum that owns them."""
        self._threads.close()


SubsetObjective = Callable[[Subset], "Objective"]


class Objective:
    """Loss and gradient over all steps.

    Parameters
    ----------
    architecture : Architecture
    loss_sum : LossSum
        Total loss over the steps; the sum of their weights is W.
    """

    def __init__(self, architecture: Architecture, loss_sum: LossSum) -> None:
        self.architecture = architecture
        self.loss_sum = loss_sum
        self.total_weight = loss_sum.total_weight
        self.penalty = np.zeros(architecture.n_parameters)
        # Where the sum was last evaluated: the scale of the variables and the first
        # iteration of L-BFGS need the same gradient.
        self._last: tuple[NDArray[np.float64], Any] | None = None

    def penalize(self, strengths: NDArray[np.float64]) -> None:
        """Set the strength of the L2 penalty on every parameter, times W."""
        self.penalty = strengths / self.total_weight

    def loss_and_gradient(
        self, theta: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the objective and its gradient at theta."""
        if self._last is None or not np.array_equal(theta, self._last[0]):
            found = self.loss_sum.loss_and_gradient(self.architecture, theta)
            self._last = theta.copy(), found
        loss, gradient = self._last[1]
        penalty_slope = self.penalty * theta
        return (
            loss / self.total_weight + 0.5 * float(penalty_slope @ theta),
            gradient / self.total_weight + penalty_slope,
        )

    def data_loss(self, theta: NDArray[np.float64]) -> float:
        """Return the weighted mean of -log p, without the penalty."""
        return self.loss_sum.loss(self.architecture, theta) / self.total_weight


def weight_of(batches: Sequence[Batch]) -> float:
    """Return the sum of the weights of all steps."""
    return sum(float(batch.w.sum(dtype=np.float64)) for batch in batches)


def class_weights(batches: Sequence[Batch], n_classes: int) -> NDArray[np.float64]:
    """Return the weight of the steps of each class."""
    total = np.zeros(n_classes)
    for batch in batches:
        total += np.bincount(batch.y, batch.w, n_classes)
    return total


def sum_of_gradients(
    architecture: Architecture,
    theta: NDArray[np.float64],
    batches: Sequence[Batch],
    space: Workspace,
) -> tuple[float, NDArray[np.float64]]:
    """Return the weighted sum of -log p over batches, and its gradient."""
    loss, gradient = 0.0, np.zeros(len(theta))
    # A copy is aligned; weights received over a network may not be, and NumPy would
    # copy them in each of its products, at every step.
    theta = theta.astype(space.dtype)
    with np.errstate(all="ignore"):  # callers detect non-finite values
        for batch in batches:
            part, slope = batch_loss_and_gradient(architecture, theta, batch, space)
            loss += part
            gradient += slope
    return loss, gradient


def sum_of_losses(
    architecture: Architecture,
    theta: NDArray[np.float64],
    batches: Sequence[Batch],
    space: Workspace,
) -> float:
    """Return the weighted sum of -log p over batches."""
    parameters, loss = architecture.parameters(theta.astype(space.dtype)), 0.0
    with np.errstate(all="ignore"):
        for batch in batches:
            _, L = network.forward(parameters, batch, architecture.activation, space)
            loss += _evaluate(architecture, parameters, batch, L, None, space)
    return loss


def _evaluate(
    architecture: Architecture,
    parameters: Parameters,
    batch: Batch,
    L: Array,
    gradient: Parameters | None,
    space: Workspace,
) -> float:
    """Return the loss of outputs, and replace them by their gradient.

    The gradient of the chain is written to ``gradient``, if given.
    """
    if parameters.chain is None:
        return LOSSES[architecture.output].evaluate(L, batch.y, batch.w)
    of_chain = None if gradient is None else gradient.chain
    return chain.cross_entropy(L, batch, parameters.chain, of_chain, space)


def losses_of_sequences(
    architecture: Architecture,
    theta: NDArray[np.float64],
    batches: Sequence[Batch],
    space: Workspace,
) -> NDArray[np.float64]:
    """Return the weighted sum of -log p, and the weight, of each sequence."""
    parameters = architecture.parameters(theta.astype(space.dtype))
    of_rows = LOSSES[architecture.output].of_rows
    found = [np.empty((2, 0))]
    with np.errstate(all="ignore"):
        for batch in batches:
            _, L = network.forward(parameters, batch, architecture.activation, space)
            numbers = batch.sequence_of_row
            if parameters.chain is None:
                # An unlabeled step has no loss, whatever its output.
                weighted = np.where(batch.w > 0, batch.w * of_rows(L, batch.y), 0.0)
                losses: Array = np.bincount(numbers, weighted)
            else:
                losses = chain.sequence_losses(L, batch, parameters.chain)
                losses *= batch.sequence_weights
            found.append(np.stack([losses, np.bincount(numbers, batch.w)]))
    return np.concatenate(found, axis=1)


def batch_loss_and_gradient(
    architecture: Architecture,
    theta: NDArray[np.float64],
    batch: Batch,
    space: Workspace,
) -> tuple[float, Array]:
    """Return the weighted sum of -log p over a batch, and its gradient.

    The gradient is a buffer of the workspace, valid until the next call.
    """
    parameters = architecture.parameters(theta.astype(space.dtype, copy=False))
    slope = space.rows("gradient", 1, architecture.n_parameters)[0]
    gradient = architecture.unflatten(slope)
    states, L = network.forward(parameters, batch, architecture.activation, space)
    loss = _evaluate(architecture, parameters, batch, L, gradient, space)
    network.backward(
        parameters, batch, architecture.activation, space, states, L, gradient
    )
    return loss, slope
