"""Valid steps of sequences as the flat arrays that scikit-learn's metrics take."""

from typing import Any

from numpy.typing import ArrayLike

from skrnn._validation.arrays import Array, Vector
from skrnn._validation.persistence import set_module

from ._pairs import pair_steps


@set_module("skrnn.metrics")
def flatten_steps(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> tuple[Array, Array, Vector | None]:
    """Return the valid steps of labels and predictions as flat arrays.

    Any scikit-learn metric can be applied to the result.

    Parameters
    ----------
    y_true : array-like of shape (n_sequences, n_steps), list or object array of \
n_sequences array-like of shape (n_steps_i,), or array-like of shape (n_sequences,)
        The true label of every step. Values at padded positions are ignored, and an
        array may have more columns than `y_pred`. Labels may be missing (None, NaN or
        `pandas.NA`) at steps with zero weight.
    y_pred : array-like or list
        The result of `predict`, `predict_proba`, `predict_log_proba` or
        `decision_function`: labels in any of the forms of `y_true`, or numbers with an
        additional axis of classes. Labels may be missing here, too, at steps with zero
        weight.
    sample_weight : array-like of shape (n_sequences,) or of the form of y_true, \
default=None
        Weight of each sequence, or of each step. Steps with zero weight are omitted.
    padding_label : object, default="auto"
        The label of padding in an array of labels: `padding_label_` of the model.
        "auto" uses -1 for integers, the empty string for strings, and NaN for floats.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded arrays do not determine
        it.

    Returns
    -------
    y_true : ndarray of shape (n_steps,)
        The true labels of all sequences, concatenated.
    y_pred : ndarray of shape (n_steps,) or (n_steps, n_classes)
        The predictions.
    sample_weight : ndarray of shape (n_steps,) or None
        The weights, all positive; None if `sample_weight` is None.

    Raises
    ------
    ValueError
        If the padding label occurs at a valid step, so that it may be a class; if
        `y_true` and `y_pred` differ in the number of sequences or in the number of
        labels of a sequence; if both are lists of strings; if a label is missing at a
        step with nonzero weight; if there are no valid steps; if weights or `lengths`
        are not as described.
    TypeError
        If labels have mixed types or are a masked array.

    See Also
    --------
    make_step_scorer : Uses a metric in scikit-learn's searches.
    skrnn.valid_steps : Marks the valid steps of X.

    Notes
    -----
    Only arrays with two or more axes have padding:

    - in an array of labels of shape (n_sequences, n_steps), the `padding_label` at the
      end of a row;
    - in an array with an additional axis, or of floats, NaN at the end of a row.

    Strings are sequences of one label per character beside sequences, and one label
    each beside an array that `predict` returned for 2-D X. Two lists of strings that
    may be either raise.

    In a list of sequences, a Series of them or a 1-D object array, -1 and `""` are
    labels, and there must be one for every valid step of the other argument.
    If both arrays are padded, the predictions determine which steps are valid. A
    padding label at a valid step of `y_pred` or `y_true` may be a class and raises an
    error, as does a negative integer other than -1 with "auto". Pass `padding_label` if
    -1 or `""` is a class, or if classes are floats. Scorers read the padding label from
    the model.

    All metrics of this module ignore steps with zero weight, and classes that occur
    only there, unless they are in `labels`.

    Real-valued targets of a regressor are flattened in the same way; they may have an
    additional axis of outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import cohen_kappa_score
    >>> from skrnn.metrics import flatten_steps
    >>> y_true = np.array([[2, 0, 1, 1], [0, 1, 7, 7]])
    >>> y_pred = np.array([[2, 0, 0], [0, 1, -1]])
    >>> y_true, y_pred, _ = flatten_steps(y_true, y_pred)
    >>> y_true, y_pred
    (array([2, 0, 1, 0, 1]), array([2, 0, 0, 0, 1]))
    >>> round(float(cohen_kappa_score(y_true, y_pred)), 3)
    0.688
    """
    steps = pair_steps(y_true, y_pred, sample_weight, padding_label, lengths).weighted()
    return steps.y_true, steps.y_pred, steps.sample_weight
