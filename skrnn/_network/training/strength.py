r"""Choice of the penalty's strength by the loss of held-out sequences.

The right strength depends on how much the steps of a sequence have to say about each
other, and differs by a factor of a thousand between tasks. So short fits with
different strengths are judged by sequences that are held out, and the best go on:

    7 iterations    with strengths around 3, until there are two on either side of the
                    best, or the end of the grid
    16 iterations   with the choice so far and its two neighbors
    50 iterations   with the choice and the next stronger one; the next weaker one if
                    the choice is still learning

The choice is always the strongest strength whose loss is not significantly higher than
the lowest: by at most two standard errors of the difference between sequences. Short
fits favor weak strengths, which have not overfit yet, and the final fit is longer. For
the same reason a loss that has risen since an earlier judgment counts as risen by as
much again.

If the lowest loss has halved since the judgment before, its fit is still learning. Then
overfitting is far away, and the longer fit gains more from a weak penalty. So the
choice is the strength with the lowest loss.

One fifth of the sequences is held out. With few sequences a fifth would be a matter of
luck, so each half is held out in turn. With hardly any, the last fifth of the steps of
each long sequence is held out: the network reads these steps, but not their labels.
With many sequences, half of them are enough: the penalty is in units of the total loss,
so the best strength depends little on their number. Labels of classes that only the
sequences held out have do not count.

Direct weights and transitions have a strength of their own, the first to be chosen: by
the network without hidden layers, whose objective is convex. The fits of the other
strength start from the direct weights that it found on the same sequences, and last 50
iterations each, because hidden layers begin with little influence. For sparse
features, such as words and their suffixes, nothing is searched: the log-loss favors a
strength at which rare features are ignored, and with them the rare labels and spans
that one wants to find.

Beside n-grams, only their own strength is searched, and that of hidden weights is 10.
Fits of 50 iterations do not show yet which hidden layers will learn texts by heart, and
held-out texts that repeat much of others, such as sentences of the same author, favor
those that do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.model.parameters import Architecture

from . import lbfgs
from .initialization import initial_parameters, within_prior
from .objective import MIN_STEPS_TO_CUT, Objective, Subset
from .preconditioning import Preconditioner
from .problem import Settings, TrainingProblem
from .regularization import precision, skip_precision

Ids = NDArray[np.intp]
Vector = NDArray[np.float64]

ALPHAS = np.array([0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0])
SKIP_ALPHAS = np.array([0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0])
NGRAM_ALPHAS = np.array([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2])
DEFAULT_ALPHA = 1.0  # if nothing can be held out
DEFAULT_SKIP_ALPHA = 0.1  # so too, and for sparse features
_SPARSE_BELOW = 0.1  # fraction of nonzero values
_LINEAR_ITERATIONS = 100
_NGRAM_ITERATIONS = 30  # the loss of n-grams soon changes little
_FIRST_LINEAR = 0.3  # so too for direct weights
_FIRST_NGRAM = 0.2  # and for those of n-grams
_ALPHA_BESIDE_NGRAMS = 10.0
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
    """The strengths of the penalty, and how they were found."""

    alpha: float
    alphas: Vector | None = None  # what was tried, ascending
    scores: Vector | None = None  # negative losses of held-out sequences
    n_fun: int = 0  # evaluations, in units of those on all data
    stopped_at: Vector | None = None  # parameters at which the user stopped the search
    skip_alpha: float = DEFAULT_SKIP_ALPHA  # of direct weights and transitions


class Progress(NamedTuple):
    """State of the search after an iteration of one of its fits."""

    strength: str  # which is searched
    alpha: float  # its value
    x: Vector
    loss: float
    gradient_norm: float
    n_iter: int  # of all fits
    n_fun: int


@dataclass
class _Tally:
    """What all fits have cost so far."""

    n_iter: int = 0
    cost: float = 0.0  # evaluations, in units of those on all data


class _Fold(NamedTuple):
    """Objectives to train on, and to judge by."""

    training: Objective
    held_out: Objective
    groups: Ids | None  # of the sequences held out; None if each is one
    share: float  # cost of an evaluation, relative to one on all data

    def of(self, architecture: Architecture) -> "_Fold":
        """Return the same fold for another architecture."""
        return self._replace(
            training=Objective(architecture, self.training.loss_sum),
            held_out=Objective(architecture, self.held_out.loss_sum),
        )


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
    def is_learning(self) -> bool:
        """Whether the loss has halved since the judgment before."""
        return len(self.losses) > 1 and self.losses[-1] < 0.5 * self.losses[-2]

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


def linear_iterations(*, has_ngrams: bool) -> int:
    """Return for how long direct weights are trained alone."""
    return _NGRAM_ITERATIONS if has_ngrams else _LINEAR_ITERATIONS


def max_iterations(
    settings: Settings, *, skip_connection: bool, has_ngrams: bool = False
) -> int:
    """Return how many iterations there are at most before the fit of all weights."""
    n_linear = min(linear_iterations(has_ngrams=has_ngrams), settings.max_iter)
    n_each = min(_LENGTHS[-1], settings.max_iter)
    n_alphas = len(ALPHAS) if settings.alpha is None else 0
    n_skip_alphas = len(SKIP_ALPHAS) if settings.skip_alpha is None else 1
    search = 2 * n_alphas * n_each
    # The last one is the start of the fit, on all data.
    n_linear_fits = 2 * n_skip_alphas + 1 if skip_connection or has_ngrams else 0
    return search + n_linear_fits * n_linear


def is_searched(settings: Settings, architecture: Architecture) -> bool:
    """Return whether a strength that the architecture needs is not given."""
    return (settings.alpha is None and bool(architecture.hidden_layer_sizes)) or (
        settings.skip_alpha is None and architecture.has_direct_weights
    )


def choose(
    problem: TrainingProblem,
    settings: Settings,
    rng: np.random.RandomState,
    on_iteration: Callable[[Progress], None],
) -> Choice:
    """Return the strengths that are given, and search for those that are not.

    Parameters
    ----------
    problem : TrainingProblem
    settings : Settings
    rng : RandomState
        Draws held-out sequences and starting weights.
    on_iteration : callable
        Called with `Progress` after each iteration; may raise `lbfgs.Stop`, which ends
        the search.
    """
    architecture, features = problem.objective.architecture, problem.features
    if settings.alpha is None and architecture.n_pairs:
        settings = settings._replace(alpha=_ALPHA_BESIDE_NGRAMS)
    is_sparse = architecture.skip_connection and features.density < _SPARSE_BELOW
    if settings.skip_alpha is None and is_sparse:
        settings = settings._replace(skip_alpha=DEFAULT_SKIP_ALPHA)
    alpha, skip_alpha = settings.alpha, settings.skip_alpha
    searches_alpha = alpha is None and bool(architecture.hidden_layer_sizes)
    if alpha is None:
        alpha = DEFAULT_ALPHA
    choice = Choice(
        alpha, skip_alpha=DEFAULT_SKIP_ALPHA if skip_alpha is None else skip_alpha
    )
    if not is_searched(settings, architecture):
        return choice
    folds = _folds(problem, rng)
    if not folds:
        return choice
    options = problem, settings, rng, _Tally(), on_iteration
    linear_parts = None
    if architecture.has_direct_weights:
        choice, linear_parts = _choose_skip_alpha(choice, folds, *options)
    if searches_alpha and choice.stopped_at is None:
        choice = _choose_alpha(choice, folds, linear_parts, *options)
    return choice


def _choose_skip_alpha(
    choice: Choice,
    folds: list[_Fold],
    problem: TrainingProblem,
    settings: Settings,
    rng: np.random.RandomState,
    tally: _Tally,
    on_iteration: Callable[[Progress], None],
) -> tuple[Choice, list[Vector] | None]:
    """Search the strength of direct weights; return these weights of each fold, too."""
    architecture, features = problem.objective.architecture, problem.features
    linear = architecture.without_hidden
    kind, grid = _LinearSearch, SKIP_ALPHAS
    if architecture.n_pairs:
        kind, grid = _NgramSearch, NGRAM_ALPHAS
    search = kind(
        [fold.of(linear) for fold in folds],
        [np.zeros(linear.n_parameters) for _ in folds],
        grid if settings.skip_alpha is None else np.array([settings.skip_alpha]),
        skip_precision(linear, features),
        np.zeros(linear.n_parameters),
        problem,
        settings,
        rng,
        tally,
        on_iteration,
    )
    best = search.run()
    choice = choice._replace(n_fun=search.n_fun)
    if search.stopped_at is not None:
        theta = np.zeros(architecture.n_parameters)
        theta = architecture.with_linear_part(theta, search.stopped_at)
        choice = choice._replace(stopped_at=theta)
    if best is None:
        return choice, None
    return choice._replace(skip_alpha=best.alpha), best.thetas


def _choose_alpha(
    choice: Choice,
    folds: list[_Fold],
    linear_parts: list[Vector] | None,
    problem: TrainingProblem,
    settings: Settings,
    rng: np.random.RandomState,
    tally: _Tally,
    on_iteration: Callable[[Progress], None],
) -> Choice:
    """Search the strength of hidden weights, beside direct weights if there are any."""
    architecture, features = problem.objective.architecture, problem.features
    start = initial_parameters(architecture, features, rng)
    starts = [start for _ in folds]
    if linear_parts is not None:
        starts = [architecture.with_linear_part(start, part) for part in linear_parts]
    search = (_JointSearch if architecture.has_direct_weights else Search)(
        folds,
        starts,
        ALPHAS,
        precision(architecture, features),
        choice.skip_alpha * skip_precision(architecture, features),
        problem,
        settings,
        rng,
        tally,
        on_iteration,
    )
    best = search.run()
    alphas, scores = search.tried()
    return choice._replace(
        alpha=DEFAULT_ALPHA if best is None else best.alpha,
        alphas=alphas,
        scores=scores,
        n_fun=search.n_fun,
        stopped_at=search.stopped_at,
    )


class Search:
    """Search for the best strength of hidden weights, or of others in subclasses.

    Parameters
    ----------
    folds : list of _Fold
    starts : list of ndarray of shape (n_parameters,)
        Where to start on each fold.
    alphas : ndarray of shape (n_alphas,)
        Strengths that may be tried, ascending.
    precision : ndarray of shape (n_parameters,)
        The penalty of strength 1.
    fixed : ndarray of shape (n_parameters,)
        The penalty of parameters whose strength is given.
    problem, settings, rng, tally, on_iteration
        As in `choose`; ``tally`` counts the fits of all searches.
    """

    strength: ClassVar[str] = "alpha"
    all_lengths: ClassVar[tuple[int, ...]] = _LENGTHS

    def __init__(
        self,
        folds: list[_Fold],
        starts: list[Vector],
        alphas: Vector,
        precision: Vector,
        fixed: Vector,
        problem: TrainingProblem,
        settings: Settings,
        rng: np.random.RandomState,
        tally: _Tally,
        on_iteration: Callable[[Progress], None],
    ) -> None:
        self.folds = folds
        self.precision = precision
        self.fixed = fixed
        self.settings = settings
        self.tally = tally
        self.on_iteration = on_iteration
        self.stopped_at: Vector | None = None
        self.lengths = [min(n, settings.max_iter) for n in self.all_lengths]
        architecture = folds[0].training.architecture
        # One estimate of the curvature for all fits: it costs several evaluations.
        self.preconditioner = Preconditioner(
            problem.features.scale, problem.sample, rng
        )
        self.preconditioner.estimate(architecture, starts[0])
        self.trials = [
            _Trial(
                alpha,
                [
                    within_prior(architecture, start, self._penalty(alpha, fold))
                    for start, fold in zip(starts, folds, strict=True)
                ],
            )
            for alpha in alphas.tolist()
        ]

    def _penalty(self, alpha: float, fold: _Fold) -> Vector:
        return (alpha * self.precision + self.fixed) / fold.training.total_weight

    @property
    def n_fun(self) -> int:
        """Evaluations so far, in units of those on all data."""
        return int(np.ceil(self.tally.cost))

    def tried(self) -> tuple[Vector | None, Vector | None]:
        """Return the strengths that were tried, ascending, and their scores."""
        tried = [(trial.alpha, trial.score) for trial in self._judged()]
        alphas, scores = np.array(tried).T if tried else (None, None)
        return alphas, scores

    def run(self) -> _Trial | None:
        """Return the best trial, or the last one if the user stopped the search."""
        trial = None
        try:
            while (trial := self._next_trial()) is not None:
                self._continue(trial)
        except lbfgs.Stop as stop:
            if stop.reason == "callback" and trial is not None:
                self.stopped_at = trial.thetas[0]
                return trial
        judged = [trial for trial in self._judged() if np.isfinite(trial.score)]
        return self._select(judged) if judged else None

    def _select(self, judged: list[_Trial]) -> _Trial:
        return _chosen(judged)

    def _judged(self) -> list[_Trial]:
        return [trial for trial in self.trials if trial.losses]

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
        choice = _chosen(judged)
        i = trials.index(choice)
        weaker, stronger = trials[max(i - 1, 0) : i], trials[i + 1 : i + 2]
        promising = weaker if _best(judged).is_learning else stronger
        for length, candidates in (
            (self.lengths[1], [choice, *weaker, *stronger]),
            (self.lengths[2], [choice, *promising]),
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
        tally = self.tally
        n_before, cost_before = tally.n_iter, tally.cost

        def count(progress: lbfgs.Progress) -> None:
            tally.n_iter = n_before + progress.n_iter
            tally.cost = cost_before + progress.n_fun * fold.share
            trial.thetas[k] = progress.x
            self.on_iteration(
                Progress(
                    self.strength,
                    trial.alpha,
                    progress.x,
                    progress.loss,
                    progress.gradient_norm,
                    tally.n_iter,
                    self.n_fun,
                )
            )

        # At least half of the evaluations are left for the fit that follows.
        limit = int((self.settings.max_fun // 2 - tally.cost) / fold.share)
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
        tally.cost = cost_before + solution.n_fun * fold.share
        if solution.stop_reason in ("callback", "max_fun"):
            raise lbfgs.Stop(solution.stop_reason)


class _JointSearch(Search):
    """Search for the strength of hidden weights beside direct weights.

    The direct weights have learned what is easy to learn. Hidden layers begin with
    little influence, and what they will contribute shows late; so all fits are long.
    """

    all_lengths = _LENGTHS[-1:]
    first = _FIRST

    def _next_trial(self) -> _Trial | None:
        """Return a neighbor of the best trial, until both are judged."""
        trials, judged = self.trials, self._judged()
        if not judged:
            return next((t for t in trials if t.alpha == self.first), trials[0])
        lowest, highest = (trials.index(judged[k]) for k in (0, -1))
        i = trials.index(_best(judged))
        if i == highest < len(trials) - 1:
            return trials[highest + 1]
        if i == lowest > 0:
            return trials[lowest - 1]
        return None


class _LinearSearch(_JointSearch):
    """Search for the strength of direct weights, without hidden layers.

    The lowest loss decides: a convex objective does not overfit more with every
    iteration.
    """

    strength = "skip_alpha"
    all_lengths = (_LINEAR_ITERATIONS,)
    first = _FIRST_LINEAR

    def _select(self, judged: list[_Trial]) -> _Trial:
        return _best(judged)


class _NgramSearch(_LinearSearch):
    """The same for the weights of n-grams.

    Of strengths that are about as good, the strongest: it is better at texts that are
    not like any in training, such as the entries of a vocabulary.
    """

    all_lengths = (_NGRAM_ITERATIONS,)
    first = _FIRST_NGRAM

    def _select(self, judged: list[_Trial]) -> _Trial:
        return _chosen(judged)


def _best(trials: list[_Trial]) -> _Trial:
    """Return the trial with the lowest loss."""
    return min(trials, key=lambda trial: trial.loss)


def _chosen(trials: list[_Trial]) -> _Trial:
    """Return the strongest trial that is nearly as good as the best.

    The best itself if it is still learning.
    """
    best = chosen = _best(trials)
    if best.is_learning:
        return best
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
    objectives = [problem.subset_objective(part) for part in parts]
    folds = []
    for i, out in [(0, 1), (1, 0)] if has_few else [(0, 1)]:
        training, held_out, part = objectives[i], objectives[out], parts[out]
        classes = _classes_of(training)
        if classes is not None:
            held_out = problem.subset_objective(part._replace(classes=classes))
        rest = share(parts[i].places)
        folds.append(_Fold(training, held_out, groups[part.places], rest))
    return _labeled(folds)


def _classes_of(objective: Objective) -> Ids | None:
    """Return the classes that are trained, or None if all are.

    A class without a label to train on has a loss that grows with every iteration.
    """
    architecture = objective.architecture
    if architecture.output != "softmax":
        return None
    weights = objective.loss_sum.class_weights(architecture.n_outputs)
    return None if weights.all() else np.flatnonzero(weights)


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
