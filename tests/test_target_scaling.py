"""Units of targets: learned from weighted steps, folded into the last weights."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import SEEDS, fixed_problem

from skrnn._network.training.target_scaling import TargetScaler

Y = np.random.default_rng(0).normal([3.0, -50.0], [0.1, 7.0], size=(40, 2))
SKIP = {"skip_connection": True}
W = np.random.default_rng(1).choice([0.0, 0.5, 2.0], size=40)


def test_standardized_targets_have_mean_0_and_variance_1():
    z = TargetScaler.fit(Y, W).standardize(Y)
    assert_allclose(np.average(z, axis=0, weights=W), 0, atol=1e-12)
    assert_allclose(np.average(z**2, axis=0, weights=W), 1, rtol=1e-12)


def test_steps_of_weight_0_have_no_say():
    other = Y.copy()
    other[W == 0] = 1e6
    for one, two in zip(
        TargetScaler.fit(other, W), TargetScaler.fit(Y[W > 0], W[W > 0]), strict=True
    ):
        assert_array_equal(one, two)


@given(st.floats(-290, 300), st.floats(-3, 3))
def test_the_unit_follows_the_numbers(exponent, shift):
    factor = 10.0**exponent
    mean, scale = TargetScaler.fit(Y, W)
    shifted = TargetScaler.fit((Y + shift) * factor, W)
    assert_allclose(shifted.mean, (mean + shift) * factor, rtol=1e-9)
    assert_allclose(shifted.scale, scale * factor, rtol=1e-9)


@pytest.mark.parametrize("value", [0.1, -7e-300, 1e300, 0.0])
def test_a_constant_has_its_own_size(value):
    target_scaler = TargetScaler.fit(np.full((7, 1), value), np.full(7, 0.3))
    assert target_scaler.scale == (abs(value) or 1.0)
    assert_allclose(target_scaler.standardize(np.full((7, 1), value)), 0, atol=1e-15)


@given(SEEDS, st.sampled_from([{}, SKIP, SKIP | {"hidden_layer_sizes": ()}]))
def test_folded_weights_predict_in_the_numbers_of_y(seed, network):
    problem = fixed_problem(seed, n_outputs=2, output="identity", **network)
    target_scaler = TargetScaler.fit(Y, W)
    (x, *_), net = problem.sequences, problem.net
    folded = target_scaler.to_original(net, problem.theta)
    expected = target_scaler.mean + target_scaler.scale * reference.logits(
        x, problem.theta, net
    )
    assert_allclose(reference.logits(x, folded, net), expected, rtol=1e-9, atol=1e-9)
    assert_allclose(
        target_scaler.from_original(net, folded), problem.theta, rtol=1e-9, atol=1e-9
    )


def test_without_a_unit_nothing_changes():
    problem = fixed_problem()
    target_scaler = TargetScaler.identity(problem.net.n_outputs)
    for change in (target_scaler.to_original, target_scaler.from_original):
        assert_array_equal(change(problem.net, problem.theta), problem.theta)
