"""Outputs of a trained network: batch by batch, thread by thread, step by step."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import (
    ListSource,
    batches_of,
    fixed_problem,
    networks,
    problems,
    threads_for_little,
)
from threadpoolctl import threadpool_limits

from skrnn._network import inference, workspace

FLOAT = np.dtype(np.float64)


def evaluate(problem, output_fn, dtype=FLOAT, source=None):
    return inference.evaluate(
        problem.net,
        problem.net.parameters(problem.theta),
        problem.source if source is None else source,
        np.dtype(dtype),
        output_fn,
    )


@given(problems(), st.sampled_from([1, 2, 1024]))
def test_outputs_are_those_of_the_reference_in_the_order_of_the_sequences(problem, n):
    with batches_of(n):
        L = evaluate(problem, inference.logits)
        H = evaluate(problem, inference.last_states)
    for got, f in ((L, reference.logits), (H, reference.states)):
        expected = [f(x, problem.theta, problem.net) for x in problem.sequences]
        assert_allclose(got, np.concatenate(expected), rtol=1e-11, atol=1e-12)


@given(
    st.lists(problems(), min_size=2, max_size=4),
    st.sampled_from([np.float32, np.float64]),
)
def test_results_do_not_depend_on_what_was_evaluated_before(several, dtype):
    with batches_of(2):
        alone = []
        for problem in several:
            workspace._kept.clear()
            alone.append(evaluate(problem, inference.last_states, dtype))
        together = [evaluate(p, inference.last_states, dtype) for p in several]
    for got, expected in zip(together, alone, strict=True):
        assert_array_equal(got, expected)


@given(problems(nets=networks(outputs=("softmax",))), st.sampled_from([1, 2, 1024]))
def test_probabilities_are_sums_over_all_labelings(problem, n):
    with batches_of(n):
        p = evaluate(problem, inference.probabilities)
        log_p = evaluate(problem, inference.log_probabilities)
        best = evaluate(problem, inference.most_probable)
    expected, is_best = [], []
    starts = np.cumsum(problem.source.lengths)[:-1]
    for x, labels in zip(problem.sequences, np.split(best, starts), strict=True):
        labelings, scores = scored_labelings(x, problem)
        shares = np.exp(scores - reference.log_sum_exp(scores))
        is_label = labelings[:, :, None] == np.arange(problem.net.n_outputs)
        expected.append(np.tensordot(shares, is_label, axes=1))
        score = scores[(labelings == labels).all(axis=1)]
        is_best.append(score >= scores.max() - 1e-12)
    expected = np.concatenate(expected)
    assert_allclose(p, expected, rtol=1e-11, atol=1e-14)
    assert_allclose(np.exp(log_p), expected, rtol=1e-11, atol=1e-14)
    assert np.all(is_best)


def scored_labelings(x, problem):
    """Return all labelings of a sequence, and their scores."""
    net, theta = problem.net, problem.theta
    K = net.n_outputs
    chain = np.zeros((K, K)), np.zeros(K), np.zeros(K)
    if net.transitions:
        chain = reference.chain(theta, net)
    L = reference.logits(x, theta, net)
    return reference.labelings(*L.shape), reference.chain_scores(L, *chain)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("network", [{}, {"transitions": True}], ids=str)
def test_threads_do_not_change_labelings(n_threads, network):
    problem = fixed_problem(lengths=range(1, 12), **network)
    outputs = inference.probabilities, inference.most_probable
    expected = [evaluate(problem, f) for f in outputs]
    with (
        batches_of(2),
        threads_for_little(),
        threadpool_limits(n_threads, user_api="blas"),
    ):
        found = [evaluate(problem, f) for f in outputs]
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_threads_change_nothing(n_threads):
    problem = fixed_problem(lengths=range(1, 12))
    expected = evaluate(problem, inference.logits)
    with (
        batches_of(2),
        threads_for_little(),
        threadpool_limits(n_threads, user_api="blas"),
    ):
        L = evaluate(problem, inference.logits)
    assert_allclose(L, expected, rtol=1e-12)


def test_sequences_without_a_step_have_no_output():
    problem = fixed_problem()
    expected = evaluate(problem, inference.logits)
    empty = np.empty((0, 2))
    first, *others = problem.sequences
    source = ListSource([empty, first, empty, *others, empty])
    assert_array_equal(evaluate(problem, inference.logits, source=source), expected)


def test_no_steps_at_all_have_no_outputs():
    problem = fixed_problem()
    source = ListSource([np.empty((0, 2))])
    assert evaluate(problem, inference.logits, source=source).shape == (0, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_have_the_type_that_is_asked_for(dtype):
    problem = fixed_problem(n_directions=2)
    for output_fn, n_columns in ((inference.logits, 3), (inference.last_states, 6)):
        got = evaluate(problem, output_fn, dtype)
        assert got.dtype == dtype
        assert got.shape == (len(problem.y), n_columns)
        assert_allclose(got, evaluate(problem, output_fn), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_step_by_step_gives_the_logits_of_the_sequence(activation):
    problem = fixed_problem(
        lengths=(6,), hidden_layer_sizes=(3, 2), activation=activation
    )
    parameters = problem.net.unflatten(problem.theta)
    (x,) = problem.sequences
    state = tuple(np.zeros((1, n)) for n in problem.net.hidden_layer_sizes)
    expected = reference.logits(x, problem.theta, problem.net)
    for x_t, L_t in zip(x, expected, strict=True):
        before = tuple(h.copy() for h in state)
        L, next_state = inference.step(parameters, activation, x_t[None], state)
        assert_allclose(L[0], L_t, rtol=1e-12)
        for h, h_before in zip(state, before, strict=True):
            assert_array_equal(h, h_before)
        state = next_state
