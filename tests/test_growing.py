"""A start that parts of the data find, where data are many."""

from contextlib import ExitStack
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from strategies import fit, fixed_problem

from skrnn._network import growing
from skrnn.datasets import make_recall

STAGES = ((4, 6), (2, 3))


def parts_of(problem, stack):
    """Return the objectives of every k-th sequence, and a list of the k asked for."""
    asked = []

    def part(k):
        asked.append(k)
        fewer = problem.replace(
            sequences=problem.sequences[::k],
            labels=problem.labels[::k],
            weights=problem.weights[::k],
        )
        return stack.enter_context(fewer.objective())

    return part, asked


def grow(problem, **changes):
    options = {"max_fun": 1000, "tol": 1e-12, "max_corrections": 5} | changes
    with ExitStack() as stack:
        part, asked = parts_of(problem, stack)
        objective = stack.enter_context(problem.objective())
        s, penalty = np.ones_like(problem.theta), objective.penalty
        with mock.patch.object(growing, "_STAGES", STAGES):
            theta, n_fun = growing.grow(part, penalty, problem.theta, s, **options)
    return theta, asked, n_fun


PROBLEM = fixed_problem(lengths=[4] * 12)


def test_parts_grow_and_their_objective_falls():
    theta, asked, _ = grow(PROBLEM)
    assert asked == [4, 2]
    with ExitStack() as stack:
        objective = parts_of(PROBLEM, stack)[0](2)
        before, after = (objective.loss_and_gradient(v) for v in (PROBLEM.theta, theta))
    assert after[0] < before[0]


def test_evaluations_are_counted_in_those_of_all_data():
    counts = []
    plain = growing.lbfgs.minimise

    def counted(*args, **kwargs):
        solution = plain(*args, **kwargs)
        counts.append(solution.n_fun)
        return solution

    with mock.patch.object(growing.lbfgs, "minimise", counted):
        *_, n_fun = grow(PROBLEM)
    assert n_fun == np.ceil(counts[0] / 4 + counts[1] / 2)


def test_evaluations_stay_within_their_limit():
    *_, n_fun = grow(PROBLEM, max_fun=2)
    assert n_fun <= 2


def test_a_part_has_the_penalty_of_all_data():
    penalty = np.linspace(0, 1, len(PROBLEM.theta))
    with PROBLEM.objective() as objective:
        growing.grow(
            lambda k: objective,
            penalty,
            PROBLEM.theta,
            np.ones_like(penalty),
            max_fun=99,
            tol=1e-3,
            max_corrections=3,
        )
        assert_array_equal(objective.penalty, penalty)


# Through the estimator


@pytest.fixture
def few():
    """Let forty sequences be many."""
    with mock.patch.object(growing, "MANY", 39):
        yield


def data(n_sequences=40):
    return make_recall(n_sequences, n_steps=6, lag=1, random_state=0, return_X_y=True)


@pytest.mark.usefixtures("few")
def test_many_sequences_start_from_parts():
    X, y = data()
    with mock.patch.object(growing, "_STAGES", ()):
        alone = fit(X, y, max_iter=1)
    grown = fit(X, y, max_iter=1)
    assert grown.loss_ < alone.loss_
    assert grown.n_fun_ > alone.n_fun_
    assert len(grown.loss_curve_) == grown.n_iter_ == 1


@pytest.mark.usefixtures("few")
def test_as_many_as_the_limit_do_not():
    X, y = data()
    with mock.patch.object(growing, "MANY", 40):
        expected = fit(X, y, max_iter=2)
    with (
        mock.patch.object(growing, "_STAGES", ()),
        mock.patch.object(growing, "MANY", 40),
    ):
        assert_array_equal(fit(X, y, max_iter=2).loss_curve_, expected.loss_curve_)


@pytest.mark.usefixtures("few")
def test_a_warm_start_goes_on_where_it_was():
    X, y = data()
    model = fit(X, y, max_iter=2, warm_start=True)
    before = model.loss_
    with pytest.warns(ConvergenceWarning):
        model.set_params(max_iter=1).fit(X, y)
    assert model.n_fun_ < 5
    assert model.loss_ <= before


@pytest.mark.usefixtures("few")
def test_weight_two_is_two_copies_and_weight_zero_is_absence():
    X, y = data(50)
    w = np.where(np.arange(50) < 40, 1.0, np.where(np.arange(50) < 45, 0.0, 2.0))
    weighted = fit(X, y, w, max_iter=5)
    kept = np.repeat(np.arange(50), w.astype(int))
    copied = fit(X[kept], y[kept], max_iter=5)
    assert_allclose(weighted.loss_curve_, copied.loss_curve_, rtol=0, atol=0)
