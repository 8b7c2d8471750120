"""Equal features share their weights, and rare ones get theirs by a last step."""

from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from strategies import SEEDS, SETTINGS, fixed_problem

from skrnn import VanillaRNNClassifier, VanillaRNNLanguageModel
from skrnn._network.data import inputs, packing
from skrnn._network.training import lbfgs, regularization, shared_weights
from skrnn._network.training.shared_weights import rare_feature_step, share_weights
from skrnn._network.training.train import InMemoryData, train

N_FEATURES = 12


@pytest.fixture(autouse=True)
def share_even_a_few():
    """Share the weights of more than five features; three steps make one frequent."""
    with mock.patch.multiple(shared_weights, MAX_FEATURES=5, MIN_STEPS=3):
        yield


def sparse_problem(seed=0, *, one_hot=False, **changes):
    """Draw steps of a few features each, many of them equal or rare."""
    rng = np.random.default_rng(seed)
    problem = fixed_problem(seed, (6, 5, 5, 4, 2), n_features=N_FEATURES, **changes)
    n_steps = sum(map(len, problem.sequences))
    if one_hot:
        frequent = rng.integers(N_FEATURES, size=n_steps) // rng.integers(1, 4, n_steps)
        X = np.eye(N_FEATURES)[frequent]
    else:
        few = rng.choice([0, 0, 1, -2.5], size=(n_steps, 4)) * (rng.random() < 0.9)
        rare = np.eye(n_steps)[:, rng.choice(n_steps, 5)]
        X = np.column_stack([few, rare, few[:, :2], np.zeros(n_steps)])
        X = np.ascontiguousarray(X[:, rng.permutation(N_FEATURES)])
    ends = np.cumsum([len(x) for x in problem.sequences])[:-1]
    return problem.replace(sequences=np.split(X, ends), as_sparse=bool(seed % 2))


def half_filled_is_sparse():
    """Store steps as sparse even if a tenth of their values are not zero."""
    return mock.patch.object(inputs, "_SPARSE_BELOW", 0.9)


def shared(problem, w=None, architecture=None):
    ids = packing.by_length(problem.source.lengths)
    w = problem.w if w is None else w
    with half_filled_is_sparse():
        return share_weights(problem.source, ids, w, architecture or problem.net)


def run(problem, **settings):
    settings = {"alpha": 1.0, "skip_alpha": 0.5, "max_iter": 8, **settings}
    with half_filled_is_sparse():
        return train(
            InMemoryData(problem.source, problem.y, problem.w),
            problem.net,
            np.dtype(np.float64),
            SETTINGS._replace(**settings),
            np.random.RandomState(0),
        )


def columns(problem):
    return np.concatenate(problem.sequences).T


@given(SEEDS, st.booleans(), st.booleans())
def test_equal_columns_are_one_variable(seed, one_hot, skip_connection):
    problem = sparse_problem(seed, one_hot=one_hot, skip_connection=skip_connection)
    found, X = shared(problem), columns(problem)
    n_seen = np.count_nonzero(X, axis=1)
    if not (n_seen >= 3).any():
        assert found is None
        return
    kept = n_seen >= (1 if skip_connection else 3)
    expected = {tuple(x) for x in X[kept]}
    assert found.matrix.shape == (N_FEATURES, len(expected))
    assert found.n_hidden == len({tuple(x) for x in X[n_seen >= 3]})
    assert_array_equal(found.is_rare, n_seen < 3)
    M = found.matrix.toarray()
    assert_array_equal(M.any(axis=1), kept)
    for variable, first in zip(M.T, found.first, strict=True):
        members = (X[first] == X).all(axis=1)
        assert_array_equal(variable != 0, members)
        assert_allclose(variable[members], members.sum() ** -0.5)
    # The first of them have hidden weights; both parts are in the order of features.
    for part in np.split(found.first, [found.n_hidden]):
        assert_array_equal(part, np.sort(part))


@given(SEEDS, st.booleans(), st.booleans())
def test_objective_and_gradient_are_those_of_equal_weights(
    seed, one_hot, skip_connection
):
    problem = sparse_problem(
        seed, one_hot=one_hot, skip_connection=skip_connection, n_directions=2
    )
    rng = np.random.RandomState(0)
    data = InMemoryData(problem.source, problem.y, problem.w)
    with (
        half_filled_is_sparse(),
        data.problem(problem.net, np.dtype(np.float64), 0.0, rng) as found,
    ):
        if found.shared is None:
            return
        net = found.objective.architecture
        theta = rng.normal(size=net.n_parameters)
        penalize(found.objective, found.features)
        loss, gradient = found.objective.loss_and_gradient(theta)
        whole = found.feature_objective()
        penalize(whole, found.original_features)
        full = found.to_original(theta)
        expected, expected_gradient = whole.loss_and_gradient(full)
        assert_allclose(loss, expected, rtol=1e-10)
        back = linear_map(found.shared, net).T @ expected_gradient
        assert_allclose(gradient, back, rtol=1e-8, atol=1e-12)
    assert_allclose(loss, problem.reference(full), rtol=1e-10)


def penalize(objective, features):
    net, alphas = objective.architecture, (0.3, 0.2)
    precisions = (
        regularization.precision(net, features),
        regularization.skip_precision(net, features),
    )
    objective.penalize(sum(a * p for a, p in zip(alphas, precisions, strict=True)))


def linear_map(found, net):
    """Return the Jacobian of `to_features`."""
    units = np.eye(net.n_parameters)
    return np.stack([found.to_features(net, unit) for unit in units], axis=1)


@given(SEEDS, st.sampled_from([0.01, 7.0]))
def test_weights_of_steps_do_not_count_as_occurrences(seed, factor):
    problem = sparse_problem(seed)
    found, scaled = shared(problem), shared(problem, factor * problem.w)
    if found is None:
        assert scaled is None
    else:
        assert_array_equal(found.matrix.toarray(), scaled.matrix.toarray())


def test_dense_steps_and_few_features_keep_their_weights():
    problem = sparse_problem(2)
    dense = problem.replace(sequences=[x + 1.0 for x in problem.sequences])
    assert shared(dense) is None
    with mock.patch.object(shared_weights, "MAX_FEATURES", N_FEATURES):
        assert shared(problem) is None
    with mock.patch.object(shared_weights, "MIN_STEPS", 1000):
        assert shared(problem) is None


def test_the_loss_is_the_objective_of_all_features():
    for seed in range(4):
        problem = sparse_problem(seed).replace(alpha=1.0)
        result = run(problem)
        assert_allclose(result.loss, problem.reference(result.theta), rtol=1e-9)
        assert result.best_loss <= result.loss + 1e-12
        assert result.features.scale.shape == (N_FEATURES,)


def test_rare_features_get_weights_by_a_last_step_that_lowers_the_loss():
    problem = sparse_problem(0)
    result = run(problem)
    W_xh = problem.net.unflatten(result.theta).layers[0].W_xh
    n_seen = np.count_nonzero(columns(problem), axis=1)
    is_rare = (n_seen > 0) & (n_seen < 3)
    assert is_rare.any()
    assert W_xh[is_rare].any(axis=1).all()
    assert_array_equal(W_xh[n_seen == 0], 0)
    assert result.loss < result.loss_curve[-1]
    # Without evaluations left, there is no step.
    before = run(problem, max_fun=9)
    assert before.n_fun == 9
    assert_array_equal(problem.net.unflatten(before.theta).layers[0].W_xh[is_rare], 0)


def test_beside_direct_weights_rare_features_have_no_hidden_weights():
    problem = sparse_problem(0, skip_connection=True)
    result = run(problem)
    parameters = problem.net.unflatten(result.theta)
    n_seen = np.count_nonzero(columns(problem), axis=1)
    is_rare = (n_seen > 0) & (n_seen < 3)
    assert_array_equal(parameters.layers[0].W_xh[is_rare], 0)
    assert parameters.W_xy[is_rare].any(axis=1).all()


def test_the_step_is_the_gradient_over_the_penalty():
    problem = sparse_problem(0)
    with problem.objective() as objective:
        objective.penalize(np.full(problem.net.n_parameters, 50.0))
        is_rare = np.arange(N_FEATURES) < 4
        theta = problem.theta.copy()
        problem.net.unflatten(theta).layers[0].W_xh[is_rare] = 0
        before, gradient = objective.loss_and_gradient(theta)
        found, loss, n_fun = rare_feature_step(objective, theta, is_rare, 10)
        expected = theta.copy()
        of_rare = problem.net.unflatten(expected).layers[0].W_xh
        slope = problem.net.unflatten(gradient).layers[0].W_xh
        of_rare[is_rare] = -slope[is_rare] * objective.total_weight / 50
        assert_allclose(found, expected, rtol=1e-12)
        assert_allclose(loss, objective.loss_and_gradient(found)[0], rtol=1e-12)
        assert loss < before
        assert n_fun == 2


def test_a_step_that_is_too_long_is_halved_and_one_without_penalty_not_made():
    problem = sparse_problem(0)
    is_rare = np.arange(N_FEATURES) < 8
    theta = problem.theta.copy()
    problem.net.unflatten(theta).layers[0].W_xh[is_rare] = 0
    with problem.objective() as objective:
        objective.penalize(np.full(problem.net.n_parameters, 0.5))
        before, _ = objective.loss_and_gradient(theta)
        found, loss, n_fun = rare_feature_step(objective, theta, is_rare, 30)
        assert n_fun > 2
        assert loss < before
        assert_allclose(loss, objective.loss_and_gradient(found)[0], rtol=1e-12)
        same, loss, n_fun = rare_feature_step(objective, theta, is_rare, 2)
        assert_array_equal(same, theta)
        assert (loss, n_fun) == (before, 2)
        objective.penalize(np.zeros(problem.net.n_parameters))
        same, _, n_fun = rare_feature_step(objective, theta, is_rare, 30)
        assert_array_equal(same, theta)
        assert n_fun == 1


def test_features_that_no_step_has_need_no_step():
    problem = sparse_problem(0)
    sequences = [x.copy() for x in problem.sequences]
    for x in sequences:
        x[:, :4] = 0
    problem = problem.replace(sequences=sequences)
    is_rare = np.arange(N_FEATURES) < 4
    theta = problem.theta.copy()
    problem.net.unflatten(theta).layers[0].W_xh[is_rare] = 0
    with problem.objective() as objective:
        same, loss, n_fun = rare_feature_step(objective, theta, is_rare, 30)
        assert_array_equal(same, theta)
        assert loss == objective.loss_and_gradient(theta)[0]
        assert n_fun == 1


class OneMatrix(NamedTuple):
    """A single sequence, lent and not copied."""

    X: sparse.csr_array

    @property
    def lengths(self):
        return np.array(self.X.shape[:1])

    def take(self, ids, dtype, memory=None):
        return self.X


def test_a_matrix_with_repeated_indices_is_read_and_left_as_it_is():
    rng = np.random.default_rng(0)
    columns = rng.integers(40, size=(50, 3))
    columns[:, 2] = columns[:, 0]  # their values are added
    data, starts = np.ones(150), np.arange(0, 151, 3)
    X = sparse.csr_array((data, columns.ravel(), starts), shape=(50, 40))
    indices, data = X.indices.copy(), X.data.copy()
    net = fixed_problem().net._replace(n_features=40)
    found = share_weights(OneMatrix(X), np.zeros(1, np.intp), np.ones(50), net)
    n_seen = np.count_nonzero(X.toarray(), axis=0)
    assert_array_equal(found.is_rare, n_seen < 3)
    assert_array_equal(X.indices, indices)
    assert_array_equal(X.data, data)


def words(n=60, seed=0):
    rng = np.random.default_rng(seed)
    numbers = [rng.zipf(1.7, size=rng.integers(3, 9)) % 40 for _ in range(n)]
    return [np.eye(40)[x] for x in numbers], [x % 3 for x in numbers]


def fit(X, y, **parameters):
    parameters = {"alpha": 1.0, "max_iter": 10, "random_state": 0, **parameters}
    model = VanillaRNNClassifier((4,), **parameters)
    with pytest.warns(match="max_iter"):
        return model.fit(X, y)


def test_sparse_and_dense_words_give_the_same_model():
    X, y = words()
    dense, as_csr = fit(X, y), fit([sparse.csr_array(x) for x in X], y)
    assert_allclose(dense.input_coefs_[0], as_csr.input_coefs_[0], rtol=1e-6, atol=1e-9)
    rare = np.concatenate(X).sum(axis=0) < 3
    assert rare.any()
    assert dense.feature_scale_.shape == (40,)
    assert np.isfinite(dense.predict_proba(X[:3])[0]).all()


def test_a_fit_that_continues_trains_the_weights_of_every_feature():
    X, y = words()
    model = fit(X, y, warm_start=True)
    with pytest.warns(match="max_iter"):
        model.fit(X, y)
    seen = np.concatenate(X).any(axis=0)
    assert model.input_coefs_[0][0][seen].any(axis=1).all()


def test_training_that_a_callback_stops_has_the_weights_of_that_iteration():
    kept = {}
    problem = sparse_problem(0)

    def report(progress):
        kept["theta"] = progress.get_theta()
        raise lbfgs.Stop("callback")

    with half_filled_is_sparse():
        result = train(
            InMemoryData(problem.source, problem.y, problem.w),
            problem.net,
            np.dtype(np.float64),
            SETTINGS._replace(alpha=1.0, max_iter=8),
            np.random.RandomState(0),
            report=report,
        )
    assert result.stop_reason == "callback"
    assert_array_equal(result.theta, kept["theta"])


def test_rare_tokens_of_a_language_model_have_weights_beside_ngrams():
    rng = np.random.default_rng(0)
    texts = [[f"{i % 30}" for i in rng.zipf(1.6, size=6)] for _ in range(20)]
    classifier = VanillaRNNClassifier((4,), alpha=1.0, skip_alpha=1.0, max_iter=5)
    with pytest.warns(match="max_iter"):
        model = VanillaRNNLanguageModel(classifier).fit(texts)
    (W_xh,) = model.classifier_.input_coefs_[0]
    assert len(W_xh) > shared_weights.MAX_FEATURES
    assert W_xh.any(axis=1).all()
