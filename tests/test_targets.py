"""Labels and weights of steps, from every form to one flat vector."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from samples import as_form, make_sequences
from scipy import sparse
from sklearn.base import BaseEstimator

from skrnn import (
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    as_ragged,
    pad_labels,
    valid_steps,
)
from skrnn._validation.sequences import check_sequences
from skrnn._validation.targets import (
    check_labels,
    check_weights,
    padding_label_for,
    with_padding_label,
)
from skrnn.metrics import step_accuracy_score

X, y = make_sequences()
VALID = valid_steps(X)


def check(form):
    return check_sequences(
        BaseEstimator(),
        as_form(form, X, y)[0],
        padding_value=np.nan,
        fitting=True,
    )


PADDED, RAGGED = check("padded"), check("ragged")
RAGGED_Y = as_form("ragged", X, y)[1]


def labels(y, sequences=PADDED):
    return check_labels(y, sequences, "Estimator")


@pytest.mark.parametrize("sequences", [PADDED, RAGGED], ids=["padded", "ragged"])
@pytest.mark.parametrize(
    "form",
    [
        lambda y: y,
        lambda y: np.hstack([y, np.full((len(y), 3), 9)]),
        lambda y: y[..., None].astype(object)[..., 0],
        lambda y: list(as_form("ragged", X, y)[1]),
        lambda y: [i.tolist() for i in as_form("ragged", X, y)[1]],
        lambda y: tuple(map(tuple, as_form("ragged", X, y)[1])),
        lambda y: as_ragged(as_form("ragged", X, y)[1]),
        lambda y: [i[:, None] for i in as_form("ragged", X, y)[1]],
    ],
)
def test_every_form_gives_the_same_labels(form, sequences):
    flat = labels(form(y), sequences)
    assert_array_equal(flat, y[VALID])
    assert flat.dtype == y.dtype


@pytest.mark.parametrize("filler", [-1, None, "end", np.nan])
def test_padding_is_in_arrays_alone(filler):
    padded = np.where(VALID, y.astype(object), filler)
    assert_array_equal(labels(padded), y[VALID])
    i = int((VALID.sum(axis=1) < 6).argmax())
    message = rf"y\[{i}\] has 6 labels but X\[{i}\] has .*pass np\."
    for lists, hint in (
        (padded.tolist(), r"asarray\(y\)"),
        (list(padded), r"asarray\(y\)"),
        (as_ragged(padded.tolist()), r"stack\(y\)"),
    ):
        with pytest.raises(ValueError, match=message + hint):
            labels(lists)


def test_weights_in_lists_have_no_padding_either():
    with pytest.raises(ValueError, match=r"pass np\.asarray\(sample_weight\)"):
        check_weights(np.ones(y.shape).tolist(), PADDED)
    assert_array_equal(check_weights(np.ones(y.shape), PADDED), np.ones(VALID.sum()))


def test_minus_one_and_the_empty_string_are_labels_in_lists(recwarn):
    ragged = as_form("ragged", X, y)[1]
    for label, other in ((-1, 7), ("", "a")):
        lists = [[other] * (len(item) - 1) + [label] for item in ragged]
        for sequences in (PADDED, RAGGED):
            found = labels(lists, sequences).tolist()
            assert found == [label for item in lists for label in item]
    equally_long = [np.zeros((2, 1)), np.zeros((2, 1))]
    sequences = check_sequences(
        BaseEstimator(), equally_long, padding_value=np.nan, fitting=True
    )
    assert labels([["a", ""], ["b", ""]], sequences).tolist() == ["a", "", "b", ""]
    assert not recwarn


def test_a_string_has_a_label_per_character():
    texts = ["".join("abc"[i] for i in row) for row in as_form("ragged", X, y)[1]]
    for sequences in (PADDED, RAGGED):
        assert_array_equal(labels(texts, sequences), np.array(list("abc"))[y[VALID]])


def test_lists_of_strings_and_object_arrays_of_them_differ_in_type():
    names = np.array(["a", "b", "c"])[y]
    lists = [row[: len(x)] for row, x in zip(names.tolist(), RAGGED.data, strict=True)]
    assert labels(lists).dtype == "<U1"
    assert labels(names.astype(object)).dtype == object


@pytest.mark.parametrize("one", [True, 1, 1.0, np.bool_(1)])
def test_numbers_in_object_arrays_get_a_type_of_their_own(one):
    values = np.full(y.shape, one, object)
    values[0, 0] = type(one)(0)
    assert labels(values).dtype == np.asarray(one).dtype.type


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (sparse.csr_array(np.maximum(y, 0)), ValueError, "y is sparse"),
        (np.maximum(y, 0).astype("M8[s]"), TypeError, "datetime64"),
        (y + 1j, TypeError, "complex128"),
        (y.astype("S2"), TypeError, "S2; use integers"),
        (3, TypeError, "Expected sequence or array-like"),
        ([np.ma.array(i) for i in RAGGED_Y], TypeError, r"y\[0\] is a masked array"),
        ([[0, 1], 3] + [[0]] * 10, ValueError, r"y\[0\] has 2 labels"),
        (
            [*y[:1], np.zeros((2, 2)), *y[2:]],
            ValueError,
            r"y\[1\] has 2 axes; .*argmax",
        ),
        ([["a"] * 6, [1] * VALID[1].sum()] + [["a"]] * 10, ValueError, "labels but"),
    ],
)
def test_what_cannot_be_labels_is_named(bad, error, message):
    with pytest.raises(error, match=message):
        labels(bad)


def test_texts_and_numbers_in_different_sequences_are_mixed():
    mixed = [["a"] * n if i else [1] * n for i, n in enumerate(VALID.sum(axis=1))]
    for sequences in (PADDED, RAGGED):
        with pytest.raises(TypeError, match="y holds str and int"):
            labels(mixed, sequences)


def test_rows_take_columns_and_lists():
    rows = check("rows")
    assert_array_equal(labels(y[:, 0].tolist(), rows), y[:, 0])
    assert labels(np.array(["a", "b", "c"])[y[:, 0]].tolist(), rows).dtype == "<U1"
    with pytest.raises(TypeError, match="mixed"):
        labels(["a", 1] * 6, rows)


def test_there_is_no_warning_for_a_class_that_ends_no_sequence(recwarn):
    full = check_sequences(
        BaseEstimator(), np.nan_to_num(X), padding_value=np.nan, fitting=True
    )
    ends = np.zeros_like(y)
    ends[:, -1] = -1
    somewhere = ends.copy()
    somewhere[0, 2] = -1
    for unsuspicious in (somewhere, np.full_like(y, -1), np.where(ends < 0, 7, 0)):
        labels(unsuspicious, full)
    assert not recwarn
    with pytest.warns(UserWarning, match="padding_value"):
        labels(ends, full)


def test_padding_in_X_explains_trailing_labels(recwarn):
    labels(y)
    labels(y, RAGGED)
    assert not recwarn


@pytest.mark.parametrize("form", ["padded", "ragged", "rows"])
def test_weights_of_sequences_are_those_of_all_their_steps(form):
    sequences = check(form)
    weights = np.arange(1.0, 13)
    expected = np.repeat(weights, sequences.lengths)
    assert_array_equal(check_weights(weights, sequences), expected)
    assert_array_equal(check_weights(weights.tolist(), sequences), expected)
    assert_array_equal(check_weights(None, sequences), np.ones(len(expected)))


def test_weights_at_padding_are_never_read():
    weights = np.where(VALID, 0.5, np.nan)
    assert_array_equal(check_weights(weights, PADDED), np.full(VALID.sum(), 0.5))
    assert_array_equal(check_weights(VALID, PADDED), np.ones(VALID.sum()))


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([0, 1], -1),
        ([-1, 1], -2),
        ([-5, 3], -1),
        (np.array([0, 255], np.uint8), -1),
        ([False, True], -1),
        ([0.0, 2.0], -1.0),
        ([-3.0], -4.0),
        (["a"], ""),
        (["", "a"], "<padding>"),
        (["", "<padding>"], "<padding<padding>>"),
    ],
)
def test_the_padding_label_is_no_class(classes, expected):
    assert padding_label_for(np.array(classes), "auto") == expected


@pytest.mark.parametrize("lowest", [-1e17, -2048.0, -6e4])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_padding_label_of_large_floats_is_no_class_either(lowest, dtype):
    classes = np.array([max(lowest, float(np.finfo(dtype).min) / 2), 0], dtype)
    label = padding_label_for(classes, "auto")
    padded = with_padding_label(classes, label)
    assert padded.dtype == dtype
    assert padded.dtype.type(label) < classes[0]


def test_a_padding_label_is_a_class_or_a_list_of_them_never():
    with pytest.raises(ValueError, match=r"'a' is one of the classes"):
        padding_label_for(np.array(["a"]), "a")
    for several in ([1], np.array([1, 2])):
        with pytest.raises(ValueError, match="not a single label"):
            padding_label_for(np.array([0]), several)


def test_auto_may_be_a_class():
    assert padding_label_for(np.array(["auto"]), "auto") == ""


def test_messages_name_a_padding_label_as_python_does():
    for label in (np.str_("a"), np.int64(3)):
        message = rf"padding_label={label.item()!r} is one of the classes"
        with pytest.raises(ValueError, match=message):
            padding_label_for(np.array([label]), label)


UNEVEN = [[["a"], ["b", "c"], ["a"]], ["a", "b"]]


@pytest.mark.parametrize(
    "use",
    [
        lambda y: VanillaRNNClassifier().fit([np.zeros((3, 1)), np.zeros((2, 1))], y),
        as_ragged,
        pad_labels,
        lambda y: step_accuracy_score(y, ["aba", "ba"]),
    ],
    ids=["fit", "as_ragged", "pad_labels", "metric"],
)
def test_uneven_labels_are_named_with_their_shapes(use):
    message = r"\[0\] has steps of unequal shape: \(1,\) at step 0 and \(2,\) at step 1"
    with pytest.raises(ValueError, match=message):
        use(UNEVEN)


@pytest.mark.parametrize("model", [VanillaRNNClassifier, VanillaRNNRegressor])
def test_uneven_labels_of_rows_are_named(model):
    with pytest.raises(ValueError, match=r"y has steps of unequal shape: \(1,\) at"):
        model().fit(np.zeros((2, 1)), [[1.0], [2.0, 3.0]])


def test_labels_of_several_axes_are_not_padded():
    with pytest.raises(ValueError, match=r"sequences\[0\] has 2 axes; .*argmax"):
        pad_labels([[["a", "b"]], [["c", "d"]]])
