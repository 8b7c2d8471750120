"""Permutation importance: the drop in score when parts of the input are permuted.

importance = score of X  -  score of X with values from elsewhere
"""

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from skrnn._sklearn_compat import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from skrnn._validation.arrays import Array, Ids, Vector
from skrnn._validation.containers import objects, shown
from skrnn._validation.persistence import set_module
from skrnn._validation.reading import Steps, last_step, read_any_steps
from skrnn._validation.steps import restore_steps
from skrnn._validation.tables import is_frame, take_rows, with_column_of
from skrnn._validation.targets import check_weights
from skrnn.metrics import get_step_scorer

_CONSTRAINTS: dict[str, Any] = {
    "estimator": [HasMethods(["fit"])],
    "over": [StrOptions({"features", "lags"})],
    "lags": [Interval(Integral, 1, None, closed="left"), "array-like"],
    "scoring": [str, callable, None],
    "n_repeats": [Interval(Integral, 1, None, closed="left")],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
}


@set_module("skrnn.model_selection")
def permutation_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    over: str = "features",
    lags: Any = 5,
    scoring: Any = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: Any = None,
    sample_weight: Any = None,
) -> Bunch:
    """Compute the permutation importance of features or of lags.

    The equivalent of :func:`sklearn.inspection.permutation_importance` for the features
    of steps, and for the input a given number of steps earlier.

    Parameters
    ----------
    estimator : estimator object
        A fitted classifier or regressor of steps, or a pipeline or search that ends in
        one.
    X : array-like of n_sequences sequences
        Padded or ragged sequences, or strings or lists of anything that the estimator
        accepts as steps. Preferably sequences outside the training set.
    y : array-like of n_sequences label sequences
        The labels of the steps, in any form that `scoring` takes.
    over : {"features", "lags"}, default="features"
        What to permute: one feature at all steps, or all features of one step.
    lags : int or array-like of int, default=5
        The lags; an integer n means 0 to n - 1. A negative lag is a later input, which
        bidirectional models read. Only used if `over` is "lags".
    scoring : str, callable or None, default=None
        Function `scorer(estimator, X, y)` that returns larger values for better models,
        or the name of a scorer in :func:`skrnn.metrics.get_step_scorer`. For lags it
        must accept `sample_weight` with a weight for each step. None uses the
        estimator's `score`.
    n_repeats : int, default=5
        Number of permutations for each importance.
    n_jobs : int, default=None
        Number of features or lags to process in parallel. None means 1 unless in a
        :func:`joblib.parallel_config` context; -1 means as many as there are cores.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for the permutations.
    sample_weight : array-like of shape (n_sequences,) or of the form of y, default=None
        Weight of each sequence, or of each step, in the score.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        importances_mean : ndarray of shape (n_features,) or (n_lags,)
            Mean over the repeats.
        importances_std : ndarray of shape (n_features,) or (n_lags,)
            Standard deviation over the repeats.
        importances : ndarray of shape (n_features, n_repeats) or (n_lags, n_repeats)
            The drop in score in every repeat.
        lags : ndarray of shape (n_lags,)
            The lags. Only present if `over` is "lags".

    Raises
    ------
    ValueError
        If X is 2-D, no sequence is longer than a lag, or a permutation would make a
        valid step equal to the padding.

    Notes
    -----
    **Features.** The values of one feature are permuted over all valid steps of all
    sequences. This destroys its order in time as well as its relation to the labels.
    Tokens count as one feature.

    **Lags.** The importance of lag k is the drop in score of the label at step t when
    only the input at step t - k is replaced by that of another valid step, drawn from
    all of X. In every repeat, one label is drawn from each sequence longer than k, with
    probability proportional to its weight, and it contributes to the score with the
    total weight of all labels it was drawn from. So the importances refer to all steps
    that have an input at lag k, and to the same labels before and after the
    replacement. A repeat costs two predictions of X; `n_repeats` determines the
    accuracy.

    Both methods can create inputs that do not occur in real data. If several features
    or steps contain the same information, each of them may appear unimportant.

    Examples
    --------
    The labels repeat the input of two steps earlier:

    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.datasets import make_recall
    >>> from skrnn.model_selection import permutation_importance
    >>> X, y = make_recall(100, n_steps=12, lag=2, random_state=0, return_X_y=True)
    >>> model = VanillaRNNClassifier(16, max_iter=1000, random_state=0).fit(X, y)
    >>> result = permutation_importance(
    ...     model, X, y, over="lags", lags=4, random_state=0
    ... )
    >>> result.importances_mean.round(1)
    array([0. , 0. , 0.7, 0. ])
    """
    validate_parameter_constraints(_CONSTRAINTS, locals(), "permutation_importance")
    padding_value = getattr(last_step(estimator), "padding_value", np.nan)
    if isinstance(scoring, str):
        scoring = get_step_scorer(scoring)
    scorer = check_scoring(estimator, scoring=scoring)
    steps = read_any_steps(X, padding_value)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    task = _Task(
        estimator, X, y, sample_weight, scorer, steps, padding_value, n_repeats, seed
    )
    if over == "features":
        before = task.score(X, sample_weight)
        n_features = steps.values.shape[1] if len(steps.values.shape) == 2 else 1
        jobs = [delayed(task.of_feature)(i, before) for i in range(n_features)]
    else:
        lags = np.asarray(range(lags) if isinstance(lags, Integral) else lags)
        _check_lags(lags, steps.sequences.lengths)
        jobs = [delayed(task.of_lag)(lag) for lag in lags.tolist()]
    importances = np.array(Parallel(n_jobs=n_jobs)(jobs))
    result = Bunch(
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
    )
    if over == "lags":
        result.lags = lags
    return result


class _Task(NamedTuple):
    """The data and the scorer."""

    estimator: Any
    X: Any
    y: Any
    sample_weight: Any
    scorer: Callable[..., float]
    steps: Steps  # of X
    padding_value: float
    n_repeats: int
    seed: int

    def score(self, X: Any, sample_weight: Any) -> float:
        if sample_weight is None:
            return self.scorer(self.estimator, X, self.y)
        return self.scorer(self.estimator, X, self.y, sample_weight=sample_weight)

    def score_with(self, values: Any, sample_weight: Any) -> float:
        """Score X with the values of its valid steps replaced."""
        X = restore_steps(values, self.steps.sequences, self.padding_value)
        if self.steps.are_characters:
            X = objects(map("".join, X))
        return self.score(X, sample_weight)

    def of_feature(self, feature: int, before: float) -> list[float]:
        """Return the importance of a feature in every repeat."""
        rng = np.random.RandomState(self.seed)
        values, losses = self.steps.values, []
        for _ in range(self.n_repeats):
            exchanged = _with_column(values, feature, rng.permutation(values.shape[0]))
            losses.append(before - self.score_with(exchanged, self.sample_weight))
        return losses

    def of_lag(self, lag: int) -> list[float]:
        """Return the importance of the input at a lag in every repeat."""
        rng = np.random.RandomState(self.seed)
        values, sequences, _ = self.steps
        weights, losses = check_weights(self.sample_weight, sequences), []
        for _ in range(self.n_repeats):
            labels, their_weights = _draw_labels(rng, sequences.lengths, weights, lag)
            inputs = labels - lag
            donors = rng.randint(len(weights) - 1, size=len(inputs))
            donors += donors >= inputs  # never the input itself
            sources = np.arange(len(weights))
            sources[inputs] = donors
            drawn = np.zeros(len(weights))
            drawn[labels] = their_weights
            sample_weight = sequences.restore(drawn, 0.0)
            before = self.score(self.X, sample_weight)
            taken = take_rows(values, sources) if is_frame(values) else values[sources]
            after = self.score_with(taken, sample_weight)
            losses.append(before - after)
        return losses


def _with_column(values: Any, column: int, donors: Ids) -> Any:
    """Return rows with one column taken from other rows."""
    if is_frame(values):
        return with_column_of(values, column, donors)
    if values.ndim == 1:
        return values[donors]
    if sparse.issparse(values):
        left, right = values[:, :column], values[:, column + 1 :]
        middle = values[donors][:, [column]]
        return sparse.hstack([left, middle, right], format="csr")
    result = values.copy()
    result[:, column] = values[donors, column]
    return result


def _draw_labels(
    rng: np.random.RandomState, lengths: Ids, weights: Vector, lag: int
) -> tuple[Ids, Vector]:
    """Draw one label with an input at the lag from each sequence that has any.

    Return the positions among all valid steps, and for each the total weight of the
    labels of its sequence that could have been drawn.
    """
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(weights)) - (np.cumsum(lengths) - lengths)[sequence]
    has_input = (position >= lag) & (position - lag < lengths[sequence])
    weights = np.where(has_input, weights, 0)
    # Of exponential times at rates w, the first belongs to i with probability ~ w_i.
    with np.errstate(divide="ignore"):
        times = rng.exponential(size=len(weights)) / weights
    order = np.lexsort((times, sequence))
    first = order[np.flatnonzero(np.diff(sequence[order], prepend=-1))]
    first = first[weights[first] > 0]
    total = np.bincount(sequence, weights, minlength=len(lengths))
    return first, np.asarray(total[sequence[first]])


def _check_lags(lags: Array, lengths: Ids) -> None:
    if lags.ndim != 1 or not lags.size or lags.dtype.kind not in "iu":
        raise ValueError(f"lags={shown(lags)}; pass an integer or a list of integers")
    longest = int(lengths.max())
    if np.abs(lags).max() >= longest:
        raise ValueError(
            f"lags go to {np.abs(lags).max()} but the longest sequence has {longest} "
            "valid steps; no label has an input so far away"
        )
    if lengths.sum() < 2:
        raise ValueError("X has one valid step; a permutation needs at least two")
