"""Training as a whole: settings, starts, held-out sequences, reasons to stop."""

import itertools
import threading
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import data_loss
from strategies import SETTINGS, batches_of, fixed_problem, threads_for_little
from threadpoolctl import threadpool_limits

from skrnn._network.data import packing
from skrnn._network.training import lbfgs, regularization, strength
from skrnn._network.training import train as training
from skrnn._network.training.objective import Objective
from skrnn._network.training.target_scaling import TargetScaler
from skrnn._network.training.train import InMemoryData, NotEnoughSequencesError, train

LENGTHS = (6, 5, 5, 4, 3, 2, 2, 1)
PROBLEM = fixed_problem(lengths=LENGTHS)
NUMBERS = fixed_problem(lengths=LENGTHS, n_outputs=2, output="identity")
NUMBERS = NUMBERS.replace(labels=[y * [100.0, 0.01] + 7 for y in NUMBERS.labels])


def run(
    problem=PROBLEM, *, seed=0, dtype=np.float64, start=None, report=None, **settings
):
    return train(
        InMemoryData(problem.source, problem.y, problem.w),
        problem.net,
        np.dtype(dtype),
        SETTINGS._replace(alpha=problem.alpha)._replace(**settings),
        np.random.RandomState(seed),
        start=start,
        **({} if report is None else {"report": report}),
    )


def held_out(problem, fraction, seed=0):
    """Return which sequences a run with the seed holds out."""
    ids, _, groups = packing.deduplicate(problem.source, problem.y, problem.w)
    rng = np.random.RandomState(seed)
    is_out = training.hold_out(groups, fraction, rng)
    return ids[is_out], ids[~is_out]


# What comes out


def test_loss_is_the_objective_at_theta():
    result = run()
    assert_allclose(result.loss, PROBLEM.reference(result.theta), rtol=1e-12)
    assert result.loss == result.best_loss == min(result.loss_curve)


def test_training_lowers_the_loss():
    result = run(max_iter=50)
    assert result.loss < 0.7 * result.loss_curve[0]
    assert result.n_iter == len(result.loss_curve)
    assert result.n_fun >= result.n_iter


def test_features_are_those_of_the_training_data():
    expected = regularization.feature_stats(PROBLEM.batches())
    found = run(max_iter=1).features
    assert_allclose(found.scale, expected.scale, rtol=1e-12)
    assert_allclose(found.frequency, expected.frequency, rtol=1e-12)


def test_float32_is_trained_as_float64_is():
    single, double = run(dtype=np.float32), run()
    assert single.theta.dtype == np.float64
    assert_allclose(single.loss, double.loss, rtol=1e-2)
    assert single.loss != double.loss


def test_the_gradient_norm_reported_is_in_the_scaled_variables():
    reports = []
    result = run(alpha=1.0, max_iter=1000, tol=1e-3, report=reports.append)
    assert result.stop_reason == "converged"
    assert reports[-1].gradient_norm == result.gradient_norm <= 1e-3


# Reasons to stop


@pytest.mark.parametrize(
    ("reason", "settings"),
    [
        ("max_iter", {"max_iter": 3}),
        ("max_fun", {"max_fun": 4}),
        ("converged", {"tol": 1e3}),
    ],
)
def test_reasons_to_stop(reason, settings):
    assert run(**settings).stop_reason == reason


def test_a_report_may_stop_the_run():
    def stop(report):
        if report.n_iter == 2:
            raise lbfgs.Stop("callback")

    result = run(report=stop)
    assert (result.stop_reason, result.n_iter) == ("callback", 2)


def test_reports_follow_the_run():
    reports = []
    result = run(report=reports.append)
    assert [report.loss for report in reports] == result.loss_curve
    assert [report.n_iter for report in reports] == list(range(1, result.n_iter + 1))
    assert reports[-1].n_fun <= result.n_fun
    assert all(report.seconds >= 0 for report in reports)
    assert_array_equal(reports[-1].get_theta(), result.theta)
    assert {report.validation_score for report in reports} == {None}


@pytest.mark.parametrize("size", [1e160, 1e300])
def test_features_beyond_arithmetic_are_an_error_and_no_warning(size):
    sequences = [x * size for x in PROBLEM.sequences]
    with pytest.raises(FloatingPointError, match="not finite at the start"):
        run(PROBLEM.replace(sequences=sequences))


# Where it starts


def test_a_start_is_where_the_run_goes_on():
    first = run(max_iter=5)
    more = run(start=first.theta, max_iter=5)
    assert more.loss_curve[0] < first.loss
    assert_array_equal(first.theta, run(max_iter=5).theta)


def test_a_start_leaves_no_room_for_other_starts():
    start = run(max_iter=2).theta
    single, many = run(start=start), run(start=start, n_init=5)
    assert_array_equal(single.theta, many.theta)


def test_the_best_of_n_init_runs_is_kept():
    losses = []
    rng = np.random.RandomState(1)  # whose first run is not the best
    with mock.patch.object(training, "_Run", noting(training._Run, losses)):
        best = train(
            InMemoryData(PROBLEM.source, PROBLEM.y, PROBLEM.w),
            PROBLEM.net,
            np.dtype(np.float64),
            SETTINGS._replace(n_init=6),
            rng,
        )
    assert len(set(losses)) == 6
    assert best.loss == min(losses) < losses[0]


def noting(run_class, losses):
    class Noting(run_class):
        def minimize(self, *args):
            result = super().minimize(*args)
            losses.append(result.loss)
            return result

    return Noting


def test_with_held_out_sequences_the_best_run_is_the_one_that_scores_best():
    settings = {"validation_fraction": 0.4, "max_iter": 8}
    losses = []
    with mock.patch.object(training, "_Run", noting(training._Run, losses)):
        best = run(n_init=8, **settings)
    assert len(losses) == 8
    held, _ = held_out(PROBLEM, 0.4)
    assert best.loss != min(losses)
    assert_allclose(
        max(best.validation_scores), -loss_on(PROBLEM, held, best.theta), rtol=1e-10
    )


# Numbers as targets


def loss_in_units(problem, target_scaler, theta):
    """Return the objective by the reference, with standardized targets."""
    inside = problem.replace(
        labels=[target_scaler.standardize(y) for y in problem.labels]
    )
    return inside.reference(target_scaler.from_original(problem.net, theta))


def test_the_loss_of_numbers_is_the_objective_in_their_units():
    reports = []
    result = run(NUMBERS, report=reports.append)
    expected = loss_in_units(NUMBERS, result.target_scaler, result.theta)
    assert_allclose(result.loss, expected, rtol=1e-10)
    for report in reports:
        expected = loss_in_units(NUMBERS, result.target_scaler, report.get_theta())
        assert_allclose(report.loss, expected, rtol=1e-10)


def test_units_are_those_of_the_sequences_that_are_learned():
    held, kept = held_out(NUMBERS, 0.3, EARLY["seed"])
    result = run(NUMBERS, **EARLY | {"max_iter": 2})
    y, w = ([values[i] for i in kept] for values in (NUMBERS.labels, NUMBERS.weights))
    expected = TargetScaler.fit(np.concatenate(y), np.concatenate(w))
    assert_array_equal(result.target_scaler, expected)
    inside = NUMBERS.replace(labels=[expected.standardize(y) for y in NUMBERS.labels])
    theta = expected.from_original(NUMBERS.net, result.theta)
    assert_allclose(
        -loss_on(inside, held, theta), max(result.validation_scores), rtol=1e-10
    )


def test_numbers_go_on_from_where_they_stopped():
    first = run(NUMBERS, max_iter=5)
    more = run(NUMBERS, start=first.theta, max_iter=5)
    assert more.loss_curve[0] < first.loss


def test_classes_have_no_unit():
    target_scaler = run(max_iter=1).target_scaler
    assert_array_equal(target_scaler.mean, np.zeros(3))
    assert_array_equal(target_scaler.scale, np.ones(3))


# Early stopping


def loss_on(problem, ids, theta):
    chosen = (
        [v[i] for i in ids]
        for v in (problem.sequences, problem.labels, problem.weights)
    )
    total, total_weight = data_loss(theta, problem.net, *chosen)
    return total / total_weight


# With this seed, the first score is not the best.
EARLY = {
    "validation_fraction": 0.3,
    "n_iter_no_change": 3,
    "max_iter": 200,
    "seed": 2,
}


def test_early_stopping_keeps_the_weights_that_score_best():
    result = run(**EARLY)
    held, _ = held_out(PROBLEM, 0.3, EARLY["seed"])
    assert result.stop_reason == "early_stopping"
    assert_allclose(
        -loss_on(PROBLEM, held, result.theta), max(result.validation_scores), rtol=1e-10
    )
    best = int(np.argmax(result.validation_scores))
    assert result.loss == result.loss_curve[best] > result.best_loss


def test_early_stopping_waits_for_n_iter_no_change_iterations():
    result = run(**EARLY)
    best = int(np.argmax(result.validation_scores))
    assert result.n_iter == len(result.validation_scores) == best + 1 + 3


def test_gains_below_the_tolerance_do_not_count():
    run = training._Run(
        None, np.ones(1), SETTINGS._replace(tol=0.1), strength.Choice(1.0), None
    )
    stale = []
    for score in (-1.0, -0.95, -0.8, -0.75, -0.9):
        run._track_best(score, lbfgs.Progress(np.array([score]), 0.0, 0.0, 1, 1))
        stale.append(run.n_stale)
    assert stale == [0, 1, 0, 1, 2]
    assert run.best[0] == run.best_score == -0.75


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_the_lowest_score(bad, monkeypatch):
    expected = run(**EARLY).validation_scores
    plain, n_calls = Objective.data_loss, itertools.count()

    def data_loss(self, theta):
        return bad if next(n_calls) == 0 else plain(self, theta)

    monkeypatch.setattr(Objective, "data_loss", data_loss)
    result = run(**EARLY)
    assert result.validation_scores == [-np.inf, *expected[1:]]
    assert result.loss == result.loss_curve[int(np.argmax(expected))]


def test_held_out_sequences_are_not_learned():
    held, _ = held_out(PROBLEM, 0.3, EARLY["seed"])
    altered = [w.copy() for w in PROBLEM.weights]
    for i in held:
        altered[i] *= 5
    settings = EARLY | {"n_iter_no_change": 1000, "max_iter": 5}
    result = run(**settings)
    other = run(PROBLEM.replace(weights=altered), **settings)
    assert result.loss_curve == other.loss_curve


def test_scores_are_reported():
    reports = []
    result = run(report=reports.append, **EARLY)
    assert [report.validation_score for report in reports] == result.validation_scores


@pytest.mark.parametrize(("n", "fraction", "expected"), [(10, 0.1, 1), (10, 0.25, 3)])
def test_the_fraction_held_out_is_rounded_up(n, fraction, expected):
    is_out = training.hold_out(np.arange(n), fraction, np.random.RandomState(0))
    assert len(is_out) == n
    assert is_out.sum() == expected


def test_groups_are_held_out_whole():
    groups = np.array([0, 1, 1, 2, 0, 3, 3, 3])
    is_out = training.hold_out(groups, 0.5, np.random.RandomState(0))
    assert len(np.unique(groups[is_out])) == 2
    assert not np.intersect1d(groups[is_out], groups[~is_out]).size


def test_nothing_is_held_out_of_a_fraction_of_0():
    is_out = training.hold_out(np.arange(4), 0.0, np.random.RandomState(0))
    assert_array_equal(is_out, [False] * 4)


def test_too_few_sequences_to_hold_some_out_are_an_error():
    with pytest.raises(NotEnoughSequencesError, match="holds out 1 of 1 different"):
        run(fixed_problem(lengths=(4,)), validation_fraction=0.5)


# Threads


def test_training_with_threads_gives_the_same_loss():
    alone = run()
    before = threading.active_count()
    inside = []
    with batches_of(1), threads_for_little(), threadpool_limits(2, user_api="blas"):
        together = run(report=lambda report: inside.append(threading.active_count()))
    assert_allclose(together.loss, alone.loss, rtol=1e-6)
    assert set(inside) == {before + 1}
    assert threading.active_count() == before


def test_the_score_of_a_strength_that_overflowed_is_minus_infinity():
    trial = strength._Trial(1.0, [])
    trial.judge(np.array([[1.0, 3.0], [1.0, 1.0]]))
    assert trial.score == -2
    trial.judge(np.array([[np.inf, 3.0], [1.0, 1.0]]))
    assert trial.score == -np.inf
    assert np.isfinite(trial.loss)
