"""Direct weights from the features to the outputs, with and without hidden layers."""

import pickle
from contextlib import contextmanager
from unittest import mock

import attributes
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from samples import SEQUENCE_FORMS, as_form, make_sequences, step_values
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from strategies import fit, fixed_problem, theta_of

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier, VanillaRNNRegressor
from skrnn._estimators.callbacks import FitTask
from skrnn._network.training import lbfgs, strength

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_sequences(20)
RAGGED, LABELS = as_form("ragged", X, y)
NUMBERS = [x @ [[1.0], [0.0], [2.0]] + np.cumsum(x[:, 1:2], axis=0) for x in RAGGED]
SKIP = {"skip_connection": True, "skip_alpha": 0.5}
NETWORKS = {
    "one layer": {},
    "two-way stack": {"bidirectional": True, "hidden_layer_sizes": (3, 2)},
    "relu": {"activation": "relu"},
    "linear": {"hidden_layer_sizes": ()},
    "two-way linear": {"hidden_layer_sizes": (), "bidirectional": True},
}
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
both = pytest.mark.parametrize("estimator", [VanillaRNNClassifier, VanillaRNNRegressor])


def skip(X=RAGGED, y=LABELS, sample_weight=None, **parameters):
    """Fit a network with direct weights for a few iterations."""
    return fit(X, y, sample_weight, **SKIP | parameters)


# The outputs


@networks
def test_logits_are_those_of_the_attributes(network):
    model = skip(**network)
    for x, L, p in zip(
        RAGGED,
        model.decision_function(RAGGED),
        model.predict_proba(RAGGED),
        strict=True,
    ):
        expected = attributes.logits(model, x)
        assert_allclose(L, expected, rtol=1e-12, atol=1e-13)
        assert_allclose(p, softmax(expected, axis=1), rtol=1e-12)


@networks
def test_predictions_of_a_regressor_are_those_of_the_attributes(network):
    model = skip(y=NUMBERS, model=VanillaRNNRegressor, **network)
    for x, found in zip(RAGGED, model.predict(RAGGED), strict=True):
        assert_allclose(found, attributes.logits(model, x), rtol=1e-11, atol=1e-12)


@networks
def test_attributes_have_their_shapes(network):
    model = skip(**network)
    sizes = network.get("hidden_layer_sizes", (5,))
    n_directions = 2 if network.get("bidirectional") and sizes else 1
    assert len(model.input_coefs_) == len(model.recurrent_coefs_) == len(sizes)
    assert len(model.hidden_intercepts_) == len(sizes)
    assert model.output_coef_.shape == (n_directions * sum(sizes[-1:]), 3)
    assert model.output_intercept_.shape == (3,)
    assert model.skip_coef_.shape == (3, 3)
    assert model.n_layers_ == len(sizes) + 2
    assert model.skip_alpha_ == 0.5
    assert model.transition_coef_ is model.start_coef_ is model.end_coef_ is None


@both
def test_without_a_skip_connection_there_is_no_direct_weight(estimator):
    model = fit(RAGGED, LABELS, model=estimator)
    assert model.skip_coef_ is None
    assert model.skip_alpha_ is None


def test_without_hidden_layers_there_are_no_states():
    model = skip(hidden_layer_sizes=())
    assert [H.shape for H in model.hidden_states(RAGGED)] == [
        (len(x), 0) for x in RAGGED
    ]
    assert model.initial_state(2) == ()
    proba, state = model.step(X[:2, 0], ())
    assert state == ()
    assert_allclose(proba, model.predict_proba(X[:2])[:, 0], rtol=1e-12)


@pytest.mark.parametrize("network", [{}, {"hidden_layer_sizes": (3, 2)}], ids=str)
def test_step_by_step_equals_predict_proba(network):
    model = skip(**network)
    batch = np.stack([x for x in RAGGED if len(x) == 6])
    expected, state = model.predict_proba(batch), model.initial_state(len(batch))
    for t in range(6):
        proba, state = model.step(batch[:, t], state)
        assert_allclose(proba, expected[:, t], rtol=1e-12)


# Other linear models


def one_hot_rows(n=60):
    rng = np.random.default_rng(0)
    rows = rng.integers(2, size=(n, 4)).astype(float)
    labels = (rows[:, 0] + rows[:, 1] + rng.integers(2, size=n)).astype(int) % 3
    return rows, labels


@pytest.mark.parametrize("skip_alpha", [0.1, 2.0])
def test_without_hidden_layers_it_is_logistic_regression(skip_alpha):
    rows, labels = one_hot_rows()
    weights = np.linspace(0.5, 2, len(rows))
    model = skip(
        rows,
        labels,
        weights,
        hidden_layer_sizes=(),
        skip_alpha=skip_alpha,
        max_iter=1000,
    )
    other = LogisticRegression(C=1 / skip_alpha, tol=1e-10, max_iter=10000)
    other.fit(rows, labels, weights)
    assert_allclose(model.skip_coef_.T, other.coef_, atol=1e-5)
    centered = model.output_intercept_ - model.output_intercept_.mean()
    assert_allclose(centered, other.intercept_ - other.intercept_.mean(), atol=1e-5)
    assert_allclose(
        model.predict_proba(rows), other.predict_proba(rows), rtol=1e-4, atol=1e-6
    )


def test_the_order_of_steps_does_not_matter_to_a_linear_model():
    rows, labels = one_hot_rows()
    as_rows = skip(rows, labels, hidden_layer_sizes=(), max_iter=1000)
    as_sequence = skip(rows[None], labels[None], hidden_layer_sizes=(), max_iter=1000)
    assert_allclose(as_rows.skip_coef_, as_sequence.skip_coef_, atol=1e-5)


def test_a_regressor_without_hidden_layers_is_ridge_regression():
    rows, _ = one_hot_rows()
    target = rows @ [1.0, -2.0, 3.0, 0.5] + np.random.default_rng(1).normal(size=60)
    model = skip(
        rows,
        target,
        model=VanillaRNNRegressor,
        hidden_layer_sizes=(),
        skip_alpha=2.0,
        max_iter=1000,
    )
    # The loss is that of standardized targets, which scales both of its terms.
    other = Ridge(alpha=2.0).fit(rows, target)
    assert_allclose(model.skip_coef_[:, 0], other.coef_, atol=1e-5)
    assert_allclose(model.output_intercept_[0], other.intercept_, atol=1e-5)


def test_units_of_a_feature_change_only_its_direct_weights():
    unit = np.array([1.0, 1000.0, 0.01])
    parameters = {"hidden_layer_sizes": (), "max_iter": 1000}
    model = skip(**parameters)
    other = skip([x * unit for x in RAGGED], **parameters)
    assert_allclose(other.skip_coef_ * unit[:, None], model.skip_coef_, atol=1e-5)


# Fits


@pytest.mark.parametrize("network", [{}, {"hidden_layer_sizes": ()}], ids=str)
@pytest.mark.parametrize("form", SEQUENCE_FORMS)
def test_forms_of_the_same_sequences_give_the_same_model(form, network):
    expected = skip(X, y, **network)
    X_form, y_form = as_form(form, X, y)
    model = skip(X_form, y_form, **network)
    assert_allclose(theta_of(model), theta_of(expected), rtol=1e-8, atol=1e-11)
    assert_allclose(
        step_values(form, model.predict_proba(X_form), X),
        step_values("padded", expected.predict_proba(X), X),
        rtol=1e-9,
    )


def test_one_hot_sparse_and_dense_steps_give_the_same_model():
    words = ["abca", "cab", "bb", "a", "acb", "defghijklmnopqrstuvwxyz"]
    labels = [["b" if c == "a" else "a" for c in word] for word in words]
    encoder = OneHotSequenceEncoder(sparse_output=True, dtype=np.float64)
    encoded = encoder.fit_transform(words)
    dense = [x.toarray() for x in encoded]
    models = [skip(data, labels) for data in (encoded, dense)]
    one, other = map(theta_of, models)
    assert_allclose(one, other, rtol=1e-8, atol=1e-11)


def test_float32_stays_float32():
    single = [x.astype(np.float32) for x in RAGGED]
    model = skip(single)
    assert model.skip_coef_.dtype == np.float32
    for x, p in zip(RAGGED, model.predict_proba(single), strict=True):
        assert p.dtype == np.float32
        expected = softmax(attributes.logits(model, x), axis=1)
        assert_allclose(p, expected, rtol=1e-4, atol=1e-6)


@networks
def test_loss_is_the_log_loss_plus_the_penalty_of_direct_weights(network):
    model = skip(alpha=0.0, **network)
    steps = np.concatenate(RAGGED)
    log_p = np.concatenate(list(model.predict_log_proba(RAGGED)))
    chosen = np.take_along_axis(log_p, np.concatenate(LABELS)[:, None], axis=1)
    squares = np.square(model.skip_coef_) * np.square(steps).mean(axis=0)[:, None]
    expected = -chosen.mean() + 0.5 * squares.sum() / (2 * len(steps))
    assert_allclose(model.loss_, expected, rtol=1e-11)


@pytest.mark.parametrize("strength", ["auto", 0.5])
@networks
def test_a_warm_start_goes_on_with_the_direct_weights(network, strength):
    parameters = {"warm_start": True, "max_iter": 8, "alpha": strength}
    model = skip(skip_alpha=strength, **parameters | network)
    before = model.loss_, model.skip_alpha_, model.alphas_
    model.fit(RAGGED, LABELS)
    assert model.loss_ < before[0]
    assert model.loss_curve_[0] < before[0]
    assert model.skip_alpha_ == before[1]
    assert_array_equal(model.alphas_, before[2])


@both
def test_a_warm_start_keeps_the_direct_weights(estimator):
    model = skip(warm_start=True, model=estimator)
    with pytest.raises(ValueError, match="warm_start continues with skip_connection"):
        model.set_params(skip_connection=False).fit(RAGGED, LABELS)


def test_a_refit_without_direct_weights_forgets_them():
    model = skip().set_params(skip_connection=False).fit(RAGGED, LABELS)
    assert_array_equal(theta_of(model), theta_of(fit(RAGGED, LABELS)))
    assert model.skip_coef_ is None
    assert model.skip_alpha_ is None


@both
def test_parameters_set_after_a_fit_change_no_prediction(estimator):
    model = skip(model=estimator)
    before = model.predict(RAGGED)
    model.set_params(skip_connection=False, skip_alpha=3.0, hidden_layer_sizes=(2,))
    for one, other in zip(before, model.predict(RAGGED), strict=True):
        assert_array_equal(one, other)


@both
def test_no_hidden_layer_needs_a_skip_connection(estimator):
    with pytest.raises(ValueError, match="or empty if skip_connection=True"):
        fit(RAGGED, LABELS, model=estimator, hidden_layer_sizes=())


@both
@pytest.mark.parametrize("value", [-1, np.inf, np.nan, "automatic", None])
def test_a_strength_is_not_negative(estimator, value):
    with pytest.raises(ValueError, match="skip_alpha"):
        skip(model=estimator, skip_alpha=value)


@both
def test_pickles(estimator):
    model = skip(model=estimator)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(theta_of(restored), theta_of(model))
    for one, other in zip(restored.predict(RAGGED), model.predict(RAGGED), strict=True):
        assert_array_equal(one, other)


@both
def test_the_search_ends_in_the_fit_with_the_strengths_found(estimator):
    automatic = {"alpha": "auto", "skip_alpha": "auto", "model": estimator}
    found = skip(**automatic)
    assert found.skip_alpha_ in strength.SKIP_ALPHAS
    assert found.alpha_ in found.alphas_
    given = {"alpha": found.alpha_, "skip_alpha": found.skip_alpha_}
    again = skip(model=estimator, **given)
    assert_array_equal(theta_of(found), theta_of(again))
    assert found.loss_ == again.loss_
    assert found.n_fun_ > again.n_fun_


def test_scikit_learn_searches_over_skip_connections():
    base = VanillaRNNClassifier(3, alpha=1, skip_alpha=1, max_iter=3, random_state=0)
    grid = [
        {"skip_connection": [False, True]},
        {"skip_connection": [True], "hidden_layer_sizes": [()]},
    ]
    search = GridSearchCV(base, grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# Reports, and stopping


def fit_until(stop, **parameters):
    """Fit until a callback stops it; return the model and all reports."""
    reports, plain = [], FitTask.reporting

    @contextmanager
    def reporting(self, *args):
        with plain(self, *args) as tell:

            def report(report):
                tell(report)
                reports.append(report)
                if stop(phase_of(reports)):
                    raise lbfgs.Stop("callback")

            yield report

    with mock.patch.object(FitTask, "reporting", reporting):
        return skip(alpha="auto", skip_alpha="auto", **parameters), reports


def phase_of(reports):
    """Return what is done at the last of all reports."""
    last = reports[-1]
    if not last.is_trial:
        return "fit"
    if last.strength == "alpha":
        return "alpha search"
    seen = any(report.strength == "alpha" for report in reports)
    return "linear start" if seen else "skip search"


PHASES = ["skip search", "alpha search", "linear start", "fit"]


@pytest.mark.parametrize("transitions", [False, True])
@pytest.mark.parametrize("phase", PHASES)
def test_a_callback_stops_the_fit_in_every_phase(phase, transitions):
    model, reports = fit_until(lambda now: now == phase, transitions=transitions)
    assert phase_of(reports) == phase
    assert [phase_of(reports[:i]) for i in range(1, len(reports))].count(phase) == 0
    assert model.stop_reason_ == "callback"
    log_p = model.sequence_log_proba(RAGGED, LABELS).sum() / len(np.concatenate(RAGGED))
    assert log_p > -np.log(3)
    assert model.loss_ < np.log(3)
    has_judged = phase in ("linear start", "fit")
    assert (model.alphas_ is not None) == has_judged


@pytest.mark.parametrize("network", [{}, {"hidden_layer_sizes": ()}], ids=str)
def test_phases_follow_each_other(network):
    model, reports = fit_until(lambda phase: False, **network)
    phases = [phase_of(reports[:i]) for i in range(1, len(reports) + 1)]
    expected = PHASES if not network else ["skip search", "fit"]
    assert list(dict.fromkeys(phases)) == expected
    assert phases.count("fit") == model.n_iter_
    assert len(reports) <= model._max_iterations()
    n_params = len(theta_of(model))
    assert {report.get_theta().shape for report in reports} == {(n_params,)}
    starts = [k for k in range(1, len(phases)) if phases[k] != phases[k - 1]]
    for first, last in zip([0, *starts], [*starts, len(phases)], strict=True):
        counts = [report.n_fun for report in reports[first:last]]
        assert counts == sorted(counts)
    assert reports[-1].n_fun == model.n_fun_


def test_reports_of_a_search_name_the_strength(capsys):
    skip(alpha="auto", skip_alpha="auto", verbose=2)
    lines = capsys.readouterr().out.splitlines()
    names = [line.split(" = ")[0] for line in lines]
    kinds = list(dict.fromkeys(names))
    assert kinds[:2] == ["skip_alpha", "alpha"]
    assert kinds[2].startswith("Iteration")


@pytest.mark.parametrize("max_fun", [1, 10, 60])
def test_all_phases_together_keep_max_fun(max_fun):
    model = skip(alpha="auto", skip_alpha="auto", max_fun=max_fun, max_iter=1000)
    # One evaluation is the least for a start and for a fit, and a line search ends.
    assert model.n_fun_ <= max_fun + 2
    assert model.stop_reason_ == "max_fun"


def test_a_linear_network_needs_no_search_of_hidden_strengths():
    model = skip(alpha="auto", skip_alpha="auto", hidden_layer_sizes=())
    assert model.alphas_ is None
    assert model.alpha_scores_ is None


def test_without_hidden_layers_the_flat_vector_is_the_linear_part():
    net = fixed_problem(hidden_layer_sizes=(), skip_connection=True).net
    theta = np.arange(float(net.n_parameters))
    assert_array_equal(net.linear_part(theta), theta)
