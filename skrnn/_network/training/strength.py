r"""Choice of the penalty's strength by the loss of held-out sequences.

The right strength depends on how much the steps of a sequence have to say about each
other, and differs by a factor of a thousand between tasks. So short fits with
different strengths are judged by sequences that are held out, and the best go on:

    7 iterations    with strengths around 3, until there are two on either side of the
                    best, or the end of the grid
    16 iterations   with the choice so far and its two neighbors
    50 iterations   with the choice and the next stronger one

The choice is always the strongest strength whose loss is not significantly higher than
the lowest: by at most two standard errors of the difference between sequences. Short
fits favor weak strengths, which have not overfit yet, and the final fit is longer. For
the same reason a loss that has risen since an earlier judgment counts as risen by as
much again.

One fifth of the sequences is held out. With few sequences a fifth would be a matter of
luck, so each half is held out in turn. With hardly any, the last fifth of the steps of
each long sequence is held out: the network reads these steps, but not their labels.
With many sequences, half of them are enough: the penalty is in units of the total loss,
so the best strength depends little on their number.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import lbfgs
from .initialization import initial_parameters, within_prior
from .objective import MIN_STEPS_TO_CUT, Objective, Subset
from .preconditioning import Preconditioner
from .problem import Settings, TrainingProblem

Ids = NDArray[np.intp]
Vector = NDArray[np.float64]

ALPHAS = np.array([0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0])
DEFAULT_ALPHA = 1.0  # if nothing can be held out
_LENGTHS = (7, 16, 50)
_FIRST = 3.0  # the strength to begin with: the best of most tasks
_MARGIN = 2  # strengths to judge on either side of the best
_N_ERRORS = 2.0
_HELD_OUT_FRACTION = 0.2
_MANY_SEQUENCES = 1000
_FEW_GROUPS = 200
_MIN_GROUPS = 5
_WORST = np.finfo(np.float64).max / 4  # a loss that is not finite


class Choice(NamedTuple):
    """The strength of the penalty, and how it was found."""

    alpha: float
    alphas: Vector | None = None  # what was tried, ascending
    scores: Vector | None = None  # negative losses of held-out sequences
    n_fun: int = 0  # evaluations, in units of those on all data
    stopped_at: Vector | None = None  # parameters at which the user stopped the search


class Progress(NamedTuple):
    """State of the search after an iteration of one of its fits."""

    alpha: float
    x: Vector
    loss: float
    gradient_norm: float
    n_iter: int  # of all fits
    n_fun: int


class _Fold(NamedTuple):
    """Objectives to train on, and to judge by."""

    training: Objective
    held_out: Objective
    groups: Ids | None  # of the sequences held out; None if each is one
    share: float  # cost of an evaluation, relative to one on all data


@dataclass(eq=False)
class _Trial:
    """Fits with one strength, one for each fold."""

    alpha: float
    thetas: list[Vector]
    n_iter: int = 0
    losses: list[float] = field(default_factory=list)  # one for each judgment
    # Losses and weights of the held-out groups at the last judgment.
    sums: Vector = field(default_factory=lambda: np.empty((2, 0)))

    @property
    def loss(self) -> float:
        """Held-out loss, plus its increase since the lowest one."""
        return 2 * self.losses[-1] - min(self.losses)

    @property
    def score(self) -> float:
        """Negative loss, -inf if it is not finite."""
        return -self.loss if self.losses[-1] < _WORST else -np.inf

    def judge(self, sums: Vector) -> None:
        """Add the losses and weights of held-out groups."""
        self.sums = sums
        loss = float(sums[0].sum() / sums[1].sum())
        self.losses.append(loss if loss < _WORST else _WORST)

    def is_close_to(self, best: "_Trial") -> bool:
        """Return whether the loss is not significantly higher than that of the best."""
        if _WORST in (*self.losses, *best.losses):
            return False
        weights = best.sums[1]
        difference = self.sums[0] - best.sums[0]
        mean = difference.sum() / weights.sum()
        error = np.linalg.norm(difference - mean * weights) / weights.sum()
        return bool(self.loss - best.loss <= _N_ERRORS * error)


def max_iterations(max_iter: int) -> int:
    """Return how many iterations a search has at most."""
    return 2 * len(ALPHAS) * min(_LENGTHS[-1], max_iter)


class Search:
    """Search for the best strength.

    Parameters
    ----------
    problem : TrainingProblem
    precision : ndarray of shape (n_parameters,)
        The penalty of strength 1.
    settings : Settings
    rng : RandomState
        Draws held-out sequences and starting weights.
    on_iteration : callable
        Called with `Progress` after each iteration; may raise `lbfgs.Stop`, which ends
        the search.
    """

    def __init__(
        self,
        problem: TrainingProblem,
        precision: Vector,
        settings: Settings,
        rng: np.random.RandomState,
        on_iteration: Callable[[Progress], None],
    ) -> None:
        self.precision = precision
        self.settings = settings
        self.on_iteration = on_iteration
        self.lengths = [min(n, settings.max_iter) for n in _LENGTHS]
        self.n_iter = 0
        self.cost = 0.0
        self.trials: list[_Trial] = []
        self.folds = _folds(problem, rng)
        if not self.folds:
            return
        architecture, features = problem.objective.architecture, problem.features
        start = initial_parameters(architecture, features, rng)
        # One estimate of the curvature for all fits: it costs several evaluations.
        self.preconditioner = Preconditioner(features.scale, problem.sample, rng)
        self.preconditioner.estimate(architecture, start)
        for alpha in ALPHAS.tolist():
            penalties = [self._penalty(alpha, fold) for fold in self.folds]
            thetas = [within_prior(architecture, start, p) for p in penalties]
            self.trials.append(_Trial(alpha, thetas))

    def _penalty(self, alpha: float, fold: _Fold) -> Vector:
        return alpha * self.precision / fold.training.total_weight

    def run(self) -> Choice:
        """Return the best strength."""
        trial = None
        try:
            while (trial := self._next_trial()) is not None:
                self._continue(trial)
        except lbfgs.Stop as stop:
            if stop.reason == "callback" and trial is not None:
                return self._choice(trial.alpha, trial.thetas[0])
        judged = [trial for trial in self._judged() if np.isfinite(trial.score)]
        return self._choice(_chosen(judged).alpha if judged else DEFAULT_ALPHA)

    def _judged(self) -> list[_Trial]:
        return [trial for trial in self.trials if trial.losses]

    def _choice(self, alpha: float, stopped_at: Vector | None = None) -> Choice:
        tried = [(trial.alpha, trial.score) for trial in self._judged()]
        alphas, scores = np.array(tried).T if tried else (None, None)
        return Choice(alpha, alphas, scores, int(np.ceil(self.cost)), stopped_at)

    def _next_trial(self) -> _Trial | None:
        """Return the trial to continue, or None at the end."""
        trials, judged = self.trials, self._judged()
        if not judged:
            return next((trial for trial in trials if trial.alpha == _FIRST), None)
        lowest, highest = (trials.index(judged[k]) for k in (0, -1))
        i = trials.index(min(judged, key=lambda trial: trial.losses[0]))
        if highest < min(i + _MARGIN, len(trials) - 1):
            return trials[highest + 1]
        if lowest > max(i - _MARGIN, 0):
            return trials[lowest - 1]
        i = trials.index(_chosen(judged))
        for length, candidates in (
            (self.lengths[1], [trials[i], *trials[max(i - 1, 0) : i + 2]]),
            (self.lengths[2], [trials[i], *trials[i + 1 : i + 2]]),
        ):
            for trial in candidates:
                if trial.n_iter < length:
                    return trial
        return None

    def _continue(self, trial: _Trial) -> None:
        """Continue a trial until its next judgment."""
        length = min(n for n in self.lengths if n > trial.n_iter)
        found = []
        for k, fold in enumerate(self.folds):
            self._fit(trial, k, length - trial.n_iter)
            objective = fold.held_out
            of_sequences = objective.loss_sum.sequence_losses(
                objective.architecture, trial.thetas[k]
            )
            found.append(
                of_sequences
                if fold.groups is None
                else [np.bincount(fold.groups, v) for v in of_sequences]
            )
        trial.n_iter = length
        trial.judge(np.concatenate(found, axis=1))

    def _fit(self, trial: _Trial, k: int, n_iter: int) -> None:
        """Continue the fit on one fold; raise `lbfgs.Stop` if the search must end."""
        fold, theta = self.folds[k], trial.thetas[k]
        objective = fold.training
        objective.penalty = self._penalty(trial.alpha, fold)
        n_before, cost_before = self.n_iter, self.cost

        def count(progress: lbfgs.Progress) -> None:
            self.n_iter = n_before + progress.n_iter
            self.cost = cost_before + progress.n_fun * fold.share
            trial.thetas[k] = progress.x
            self.on_iteration(
                Progress(
                    trial.alpha,
                    progress.x,
                    progress.loss,
                    progress.gradient_norm,
                    self.n_iter,
                    int(np.ceil(self.cost)),
                )
            )

        # At least half of the evaluations are left for the fit that follows.
        limit = int((self.settings.max_fun // 2 - self.cost) / fold.share)
        if limit <= 0:
            raise lbfgs.Stop("max_fun")
        try:
            solution = lbfgs.minimize(
                objective.loss_and_gradient,
                theta,
                s=self.preconditioner.scale(objective, theta),
                max_iter=n_iter,
                max_fun=limit,
                tol=self.settings.tol,
                max_corrections=self.settings.max_corrections,
                on_iteration=count,
            )
        except FloatingPointError:  # at the start; another strength may do
            trial.thetas[k] = np.full_like(theta, np.nan)
            return
        trial.thetas[k] = solution.x
        self.cost = cost_before + solution.n_fun * fold.share
        if solution.stop_reason in ("callback", "max_fun"):
            raise lbfgs.Stop(solution.stop_reason)


def _chosen(trials: list[_Trial]) -> _Trial:
    """Return the strongest trial that is nearly as good as the best."""
    best = chosen = min(trials, key=lambda trial: trial.loss)
    for trial in trials[trials.index(best) + 1 :]:
        if not trial.is_close_to(best):
            break
        chosen = trial
    return chosen


def _folds(problem: TrainingProblem, rng: np.random.RandomState) -> list[_Fold]:
    """Divide the training sequences; return no fold if nothing can be held out."""
    lengths, groups = problem.lengths, problem.groups

    def share(places: Ids) -> float:
        return float(lengths[places].sum() / lengths.sum())

    places = _sample(groups, rng)
    if problem.validation is not None:  # early stopping has held out some already
        training = problem.subset_objective(Subset(places))
        return _labeled([_Fold(training, problem.validation, None, share(places))])
    names = np.unique(groups[places])
    has_few = len(names) < _FEW_GROUPS
    if len(names) >= _MIN_GROUPS:
        n_out = int(np.ceil(len(names) * (0.5 if has_few else _HELD_OUT_FRACTION)))
        is_out = np.isin(groups[places], rng.choice(names, n_out, replace=False))
        parts = [Subset(places[~is_out]), Subset(places[is_out])]
    elif lengths[0] >= MIN_STEPS_TO_CUT:
        has_few = False  # only the end of a sequence is held out
        parts = [Subset(places, "early"), Subset(places, "late")]
    else:
        return []
    one, other = ((part.places, problem.subset_objective(part)) for part in parts)
    pairs = [(one, other), *([(other, one)] if has_few else [])]
    return _labeled(
        [
            _Fold(training, held_out, groups[out], share(rest))
            for (rest, training), (out, held_out) in pairs
        ]
    )


def _labeled(folds: list[_Fold]) -> list[_Fold]:
    """Drop folds without labels in one part; tiny weights are 0 in float32."""
    return [
        fold
        for fold in folds
        if fold.training.total_weight > 0 < fold.held_out.total_weight
    ]


def _sample(groups: Ids, rng: np.random.RandomState) -> Ids:
    """Return the places of some sequences, all of each group: half of many."""
    most = max(_MANY_SEQUENCES, len(groups) // 2)
    if len(groups) <= most:
        return np.arange(len(groups))
    names, sizes = np.unique(groups, return_counts=True)
    order = rng.permutation(len(names))
    n = max(_MIN_GROUPS, int(np.searchsorted(np.cumsum(sizes[order]), most)) + 1)
    return np.flatnonzero(np.isin(groups, names[order[:n]]))
