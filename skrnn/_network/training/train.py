"""Training: the entry point of the numerical layer.

canonical order -> target scaling -> batches -> initialization -> L-BFGS on subsets,
then on all data -> best parameters

This module is independent of scikit-learn and of the form of the user's sequences.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import packing
from skrnn._network.data.memmap import to_disk
from skrnn._network.model.parameters import Architecture
from skrnn._network.parallel import effective_n_threads, one_blas_thread

from . import lbfgs, regularization, warm_up
from .checkpoint import Checkpoint, CheckpointedLoss
from .initialization import initial_parameters
from .objective import Objective, ThreadedSum
from .output_initialization import ridge_output_init
from .preconditioning import Preconditioner
from .subsample import Subsample, evenly_spaced
from .target_scaling import TargetScaler

Array = NDArray[Any]
Vector = NDArray[np.float64]


class TrainingProblem(NamedTuple):
    """The objectives and statistics of the data, wherever the data are."""

    objective: Objective
    validation: Objective | None
    features: regularization.FeatureStats
    target_scaler: TargetScaler  # of the targets
    sample: Subsample
    lengths: NDArray[np.intp]  # of the training sequences, longest first
    subset_objective: warm_up.SubsetObjective  # objective of a subset of them


class TrainingData(Protocol):
    """Data from which a training problem can be built."""

    def problem(
        self,
        architecture: Architecture,
        dtype: np.dtype[Any],
        validation_fraction: float,
        rng: np.random.RandomState,
    ) -> AbstractContextManager[TrainingProblem]:
        """Return the problem as a context manager that releases its resources."""


class InMemoryData(NamedTuple):
    """Sequences, and their targets and weights, concatenated."""

    source: packing.Source
    y: Array  # (n_valid_steps,) classes, or (n_valid_steps, n_outputs) numbers
    w: Vector  # (n_valid_steps,)
    on_disk: bool = False  # whether to store batches in a temporary file

    def _store_batches(self, batches: Iterable[packing.Batch]) -> list[packing.Batch]:
        less = (batch.without_steps() for batch in batches)
        return to_disk(less) if self.on_disk else list(less)

    @contextmanager
    def problem(
        self,
        architecture: Architecture,
        dtype: np.dtype[Any],
        validation_fraction: float,
        rng: np.random.RandomState,
    ) -> Iterator[TrainingProblem]:
        """Pack the data for the threads of this process."""
        ids, w = packing.deduplicate(self.source, self.y, self.w)
        held_out, ids = _hold_out(ids, validation_fraction, rng)
        y, target_scaler = self.y, TargetScaler.identity(architecture.n_outputs)
        if architecture.output == "identity":
            steps = _step_indices(self.source.lengths, ids)
            target_scaler = TargetScaler.fit(y[steps], w[steps])
            y = target_scaler.standardize(y).astype(dtype)
        with ExitStack() as stack:
            n_threads = stack.enter_context(one_blas_thread())

            def loss_sum_on(
                ids: NDArray[np.intp], shared_with: ThreadedSum | None = None
            ) -> ThreadedSum:
                n = effective_n_threads(
                    architecture, self.source.lengths[ids], n_threads
                )
                if shared_with is not None:
                    n = min(n, len(shared_with.spaces))
                batches = packing.batches(
                    self.source,
                    ids,
                    dtype,
                    y,
                    w,
                    n,
                    architecture.n_states,
                    store=self._store_batches,
                )
                return ThreadedSum(batches, dtype, n, shared_with)

            loss_sum = stack.enter_context(closing(loss_sum_on(ids)))

            def objective_on(ids: NDArray[np.intp]) -> Objective:
                return Objective(architecture, loss_sum_on(ids, shared_with=loss_sum))

            yield TrainingProblem(
                Objective(architecture, loss_sum),
                objective_on(held_out) if held_out.size else None,
                regularization.feature_stats(loss_sum.batches),
                target_scaler,
                Subsample(
                    self.source, evenly_spaced(ids, self.source.lengths[ids]), y, w
                ),
                self.source.lengths[ids],
                lambda k: objective_on(ids[warm_up.strided_subset(k)]),
            )


class Settings(NamedTuple):
    """Hyperparameters of training, named as in the estimators."""

    alpha: float
    max_iter: int
    max_fun: int
    tol: float
    max_corrections: int
    n_init: int
    validation_fraction: float  # 0 for no early stopping
    n_iter_no_change: int


class Report(NamedTuple):
    """State of a run after an iteration."""

    n_iter: int
    n_fun: int
    loss: float
    gradient_norm: float
    seconds: float
    validation_score: float | None
    theta: Vector


class Result(NamedTuple):
    """Result of a run; the parameters predict y in its original units."""

    theta: Vector
    loss: float  # the objective at theta, over all training data
    best_loss: float  # the lowest value that the objective took
    loss_curve: list[float]
    validation_scores: list[float]
    n_iter: int
    n_fun: int
    gradient_norm: float
    stop_reason: str
    features: regularization.FeatureStats
    target_scaler: TargetScaler  # of y; the loss refers to scaled targets


class NotEnoughSequencesError(ValueError):
    """There are too few sequences to hold some out."""


def train(
    data: TrainingData,
    architecture: Architecture,
    dtype: np.dtype[Any],
    settings: Settings,
    rng: np.random.RandomState,
    *,
    start: Vector | None = None,
    report: Callable[[Report], None] = lambda report: None,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """Train and return the best of ``n_init`` runs.

    Parameters
    ----------
    data : TrainingData
        `InMemoryData`, or data elsewhere.
    architecture : Architecture
    dtype : dtype
        Floating type of states and gradients; parameters are float64.
    settings : Settings
    rng : RandomState
    start : ndarray of shape (n_parameters,), optional
        Parameters to continue from, instead of random ones.
    report : callable
        Called with `Report` after every iteration; may raise `lbfgs.Stop`. The reason
        "callback" ends training, all others only the run.
    checkpoint : Checkpoint, optional
        Records every evaluation, and replays those recorded before.

    Raises
    ------
    FloatingPointError
        If the objective or its gradient is not finite at the start.
    NotEnoughSequencesError
        If sequences are to be held out and there are fewer than two.
    """
    # Non-finite values end the run at its start, or restart it later.
    with (
        np.errstate(all="ignore"),
        one_blas_thread(),
        data.problem(architecture, dtype, settings.validation_fraction, rng) as problem,
    ):
        if checkpoint is not None:
            problem = _checkpointed(problem, checkpoint)
        return _best_run(problem, settings, rng, start, report)


def _checkpointed(problem: TrainingProblem, checkpoint: Checkpoint) -> TrainingProblem:
    """Record all evaluations in the checkpoint, including those on subsets."""

    def wrap(objective: Objective) -> Objective:
        objective.loss_sum = CheckpointedLoss(objective.loss_sum, checkpoint)
        return objective

    validation = problem.validation
    return problem._replace(
        objective=wrap(problem.objective),
        validation=validation and wrap(validation),
        subset_objective=lambda k: wrap(problem.subset_objective(k)),
    )


def _best_run(
    problem: TrainingProblem,
    settings: Settings,
    rng: np.random.RandomState,
    start: Vector | None,
    report: Callable[[Report], None],
) -> Result:
    objective, features, target_scaler = (
        problem.objective,
        problem.features,
        problem.target_scaler,
    )
    sample = problem.sample
    architecture = objective.architecture
    objective.penalize(
        settings.alpha * regularization.precision(architecture, features)
    )
    stages = warm_up.stages(len(problem.lengths))

    best: Result | None = None
    for _ in range(1 if start is not None else settings.n_init):
        preconditioner = Preconditioner(features.scale, sample, rng)
        if start is not None:
            theta, n_spent = target_scaler.from_original(architecture, start), 0
        else:
            theta = initial_parameters(architecture, features, rng)
            if stages:
                theta = ridge_output_init(architecture, theta, features, sample)
            theta, n_spent = warm_up.warm_up(
                problem.subset_objective,
                stages,
                problem.lengths,
                objective.penalty,
                theta,
                preconditioner.diagonal,
                max_fun=settings.max_fun,
                tol=settings.tol,
                max_corrections=settings.max_corrections,
            )
        s = preconditioner.diagonal(objective, theta)
        run = _Run(
            objective, problem.validation, s, target_scaler, settings, report, n_spent
        )
        result = run.minimize(theta, features)
        if best is None or run.is_better(result, best):
            best = result
        if result.stop_reason == "callback":
            break
    assert best is not None
    return best


def _hold_out(
    ids: NDArray[np.intp], fraction: float, rng: np.random.RandomState
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split sequences into held-out and training sequences, keeping their order."""
    n = int(np.ceil(fraction * len(ids)))
    if n == 0:
        return ids[:0], ids
    if n >= len(ids):
        raise NotEnoughSequencesError(
            f"early stopping holds out {n} of {len(ids)} different sequences and "
            "leaves none for training; pass more, or a smaller validation_fraction"
        )
    out = np.zeros(len(ids), dtype=bool)
    out[rng.choice(len(ids), size=n, replace=False)] = True
    return ids[out], ids[~out]


def _step_indices(lengths: NDArray[np.intp], ids: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the indices, among all steps, of the steps of some sequences."""
    n = lengths[ids]
    shift = packing.first_steps(lengths)[ids] - packing.first_steps(n)
    return np.repeat(shift, n) + np.arange(n.sum())


class _Run:
    """One minimization: from its start to its best parameters."""

    def __init__(
        self,
        objective: Objective,
        validation: Objective | None,
        s: Vector,
        target_scaler: TargetScaler,
        settings: Settings,
        report: Callable[[Report], None],
        n_spent: int = 0,
    ) -> None:
        self.objective = objective
        self.validation = validation
        self.s = s
        self.target_scaler = target_scaler
        self.settings = settings
        self.report = report
        self.n_spent = n_spent  # evaluations used by the warm-up
        self.began = time.perf_counter()
        self.scores: list[float] = []
        self.best_score = -np.inf
        self.best: tuple[Vector, float] | None = None  # theta, loss of the best
        self.n_stale = 0

    def minimize(self, theta: Vector, features: regularization.FeatureStats) -> Result:
        """Run L-BFGS from theta."""
        solution = lbfgs.minimize(
            self.objective.loss_and_gradient,
            theta,
            max_iter=self.settings.max_iter,
            max_fun=max(1, self.settings.max_fun - self.n_spent),
            tol=self.settings.tol,
            max_corrections=self.settings.max_corrections,
            s=self.s,
            on_iteration=self._on_iteration,
        )
        theta, loss = self.best or (solution.x, solution.loss)
        return Result(
            theta=self._to_original(theta),
            loss=loss,
            best_loss=solution.loss,
            loss_curve=solution.loss_curve,
            validation_scores=self.scores,
            n_iter=solution.n_iter,
            n_fun=self.n_spent + solution.n_fun,
            gradient_norm=solution.gradient_norm,
            stop_reason=solution.stop_reason,
            features=features,
            target_scaler=self.target_scaler,
        )

    def is_better(self, one: Result, other: Result) -> bool:
        """Compare two runs by validation score, or by loss without validation."""
        if self.validation is not None:
            score, other_score = (
                max(run.validation_scores, default=-np.inf) for run in (one, other)
            )
            return score > other_score
        return one.loss < other.loss

    def _to_original(self, theta: Vector) -> Vector:
        return self.target_scaler.to_original(self.objective.architecture, theta)

    def _on_iteration(self, progress: lbfgs.Progress) -> None:
        score = None
        if self.validation is not None:
            score = -self.validation.data_loss(progress.x)
            if not np.isfinite(score):
                score = -np.inf  # no later score would exceed NaN
            self._track_best(score, progress)
        self.report(
            Report(
                n_iter=progress.n_iter,
                n_fun=self.n_spent + progress.n_fun,
                loss=progress.loss,
                gradient_norm=progress.gradient_norm,
                seconds=time.perf_counter() - self.began,
                validation_score=score,
                theta=self._to_original(progress.x),
            )
        )
        if self.n_stale >= self.settings.n_iter_no_change:
            raise lbfgs.Stop("early_stopping")

    def _track_best(self, score: float, progress: lbfgs.Progress) -> None:
        """Store the best parameters and count iterations without improvement."""
        improved = score > self.best_score + self.settings.tol
        self.n_stale = 0 if improved else self.n_stale + 1
        if score > self.best_score or self.best is None:
            self.best_score, self.best = score, (progress.x, progress.loss)
        self.scores.append(score)
