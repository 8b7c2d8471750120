"""Accuracy and log loss over the valid steps of sequences."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn import metrics

from skrnn._validation.persistence import set_module

from ._pairs import check_names, pair_steps


@set_module("skrnn.metrics")
def step_accuracy_score(
    y_true: Any,
    y_pred: Any,
    *,
    normalize: bool = True,
    sample_weight: Any = None,
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> float:
    """Return the fraction of valid steps that are labeled correctly.

    Parameters
    ----------
    y_true : array-like or list
        The true label of every step, in any of the forms that
        :func:`~skrnn.metrics.flatten_steps` takes.
    y_pred : array-like or list
        The predicted labels, as a model's `predict` returned them.
    normalize : bool, default=True
        If False, return the number (or the total weight) of correct steps instead.
    sample_weight : array-like of shape (n_sequences,) or of the form of y_true, \
default=None
        Weight of each sequence, or of each step. Steps with zero weight are ignored;
        their true labels may be missing.
    padding_label : object, default="auto"
        The label of padding in an array of predicted labels: `padding_label_` of the
        model. "auto" uses -1 for integers, the empty string for strings, and NaN for
        floats.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    float
        The accuracy, between 0 and 1.

    Raises
    ------
    ValueError
        If `y_true` and `y_pred` are inconsistent; see
        :func:`~skrnn.metrics.flatten_steps`.

    See Also
    --------
    sequence_accuracy_score : The fraction of sequences that are correct at all steps.
    sklearn.metrics.accuracy_score : The same for one label per sample.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.metrics import step_accuracy_score
    >>> y_true = np.array([["a", "b", "b", "a"], ["b", "a", "", ""]])
    >>> y_pred = np.array([["a", "b", "b", "b"], ["b", "a", "", ""]])
    >>> round(step_accuracy_score(y_true, y_pred), 3)
    0.833
    """
    steps = pair_steps(y_true, y_pred, sample_weight, padding_label, lengths).weighted()
    return float(
        metrics.accuracy_score(
            steps.y_true,
            steps.y_pred,
            normalize=normalize,
            sample_weight=steps.sample_weight,
        )
    )


@set_module("skrnn.metrics")
def sequence_accuracy_score(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> float:
    """Return the fraction of sequences labeled correctly at every valid step.

    Sequences without a valid step are ignored.

    Parameters
    ----------
    y_true : array-like or list
        The true label of every step, in any of the forms that
        :func:`~skrnn.metrics.flatten_steps` takes.
    y_pred : array-like or list
        The predicted labels, as a model's `predict` returned them.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weight of each sequence. Sequences with zero weight are ignored; zero weight at
        only some steps of a sequence is an error.
    padding_label : object, default="auto"
        The label of padding in an array of predicted labels: `padding_label_` of the
        model. "auto" uses -1 for integers, the empty string for strings, and NaN for
        floats.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    float
        The accuracy, between 0 and 1.

    Raises
    ------
    ValueError
        If `y_true` and `y_pred` are inconsistent; see
        :func:`~skrnn.metrics.flatten_steps`.
    TypeError
        If `y_true` and `y_pred` have different types, such as numbers and strings.

    See Also
    --------
    step_accuracy_score : The fraction of steps that are correct.

    Examples
    --------
    >>> from skrnn.metrics import sequence_accuracy_score
    >>> sequence_accuracy_score([[1, 0, 1], [0, 1]], [[1, 0, 1], [0, 0]])
    0.5
    """
    steps = pair_steps(y_true, y_pred, sample_weight, padding_label, lengths)
    weights = steps.weights_of_sequences()
    steps = steps.weighted()
    steps.require_labels()
    ids = np.repeat(np.arange(len(steps.lengths)), steps.lengths)
    n_wrong = np.bincount(
        ids[steps.y_true != steps.y_pred], minlength=len(steps.lengths)
    )
    return float(np.average(n_wrong == 0, weights=weights))


@set_module("skrnn.metrics")
def step_log_loss(
    y_true: Any,
    y_pred: Any,
    *,
    labels: ArrayLike | None = None,
    normalize: bool = True,
    sample_weight: Any = None,
    lengths: ArrayLike | None = None,
) -> float:
    """Return the mean negative logarithm of the probability of the true labels.

    Parameters
    ----------
    y_true : array-like or list
        The true label of every step, in any of the forms that
        :func:`~skrnn.metrics.flatten_steps` takes.
    y_pred : array-like or list
        The probabilities, as a model's `predict_proba` returned them: an array of
        shape (n_sequences, n_steps, n_classes) with NaN at padding, an object array
        of arrays of shape (n_steps_i, n_classes), or an array of shape (n_sequences,
        n_classes).
    labels : array-like of shape (n_classes,), default=None
        The label of each column of the probabilities: `classes_` of the model. None
        uses the sorted labels of `y_true`.
    normalize : bool, default=True
        If False, return the sum over the steps instead.
    sample_weight : array-like of shape (n_sequences,) or of the form of y_true, \
default=None
        Weight of each sequence, or of each step. Steps with zero weight are ignored;
        their true labels may be missing.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    float
        The loss in nats per unit of weight.

    Raises
    ------
    ValueError
        If there is not exactly one label per column, or if `y_true` and `y_pred` are
        inconsistent; see :func:`~skrnn.metrics.flatten_steps`.
    TypeError
        If `labels` is not a list, or its type differs from that of `y_true`.

    See Also
    --------
    sklearn.metrics.log_loss : The same for one label per sample.

    Notes
    -----
    A true label that is not in `labels`, because it did not occur in training, has
    probability 0. As in scikit-learn, probabilities are clipped at the machine epsilon
    of their type, so its loss is 36.04 in float64 instead of infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.metrics import step_log_loss
    >>> proba = np.array([[[0.5, 0.5], [0.25, 0.75]], [[0.5, 0.5], [np.nan, np.nan]]])
    >>> round(step_log_loss([["a", "b"], ["b"]], proba), 3)
    0.558
    """
    steps = pair_steps(y_true, y_pred, sample_weight, lengths=lengths).weighted()
    y_true, proba = steps.y_true, steps.y_pred
    known = np.unique(y_true)
    if labels is not None:
        known = np.asarray(check_names(labels, y_true))
    if proba.ndim != 2 or proba.shape[1] != len(known):
        n_columns = proba.shape[1] if proba.ndim == 2 else 0
        raise ValueError(
            f"y_pred has {n_columns} columns of probabilities but there are "
            f"{len(known)} labels, {known.tolist()}; pass labels=model.classes_"
        )
    unseen = np.setdiff1d(y_true, known)
    every = np.concatenate([known, unseen])
    order = np.argsort(every)
    codes = order[np.searchsorted(every, y_true, sorter=order)]
    # scikit-learn requires at least two columns.
    n_missing = max(len(unseen), 2 - len(known))
    proba = np.pad(proba, [(0, 0), (0, n_missing)])
    return float(
        metrics.log_loss(
            codes,
            proba,
            labels=np.arange(proba.shape[1]),
            normalize=normalize,
            sample_weight=steps.sample_weight,
        )
    )
