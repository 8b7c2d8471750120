"""The objective and its gradient against the reference network."""

import numpy as np
import pytest
import reference
from hypothesis import assume, given
from numpy.testing import assert_allclose
from strategies import NETS, SEEDS, fixed_problem, problems

from skrnn._network.data.inputs import OneHot

RELU = NETS.map(lambda net: net._replace(activation="relu"))


def complex_step(problem, v, h=1e-30):
    return problem.reference(problem.theta + 1j * h * v).imag / h


def assert_is_slope(gradient, v, slope, tolerance):
    """Hold the error of gradient @ v below its share of the longest slope possible."""
    longest = np.linalg.norm(gradient[v != 0]) * np.linalg.norm(v)
    assert abs(gradient @ v - slope) <= tolerance * longest + 1e-14


@given(problems())
def test_objective_is_that_of_the_reference(problem):
    loss, _ = problem.loss_and_gradient()
    assert_allclose(loss, problem.reference(problem.theta), rtol=1e-12, atol=1e-14)


@given(problems(), SEEDS)
def test_gradient_is_the_slope_in_every_direction(problem, seed):
    v = np.random.default_rng(seed).normal(size=len(problem.theta))
    _, gradient = problem.loss_and_gradient()
    assert_is_slope(gradient, v, complex_step(problem, v), tolerance=1e-11)


@given(problems(), SEEDS)
def test_gradient_is_the_slope_in_every_block(problem, seed):
    rng = np.random.default_rng(seed)
    _, gradient = problem.loss_and_gradient()
    places = np.arange(len(problem.theta))
    for block in reference.blocks(places, problem.net).values():
        v = np.zeros(len(problem.theta))
        v[block.ravel()] = rng.normal(size=block.size)
        assert_is_slope(gradient, v, complex_step(problem, v), tolerance=1e-11)


@given(problems(nets=RELU), SEEDS)
def test_gradient_of_relu_is_the_central_difference_away_from_kinks(problem, seed):
    v = np.random.default_rng(seed).normal(size=len(problem.theta))
    all_sums = [
        a.ravel()
        for x in problem.sequences
        for a in reference.sums(x, problem.theta, problem.net)
    ]
    assume(all(np.abs(sums).min() > 1e-3 for sums in all_sums))
    _, gradient = problem.loss_and_gradient()
    h = 1e-6
    above, below = (problem.reference(problem.theta + e * v) for e in (h, -h))
    # Differences lose half of the digits.
    assert_is_slope(gradient, v, (above - below) / (2 * h), tolerance=1e-5)


@pytest.mark.parametrize("n_directions", [1, 2])
def test_every_component_of_the_gradient_is_a_slope(n_directions):
    problem = fixed_problem(n_directions=n_directions, hidden_layer_sizes=(3, 2))
    _, gradient = problem.loss_and_gradient()
    slopes = [complex_step(problem, v) for v in np.eye(len(problem.theta))]
    assert_allclose(gradient, slopes, rtol=1e-11, atol=1e-14)


@given(problems())
def test_evaluation_writes_to_nothing_it_is_given(problem):
    with problem.objective() as objective:
        problem.theta.flags.writeable = False
        for batch in objective.loss_sum.batches:
            for array in (*numbers_of(batch.X), batch.y, batch.w, objective.penalty):
                array.flags.writeable = False
        first = objective.loss_and_gradient(problem.theta)
        second = objective.loss_and_gradient(problem.theta)
    assert first[0] == second[0]
    assert np.array_equal(first[1], second[1])


def numbers_of(X):
    """Return the arrays that hold a batch's steps, whatever their form."""
    if isinstance(X, np.ndarray):
        return [X]
    if isinstance(X, OneHot):
        return [X.columns, *numbers_of(X.transposed)]
    return [X.data, X.indices, X.indptr]
