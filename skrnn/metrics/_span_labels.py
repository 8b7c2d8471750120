"""Spans and the labels of steps that encode them, in every common scheme.

B-PER I-PER O B-LOC   <->   ("PER", 0, 2), ("LOC", 3, 4)
"""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skrnn._validation.arrays import Ids
from skrnn._validation.containers import shown
from skrnn._validation.label_schemes import (
    Scheme,
    SchemeName,
    Spans,
    find_scheme,
    find_spans,
    write_span,
)
from skrnn._validation.persistence import set_module

from ._pairs import labels_of_steps

Span = tuple[str, int, int]


@set_module("skrnn.metrics")
def spans_from_labels(
    y: Any,
    scheme: SchemeName | None = None,
    *,
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> list[list[Span]]:
    """Find the spans that labels encode.

    Parameters
    ----------
    y : array-like or list
        The labels of every sequence, as lists or arrays, or in a padded array as a
        model's `predict` returns it.
    scheme : {"IOB1", "IOB2", "BIO", "IOE1", "IOE2", "IOBES", "BIOES", "BILOU", \
"BMES"} or None, default=None
        None finds spans in any sequence of labels; with a name, only those that follow
        the scheme, see :func:`~skrnn.metrics.span_f1_score`.
    padding_label : object, default="auto"
        The label of padding in an array of predicted labels: `padding_label_` of the
        model. "auto" uses the empty string.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    list of list of tuple
        For each sequence its spans in order, as `(type, start, stop)`: the steps from
        `start` to before `stop`, counted from 0. The type of labels without one, such
        as "B", is "_".

    Raises
    ------
    ValueError
        If a label has no prefix of the scheme (BILOU and BMES must be named), or y
        holds one label for each sequence.

    See Also
    --------
    labels_from_spans : The inverse.

    Examples
    --------
    >>> from skrnn.metrics import spans_from_labels
    >>> spans_from_labels([["B-PER", "I-PER", "O", "B-LOC"], ["O"]])
    [[('PER', 0, 2), ('LOC', 3, 4)], []]
    """
    rules = find_scheme(scheme)
    labels, n_steps = labels_of_steps(y, padding_label, lengths)
    return _by_sequence(find_spans(labels, n_steps, rules), n_steps)


@set_module("skrnn.metrics")
def labels_from_spans(
    spans: Sequence[Sequence[Span]],
    lengths: ArrayLike,
    scheme: SchemeName = "IOB2",
) -> list[list[str]]:
    """Write spans as labels of steps.

    Parameters
    ----------
    spans : sequence of sequence of (type, start, stop)
        For each sequence its spans, in any order, as
        :func:`~skrnn.metrics.spans_from_labels` returns them. Spans of a sequence must
        not overlap.
    lengths : array-like of shape (n_sequences,)
        Number of steps of each sequence.
    scheme : {"IOB1", "IOB2", "BIO", "IOE1", "IOE2", "IOBES", "BIOES", "BILOU", \
"BMES"}, default="IOB2"
        The scheme of the labels.

    Returns
    -------
    list of list of str
        For each sequence its labels: "O" outside of spans, otherwise a prefix and the
        type, or for the type "_" the prefix alone.

    Raises
    ------
    ValueError
        If spans overlap, are empty or reach beyond their sequence; if `lengths` has
        not one number for each sequence.
    TypeError
        If a span is not a tuple of a str that is not empty and two integers.

    See Also
    --------
    spans_from_labels : The inverse.

    Examples
    --------
    >>> from skrnn.metrics import labels_from_spans
    >>> labels_from_spans([[("PER", 0, 2), ("LOC", 3, 4)]], [4], scheme="IOBES")
    [['B-PER', 'E-PER', 'O', 'S-LOC']]
    """
    rules = find_scheme(scheme, optional=False)
    n_steps = np.asarray(lengths)
    are_lengths = n_steps.dtype.kind in "iu" and (n_steps >= 0).all()
    if n_steps.shape != (len(spans),) or (n_steps.size and not are_lengths):
        raise ValueError(
            f"lengths is {shown(lengths)}; pass the number of steps of each of the "
            f"{len(spans)} sequences of spans"
        )
    return [
        _labels(_checked(found, n, f"spans[{i}]"), n, rules)
        for i, (found, n) in enumerate(zip(spans, n_steps.tolist(), strict=True))
    ]


@set_module("skrnn.metrics")
def convert_labels(
    y: Any,
    from_scheme: SchemeName | None,
    to_scheme: SchemeName,
    *,
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> list[list[str]]:
    """Write labels of spans in another scheme.

    Parameters
    ----------
    y : array-like or list
        The labels of every sequence, as lists or arrays, or in a padded array as a
        model's `predict` returns it.
    from_scheme : {"IOB1", "IOB2", "BIO", "IOE1", "IOE2", "IOBES", "BIOES", "BILOU", \
"BMES"} or None
        The scheme of y; None finds spans in any labels with the prefixes B, I, E and
        S, and repairs them.
    to_scheme : {"IOB1", "IOB2", "BIO", "IOE1", "IOE2", "IOBES", "BIOES", "BILOU", \
"BMES"}
        The scheme of the result.
    padding_label : object, default="auto"
        The label of padding in an array of predicted labels: `padding_label_` of the
        model. "auto" uses the empty string.
    lengths : array-like of shape (n_sequences,), default=None
        The number of valid steps of each sequence, if padded predictions do not
        determine it.

    Returns
    -------
    list of list of str
        For each sequence the labels of its steps.

    Raises
    ------
    ValueError
        If a span does not follow `from_scheme`, or a label has no prefix of it; if y
        holds one label for each sequence.

    See Also
    --------
    spans_from_labels : Find the spans themselves.

    Examples
    --------
    >>> from skrnn.metrics import convert_labels
    >>> convert_labels([["I-PER", "I-PER", "B-PER", "O"]], "IOB1", "IOBES")
    [['B-PER', 'E-PER', 'S-PER', 'O']]
    """
    rules = find_scheme(to_scheme, "to_scheme", optional=False)
    from_rules = find_scheme(from_scheme, "from_scheme")
    labels, n_steps = labels_of_steps(y, padding_label, lengths)
    found = find_spans(labels, n_steps, from_rules)
    if not found.follow.all():
        start = int(found.starts[(~found.follow).argmax()])
        i = int(np.searchsorted(np.cumsum(n_steps), start, side="right"))
        step = start - int(n_steps[:i].sum())
        raise ValueError(
            f"the span that begins at y[{i}][{step}] does not start or end as "
            f"from_scheme={from_scheme!r} requires; correct its labels, or pass "
            "from_scheme=None"
        )
    return [
        _labels(spans, n, rules)
        for spans, n in zip(_by_sequence(found, n_steps), n_steps.tolist(), strict=True)
    ]


def _by_sequence(found: Spans, lengths: Ids) -> list[list[Span]]:
    """Return the spans that follow the scheme, by sequence."""
    ends = np.cumsum(lengths)
    numbers = np.searchsorted(ends, found.starts, side="right")
    offsets = (ends - lengths)[numbers]
    result: list[list[Span]] = [[] for _ in lengths]
    for kind, start, stop, number, follows in zip(
        found.types.tolist(),
        (found.starts - offsets).tolist(),
        (found.stops - offsets).tolist(),
        numbers.tolist(),
        found.follow.tolist(),
        strict=True,
    ):
        if follows:
            result[number].append((kind, start, stop))
    return result


def _checked(spans: Any, n_steps: int, name: str) -> list[Span]:
    """Return the spans of a sequence in order, checked to lie in it and apart."""
    ordered = sorted((_span(span, name) for span in spans), key=itemgetter(1))
    for kind, start, stop in ordered:
        if not 0 <= start < stop <= n_steps:
            raise ValueError(
                f"{name} has {(kind, start, stop)}, which is not a part of {n_steps} "
                "steps"
            )
    for one, other in pairwise(ordered):
        if one[2] > other[1]:
            raise ValueError(f"{name} has {one} and {other}, which overlap")
    return ordered


def _span(span: Any, name: str) -> Span:
    """Return a tuple of a type and two numbers; raise for anything else."""
    if isinstance(span, Sequence | np.ndarray) and len(span) == 3:
        kind, *places = span
        are_numbers = all(isinstance(place, Integral) for place in places)
        if isinstance(kind, str) and kind and are_numbers:
            return kind, int(places[0]), int(places[1])
    raise TypeError(
        f"{name} has {shown(span)}; pass tuples (type, start, stop), of a str that is "
        "not empty and two integers"
    )


def _labels(spans: Sequence[Span], n_steps: int, scheme: Scheme) -> list[str]:
    """Return the labels of a sequence with these spans, which are in order."""
    labels = ["O"] * n_steps
    for k, (kind, start, stop) in enumerate(spans):
        touched = (
            k > 0 and spans[k - 1][0] == kind and spans[k - 1][2] == start,
            k + 1 < len(spans) and spans[k + 1][:2] == (kind, stop),
        )
        labels[start:stop] = write_span(kind, stop - start, touched, scheme)
    return labels
