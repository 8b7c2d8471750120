"""Spans from labels, labels from spans, and from scheme to scheme."""

import re
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skrnn import as_ragged, pad_labels
from skrnn._validation.label_schemes import SCHEME_NAMES
from skrnn.metrics import (
    convert_labels,
    labels_from_spans,
    span_precision_recall_fscore_support,
    spans_from_labels,
)

# How a span is written, of one step and of several: what starts it, goes on and ends
# it. In IOB1 and IOE1 that depends on a neighbor of the same type that it touches.
SPELLED = {
    "IOB1": ("I", "III"),
    "IOB2": ("B", "BII"),
    "BIO": ("B", "BII"),
    "IOE1": ("I", "III"),
    "IOE2": ("E", "IIE"),
    "IOBES": ("S", "BIE"),
    "BIOES": ("S", "BIE"),
    "BILOU": ("U", "BIL"),
    "BMES": ("S", "BME"),
}


def encode(spans, n_steps, scheme):
    """Return the labels of spans as the scheme was published."""
    single, (first, inner, last) = SPELLED[scheme]
    labels = ["O"] * n_steps
    for kind, start, stop in spans:
        prefixes = [first, *inner * (stop - start - 2), last]
        prefixes = [single] if stop - start == 1 else prefixes
        touches = [other for other in spans if other[0] == kind]
        if scheme == "IOB1" and any(other[2] == start for other in touches):
            prefixes[0] = "B"
        if scheme == "IOE1" and any(other[1] == stop for other in touches):
            prefixes[-1] = "E"
        kind = "" if kind == "_" else f"-{kind}"
        labels[start:stop] = [f"{prefix}{kind}" for prefix in prefixes]
    return labels


# NumPy's strings do not end with a null character.
KINDS = st.sampled_from(["X", "Y-", "-Z", "_"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    min_size=1,
    max_size=3,
)


@st.composite
def spans_of_sequence(draw, kinds=KINDS):
    """Draw spans that do not overlap, and the number of steps."""
    some = draw(st.lists(kinds, min_size=1, max_size=2))
    spans, step = [], draw(st.integers(0, 2))
    for _ in range(draw(st.integers(0, 4))):
        stop = step + draw(st.integers(1, 4))
        spans.append((draw(st.sampled_from(some)), step, stop))
        step = stop + draw(st.integers(0, 1))
    return spans, step + draw(st.integers(0, 1))


def test_every_scheme_is_tested():
    assert {*SCHEME_NAMES} == {*SPELLED}


@pytest.mark.parametrize("scheme", SPELLED)
@given(drawn=st.lists(spans_of_sequence(), max_size=3))
def test_spans_are_written_as_published_and_read_again(scheme, drawn):
    spans, n_steps = ([pair[k] for pair in drawn] for k in (0, 1))
    y = labels_from_spans([found[::-1] for found in spans], n_steps, scheme)
    assert y == [encode(*pair, scheme) for pair in drawn]
    assert spans_from_labels(y, scheme) == spans
    assert spans_from_labels(as_ragged(y), scheme) == spans
    if any(n_steps):
        support = span_precision_recall_fscore_support(
            y, y, scheme=scheme, zero_division=0
        )[3]
        assert support.sum() == sum(map(len, spans))


@pytest.mark.parametrize("to_scheme", SPELLED)
@pytest.mark.parametrize("from_scheme", SPELLED)
@given(drawn=st.lists(spans_of_sequence(), max_size=2))
def test_labels_go_from_any_scheme_to_any_other(from_scheme, to_scheme, drawn):
    y = [encode(*pair, from_scheme) for pair in drawn]
    expected = [encode(*pair, to_scheme) for pair in drawn]
    assert convert_labels(y, from_scheme, to_scheme) == expected


@pytest.mark.parametrize("scheme", SPELLED)
@given(
    y=st.lists(
        st.lists(st.sampled_from(["O", "B-X", "I-X", "E-Y", "S-X", "I-Y"]), max_size=5)
    )
)
def test_labels_of_any_kind_are_repaired(scheme, y):
    repaired = convert_labels(y, None, scheme)
    assert spans_from_labels(repaired, scheme) == spans_from_labels(y)
    assert [*map(len, repaired)] == [*map(len, y)]


@pytest.mark.parametrize(
    ("scheme", "labels", "place"),
    [
        ("IOB2", "B-X I-X O I-X", 3),
        ("IOB2", "B-X I-Y", 1),
        ("IOE2", "E-X I-X O", 1),
        ("IOBES", "S-X B-X B-X E-X", 1),
        ("BILOU", "O L-X", 1),
        ("BMES", "B M", 0),
    ],
)
def test_a_span_that_breaks_its_scheme_is_not_lost_in_another(scheme, labels, place):
    y = [["O", "O"], labels.split(), ["O"]]
    message = rf"the span that begins at y\[1\]\[{place}\] does not .*{scheme}"
    with pytest.raises(ValueError, match=message):
        convert_labels(y, scheme, "IOB1")
    assert (
        place in [start for _, start, _ in spans_from_labels(y, scheme)[1]]
    ) is False


def test_labels_lie_in_lists_arrays_or_padding():
    y = [["B-X", "I-X"], [], ["O", "B-Y", "B-Y"]]
    spans = [[("X", 0, 2)], [], [("Y", 1, 2), ("Y", 2, 3)]]
    padded = pad_labels(y)
    assert spans_from_labels(y) == spans_from_labels(padded) == spans
    assert spans_from_labels(
        np.where(padded == "", "O", padded), lengths=[2, 0, 3]
    ) == (spans)
    other = np.where(padded == "", "-", padded)
    assert spans_from_labels(other, padding_label="-") == spans
    assert convert_labels(other, "BIO", "IOE2", padding_label="-") == [
        ["I-X", "E-X"],
        [],
        ["O", "E-Y", "E-Y"],
    ]
    assert convert_labels(padded, "BIO", "IOB1", lengths=[1, 0, 3]) == [
        ["I-X"],
        [],
        ["O", "I-Y", "B-Y"],
    ]
    assert spans_from_labels([]) == convert_labels([], "BIO", "IOB1") == []


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (["B-X", "I-X"], {}, "wrap a single sequence in a list"),
        (np.array(["B-X", "I-X"]), {}, "wrap a single sequence in a list"),
        (np.full((1, 2, 3), "O"), {}, "no list of labels for each sequence"),
        ([["B-X"]], {"lengths": [1]}, "y has no padding"),
        ([[["B-X"]]], {}, r"y\[0\] has 2 axes"),
        ([["B-X", "L-X"]], {}, "'L-X' is not a label of spans.*pass scheme=\"BILOU\""),
        ([["B-X", "M-X"]], {}, 'pass scheme="BMES"'),
        ([["B-X", "M-X"]], {"scheme": "IOB2"}, "of IOB2: .* such as 'B-PER'$"),
        ([[1, 2]], {}, "the label '1' is not a label of spans"),
        ([["B-X", None]], {}, "'None' is not a label"),
        ([["O"]], {"scheme": "bio"}, "scheme='bio' is not one of"),
    ],
)
def test_what_holds_no_spans_is_an_error(y, options, message):
    with pytest.raises(ValueError, match=message):
        spans_from_labels(y, **options)


@pytest.mark.parametrize(
    ("spans", "lengths", "error", "message"),
    [
        ([[("X", 0, 2)]], [1], ValueError, r"spans\[0\] .*not a part of 1 steps"),
        ([[], [("X", -1, 1)]], [1, 1], ValueError, r"spans\[1\]"),
        ([[("X", 1, 1)]], [2], ValueError, "not a part"),
        ([[("X", 1, 3), ("Y", 0, 2)]], [3], ValueError, "overlap"),
        ([[("", 0, 1)]], [1], TypeError, "str that is not empty"),
        ([[(0, 1, "X")]], [1], TypeError, "pass tuples"),
        ([[("X", 0.0, 1)]], [1], TypeError, "pass tuples"),
        ([[("X", 0)]], [1], TypeError, "pass tuples"),
        ([["X"]], [1], TypeError, "pass tuples"),
        ([[]], [1, 2], ValueError, "steps of each of the 1 sequences"),
        ([[]], [1.0], ValueError, "lengths is"),
        ([[]], 1, ValueError, "lengths is"),
        ([[]], [-1], ValueError, "lengths is"),
    ],
)
def test_spans_lie_apart_and_within_their_sequences(spans, lengths, error, message):
    with pytest.raises(error, match=message):
        labels_from_spans(spans, lengths)


def test_schemes_have_names():
    with pytest.raises(ValueError, match=r"scheme=None is not one of .*BMES'$"):
        labels_from_spans([[]], [1], None)
    with pytest.raises(ValueError, match=r"from_scheme='IOB' is not one of .* or None"):
        convert_labels([["O"]], "IOB", "IOB2")
    with pytest.raises(ValueError, match="to_scheme=None is not one of"):
        convert_labels([["O"]], "IOB2", None)


def test_spans_may_be_lists_with_numbers_of_numpy():
    spans = np.array([None], object)
    spans[0] = [["X", np.int64(0), np.int32(2)], ["X", 2, 3]]
    y = labels_from_spans(spans, np.array([3]), "IOE1")
    assert y == [["I-X", "E-X", "I-X"]]


# What seqeval 1.2.2 finds, by default and in its strict modes, in all sequences of one
# to four labels of the types X and Y: how many spans of X from a step to before
# another. From (0, 1) to (3, 4): 01, 02, 03, 04, 12, 13, 14, 23, 24, 34.
PLACES = [
    (0, 1),
    (0, 2),
    (0, 3),
    (0, 4),
    (1, 2),
    (1, 3),
    (1, 4),
    (2, 3),
    (2, 4),
    (3, 4),
]
COUNTS = {
    None: ("BIES", [2916, 324, 36, 4, 2592, 288, 32, 2592, 288, 2592]),
    "IOB2": ("BI", [125, 25, 5, 1, 125, 25, 5, 125, 25, 125]),
    "IOE2": ("IE", [156, 31, 6, 1, 124, 24, 4, 120, 20, 100]),
    "IOBES": ("BIES", [820, 91, 10, 1, 819, 90, 9, 810, 81, 729]),
    "BILOU": ("BILU", [820, 91, 10, 1, 819, 90, 9, 810, 81, 729]),
}


@pytest.mark.parametrize("scheme", COUNTS)
def test_spans_are_those_that_seqeval_finds(scheme):
    prefixes, counts = COUNTS[scheme]
    labels = ["O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in "XY")]
    y = [[*part] for n in range(1, 5) for part in product(labels, repeat=n)]
    found = Counter(
        (start, stop)
        for spans in spans_from_labels(y, scheme)
        for kind, start, stop in spans
        if kind == "X"
    )
    assert found == dict(zip(PLACES, counts, strict=True))


def rows_of_table():
    """Read the table of docs/evaluation.md: labels, scheme, number of spans."""
    path = Path(__file__).parents[1] / "docs" / "evaluation.md"
    for line in path.read_text(encoding="utf-8").split("\n"):
        if match := re.match(r"\| `(.+?)` \| (\w+) \| (\d+) \|", line):
            labels, scheme, count = match.groups()
            yield labels.split(), None if scheme == "None" else scheme, int(count)


def test_the_table_of_differences_is_there():
    assert len([*rows_of_table()]) >= 10


@pytest.mark.parametrize(("labels", "scheme", "count"), [*rows_of_table()])
def test_the_table_of_differences_says_what_is_found(labels, scheme, count):
    (spans,) = spans_from_labels([labels], scheme)
    assert len(spans) == count
