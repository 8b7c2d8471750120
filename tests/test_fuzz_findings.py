"""What `make fuzz` has found, each as a test of its own."""

from decimal import Decimal

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from samples import make_sequences
from sklearn.preprocessing import MaxAbsScaler
from strategies import fit

from skrnn import (
    OneHotSequenceEncoder,
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    as_ragged,
    pad_labels,
    pad_sequences,
    valid_steps,
)
from skrnn._validation.containers import objects
from skrnn.metrics import sequence_accuracy_score, span_f1_score, step_accuracy_score

X, y = make_sequences()
both = pytest.mark.parametrize("model", [VanillaRNNClassifier, VanillaRNNRegressor])


def test_a_weight_may_be_a_number_of_any_kind():
    expected = fit(X, y, 0.5)
    assert_array_equal(fit(X, y, Decimal("0.5")).output_coef_, expected.output_coef_)


@both
@pytest.mark.parametrize(("dtype", "w"), [("f4", 1e-50), ("f4", 1e50), ("f8", 1e308)])
def test_weights_out_of_the_range_of_numbers_are_an_error(model, dtype, w):
    with pytest.raises(ValueError, match=r"out of the range of float.*sample_weight"):
        fit(X.astype(dtype), y, np.full(len(X), w), model=model)


@both
def test_an_object_array_of_targets_has_no_padding(model):
    with pytest.raises(ValueError, match=r"y\[1\] has 6 .*pass np\.stack\(y\) if"):
        fit(X, as_ragged(y), model=model)
    expected, fitted = (fit(X, t, model=model) for t in (y, np.stack(as_ragged(y))))
    assert_array_equal(fitted.output_coef_, expected.output_coef_)


def test_padded_targets_of_several_widths_are_an_error():
    targets = [np.zeros((6, 1 + i % 2)) for i in range(len(X))]
    with pytest.raises(ValueError, match=r"y\[\d\] has 6 targets but X"):
        fit(X, targets, model=VanillaRNNRegressor)


@both
@pytest.mark.parametrize("n_init", [1, 2])
def test_early_stopping_without_an_iteration_has_no_score(model, n_init):
    fitted = fit(X, y, model=model, n_init=n_init, early_stopping=True, tol=1e3)
    assert fitted.n_iter_ == 0
    assert fitted.validation_scores_ == []
    assert fitted.best_validation_score_ is None


def test_no_rows_are_no_tokens():
    encoder = OneHotSequenceEncoder().fit(np.array([[0, 1], [1, -1]]))
    assert encoder.inverse_transform(np.empty((0, 2, 2))).shape == (0, 2)


def test_valid_steps_want_three_axes():
    with pytest.raises(ValueError, match="Expected 3D array"):
        valid_steps([1.0, 2.0])


def test_what_is_no_sequence_among_sequences_is_an_error():
    for X in ([{}, np.ones((2, 1))], [np.ones((2, 1)), {}]):
        with pytest.raises(ValueError, match=r"X\[\d\] has shape \(\)"):
            StepwiseTransformer(MaxAbsScaler()).fit(X)
        with pytest.raises(TypeError, match=r"sequences\[\d\] is of type dict"):
            pad_sequences(X)


def test_a_two_way_model_is_not_stepped_whatever_its_parameter_says_by_now():
    fitted = fit(X, y, bidirectional=True).set_params(bidirectional=False)
    assert not hasattr(fitted, "step")
    assert not hasattr(fitted, "initial_state")


@pytest.mark.parametrize("metric", [sequence_accuracy_score, span_f1_score])
def test_metrics_of_labels_do_not_take_probabilities(metric):
    with pytest.raises(ValueError, match="y_pred has 2 numbers for each step"):
        metric([["O", "B"]], [[[0.3, 0.7], [0.6, 0.4]]])


@pytest.mark.parametrize("inner", [[], [1, 2]])
def test_a_label_is_no_array_of_arrays(inner):
    label = objects([np.array(inner), 1])
    with pytest.raises(ValueError, match=r"contains the array .*: y\[0\] at step 0"):
        fit([np.ones((2, 1))], [objects([label, label])])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_step_of_no_numbers_is_an_error(bad):
    model = fit(X, y)
    with pytest.raises(ValueError, match=r"Input X_t contains (NaN|infinity)"):
        model.step([[1.0, bad, 1.0]], model.initial_state())


def test_large_numbers_are_steps():
    model = fit(X, y)
    proba, _ = model.step([[1e200, 1.0, 1.0]], model.initial_state())
    assert np.isfinite(proba).all()


def test_a_state_may_be_lists():
    model = fit(X, y)
    _, state = model.step(X[:, 0], model.initial_state(len(X)))
    listed = [h.tolist() for h in state]
    for one, other in zip(
        model.step(X[:, 1], listed), model.step(X[:, 1], state), strict=True
    ):
        assert_array_equal(one, other)


@pytest.mark.parametrize(("n", "kind"), [(-1, ValueError), (1.5, TypeError)])
def test_there_is_no_state_of_some_numbers_of_sequences(n, kind):
    with pytest.raises(kind, match="n_sequences"):
        fit(X, y).initial_state(n)


@pytest.mark.parametrize("huge", [[[[10**400]]], [[10**400]], [np.array([[10**400]])]])
def test_integers_beyond_floats_are_an_error(huge):
    with pytest.raises(ValueError, match="Input X contains a value too large"):
        fit(huge, [[0]])
    with pytest.raises(ValueError, match="Input sample_weight contains a value too l"):
        fit([[1.0]], [0], [10**400])


def test_targets_beyond_the_type_of_the_network_are_an_error():
    fit(X, y * 1e300, model=VanillaRNNRegressor)
    with pytest.raises(ValueError, match="y is too large for a network of float32"):
        fit(X.astype(np.float32), y * 1e300, model=VanillaRNNRegressor)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["predict", "hidden_states", "forecast"])
def test_what_was_learned_beyond_the_type_of_X_is_an_error(method):
    single = np.ones((1, 1, 1), np.float32)
    model = VanillaRNNRegressor(2).fit([[[1.0]]], [[1e300]])
    arguments = (1,) if method == "forecast" else ()
    with pytest.raises(ValueError, match="too large for float32, the type of X; pass"):
        getattr(model, method)(single, *arguments)
    assert getattr(model, method)(single.astype(float), *arguments).dtype == float
    model.fit([[[1.0]]], [[1e30]])
    assert getattr(model, method)(single, *arguments).dtype == np.float32


@pytest.mark.parametrize("rows", [[None, None], [False, 10**30], [[], []]])
def test_rows_to_invert_are_numbers(rows):
    encoder = OneHotSequenceEncoder().fit(["ab"])
    odd = np.empty((1, 2), dtype=object)
    odd[0] = rows
    with pytest.raises(TypeError, match=r"X\[0\] is of type object; pass numbers"):
        encoder.inverse_transform([odd])


def test_an_array_is_no_token():
    array = np.empty((1, 1), dtype=object)
    array[0, 0] = np.array([None, np.empty(0)], dtype=object)
    with pytest.raises(TypeError, match=r"X\[0\] at step 0 is .* cannot be hashed"):
        OneHotSequenceEncoder().fit(array)


@pytest.mark.parametrize("single", [np.float32(1), np.float32(np.inf)])
def test_large_numbers_and_float32_are_ordered_without_a_warning(single):
    for others in ([], [2**70]):  # of which no array of floats is made
        labels = objects([1e300, single, *others])
        padded = pad_labels([labels, labels[:1]], padding_label=-1)
        assert padded.tolist()[0] == [1e300, single, *others]
        assert padded.tolist()[1] == [1e300, -1, *[-1 for _ in others]]


def test_tokens_that_are_large_numbers_and_float32_are_ordered_without_a_warning():
    encoder = OneHotSequenceEncoder().fit([[1e300, np.float32(1)]])
    assert encoder.categories_.tolist() == [1.0, 1e300]


def test_durations_are_no_numbers_beside_other_labels():
    mixed = objects([2**70, np.timedelta64(1, "s")])
    with pytest.raises(TypeError, match="y holds int and timedelta64"):
        pad_labels([mixed])
    with pytest.raises(TypeError, match="y holds int and timedelta64"):
        step_accuracy_score(objects([[0, 1]]), objects([mixed]))
    with pytest.raises(TypeError, match=r"X\[0\] at step 1 is .* of type timedelta64"):
        OneHotSequenceEncoder().fit([list(mixed)])
