"""Metrics of steps are scikit-learn's metrics of the valid steps, and of no others."""

import subprocess
import sys
from functools import partial

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import metrics as sk

from skrnn import as_ragged, pad_labels
from skrnn._validation.containers import objects
from skrnn.metrics import (
    flatten_steps,
    sequence_accuracy_score,
    span_f1_score,
    span_precision_recall_fscore_support,
    step_accuracy_score,
    step_classification_report,
    step_confusion_matrix,
    step_f1_score,
    step_log_loss,
)

TRUE = [[2, 0, 1], [1], [0, 0]]
PRED = [[2, 1, 1], [1], [2, 0]]
WEIGHTS = [[1.0, 2.0, 0.5], [3.0], [0.0, 1.5]]
FLAT = np.concatenate(TRUE), np.concatenate(PRED), np.concatenate(WEIGHTS)
PROBA = np.random.default_rng(0).dirichlet(np.ones(3), size=6)

# Spellings of the labels: how the integers look in y, and what pads predictions.
SPELLINGS = {
    "strings": (lambda a: np.array(["x", "yy", "z"])[a], ""),
    "objects": (lambda a: np.array(["x", "yy", "z"], dtype=object)[a], ""),
    "integers": (lambda a: np.asarray(a), -1),
    "floats": (lambda a: np.asarray(a, dtype=float), np.nan),
}


def padded(rows, filler, n_steps=3, dtype=None):
    """Return rows as one array, with a filler behind them."""
    dtype = dtype or np.result_type(*(np.asarray(row) for row in rows), type(filler))
    result = np.full((len(rows), n_steps), filler, dtype=dtype)
    for place, row in zip(result, rows, strict=True):
        place[: len(row)] = row
    return result


@st.composite
def labeled(draw):
    """Draw true and predicted label sequences of equal lengths."""
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    labels = st.integers(0, 3)
    rows = [
        [draw(st.lists(labels, min_size=n, max_size=n)) for n in lengths]
        for _ in range(2)
    ]
    return rows[0], rows[1]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("true_form", ["padded", "ragged", "lists"])
@pytest.mark.parametrize("pred_form", ["padded", "ragged", "lists"])
def test_every_form_has_the_same_valid_steps(spelling, true_form, pred_form):
    spell, filler = SPELLINGS[spelling]

    def take(rows, form):
        rows = [spell(row) for row in rows]
        if form == "padded":
            dtype = object if spelling == "objects" else None
            return padded(rows, filler, dtype=dtype)
        return objects(rows) if form == "ragged" else [row.tolist() for row in rows]

    y_true, y_pred, weights = flatten_steps(
        take(TRUE, true_form), take(PRED, pred_form), sample_weight=WEIGHTS
    )
    counts = FLAT[2] > 0
    assert_array_equal(y_true, spell(FLAT[0])[counts])
    assert_array_equal(y_pred, spell(FLAT[1])[counts])
    assert_array_equal(weights, FLAT[2][counts])


@given(labeled(), st.integers(-3, 9), st.integers(0, 3))
def test_nothing_that_stands_at_padding_of_y_true_counts(rows, filler, n_more):
    true, pred = rows
    n_steps = max(map(len, true)) + n_more
    y_true, y_pred, _ = flatten_steps(padded(true, filler, n_steps), pad_labels(pred))
    assert_array_equal(y_true, np.concatenate(true))
    assert_array_equal(y_pred, np.concatenate(pred))


@given(labeled(), st.integers(0, 3))
def test_wider_predictions_change_nothing(rows, n_more):
    true, pred = rows
    wide = np.pad(pad_labels(pred), [(0, 0), (0, n_more)], constant_values=-1)
    assert_array_equal(flatten_steps(as_ragged(true), wide)[1], np.concatenate(pred))


def test_one_label_for_each_row_is_taken_as_it_is():
    y_true, y_pred, weights = flatten_steps([1, -1, 0], [1, 0, -1], sample_weight=None)
    assert_array_equal(y_true, [1, -1, 0])
    assert_array_equal(y_pred, [1, 0, -1])
    assert weights is None


def test_rows_of_probabilities_are_not_steps():
    _, y_pred, _ = flatten_steps(["ab", "cd", "ab"], PROBA[:3])
    assert y_pred.shape == (3, 3)


def test_strings_are_sequences_of_characters_beside_sequences():
    y_true, y_pred, _ = flatten_steps(["abc", "a"], pad_labels(["abb", "a"]))
    assert "".join(y_true) == "abca"
    assert "".join(y_pred) == "abba"


def test_weights_of_sequences_are_those_of_their_steps():
    weights = flatten_steps(TRUE, PRED, sample_weight=[1, 2, 3])[2]
    assert_array_equal(weights, [1, 1, 1, 2, 3, 3])


def test_booleans_come_back_from_padded_integers():
    y_true = np.array([[True, False], [True, True]])
    y_pred = np.array([[1, 1], [0, -1]], dtype=np.int8)
    y_true, y_pred, _ = flatten_steps(y_true, y_pred)
    assert y_pred.dtype == y_true.dtype == bool
    assert_array_equal(y_pred, [True, True, False])


def test_real_values_of_several_outputs_are_flattened_too():
    y_pred = np.arange(12.0).reshape(2, 3, 2)
    y_pred[1, 1:] = np.nan
    y_true = np.nan_to_num(y_pred, nan=7.0) + 1
    flat_true, flat_pred, _ = flatten_steps(y_true, y_pred)
    assert_array_equal(flat_pred, np.arange(8.0).reshape(4, 2))
    assert_array_equal(flat_true, flat_pred + 1)


def test_a_step_that_is_partly_nan_is_no_padding():
    y_pred = np.array([[[1.0, 0.0], [np.nan, 1.0]], [[0.5, 0.5], [np.nan, np.nan]]])
    assert len(flatten_steps(np.array([[0, 1], [1, 1]]), y_pred)[1]) == 3


def test_a_padding_label_is_sought_at_the_end_of_rows_only():
    y_true, y_pred = np.array([[0, 9, 1], [1, 1, 0]]), np.array([[0, 9, 9], [9, 1, 0]])
    y_pred[0, 1] = 1
    with pytest.raises(ValueError, match=r"y_true\[0\] at step 1 is .*9.* padding"):
        flatten_steps(y_true, y_pred, padding_label=9)


@pytest.mark.parametrize("padding_label", [-2, "", None])
def test_the_padding_label_may_be_named(padding_label):
    y_pred = np.array([[-1, 0], [1, padding_label]], dtype=object)
    y_true = np.array([[-1, 0], [-1, 5]])
    y_true, y_pred, _ = flatten_steps(y_true, y_pred, padding_label=padding_label)
    assert_array_equal(y_pred, [-1, 0, 1])
    assert_array_equal(y_true, [-1, 0, -1])


def test_lengths_overrule_what_padding_looks_like():
    signs = np.array([[1, -1], [-1, -1]])
    y_pred = flatten_steps(signs, signs, lengths=[2, 1])[1]
    assert_array_equal(y_pred, [1, -1, -1])


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        ([[1, -1], [-1, 1]], [[1, 1], [1, -1]]),
        ([[1, 1], [1, 1]], [[-1, 1], [1, -1]]),
        ([[1, 1], [1, 1]], [[1, 1], [1, -2]]),
        ([["", "a"], ["a", "a"]], [["a", "a"], ["a", ""]]),
    ],
)
def test_a_padding_label_that_may_be_a_class_raises(y_true, y_pred):
    with pytest.raises(ValueError, match="pass padding_label"):
        flatten_steps(np.array(y_true), np.array(y_pred))


@pytest.mark.parametrize(
    ("y_true", "y_pred", "kwargs", "message"),
    [
        (TRUE, [[2, 1], [1], [2, 0]], {}, r"y_true\[0\] has 3 labels but y_pred\[0\]"),
        ([[1]], [[1, 0]], {}, r"y_true\[0\] has 1 labels but y_pred\[0\] has 2"),
        (
            np.array([[1], [1]]),
            np.array([[1, -1], [1, 0]]),
            {},
            r"y_true has shape \(2, 1\) but y_pred\[1\] has 2 valid steps",
        ),
        ([1, 2], [[1, 0], [2, 2]], {}, r"y_true\[0\] is a single label but y_pred\[0"),
        ([[1], [1, 2]], [1, 2], {}, r"y_true\[1\] has 2 labels but y_pred\[1\] has 1"),
        (TRUE, [[2, 1, 1], 1, [2, 0]], {}, r"y_pred\[1\] is a single label"),
        (
            TRUE,
            [[1, 2, 3], [[1], [2, 3]], [0, 0]],
            {},
            r"y_pred\[1\] has steps of uneq",
        ),
        (TRUE[:2], PRED, {}, "inconsistent numbers of samples"),
        (TRUE, padded(PRED, np.nan)[..., None] * np.nan, {}, "no valid step"),
        (TRUE, PRED, {"lengths": [1, 1, 1]}, "no padding"),
        (TRUE, padded(PRED, -1), {"lengths": [4, 1, 1]}, r"lengths\[0\] is 4"),
        (TRUE, PRED, {"sample_weight": [1, 2]}, "sample_weight.shape"),
        ([[0.0, np.nan]], [[0, 1]], {}, r"NaN: y\[0\] at step 1"),
        ([["a", None]], [["a", "b"]], {}, r"None: y\[0\] at step 1"),
        (None, PRED, {}, "y_true is None"),
        (3, PRED, {}, "y_true is the single label 3"),
    ],
)
def test_what_does_not_go_together_raises(y_true, y_pred, kwargs, message):
    with pytest.raises(ValueError, match=message):
        flatten_steps(y_true, y_pred, **kwargs)


@pytest.mark.parametrize("y_true", [[["a", 1]], [["a"], [1, 1]]])
def test_labels_of_mixed_types_raise(y_true):
    y_pred = [["a"] * len(row) for row in y_true]
    with pytest.raises(TypeError, match="mixed types"):
        flatten_steps(y_true, y_pred)


def test_masked_arrays_raise():
    with pytest.raises(TypeError, match="y_true is a masked array"):
        flatten_steps(np.ma.masked_equal([[1, -1]], -1), [[1, -1]])
    with pytest.raises(TypeError, match=r"y_pred\[0\] is a masked array"):
        flatten_steps([[1, -1]], [np.ma.masked_equal([1, -1], -1)])


METRICS = [
    flatten_steps,
    sequence_accuracy_score,
    span_f1_score,
    span_f1_score,
    span_precision_recall_fscore_support,
    step_accuracy_score,
    step_classification_report,
    step_confusion_matrix,
    step_f1_score,
]
SHORT = [["B-X", "O"], ["B-X", "O", "B-X"]], [["B-X", "O"], ["B-X", "O"]]


@pytest.mark.parametrize("metric", METRICS)
def test_labels_cut_short_raise_in_every_metric(metric):
    for y_true, y_pred in (SHORT, SHORT[::-1]):
        n, m = len(y_true[1]), len(y_pred[1])
        message = rf"y_true\[1\] has {n} labels but y_pred\[1\] has {m} valid steps"
        with pytest.raises(ValueError, match=message):
            metric(y_true, y_pred)
        with pytest.raises(ValueError, match=message):
            metric(y_true, pad_labels(y_pred))
        message = rf"y_pred\[1\] has {m} labels but y_true\[1\] has {n} valid steps"
        with pytest.raises(ValueError, match=message):
            metric(pad_labels(y_true), y_pred)


def test_probabilities_cut_short_raise():
    proba = [np.full((2, 2), 0.5), np.full((2, 2), 0.5)]
    with pytest.raises(ValueError, match=r"y_true\[1\] has 3 labels but y_pred\[1\]"):
        step_log_loss(SHORT[0], proba)


@pytest.mark.parametrize("take", [list, as_ragged, tuple])
@pytest.mark.parametrize("label", [-1, ""])
def test_lists_have_no_padding(take, label):
    one, other = (1, 0) if label == -1 else ("a", "b")
    y_true, y_pred = [[one, one], [other, other]], [[one, label], [other, other]]
    assert step_accuracy_score(take(y_true), take(y_pred)) == 0.75
    assert step_accuracy_score(take(y_pred), take(y_pred)) == 1
    with pytest.raises(
        ValueError, match=r"y_pred\[0\] has 2 labels but y_true\[0\] has 1"
    ):
        step_accuracy_score(np.array(y_pred), take(y_true))


def test_the_padding_of_y_true_may_be_named_beside_a_list():
    y_true = padded(TRUE, 9)
    for known in ({"padding_label": 9}, {"lengths": [3, 1, 2]}):
        assert_array_equal(flatten_steps(y_true, PRED, **known)[0], FLAT[0])
    with pytest.raises(ValueError, match=r"y_pred\[1\] has 1 .* y_true\[1\] has 2"):
        flatten_steps(y_true, PRED, lengths=[3, 2, 2])


def test_messages_show_labels_as_plain_values():
    y = np.array([[0, 9, 1], [0, 1, 9]])
    with pytest.raises(ValueError, match="step 1 is 9, and 9 is read as padding"):
        flatten_steps(y, y, padding_label=np.int64(9))


MISSING = [None, np.nan, pd.NA]


@pytest.mark.parametrize("form", ["list", "array", "ragged"])
@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize(("one", "other"), [("a", "b"), (0, 1), (False, True)])
def test_a_label_may_be_missing_where_its_weight_is_zero(form, missing, one, other):
    y_true, y_pred = [[one, missing], [other, one]], [[one, other], [other, other]]
    weights = [[1, 0], [1, 2]]
    if form == "array":
        y_true, y_pred = np.array(y_true, dtype=object), np.array(y_pred)
    elif form == "ragged":
        y_true = objects(np.array(row, dtype=object) for row in y_true)
    assert step_accuracy_score(y_true, y_pred, sample_weight=weights) == 0.5
    assert len(flatten_steps(y_true, y_pred, sample_weight=weights)[0]) == 3
    proba = np.full((2, 2, 2), 0.5)
    loss = step_log_loss(y_true, proba, sample_weight=weights)
    assert loss == pytest.approx(np.log(2), rel=1e-14)
    with pytest.raises(ValueError, match=r"Input y contains .*: y\[0\] at step 1"):
        step_accuracy_score(y_true, y_pred, sample_weight=[[1, 1], [1, 2]])


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize(("one", "other"), [("a", "b"), (0, 1), (False, True)])
def test_predictions_of_weight_zero_are_ignored(missing, one, other):
    weights = [[1, 0], [1, 2]]
    y_pred = [[one, missing], [other, other]]
    for entry in (missing, one):
        y_true = [[one, entry], [other, one]]
        assert step_accuracy_score(y_true, y_pred, sample_weight=weights) == 0.5
        flat = flatten_steps(y_true, y_pred, sample_weight=weights)
        assert [a.tolist() for a in flat[:2]] == [
            [one, other, one],
            [one, other, other],
        ]


CONTAINERS = {
    "StringDType": lambda values: np.array(values, dtype=np.dtypes.StringDType()),
    "array": np.array,
    "tuple": tuple,
    "Arrow Array": pa.array,
    "Arrow scalars": lambda values: [*map(pa.scalar, values)],
    "awkward Array": ak.Array,
    "Series": pd.Series,
}
CLASSES = [["b", "a"], ["b"]]
ROWS = [[[0.2, 0.8], [0.3, 0.7]], [[0.4, 0.6]]]
TAGS = [["B-b", "I-b"], ["B-a"]]
PER_LABEL = [
    partial(step_f1_score, CLASSES, CLASSES, average="micro"),
    lambda labels: step_confusion_matrix(CLASSES, CLASSES, labels=labels).tolist(),
    partial(step_classification_report, CLASSES, CLASSES),
    partial(step_log_loss, CLASSES, ROWS),
    partial(span_f1_score, TAGS, TAGS),
]


@pytest.mark.parametrize("form", CONTAINERS)
@pytest.mark.parametrize("score", PER_LABEL)
def test_labels_come_in_any_container(score, form):
    assert score(labels=CONTAINERS[form](["b", "a"])) == score(labels=["b", "a"])


@pytest.mark.parametrize("score", PER_LABEL)
def test_what_is_no_list_of_labels_is_an_error(score):
    for labels in ({"a", "b"}, iter("ab"), {"a": 1, "b": 2}):
        with pytest.raises(TypeError, match=r"labels is of type .*; pass a list"):
            score(labels=labels)
    with pytest.raises(ValueError, match="labels is the string 'ab'"):
        score(labels="ab")
    with pytest.raises(TypeError, match="labels is 3; pass a list of labels"):
        score(labels=3)


def test_nan_that_pads_an_array_may_be_a_label_that_is_missing():
    y_true = np.array([[1.0, np.nan, np.nan], [0.0, np.nan, 1.0]])
    y_pred = [[1, 1], [1, 1, 1]]
    weights = np.array([[1, 0, 0], [1, 0, 1]])
    assert step_accuracy_score(y_true, y_pred, sample_weight=weights) == 2 / 3
    with pytest.raises(ValueError, match=r"NaN: y\[0\] at step 1"):
        step_accuracy_score(y_true, y_pred)


def test_classes_of_weight_zero_are_none():
    y_true, y_pred = [["H", "X"], ["E", "H"]], [["H", "Y"], ["E", "H"]]
    weights = [[1, 0], [1, 1]]
    given = {"sample_weight": weights}
    assert step_f1_score(y_true, y_pred, **given) == 1
    assert step_f1_score(y_true, y_pred, average=None, **given).shape == (2,)
    assert_array_equal(step_confusion_matrix(y_true, y_pred, **given), [[1, 0], [0, 2]])
    report = step_classification_report(y_true, y_pred, output_dict=True, **given)
    assert set(report) == {"E", "H", "accuracy", "macro avg", "weighted avg"}
    named = {**given, "labels": ["X", "H"], "zero_division": 0}
    assert step_f1_score(y_true, y_pred, **named) == 0.5
    proba = np.array([[[0.2, 0.8], [0.5, 0.5]], [[0.6, 0.4], [0.3, 0.7]]])
    loss = step_log_loss(y_true, proba, **given)
    assert loss == pytest.approx(-np.log([0.8, 0.6, 0.7]).mean(), rel=1e-14)


def test_sequences_of_weight_zero_may_lack_labels():
    y_true, y_pred = [["B-X", "O"], [None, "Z"]], [["B-X", "O"], ["B-Y", "B-Y"]]
    for weights in ([2, 0], [[2, 2], [0, 0]]):
        given = {"sample_weight": weights}
        assert sequence_accuracy_score(y_true, y_pred, **given) == 1
        assert span_f1_score(y_true, y_pred, average="macro", **given) == 1


@pytest.mark.parametrize("metric", [sequence_accuracy_score, span_f1_score])
def test_part_of_a_sequence_has_no_weight_zero(metric):
    y = [["O", "O"], ["B-X", "O"]]
    with pytest.raises(ValueError, match=r"sample_weight\[1\] differs from step"):
        metric(y, y, sample_weight=[[1, 1], [1, 0]])


def containers(rows):
    """Return label sequences in the containers of other libraries."""
    text = isinstance(rows[0][0], str)
    strings = np.dtypes.StringDType()
    return {
        "arrow": pa.array(rows),
        "chunked": pa.chunked_array([rows[:1], rows[1:]]),
        "arrow arrays": [pa.array(row) for row in rows],
        "awkward": ak.Array(rows),
        "series": pd.Series(rows),
        "series of series": pd.Series([pd.Series(row) for row in rows]),
        "string arrays": [np.array(row, strings if text else None) for row in rows],
        "tuples": tuple(map(tuple, rows)),
    }


@pytest.mark.parametrize("kind", containers([[0]]))
@pytest.mark.parametrize("labels", [[0, 1, 2], ["x", "yy", "z"]])
def test_metrics_take_containers_of_other_libraries(kind, labels):
    true, pred = ([[labels[i] for i in row] for row in rows] for rows in (TRUE, PRED))
    y_true, y_pred = containers(true)[kind], containers(pred)[kind]
    weights = containers(WEIGHTS)[kind]
    expected = flatten_steps(true, pred, sample_weight=WEIGHTS)
    for one, other in ((y_true, y_pred), (y_true, pred), (true, y_pred)):
        for result, value in zip(
            flatten_steps(one, other, sample_weight=weights), expected, strict=True
        ):
            assert_array_equal(result, value)
            assert isinstance(result[0], str) == isinstance(value[0], str)


@pytest.mark.parametrize("kind", ["numpy", "pandas"])
def test_padded_strings_may_be_of_any_width_or_in_a_frame(kind):
    y_true, y_pred = pad_labels(["aab", "b"]), pad_labels(["abb", "b"])
    strings = np.dtypes.StringDType()
    take = pd.DataFrame if kind == "pandas" else partial(np.array, dtype=strings)
    assert step_accuracy_score(take(y_true), take(y_pred)) == 0.75
    assert step_accuracy_score(y_true, take(y_pred)) == 0.75


def test_iterators_and_sparse_arrays_raise():
    with pytest.raises(TypeError, match=r"y_true is of type .*; pass a list"):
        step_accuracy_score((row for row in TRUE), PRED)
    with pytest.raises(ValueError, match="y_pred is sparse"):
        step_accuracy_score(TRUE, sparse.csr_array(np.eye(3)))


def test_a_missing_label_changes_no_other_label():
    large = 2**53
    y_true, y_pred = [[large + 1, np.nan, 0]], [[large, 0, 0]]
    assert step_accuracy_score(y_true, y_pred, sample_weight=[[1, 0, 1]]) == 0.5
    matrix = step_confusion_matrix(
        [[True, np.nan, False]], [[True, True, False]], sample_weight=[[1, 0, 1]]
    )
    assert_array_equal(matrix, np.eye(2))


def test_numbers_that_are_no_booleans_stay_numbers():
    assert step_accuracy_score([[True, False]], [[2, 0]]) == 0.5


@pytest.mark.parametrize("missing", [np.nan, np.inf, None, pd.NA])
@pytest.mark.parametrize("metric", [step_accuracy_score, sequence_accuracy_score])
def test_predictions_are_never_missing(metric, missing):
    message = r"Input y_pred contains .*: y_pred\[1\] at step 0"
    with pytest.raises(ValueError, match=message):
        metric([[1, 0], [1]], [[1, 0], [missing]])
    with pytest.raises(ValueError, match=message):
        metric([["a", "b"], ["a"]], [["a", "b"], [missing]])


def test_numbers_and_strings_are_not_compared():
    with pytest.raises(TypeError, match="y_true holds '1' but y_pred holds 1; give"):
        sequence_accuracy_score([["1"]], [[1]])
    proba = np.full((1, 2, 2), 0.5)
    with pytest.raises(TypeError, match="labels holds 0 but y_true holds '0'; give"):
        step_log_loss([["0", "1"]], proba, labels=np.array([0, 1]))
    for metric in (step_f1_score, step_confusion_matrix, step_classification_report):
        with pytest.raises(
            TypeError, match="labels holds '0' but y_true holds 0; give"
        ):
            metric([[0, 1]], [[0, 1]], labels=["0", "1"])
        with pytest.raises(ValueError, match="labels names 0 twice"):
            metric([[0, 1]], [[0, 1]], labels=np.array([0, 1, 0]))


def test_rows_of_a_report_do_not_overwrite_each_other():
    y = [["accuracy", "b"]]
    with pytest.raises(ValueError, match="two rows 'accuracy'; give every label"):
        step_classification_report(y, y, output_dict=True)
    with pytest.raises(ValueError, match="two rows 'b'; give every label"):
        step_classification_report(y, y, output_dict=True, target_names=["b", "b"])
    report = step_classification_report(
        y, y, output_dict=True, target_names=["a", np.str_("b")]
    )
    assert [type(name) for name in report] == [str] * 5


LABELS = {"integers": [-1, 0, 3], "strings": ["", "a", "bb"]}
ORACLES = [
    (step_accuracy_score, sk.accuracy_score, {}),
    (step_f1_score, sk.f1_score, {"average": "macro", "zero_division": 0}),
    (step_f1_score, sk.f1_score, {"average": "weighted", "zero_division": 0}),
    (step_f1_score, sk.f1_score, {"average": None, "zero_division": 0}),
    (step_classification_report, sk.classification_report, {"zero_division": 0}),
    (step_confusion_matrix, sk.confusion_matrix, {}),
]


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(labeled(), st.sampled_from([*LABELS]), st.data())
def test_metrics_in_every_form_are_those_of_the_weighted_steps(rows, kind, data):
    take = np.array(LABELS[kind], dtype=object)
    rows = [[take[np.minimum(row, 2)].tolist() for row in side] for side in rows]
    lengths = [len(row) for row in rows[0]]
    steps = st.lists(st.integers(0, 2), min_size=sum(lengths), max_size=sum(lengths))
    drawn = data.draw(st.none() | steps.filter(any))
    flat = [np.concatenate([np.array(row) for row in side]) for side in rows]
    weights = None
    if drawn is not None:
        weights = np.split(np.array(drawn), np.cumsum(lengths)[:-1])
        counts = np.array(drawn) > 0
        flat = [values[counts] for values in flat]
        drawn = np.array(drawn)[counts]
    forms = [data.draw(st.sampled_from(["padded", "ragged", "list"])) for _ in rows]
    given = {"sample_weight": weights}
    if "padded" in forms:
        given["lengths"] = lengths
    y_true, y_pred = (
        side
        if form == "list"
        else as_ragged(side)
        if form == "ragged"
        else pad_labels(side, "no label" if kind == "strings" else 7)
        for side, form in zip(rows, forms, strict=True)
    )
    for ours, theirs, kwargs in ORACLES:
        result = ours(y_true, y_pred, **given, **kwargs)
        expected = theirs(*flat, sample_weight=drawn, **kwargs)
        assert_array_equal(result, expected)


def test_nothing_is_written_to():
    arrays = padded(TRUE, -1), padded(PRED, -1), padded(WEIGHTS, 0.0)
    for array in arrays:
        array.flags.writeable = False
    assert 0 < step_accuracy_score(*arrays[:2], sample_weight=arrays[2]) < 1


@pytest.mark.parametrize(
    ("ours", "theirs", "kwargs"),
    [
        (step_accuracy_score, sk.accuracy_score, {}),
        (step_accuracy_score, sk.accuracy_score, {"normalize": False}),
        (step_f1_score, sk.f1_score, {"average": "macro"}),
        (step_f1_score, sk.f1_score, {"average": None, "labels": [2, 0]}),
        (step_confusion_matrix, sk.confusion_matrix, {"labels": [2, 1, 0]}),
        (step_confusion_matrix, sk.confusion_matrix, {"normalize": "true"}),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_step_metrics_are_those_of_the_flat_steps(ours, theirs, kwargs, weighted):
    weights = (WEIGHTS, FLAT[2]) if weighted else (None, None)
    ragged = ours(as_ragged(TRUE), PRED, sample_weight=weights[0], **kwargs)
    wide = ours(
        padded(TRUE, 2, 5), padded(PRED, -1), sample_weight=weights[0], **kwargs
    )
    expected = theirs(*FLAT[:2], sample_weight=weights[1], **kwargs)
    assert_allclose(ragged, expected, rtol=1e-14)
    assert_allclose(wide, expected, rtol=1e-14)


def test_the_report_is_that_of_the_flat_steps():
    names = {"target_names": ["a", "b", "c"], "digits": 3}
    expected = sk.classification_report(*FLAT[:2], **names)
    assert step_classification_report(TRUE, PRED, **names) == expected
    numbers = step_classification_report(TRUE, PRED, output_dict=True)
    assert numbers["macro avg"]["support"] == 6


def test_a_sequence_is_right_where_all_its_steps_are():
    assert sequence_accuracy_score(TRUE, PRED) == pytest.approx(1 / 3)
    assert sequence_accuracy_score(TRUE, PRED, sample_weight=[1, 2, 0]) == 2 / 3


def test_sequences_without_a_step_are_not_right_nor_wrong():
    y_pred = np.array([[1, 0], [-1, -1], [0, -1]])
    assert sequence_accuracy_score(np.zeros((3, 2)), y_pred) == 0.5


def test_sequences_have_one_weight():
    with pytest.raises(ValueError, match=r"sample_weight\[0\] differs from step"):
        sequence_accuracy_score(TRUE, PRED, sample_weight=WEIGHTS)


def proba_in(form):
    """Return the probabilities of the steps in the form of a prediction."""
    rows = np.split(PROBA, [3, 4])
    if form == "ragged":
        return objects(rows)
    result = np.full((3, 4, 3), np.nan)
    for place, row in zip(result, rows, strict=True):
        place[: len(row)] = row
    return result


@pytest.mark.parametrize("form", ["padded", "ragged"])
def test_the_log_loss_is_that_of_the_flat_steps(form):
    loss = step_log_loss(TRUE, proba_in(form), sample_weight=WEIGHTS)
    expected = sk.log_loss(FLAT[0], PROBA, sample_weight=FLAT[2])
    assert loss == pytest.approx(expected, rel=1e-14)
    total = step_log_loss(TRUE, proba_in(form), normalize=False)
    assert total == pytest.approx(6 * sk.log_loss(FLAT[0], PROBA), rel=1e-14)


def test_labels_name_the_columns_in_their_order():
    y_true = [["b", "a"], ["b"]]
    proba = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    loss = step_log_loss(y_true, objects([proba[:2], proba[2:]]), labels=["b", "a"])
    assert loss == pytest.approx(-np.log([0.9, 0.8, 0.5]).mean(), rel=1e-14)


def test_a_label_has_one_column():
    with pytest.raises(ValueError, match="labels names 1 twice"):
        step_log_loss(TRUE, proba_in("ragged"), labels=[0, 1, 1])


def test_classes_that_y_true_lacks_need_labels():
    y_true = [[0, 0, 0], [0], [0, 0]]
    with pytest.raises(ValueError, match="pass labels=model"):
        step_log_loss(y_true, proba_in("ragged"))
    loss = step_log_loss(y_true, proba_in("ragged"), labels=[0, 1, 2])
    assert loss == pytest.approx(-np.log(PROBA[:, 0]).mean(), rel=1e-14)


def test_a_label_that_training_never_saw_has_probability_zero():
    loss = step_log_loss(TRUE, proba_in("ragged"), labels=[0, 1, 3], normalize=False)
    flat = np.pad(PROBA, [(0, 0), (0, 1)])[:, [0, 1, 3, 2]]
    expected = sk.log_loss(FLAT[0], flat, labels=range(4), normalize=False)
    assert loss == pytest.approx(expected, rel=1e-14)
    assert loss > -np.log(np.finfo(float).eps)


def test_a_single_class_has_no_loss():
    assert step_log_loss([["a", "a"]], np.ones((1, 2, 1))) == pytest.approx(
        0, abs=1e-15
    )


def test_importing_the_package_does_not_import_metrics():
    code = "import skrnn, sys; sys.exit('skrnn.metrics' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


TWO_TEXTS = ["ABA", "BA"], ["ABB", "BA"]


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        TWO_TEXTS,
        (["AB", "BA"], ["ABB", "BA"]),
        (["A", "B"], ["A", ""]),
        tuple(map(pd.Series, TWO_TEXTS)),
        tuple(map(pa.array, TWO_TEXTS)),
        (np.array(TWO_TEXTS[0]), TWO_TEXTS[1]),
    ],
    ids=["equal", "cut", "empty", "Series", "Arrow", "array beside a list"],
)
@pytest.mark.parametrize("metric", [step_accuracy_score, span_f1_score])
def test_two_lists_of_strings_may_be_labels_or_sequences(metric, y_true, y_pred):
    with pytest.raises(ValueError, match=r"through as_ragged, .* np.asarray\(y_pred\)"):
        metric(y_true, y_pred)


def test_strings_are_read_as_the_other_argument_is():
    y_true, y_pred = TWO_TEXTS
    for one, other in (
        (y_true, as_ragged(y_pred)),
        (as_ragged(y_true), y_pred),
        (pd.Series(y_true), pad_labels(y_pred)),
    ):
        assert step_accuracy_score(one, other) == 0.8
    for labels in (["cat", "dog"], pd.Series(["cat", "dog"])):
        assert step_accuracy_score(labels, np.array(["cat", "cat"])) == 0.5
        assert step_accuracy_score(labels, np.array(["cat", "cat"], object)) == 0.5
    assert step_accuracy_score(["A", "B"], ["A", "A"]) == 0.5
