"""The objective as a function of the flat vector, and the threads that share it."""

import threading
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from reference import data_loss
from strategies import fixed_problem, problems

from skrnn._network.data import packing
from skrnn._network.training.objective import Objective, ThreadedSum

FLOAT = np.dtype(np.float64)


@given(problems())
def test_data_loss_is_the_weighted_mean_without_the_penalty(problem):
    total, total_weight = data_loss(
        problem.theta, problem.net, problem.sequences, problem.labels, problem.weights
    )
    with problem.objective(n_threads=2) as J:
        assert_allclose(
            J.data_loss(problem.theta), total / total_weight, rtol=1e-12, atol=1e-14
        )


@given(problems())
def test_losses_of_sequences_are_those_of_the_reference(problem):
    expected = [
        data_loss(problem.theta, problem.net, [x], [y], [w])
        for x, y, w in zip(
            problem.sequences, problem.labels, problem.weights, strict=True
        )
    ]
    order = packing.by_length(problem.source.lengths)
    with problem.objective() as J:
        found = J.loss_sum.sequence_losses(problem.net, problem.theta)
    assert_allclose(found.T, np.array(expected)[order], rtol=1e-11, atol=1e-12)


def test_total_weight_is_the_sum_over_steps():
    problem = fixed_problem()
    with problem.objective() as J:
        assert_allclose(J.total_weight, problem.w.sum())


def test_without_a_penalty_nothing_is_added():
    problem = fixed_problem()
    with closing(ThreadedSum(problem.batches(), FLOAT, 1)) as loss_sum:
        J = Objective(problem.net, loss_sum)
        assert_allclose(
            J.loss_and_gradient(problem.theta)[0], J.data_loss(problem.theta)
        )


def test_the_penalty_is_half_its_strength_times_the_square_over_the_weight():
    problem = fixed_problem()
    strengths = np.linspace(0, 2, problem.net.n_parameters)
    with problem.objective() as J:
        J.penalize(np.zeros_like(strengths))
        bare_loss, bare_gradient = J.loss_and_gradient(problem.theta)
        J.penalize(strengths)
        loss, gradient = J.loss_and_gradient(problem.theta)
    W = problem.w.sum()
    expected = (strengths * problem.theta**2).sum() / (2 * W)
    assert_allclose(loss - bare_loss, expected, rtol=1e-11)
    assert_allclose(
        gradient - bare_gradient, strengths * problem.theta / W, rtol=1e-9, atol=1e-14
    )


@pytest.mark.parametrize("value", [1e308, np.nan, np.inf])
def test_threads_do_not_warn_of_what_is_not_finite(value):
    problem = fixed_problem().replace(batch_size=1)
    theta = np.full_like(problem.theta, value)
    with problem.objective(n_threads=2) as J, np.errstate(all="ignore"):
        loss, gradient = J.loss_and_gradient(theta)
    assert not (np.isfinite(loss) and np.isfinite(gradient).all())


# Threads


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_number_of_threads_always_gives_the_same_bits(n_threads):
    problem = fixed_problem(lengths=range(1, 12)).replace(batch_size=1)
    loss, gradient = problem.loss_and_gradient(n_threads=n_threads)
    again = problem.loss_and_gradient(n_threads=n_threads)
    assert again[0] == loss
    assert_array_equal(again[1], gradient)


def test_threads_share_the_rows_evenly():
    batches = fixed_problem(lengths=[6, 5, 4, 3]).replace(batch_size=1).batches()
    with closing(ThreadedSum(batches, FLOAT, 2)) as loss_sum:
        rows = [sum(batch.X.shape[0] for batch in share) for share in loss_sum.shares]
    assert rows == [9, 9]


def test_every_thread_works_in_a_space_of_its_own():
    batches = fixed_problem().replace(batch_size=1).batches()
    meeting = threading.Barrier(3, timeout=30)

    def work(share, space):
        meeting.wait()
        return threading.get_ident(), id(space)

    with closing(ThreadedSum(batches, FLOAT, 3)) as loss_sum:
        idents, spaces = zip(*loss_sum.map(work), strict=True)
    assert len(set(idents)) == len(set(spaces)) == 3


def test_one_of_the_threads_is_the_callers_own():
    for n_threads in (1, 2, 3):
        with closing(
            ThreadedSum(fixed_problem().batches(), FLOAT, n_threads)
        ) as loss_sum:
            threads = loss_sum.map(lambda share, space: threading.current_thread())
        assert threads[0] is threading.current_thread()
        assert len(threads) == n_threads


def test_a_closed_team_leaves_no_thread_behind():
    before = threading.active_count()
    with closing(ThreadedSum(fixed_problem().batches(), FLOAT, 3)) as loss_sum:
        loss_sum.map(lambda share, space: None)
        assert before < threading.active_count() <= before + 2
    assert threading.active_count() == before


def test_an_error_in_a_thread_reaches_the_caller():
    def fail(share, space):
        raise ZeroDivisionError

    with (
        closing(ThreadedSum(fixed_problem().batches(), FLOAT, 2)) as loss_sum,
        pytest.raises(ZeroDivisionError),
    ):
        loss_sum.map(fail)
