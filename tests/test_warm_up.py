"""A start that parts of the data find, where data are many."""

from contextlib import ExitStack, contextmanager
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from strategies import fit, fixed_problem

from skrnn._network.training import lbfgs, preconditioning, train, warm_up
from skrnn.datasets import make_recall

Stage = warm_up.Stage
STAGES = (Stage(4, 6), Stage(2, 3))
PROBLEM = fixed_problem(lengths=[4] * 12)


@contextmanager
def parts_of(problem):
    """Make objectives of one in k sequences."""
    with ExitStack() as stack:

        def part(subset):
            fewer = problem.replace(
                sequences=[problem.sequences[i] for i in subset.places],
                labels=[problem.labels[i] for i in subset.places],
                weights=[problem.weights[i] for i in subset.places],
            )
            return stack.enter_context(fewer.objective())

        yield part


def unscaled(objective, theta):
    return np.ones_like(theta)


def grow(
    problem, part, *, lengths=None, penalty=None, preconditioner=unscaled, max_fun=1000
):
    penalty = np.zeros_like(problem.theta) if penalty is None else penalty
    return warm_up.warm_up(
        part,
        STAGES,
        problem.source.lengths if lengths is None else lengths,
        penalty,
        problem.theta,
        preconditioner,
        max_fun=max_fun,
        tol=1e-12,
        max_corrections=5,
    )


def test_parts_grow_and_the_objective_falls():
    with parts_of(PROBLEM) as part:
        asked = mock.Mock(side_effect=part)
        theta, _ = grow(PROBLEM, asked)
        objective = part(warm_up.strided_subset(12, 2))  # that of the last stage
        objective.penalty = np.zeros_like(theta)
        before, after = (objective.loss_and_gradient(v) for v in (PROBLEM.theta, theta))
    asked_for = [call.args[0].places.tolist() for call in asked.call_args_list]
    assert asked_for == [[2, 6, 10], [1, 3, 5, 7, 9, 11]]
    assert after[0] < before[0]


def test_evaluations_are_counted_in_those_of_all_data():
    counts = []
    plain = warm_up.lbfgs.minimize

    def counted(*args, **kwargs):
        solution = plain(*args, **kwargs)
        counts.append(solution.n_fun)
        return solution

    with (
        mock.patch.object(warm_up.lbfgs, "minimize", counted),
        parts_of(PROBLEM) as part,
    ):
        # Of every four sequences the third is taken, of every two the second.
        lengths = np.array([99, 9, 7, 5, 4, 4, 3, 3, 2, 2, 1, 1])
        _, n_fun = grow(PROBLEM, part, lengths=lengths)
    shares = np.array([7 + 3 + 1, 9 + 5 + 4 + 3 + 2 + 1]) / 140
    assert n_fun == np.ceil(shares @ counts)


@pytest.mark.parametrize("k", [2, 6, 12, 32])
def test_a_part_of_one_in_k_has_about_1_in_k_of_the_steps(k):
    rng = np.random.default_rng(0)
    lengths = -np.sort(-rng.integers(1, 60, 1001))
    lengths[0] = 3000
    part = lengths[warm_up.strided_subset(len(lengths), k).places]
    assert part.max() < 60
    assert_allclose(len(part), len(lengths) / k, rtol=0.05)
    assert_allclose(part.sum(), lengths[1:].sum() / k, rtol=0.05)


def test_evaluations_stay_within_their_limit():
    with parts_of(PROBLEM) as part:
        _, n_fun = grow(PROBLEM, part, max_fun=2)
    assert n_fun <= 2


def test_a_stage_has_a_penalty_and_variables_of_its_own():
    penalty = np.linspace(0, 1, len(PROBLEM.theta))
    seen = []

    def preconditioner(objective, theta):
        seen.append((objective.penalty, theta))
        return np.full_like(theta, 2.0)

    with parts_of(PROBLEM) as part:
        theta, _ = grow(PROBLEM, part, penalty=penalty, preconditioner=preconditioner)
    (first, start), (second, middle) = seen
    assert_allclose(first, 2 * penalty)
    assert_allclose(second, 2**0.5 * penalty)
    assert_array_equal(start, PROBLEM.theta)
    # Where one stage ends, the next one starts.
    for before, after in pairwise([start, middle, theta]):
        assert np.abs(after - before).max() > 1e-3


def test_the_parts_of_many_sequences_grow():
    sizes = [k for k, _ in warm_up.stages(warm_up.MIN_SEQUENCES + 1)]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) > 1
    assert warm_up.stages(warm_up.MIN_SEQUENCES) == ()


# Through the estimator


@pytest.fixture
def few():
    """Let forty sequences be many."""
    with mock.patch.object(warm_up, "MIN_SEQUENCES", 39):
        yield


def data(n_sequences=40):
    return make_recall(n_sequences, n_steps=6, lag=1, random_state=0, return_X_y=True)


@pytest.mark.usefixtures("few")
def test_many_sequences_start_from_parts(monkeypatch):
    X, y = data()
    grown = fit(X, y, max_iter=1)
    monkeypatch.setattr(warm_up, "_STAGES", ())
    alone = fit(X, y, max_iter=1)
    assert grown.loss_ < alone.loss_
    assert grown.n_fun_ > alone.n_fun_
    assert len(grown.loss_curve_) == grown.n_iter_ == 1


@pytest.mark.usefixtures("few")
def test_one_long_sequence_is_read_by_evaluations_of_all_data_only():
    X, y = data()
    X, y = [*X, np.repeat(X[0], 50, axis=0)], [*y, np.repeat(y[0], 50)]
    n_steps = []
    plain = lbfgs.minimize

    def noted(loss_and_gradient, theta, **options):
        batches = loss_and_gradient.__self__.loss_sum.batches
        n_steps.append(max(len(batch.offsets) - 1 for batch in batches))
        return plain(loss_and_gradient, theta, **options)

    with mock.patch.object(lbfgs, "minimize", noted):
        fit(X, y, max_iter=2)
    assert n_steps == [6, 6, 6, 300]


def test_sequences_to_learn_from_decide_what_comes_first():
    X, y = data()
    asked = mock.Mock(side_effect=warm_up.stages)
    with mock.patch.object(warm_up, "stages", asked):
        fit(X, y, max_iter=1, early_stopping=True, validation_fraction=0.25)
    asked.assert_called_once_with(30)


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


@pytest.mark.parametrize(
    ("limit", "module", "name", "n_calls", "n_calls_to_go_on"),
    [
        (40, train, "ridge_output_init", 0, 0),
        (39, train, "ridge_output_init", 1, 0),
        (40, preconditioning, "fisher_diagonal", 1, 1),
        (39, preconditioning, "fisher_diagonal", 4, 1),
    ],
)
def test_a_start_reads_the_states_once_and_scales_the_variables_for_each_part(
    limit, module, name, n_calls, n_calls_to_go_on, monkeypatch
):
    X, y = data()
    counted = mock.Mock(side_effect=getattr(module, name))
    monkeypatch.setattr(module, name, counted)
    monkeypatch.setattr(warm_up, "MIN_SEQUENCES", limit)
    model = fit(X, y, max_iter=5, warm_start=True)
    assert counted.call_count == n_calls
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)  # goes on from where it is
    assert counted.call_count == n_calls + n_calls_to_go_on
