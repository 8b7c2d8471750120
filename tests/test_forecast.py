"""Outputs fed back as inputs, against the reference one step at a time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from reference import logits
from strategies import batches_of, networks, problems

from skrnn._network.forecast import forecast

FLOAT = np.dtype(np.float64)
OF_ITSELF = networks(outputs=("identity",)).map(
    lambda net: net._replace(
        n_directions=1, n_outputs=net.n_features, activation="tanh"
    )
)


@given(problems(nets=OF_ITSELF), st.integers(1, 4), st.sampled_from([1, 1024]))
def test_a_forecast_is_the_network_read_with_its_own_outputs(problem, n_steps, n):
    expected = []
    for x in problem.sequences:
        for _ in range(n_steps):
            x = np.r_[x, logits(x, problem.theta, problem.net)[-1:]]
        expected.append(x[-n_steps:])
    parameters = problem.net.unflatten(problem.theta)
    with batches_of(n):
        got = forecast(problem.net, parameters, problem.source, FLOAT, n_steps)
    assert_allclose(got, expected, rtol=1e-9, atol=1e-11)
