"""Metrics of spans, which are encoded in the labels of steps.

A span is correct if its first step, last step and type are correct.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import classification_report, precision_recall_fscore_support

from skrnn._validation.arrays import Array, Vector
from skrnn._validation.label_schemes import (
    Scheme,
    SchemeName,
    find_scheme,
    find_spans,
)
from skrnn._validation.persistence import set_module

from ._pairs import Steps, check_names, check_rows, pair_steps


@set_module("skrnn.metrics")
def span_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    scheme: SchemeName | None = None,
    labels: ArrayLike | None = None,
    average: Literal["micro", "macro", "weighted"] | None = "micro",
    sample_weight: Any = None,
    zero_division: Any = "warn",
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> Any:
    """Return the F1 score of whole spans in BIO or similar labels.

    A predicted span is correct if a true span has the same first step, last step and
    type. Spans do not cross sequences.

    Parameters
    ----------
    y_true : array-like or list
        The true label of every step, in any of the forms that
        :func:`~skrnn.metrics.flatten_steps` takes: "O", or a prefix and a type such
        as "B-PER".
    y_pred : array-like or list
        The predicted labels, as a model's `predict` returned them.
    scheme : {"IOB1", "IOB2", "BIO", "IOE1", "IOE2", "IOBES", "BIOES", "BILOU", \
"BMES"} or None, default=None
        None finds spans in any sequence of labels, as seqeval does by default. With a
        name, only spans that follow the scheme count (see Notes), as in seqeval's
        strict mode.
    labels : array-like of str, default=None
        The types of spans to include, in this order. None uses all types that occur,
        sorted.
    average : {"micro", "macro", "weighted"} or None, default="micro"
        How to average the scores of the types: score over all spans, unweighted mean,
        or mean weighted by the number of true spans. None returns the score of every
        type.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weight of each sequence and its spans. Sequences with zero weight are ignored;
        zero weight at only some steps of a sequence is an error.
    zero_division : {"warn", 0.0, 1.0, nan}, default="warn"
        Value to return for a division by zero; "warn" is 0 with a warning.
    padding_label : object, default="auto"
        The label of padding in an array of predicted labels: `padding_label_` of the
        model. "auto" uses the empty string.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    float or ndarray of shape (n_types,)
        The score, or that of every type.

    Raises
    ------
    ValueError
        If a label has no prefix of the scheme (BILOU and BMES must be named); if
        weights differ within a sequence; if `labels` contains a type twice, or labels
        of steps; if `y_true` and `y_pred` are inconsistent, see
        :func:`~skrnn.metrics.flatten_steps`.
    TypeError
        If `y_true` and `y_pred` have different types, such as numbers and strings.

    See Also
    --------
    span_precision_recall_fscore_support : Also returns precision and recall.
    step_f1_score : The score of single steps.

    Notes
    -----
    The prefixes are B (beginning), I (inside) and E (end) of a span, S (span of a
    single step) and O (outside). With `scheme=None`, a span ends before B, S and O,
    after E and S, and where the type changes. Any label other than O after an end
    starts a new span: B, S, I or E. A label without a type, such as "B", has the type
    "_".

    Spans of a named scheme are found in the same way, but ignored if they do not
    follow the scheme:

    - "IOB2", also known as BIO: a span must start with B.
    - "IOBES", also known as BIOES: a span must be S, or start with B and end with E.
      "BILOU" is the same with L for E and U for S, "BMES" with M for I.
    - "IOE2": a span must end with E.
    - "IOB1": a span starts with I, or with B if a span of the same type ends at the
      previous step. "IOE1": a span ends with I, or with E if a span of the same type
      starts at the next step. Any sequence of these labels is unambiguous, so B and E
      elsewhere also start and end a span, and no span is ignored.

    References
    ----------
    .. [1] E. F. Tjong Kim Sang and S. Buchholz. "Introduction to the CoNLL-2000 shared
       task: chunking." Proceedings of CoNLL-2000, 2000.
    .. [2] L. A. Ramshaw and M. P. Marcus. "Text chunking using transformation-based
       learning." Third Workshop on Very Large Corpora, 1995.
    .. [3] E. F. Tjong Kim Sang and J. Veenstra. "Representing text chunks."
       Proceedings of EACL, 1999.
    .. [4] L. Ratinov and D. Roth. "Design challenges and misconceptions in named
       entity recognition." Proceedings of CoNLL-2009, 2009.

    Examples
    --------
    >>> from skrnn.metrics import span_f1_score
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "O"], ["O", "B-LOC"]]
    >>> span_f1_score(y_true, y_pred)
    0.4
    >>> span_f1_score(y_true, y_pred, average=None, labels=["PER", "LOC"])
    array([0.66666667, 0.        ])
    """
    steps = pair_steps(y_true, y_pred, sample_weight, padding_label, lengths)
    return _scores(
        steps,
        scheme,
        labels,
        average=average,
        warn_for=("f-score",),
        zero_division=zero_division,
    )[2]


@set_module("skrnn.metrics")
def span_precision_recall_fscore_support(
    y_true: Any,
    y_pred: Any,
    *,
    scheme: SchemeName | None = None,
    beta: float = 1.0,
    labels: ArrayLike | None = None,
    average: Literal["micro", "macro", "weighted"] | None = None,
    sample_weight: Any = None,
    zero_division: Any = "warn",
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> tuple[Any, Any, Any, Any]:
    """Return precision, recall, F score and number of spans.

    Spans are defined as in :func:`~skrnn.metrics.span_f1_score`.

    Parameters
    ----------
    y_true : array-like or list
        The true label of every step, in any of the forms that
        :func:`~skrnn.metrics.flatten_steps` takes: "O", or a prefix and a type such
        as "B-PER".
    y_pred : array-like or list
        The predicted labels, as a model's `predict` returned them.
    scheme : {"IOB1", "IOB2", "BIO", "IOE1", "IOE2", "IOBES", "BIOES", "BILOU", \
"BMES"} or None, default=None
        None finds spans in any sequence of labels; with a name, only spans that follow
        the scheme count.
    beta : float, default=1.0
        Weight of recall relative to precision in the F score.
    labels : array-like of str, default=None
        The types of spans to include, in this order. None uses all types that occur,
        sorted.
    average : {"micro", "macro", "weighted"} or None, default=None
        How to average the scores of the types: score over all spans, unweighted mean,
        or mean weighted by the number of true spans. None returns the scores of every
        type.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weight of each sequence and its spans. Sequences with zero weight are ignored;
        zero weight at only some steps of a sequence is an error.
    zero_division : {"warn", 0.0, 1.0, nan}, default="warn"
        Value to return for a division by zero; "warn" is 0 with a warning.
    padding_label : object, default="auto"
        The label of padding in an array of predicted labels: `padding_label_` of the
        model. "auto" uses the empty string.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    precision : float or ndarray of shape (n_types,)
        The fraction of predicted spans that are correct.
    recall : float or ndarray of shape (n_types,)
        The fraction of true spans that were found.
    fscore : float or ndarray of shape (n_types,)
        The weighted harmonic mean of both.
    support : ndarray of shape (n_types,) or None
        The number, or the total weight, of the true spans of each type; None if
        averaged.

    Raises
    ------
    ValueError
        If a label has no prefix of the scheme (BILOU and BMES must be named); if
        weights differ within a sequence; if `labels` contains a type twice, or labels
        of steps; if `y_true` and `y_pred` are inconsistent, see
        :func:`~skrnn.metrics.flatten_steps`.
    TypeError
        If `y_true` and `y_pred` have different types, such as numbers and strings.

    See Also
    --------
    span_f1_score : The F score alone.
    sklearn.metrics.precision_recall_fscore_support : The same for single labels.

    Examples
    --------
    >>> from skrnn.metrics import span_precision_recall_fscore_support
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "O"], ["O", "B-LOC"]]
    >>> precision, recall, fscore, support = span_precision_recall_fscore_support(
    ...     y_true, y_pred, labels=["PER", "LOC"]
    ... )
    >>> precision, recall, support
    (array([1., 0.]), array([0.5, 0. ]), array([2, 1]))
    """
    steps = pair_steps(y_true, y_pred, sample_weight, padding_label, lengths)
    return _scores(
        steps, scheme, labels, beta=beta, average=average, zero_division=zero_division
    )


@set_module("skrnn.metrics")
def span_classification_report(
    y_true: Any,
    y_pred: Any,
    *,
    scheme: SchemeName | None = None,
    labels: ArrayLike | None = None,
    target_names: ArrayLike | None = None,
    digits: int = 2,
    output_dict: bool = False,
    sample_weight: Any = None,
    zero_division: Any = "warn",
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> Any:
    """Report precision, recall and F1 score of the spans of every type.

    Spans are defined as in :func:`~skrnn.metrics.span_f1_score`.

    Parameters
    ----------
    y_true : array-like or list
        The true label of every step, in any of the forms that
        :func:`~skrnn.metrics.flatten_steps` takes: "O", or a prefix and a type such
        as "B-PER".
    y_pred : array-like or list
        The predicted labels, as a model's `predict` returned them.
    scheme : {"IOB1", "IOB2", "BIO", "IOE1", "IOE2", "IOBES", "BIOES", "BILOU", \
"BMES"} or None, default=None
        None finds spans in any sequence of labels; with a name, only spans that follow
        the scheme count.
    labels : array-like of str, default=None
        The types of spans to include, in this order. None uses all types that occur,
        sorted.
    target_names : array-like of shape (n_types,), default=None
        Names to print instead of the types.
    digits : int, default=2
        Number of decimals.
    output_dict : bool, default=False
        Whether to return a dictionary instead of text.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weight of each sequence and its spans. Sequences with zero weight are ignored;
        zero weight at only some steps of a sequence is an error.
    zero_division : {"warn", 0.0, 1.0, nan}, default="warn"
        Value to return for a division by zero; "warn" is 0 with a warning.
    padding_label : object, default="auto"
        The label of padding in an array of predicted labels: `padding_label_` of the
        model. "auto" uses the empty string.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    str or dict
        The table, or its numbers as `{type: {"precision": ..., "recall": ...,
        "f1-score": ..., "support": ...}}`. The averages are those of `average` in
        :func:`~skrnn.metrics.span_f1_score`. Without any span, the only row is
        "no type".

    Raises
    ------
    ValueError
        If a label has no prefix of the scheme (BILOU and BMES must be named); if
        weights differ within a sequence; if `labels` contains a type twice, or labels
        of steps; if `target_names` has not one name for each type; if two rows of a
        dictionary have the same name; if `y_true` and `y_pred` are inconsistent, see
        :func:`~skrnn.metrics.flatten_steps`.
    TypeError
        If `y_true` and `y_pred` have different types, such as numbers and strings.

    See Also
    --------
    span_precision_recall_fscore_support : The numbers as arrays.
    step_classification_report : The same for single steps.

    Examples
    --------
    >>> from skrnn.metrics import span_classification_report
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"]]
    >>> print(span_classification_report(y_true, y_pred, zero_division=0))
                  precision    recall  f1-score   support
    <BLANKLINE>
             LOC       0.50      1.00      0.67         1
             PER       1.00      0.50      0.67         2
    <BLANKLINE>
       micro avg       0.67      0.67      0.67         3
       macro avg       0.75      0.75      0.67         3
    weighted avg       0.83      0.67      0.67         3
    <BLANKLINE>
    """
    steps = pair_steps(y_true, y_pred, sample_weight, padding_label, lengths)
    spans = _spans(steps, scheme, labels)
    names = spans.types
    if target_names is not None and spans.types is not _NONE:
        names = [*map(str, np.ravel(target_names))]
        if len(names) != len(spans.types):
            raise ValueError(
                f"target_names has {len(names)} names for {len(spans.types)} types"
            )
    if output_dict:
        check_rows([*names])
    return classification_report(
        spans.true,
        spans.predicted,
        labels=spans.types,
        target_names=names,
        digits=digits,
        output_dict=output_dict,
        sample_weight=spans.weights,
        zero_division=zero_division,
    )


class _Spans(NamedTuple):
    """Every distinct span is one sample; its label is the type, "" if not there."""

    true: Array  # (n_spans,)
    predicted: Array  # (n_spans,)
    weights: Vector | None  # (n_spans,)
    types: Any  # that are asked for


_NONE = ["no type"]  # in place of types where there is none


def _scores(
    steps: Steps, scheme: str | None, labels: ArrayLike | None, **kwargs: Any
) -> tuple[Any, Any, Any, Any]:
    """Leave the scores of spans to scikit-learn."""
    spans = _spans(steps, scheme, labels)
    scores = precision_recall_fscore_support(
        spans.true,
        spans.predicted,
        labels=spans.types,
        sample_weight=spans.weights,
        **kwargs,
    )
    if kwargs["average"] is None:
        n_types = 0 if spans.types is _NONE else len(spans.types)
        precision, recall, fscore, support = (score[:n_types] for score in scores)
        return precision, recall, fscore, support
    return float(scores[0]), float(scores[1]), float(scores[2]), None


def _spans(steps: Steps, scheme: str | None, labels: ArrayLike | None) -> _Spans:
    """Compare true and predicted spans."""
    rules = find_scheme(scheme)
    if steps.form == "rows":
        raise ValueError(
            "y_true and y_pred hold one label for each sequence, and spans lie within "
            "sequences; wrap a single sequence in a list, and pass strings of one "
            "label per character through as_ragged"
        )
    steps.weights_of_sequences()
    steps = steps.weighted()
    steps.require_labels()
    true, predicted, weights = _decisions(steps, rules)
    found = np.setdiff1d([*true, *predicted], [""])
    types = found if labels is None else _types(labels, found.tolist(), rules)
    return _Spans(
        true,
        predicted,
        None if steps.sample_weight is None else weights,
        # Without any span, a type that does not occur yields zero_division.
        types if np.size(types) else _NONE,
    )


def _types(labels: Any, types: list[str], scheme: Scheme) -> Any:
    """Return the requested types; raise for labels of steps among them."""
    labels = check_names(labels, np.array(["a type"]))
    for label in labels:
        if not label:
            raise ValueError("labels names '', which is no type of spans")
        prefix, _, kind = label.partition("-")
        is_step = prefix in tuple(scheme.spelled) and kind in types
        if is_step and label not in types:
            raise ValueError(
                f"labels names {label!r}, a label of steps; pass the types of spans, "
                f"such as {kind!r}"
            )
    return labels


def _decisions(steps: Steps, scheme: Scheme) -> tuple[Array, Array, Array]:
    """Return the true and the predicted type of every span, "" for no span.

    Every distinct triple of first step, last step and type is one sample, with the
    weight of its sequence.
    """
    found = [find_spans(y, steps.lengths, scheme) for y in (steps.y_true, steps.y_pred)]
    true, predicted = (spans.types[spans.follow] for spans in found)
    types = np.concatenate([true, predicted])
    numbers = np.unique(types, return_inverse=True)[1]
    places = [np.column_stack([s.starts, s.stops])[s.follow] for s in found]
    spans, place = np.unique(
        np.column_stack([np.concatenate(places), numbers]), axis=0, return_inverse=True
    )
    # An additional sample without a span keeps the arrays from being empty.
    decided = np.full((2, len(spans) + 1), "", dtype=types.dtype)
    decided[0, place[: len(true)]] = true
    decided[1, place[len(true) :]] = predicted
    weights = np.repeat(steps.weights_of_sequences(), steps.lengths)[spans[:, 0]]
    return decided[0], decided[1], np.append(weights, 1.0)
