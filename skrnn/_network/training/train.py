"""Training: the entry point of the numerical layer.

canonical order -> target scaling -> batches -> strengths of the penalty ->
direct weights -> initialization -> L-BFGS on subsets, then on all data ->
best parameters

This module is independent of scikit-learn and of the form of the user's sequences.
"""

import copy
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import packing
from skrnn._network.data.memmap import to_disk
from skrnn._network.data.ngrams import Ngrams
from skrnn._network.data.steps import steps_of
from skrnn._network.model.parameters import Architecture
from skrnn._network.parallel import effective_n_threads, one_blas_thread

from . import lbfgs, regularization, strength, warm_up
from .checkpoint import Checkpoint, CheckpointedLoss
from .initialization import initial_parameters, within_prior
from .linear_start import linear_start
from .objective import Objective, Subset, ThreadedSum
from .output_initialization import ridge_output_init
from .preconditioning import Preconditioner
from .problem import Settings, TrainingProblem
from .shared_weights import SharedWeights, share_weights
from .subsample import Subsample, evenly_spaced
from .target_scaling import TargetScaler

Array = NDArray[Any]
Vector = NDArray[np.float64]


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
    groups: NDArray[np.intp] | None = None  # (n_sequences,), held out together
    ngrams: Ngrams | None = None  # of the steps
    # Whether equal features share weights, see `shared_weights`.
    shares_weights: bool = True

    def loss_sum(
        self,
        ids: NDArray[np.intp],
        w: Vector,
        architecture: Architecture,
        dtype: np.dtype[Any],
        n_threads: int,
        shared_with: ThreadedSum | None = None,
    ) -> ThreadedSum:
        """Pack some sequences, and return their total loss.

        Parameters
        ----------
        ids : ndarray of shape (n_chosen,)
            The sequences, longest first.
        w : ndarray of shape (n_valid_steps,)
            Weights of the steps of all sequences.
        architecture : Architecture
        dtype : dtype
        n_threads : int
            Number of threads that are available.
        shared_with : ThreadedSum, optional
            Another sum, whose threads and workspaces are reused.
        """
        n = effective_n_threads(architecture, self.source.lengths[ids], n_threads)
        if shared_with is not None:
            n = min(n, len(shared_with.spaces))
        ngrams = self.ngrams
        if ngrams is not None:
            steps = steps_of(ids, self.source.lengths)
            steps = steps[w[steps] > 0]
            ngrams = ngrams.trained_by(steps, self.y[steps])
        batches = packing.batches(
            self.source,
            ids,
            dtype,
            self.y,
            w,
            n,
            architecture.n_states,
            store=self._store_batches,
            ngrams=ngrams,
            n_hidden_features=architecture.n_hidden_features,
        )
        return ThreadedSum(batches, dtype, n, shared_with)

    def reweighted(
        self, loss_sum: ThreadedSum, ids: NDArray[np.intp], w: Vector, n_states: int
    ) -> ThreadedSum:
        """Return the loss of the same sequences with other weights, without a copy.

        Parameters
        ----------
        loss_sum : ThreadedSum
            Of these sequences.
        ids : ndarray of shape (n_chosen,)
        w : ndarray of shape (n_valid_steps,)
            Weights of the steps of all sequences.
        n_states : int
        """
        lengths, spaces = self.source.lengths, loss_sum.spaces
        cut = packing.cut_for_training(ids, lengths, len(spaces), n_states)
        batches = [
            batch._replace(
                w=w[packing.steps_of_rows(lengths, batch_ids)].astype(batch.w.dtype)
            )
            for batch, batch_ids in zip(loss_sum.batches, cut, strict=True)
        ]
        return ThreadedSum(batches, spaces[0].dtype, len(spaces), loss_sum)

    def _standardized(
        self,
        ids: NDArray[np.intp],
        w: Vector,
        architecture: Architecture,
        dtype: np.dtype[Any],
    ) -> tuple[Self, TargetScaler]:
        """Return the data with numbers as targets scaled to variance 1."""
        if architecture.output != "identity":
            return self, TargetScaler.identity(architecture.n_outputs)
        steps = steps_of(ids, self.source.lengths)
        target_scaler = TargetScaler.fit(self.y[steps], w[steps])
        y = target_scaler.standardize(self.y).astype(dtype)
        return self._replace(y=y), target_scaler

    def _shared(
        self, ids: NDArray[np.intp], w: Vector, architecture: Architecture
    ) -> SharedWeights | None:
        """Return the variables in place of features, if there are to be any."""
        if not self.shares_weights:
            return None
        shared = share_weights(self.source, ids, w, architecture)
        if shared is None:
            return None
        return shared._replace(features=self._with_pairs(shared.features))

    def _with_pairs(
        self, features: regularization.FeatureStats
    ) -> regularization.FeatureStats:
        """Add the precision of the weights of n-grams."""
        if self.ngrams is None:
            return features
        return features._replace(pair_precision=self.ngrams.precision)

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
        ids, w, groups = packing.deduplicate(self.source, self.y, self.w, self.groups)
        is_out = hold_out(groups, validation_fraction, rng)
        held_out, ids, groups = ids[is_out], ids[~is_out], groups[~is_out]
        data, target_scaler = self._standardized(ids, w, architecture, dtype)
        shared = self._shared(ids, w, architecture)
        if shared is not None:
            data = data._replace(source=shared.source(self.source))
            architecture = shared.architecture(architecture)
        with ExitStack() as stack:
            n_threads = stack.enter_context(one_blas_thread())
            loss_sum = stack.enter_context(
                closing(data.loss_sum(ids, w, architecture, dtype, n_threads))
            )

            def objective_on(ids: NDArray[np.intp], w: Vector) -> Objective:
                return Objective(
                    architecture,
                    data.loss_sum(ids, w, architecture, dtype, n_threads, loss_sum),
                )

            def subset_objective(subset: Subset) -> Objective:
                of_subset = subset.weights(w, self.source.lengths, data.y)
                if len(subset.places) < len(ids) or self.ngrams is not None:
                    return objective_on(ids[subset.places], of_subset)
                n_states = architecture.n_states
                return Objective(
                    architecture, data.reweighted(loss_sum, ids, of_subset, n_states)
                )

            if shared is not None:
                features = shared.variables
            else:
                features = self._with_pairs(
                    regularization.feature_stats(loss_sum.batches)
                )
            yield TrainingProblem(
                Objective(architecture, loss_sum),
                objective_on(held_out, w) if held_out.size else None,
                features,
                target_scaler,
                Subsample(
                    data.source,
                    evenly_spaced(ids, self.source.lengths[ids]),
                    data.y,
                    w,
                    self.ngrams,
                ).cut(),
                self.source.lengths[ids],
                groups,
                subset_objective,
                shared,
            )


class Report(NamedTuple):
    """State of a run after an iteration."""

    n_iter: int
    n_fun: int
    loss: float
    gradient_norm: float
    seconds: float
    validation_score: float | None
    get_theta: Callable[[], Vector]  # parameters that predict y from X
    alpha: float  # the strength of the penalty: alpha, or that of direct weights
    strength: str = "alpha"  # or "skip_alpha"
    is_trial: bool = False  # before the fit of all parameters on all data


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
    strength: strength.Choice


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
            if strength.is_searched(settings, architecture):
                _verify(problem, rng, checkpoint)
            problem = _checkpointed(problem, checkpoint)
        return _best_run(problem, settings, rng, start, report)


def _verify(
    problem: TrainingProblem, rng: np.random.RandomState, checkpoint: Checkpoint
) -> None:
    """Begin a checkpoint with a loss of all data, to verify that they are the same.

    A search begins on a part of the data, and would verify only that.
    """
    objective, rng = problem.objective, copy.deepcopy(rng)
    theta = initial_parameters(objective.architecture, problem.features, rng)
    checkpoint.cached("all", lambda: (objective.data_loss(theta),), theta, verify=True)


def _checkpointed(problem: TrainingProblem, checkpoint: Checkpoint) -> TrainingProblem:
    """Record all evaluations in the checkpoint, including those on subsets."""

    def wrap(objective: Objective) -> Objective:
        objective.loss_sum = CheckpointedLoss(objective.loss_sum, checkpoint)
        return objective

    validation = problem.validation
    return problem._replace(
        objective=wrap(problem.objective),
        validation=validation and wrap(validation),
        subset_objective=lambda subset: wrap(problem.subset_objective(subset)),
    )


def _best_run(
    problem: TrainingProblem,
    settings: Settings,
    rng: np.random.RandomState,
    start: Vector | None,
    report: Callable[[Report], None],
) -> Result:
    objective = problem.objective
    architecture, features = objective.architecture, problem.features
    on_trial = _reporter_of_trials(problem, report)
    # A copy of the generator: the fit that follows is that of given strengths.
    choice = strength.choose(problem, settings, copy.deepcopy(rng), on_trial)
    objective.penalize(
        choice.alpha * regularization.precision(architecture, features)
        + choice.skip_alpha * regularization.skip_precision(architecture, features)
    )
    if choice.stopped_at is not None:
        return _stopped(problem, settings, choice, choice.stopped_at)

    linear_part = None
    has_hidden = bool(architecture.hidden_layer_sizes)
    if start is None and architecture.has_direct_weights and has_hidden:
        linear_part, choice = linear_start(problem, settings, choice, rng, on_trial)
        if choice.stopped_at is not None:
            return _stopped(problem, settings, choice, choice.stopped_at)
    best: Result | None = None
    for _ in range(1 if start is not None else settings.n_init):
        preconditioner = Preconditioner(features.scale, problem.sample, rng)
        if start is not None:
            theta = problem.target_scaler.from_original(architecture, start)
            n_spent = 0
        else:
            max_fun = settings.max_fun - choice.n_fun
            theta, n_spent = _random_start(
                problem,
                settings._replace(max_fun=max_fun),
                rng,
                preconditioner,
                linear_part,
            )
        s = preconditioner.diagonal(objective, theta)
        run = _Run(problem, s, settings, choice, report, n_spent)
        result = run.minimize(theta)
        if best is None or run.is_better(result, best):
            best = result
        if result.stop_reason == "callback":
            break
    assert best is not None
    return best._replace(theta=problem.to_original(best.theta))


def _stopped(
    problem: TrainingProblem, settings: Settings, choice: strength.Choice, theta: Vector
) -> Result:
    """Return the result of a training that the user stopped before its last fit."""
    last = settings._replace(max_iter=1)
    run = _Run(problem, np.ones_like(theta), last, choice, lambda _: None)
    result = run.minimize(theta)
    return result._replace(
        theta=problem.to_original(result.theta), stop_reason="callback"
    )


def _random_start(
    problem: TrainingProblem,
    settings: Settings,
    rng: np.random.RandomState,
    preconditioner: Preconditioner,
    linear_part: Vector | None,
) -> tuple[Vector, int]:
    """Draw initial parameters, and improve them if there are many sequences.

    Parameters
    ----------
    problem, settings, rng, preconditioner
    linear_part : ndarray or None
        Direct weights and transitions. With them there is no warm-up: weights of the
        many features that a subset does not have would shrink.

    Returns
    -------
    theta : ndarray of shape (n_parameters,)
    n_fun : int
        Evaluations, in units of full-data evaluations.
    """
    objective, features = problem.objective, problem.features
    architecture = objective.architecture
    theta = initial_parameters(architecture, features, rng)
    theta = within_prior(architecture, theta, objective.penalty)
    if linear_part is not None:
        theta = architecture.with_linear_part(theta, linear_part)
    if architecture.has_direct_weights:
        return theta, 0
    stages = warm_up.stages(len(problem.lengths))
    if stages:
        theta = ridge_output_init(architecture, theta, features, problem.sample)
    return warm_up.warm_up(
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


def _reporter_of_trials(
    problem: TrainingProblem, report: Callable[[Report], None]
) -> Callable[[strength.Progress], None]:
    """Return a function that reports an iteration before the fit of all weights."""
    architecture, began = problem.objective.architecture, time.perf_counter()

    def on_iteration(progress: strength.Progress) -> None:
        theta = progress.x
        if progress.strength == "skip_alpha":  # there are no hidden layers yet
            hidden = np.zeros(architecture.n_parameters)
            theta = architecture.with_linear_part(hidden, theta)
        report(
            Report(
                n_iter=progress.n_iter,
                n_fun=progress.n_fun,
                loss=progress.loss,
                gradient_norm=progress.gradient_norm,
                seconds=time.perf_counter() - began,
                validation_score=None,
                get_theta=lambda: problem.to_original(theta),
                alpha=progress.alpha,
                strength=progress.strength,
                is_trial=True,
            )
        )

    return on_iteration


def hold_out(
    groups: NDArray[np.intp], fraction: float, rng: np.random.RandomState
) -> NDArray[np.bool_]:
    """Draw groups of sequences to hold out; return which sequences are held out."""
    names = np.unique(groups)
    n = int(np.ceil(fraction * len(names)))
    if n == 0:
        return np.zeros(len(groups), dtype=bool)
    if n >= len(names):
        raise NotEnoughSequencesError(
            f"early stopping holds out {n} of {len(names)} different sequences and "
            "leaves none for training; pass more, or a smaller validation_fraction"
        )
    is_out: NDArray[np.bool_] = np.isin(
        groups, names[rng.choice(len(names), size=n, replace=False)]
    )
    return is_out


class _Run:
    """One minimization: from its start to its best parameters."""

    def __init__(
        self,
        problem: TrainingProblem,
        s: Vector,
        settings: Settings,
        choice: strength.Choice,
        report: Callable[[Report], None],
        n_spent: int = 0,
    ) -> None:
        self.problem = problem
        self.s = s
        self.settings = settings
        self.choice = choice
        self.report = report
        self.n_spent = choice.n_fun + n_spent  # evaluations before this run
        self.began = time.perf_counter()
        self.scores: list[float] = []
        self.best_score = -np.inf
        self.best: tuple[Vector, float] | None = None  # theta, loss of the best
        self.n_stale = 0

    def minimize(self, theta: Vector) -> Result:
        """Run L-BFGS from theta."""
        solution = lbfgs.minimize(
            self.problem.objective.loss_and_gradient,
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
            theta=theta,  # of the problem, still
            loss=loss,
            best_loss=solution.loss,
            loss_curve=solution.loss_curve,
            validation_scores=self.scores,
            n_iter=solution.n_iter,
            n_fun=self.n_spent + solution.n_fun,
            gradient_norm=solution.gradient_norm,
            stop_reason=solution.stop_reason,
            features=self.problem.original_features,
            target_scaler=self.problem.target_scaler,
            strength=self.choice,
        )

    def is_better(self, one: Result, other: Result) -> bool:
        """Compare two runs by validation score, or by loss without validation."""
        if self.problem.validation is not None:
            score, other_score = (
                max(run.validation_scores, default=-np.inf) for run in (one, other)
            )
            return score > other_score
        return one.loss < other.loss

    def _on_iteration(self, progress: lbfgs.Progress) -> None:
        score, validation = None, self.problem.validation
        if validation is not None:
            score = -validation.data_loss(progress.x)
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
                get_theta=lambda: self.problem.to_original(progress.x),
                alpha=self.choice.alpha,
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
