"""Cross-validated predictions of steps.

scikit-learn's function of the same name splits, routes, fits and restores the order.
It concatenates one item per sequence, which contains only the valid steps:

    folds of several widths and classes  ->  valid steps  ->  one array
"""

import warnings
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import model_selection
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, get_tags
from sklearn.utils.metadata_routing import get_routing_for_object

from skrnn._validation.arrays import Array, Ids
from skrnn._validation.containers import objects, reject_iterators
from skrnn._validation.persistence import set_module
from skrnn._validation.reading import ask, last_step
from skrnn._validation.sequences import Sequences, lengths_to_last
from skrnn._validation.targets import (
    check_labels,
    padding_label_for,
    with_padding_label,
)

# Values for a class that was not in the training set.
_UNSEEN = {
    "predict_proba": 0.0,
    "predict_log_proba": -np.inf,
    "decision_function": -np.inf,
}


@set_module("skrnn.model_selection")
def cross_val_predict(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
    pre_dispatch: int | str = "2*n_jobs",
    method: str = "predict",
) -> Array:
    """Predict every sequence with a model that was trained without it.

    The equivalent of :func:`sklearn.model_selection.cross_val_predict` for every method
    that returns a result for each step.

    Parameters
    ----------
    estimator : estimator object
        The estimator to clone and fit for every fold: a classifier or regressor of
        steps, or a pipeline or search that ends in one.
    X : array-like of n_sequences sequences
        Sequences in any form that the estimator accepts, padded or ragged; strings if
        it is a pipeline with an encoder.
    y : array-like of n_sequences label sequences, default=None
        The labels, padded or ragged. If `cv` is an integer, convert lists of lists with
        :func:`~skrnn.as_ragged` first.
    groups : array-like of shape (n_sequences,), default=None
        The group of each sequence, for splitters that need it. With metadata routing,
        pass it in `params`.
    cv : int, cross-validation generator or iterable, default=None
        How to split: None for 5 folds, the number of folds, a splitter, or pairs of
        training and test indices. Every sequence must be in exactly one test set.
    n_jobs : int, default=None
        Number of folds to fit in parallel. None means 1 unless in a
        :func:`joblib.parallel_config` context; -1 means as many as there are cores.
    verbose : int, default=0
        Verbosity level.
    params : dict, default=None
        Arguments of the estimator's `fit`, such as `sample_weight`; with metadata
        routing, also those of the splitter.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of folds to dispatch to the workers in advance.
    method : str, default="predict"
        The method to call: "predict", "predict_proba", "predict_log_proba",
        "decision_function", "hidden_states" or another that takes X and returns a
        result for every step.

    Returns
    -------
    ndarray of shape (n_sequences, n_steps), (n_sequences, n_steps, n_columns) or \
(n_sequences,)
        The results in the order and form of X, as the method returns them: padded to
        the widest fold, an object array with one array per sequence for ragged X, or
        one row per row of 2-D X. The columns of probabilities and decisions are all
        classes of y, sorted.

    Raises
    ------
    ValueError
        If the test sets are not a partition of the sequences.
    TypeError
        If X is a generator or another iterable without indices.

    Warns
    -----
    RuntimeWarning
        If a fold's training set lacks a class. There the class has probability 0, and
        log-probability and decision -inf.

    See Also
    --------
    sklearn.model_selection.cross_validate : Scores of every fold; accepts sequences.
    StratifiedSequenceKFold : Folds with similar class proportions.

    Notes
    -----
    Padding is NaN. In predicted labels it is the fitted models' `padding_label_`. If
    this differs between folds or is a class of another fold, it is the label that
    `padding_label="auto"` chooses for all classes.

    For two classes, `decision_function` has no axis of classes. If a fold was trained
    on only two of more classes, they get plus and minus half of its value, which does
    not change their probabilities.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier, as_ragged
    >>> from skrnn.model_selection import cross_val_predict
    >>> words = ["banana", "panama", "cabana", "havana", "manana", "savanna"]
    >>> vowels = as_ragged([["-v"[c in "aeiou"] for c in word] for word in words])
    >>> encoder = OneHotSequenceEncoder(handle_unknown="ignore")
    >>> network = VanillaRNNClassifier(4, max_iter=1000, random_state=0)
    >>> model = make_pipeline(encoder, network)
    >>> cross_val_predict(model, words, vowels, cv=3)[:2]
    array([['-', 'v', '-', 'v', '-', 'v', ''],
           ['-', 'v', '-', 'v', '-', 'v', '']], dtype='<U1')
    >>> cross_val_predict(model, words, vowels, cv=3, method="predict_proba").shape
    (6, 7, 2)
    """
    reject_iterators(X, "X")
    answers = model_selection.cross_val_predict(
        _AnswerBySequence(estimator, method),
        X,
        y,
        groups=groups,
        cv=cv,
        n_jobs=n_jobs,
        verbose=verbose,
        params=params,
        pre_dispatch=pre_dispatch,
    )
    sequences = _described(answers)
    folds = list({id(answer.fold): answer.fold for answer in answers}.values())
    if folds[0].classes is None or method not in ("predict", *_UNSEEN):
        steps = np.concatenate([answer.steps for answer in answers])
        return sequences.restore(steps, np.nan)
    classes = _all_classes(folds, y, sequences, type(estimator).__name__)
    if method in _UNSEEN:
        return sequences.restore(_aligned(answers, folds, classes, method), np.nan)
    steps = np.concatenate([answer.steps for answer in answers])
    label = _padding_label(folds, classes)
    if sequences.form == "padded":
        steps = with_padding_label(steps, label)
    return sequences.restore(steps, label)


class _Fold(NamedTuple):
    """Properties common to all predictions of a fold's model."""

    form: Literal["padded", "ragged", "rows"]
    n_steps: int  # of padded predictions, including padding
    classes: Any  # (n_classes,), None for a regressor
    padding_label: Any


class _Answer(NamedTuple):
    """The predictions of a fold's model for one sequence."""

    steps: Array  # (n_valid_steps, ...)
    fold: _Fold


class _AnswerBySequence(BaseEstimator):
    """Wrap an estimator so that `predict` returns one item per sequence."""

    def __init__(self, estimator: Any, method: str) -> None:
        self.estimator = estimator
        self.method = method

    def fit(self, X: Any, *y: Any, **params: Any) -> Self:
        self.estimator.fit(X, *y, **params)
        return self

    def predict(self, X: Any) -> NDArray[np.object_]:
        values = ask(self.estimator, self.method, X)
        classes = getattr(self.estimator, "classes_", None)
        label = getattr(last_step(self.estimator), "padding_label_", None)
        has_two = classes is not None and len(classes) == 2
        is_one_number = self.method == "decision_function" and has_two
        form: Literal["padded", "ragged", "rows"]
        n_axes = 2 if self.method == "predict" or is_one_number else 3
        if values.dtype == object and values.ndim == 1 and np.ndim(values[0]):
            form, n_steps, parts = "ragged", 0, values
        elif values.ndim < n_axes:
            form, n_steps, parts = "rows", 1, np.split(values, len(values))
        else:
            form, n_steps = "padded", values.shape[1]
            lengths = _lengths(values, label if self.method == "predict" else None)
            parts = (row[:n] for row, n in zip(values, lengths, strict=True))
        fold = _Fold(form, n_steps, classes, label)
        return objects(_Answer(part, fold) for part in parts)

    def get_metadata_routing(self) -> Any:
        """Return the routing of the wrapped estimator."""
        return get_routing_for_object(self.estimator)

    def __sklearn_tags__(self) -> Tags:
        return get_tags(self.estimator)


def _lengths(values: Array, padding_label: Any) -> Ids:
    """Count the valid steps of padded predictions of shape (N, T, ...)."""
    # NaN, which is padding without a label, differs from itself.
    kept = values == values if padding_label is None else values != padding_label
    return lengths_to_last(np.all(np.reshape(kept, (*values.shape[:2], -1)), axis=2))


def _described(answers: Sequence[_Answer]) -> Sequences:
    lengths = np.array([len(answer.steps) for answer in answers], dtype=np.intp)
    n_steps = max(answer.fold.n_steps for answer in answers)
    data = np.broadcast_to(0.0, (len(answers), n_steps, 1))
    return Sequences(answers[0].fold.form, data, lengths, 1, np.dtype(np.float64))


def _all_classes(
    folds: Sequence[_Fold], y: Any, sequences: Sequences, estimator_name: str
) -> Array:
    """Return the classes of all valid steps, including those unknown to every fold."""
    known = [fold.classes for fold in folds if fold.classes is not None]
    if y is not None:
        # `fit`, which has the weights, checks whether a label may be missing.
        unlabeled = np.zeros(sequences.lengths.sum())
        known.append(check_labels(y, sequences, estimator_name, unlabeled))
    return np.unique(np.concatenate([classes for classes in known if len(classes)]))


def _aligned(
    answers: Sequence[_Answer], folds: Sequence[_Fold], classes: Array, method: str
) -> Array:
    """Return the predictions for all steps, with columns for all classes."""
    missing = [np.setdiff1d(classes, fold.classes).tolist() for fold in folds]
    if not any(missing):
        return np.concatenate([answer.steps for answer in answers])
    warnings.warn(
        f"some training sets lack classes: {missing}, one list for each; "
        "StratifiedSequenceKFold spreads classes over the folds",
        RuntimeWarning,
        stacklevel=3,
    )
    parts = []
    for steps, fold in answers:
        if steps.ndim == 1:
            steps = np.stack([-steps / 2, steps / 2], axis=1)
        part = np.full((len(steps), len(classes)), _UNSEEN[method], steps.dtype)
        part[:, np.searchsorted(classes, fold.classes)] = steps
        parts.append(part)
    result: Array = np.concatenate(parts)
    if method == "decision_function" and len(classes) == 2:
        result = result[:, 1] - result[:, 0]
    return result


def _padding_label(folds: Sequence[_Fold], classes: Array) -> Any:
    label = folds[0].padding_label
    is_one = all(fold.padding_label == label for fold in folds)
    if label is None or not is_one or label in classes.tolist():
        return padding_label_for(classes, "auto")
    return label
