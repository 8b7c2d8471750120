"""The whole network on a batch, against the reference."""

from unittest.mock import patch

import numpy as np
from hypothesis import given
from numpy.testing import assert_allclose
from reference import logits, states
from strategies import fixed_problem, problems

from skrnn._network.model import network
from skrnn._network.training.objective import sum_of_gradients
from skrnn._network.workspace import Workspace


def forward(problem, batch):
    space = Workspace(np.dtype(np.float64))
    parameters = problem.net.unflatten(problem.theta)
    return network.forward(parameters, batch, problem.net.activation, space)


@given(problems())
def test_states_and_logits_are_those_of_the_reference(problem):
    expected_H, expected_L = (
        np.concatenate([f(x, problem.theta, problem.net) for x in problem.sequences])
        for f in (states, logits)
    )
    for batch in problem.batches():
        H, L = forward(problem, batch)
        if problem.net.hidden_layer_sizes:
            assert_allclose(H[-1], expected_H[batch.steps], rtol=1e-11, atol=1e-13)
        assert_allclose(L, expected_L[batch.steps], rtol=1e-11, atol=1e-12)


def test_a_workspace_lends_the_same_memory_to_every_batch_that_fits():
    space = Workspace(np.dtype(np.float32))
    large, small = space.rows("H", 10, 4), space.rows("H", 3, 4)
    assert small.shape == (3, 4)
    assert small.dtype == np.float32
    assert np.shares_memory(large, small)
    assert not np.shares_memory(large, space.rows("L", 10, 4))
    assert not np.shares_memory(large, space.rows("H", 11, 4))


def test_what_a_workspace_held_before_does_not_matter():
    problem = fixed_problem(n_directions=2, hidden_layer_sizes=(3, 2))
    (batch,) = problem.batches()
    parameters = problem.net.unflatten(problem.theta)
    space = Workspace(np.dtype(np.float64))
    results = []
    for _ in range(2):
        H, L = network.forward(parameters, batch, "tanh", space)
        gradient = np.full(problem.net.n_parameters, np.nan)
        dL = np.ones_like(L)
        named = problem.net.unflatten(gradient)
        network.backward(parameters, batch, "tanh", space, H, dL, named)
        results.append((L.copy(), gradient))
        for buffer in space._buffers.values():
            buffer[:] = np.nan
    for first, second in zip(*results, strict=True):
        assert_allclose(first, second, rtol=0, atol=0)


@given(problems())
def test_gradients_do_not_depend_on_the_blocks_of_steps(problem):
    def gradient(n_states):
        space = Workspace(np.dtype(np.float64))
        with patch.object(network, "_BLOCK_STATES", n_states):
            return sum_of_gradients(
                problem.net, problem.theta, problem.batches(), space
            )[1]

    assert_allclose(gradient(5), gradient(1 << 20), rtol=1e-10, atol=1e-13)


def test_directions_are_columns_side_by_side():
    assert network.directions(np.empty((2, 3, 3))) == [slice(0, 3), slice(3, 6)]
