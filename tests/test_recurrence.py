"""One direction of one layer, worked by hand."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skrnn._network.data.packing import iter_steps
from skrnn._network.model import recurrence

# Two sequences of one unit, of two steps and of one: rows a0 b0 | a1.
OFFSETS = [0, 2, 3]
W_HH = np.array([[0.5]])


def states(A, activation, *, from_end):
    H = np.array(A, dtype=float)[:, None]
    scratch = np.empty((2, 1))
    recurrence.forward(
        H, W_HH, OFFSETS, scratch, activation=activation, from_end=from_end
    )
    return H[:, 0]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_state_is_f_of_the_input_and_the_state_before(activation):
    def f(a):
        return np.tanh(a) if activation == "tanh" else max(a, 0)

    a0, b0, a1 = states([0.3, -0.2, 0.4], activation, from_end=False)
    assert_allclose([a0, b0], [f(0.3), f(-0.2)])
    assert_allclose(a1, f(0.4 + 0.5 * a0))


def test_the_backward_direction_starts_at_each_sequences_own_last_step():
    a0, b0, a1 = states([0.3, -0.2, 0.4], "tanh", from_end=True)
    assert_allclose([a1, b0], np.tanh([0.4, -0.2]))
    assert_allclose(a0, np.tanh(0.3 + 0.5 * a1))


@pytest.mark.parametrize("from_end", [False, True])
def test_backward_is_the_chain_rule(from_end):
    slopes = np.array([0.9, 0.8, 0.7])
    dA = np.array([1.0, 2.0, 3.0])[:, None]
    steps = list(iter_steps(OFFSETS, from_end=from_end, against_reading=True))
    n = recurrence.backward(dA, slopes[:, None], W_HH, steps, np.empty((2, 1)), 0)
    assert n == 0
    if from_end:
        expected = [0.9 * 1, 0.8 * 2, 0.7 * (3 + 0.5 * 0.9 * 1)]
    else:
        expected = [0.9 * (1 + 0.5 * 0.7 * 3), 0.8 * 2, 0.7 * 3]
    assert_allclose(dA[:, 0], expected)


def test_recurrent_weights_run_from_the_state_before_to_the_state_now():
    H = np.array([[1.0, 0.0], [0.0, 0.0]])
    W_hh = np.array([[0.0, 2.0], [0.0, 0.0]])  # from unit 0 to unit 1
    scratch = np.empty((1, 2))
    recurrence.forward(H, W_hh, [0, 1, 2], scratch, activation="relu", from_end=False)
    assert_array_equal(H, [[1.0, 0.0], [0.0, 2.0]])


def test_slope_of_tanh_is_one_less_its_square():
    H = np.array([[0.0, 0.5, -0.5]])
    assert_allclose(recurrence.slope(H, "tanh", np.empty((1, 3))), [[1, 0.75, 0.75]])


def test_slope_of_relu_is_one_where_it_is_positive():
    H = np.array([[0.0, 0.5]])
    assert_array_equal(recurrence.slope(H, "relu", np.empty((1, 2))), [[0.0, 1.0]])


@pytest.mark.parametrize("from_end", [False, True])
def test_the_steps_of_a_long_sequence_need_no_memory_of_their_own(from_end):
    n_steps = 20_000
    A, offsets = np.zeros((n_steps, 1)), list(range(n_steps + 1))
    tracemalloc.start()
    try:
        recurrence.forward(
            A, W_HH, offsets, np.empty((1, 1)), activation="tanh", from_end=from_end
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < n_steps
