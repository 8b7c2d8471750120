"""The classifier's own parameters, methods and attributes."""

import importlib
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from samples import make_sequences
from scipy.special import softmax
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils import compute_class_weight, estimator_html_repr
from strategies import batches_of

from skrnn import (
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    as_ragged,
    unpad,
    valid_steps,
)
from skrnn._estimators.classifier import _class_counts
from skrnn._network.data import packing
from skrnn._network.training import lbfgs, train
from skrnn.datasets import make_recall

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_sequences(30)
VALID = valid_steps(X)
NETWORKS = [
    {"hidden_layer_sizes": 4},
    {"hidden_layer_sizes": (4,), "bidirectional": True},
    {"hidden_layer_sizes": [3, 5], "activation": "relu"},
    {"hidden_layer_sizes": np.array([3, 5]), "bidirectional": True},
]
networks = pytest.mark.parametrize("network", NETWORKS, ids=str)


def classifier(**parameters):
    defaults = {
        "hidden_layer_sizes": 4,
        "alpha": 1,
        "max_iter": 10,
        "random_state": 0,
    }
    return VanillaRNNClassifier(**{**defaults, **parameters})


def log_loss(model, X, y, weights=None):
    """Return the weighted mean of -log p over valid steps."""
    valid = valid_steps(X)
    log_p = model.predict_log_proba(X)[valid]
    chosen = np.searchsorted(model.classes_, y[valid])
    losses = -np.take_along_axis(log_p, chosen[:, None], axis=1)[:, 0]
    return np.average(losses, weights=None if weights is None else weights[valid])


# What is learned


@networks
def test_attributes_have_their_shapes(network):
    model = classifier(**network).fit(X, y)
    sizes = np.atleast_1d(network["hidden_layer_sizes"]).tolist()
    n_directions = 2 if model.bidirectional else 1
    n_in = [3, *[n_directions * n for n in sizes[:-1]]]
    assert [W.shape for W in model.input_coefs_] == [
        (n_directions, *shape) for shape in zip(n_in, sizes, strict=True)
    ]
    assert [W.shape for W in model.recurrent_coefs_] == [
        (n_directions, n, n) for n in sizes
    ]
    assert [b.shape for b in model.hidden_intercepts_] == [
        (n_directions, n) for n in sizes
    ]
    assert model.output_coef_.shape == (n_directions * sizes[-1], 3)
    assert model.output_intercept_.shape == (3,)
    assert model.feature_scale_.shape == (3,)
    assert model.n_features_in_ == 3
    assert model.n_outputs_ == 3
    assert model.n_layers_ == len(sizes) + 2
    assert model.out_activation_ == "softmax"
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None


@networks
def test_the_stored_weights_are_those_of_the_textbook_recurrence(network):
    model = classifier(**network).fit(X, y)
    f = {"tanh": np.tanh, "relu": lambda a: np.maximum(a, 0)}[model.activation]
    H = X[0]
    layers = zip(
        model.input_coefs_,
        model.recurrent_coefs_,
        model.hidden_intercepts_,
        strict=True,
    )
    for W_xh, W_hh, b_h in layers:
        sides = []
        for d in range(len(W_xh)):
            h, states = np.zeros(W_hh.shape[-1]), []
            for x in H[::-1] if d else H:
                h = f(x @ W_xh[d] + h @ W_hh[d] + b_h[d])
                states.append(h)
            sides.append(states[::-1] if d else states)
        H = np.concatenate(sides, axis=1)
    logits = H @ model.output_coef_ + model.output_intercept_
    assert_allclose(model.hidden_states(X)[0], H, atol=1e-12)
    assert_allclose(model.decision_function(X)[0], logits, atol=1e-12)
    assert_allclose(model.predict_proba(X)[0], softmax(logits, axis=1), atol=1e-12)
    assert_array_equal(model.predict(X)[0], model.classes_[logits.argmax(axis=1)])


@networks
@pytest.mark.parametrize("alpha", [0, 2.0])
def test_loss_is_the_objective_at_the_stored_weights(network, alpha):
    weights = np.random.default_rng(0).uniform(size=y.shape)
    model = classifier(alpha=alpha, **network).fit(X, y, weights)
    size = model.feature_scale_[:, None] / 2  # an input's deviation is 2
    penalty = (np.square(model.input_coefs_[0] * size)).sum()
    penalty += sum(W.shape[1] * np.square(W).sum() for W in model.input_coefs_[1:])
    penalty += sum(W.shape[1] * np.square(W).sum() for W in model.recurrent_coefs_)
    penalty += len(model.output_coef_) / 100 * np.square(model.output_coef_).sum()
    expected = log_loss(model, X, y, weights)
    expected += alpha / (2 * weights[VALID].sum()) * penalty
    assert_allclose(model.loss_, expected, rtol=1e-9)


def test_the_loss_falls_and_its_history_ends_at_the_best():
    model = classifier(max_iter=30).fit(X, y)
    assert len(model.loss_curve_) == model.n_iter_ == 30
    assert model.n_fun_ >= 30
    assert np.diff(model.loss_curve_).max() < 0
    assert model.loss_ == model.best_loss_ == model.loss_curve_[-1]


def test_the_reason_to_stop_is_named():
    assert classifier().fit(X, y).stop_reason_ == "max_iter"
    assert classifier(max_fun=4).fit(X, y).stop_reason_ == "max_fun"
    assert classifier(tol=1.0).fit(X, y).stop_reason_ == "converged"
    stopped = classifier(
        alpha=1e-3, max_iter=200, early_stopping=True, n_iter_no_change=3
    )
    assert stopped.fit(X, y).stop_reason_ == "early_stopping"


def test_no_warning_where_the_fit_converged(recwarn):
    classifier(tol=1.0).fit(X, y)
    assert not [w for w in recwarn if w.category is ConvergenceWarning]


def test_seeds_decide():
    coefs = [classifier(random_state=s).fit(X, y).output_coef_ for s in (0, 0, 1)]
    assert_array_equal(coefs[0], coefs[1])
    assert not np.allclose(coefs[0], coefs[2])
    state = np.random.RandomState(0)
    assert_array_equal(classifier(random_state=state).fit(X, y).output_coef_, coefs[0])


def test_a_larger_alpha_makes_smaller_weights():
    sizes = [
        np.abs(classifier(alpha=alpha, max_iter=200).fit(X, y).output_coef_).sum()
        for alpha in (0.01, 1, 100)
    ]
    assert sizes == sorted(sizes, reverse=True)


def test_the_unit_of_a_feature_does_not_matter():
    factors = np.array([1e-3, 1.0, 1e4])
    expected = classifier().fit(X, y).predict_proba(X)
    scaled = classifier().fit(X * factors, y).predict_proba(X * factors)
    assert scaled.shape == expected.shape
    model = classifier(alpha=10, max_iter=100)
    assert_allclose(
        log_loss(model.fit(X * factors, y), X * factors, y),
        log_loss(model.fit(X, y), X, y),
        rtol=0.2,  # in another order, so from other drawn labels
    )


def test_many_corrections_change_the_path():
    few, many = (
        classifier(max_corrections=m, max_iter=20).fit(X, y).loss_ for m in (1, 20)
    )
    assert many < few


@pytest.mark.parametrize("padding_value", [np.nan, 0.0, -3.5])
def test_more_padding_changes_nothing(padding_value):
    narrow = np.where(VALID[..., None], X, padding_value)
    wide = np.pad(narrow, ((0, 0), (0, 4), (0, 0)), constant_values=padding_value)
    model = classifier(padding_value=padding_value)
    expected = model.fit(narrow, y).predict(narrow)
    y_wide = np.pad(y, ((0, 0), (0, 4)), constant_values=1)
    labels = model.fit(wide, y_wide).predict(wide)
    assert_array_equal(labels[:, :6], expected)
    assert_array_equal(labels[:, 6:], -1)


def test_a_step_of_the_padding_value_before_a_valid_one_is_data():
    zeros = np.nan_to_num(X)
    zeros[:, 1] = 0
    lengths = valid_steps(zeros, padding_value=0).sum(axis=1)
    model = classifier(padding_value=0.0).fit(zeros, np.abs(y))
    ragged = [x[:n] for x, n in zip(zeros, lengths, strict=True)]
    ragged_y = [labels[:n] for labels, n in zip(np.abs(y), lengths, strict=True)]
    expected = classifier().fit(ragged, ragged_y)
    assert_array_equal(model.output_coef_, expected.output_coef_)


def test_one_long_sequence_is_labeled():
    X, y = make_recall(1, n_steps=5000, lag=1, random_state=0, return_X_y=True)
    model = VanillaRNNClassifier(8, max_iter=40, random_state=0, alpha=0.1)
    assert model.fit(X, y).score(X, y) > 0.95


def test_sequences_of_one_step_are_rows():
    rows, labels = X[:, 0], y[:, 0]
    model = classifier().fit(rows[:, None], labels[:, None])
    expected = classifier().fit(rows, labels)
    assert_array_equal(model.output_coef_, expected.output_coef_)
    assert_array_equal(model.predict(rows[:, None])[:, 0], expected.predict(rows))


def test_a_single_sequence_is_enough():
    assert classifier().fit(X[:1], y[:1]).predict(X).shape == y.shape


# Weights


def test_a_step_of_weight_zero_still_feeds_the_recurrence():
    X, y = make_recall(
        100, n_steps=2, lag=1, n_symbols=2, random_state=0, return_X_y=True
    )
    last_alone = np.broadcast_to([0, 1], y.shape)
    model = classifier(alpha=0.01, max_iter=50).fit(X, y, last_alone)
    assert model.score(X, y, last_alone) == 1
    assert model.classes_.tolist() == [0, 1, 2]


def test_labels_of_weight_zero_are_classes_and_nothing_more():
    first = np.broadcast_to(np.arange(6) == 0, y.shape)
    renamed = np.where(first, y, 2 - y)
    expected = classifier().fit(X, y, first)
    model = classifier().fit(X, renamed, first)
    assert log_loss(model, X, y, first) < np.log(3)
    assert_allclose(model.loss_, expected.loss_, rtol=0.2)


@pytest.mark.parametrize(
    "weights",
    [
        lambda w: w,
        lambda w: w.tolist(),
        lambda w: np.repeat(w[:, None], 6, axis=1),
        lambda w: np.where(VALID, w[:, None], np.nan),
        lambda w: [np.full(n, v) for n, v in zip(VALID.sum(axis=1), w, strict=True)],
        lambda w: as_ragged(
            [[v] * n for n, v in zip(VALID.sum(axis=1), w, strict=True)]
        ),
        lambda w: importlib.import_module("pandas").Series(w),
        lambda w: importlib.import_module("pandas").DataFrame(
            np.repeat(w[:, None], 6, axis=1)
        ),
    ],
)
def test_weights_may_come_in_every_form(weights):
    w = np.random.default_rng(0).uniform(size=len(X))
    expected = classifier().fit(X, y, w)
    model = classifier().fit(X, y, weights(w))
    assert_array_equal(model.output_coef_, expected.output_coef_)
    assert model.score(X, y, weights(w)) == expected.score(X, y, w)


@pytest.mark.parametrize("weight", [2, 2.0, np.float32(2), np.array(2)])
def test_a_single_weight_is_that_of_all(weight):
    expected = classifier().fit(X, y, np.full(len(X), 2.0))
    model = classifier().fit(X, y, weight)
    assert_array_equal(model.output_coef_, expected.output_coef_)


@pytest.mark.parametrize(
    "weights", [None, np.linspace(0.1, 2, y.size).reshape(y.shape)]
)
def test_balanced_classes_have_equal_weight(weights):
    labels = np.where(y == 1, 1, 0)
    model = classifier(class_weight="balanced").fit(X, labels, weights)
    w = np.ones(y.shape) if weights is None else weights
    totals = np.bincount(labels[VALID], w[VALID])
    by_hand = w * (w[VALID].sum() / (2 * totals))[labels]
    expected = classifier().fit(X, labels, by_hand)
    assert_allclose(model.output_coef_, expected.output_coef_, rtol=1e-6)


def test_a_class_without_weight_is_none_to_balance():
    weights = np.where(y == 2, 0.0, 1.0)
    present = y[VALID & (y != 2)]
    by_class = compute_class_weight("balanced", classes=np.array([0, 1]), y=present)
    model = classifier(class_weight="balanced").fit(X, y, weights)
    factors = dict(enumerate(by_class.tolist()))
    expected = classifier(class_weight=factors).fit(X, y, weights)
    assert_allclose(model.output_coef_, expected.output_coef_, rtol=1e-6)


def test_balanced_is_scikit_learns_balanced():
    labels = np.where(y == 1, 1, 0)
    by_class = compute_class_weight(
        "balanced", classes=np.array([0, 1]), y=labels[VALID]
    )
    model = classifier(class_weight="balanced").fit(X, labels)
    expected = classifier(class_weight=dict(enumerate(by_class))).fit(X, labels)
    assert_allclose(model.output_coef_, expected.output_coef_, rtol=1e-6)


def test_a_class_of_weight_zero_does_not_upset_the_balance():
    model = classifier(class_weight="balanced").fit(X, y, np.where(y == 2, 0, 1))
    assert model.classes_.tolist() == [0, 1, 2]
    assert np.isfinite(model.loss_)


def test_class_weights_must_leave_something_to_learn():
    with pytest.raises(ValueError, match="class_weight leaves no step"):
        classifier(class_weight={0: 0, 1: 0, 2: 0}).fit(X, y)


def test_a_heavier_class_is_predicted_more_often():
    light, heavy = (
        (classifier(class_weight={1: w}).fit(X, y).predict(X) == 1).sum()
        for w in (0.1, 10)
    )
    assert light < heavy


def test_score_counts_labels_never_seen_as_wrong():
    model = classifier().fit(X, y)
    expected = np.mean((model.predict(X) == y)[VALID] & (y != 2)[VALID])
    assert_allclose(model.score(X, np.where(y == 2, 77, y)), expected)
    for unseen in (y + 10, y.astype(str), y.astype(str).astype(object)):
        assert model.score(X, unseen) == 0
    named = classifier().fit(X, np.array(["a", "b", "c"])[y])
    assert named.score(X, y) == 0


def test_score_needs_a_valid_step():
    model = classifier().fit(X, y)
    with pytest.raises(ValueError, match="no valid step"):
        model.score(np.full((1, 2, 3), np.nan), [[0, 0]])


def test_sequences_without_steps_have_no_part_in_the_score():
    model = classifier().fit(X, y)
    ragged, ragged_y = unpad(X, y)
    empty = as_ragged([*ragged_y, []])
    score = model.score([*ragged, np.empty((0, 3))], empty)
    assert score == model.score(ragged, ragged_y)


def test_score_is_the_weighted_share_of_correct_steps():
    weights = np.random.default_rng(0).uniform(size=y.shape)
    model = classifier().fit(X, y)
    correct = (model.predict(X) == y)[VALID]
    assert_allclose(model.score(X, y), correct.mean())
    expected = np.average(correct, weights=weights[VALID])
    assert_allclose(model.score(X, y, weights), expected)


def test_what_stands_in_y_at_padding_does_not_count():
    model = classifier().fit(X, y)
    for filler in (0, 2, 99):
        assert model.score(X, np.where(VALID, y, filler)) == model.score(X, y)


# Going on, starting again, stopping early


def test_a_warm_start_goes_on():
    model = classifier(max_iter=15, warm_start=True)
    first = model.fit(X, y).loss_
    assert model.fit(X, y).loss_ < first
    assert model.loss_curve_[0] <= first


def test_without_a_warm_start_nothing_is_carried_over():
    model = classifier().fit(X, y)
    before = model.loss_
    assert model.fit(X, y).loss_ == before


def test_a_warm_start_takes_sequences_of_another_length():
    long, long_y = make_sequences(20, n_steps=11, seed=1)
    model = classifier(warm_start=True, max_iter=50).fit(X, y)
    cold = classifier(max_iter=5).fit(long, long_y)
    warm = model.set_params(max_iter=5).fit(long, long_y)
    assert warm.loss_ < cold.loss_
    assert model.fit(*unpad(long, long_y)).loss_ <= warm.loss_


@pytest.mark.parametrize("free", [True, False])
def test_a_warm_start_goes_on_with_the_allowed_transitions(free):
    X, y = make_sequences(20)
    table = np.ones((4, 4), dtype=bool)
    table[3, 2] = free
    y[:, 0] %= 2
    model = classifier(
        warm_start=True, transitions=True, label_scheme=table, padding_value=np.nan
    )
    loss = model.fit(X, y).loss_
    assert model.fit(X, y).loss_ < loss
    assert np.isfinite(model.start_coef_).tolist() == [True, True, free]


def test_a_failed_warm_start_leaves_a_model_that_can_go_on():
    model = classifier(warm_start=True).fit(X, y)
    before = model.loss_
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(X, y == 1)
    assert model.fit(X, y).loss_ < before


@pytest.mark.parametrize("method", ["predict_proba", "hidden_states"])
def test_the_fitted_activation_counts_whatever_is_set_later(method):
    model = classifier().fit(X, y)
    before = getattr(model, method)(X)
    first = model.step(X[:, 0], model.initial_state(len(X)))
    model.set_params(activation="relu")
    assert_array_equal(getattr(model, method)(X), before)
    assert_array_equal(model.step(X[:, 0], model.initial_state(len(X)))[0], first[0])


def test_the_order_of_weights_does_not_change_the_weights_of_classes():
    rng = np.random.default_rng(0)
    codes, weights = rng.integers(3, size=5000), rng.random(5000)
    order = rng.permutation(5000)
    counts = [
        _class_counts(codes[chosen], weights[chosen], 4)
        for chosen in (slice(None), order)
    ]
    assert_array_equal(*counts)
    assert_allclose(counts[0], np.bincount(codes, weights, minlength=4), rtol=1e-12)


# Where L-BFGS gives up


def overflowing(n_steps=200):
    """Return data and a network whose states grow until they overflow."""
    rng = np.random.RandomState(0)
    sequences = rng.standard_normal((20, n_steps, 3)).astype(np.float32)
    return sequences, sequences[:, :, 0].cumsum(axis=1) / 5


def test_a_network_that_overflows_on_the_way_is_trained():
    sequences, targets = overflowing()
    scores = []
    for seed in range(8):
        model = VanillaRNNRegressor(16, activation="relu", alpha=0.2, random_state=seed)
        # Where L-BFGS gives up depends on rounding, and so on the machine; without
        # restarts it did so silently, after at most 26 iterations.
        with pytest.warns(ConvergenceWarning, match="before it converged"):
            scores.append(model.fit(sequences, targets).score(sequences, targets))
        assert model.n_iter_ > 26
    assert np.median(scores) > 0.7
    assert min(scores) > 0.4


@pytest.mark.parametrize("reason", ["line_search", "ftol", "overflow"])
@pytest.mark.parametrize(
    ("n_iter", "gradient_norm", "warns"),
    [(5, 0.2, True), (5, 0.05, False), (0, 0.05, True), (0, 5e-4, False)],
)
def test_an_end_far_from_a_minimum_warns(
    reason, n_iter, gradient_norm, warns, monkeypatch
):
    plain = lbfgs.minimize

    def minimize(*args, **options):
        changes = {"gradient_norm": gradient_norm, "n_iter": n_iter}
        return plain(*args, **options)._replace(stop_reason=reason, **changes)

    monkeypatch.setattr(lbfgs, "minimize", minimize)
    model = VanillaRNNClassifier(4, alpha=1, max_iter=2, tol=1e-3, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert model.stop_reason_ == reason
    assert [w.category for w in caught] == [ConvergenceWarning] * warns
    assert all(f"stopped at {reason}" in str(w.message) for w in caught)
    assert all(w.filename == __file__ for w in caught)


@pytest.mark.parametrize("reason", ["converged", "early_stopping", "callback"])
@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_an_end_that_was_asked_for_does_not_warn(reason, monkeypatch):
    plain = lbfgs.minimize

    def minimize(*args, **options):
        solution = plain(*args, **options)
        return solution._replace(stop_reason=reason, gradient_norm=1e3)

    monkeypatch.setattr(lbfgs, "minimize", minimize)
    model = VanillaRNNClassifier(4, alpha=1, max_iter=2, random_state=0).fit(X, y)
    assert model.stop_reason_ == reason


def test_the_best_of_several_starts_is_kept():
    losses = []
    state = np.random.RandomState(1)
    for _ in range(4):
        losses.append(classifier(random_state=state).fit(X, y).loss_)
    model = classifier(n_init=4, random_state=1).fit(X, y)
    assert model.loss_ == min(losses) < losses[0]


def early_stopper(**parameters):
    return classifier(
        alpha=1e-3,
        max_iter=200,
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=5,
        **parameters,
    )


def test_early_stopping_restores_the_best_weights():
    model = early_stopper().fit(X, y)
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_ == len(model.loss_curve_) < 200
    assert model.best_validation_score_ == max(scores)
    assert model.n_iter_ - 1 - np.argmax(scores) >= 5
    short = early_stopper().set_params(max_iter=int(np.argmax(scores)) + 1).fit(X, y)
    assert_array_equal(model.output_coef_, short.output_coef_)


def test_the_validation_score_is_the_log_loss_of_whole_sequences(monkeypatch):
    found = {}

    def noted(module, name):
        original = getattr(module, name)

        def call(*arguments):
            found[name] = original(*arguments)
            return found[name]

        monkeypatch.setattr(module, name, call)

    noted(packing, "deduplicate")
    noted(train, "hold_out")
    model = early_stopper().fit(X, y)
    (ids, *_), is_out = found["deduplicate"], found["hold_out"]
    assert sorted(ids) == list(range(30))
    assert is_out.sum() == 9
    expected = -log_loss(model, X[ids[is_out]], y[ids[is_out]])
    assert_allclose(model.best_validation_score_, expected)


def test_early_stopping_is_reproducible():
    one, other = (early_stopper().fit(X, y) for _ in range(2))
    assert one.validation_scores_ == other.validation_scores_


def test_loss_is_that_of_the_restored_weights():
    model = early_stopper().fit(X, y)
    assert model.loss_ == model.loss_curve_[int(np.argmax(model.validation_scores_))]


def test_of_several_starts_the_best_on_held_out_sequences_is_kept():
    model = early_stopper(n_init=3).fit(X, y)
    assert (
        model.best_validation_score_ >= early_stopper().fit(X, y).validation_scores_[0]
    )
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_verbose_prints_a_line_per_iteration(capsys):
    classifier(max_iter=3, verbose=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for word in (
        "Iteration    3",
        "loss = ",
        "gradient = ",
        "evaluations = ",
        "seconds",
    ):
        assert word in lines[-1]
    early_stopper(verbose=1).fit(X, y)
    assert "validation score = -" in capsys.readouterr().out
    classifier(max_iter=3).fit(X, y)
    assert capsys.readouterr().out == ""


def test_an_interrupt_passes_through_and_leaves_the_model_as_it_was(monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    model = classifier().fit(X, y)
    before = dict(vars(model))
    monkeypatch.setattr("builtins.print", interrupt)
    model.verbose = before["verbose"] = 1
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:5], y[:5])
    assert vars(model) == before


# What is answered


def test_two_classes_have_one_decision():
    labels = y == 1
    model = classifier().fit(X, labels)
    D, P = model.decision_function(X), model.predict_proba(X)
    assert D.shape == y.shape
    assert P.shape == (*y.shape, 2)
    assert_array_equal((D > 0)[VALID], model.predict(X)[VALID] == 1)
    assert_allclose(1 / (1 + np.exp(-D[VALID])), P[VALID][:, 1])
    assert np.isnan(D[~VALID]).all()


def test_many_classes_have_a_decision_each():
    model = classifier().fit(X, y)
    D = model.decision_function(X)
    assert_allclose(softmax(D[VALID], axis=1), model.predict_proba(X)[VALID])


def test_one_class_is_certain():
    model = classifier().fit(X, np.where(VALID, "a", ""))
    assert_array_equal(model.predict_proba(X)[VALID], 1)
    assert_array_equal(model.predict(X), np.where(VALID, "a", ""))
    assert model.decision_function(X).shape == (*y.shape, 1)
    assert model.stop_reason_ == "converged"


def test_log_probabilities_stay_finite_where_probabilities_vanish():
    model = classifier().fit(X, y)
    assert_allclose(
        np.exp(model.predict_log_proba(X)[VALID]), model.predict_proba(X)[VALID]
    )
    model.output_intercept_ = np.array([0.0, 2000.0, 0.0])
    log_p = model.predict_log_proba(X)[VALID]
    assert np.isfinite(log_p).all()
    assert (log_p[:, 0] < -1000).all()
    assert (model.predict_proba(X)[VALID][:, 0] == 0).all()


def test_hidden_states_put_the_forward_direction_first():
    model = classifier(bidirectional=True).fit(X, y)
    H = model.hidden_states(X)
    assert H.shape == (*y.shape, 8)
    changed = X.copy()
    changed[0, 1] += 1
    before, after = H[0, 0], model.hidden_states(changed)[0, 0]
    assert_array_equal(after[:4], before[:4])
    assert (after[4:] != before[4:]).all()


def test_a_one_way_model_does_not_look_ahead():
    model = classifier().fit(X, y)
    changed = X.copy()
    changed[0, 3:] += 1
    assert_array_equal(
        model.predict_proba(changed)[0, :3], model.predict_proba(X)[0, :3]
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("layers", [(4,), (3, 5)])
def test_step_by_step_equals_all_at_once(dtype, activation, layers):
    full = np.nan_to_num(X).astype(dtype)
    model = classifier(activation=activation, hidden_layer_sizes=layers)
    model.fit(full, np.abs(y))
    state = model.initial_state(len(full))
    for t in range(full.shape[1]):
        P_t, state = model.step(full[:, t], state)
        assert P_t.dtype == dtype
        assert_allclose(P_t, model.predict_proba(full)[:, t], rtol=1e-4, atol=1e-6)


def test_a_state_is_a_value():
    model = classifier().fit(X, y)
    state = model.initial_state()
    first, _ = model.step(X[:1, 0], state)
    again, _ = model.step(X[:1, 0], state)
    assert_array_equal(first, again)
    assert_array_equal(state[0], np.zeros((1, 4)))


def test_only_one_way_models_can_be_stepped():
    assert hasattr(classifier(), "step")
    two_way = classifier(bidirectional=True)
    assert not hasattr(two_way, "step")
    assert not hasattr(two_way, "initial_state")
    with pytest.raises(NotFittedError):
        classifier().initial_state()


def test_a_missing_value_is_named_before_an_overflow_that_is_found_first():
    model = classifier(activation="relu").fit(X, y)
    large = np.full((3, 4, 3), 1e308)
    large[2, 1, 0] = np.nan
    with batches_of(1), pytest.raises(ValueError, match=r"NaN: X\[2\] at step 1"):
        model.predict(large)


def test_overflow_is_no_answer():
    model = classifier(activation="relu").fit(X, y)
    with pytest.raises(ValueError, match="overflow"):
        model.predict(np.full((1, 4, 3), 1e308))


# Frames and pages


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_are_rows_with_names(library):
    frames = importlib.import_module(library)
    frame = frames.DataFrame(dict(zip("abc", X[:, 0].T, strict=True)))
    model = classifier().fit(frame, y[:, 0])
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert_array_equal(
        model.predict(frame), classifier().fit(X[:, 0], y[:, 0]).predict(X[:, 0])
    )
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a", "c"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X[:, 0])
    assert not hasattr(model.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_and_series_are_sequences_and_labels(library):
    frames = importlib.import_module(library)
    expected = classifier().fit(X, y)
    ragged, ragged_y = unpad(X, y)
    as_frames = [frames.DataFrame(x) for x in ragged]
    labels = [frames.Series(i) for i in ragged_y]
    for X_any, y_any in [
        (as_frames, labels),
        (
            frames.Series([x.tolist() for x in ragged]),
            frames.Series([i.tolist() for i in ragged_y]),
        ),
        (X, frames.DataFrame(y)),
    ]:
        model = classifier().fit(X_any, y_any)
        assert_array_equal(model.output_coef_, expected.output_coef_)


def test_there_is_nothing_to_put_into_frames():
    with config_context(transform_output="pandas"):
        assert isinstance(classifier().fit(X, y).predict(X), np.ndarray)
    assert not hasattr(classifier(), "set_output")


def test_it_has_a_page_of_its_own():
    page = estimator_html_repr(classifier(alpha=0.25).fit(X, y))
    assert "VanillaRNNClassifier" in page
    assert "0.25" in page
    assert repr(classifier(alpha=0.25)).startswith("VanillaRNNClassifier(alpha=0.25")
