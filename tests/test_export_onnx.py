"""ONNX graphs answer as the estimators they were made of."""

import copy
import sys
from functools import cache
from itertools import product

import numpy as np
import onnx
import onnxruntime
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
)
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from skrnn import (
    OneHotSequenceEncoder,
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    pad_sequences,
)
from skrnn.export import to_onnx

ARCHITECTURES = list(product([1, 2, 3], [False, True], ["tanh", "relu"]))
# A share for each architecture; the profile "thorough" tries 400 of each.
SHARE = settings(max_examples=max(settings().max_examples // 5, 1))

CLASSES = st.sampled_from(
    [
        np.array(["", "noun", "naïve 語"]),
        np.array([-3, -1, 2**40]),
        np.array([0, 1, 200], np.uint8),
        np.array([False, True]),
        np.array([7]),
        np.array([0.0, 2.0]),
    ]
)
LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(any)


def run(model, X, lengths):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = {"X": X, "lengths": np.asarray(lengths, np.int32)}
    return session.run(None, feeds)


def fit(sequences, classes, seed=0, **parameters):
    """Fit a network to labels drawn by lot, each class among them."""
    rng = np.random.default_rng(seed)
    labels = [rng.choice(classes, size=len(x)) for x in sequences]
    sequences = [*sequences, np.ones((len(classes), sequences[0].shape[1]))]
    parameters = {"max_iter": 3} | parameters
    return strategies.fit(sequences, [*labels, classes], **parameters)


def assert_answers(answers, model, X):
    label, proba = answers
    expected = model.predict_proba(X)
    assert_allclose(proba, expected, rtol=0, atol=1e-5)
    second, best = np.moveaxis(
        np.sort(np.insert(expected, 0, -1, axis=2))[..., -2:], 2, 0
    )
    # Between classes that are as good as equal rounding decides.
    clear = ~(best - second < 2e-5)
    assert_array_equal(label[clear], model.predict(X)[clear])


@pytest.mark.parametrize(("n_layers", "bidirectional", "activation"), ARCHITECTURES)
@SHARE
@given(st.data())
def test_a_graph_answers_as_its_network(n_layers, bidirectional, activation, data):
    rng = np.random.default_rng(data.draw(strategies.SEEDS))
    lengths = data.draw(LENGTHS)
    n_features = data.draw(st.integers(1, 3))
    sequences = [rng.normal(size=(n, n_features)) for n in lengths]
    model = fit(
        [x for x in sequences if len(x)],
        data.draw(CLASSES),
        hidden_layer_sizes=tuple(rng.integers(1, 5, size=n_layers)),
        bidirectional=bidirectional,
        activation=activation,
    )
    X = pad_sequences(sequences)
    assert_answers(run(to_onnx(model), X.astype(np.float32), lengths), model, X)


TAGGERS = {
    "one-way": {},
    "two-way": {"bidirectional": True, "hidden_layer_sizes": (3, 2)},
    "skip": {"bidirectional": True, "skip_connection": True},
    "linear": {"skip_connection": True, "hidden_layer_sizes": ()},
}


@pytest.mark.parametrize("tagger", TAGGERS.values(), ids=TAGGERS)
@pytest.mark.parametrize("n_classes", [1, 2, 13])
@pytest.mark.parametrize("has_rules", [False, True])
def test_the_graph_of_a_chain_answers_for_whole_sequences(tagger, n_classes, has_rules):
    rng = np.random.default_rng(n_classes)
    rules = np.ones((n_classes + 1, n_classes + 1), dtype=bool)
    if n_classes > 1:  # no label comes twice in a row
        rules[:-1, :-1] = ~np.eye(n_classes, dtype=bool)
    path = np.arange(20) % n_classes
    X = [rng.normal(size=(n, 2)) for n in (20, 7, 1)]
    y = [path, path[2:9], path[:1]]
    model = strategies.fit(
        X,
        y,
        transitions=True,
        label_scheme=rules if has_rules else None,
        skip_alpha=0.1,
        max_iter=3,
        **tagger,
    )
    # Weights for which neighbors decide, and forbidden labels would be the best.
    model.transition_coef_ += rng.normal(scale=3, size=model.transition_coef_.shape)
    model.start_coef_ += rng.normal(scale=3, size=n_classes)
    lengths = [300, 0, 1, 2, 17]
    sequences = [rng.normal(size=(n, 2)).astype(np.float32) for n in lengths]
    padded = pad_sequences(sequences)
    label, proba = run(to_onnx(model), padded.astype(np.float32), lengths)
    assert_allclose(proba, model.predict_proba(padded), rtol=0, atol=1e-5)
    found = [row[:n] for row, n in zip(label, lengths, strict=True)]
    assert all((row[n:] == -1).all() for row, n in zip(label, lengths, strict=True))
    precise = [x.astype(float) for x in sequences]
    best = model.sequence_log_proba(precise, model.predict(precise))
    # Between labelings that are as good as equal rounding decides.
    assert_allclose(model.sequence_log_proba(precise, found), best, rtol=0, atol=1e-3)


def test_a_chain_with_nan_has_no_labels():
    X = [np.ones((4, 2)), np.zeros((3, 2))]
    model = strategies.fit(X, [[0, 1, 1, 0], [0, 1, 0]], transitions=True, max_iter=2)
    steps = pad_sequences(X).astype(np.float32)
    steps[0, 2] = np.nan
    label, proba = run(to_onnx(model), steps, [4, 3])
    assert_array_equal(label[0], [-1] * 4)
    assert np.isnan(proba[0]).all()
    assert_allclose(proba[1, :3], model.predict_proba(X)[1], atol=1e-6)


@pytest.mark.parametrize("sizes", [(), (3,)])
def test_direct_weights_reach_numbers_and_tokens(sizes):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in (4, 2)]
    options = {"skip_connection": True, "skip_alpha": 0.1, "hidden_layer_sizes": sizes}
    model = strategies.fit(
        X, [x.cumsum(axis=0) for x in X], model=VanillaRNNRegressor, **options
    )
    padded = pad_sequences(X)
    (prediction,) = run(to_onnx(model), padded.astype(np.float32), [4, 2])
    assert_allclose(prediction, model.predict(padded), rtol=0, atol=1e-5)
    X = [TOKENS, TOKENS[:2]]
    network = VanillaRNNClassifier(alpha=1.0, tol=0.1, random_state=0, **options)
    pipeline = make_pipeline(OneHotSequenceEncoder(), network)
    pipeline.fit(X, [list("abab"), list("ba")])
    _, proba = run(to_onnx(pipeline), *ids_of(pipeline, X))
    assert_allclose(proba, pipeline.predict_proba(X), rtol=0, atol=1e-5)


TOKENS = ["to", "be", "or", "not"]


@cache
def fit_pipeline(**parameters):
    X = [TOKENS, TOKENS[:2], TOKENS[1:], ["be"] * 5]
    y = [[token[0] for token in sequence] for sequence in X]
    encoder = OneHotSequenceEncoder(**parameters)
    network = VanillaRNNClassifier(3, alpha=0.01, tol=0.1, random_state=0)
    return make_pipeline(encoder, network).fit(X, y)


def ids_of(pipeline, X, padding=-1):
    """Return the index of every token in `categories_`, and the lengths."""
    index = {token: i for i, token in enumerate(pipeline[0].categories_)}
    lengths = [len(sequence) for sequence in X]
    ids = np.full((len(X), max(lengths)), padding)
    for row, sequence in zip(ids, X, strict=True):
        row[: len(sequence)] = [index.get(token, -1) for token in sequence]
    return ids, lengths


@pytest.mark.parametrize("max_categories", [None, 3])
@pytest.mark.parametrize("handle_unknown", ["error", "ignore", "infrequent_if_exist"])
@SHARE
@given(st.data())
def test_the_graph_of_a_pipeline_takes_ids(handle_unknown, max_categories, data):
    pipeline = fit_pipeline(
        handle_unknown=handle_unknown, max_categories=max_categories
    )
    known = st.sampled_from(TOKENS)
    tokens = known if handle_unknown == "error" else known | st.just("me")
    sequences = st.lists(tokens, max_size=5)
    X = data.draw(st.lists(sequences, min_size=1, max_size=4).filter(any))
    padding = data.draw(st.integers(-99, 99))
    assert_answers(run(to_onnx(pipeline), *ids_of(pipeline, X, padding)), pipeline, X)


@pytest.mark.parametrize("number", [-2, -1, 4, 5])
def test_an_id_that_is_no_index_is_an_unknown_token(number):
    pipeline = fit_pipeline(handle_unknown="ignore")
    answers = run(to_onnx(pipeline), np.array([[0, number]]), [2])
    assert_answers(answers, pipeline, [["be", "me"]])


@pytest.mark.parametrize("number", [-2, -1, 4, 5])
def test_an_unknown_token_is_an_error_where_it_is_one(number):
    model = to_onnx(fit_pipeline(handle_unknown="error"))
    with pytest.raises(InvalidArgument, match="out of data bounds"):
        run(model, np.array([[0, number]]), [2])


def test_warning_of_an_unknown_token_is_ignoring_it():
    pipeline = fit_pipeline(handle_unknown="warn")
    answers = run(to_onnx(pipeline), np.array([[0, -1]]), [2])
    with pytest.warns(UserWarning, match="unknown"):
        expected = pipeline.predict_proba([["be", "me"]])
    assert_allclose(answers[1], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_outputs", [None, 1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_graph_of_a_regressor_predicts_numbers(bidirectional, n_outputs):
    rng = np.random.default_rng(0)
    X = pad_sequences([rng.normal(size=(n, 2)) for n in (4, 1, 3)])
    y = rng.normal(size=(3, 4, n_outputs) if n_outputs else (3, 4))
    parameters = {"bidirectional": bidirectional, "tol": 1.0, "random_state": 0}
    model = VanillaRNNRegressor((3, 2), **parameters).fit(X, y)
    [prediction] = run(to_onnx(model), X.astype(np.float32), [4, 1, 3])
    assert_allclose(prediction, model.predict(X), rtol=0, atol=1e-5)


@pytest.mark.parametrize("model", ["network", "pipeline"])
def test_x_is_read_at_valid_steps_alone(model):
    # Also where a runtime, other than the one at hand, multiplies padding by zero.
    network = fit([np.ones((2, 2))], np.array([0, 1]))
    nodes = to_onnx(network if model == "network" else fit_pipeline()).graph.node
    assert {n.op_type for n in nodes if "X" in n.input} == {"Shape", "Where"}


@pytest.mark.parametrize("content", [np.nan, np.inf, -1e30])
def test_padding_is_never_read(content):
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(n, 2)) for n in (4, 2)]
    model = fit(sequences, np.array([0, 1]), bidirectional=True)
    X = pad_sequences(sequences)
    filled = np.nan_to_num(X, nan=content).astype(np.float32)
    assert_answers(run(to_onnx(model), filled, [4, 2]), model, X)


# Direct weights and chains of labels


@cache
def fit_tagger(n_classes, *, constrained=False, **parameters):
    """Fit a tagger, and draw its chain by lot, so that the chain matters."""
    rng = np.random.default_rng(n_classes)
    sequences = [rng.normal(size=(n, 2)) for n in (16, 1, 8)]
    model = fit(sequences, np.arange(n_classes), transitions=True, **parameters)
    table = rng.random((n_classes + 1, n_classes + 1)) < 0.5
    allowed = strategies.with_a_way_out(table) | (not constrained)
    scores = np.where(allowed, rng.normal(scale=2, size=allowed.shape), -np.inf)
    model.transition_coef_ = scores[:-1, :-1]
    model.start_coef_, model.end_coef_ = scores[-1, :-1], scores[:-1, -1]
    return model


def tagger_inputs(lengths):
    rng = np.random.default_rng(1)
    X = pad_sequences([rng.normal(size=(n, 2)) for n in lengths])
    return X.astype(np.float32)


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("n_classes", [1, 2, 13])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"bidirectional": True, "skip_connection": True},
        {"hidden_layer_sizes": (), "skip_connection": True},
    ],
    ids=str,
)
def test_the_graph_of_a_chain_has_marginals_and_the_best_labels(
    parameters, n_classes, constrained
):
    model = fit_tagger(n_classes, constrained=constrained, **parameters)
    content = to_onnx(model)
    for lengths in [5, 0, 1, 7, 2], [1], [3, 3], [300, 2]:
        X = tagger_inputs(lengths)
        label, proba = run(content, X, lengths)
        expected = model.predict_proba(X)
        assert_allclose(proba, expected, rtol=0, atol=1e-5)
        assert_array_equal(proba == 0, expected == 0)
        assert_array_equal(label, model.predict(X))


def test_labels_that_nothing_precedes_or_follows_are_no_reason_for_nan():
    model = copy.deepcopy(fit_tagger(3))
    model.transition_coef_[:, 1] = -np.inf
    model.transition_coef_[2] = -np.inf
    lengths = [4, 1, 2]
    X = tagger_inputs(lengths)
    label, proba = run(to_onnx(model), X, lengths)
    assert_allclose(proba, model.predict_proba(X), rtol=0, atol=1e-5)
    assert_array_equal(label, model.predict(X))


def test_nan_spreads_over_the_whole_sequence_of_a_chain():
    lengths = [4, 6, 3]
    X = tagger_inputs(lengths)
    model = fit_tagger(3, constrained=True)
    content = to_onnx(model)
    expected_label, expected = run(content, X, lengths)
    X[1, 5, 0] = np.nan
    label, proba = run(content, X, lengths)
    assert np.isnan(proba[1]).all()
    assert (label[1] == model.padding_label_).all()
    assert_array_equal(proba[::2], expected[::2])
    assert_array_equal(label[::2], expected_label[::2])


def test_a_sequence_without_allowed_labels_has_no_answer():
    model = copy.deepcopy(fit_tagger(2))
    model.transition_coef_ = np.full((2, 2), -np.inf)
    label, proba = run(to_onnx(model), tagger_inputs([1, 3]), [1, 3])
    assert np.isnan(proba[1]).all()
    assert (label[1] == model.padding_label_).all()
    assert_allclose(proba[0, 0].sum(), 1, rtol=1e-6)
    assert label[0, 0] in (0, 1)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("sizes", [(), (3,)], ids=str)
def test_the_graph_of_a_classifier_has_its_direct_weights(sizes, bidirectional):
    lengths = [4, 1, 3]
    X = tagger_inputs(lengths)
    parameters = {"skip_connection": True, "bidirectional": bidirectional}
    sequences = [x[:n] for x, n in zip(X, lengths, strict=True)]
    model = fit(sequences, np.arange(3), hidden_layer_sizes=sizes, **parameters)
    assert_answers(run(to_onnx(model), X, lengths), model, X)


@pytest.mark.parametrize("transitions", [False, True])
@pytest.mark.parametrize("sizes", [(), (3,)], ids=str)
def test_direct_weights_and_chains_follow_an_encoder(sizes, transitions):
    X = [TOKENS, TOKENS[:2], TOKENS[1:], ["be"] * 5]
    y = [[token[0] for token in sequence] for sequence in X]
    parameters = {"skip_connection": True, "transitions": transitions}
    network = VanillaRNNClassifier(sizes, alpha=0.01, skip_alpha=0.01, **parameters)
    network.set_params(tol=0.1, random_state=0)
    encoder = OneHotSequenceEncoder(handle_unknown="ignore")
    pipeline = make_pipeline(encoder, network).fit(X, y)
    X = [*X, ["me", "be"]]
    label, proba = run(to_onnx(pipeline), *ids_of(pipeline, X))
    for i, (labels, expected) in enumerate(
        zip(pipeline.predict(X), pipeline.predict_proba(X), strict=True)
    ):
        assert_allclose(proba[i, : len(expected)], expected, rtol=0, atol=1e-5)
        assert_array_equal(label[i, : len(labels)], labels)


@pytest.mark.parametrize("sizes", [(), (3,)], ids=str)
def test_the_graph_of_a_regressor_has_its_direct_weights(sizes):
    X = tagger_inputs([4, 1, 3])
    y = X @ np.array([[1, 0], [2, 1]], np.float32)
    parameters = {"skip_connection": True, "tol": 1.0, "random_state": 0}
    model = VanillaRNNRegressor(sizes, **parameters).fit(X, y)
    [prediction] = run(to_onnx(model), X, [4, 1, 3])
    assert_allclose(prediction, model.predict(X), rtol=0, atol=1e-5)


# What the network cannot compute is NaN


def recurrence(model, X, lengths):
    """Return the outputs by NumPy, in single precision, and NaN at padding."""
    forms = {"tanh": np.tanh, "relu": lambda a: np.where(a < 0, 0, a)}
    f = forms[model.activation]
    outputs = np.full((*X.shape[:2], model.n_outputs_), np.nan, np.float32)
    for i, n in enumerate(lengths):
        rows = X[i, :n]
        for layer in zip(
            model.input_coefs_,
            model.recurrent_coefs_,
            model.hidden_intercepts_,
            strict=True,
        ):
            joined = []
            for d, (W_xh, W_hh, b_h) in enumerate(zip(*layer, strict=True)):
                h, states = np.zeros_like(b_h), []
                for x in rows[::-1] if d else rows:
                    h = f(x @ W_xh + h @ W_hh + b_h)
                    states.append(h)
                joined.append(np.array(states[::-1] if d else states))
            rows = np.concatenate(joined, axis=1)
        outputs[i, :n] = rows @ model.output_coef_ + model.output_intercept_
    return outputs


def fit_by_lot(kind, sizes, activation, *, bidirectional):
    """Fit in single precision to labels by lot, or to features."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 6, 4)).astype(np.float32)
    parameters = {
        "hidden_layer_sizes": sizes,
        "activation": activation,
        "bidirectional": bidirectional,
        "alpha": 0.01,  # leaves the initial weights as they are
        "tol": 0.5,
        "random_state": 0,
    }
    if kind == "regressor":
        return X, VanillaRNNRegressor(**parameters).fit(X, X[..., :2])
    return X, VanillaRNNClassifier(**parameters).fit(X, rng.integers(3, size=(6, 6)))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("sizes", [(3,), (17, 4)], ids=str)
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_nan_goes_on_as_in_the_recurrence(kind, sizes, bidirectional, activation):
    X, model = fit_by_lot(kind, sizes, activation, bidirectional=bidirectional)
    X[1, 1, 0] = np.nan
    X[2, 0, 3] = np.nan
    X[3, 4] = np.nan  # the last of the valid steps
    X[4, 5] = np.nan  # padding
    lengths = [6, 5, 6, 5, 4, 1]
    expected = np.isnan(recurrence(model, X, lengths))
    assert expected[1, 1:].all()
    assert expected[1, 0].all() == bidirectional
    answers = run(to_onnx(model), X, lengths)
    if kind == "regressor":
        assert_array_equal(np.isnan(answers[0]), expected)
        return
    label, proba = answers
    assert_array_equal(np.isnan(proba), expected)
    unknown = expected.any(axis=2)
    assert (label[unknown] == model.padding_label_).all()
    assert (label[~unknown] != model.padding_label_).all()


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("signs", list(product([1, -1], repeat=2)), ids=str)
def test_sums_that_overflow_are_nan_from_their_step_on(signs, activation):
    X, model = fit_by_lot("classifier", (5,), activation, bidirectional=False)
    # Products overflow, whatever the order in which a runtime adds them.
    for coef in model.input_coefs_:
        coef[...] = np.where(coef < 0, -2, 2)
    X[:, 2, :2] = np.array(signs) * np.float32(3e38)
    label, proba = run(to_onnx(model), X, [6] * 6)
    assert_allclose(proba[:, :2], model.predict_proba(X[:, :2]), rtol=0, atol=1e-5)
    assert np.isnan(proba[:, 2:]).all()
    assert (label[:, 2:] == -1).all()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_outputs_that_overflow_are_nan(kind, sign):
    X, model = fit_by_lot(kind, (3,), "relu", bidirectional=False)
    model.input_coefs_[0][...] = 1
    model.recurrent_coefs_[0][...] = 0
    model.output_coef_[...] = 0
    model.output_coef_[:, 0] = 100 * sign
    X[:, 2] = 1e37  # three states of 4e37
    *_, values = run(to_onnx(model), X, [6] * 6)
    is_missing = np.isnan(values)
    # A softmax of one NaN has no number; of several outputs each is for itself.
    assert is_missing[:, 2, 0 if kind == "regressor" else slice(None)].all()
    assert np.isfinite(values[~is_missing]).all()
    assert not is_missing[:, [0, 1, 3, 4, 5]].any()


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_large_numbers_are_answered_rightly_or_not_at_all(activation, bidirectional):
    X, model = fit_by_lot("classifier", (5, 4), activation, bidirectional=bidirectional)
    rng = np.random.default_rng(0)
    X = np.repeat(X, 20, axis=0)
    X[:, 1] = rng.choice([3e38, -3e38, 1e38, -2e38, 0, 1], size=(len(X), 4))
    _, proba = run(to_onnx(model), X, [6] * len(X))
    unknown = np.isnan(proba).any(axis=2)
    assert unknown.any()
    assert not unknown.all()
    exact = copy.deepcopy(model)
    for name in ("input_coefs_", "recurrent_coefs_", "hidden_intercepts_"):
        setattr(exact, name, [a.astype(float) for a in getattr(model, name)])
    exact.output_coef_ = model.output_coef_.astype(float)
    expected = exact.predict_proba(X.astype(float))
    assert_allclose(proba[~unknown], expected[~unknown], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("n_sequences", "lengths"),
    [(2, [5, 2]), (2, [4, -1]), (2, [4]), (2, [4] * 3), (1, [4] * 3)],
    ids=str,
)
def test_lengths_that_do_not_go_with_x_are_errors(n_sequences, lengths):
    model = to_onnx(fit([np.ones((2, 2))], np.array([0, 1])))
    with pytest.raises((Fail, InvalidArgument)):
        run(model, np.ones((n_sequences, 4, 2), np.float32), lengths)


def test_rows_are_sequences_of_one_step():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 2)).astype(np.float32)
    model = strategies.fit(X, X[:, 0] > 0)
    label, proba = run(to_onnx(model), X[:, None], np.ones(20))
    assert_array_equal(label[:, 0], model.predict(X))
    assert_allclose(proba[:, 0], model.predict_proba(X), rtol=0, atol=1e-5)


SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler(),
    MinMaxScaler((-2, 1), clip=True),
    MaxAbsScaler(),
    RobustScaler(quantile_range=(10, 60), unit_variance=True),
    RobustScaler(with_centering=False),
    RobustScaler(with_scaling=False),
]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_a_scaler_before_the_network_is_in_the_graph(scaler, bidirectional):
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 7, size=12)
    # Some steps are beyond what the scaler has seen; a constant feature has no unit.
    sequences = [rng.normal(size=(n, 3)) * [1, 30, 0] + [0, -100, 2] for n in lengths]
    y = [np.where(x[:, 0].cumsum() > 0, "up", "down") for x in sequences]
    model = make_pipeline(
        StepwiseTransformer(scaler),
        VanillaRNNClassifier(
            4, bidirectional=bidirectional, alpha=0.1, max_iter=5, tol=1, random_state=0
        ),
    ).fit(sequences[:8], y[:8])
    X = pad_sequences([2 * x for x in sequences])
    assert_answers(run(to_onnx(model), X, lengths), model, X)


@pytest.mark.skipif(
    "clip" not in MaxAbsScaler().get_params(), reason="clip is newer than that"
)
def test_a_scaler_of_the_largest_value_may_clip():
    X = np.random.default_rng(0).normal(size=(6, 5, 2))
    model = make_pipeline(
        StepwiseTransformer(MaxAbsScaler(clip=True)),
        VanillaRNNRegressor(3, alpha=0.1, max_iter=5, tol=1, random_state=0),
    ).fit(X, X[..., 0])
    (found,) = run(to_onnx(model), 3 * X, [5] * 6)
    assert_allclose(found, model.predict(3 * X), atol=1e-5)
    with pytest.raises(AssertionError):
        assert_allclose(found, model[-1].predict(model[0].transform(X)), atol=0.1)


def test_scaling_keeps_what_single_precision_would_lose():
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(8, 6, 1))
    X = 1e8 + steps
    model = make_pipeline(
        StepwiseTransformer(StandardScaler()),
        StepwiseTransformer(MinMaxScaler()),
        VanillaRNNRegressor(3, alpha=0.1, max_iter=5, tol=1, random_state=0),
    ).fit(X, steps[..., 0])
    graph = to_onnx(model)
    assert signature(graph.graph.input)["X"][0] == np.float64
    (found,) = run(graph, X, [6] * 8)
    assert_allclose(found, model.predict(X), atol=1e-5)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(clip=True)], ids=str)
def test_nan_and_infinity_before_a_scaler_go_on_to_later_steps(scaler):
    X = np.random.default_rng(0).normal(size=(4, 5, 2))
    model = make_pipeline(
        StepwiseTransformer(scaler),
        VanillaRNNRegressor(3, alpha=0.1, max_iter=5, tol=1, random_state=0),
    ).fit(X, X[..., 0])
    X[1, 2, 0], X[2, 4], X[2, 1] = np.nan, np.inf, -np.inf
    (found,) = run(to_onnx(model), X, [5, 5, 4, 2])
    assert_array_equal(np.isnan(found).sum(axis=1), [0, 3, 4, 3])


def signature(tensors):
    return {
        tensor.name: (
            onnx.helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type),
            [d.dim_param or d.dim_value for d in tensor.type.tensor_type.shape.dim],
        )
        for tensor in tensors
    }


@pytest.mark.parametrize(
    ("classes", "dtype"),
    [(["a", "b"], object), ([1, 2], np.int64), ([True], np.int64), ([0.0], float)],
    ids=str,
)
def test_types_and_shapes_are_declared(classes, dtype):
    model = to_onnx(fit([np.ones((1, 3))], np.array(classes)))
    assert signature(model.graph.input) == {
        "X": (np.float32, ["n_sequences", "n_steps", 3]),
        "lengths": (np.int32, ["n_sequences"]),
    }
    assert signature(model.graph.output) == {
        "label": (dtype, ["n_sequences", "n_steps"]),
        "probabilities": (np.float32, ["n_sequences", "n_steps", len(classes)]),
    }


def test_ids_are_declared():
    model = to_onnx(fit_pipeline())
    assert signature(model.graph.input)["X"] == (np.int64, ["n_sequences", "n_steps"])


def test_labels_of_several_types_are_refused():
    model = fit([np.ones((1, 1))], np.array([1, 2]), padding_label="none")
    with pytest.raises(TypeError, match="padding_label_ is 'none'"):
        to_onnx(model)


def test_labels_of_more_than_64_bits_are_refused():
    model = fit([np.ones((1, 1))], np.array([0, 2**63], np.uint64))
    with pytest.raises(ValueError, match=f"the label {2**63} "):
        to_onnx(model)


@pytest.mark.parametrize(
    ("classes", "padding_label", "name"),
    [
        ([-(2**63), -1], "auto", -(2**63) - 1),
        ([0, 1], 2**63, 2**63),
        ([2**60 + 1, 0], -1.5, 2**60 + 1),
        ([0.0, 1.0], 10**400, 10**400),
        (["\udc80", "a"], "auto", r"'\\udc80'"),
    ],
    ids=["low", "high", "inexact", "no float", "surrogate"],
)
def test_labels_that_onnx_would_change_are_refused(classes, padding_label, name):
    model = fit([np.ones((1, 1))], np.array(classes), padding_label="auto")
    if padding_label != "auto":
        model.padding_label_ = padding_label
    with pytest.raises(ValueError, match=f"the label {name} "):
        to_onnx(model)


@pytest.mark.parametrize(
    "classes", [[2**62, 2**62 + 1], [-(2**63) + 1, -1], ["\n", "語"]]
)
def test_labels_are_exact(classes):
    X = np.eye(2)[:, None]
    model = strategies.fit(X, np.array(classes)[:, None], max_iter=50, alpha=0.0)
    label, _ = run(to_onnx(model), X.astype(np.float32), [1, 1])
    assert label.ravel().tolist() == classes


@pytest.mark.parametrize("unit", [1e-50, 1e50])
@pytest.mark.parametrize("what", ["X", "y"])
def test_weights_beyond_single_precision_are_refused(what, unit):
    X = np.random.default_rng(0).normal(size=(5, 4, 1))
    units = {"X": 1.0, "y": 1.0} | {what: unit}
    model = VanillaRNNRegressor(3, alpha=1, tol=0.5, random_state=0)
    model.fit(X * units["X"], X[..., 0] * units["y"])
    with pytest.raises(ValueError, match=r"weights of size .* single precision"):
        to_onnx(model)


@pytest.mark.parametrize(
    "estimator",
    [
        OneHotSequenceEncoder(),
        GridSearchCV(VanillaRNNClassifier(), {}),
        make_pipeline(OneHotSequenceEncoder()),
        make_pipeline(StandardScaler(), VanillaRNNClassifier()),
        make_pipeline(StepwiseTransformer(Normalizer()), VanillaRNNClassifier()),
        make_pipeline(StepwiseTransformer(StandardScaler()), StandardScaler()),
        VanillaRNNClassifier,
    ],
    ids=lambda estimator: str(estimator)[:40],
)
def test_other_estimators_are_refused(estimator):
    with pytest.raises(TypeError, match="cannot convert"):
        to_onnx(estimator)


def test_estimators_must_be_fitted():
    for estimator in (
        VanillaRNNClassifier(),
        make_pipeline(OneHotSequenceEncoder(), VanillaRNNClassifier()),
        make_pipeline(StepwiseTransformer(StandardScaler()), VanillaRNNClassifier()),
    ):
        with pytest.raises(NotFittedError):
            to_onnx(estimator)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'skrnn\[onnx\]'"):
        to_onnx(fit_pipeline())


# Files that somebody has tampered with: errors of those who read them.


def test_a_file_cut_short_is_an_error():
    content = to_onnx(fit_pipeline()).SerializeToString()
    with pytest.raises(InvalidProtobuf):
        onnxruntime.InferenceSession(content[: len(content) // 2])


def test_an_operator_that_nobody_knows_is_an_error():
    model = to_onnx(fit_pipeline())
    model.graph.node[0].op_type = "Execute"
    with pytest.raises(onnx.checker.ValidationError, match="Execute"):
        onnx.checker.check_model(model)
    with pytest.raises(InvalidGraph, match="Execute"):
        onnxruntime.InferenceSession(model.SerializeToString())


def test_weights_outside_of_the_folder_are_an_error(tmp_path):
    model = to_onnx(fit_pipeline())
    (tmp_path / "secret").write_bytes(bytes(4096))
    (tmp_path / "models").mkdir()
    onnx.external_data_helper.set_external_data(
        model.graph.initializer[-1], location="../secret"
    )
    model.graph.initializer[-1].ClearField("raw_data")
    path = tmp_path / "models" / "hostile.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(str(path))
