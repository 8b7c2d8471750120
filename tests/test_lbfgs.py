"""Minimization: what SciPy's L-BFGS-B does, and the guards around it."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import rosen, rosen_der

from skrnn._network.training.lbfgs import Progress, Stop, minimize

START = np.array([-1.2, 1.0, 0.5])
LIMITS = {"max_iter": 200, "max_fun": 1000, "tol": 1e-8, "max_corrections": 10}


def rosenbrock(x):
    return rosen(x), rosen_der(x)


def bowl(x):
    return float(x @ x), 2 * x


def run(function=rosenbrock, x0=START, **changes):
    return minimize(function, x0, **LIMITS | changes)


def spoilt(function, *calls, loss=np.nan, gradient=None):
    """Return the function with something not finite at the given calls."""
    counter = itertools.count(1)

    def evaluate(x):
        value, slope = function(x)
        if next(counter) not in calls:
            return value, slope
        return loss, slope if gradient is None else np.full_like(slope, gradient)

    return evaluate


def stop_at(n_iter, reason):
    def on_iteration(progress):
        if progress.n_iter == n_iter:
            raise Stop(reason)

    return on_iteration


# Where it ends


def test_a_smooth_function_is_minimized():
    solution = run(tol=1e-5)
    assert_allclose(solution.x, 1.0, rtol=1e-5)
    assert solution.stop_reason == "converged"
    assert solution.gradient_norm <= 1e-5


def test_a_run_that_starts_at_the_minimum_has_converged():
    solution = run(bowl, np.zeros(2))
    assert (solution.stop_reason, solution.n_iter, solution.n_fun) == (
        "converged",
        0,
        1,
    )
    assert solution.loss_curve == []


@pytest.mark.parametrize("max_iter", [1, 7])
def test_max_iter_ends_the_run(max_iter):
    solution = run(max_iter=max_iter)
    assert solution.stop_reason == "max_iter"
    assert solution.n_iter == len(solution.loss_curve) == max_iter


@pytest.mark.parametrize("max_fun", range(1, 12))
def test_max_fun_ends_the_run_inside_a_line_search_too(max_fun):
    calls = []

    def counted(x):
        calls.append(x)
        return rosenbrock(x)

    solution = run(counted, max_fun=max_fun)
    assert solution.stop_reason == "max_fun"
    assert solution.n_fun == len(calls) == max_fun


def test_a_loss_that_no_step_lowers_ends_in_the_line_search():
    def cliff(x):
        return float(not np.array_equal(x, START)), np.ones(3)

    solution = run(cliff)
    assert solution.stop_reason == "line_search"
    assert_array_equal(solution.x, START)


def test_a_looser_tolerance_ends_sooner():
    assert run(tol=1e-2).n_fun < run(tol=1e-8).n_fun


def test_more_corrections_change_the_path():
    assert run(max_corrections=1).n_iter != run(max_corrections=10).n_iter


# What it returns


@pytest.mark.parametrize("max_fun", range(1, 30))
def test_the_best_point_met_is_returned(max_fun):
    met = []

    def noted(x):
        loss, gradient = rosenbrock(x)
        met.append((loss, x.copy(), gradient))
        return loss, gradient

    solution = run(noted, max_fun=max_fun)
    loss, x, gradient = min(met, key=lambda point: point[0])
    assert solution.loss == loss
    assert_array_equal(solution.x, x)
    assert solution.gradient_norm == np.abs(gradient).max()


def test_the_loss_curve_holds_the_loss_after_every_iteration():
    reports = []
    solution = run(on_iteration=reports.append)
    assert solution.loss_curve == [report.loss for report in reports]
    assert [report.n_iter for report in reports] == list(range(1, solution.n_iter + 1))
    assert (np.diff(solution.loss_curve) <= 0).all()


def test_reports_tell_the_point_its_loss_and_its_gradient():
    reports = []
    run(on_iteration=reports.append)
    for report in reports:
        assert isinstance(report, Progress)
        loss, gradient = rosenbrock(report.x)
        assert_allclose(report.loss, loss, rtol=1e-12)
        assert_allclose(report.gradient_norm, np.abs(gradient).max(), rtol=1e-9)


def test_the_gradient_reported_is_that_of_the_point_accepted_not_of_the_best():
    # The second trial of the line search is the lowest, but too steep to end it.
    values = iter([(0.0, -1.0), (-1.0, -1.0), (-0.9, 0.25)])

    def scripted(x):
        loss, slope = next(values)
        return loss, np.array([slope])

    reports = []
    solution = run(scripted, np.zeros(1), max_iter=1, on_iteration=reports.append)
    assert (reports[0].loss, reports[0].gradient_norm) == (-0.9, 0.25)
    assert (solution.loss, solution.gradient_norm) == (-1.0, 1.0)


def test_reports_hold_copies():
    def spoil(progress):
        progress.x[:] = np.nan

    assert_array_equal(run(on_iteration=spoil).x, run().x)


def test_the_start_is_not_written_to():
    x0 = START.copy()
    x0.flags.writeable = False
    run(x0=x0)
    assert_array_equal(x0, START)


# Leaving early


@pytest.mark.parametrize("reason", ["early_stopping", "callback"])
def test_stop_ends_the_run_with_its_reason(reason):
    solution = run(on_iteration=stop_at(3, reason))
    assert solution.stop_reason == reason
    assert solution.n_iter == 3
    assert solution.loss == solution.loss_curve[-1]


def test_any_other_exception_reaches_the_caller():
    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(on_iteration=interrupt)


# What is not finite


BAD = pytest.mark.parametrize(
    "bad",
    [
        {"loss": np.nan},
        {"loss": np.inf},
        {"loss": -np.inf},
        {"loss": 1.0, "gradient": np.nan},
        {"loss": 1.0, "gradient": np.inf},
    ],
    ids=str,
)


@BAD
@pytest.mark.parametrize("call", [2, 3, 10])
def test_a_trial_that_is_not_finite_restarts_from_the_best_point(bad, call):
    solution = run(spoilt(rosenbrock, call, **bad), tol=1e-6)
    assert_allclose(solution.x, 1.0, rtol=1e-6)
    assert solution.stop_reason == "converged"


def test_a_restart_begins_at_the_best_point():
    trials = []

    def noted(x):
        trials.append((rosen(x), x.copy()))
        return spoilt_function(x)

    spoilt_function = spoilt(rosenbrock, 8)
    run(noted)
    best = min(trials[:7], key=lambda trial: trial[0])
    assert_array_equal(trials[8][1], best[1])


@BAD
def test_a_start_that_is_not_finite_is_an_error(bad):
    with pytest.raises(FloatingPointError, match="not finite at the start"):
        run(spoilt(rosenbrock, 1, **bad))


def walled(radius):
    """Return a bowl that overflows beyond a distance from the start."""

    def evaluate(x):
        inside = np.linalg.norm(x - START) <= radius
        return bowl(x) if inside else (np.nan, x)

    return evaluate


def test_restarts_without_progress_end_the_run():
    calls = []

    def noted(x):
        calls.append(x.copy())
        return walled(0.0)(x)

    solution = run(noted)
    assert solution.stop_reason == "overflow"
    assert_array_equal(solution.x, START)
    trials = [x for x in calls if not np.array_equal(x, START)]
    assert len(trials) == 13
    # No trial is made twice, and each is nearer than the last.
    assert (np.diff([np.linalg.norm(x - START) for x in trials]) < 0).all()


def test_a_first_step_that_is_too_long_is_shortened_until_it_is_finite():
    solution = run(walled(2.0), s=np.full(3, 1e6))
    assert solution.stop_reason == "converged"
    assert_allclose(solution.x, 0.0, atol=1e-9)


def test_restarts_that_make_progress_go_on():
    solution = run(spoilt(rosenbrock, *range(15, 1000, 15)), tol=1e-4)
    assert solution.n_fun > 15 * 5  # so many restarts
    assert solution.stop_reason == "converged"
    assert_allclose(solution.x, 1.0, rtol=1e-4)


def test_a_restart_after_progress_shortens_its_step_once_only():
    steps = []

    def noted(x):
        steps.append(x.copy())
        return spoilt_function(x)

    spoilt_function = spoilt(rosenbrock, 5, 10)
    run(noted)
    for start in (5, 10):  # the call after one that was not finite
        length = np.linalg.norm(steps[start + 1] - steps[start])
        assert_allclose(length, 0.125, rtol=1e-9)


# What SciPy calls success


def exponential(x):
    return float(np.exp(x).sum() - 20 * x.sum()), np.exp(x) - 20


@pytest.mark.parametrize("s", [0.1, 1.0, 10.0, 1e3, 1e6])
@pytest.mark.parametrize("tol", [1e-2, 1e-6])
def test_converged_means_that_the_gradient_is_small(s, tol):
    with np.errstate(over="ignore"):
        solution = run(exponential, np.zeros(2), s=np.full(2, s), tol=tol)
    _, slope = exponential(solution.x)
    assert solution.gradient_norm == np.abs(s * slope).max()
    assert (solution.stop_reason == "converged") == (solution.gradient_norm <= tol)


@pytest.mark.parametrize("loss", [1e300, np.inf])
def test_a_first_trial_far_too_high_is_no_end(loss):
    solution = run(spoilt(bowl, 2, loss=loss))
    assert solution.stop_reason == "converged"
    assert_allclose(solution.x, 0.0, atol=1e-7)


def test_a_loss_that_cannot_fall_any_more_is_named():
    def steep(x):  # but its gradient does not show it
        return 1.0, np.ones(3)

    solution = run(steep)
    assert solution.stop_reason in ("ftol", "line_search")
    assert solution.gradient_norm == 1.0


def test_an_end_near_the_minimum_is_not_tried_again():
    calls = []

    def rounded(x):
        calls.append(x)
        loss, slope = bowl(x)
        return round(loss, 3), slope

    solution = run(rounded, tol=1e-3)
    n_restarts = sum(np.array_equal(x, solution.x) for x in calls) - 1
    assert solution.stop_reason in ("ftol", "line_search", "converged")
    assert solution.gradient_norm < 0.1
    assert n_restarts == 0


def test_iterations_before_a_restart_count():
    whole = run(spoilt(rosenbrock, 9), max_iter=12)
    assert whole.stop_reason == "max_iter"
    assert whole.n_iter == len(whole.loss_curve) == 12


def test_nothing_is_evaluated_after_the_last_iteration():
    evaluations = []

    def counted(x):
        evaluations.append(x)
        return rosenbrock(x)

    reports = []
    run(counted, max_iter=5, on_iteration=reports.append)
    assert reports[-1].n_fun == len(evaluations)


# The variables


STRETCHED = np.array([2.0, 0.5, 1.0])


def test_what_goes_in_and_out_is_not_scaled():
    met, reports = [], []

    def noted(x):
        met.append(x)
        return rosenbrock(x)

    solution = run(noted, s=STRETCHED, on_iteration=reports.append)
    assert_allclose(met[0], START, rtol=1e-15)
    assert_allclose(solution.x, 1.0, rtol=1e-6)
    assert_array_equal(reports[-1].x, met[-1])
    _, gradient = rosenbrock(reports[-1].x)
    norm = np.abs(STRETCHED * gradient).max()
    assert_allclose(reports[-1].gradient_norm, norm, rtol=1e-12)


def test_a_run_in_scaled_variables_is_a_run_on_the_scaled_function():
    def scaled(z):
        loss, gradient = rosenbrock(STRETCHED * z)
        return loss, STRETCHED * gradient

    one = run(s=STRETCHED)
    other = run(scaled, START / STRETCHED)
    assert one.loss_curve == other.loss_curve
    assert_array_equal(one.x, STRETCHED * other.x)
