"""Networks that go to torch and come back; torch itself is a witness elsewhere.

`benchmarks/torch_round_trip.py` does the same with torch, and trains there.
"""

import sys
import warnings

import fake_torch
import numpy as np
import pytest
import strategies
from fake_torch import RNN, Linear
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn.export import from_torch, to_torch

CLASSES = ["no", "yes", "zero"]


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", fake_torch)


@st.composite
def modules(draw, **fixed):
    shape = {
        "num_layers": draw(st.integers(1, 3)),
        "nonlinearity": draw(st.sampled_from(["tanh", "relu"])),
        "bidirectional": draw(st.booleans()),
        "dtype": draw(st.sampled_from([np.float32, np.float64])),
    } | fixed
    n_hidden = draw(st.integers(1, 4))
    rnn = RNN(draw(st.integers(1, 3)), n_hidden, bias=draw(st.booleans()), **shape)
    n_inputs = n_hidden * len(rnn.ways) + draw(st.sampled_from([0, rnn.input_size]))
    return rnn, Linear(n_inputs, 3, bias=draw(st.booleans()), dtype=shape["dtype"])


def sequences(n_features, lengths=(4, 1, 6)):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, n_features)) for n in lengths]


def outputs(rnn, linear, x):
    states = rnn(x)
    if linear.in_features > states.shape[1]:
        states = np.concatenate([states, x], axis=1)
    return linear(states)


@given(modules())
def test_a_classifier_made_of_modules_answers_as_they_do(pair):
    rnn, linear = pair
    model = from_torch(rnn, linear, CLASSES)
    X = sequences(rnn.input_size)
    for x, proba in zip(X, model.predict_proba(X), strict=True):
        expected = softmax(outputs(rnn, linear, x), axis=1)
        assert_allclose(proba, expected, rtol=1e-9, atol=1e-12)


@given(
    strategies.networks(chains=(False,)).filter(lambda net: net.hidden_layer_sizes),
    strategies.SEEDS,
)
def test_modules_made_of_a_classifier_answer_as_it_does(net, seed):
    rng = np.random.default_rng(seed)
    X = sequences(net.n_features)
    y = [rng.integers(net.n_outputs, size=len(x)) for x in X]
    model = strategies.fit(
        X,
        y,
        hidden_layer_sizes=net.hidden_layer_sizes,
        activation=net.activation,
        bidirectional=net.n_directions == 2,
        skip_connection=net.skip_connection,
        max_iter=3,
    )
    rnn, linear = to_torch(model)
    for x, proba in zip(X, model.predict_proba(X), strict=True):
        answer = softmax(outputs(rnn, linear, x), axis=1)
        assert_allclose(answer, proba, rtol=1e-9, atol=1e-12)


@given(modules())
def test_a_round_trip_changes_nothing(pair):
    model = from_torch(*pair, CLASSES)
    duplicate = from_torch(*to_torch(model), CLASSES)
    assert_array_equal(strategies.theta_of(duplicate), strategies.theta_of(model))
    assert duplicate.output_coef_.dtype == model.output_coef_.dtype
    assert repr(duplicate) == repr(model)


def test_features_beside_the_states_are_a_skip_connection():
    model = from_torch(RNN(2, 3), Linear(5, 3), CLASSES)
    assert model.skip_connection
    assert model.skip_coef_.shape == (2, 3)
    model = from_torch(RNN(2, 3), Linear(3, 3), CLASSES)
    assert not model.skip_connection
    assert model.skip_coef_ is None


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"transitions": True}, "transitions=True"),
        ({"hidden_layer_sizes": (), "skip_connection": True}, "hidden layers"),
    ],
    ids=str,
)
def test_what_the_modules_cannot_express_is_refused(parameters, match):
    model = VanillaRNNClassifier(alpha=1, tol=1.0, random_state=0)
    model.set_params(**{"hidden_layer_sizes": 2, **parameters})
    model.fit([[[0.0], [1]]], [["no", "yes"]])
    with pytest.raises(ValueError, match=match):
        to_torch(model)


@pytest.mark.parametrize("skip_connection", [False, True])
def test_a_regressor_becomes_modules_too(skip_connection):
    X = sequences(2)
    model = VanillaRNNRegressor(
        3, skip_connection=skip_connection, alpha=1, tol=1.0, random_state=0
    )
    model.fit(X, [x @ [[1.0, 0], [2, 1]] for x in X])
    rnn, linear = to_torch(model)
    for x, prediction in zip(X, model.predict(X), strict=True):
        answer = outputs(rnn, linear, x)
        assert_allclose(answer, prediction, rtol=1e-9, atol=1e-12)


def test_classes_come_in_any_order():
    rnn, linear = RNN(2, 3), Linear(3, 3)
    model = from_torch(rnn, linear, ["zero", "no", "yes"])
    assert model.classes_.tolist() == CLASSES
    [x] = X = sequences(2, lengths=[5])
    proba = softmax(linear(rnn(x)), axis=1)
    assert_allclose(model.predict_proba(X)[0], proba[:, [1, 2, 0]], rtol=1e-6)


def test_weights_are_copies():
    rnn, linear = RNN(2, 3), Linear(3, 3)
    model = from_torch(rnn, linear, CLASSES)
    before = strategies.theta_of(model)
    for weights in (*rnn.state.values(), *linear.state.values()):
        weights += 1
    assert_array_equal(strategies.theta_of(model), before)


@pytest.mark.parametrize("n_inputs", [3, 5])
def test_a_classifier_made_of_modules_can_be_trained_further(n_inputs):
    model = from_torch(RNN(2, 3), Linear(n_inputs, 3), CLASSES)
    X = sequences(2)
    y = [np.resize(CLASSES, len(x)) for x in X]
    before = strategies.theta_of(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.set_params(warm_start=True, max_fun=1).fit(X, y)
        # The one evaluation is that of the weights it starts from.
        assert_allclose(strategies.theta_of(model), before, rtol=1e-6)
        loss = model.loss_
        model.set_params(max_fun=1000, max_iter=3).fit(X, y)
    assert model.loss_ < loss


def test_padding_gets_a_label():
    model = from_torch(RNN(1, 2), Linear(2, 2), [-1, 0])
    assert model.predict(np.array([[[1.0], [np.nan]]]))[0, 1] == -2


def test_another_kind_of_network_is_refused():
    lstm = RNN(2, 3)
    lstm.mode = "LSTM"
    for other in (lstm, Linear(2, 3)):
        with pytest.raises(TypeError, match=r"torch\.nn\.RNN"):
            from_torch(other, Linear(3, 3), CLASSES)


@pytest.mark.parametrize("n_inputs", [3, 5, 7, 9])
def test_modules_must_fit_together(n_inputs):
    match = f"linear has {n_inputs} inputs, but rnn has 6 states and 2 features"
    with pytest.raises(ValueError, match=match):
        from_torch(RNN(2, 3, bidirectional=True), Linear(n_inputs, 3), CLASSES)


@pytest.mark.parametrize("classes", [["no"], ["no", "yes", "yes"], [*CLASSES, "a"]])
def test_every_output_needs_a_class_of_its_own(classes):
    with pytest.raises(ValueError, match="linear has 3 outputs"):
        from_torch(RNN(2, 3), Linear(3, 3), classes)


def test_a_network_must_be_fitted():
    with pytest.raises(NotFittedError):
        to_torch(VanillaRNNClassifier())


def test_without_torch_there_is_no_way_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="torch"):
        to_torch(VanillaRNNClassifier())


@pytest.mark.parametrize(
    ("classes", "error", "match"),
    [
        ([1, "a"], TypeError, "mixed types"),
        ([None, "a"], ValueError, r"classes\[0\] is None"),
        ([1.0, np.nan], ValueError, r"classes\[1\] is NaN"),
        ([b"a", b"b"], TypeError, "type .S1"),
        (np.array(["2020", "2021"], "M8[Y]"), TypeError, "datetime64"),
        (np.ma.array([1, 2], mask=[False, True]), TypeError, "masked"),
        ([["a", "b"]], ValueError, r"has shape \(1, 2\)"),
    ],
    ids=str,
)
def test_classes_are_labels_that_fit_would_take(classes, error, match):
    with pytest.raises(error, match=match):
        from_torch(RNN(2, 3), Linear(3, 2), classes)


@pytest.mark.parametrize("dtype", ["U2", "u1", "f4", "?", "i8"])
def test_classes_keep_their_type(dtype):
    classes = np.array([1, 0], dtype)
    network = from_torch(RNN(2, 3), Linear(3, 2), classes)
    assert network.classes_.dtype == dtype
    assert_array_equal(network.classes_, classes[::-1])
