"""Named arrays and the flat vector: one order, known to one module."""

import numpy as np
import reference
from hypothesis import given
from numpy.testing import assert_array_equal
from strategies import NETS

from skrnn._network.model.parameters import Architecture


@given(NETS)
def test_flatten_undoes_unflatten(net):
    theta = np.arange(float(net.n_parameters))
    assert_array_equal(net.flatten(net.unflatten(theta)), theta)


@given(NETS)
def test_every_parameter_has_a_name(net):
    theta = np.zeros(net.n_parameters)
    layers, W_hy, b_y = net.unflatten(theta)
    for array in (*(a for layer in layers for a in layer), W_hy, b_y):
        array += 1
    assert_array_equal(theta, 1)


@given(NETS)
def test_names_are_those_of_the_reference(net):
    theta = np.arange(float(net.n_parameters))
    named = reference.blocks(theta, net)
    layers, W_hy, b_y = net.unflatten(theta)
    for i, (W_xh, W_hh, b_h) in enumerate(layers):
        for d, columns in enumerate(np.split(np.arange(len(b_h)), net.n_directions)):
            assert_array_equal(W_xh[:, columns], named["W_xh", i, d])
            assert_array_equal(W_hh[d], named["W_hh", i, d])
            assert_array_equal(b_h[columns], named["b_h", i, d])
    assert_array_equal(W_hy, named["W_hy",])
    assert_array_equal(b_y, named["b_y",])


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
