"""Beside direct weights, equal features share theirs, and rare ones have no others."""

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
from skrnn._network.training.shared_weights import share_weights
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
    changes = {"n_features": N_FEATURES, "skip_connection": True, **changes}
    problem = fixed_problem(seed, (6, 5, 5, 4, 2), **changes)
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


@given(SEEDS, st.booleans())
def test_equal_columns_are_one_variable(seed, one_hot):
    problem = sparse_problem(seed, one_hot=one_hot)
    found, X = shared(problem), columns(problem)
    n_seen = np.count_nonzero(X, axis=1)
    has_hidden = n_seen >= 3
    if not has_hidden.any():
        assert found is None
        return
    kept = n_seen > 0
    expected = {tuple(x) for x in X[kept]}
    assert found.matrix.shape == (N_FEATURES, len(expected))
    assert found.n_hidden == len({tuple(x) for x in X[has_hidden]})
    M = found.matrix.toarray()
    assert_array_equal(M.any(axis=1), kept)
    assert_array_equal(M[:, : found.n_hidden].any(axis=1), has_hidden)
    for variable, first in zip(M.T, found.first, strict=True):
        members = (X[first] == X).all(axis=1)
        assert_array_equal(variable != 0, members)
        assert_allclose(variable[members], members.sum() ** -0.5)
    # The first of them have hidden weights; both parts are in the order of features.
    for part in np.split(found.first, [found.n_hidden]):
        assert_array_equal(part, np.sort(part))


@given(SEEDS, st.booleans())
def test_objective_and_gradient_are_those_of_equal_weights(seed, one_hot):
    problem = sparse_problem(seed, one_hot=one_hot, n_directions=2)
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
        full = found.to_original(theta)
        with data._replace(shares_weights=False).problem(
            problem.net, np.dtype(np.float64), 0.0, rng
        ) as whole:
            penalize(whole.objective, found.original_features)
            expected, expected_gradient = whole.objective.loss_and_gradient(full)
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
    assert shared(problem) is not None


def test_the_loss_is_the_objective_of_all_features():
    for seed in range(4):
        problem = sparse_problem(seed).replace(alpha=1.0, skip_alpha=0.5)
        result = run(problem)
        assert_allclose(result.loss, problem.reference(result.theta), rtol=1e-9)
        assert result.best_loss <= result.loss + 1e-12
        assert result.features.scale.shape == (N_FEATURES,)


def test_without_direct_weights_every_feature_has_weights_of_its_own():
    problem = sparse_problem(0, skip_connection=False)
    assert shared(problem) is None
    W_xh = problem.net.unflatten(run(problem).theta).layers[0].W_xh
    X = columns(problem)
    assert (np.count_nonzero(X, axis=1) == 1).any()
    assert W_xh[X.any(axis=1)].all()


def test_beside_direct_weights_rare_features_have_no_hidden_weights():
    problem = sparse_problem(0)
    result = run(problem)
    parameters = problem.net.unflatten(result.theta)
    n_seen = np.count_nonzero(columns(problem), axis=1)
    is_rare = (n_seen > 0) & (n_seen < 3)
    assert_array_equal(parameters.layers[0].W_xh[is_rare], 0)
    assert parameters.W_xy[is_rare].any(axis=1).all()


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
    net = fixed_problem(skip_connection=True).net._replace(n_features=40)
    found = share_weights(OneMatrix(X), np.zeros(1, np.intp), np.ones(50), net)
    n_seen = np.count_nonzero(X.toarray(), axis=0)
    assert_array_equal(found.matrix.toarray().any(axis=1), n_seen > 0)
    assert_array_equal(X.indices, indices)
    assert_array_equal(X.data, data)


def words(n=60, seed=0):
    rng = np.random.default_rng(seed)
    numbers = [rng.zipf(1.7, size=rng.integers(3, 9)) % 40 for _ in range(n)]
    return [np.eye(40)[x] for x in numbers], [x % 3 for x in numbers]


def fit(X, y, **parameters):
    parameters = {"alpha": 1.0, "max_iter": 10, "random_state": 0, **parameters}
    model = VanillaRNNClassifier((4,), skip_connection=True, **parameters)
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
        if not progress.is_trial:
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
