"""The weights that training starts from."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import blocks

from skrnn._network.model.parameters import Architecture
from skrnn._network.training import initialization
from skrnn._network.training.regularization import FeatureStats

NET = Architecture(6, (40, 30), 2, 5, "tanh")


# So many features that no two steps share one, as far as the start is concerned.
FEW_SHARED = np.full(NET.n_features, 0.2)


def draw(net=NET, scale=None, share=FEW_SHARED, seed=0):
    scale = np.ones(net.n_features) if scale is None else scale
    features = FeatureStats.of(scale, share)
    return initialization.initial_parameters(net, features, np.random.RandomState(seed))


def named(name, **options):
    return [
        block for key, block in blocks(draw(**options), NET).items() if key[0] == name
    ]


def test_recurrent_weights_are_orthogonal_times_the_gain():
    gain = initialization._RECURRENT_GAIN
    for W_hh in named("W_hh"):
        assert_allclose(W_hh @ W_hh.T, gain**2 * np.eye(len(W_hh)), atol=1e-12)


def test_biases_are_zero():
    for b in (*named("b_h"), *named("b_y")):
        assert_array_equal(b, 0)


def test_input_weights_are_small_where_features_are_large():
    scale = np.array([1.0, 2.0, 0.5, 1e3, 1e-3, 1.0])
    unit, scaled = draw(), draw(scale=scale)
    for name, block in blocks(unit, NET).items():
        other = blocks(scaled, NET)[name]
        if name[:2] == ("W_xh", 0):
            assert_allclose(other * scale[:, None], block, rtol=1e-12)
        else:
            assert_array_equal(other, block)


def test_input_weights_are_small_where_hardly_a_step_has_the_feature():
    rare = initialization._RARE
    share = np.array([0.2, rare, 3 * rare, 0.0, 0.2, 0.2])
    common = draw(share=np.full(6, 0.2))
    factors = np.sqrt(share / (share + rare) * (0.2 + rare) / 0.2)
    for name, block in blocks(draw(share=share), NET).items():
        expected = blocks(common, NET)[name]
        if name[:2] == ("W_xh", 0):
            expected = expected * factors[:, None]
        assert_allclose(block, expected, rtol=1e-12)


def test_input_weights_are_small_where_steps_share_features():
    common = blocks(draw(share=np.ones(6) / 6**0.5), NET)  # one shared, that is
    shared = blocks(draw(share=np.ones(6)), NET)
    rare = initialization._RARE
    factor = 6**-initialization._SHARED_POWER
    factor *= np.sqrt((1 + rare * 6**0.5) / (1 + rare))
    for direction in range(2):
        name = ("W_xh", 0, direction)
        assert_allclose(shared[name], factor * common[name], rtol=1e-12)


def test_weights_have_the_deviation_of_their_fan_in():
    deviations = {
        ("W_xh", 0): initialization._INPUT_SCALE,
        ("W_xh", 1): 1 / np.sqrt(80),
        ("W_hy",): initialization._OUTPUT_SCALE / np.sqrt(60),
    }
    for name, block in blocks(draw(), NET).items():
        if name[:2] in deviations:
            # The deviation of n draws is known to about 1 / sqrt(2 n).
            tolerance = 5 / np.sqrt(2 * block.size)
            assert_allclose(block.std(), deviations[name[:2]], rtol=tolerance)


def test_directions_start_from_different_weights():
    for name in ("W_xh", "W_hh"):
        one, other, *_ = named(name)
        assert not np.allclose(one, other)


def test_the_random_state_decides():
    assert_array_equal(draw(), draw())
    assert not np.array_equal(draw(), draw(seed=1))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_orthogonal_matrices_are_uniform_over_rotations_and_reflections(n):
    rng = np.random.RandomState(0)
    matrices = np.array([initialization._orthogonal(n, rng) for _ in range(4000)])
    # The bare Q of a QR decomposition has a diagonal that leans to one sign.
    assert_allclose(matrices.mean(axis=0), 0, atol=0.08)
    assert_allclose((np.linalg.det(matrices) > 0).mean(), 0.5, atol=0.05)
