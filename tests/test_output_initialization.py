"""The output weights that training starts from."""

import numpy as np
import pytest
import reference
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from strategies import batches_of, fixed_problem, networks, problems

from skrnn._network.training import output_initialization, regularization

# A fit with a skip connection starts from the direct weights instead.
WITHOUT_SKIP = networks(skips=(False,))
NUMBERS = networks(outputs=("identity",), skips=(False,))


def ridge_output_init(problem, **changes):
    problem = problem.replace(**changes)
    features = regularization.feature_stats(problem.batches())
    return output_initialization.ridge_output_init(
        problem.net, problem.theta, features, problem.sample
    )


def of_one_hot_steps(problem):
    """Return the problem with steps of which no two share more than one feature."""
    eye = np.eye(problem.net.n_features)
    columns = [np.arange(len(x)) % len(eye) for x in problem.sequences]
    return problem.replace(sequences=[eye[c] for c in columns])


def all_states(problem):
    return np.concatenate(
        [reference.states(x, problem.theta, problem.net) for x in problem.sequences]
    )


@given(problem=problems(nets=NUMBERS))
def test_numbers_are_read_by_ridge_regression_towards_the_drawn_weights(problem):
    problem = of_one_hot_steps(problem)
    H, w = all_states(problem), problem.w / problem.w.sum()
    variances = w @ np.square(H - w @ H)
    drawn = reference.blocks(problem.theta, problem.net)["W_hy",]
    found = reference.blocks(ridge_output_init(problem), problem.net)
    errors = H @ found["W_hy",] + found["b_y",] - problem.y
    pull = output_initialization._RIDGE * variances.mean() * (found["W_hy",] - drawn)
    if variances.mean() > 1e-9 * np.square(H).mean():
        scale = 1 + np.abs(H).max() * np.abs(problem.y).max()
        assert_allclose(H.T @ (w[:, None] * errors) + pull, 0, atol=1e-9 * scale)
        assert_allclose(w @ errors, 0, atol=1e-9 * scale)


def test_classes_are_read_as_numbers_that_are_1_over_their_frequency():
    problem = of_one_hot_steps(fixed_problem(lengths=(6, 5, 3), n_directions=2))
    n_classes, n_steps = problem.net.n_outputs, len(problem.y)
    counts = n_steps * np.bincount(problem.y, problem.w, n_classes) / problem.w.sum()
    p = (counts + 1) / (n_steps + n_classes)
    as_numbers = [np.eye(n_classes)[y] / p for y in problem.labels]
    identity = problem.net._replace(output="identity")
    found = reference.blocks(ridge_output_init(problem), problem.net)
    other = reference.blocks(
        ridge_output_init(problem, net=identity, labels=as_numbers), identity
    )
    assert_allclose(found["W_hy",], other["W_hy",], rtol=1e-10)
    mean = problem.w @ all_states(problem) / problem.w.sum()
    assert_allclose(mean @ found["W_hy",] + found["b_y",], np.log(p), rtol=1e-10)


def test_it_is_a_step_of_newton_from_outputs_that_are_the_same_everywhere(monkeypatch):
    monkeypatch.setattr(output_initialization, "_RIDGE", 1e-9)
    problem = of_one_hot_steps(fixed_problem(lengths=(40,) * 20, n_features=4))
    net, n_classes = problem.net, problem.net.n_outputs
    H = np.column_stack([np.ones(len(problem.y)), all_states(problem)])
    w, Y = problem.w / problem.w.sum(), np.eye(n_classes)[problem.y]
    p = w @ Y
    gradient = H.T @ (w[:, None] * (p - Y))
    curvature = np.kron(H.T @ (w[:, None] * H), np.diag(p) - np.outer(p, p))
    step = -np.linalg.pinv(curvature, rcond=1e-10) @ gradient.ravel()
    expected = H @ step.reshape(-1, n_classes) + np.log(p)
    named = reference.blocks(ridge_output_init(problem), net)
    found = H[:, 1:] @ named["W_hy",] + named["b_y",]
    found, expected = (L - L.mean(axis=1)[:, None] for L in (found, expected))
    # Every class is counted once more, among 800 steps.
    assert_allclose(found, expected, atol=0.01)


def test_nothing_else_changes():
    problem = fixed_problem(hidden_layer_sizes=(3, 2))
    before = problem.theta.copy()
    found = ridge_output_init(problem)
    assert_array_equal(problem.theta, before)
    named, drawn = (reference.blocks(t, problem.net) for t in (found, problem.theta))
    for name, block in named.items():
        same = np.array_equal(block, drawn[name])
        assert same == (name not in (("W_hy",), ("b_y",)))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_states_that_never_differ_leave_the_weights_as_they_were_drawn(value):
    problem = fixed_problem(lengths=(1, 1, 1))
    same = [np.full((1, 2), value)] * 3
    assert_array_equal(ridge_output_init(problem, sequences=same), problem.theta)


def test_a_class_that_the_sample_lacks_has_a_small_frequency():
    problem = of_one_hot_steps(fixed_problem(n_outputs=4))
    labels = [np.zeros_like(y) for y in problem.labels]
    found = reference.blocks(ridge_output_init(problem, labels=labels), problem.net)
    n_steps = sum(map(len, labels))
    mean = problem.w @ all_states(problem) / problem.w.sum()
    expected = np.log(np.array([n_steps + 1, 1, 1, 1]) / (n_steps + 4))
    assert_allclose(mean @ found["W_hy",] + found["b_y",], expected, rtol=1e-10)


def test_where_steps_share_features_a_part_of_the_way_is_gone():
    problem = fixed_problem(n_features=3)
    features = regularization.feature_stats(problem.batches())
    alone = regularization.FeatureStats.of(features.scale, np.full(3, 0.1))
    whole, part = (
        output_initialization.ridge_output_init(
            problem.net, problem.theta, f, problem.sample
        )
        - problem.theta
        for f in (alone, features)
    )
    assert features.expected_overlap > 2.9
    assert_allclose(part, whole / features.expected_overlap, rtol=1e-9, atol=1e-15)


@given(problem=problems(nets=WITHOUT_SKIP))
def test_batches_do_not_matter(problem):
    with batches_of(1):
        one_by_one = ridge_output_init(problem)
    with batches_of(1024):
        assert_allclose(ridge_output_init(problem), one_by_one, rtol=1e-6, atol=1e-9)


def test_steps_without_weight_have_no_say():
    problem = fixed_problem(lengths=(3, 2))
    absent = problem.replace(weights=[problem.weights[0], np.zeros(2)])
    changed = absent.replace(labels=[problem.labels[0], 2 - problem.labels[1]])
    assert_array_equal(ridge_output_init(absent), ridge_output_init(changed))
    assert not np.array_equal(ridge_output_init(absent), ridge_output_init(problem))


def test_reading_the_states_beats_constant_outputs():
    problem = of_one_hot_steps(fixed_problem(lengths=(30,) * 10, n_features=3))
    labels = [x[:, 0].astype(int) for x in problem.sequences]
    problem = problem.replace(labels=labels, alpha=0.0)
    drawn, _ = problem.loss_and_gradient()
    loss, _ = problem.replace(theta=ridge_output_init(problem)).loss_and_gradient()
    share = problem.w @ problem.y / problem.w.sum()
    constant = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert loss < constant < drawn
