"""A label or target may be missing where the weight is 0, and only there."""

from functools import partial
from itertools import chain

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from samples import as_form, make_sequences

from skrnn import (
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    as_ragged,
    frame_from_sequences,
    pad_labels,
    pad_sequences,
    unpad,
    valid_steps,
)
from skrnn.model_selection import StratifiedSequenceKFold, cross_val_predict

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_sequences()
WEIGHTS = np.ones(y.shape)
WEIGHTS[::2, 1] = WEIGHTS[3] = 0  # single steps, and a whole sequence
RAGGED, RAGGED_Y, RAGGED_WEIGHTS = unpad(X, y, WEIGHTS)
N_MISSING = sum(int((weights == 0).sum()) for weights in RAGGED_WEIGHTS)
NAMES = [np.array(["a", "b", "c"])[labels].tolist() for labels in RAGGED_Y]
NUMBERS = [labels.tolist() for labels in RAGGED_Y]
TARGET = np.where(y < 0, np.nan, np.cumsum(np.nan_to_num(X[..., 0]), axis=1))


def classifier(**parameters):
    return VanillaRNNClassifier(4, alpha=1, max_iter=10, random_state=0, **parameters)


def regressor(**parameters):
    return VanillaRNNRegressor(4, alpha=1, max_iter=10, random_state=0, **parameters)


def theta(model):
    return np.concatenate([model.output_coef_.ravel(), model.output_intercept_])


def without(labels, missing):
    """Return lists without the labels of weight 0."""
    return [
        [label if w else missing for label, w in zip(*pair, strict=True)]
        for pair in zip(labels, RAGGED_WEIGHTS, strict=True)
    ]


@pytest.mark.parametrize("missing", [None, np.nan, np.float32(np.nan), pd.NA])
@pytest.mark.parametrize("labels", [NAMES, NUMBERS], ids=["strings", "integers"])
def test_a_missing_label_of_weight_0_changes_neither_fit_nor_classes(labels, missing):
    expected = classifier().fit(RAGGED, labels, RAGGED_WEIGHTS)
    lists = without(labels, missing)
    model = classifier().fit(RAGGED, lists, RAGGED_WEIGHTS)
    assert model.classes_.dtype == expected.classes_.dtype
    assert_array_equal(model.classes_, expected.classes_)
    assert_array_equal(theta(model), theta(expected))
    score = expected.score(RAGGED, labels, RAGGED_WEIGHTS)
    assert model.score(RAGGED, lists, RAGGED_WEIGHTS) == score


@pytest.mark.parametrize(
    ("form", "dtype"),
    [
        (lambda y: np.where(WEIGHTS > 0, y, np.nan), "f8"),
        (lambda y: np.where(WEIGHTS > 0, y, np.nan).astype("f4"), "f4"),
        (lambda y: np.where(WEIGHTS > 0, y.astype(object), None), "i8"),
        (lambda y: pd.DataFrame(y).astype("Int64").where(WEIGHTS > 0), "i8"),
        (
            lambda y: pl.DataFrame(
                np.where(WEIGHTS > 0, y.astype(object), None).tolist(), orient="row"
            ),
            "i8",
        ),
        (lambda y: np.where(WEIGHTS > 0, np.array(list("abc"))[y], "b"), "U1"),
        (
            lambda y: np.where(WEIGHTS > 0, np.array(list("abc"), object)[y], None),
            object,
        ),
    ],
)
def test_the_type_of_the_other_labels_is_kept_in_padded_arrays(form, dtype):
    model = classifier().fit(X, form(y), WEIGHTS)
    assert model.classes_.dtype == dtype
    expected = classifier().fit(X, y, WEIGHTS)
    assert_array_equal(theta(model), theta(expected))
    assert model.score(X, form(y), WEIGHTS) == expected.score(X, y, WEIGHTS)


def test_rows_may_be_unlabeled():
    rows, labels = as_form("rows", X, y)
    weights = np.arange(len(rows)) % 3 > 0
    expected = classifier().fit(rows, labels, weights)
    some = [i if w else None for i, w in zip(labels.tolist(), weights, strict=True)]
    for form in (
        list,
        pl.Series,
        *(partial(pd.Series, dtype=t) for t in ("O", "Int64")),
    ):
        model = classifier().fit(rows, form(some), weights)
        assert_array_equal(theta(model), theta(expected))
        assert_array_equal(model.classes_, [0, 1, 2])
        assert model.classes_.dtype == "i8"
        score = expected.score(rows, labels, weights)
        assert model.score(rows, form(some), weights) == score


@pytest.mark.parametrize("missing", [None, np.nan])
def test_the_type_of_the_other_labels_is_kept_in_rows(missing):
    rows, weights = np.array([[0.0], [1.0], [2.0]]), [1, 1, 0]
    for labels, dtype in (([3, 4], "i8"), (["a", "b"], "U1"), ([0.0, 1.0], "f8")):
        model = classifier().fit(rows, [*labels, missing], weights)
        assert model.classes_.dtype == dtype
        assert model.classes_.tolist() == labels


def test_a_sequence_without_any_label_may_be_an_array_of_nan():
    arrays = [np.array(labels) for labels in NAMES]
    arrays[3] = np.full(len(arrays[3]), np.nan)
    model = classifier().fit(RAGGED, arrays, RAGGED_WEIGHTS)
    assert model.classes_.dtype == "U1"
    assert_array_equal(model.classes_, ["a", "b", "c"])


def test_a_label_of_weight_0_stays_a_class():
    lists = without(NUMBERS, None)
    lists[3][0] = 7
    for labels in (lists, as_ragged(lists)):
        model = classifier().fit(RAGGED, labels, RAGGED_WEIGHTS)
        assert_array_equal(model.classes_, [0, 1, 2, 7])


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("weights", [None, RAGGED_WEIGHTS], ids=["none", "weights"])
def test_at_other_weights_a_missing_label_is_an_error(missing, weights):
    model = classifier().fit(RAGGED, NAMES)
    lists = without(NAMES, "a")
    lists[2][0] = missing
    found = "NaN" if missing is np.nan else missing
    for call in (classifier().fit, model.score):
        with pytest.raises(
            ValueError, match=rf"contains.*{found}: y\[2\] at step 0; giv"
        ):
            call(RAGGED, lists, weights)


@pytest.mark.parametrize("bad", [np.inf, np.datetime64("NaT"), pd.NaT, 1j, ["a"]])
def test_what_is_no_label_is_an_error_at_weight_0_too(bad):
    lists = without(NUMBERS, None)
    lists[3][0] = bad
    with pytest.raises((TypeError, ValueError), match="y"):
        classifier().fit(RAGGED, lists, RAGGED_WEIGHTS)


@pytest.mark.parametrize(
    "parameters",
    [
        {"warm_start": True},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"class_weight": "balanced"},
        {"class_weight": {0: 2.0}},
        {"n_init": 2},
    ],
)
def test_missing_labels_go_with_every_way_to_fit(parameters):
    lists = without(NUMBERS, None)
    model, expected = classifier(**parameters), classifier(**parameters)
    for _ in range(2):
        model.fit(RAGGED, lists, RAGGED_WEIGHTS)
        expected.fit(RAGGED, NUMBERS, RAGGED_WEIGHTS)
        assert_array_equal(theta(model), theta(expected))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"warm_start": True},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"n_init": 2},
    ],
)
@pytest.mark.parametrize("n_outputs", [0, 2])
def test_targets_of_weight_0_are_not_read(bad, parameters, n_outputs):
    target = np.stack([TARGET] * n_outputs, axis=2) if n_outputs else TARGET
    odd = target.copy()
    odd[WEIGHTS == 0] = bad
    models = []
    for values in (odd, target):
        models.append(regressor(**parameters))
        for _ in range(2):
            models[-1].fit(X, values, WEIGHTS)
    model, expected = models
    assert_array_equal(theta(model), theta(expected))
    assert_array_equal(model.target_scale_, expected.target_scale_)
    assert model.score(X, odd, WEIGHTS) == expected.score(X, target, WEIGHTS)
    assert np.isfinite(model.loss_)


def test_the_scale_is_that_of_the_targets_with_weight():
    odd = np.where(WEIGHTS > 0, TARGET, np.nan)
    read = TARGET[valid_steps(X) & (WEIGHTS > 0)]
    scale = regressor().fit(X, odd, WEIGHTS).target_scale_
    assert_allclose(scale, read.std(), rtol=1e-12)


@pytest.mark.parametrize("missing", [None, pd.NA, np.nan])
def test_targets_may_be_missing_in_lists(missing):
    targets = [row.tolist() for row in unpad(X, TARGET)[1]]
    model = regressor().fit(RAGGED, without(targets, missing), RAGGED_WEIGHTS)
    expected = regressor().fit(RAGGED, targets, RAGGED_WEIGHTS)
    assert_array_equal(theta(model), theta(expected))
    targets[2][1] = missing
    with pytest.raises(ValueError, match=r"contains NaN: y\[2\] at step 1; y is read"):
        regressor().fit(RAGGED, targets)


def test_the_labels_that_are_missing_are_not_written_to():
    for model, values in ((classifier(), y.astype(float)), (regressor(), TARGET)):
        odd = np.where(WEIGHTS > 0, values, np.nan)
        before = odd.copy()
        model.fit(X, odd, WEIGHTS).score(X, odd, WEIGHTS)
        assert_array_equal(odd, before)


def test_splits_and_cross_validated_predictions_go_by_the_labels_there_are():
    lists = as_ragged(without(NUMBERS, None))
    cv = StratifiedSequenceKFold(3)
    weights = np.ones(len(RAGGED))
    weights[3] = 0
    lists[0::2] = as_ragged([NUMBERS[i] for i in range(0, 12, 2)])
    answers = cross_val_predict(
        classifier(), RAGGED, lists, cv=cv, params={"sample_weight": weights}
    )
    assert [len(labels) for labels in answers] == [len(labels) for labels in NUMBERS]
    # A class in three sequences has one of them in every fold.
    rare = [[0, 0] if i % 4 else [0, 1] for i in range(12)]
    rare[1] = [None, None]
    for _, test in cv.split([np.zeros((2, 1))] * 12, rare):
        assert (test % 4 == 0).sum() == 1


@pytest.mark.parametrize("missing", [None, np.nan, np.float32(np.nan), pd.NA])
@pytest.mark.parametrize("labels", [NAMES, NUMBERS], ids=["strings", "integers"])
@pytest.mark.parametrize("form", ["ragged", "padded"])
def test_helpers_keep_missing_labels_missing(labels, missing, form):
    expected = classifier().fit(RAGGED, labels, RAGGED_WEIGHTS)
    lists = without(labels, missing)
    if form == "ragged":
        model = classifier().fit(RAGGED, as_ragged(lists), RAGGED_WEIGHTS)
    else:
        padded = pad_labels(lists)
        model = classifier().fit(pad_sequences(RAGGED), padded, WEIGHTS)
        assert pd.isna(padded).sum() == N_MISSING
    assert model.classes_.tolist() == expected.classes_.tolist()
    assert_allclose(theta(model), theta(expected), rtol=1e-6)


@pytest.mark.parametrize("labels", [NAMES, NUMBERS], ids=["strings", "integers"])
def test_a_frame_keeps_missing_labels_missing(labels):
    lists = without(labels, np.nan)
    column = frame_from_sequences(RAGGED, {"label": lists})["label"].tolist()
    found = [None if label != label else label for label in column]
    assert found == list(chain.from_iterable(without(labels, None)))
    assert set(map(type, found)) == {type(labels[0][0]), type(None)}


def test_a_frame_makes_no_strings_of_numbers():
    sequences = [np.zeros((1, 1)), np.zeros((1, 1))]
    frame = frame_from_sequences(sequences, {"label": [["a"], [1]]})
    assert frame["label"].tolist() == ["a", 1]


def test_padding_lies_below_floats_of_which_some_are_missing():
    padded = pad_labels([[1.5, None], [2.0]])
    assert padded.dtype == float
    assert_array_equal(padded, [[1.5, np.nan], [2.0, 0.5]])


@pytest.mark.parametrize("labels", [[["a", 1, "a"], ["b", "a"]], [["a"], [1]]])
def test_helpers_make_no_strings_of_numbers(labels):
    sequences = [np.zeros((len(row), 1)) for row in labels]
    with pytest.raises(TypeError, match="mixed types: y holds str and int"):
        classifier().fit(sequences, as_ragged(labels))
    with pytest.raises(TypeError, match="mixed types: y holds str and int"):
        pad_labels(labels)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_step_of_several_targets_may_be_missing(missing):
    targets = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    sequences = [np.array([[0.1], [0.2]]), np.array([[0.3]])]
    weights = [[1, 0], [1]]
    expected = regressor().fit(sequences, targets, weights)
    targets[0][1] = missing
    assert_array_equal(
        theta(regressor().fit(sequences, targets, weights)), theta(expected)
    )
    with pytest.raises(ValueError, match=r"contains NaN: y\[0\] at step 1"):
        regressor().fit(sequences, targets)
