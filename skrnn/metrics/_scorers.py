"""Scorers for scikit-learn's searches, from metrics over valid steps.

    scorer(estimator, X, y)  =  metric(steps of y, steps of estimator.predict(X))

Steps are flattened first; scikit-learn's own scorers do the rest.
"""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, Literal

import numpy as np
from sklearn.metrics import get_scorer, make_scorer
from sklearn.utils import Tags, get_tags

from skrnn._sklearn_compat import BaseScorer, check_response_method
from skrnn._validation.arrays import Array, Ids, Mask, Vector
from skrnn._validation.containers import objects
from skrnn._validation.persistence import set_module
from skrnn._validation.reading import ask, last_step
from skrnn._validation.sequences import lengths_to_last

from ._pairs import Steps, pair_steps
from ._spans import span_f1_score
from ._steps import sequence_accuracy_score, step_log_loss

# The first two need the ends of sequences, the third a column for every class.
_OF_SEQUENCES = (sequence_accuracy_score, span_f1_score, step_log_loss)
# The least log-probability of a step, that of scikit-learn's log_loss.
_LOG_EPS = np.log(np.finfo(np.float64).eps)


@set_module("skrnn.metrics")
def make_step_scorer(
    metric: Callable[..., Any],
    *,
    response_method: str | Sequence[str] = "predict",
    greater_is_better: bool = True,
    flatten: bool | Literal["auto"] = "auto",
    **kwargs: Any,
) -> Callable[..., float]:
    """Make a scorer from a metric, for models that label steps.

    The equivalent of :func:`sklearn.metrics.make_scorer` for sequences in any form;
    padding is ignored. The scorer can be used wherever scikit-learn accepts `scoring`.

    Parameters
    ----------
    metric : callable
        A scikit-learn metric, or any other function of the true and the predicted
        labels of all valid steps, as arrays of shape (n_valid_steps,).
    response_method : str or sequence of str, default="predict"
        The method of the model that returns the predictions: "predict",
        "predict_proba" or "decision_function". If several are given, the first that
        the model has is used.
    greater_is_better : bool, default=True
        Whether larger values are better. If False, the scorer returns the negative.
    flatten : bool or "auto", default="auto"
        If False, the metric receives object arrays with one array per sequence instead
        of flat arrays. "auto" does this for the metrics of this module that need it.
    **kwargs : object
        Further arguments of the metric.

    Returns
    -------
    callable
        A scorer, called as `scorer(estimator, X, y, sample_weight=None)`; greater is
        better.

    Raises
    ------
    TypeError
        If `metric` is not callable.

    See Also
    --------
    get_step_scorer : Makes scorers by name.

    Notes
    -----
    Predicted labels at the end of a row that are not classes of the model are padding,
    as are rows of NaN, so `padding_label` is not needed.

    If a metric of probabilities has a parameter `labels`, the scorer passes the classes
    of the model, because a part of the data may lack some of them. Weights have one
    value per sequence or per step; in searches, `set_score_request` routes them to the
    scorer, as scikit-learn's user guide explains. Flat arrays omit steps with zero
    weight; with `flatten=False` the metric receives these steps and their weights.

    Examples
    --------
    >>> from sklearn.metrics import fbeta_score
    >>> from sklearn.model_selection import cross_validate
    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.datasets import make_recall
    >>> from skrnn.metrics import make_step_scorer
    >>> X, y = make_recall(40, n_steps=6, lag=1, random_state=0, return_X_y=True)
    >>> model = VanillaRNNClassifier(8, max_iter=1000, random_state=0)
    >>> f2 = make_step_scorer(fbeta_score, beta=2, average="macro")
    >>> cross_validate(model, X, y, cv=2, scoring={"f2": f2})["test_f2"].shape
    (2,)
    """
    if not callable(metric):
        raise TypeError(
            f"metric={metric!r} is not a function; get_step_scorer takes names"
        )
    if flatten == "auto":
        flatten = getattr(metric, "func", metric) not in _OF_SEQUENCES  # of a partial
    sign = 1 if greater_is_better else -1
    return _StepScorer(metric, sign, kwargs, response_method, flatten=flatten)


@set_module("skrnn.metrics")
def get_step_scorer(scoring: str) -> Callable[..., float]:
    """Return a scorer by name, for models that label steps.

    Parameters
    ----------
    scoring : str
        The name of a scikit-learn scorer, such as "accuracy", "balanced_accuracy",
        "f1_macro", "neg_log_loss" or "roc_auc_ovr"; or "sequence_accuracy",
        "neg_sequence_log_loss" or "span_f1".

    Returns
    -------
    callable
        A scorer, called as `scorer(estimator, X, y, sample_weight=None)`; greater is
        better.

    Raises
    ------
    ValueError
        If there is no scorer with that name.

    See Also
    --------
    make_step_scorer : Makes a scorer from any metric.
    sklearn.metrics.get_scorer_names : Lists the names of scikit-learn's scorers.

    Notes
    -----
    "neg_log_loss" evaluates the probabilities of single steps, and
    "neg_sequence_log_loss" those of whole sequences of labels: the sum of their
    logarithms, by `sequence_log_proba`, divided by the number of labeled steps. Without
    a chain of labels both are equal. Weights must be equal at all steps of a sequence,
    or 0, which makes a step unlabeled. As in `step_log_loss`, no probability counts as
    less than 2.2e-16 per step, nor does an unknown label.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.datasets import make_recall
    >>> from skrnn.metrics import get_step_scorer
    >>> X, y = make_recall(40, n_steps=6, lag=1, random_state=0, return_X_y=True)
    >>> search = GridSearchCV(
    ...     VanillaRNNClassifier(8, max_iter=1000, random_state=0),
    ...     {"alpha": [0.1, 1.0]},
    ...     scoring=get_step_scorer("neg_log_loss"),
    ...     cv=2,
    ... )
    >>> bool(search.fit(X, y).best_score_ > -0.5)
    True
    """
    own: dict[str, Callable[..., float]] = {
        "neg_log_loss": make_step_scorer(
            step_log_loss, response_method="predict_proba", greater_is_better=False
        ),
        "neg_sequence_log_loss": _SequenceLogLossScorer(
            _log_loss_of_sequences, -1, {}, "predict"
        ),
        "sequence_accuracy": make_step_scorer(sequence_accuracy_score),
        "span_f1": make_step_scorer(span_f1_score),
    }
    if scoring in own:
        return own[scoring]
    scorer = get_scorer(scoring)
    return make_step_scorer(
        scorer._score_func,
        response_method=scorer._response_method,
        greater_is_better=scorer._sign > 0,
        **scorer._kwargs,
    )


class _StepScorer(BaseScorer):
    """A scorer that passes the valid steps of sequences to its metric."""

    def __init__(self, *args: Any, flatten: bool) -> None:
        super().__init__(*args)
        self._flatten = flatten

    def __repr__(self) -> str:
        text: str = super().__repr__()
        return text.replace("make_scorer", "make_step_scorer", 1)

    def _score(
        self,
        method_caller: Callable[..., Any],
        estimator: Any,
        X: Any,
        y_true: Any,
        *,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        method = check_response_method(estimator, self._response_method).__name__
        if method == "predict":
            y_pred = method_caller(estimator, method, X)  # once for several scorers
        else:
            y_pred = getattr(estimator, method)(X)
        if _is_rows_of_outputs(estimator, y_pred):
            # Sequences of one step; otherwise the outputs would be taken for steps.
            y_true, y_pred = np.asarray(y_true)[:, None], y_pred[:, None]
        steps = pair_steps(
            y_true,
            y_pred,
            sample_weight=sample_weight,
            lengths=_lengths(estimator, method, y_true, y_pred),
        )
        kwargs = {**self._kwargs, **kwargs}
        takes_labels = "labels" in signature(self._score_func).parameters
        if method != "predict" and takes_labels:
            kwargs.setdefault("labels", estimator.classes_)
        if not self._flatten:  # the metric itself omits steps with zero weight
            true, predicted, weights = steps.split()
            if weights is not None:
                kwargs["sample_weight"] = weights
            return self._sign * self._score_func(true, predicted, **kwargs)
        steps = steps.weighted()
        if steps.sample_weight is not None:
            kwargs["sample_weight"] = steps.sample_weight
        scorer = make_scorer(
            self._score_func,
            response_method=method,
            greater_is_better=self._sign > 0,
            **kwargs,
        )
        return scorer(_Answers(estimator, method, steps.y_pred), X, steps.y_true)


def _log_loss_of_sequences(log_proba: Vector, n_steps: Ids, weights: Vector) -> float:
    return -float(weights @ log_proba / (weights @ n_steps))


class _SequenceLogLossScorer(BaseScorer):
    """A scorer of the probability of all labels of a sequence together."""

    def __repr__(self) -> str:
        return 'get_step_scorer("neg_sequence_log_loss")'

    def _score(
        self,
        method_caller: Callable[..., Any],
        estimator: Any,
        X: Any,
        y_true: Any,
        *,
        sample_weight: Any = None,
    ) -> float:
        y_pred = method_caller(estimator, "predict", X)  # for the lengths
        lengths = _lengths(estimator, "predict", y_true, y_pred)
        steps = pair_steps(y_true, y_pred, sample_weight, lengths=lengths)
        labeled, weights = _labeled(steps)
        number = np.repeat(np.arange(len(steps.lengths)), steps.lengths)
        classes = set(estimator.classes_.tolist())
        known = np.array([label in classes for label in steps.y_true.tolist()], bool)
        labels = steps.y_true.astype(object)
        labels[~(labeled & known)] = None  # summed over
        if steps.form != "rows":
            labels = objects(np.split(labels, np.cumsum(steps.lengths)[:-1]))
        log_proba = ask(estimator, "sequence_log_proba", X, labels)
        n_steps, n_unknown = (
            np.bincount(number, mask, len(steps.lengths))
            for mask in (labeled, labeled & ~known)
        )
        log_proba = np.maximum(log_proba + n_unknown * _LOG_EPS, n_steps * _LOG_EPS)
        score: float = self._sign * self._score_func(log_proba, n_steps, weights)
        return score


def _labeled(steps: Steps) -> tuple[Mask, Vector]:
    """Return which steps are labeled, and the weight of each sequence."""
    if steps.sample_weight is None:
        return np.ones(len(steps.y_true), dtype=bool), np.ones(len(steps.lengths))
    labeled = steps.sample_weight > 0
    number = np.repeat(np.arange(len(steps.lengths)), steps.lengths)
    weights = np.zeros(len(steps.lengths))
    np.maximum.at(weights, number, steps.sample_weight)
    varies = labeled & (weights[number] != steps.sample_weight)
    if varies.any():
        raise ValueError(
            f"sample_weight[{number[varies.argmax()]}] differs from step to step; the "
            "labels of a sequence have a common probability and need one weight, or 0"
        )
    return labeled, weights


class _Answers:
    """A model with fixed predictions, for scikit-learn's own scorers."""

    def __init__(self, estimator: Any, method: str, answers: Array) -> None:
        self.estimator = estimator
        if hasattr(estimator, "classes_"):
            self.classes_ = estimator.classes_

        def answer(X: Any) -> Array:
            return answers

        answer.__name__ = method
        setattr(self, method, answer)

    def __sklearn_tags__(self) -> Tags:
        return get_tags(self.estimator)


def _is_rows_of_outputs(estimator: Any, y_pred: Any) -> bool:
    """Tell whether a regressor has several outputs per row of 2-D X."""
    n_outputs = getattr(last_step(estimator), "n_outputs_", 1)
    is_regressor = not hasattr(estimator, "classes_")
    return is_regressor and np.ndim(y_pred) == 2 and n_outputs > 1


def _lengths(estimator: Any, method: str, y_true: Any, y_pred: Any) -> Ids | None:
    """Return the lengths of sequences if labels alone may not determine them."""
    if np.ndim(y_pred) == 1:
        is_ragged = y_pred.dtype == object and np.ndim(y_pred[0]) > 0
        if not is_ragged or len(getattr(y_true, "shape", ())) < 2:
            return None
        return np.array([len(values) for values in y_pred], dtype=np.intp)
    if method != "predict" or np.ndim(y_pred) != 2:
        return None
    if not hasattr(estimator, "classes_"):  # a regressor
        return None
    return lengths_to_last(np.isin(y_pred, estimator.classes_))
