"""F1 score, confusion matrix and classification report over the valid steps."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn import metrics

from skrnn._validation.arrays import Array
from skrnn._validation.persistence import set_module

from ._pairs import check_names, check_rows, pair_steps


@set_module("skrnn.metrics")
def step_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: Literal["macro", "micro", "weighted", "binary"] | None = "macro",
    sample_weight: Any = None,
    zero_division: Any = "warn",
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> Any:
    """Return the F1 score of the labels of all valid steps.

    Parameters
    ----------
    y_true : array-like or list
        The true label of every step, in any of the forms that
        :func:`~skrnn.metrics.flatten_steps` takes.
    y_pred : array-like or list
        The predicted labels, as a model's `predict` returned them.
    labels : array-like of shape (n_labels,), default=None
        The labels to include, in this order. None uses all labels at steps with nonzero
        weight, sorted.
    pos_label : object, default=1
        The positive label if `average="binary"`.
    average : {"macro", "micro", "weighted", "binary"} or None, default="macro"
        How to average the scores of the labels: unweighted mean, score over all
        decisions, mean weighted by the support of each label, or the score of
        `pos_label` only. None returns the score of every label.
    sample_weight : array-like of shape (n_sequences,) or of the form of y_true, \
default=None
        Weight of each sequence, or of each step. Steps with zero weight are ignored;
        their true labels may be missing.
    zero_division : {"warn", 0.0, 1.0, nan}, default="warn"
        Value to return for a division by zero; "warn" is 0 with a warning.
    padding_label : object, default="auto"
        The label of padding in an array of predicted labels: `padding_label_` of the
        model. "auto" uses -1 for integers, the empty string for strings, and NaN for
        floats.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    float or ndarray of shape (n_labels,)
        The score, or that of every label.

    Raises
    ------
    ValueError
        If `labels` contains a label twice; if `y_true` and `y_pred` are inconsistent,
        see :func:`~skrnn.metrics.flatten_steps`.
    TypeError
        If `labels` is not a list, or its type differs from that of `y_true`.

    See Also
    --------
    span_f1_score : The score of whole spans.
    sklearn.metrics.f1_score : The same for one label per sample.

    Examples
    --------
    >>> from skrnn.metrics import step_f1_score
    >>> step_f1_score([[0, 1, 1], [2, 2]], [[0, 1, 1], [2, 0]], average=None)
    array([0.66666667, 1.        , 0.66666667])
    """
    steps = pair_steps(y_true, y_pred, sample_weight, padding_label, lengths).weighted()
    return metrics.f1_score(
        steps.y_true,
        steps.y_pred,
        labels=check_names(labels, steps.y_true),
        pos_label=pos_label,
        average=average,
        sample_weight=steps.sample_weight,
        zero_division=zero_division,
    )


@set_module("skrnn.metrics")
def step_confusion_matrix(
    y_true: Any,
    y_pred: Any,
    *,
    labels: ArrayLike | None = None,
    normalize: Literal["true", "pred", "all"] | None = None,
    sample_weight: Any = None,
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> Array:
    """Compute the confusion matrix of the labels of all valid steps.

    Parameters
    ----------
    y_true : array-like or list
        The true label of every step, in any of the forms that
        :func:`~skrnn.metrics.flatten_steps` takes.
    y_pred : array-like or list
        The predicted labels, as a model's `predict` returned them.
    labels : array-like of shape (n_labels,), default=None
        The labels to include, in this order. None uses all labels at steps with nonzero
        weight, sorted.
    normalize : {"true", "pred", "all"} or None, default=None
        Whether to divide by the sums of rows, of columns, or by the total.
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
    ndarray of shape (n_labels, n_labels)
        Entry (i, j) counts steps with true label i and predicted label j.

    Raises
    ------
    ValueError
        If `labels` contains a label twice; if `y_true` and `y_pred` are inconsistent,
        see :func:`~skrnn.metrics.flatten_steps`.
    TypeError
        If `labels` is not a list, or its type differs from that of `y_true`.

    See Also
    --------
    sklearn.metrics.ConfusionMatrixDisplay : Draws the matrix.

    Examples
    --------
    >>> from skrnn.metrics import step_confusion_matrix
    >>> step_confusion_matrix([[0, 1, 1], [2, 2]], [[0, 1, 1], [2, 0]])
    array([[1, 0, 0],
           [0, 2, 0],
           [1, 0, 1]])
    """
    steps = pair_steps(y_true, y_pred, sample_weight, padding_label, lengths).weighted()
    matrix: Array = metrics.confusion_matrix(
        steps.y_true,
        steps.y_pred,
        labels=check_names(labels, steps.y_true),
        normalize=normalize,
        sample_weight=steps.sample_weight,
    )
    return matrix


@set_module("skrnn.metrics")
def step_classification_report(
    y_true: Any,
    y_pred: Any,
    *,
    labels: ArrayLike | None = None,
    target_names: ArrayLike | None = None,
    digits: int = 2,
    output_dict: bool = False,
    sample_weight: Any = None,
    zero_division: Any = "warn",
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> Any:
    """Report precision, recall and F1 score of every label over the valid steps.

    Parameters
    ----------
    y_true : array-like or list
        The true label of every step, in any of the forms that
        :func:`~skrnn.metrics.flatten_steps` takes.
    y_pred : array-like or list
        The predicted labels, as a model's `predict` returned them.
    labels : array-like of shape (n_labels,), default=None
        The labels to include, in this order. None uses all labels at steps with nonzero
        weight, sorted.
    target_names : array-like of shape (n_labels,), default=None
        Names to print instead of the labels.
    digits : int, default=2
        Number of decimals.
    output_dict : bool, default=False
        Whether to return a dictionary instead of text.
    sample_weight : array-like of shape (n_sequences,) or of the form of y_true, \
default=None
        Weight of each sequence, or of each step. Steps with zero weight are ignored;
        their true labels may be missing.
    zero_division : {"warn", 0.0, 1.0, nan}, default="warn"
        Value to return for a division by zero; "warn" is 0 with a warning.
    padding_label : object, default="auto"
        The label of padding in an array of predicted labels: `padding_label_` of the
        model. "auto" uses -1 for integers, the empty string for strings, and NaN for
        floats.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    str or dict
        The table, or its numbers as `{label: {"precision": ..., "recall": ...,
        "f1-score": ..., "support": ...}}`.

    Raises
    ------
    ValueError
        If `labels` contains a label twice; if two rows of a dictionary have the same
        name; if `y_true` and `y_pred` are inconsistent, see
        :func:`~skrnn.metrics.flatten_steps`.
    TypeError
        If `labels` is not a list, or its type differs from that of `y_true`.

    See Also
    --------
    span_classification_report : The same for whole spans.
    sklearn.metrics.classification_report : The same for one label per sample.

    Examples
    --------
    >>> from skrnn.metrics import step_classification_report
    >>> y_true = [["x", "y", "y"], ["x", "x"]]
    >>> y_pred = [["x", "y", "x"], ["x", "x"]]
    >>> print(step_classification_report(y_true, y_pred))
                  precision    recall  f1-score   support
    <BLANKLINE>
               x       0.75      1.00      0.86         3
               y       1.00      0.50      0.67         2
    <BLANKLINE>
        accuracy                           0.80         5
       macro avg       0.88      0.75      0.76         5
    weighted avg       0.85      0.80      0.78         5
    <BLANKLINE>
    """
    steps = pair_steps(y_true, y_pred, sample_weight, padding_label, lengths).weighted()
    labels = check_names(labels, steps.y_true)
    names = np.union1d(steps.y_true, steps.y_pred) if labels is None else labels
    names = [*map(str, np.ravel(names if target_names is None else target_names))]
    if output_dict:
        check_rows(names)
    return metrics.classification_report(
        steps.y_true,
        steps.y_pred,
        labels=labels,
        target_names=names,
        digits=digits,
        output_dict=output_dict,
        sample_weight=steps.sample_weight,
        zero_division=zero_division,
    )
