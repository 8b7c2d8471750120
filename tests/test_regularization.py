"""The units of the prior."""

import numpy as np
import pytest
import reference
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from strategies import DEVIATIONS, NETS, fixed_problem, problems

from skrnn._network.training import regularization


def features_of(X, w=None):
    w = np.ones(len(X)) if w is None else np.asarray(w, dtype=float)
    problem = fixed_problem().replace(
        sequences=list(np.asarray(X)[:, None]), weights=list(w[:, None])
    )
    problem = problem.replace(labels=[np.zeros(1, int)] * len(X))
    return regularization.feature_stats(problem.batches())


def scale_of(X, w=None):
    return features_of(X, w).scale


@given(problems())
def test_features_are_those_of_the_reference(problem):
    found = regularization.feature_stats(problem.batches())
    scale, share = reference.features(problem.sequences, problem.weights)
    assert_allclose(found.scale, scale, rtol=1e-12)
    assert_allclose(found.frequency, share, rtol=1e-12)


def test_one_hot_features_have_size_1():
    assert_allclose(scale_of(np.eye(4)[[0, 1, 1, 3]]), 1.0)


def test_standardized_features_have_the_root_of_their_number_as_size():
    X = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    assert_allclose(scale_of(X), np.sqrt(2))


def test_steps_share_the_features_that_both_have():
    # Of two steps, taken at random, both have the first feature, and one time in
    # four the second.
    assert features_of([[1.0, 0.0, 0.0], [2.0, 3.0, 0.0]]).expected_overlap == 1.25
    assert features_of(np.ones((5, 7))).expected_overlap == 7


def test_one_hot_steps_share_what_counts_as_one_feature():
    assert features_of(np.eye(4)).expected_overlap == 1


def test_weights_of_shared_features_are_expected_to_be_smaller():
    features = regularization.FeatureStats.of(
        np.array([1.0, 2.0]), frequency=np.array([1.0, 1.0])
    )
    assert_allclose(features.penalty_scale, np.sqrt(2) * features.scale)


def test_a_feature_that_is_always_zero_counts_as_one_of_size_1():
    assert_allclose(scale_of([[3.0, 0.0], [3.0, 0.0]]), [3.0, 1.0])
    assert_allclose(scale_of([[0.0, 0.0]]), [1.0, 1.0])


def test_steps_count_by_their_weight():
    X = np.array([[1.0, 2.0], [4.0, 0.0], [7.0, 7.0]])
    copies = X[[0, 0, 0, 1]]
    assert_allclose(scale_of(X, [3, 1, 0]), scale_of(copies))


def test_size_follows_the_unit_of_a_feature():
    X = np.random.default_rng(0).normal(size=(9, 2))
    assert_allclose(scale_of(X * [1, 1000]), scale_of(X) * [1, 1000])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_features_do_not_overflow_in_float32(dtype):
    batch = fixed_problem().batches(dtype)[0]
    for X in (
        np.full((3, 2), 1e25, dtype),
        sparse.csr_array(np.full((3, 2), 1e25, dtype)),
    ):
        scale = regularization.feature_stats(
            [batch._replace(X=X, w=np.ones(3, dtype))]
        ).scale
        assert_allclose(scale, np.sqrt(2) * 1e25, rtol=1e-6)


@given(NETS)
def test_precision_is_that_of_the_reference(net):
    scale, share = np.linspace([0.5, 1], [3, 0.9], net.n_features).T
    features = regularization.FeatureStats.of(scale, share)
    c = regularization.precision(net, features)
    for name, block in reference.blocks(c, net).items():
        expected = reference.precision(name, block, scale, share, *DEVIATIONS)
        assert_allclose(block, np.broadcast_to(expected, block.shape), rtol=1e-12)


@given(NETS)
def test_precision_of_direct_weights_and_transitions_is_that_of_the_reference(net):
    scale, share = np.linspace([0.5, 1], [3, 0.9], net.n_features).T
    features = regularization.FeatureStats.of(scale, share)
    c = regularization.skip_precision(net, features)
    for name, block in reference.blocks(c, net).items():
        expected = reference.skip_precision(name, scale, share)
        assert_allclose(block, np.broadcast_to(expected, block.shape), rtol=1e-12)


def test_direct_weights_of_binary_features_have_precision_1():
    net = fixed_problem(skip_connection=True, n_features=3).net
    features = features_of([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    c = regularization.skip_precision(net, features)
    assert_allclose(reference.blocks(c, net)["W_xy",], 1)


@given(NETS)
def test_biases_are_free(net):
    features = regularization.FeatureStats.of(
        np.ones(net.n_features), np.ones(net.n_features)
    )
    of_hidden, of_others = (
        reference.blocks(f(net, features), net)
        for f in (regularization.precision, regularization.skip_precision)
    )
    for name, block in of_hidden.items():
        is_other = name[0] in ("W_xy", "A", "start", "end")
        is_free = name[0] in ("b_h", "b_y")
        assert_array_equal(block == 0, is_free or is_other)
        assert_array_equal(of_others[name] == 0, not is_other)
