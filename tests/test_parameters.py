"""Named arrays and the flat vector: one order, known to one module."""

import numpy as np
import reference
from hypothesis import given
from numpy.testing import assert_array_equal, assert_equal
from strategies import NETS, networks

from skrnn._network.model.parameters import Architecture, allowed_of


@given(NETS)
def test_flatten_undoes_unflatten(net):
    theta = np.arange(float(net.n_parameters))
    assert_array_equal(net.flatten(net.unflatten(theta)), theta)


@given(NETS)
def test_every_parameter_has_a_name(net):
    theta = np.zeros(net.n_parameters)
    for array in net.unflatten(theta).arrays():
        array += 1
    assert_array_equal(theta, 1)


@given(NETS)
def test_names_are_those_of_the_reference(net):
    theta = np.arange(float(net.n_parameters))
    named = reference.blocks(theta, net)
    layers, W_hy, b_y, W_xy, chain, pairs = net.unflatten(theta)
    for i, (W_xh, W_hh, b_h) in enumerate(layers):
        for d, columns in enumerate(np.split(np.arange(len(b_h)), net.n_directions)):
            assert_array_equal(W_xh[:, columns], named["W_xh", i, d])
            assert_array_equal(W_hh[d], named["W_hh", i, d])
            assert_array_equal(b_h[columns], named["b_h", i, d])
    assert_array_equal(W_hy, named["W_hy",])
    assert_array_equal(b_y, named["b_y",])
    assert (W_xy is None) == (not net.skip_connection)
    assert (chain is None) == (not net.transitions)
    assert pairs is None
    if W_xy is not None:
        assert_array_equal(W_xy, named["W_xy",])
    for scores, name in zip(chain or (), ("A", "start", "end"), strict=False):
        assert_array_equal(scores, named[name,])


def test_weights_of_pairs_lie_between_direct_weights_and_the_chain():
    net = Architecture(
        2, (), 1, 3, "tanh", skip_connection=True, transitions=True, n_pairs=4
    )
    theta = np.arange(float(net.n_parameters))
    parameters = net.unflatten(theta)
    assert_array_equal(parameters.pairs, theta[3 + 6 : 3 + 6 + 4])
    assert_array_equal(net.flatten(parameters), theta)


@given(networks(chains=(True,), outputs=("softmax",)))
def test_forbidden_transitions_are_minus_infinity_and_0_in_the_flat_vector(net):
    theta = np.arange(1.0, net.n_parameters + 1)
    parameters = net.parameters(theta)
    for scores, expected in zip(
        parameters.chain, reference.chain(theta, net), strict=True
    ):
        assert_array_equal(scores, expected)
    flat = net.flatten(parameters)
    is_forbidden = np.concatenate([a.ravel() for a in parameters.arrays()]) == -np.inf
    assert_array_equal(flat, np.where(is_forbidden, 0, theta))
    assert_array_equal(theta, np.arange(1.0, net.n_parameters + 1))
    cast = net.cast(parameters, np.dtype(np.float32))
    for scores, expected in zip(cast.chain, parameters.chain, strict=True):
        assert scores.dtype == np.float32
        assert_array_equal(scores, expected)
    assert allowed_of(parameters.chain) == net.allowed


@given(NETS)
def test_the_linear_part_is_the_network_without_hidden_layers(net):
    theta = np.arange(float(net.n_parameters))
    linear = net.without_hidden
    assert linear.hidden_layer_sizes == ()
    found = linear.unflatten(net.linear_part(theta))
    expected = net.unflatten(theta)
    assert_array_equal(found.b_y, expected.b_y)
    assert_equal(found.W_xy, expected.W_xy)
    assert_equal(found.chain, expected.chain)
    changed = net.with_linear_part(theta, -np.ones(linear.n_parameters))
    n_hidden = net.n_parameters - linear.n_parameters
    assert_array_equal(changed[:n_hidden], theta[:n_hidden])
    assert_array_equal(changed[n_hidden:], -1)
    assert_array_equal(theta, np.arange(float(net.n_parameters)))


def test_flatten_makes_float64_of_its_own():
    net = Architecture(2, (3,), 1, 2, "tanh")
    theta = np.ones(net.n_parameters, dtype=np.float32)
    flat = net.flatten(net.unflatten(theta))
    flat[:] = 0
    assert flat.dtype == np.float64
    assert_array_equal(theta, 1)


def test_sizes_of_a_stacked_two_way_network():
    net = Architecture(5, (3, 2), 2, 4, "tanh")
    first, second = 5 * 6 + 2 * 9 + 6, 6 * 4 + 2 * 4 + 4
    assert net.n_parameters == first + second + 4 * 4 + 4
    assert net.n_recurrent == 2 * 9 + 2 * 4
