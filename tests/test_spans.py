"""Spans of BIO, IOBES and other labels, against their definition written out."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import UndefinedMetricWarning

from skrnn import as_ragged, pad_labels
from skrnn._validation.label_schemes import SCHEME_NAMES
from skrnn.metrics import (
    span_classification_report,
    span_f1_score,
    span_precision_recall_fscore_support,
    spans_from_labels,
)

# Labels of one sequence, its spans as conlleval and seqeval read them, and whether
# each is spelled out under BIO and under IOBES (None: not a label of BIO).
TABLE = [
    ("O O O", []),
    ("B-X", [(0, 0, "X", True, False)]),
    ("S-X", [(0, 0, "X", None, True)]),
    ("B-X I-X O", [(0, 1, "X", True, False)]),
    ("B-X E-X O", [(0, 1, "X", None, True)]),
    ("O I-X I-X", [(1, 2, "X", False, False)]),
    ("B-X B-X", [(0, 0, "X", True, False), (1, 1, "X", True, False)]),
    ("B-X I-Y", [(0, 0, "X", True, False), (1, 1, "Y", False, False)]),
    ("I-X I-Y I-Y", [(0, 0, "X", False, False), (1, 2, "Y", False, False)]),
    ("I-X B-X I-X", [(0, 0, "X", False, False), (1, 2, "X", True, False)]),
    ("B-X I-X E-X", [(0, 2, "X", None, True)]),
    ("B-X E-X I-X", [(0, 1, "X", None, True), (2, 2, "X", None, False)]),
    ("B-X E-X E-X", [(0, 1, "X", None, True), (2, 2, "X", None, False)]),
    ("S-X S-X", [(0, 0, "X", None, True), (1, 1, "X", None, True)]),
    ("S-X I-X", [(0, 0, "X", None, True), (1, 1, "X", None, False)]),
    ("B-X S-X E-X", [(i, i, "X", None, i == 1) for i in range(3)]),
    ("I-X E-X", [(0, 1, "X", None, False)]),
    ("E-X", [(0, 0, "X", None, False)]),
    ("B-X E-Y", [(0, 0, "X", None, False), (1, 1, "Y", None, False)]),
    ("B I O B", [(0, 1, "_", True, False), (3, 3, "_", True, False)]),
    ("B-X-Y I-X-Y", [(0, 1, "X-Y", True, False)]),
]


def spelled(spans, n_steps):
    """Return labels that name spans in the plainest way: IOBES."""
    labels = np.full(n_steps, "O", dtype=object)
    for start, end, kind in spans:
        labels[start : end + 1] = f"I-{kind}"
        labels[start], labels[end] = f"B-{kind}", f"E-{kind}"
        if start == end:
            labels[start] = f"S-{kind}"
    return labels


@pytest.mark.parametrize(("labels", "spans"), TABLE)
def test_spans_are_read_as_the_table_says(labels, spans):
    labels = np.array(labels.split())
    expected = spelled([span[:3] for span in spans], len(labels))
    precision, recall, _, _ = span_precision_recall_fscore_support(
        as_ragged([labels]), as_ragged([expected]), average="micro", zero_division=1
    )
    assert precision == recall == 1


@pytest.mark.parametrize(("scheme", "place"), [("BIO", 3), ("IOBES", 4)])
@pytest.mark.parametrize(("labels", "spans"), TABLE)
def test_a_scheme_counts_spans_that_are_spelled_out(labels, spans, scheme, place):
    y = as_ragged([labels.split()])
    if scheme == "BIO" and set("ES") & set(labels):
        with pytest.raises(ValueError, match="is not a label of BIO"):
            span_f1_score(y, y, scheme=scheme)
        return
    support = span_precision_recall_fscore_support(
        y, y, scheme=scheme, zero_division=0
    )[3]
    assert support.sum() == sum(span[place] for span in spans)


def chunk_ends(left, right):
    """Tell whether conlleval ends a chunk between two labels."""
    (p, _, left_type), (q, _, right_type) = (s.partition("-") for s in (left, right))
    if p == "O":
        return False
    return (
        p in "ES"
        or (p, q) in {("B", "B"), ("B", "S"), ("B", "O")}
        or (p, q) in {("I", "B"), ("I", "S"), ("I", "O")}
        or left_type != right_type
    )


def chunk_starts(left, right):
    """Tell whether conlleval starts a chunk between two labels."""
    (p, _, left_type), (q, _, right_type) = (s.partition("-") for s in (left, right))
    if q == "O":
        return False
    return (
        q in "BS"
        or (p, q) in {("E", "E"), ("E", "I"), ("S", "E"), ("S", "I")}
        or (p, q) in {("O", "E"), ("O", "I")}
        or left_type != right_type
    )


def chunks(labels):
    """Return the chunks of one sequence, by walking along it."""
    found, start = set(), None
    for step, (left, right) in enumerate(pairwise(["O", *labels, "O"])):
        if chunk_ends(left, right):
            found.add((start, step - 1, left.partition("-")[2]))
        if chunk_starts(left, right):
            start = step
    return found


def spelled_out(chunk, labels, scheme):
    """Tell whether the labels of a chunk are those that a scheme prescribes."""
    start, end, _ = chunk
    prefixes = "".join(label[0] for label in labels[start : end + 1])
    inner = "I" * (end - start - 1)
    if scheme == "BIO":
        return prefixes == "B" + "I" * (end - start)
    return prefixes in ("S" if start == end else f"B{inner}E",)


@st.composite
def tagged(draw, prefixes):
    """Draw sequences of labels, twice, of equal lengths."""
    tags = ["O", *(f"{p}-{t}" for p in prefixes for t in ("X", "Y"))]
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    return tuple(
        [draw(st.lists(st.sampled_from(tags), min_size=n, max_size=n)) for n in lengths]
        for _ in range(2)
    )


def counts(rows, kind, scheme):
    """Return the chunks of a type in all sequences."""
    return {
        (i, *chunk)
        for i, row in enumerate(rows)
        for chunk in chunks(row)
        if chunk[2] == kind and (scheme is None or spelled_out(chunk, row, scheme))
    }


@pytest.mark.parametrize(
    ("scheme", "prefixes"), [(None, "BIES"), ("BIO", "BI"), ("IOBES", "BIES")]
)
@given(data=st.data())
def test_scores_are_those_of_the_sets_of_chunks(scheme, prefixes, data):
    y_true, y_pred = data.draw(tagged(prefixes))
    result = span_precision_recall_fscore_support(
        as_ragged(y_true),
        as_ragged(y_pred),
        scheme=scheme,
        labels=["X", "Y"],
        zero_division=0,
    )
    for number, kind in enumerate("XY"):
        true, pred = (counts(rows, kind, scheme) for rows in (y_true, y_pred))
        hits = len(true & pred)
        n_both = len(true) + len(pred)
        expected = [
            hits / max(len(pred), 1),
            hits / max(len(true), 1),
            2 * hits / max(n_both, 1),
            len(true),
        ]
        assert_allclose([score[number] for score in result], expected, rtol=1e-14)


Y_TRUE = [["B-X", "I-X", "O", "B-Y"], ["B-Y"], ["B-Y", "O"]]
Y_PRED = [["B-X", "I-X", "B-Z", "B-Y"], ["I-Y"], ["O", "O"]]


@pytest.mark.parametrize(
    ("average", "expected"),
    [
        ("micro", 3 / 4),
        ("macro", (1 + 4 / 5 + 0) / 3),
        ("weighted", (1 * 1 + 3 * 4 / 5) / 4),
        (None, [1, 4 / 5, 0]),
    ],
)
def test_averages_are_over_types(average, expected):
    score = span_f1_score(Y_TRUE, Y_PRED, average=average, zero_division=0)
    assert_allclose(score, expected, rtol=1e-14)


def test_the_f_score_weighs_recall_by_beta():
    precision, recall, fscore, support = span_precision_recall_fscore_support(
        Y_TRUE, Y_PRED, beta=2, labels=["Y"], average="micro"
    )
    assert (precision, recall, support) == (1, 2 / 3, None)
    assert fscore == pytest.approx(5 * (2 / 3) / (4 + 2 / 3), rel=1e-14)


def test_spans_do_not_cross_from_one_sequence_to_the_next():
    whole, halves = [["B-X", "I-X", "O"]], [["B-X"], ["I-X", "O"]]
    support = span_precision_recall_fscore_support(halves, halves)[3]
    assert_array_equal(support, [2])
    assert_array_equal(span_precision_recall_fscore_support(whole, whole)[3], [1])


def test_padding_holds_no_spans_whatever_y_true_says_there():
    y_true = np.array([["B-X", "I-X"], ["B-X", "I-X"]])
    y_pred = pad_labels([["B-X", "I-X"], ["B-X"]])
    assert span_f1_score(y_true, y_pred) == 1


def test_spans_weigh_as_their_sequences():
    weights = np.array([1, 0, 2])
    repeated = [np.repeat(as_ragged(y), weights) for y in (Y_TRUE, Y_PRED)]
    scores = span_precision_recall_fscore_support(
        Y_TRUE, Y_PRED, sample_weight=weights, average="micro"
    )
    expected = span_precision_recall_fscore_support(*repeated, average="micro")
    assert_allclose(scores[:3], expected[:3], rtol=1e-14)


def test_steps_of_one_sequence_weigh_the_same():
    weights = [[1, 1, 1, 2], [1], [1, 1]]
    with pytest.raises(ValueError, match=r"sample_weight\[0\] differs"):
        span_f1_score(Y_TRUE, Y_PRED, sample_weight=weights)


def test_no_spans_at_all_have_no_score():
    y = [["O", "O"], ["O"]]
    with pytest.warns(UndefinedMetricWarning):
        assert span_f1_score(y, y) == 0
    assert span_f1_score(y, y, zero_division=1) == 1
    assert span_f1_score(y, y, average=None, zero_division=1).shape == (0,)


@pytest.mark.parametrize("label", ["X", "PER-B", "L-X", "", "o", "BI-X"])
def test_labels_that_name_no_span_raise(label):
    y = as_ragged([["B-X", label, "O"]])
    with pytest.raises(ValueError, match="is not a label of spans"):
        span_f1_score(y, y)


def test_labels_outside_sequences_raise():
    with pytest.raises(ValueError, match="wrap a single sequence in a list"):
        span_f1_score(["B-X", "I-X"], ["B-X", "I-X"])
    with pytest.raises(ValueError, match="one label per character through as_ragged"):
        span_f1_score(["OOBI"], ["OOBI"])
    assert span_f1_score(as_ragged(["OOBI"]), as_ragged(["OOBI"])) == 1


def test_unknown_schemes_raise():
    message = "scheme='BIOS' is not one of 'IOB1', 'IOB2', .* or None"
    with pytest.raises(ValueError, match=message):
        span_f1_score(Y_TRUE, Y_PRED, scheme="BIOS")


@pytest.mark.parametrize(
    ("label", "remedy"),
    [
        ("L-X", 'pass scheme="BILOU"'),
        ("U-X", 'pass scheme="BILOU"'),
        ("M-X", 'pass scheme="BMES"'),
    ],
)
def test_labels_of_other_schemes_are_told_their_scheme(label, remedy):
    y = [["B-X", label, "O"]]
    with pytest.raises(ValueError, match=f"the label {label!r} is not .*; {remedy}"):
        span_f1_score(y, y)


@pytest.mark.parametrize("scheme", [["BIO"], {}, 3, "bio"])
def test_what_is_no_scheme_is_an_error(scheme):
    with pytest.raises(ValueError, match=r"scheme=.* is not one of 'IOB1'"):
        span_f1_score(Y_TRUE, Y_PRED, scheme=scheme)


def test_types_of_spans_are_named_once_and_without_a_prefix():
    with pytest.raises(ValueError, match=r"'B-X', a label of steps; .* such as 'X'"):
        span_f1_score(Y_TRUE, Y_PRED, labels=["Y", "B-X"])
    with pytest.raises(ValueError, match="labels names 'X' twice"):
        span_f1_score(Y_TRUE, Y_PRED, labels=["X", "X"])
    with pytest.raises(TypeError, match="labels holds 1 but"):
        span_f1_score(Y_TRUE, Y_PRED, labels=[1])
    y = [["B-X", "B-B-X"]]
    assert span_f1_score(y, y, labels=["B-X"]) == 1
    assert span_f1_score(y, y, labels=["Z"], zero_division=0) == 0


@pytest.mark.parametrize(
    ("scheme", "labels", "lengths"),
    [
        ("IOB1", "B-Y", [1]),  # seqeval finds none of these three
        ("IOB1", "B-Y I-Y B-Y O", [2, 1]),
        ("IOE1", "O E-Y", [1]),
        ("IOB1", "I-Y I-X B-X I-X", [1, 1, 2]),
        ("IOE1", "I-X E-X I-X I-Y", [2, 1, 1]),
        ("IOE2", "I-X E-X E-X", [2, 1]),
        ("IOE2", "I-X O I-X E-X", [2]),
        ("IOE2", "I-X E-Y", [1]),
        ("BILOU", "B-X I-X L-X U-X", [3, 1]),
        ("BILOU", "B-X O L-X", []),
        ("BILOU", "B-X L-Y U-Y I-Y", [1]),
    ],
)
def test_a_scheme_leaves_out_spans_that_are_not_spelled_out(scheme, labels, lengths):
    y = [labels.split()]
    (found,) = spans_from_labels(y, scheme)
    assert [stop - start for _, start, stop in found] == lengths
    support = span_precision_recall_fscore_support(
        y, y, scheme=scheme, zero_division=0
    )[3]
    assert support.sum() == len(lengths)


@pytest.mark.parametrize("pair", ["BS", "IS", "EB", "ES", "SB", "SI", "SE", "SS"])
def test_two_spans_of_one_type_are_not_merged(pair):
    y = [[f"{prefix}-X" for prefix in pair]]
    assert span_precision_recall_fscore_support(y, y)[3].tolist() == [2]


@pytest.mark.parametrize("scheme", [None, *SCHEME_NAMES])
def test_no_spans_have_no_score_in_any_scheme(scheme):
    y = [["O", "O"], ["O"]]
    for average in ("micro", "macro", "weighted"):
        for value in (0.0, 1.0, np.nan):
            score = span_f1_score(
                y, y, scheme=scheme, average=average, zero_division=value
            )
            assert_array_equal(score, value)


def test_a_report_has_a_row_for_each_type_and_average():
    scores = span_precision_recall_fscore_support(Y_TRUE, Y_PRED, zero_division=0)
    report = span_classification_report(
        Y_TRUE, Y_PRED, output_dict=True, zero_division=0
    )
    names = ["precision", "recall", "f1-score", "support"]
    assert [*report] == ["X", "Y", "Z", "micro avg", "macro avg", "weighted avg"]
    for number, kind in enumerate("XYZ"):
        assert report[kind] == {
            name: score[number] for name, score in zip(names, scores, strict=True)
        }
    for average in ("micro", "macro", "weighted"):
        expected = span_precision_recall_fscore_support(
            Y_TRUE, Y_PRED, average=average, zero_division=0
        )[:3]
        row = report[f"{average} avg"]
        assert_allclose([row[name] for name in names[:3]], expected, rtol=1e-14)
        assert row["support"] == 4


def test_a_report_is_text_with_names_and_digits():
    text = span_classification_report(
        Y_TRUE, Y_PRED, labels=["Y"], target_names=["a place"], digits=3
    )
    assert text.split("\n")[2].split() == ["a", "place", "1.000", "0.667", "0.800", "3"]
    with pytest.raises(ValueError, match="two rows 'macro avg'"):
        span_classification_report(
            Y_TRUE, Y_PRED, labels=["Y"], target_names=["macro avg"], output_dict=True
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_names": ["a", "b"]}, "target_names has 2 names for 3 types"),
        ({"target_names": "XYZ"}, "target_names has 1 names for 3 types"),
        ({"labels": [""]}, "labels names '', which is no type"),
        ({"labels": ["X"], "target_names": ["accuracy"]}, "two rows 'accuracy'"),
    ],
)
def test_rows_of_a_report_have_names_of_their_own(options, message):
    with pytest.raises(ValueError, match=message):
        span_classification_report(Y_TRUE, Y_PRED, output_dict=True, **options)


def test_a_report_counts_weights_and_spans_of_a_scheme():
    report = span_classification_report(
        Y_TRUE,
        Y_PRED,
        scheme="IOB2",
        sample_weight=[1, 5, 2],
        output_dict=True,
        zero_division=0,
    )
    assert report["Y"]["support"] == 8
    assert report["Y"]["recall"] == 1 / 8  # I-Y is no span of IOB2
    assert report["Y"]["precision"] == 1


def test_a_report_without_spans_has_a_row_that_says_so():
    y = [["O", "O"], ["O"]]
    report = span_classification_report(y, y, output_dict=True, zero_division=0)
    assert report["no type"]["support"] == report["micro avg"]["support"] == 0
    assert report["macro avg"]["f1-score"] == 0
    text = span_classification_report(y, y, target_names=[], zero_division=0)
    assert "no type" in text
