"""The variables of L-BFGS: the Fisher estimate and what is made of it."""

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose
from strategies import fixed_problem

from skrnn._network.training import preconditioning, regularization


class Always:
    """A random state that draws the same number always."""

    def __init__(self, value):
        self.value = value

    def uniform(self, size):
        return np.full(size, self.value)


FIRST_CLASS, LAST_CLASS = Always(0.0), Always(1 - 1e-12)


def fisher(problem, rng, ids=None):
    sample = problem.sample if ids is None else problem.sample._replace(ids=ids)
    return preconditioning.fisher_diagonal(problem.net, problem.theta, sample, rng)


def slope(problem, i, labels):
    """Return the gradient of one sequence's -log p, its weights of mean 1."""
    w = problem.weights[i] / problem.weights[i].mean()
    return [
        reference.data_loss(
            problem.theta + 1e-30j * v,
            problem.net,
            [problem.sequences[i]],
            [labels],
            [w],
        )[0].imag
        / 1e-30
        for v in np.eye(len(problem.theta))
    ]


def diagonal(problem, rng=None, **changes):
    rng = np.random.RandomState(0) if rng is None else rng
    feature_scale = regularization.feature_stats(problem.batches()).scale
    preconditioner = preconditioning.Preconditioner(feature_scale, problem.sample, rng)
    with problem.replace(**changes).objective() as objective:
        return preconditioner.diagonal(objective, problem.theta)


# The Fisher estimate


NETWORKS = [
    {"n_directions": 2},
    {"skip_connection": True},
    {"transitions": True},
    {"skip_connection": True, "transitions": True, "hidden_layer_sizes": ()},
]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize(("rng", "label"), [(FIRST_CLASS, 0), (LAST_CLASS, -1)])
def test_fisher_is_the_mean_of_squared_gradients_of_sequences(rng, label, network):
    problem = fixed_problem(**network)
    total, total_weight = 0.0, 0.0
    for i, (x, w) in enumerate(zip(problem.sequences, problem.weights, strict=True)):
        labels = np.full(len(x), label) % problem.net.n_outputs
        total = total + w.mean() * np.square(slope(problem, i, labels))
        total_weight += w.sum()
    assert_allclose(fisher(problem, rng), total / total_weight, rtol=1e-10, atol=1e-15)


def test_labelings_of_a_chain_are_drawn_from_the_model():
    problem = fixed_problem(lengths=(2,), transitions=True, n_outputs=2)
    x, theta, net = problem.sequences[0], problem.theta, problem.net
    scores = reference.chain_scores(
        reference.logits(x, theta, net), *reference.chain(theta, net)
    )
    p = np.exp(scores - reference.log_sum_exp(scores))
    slopes = [slope(problem, 0, y) for y in reference.labelings(2, 2)]
    rng = np.random.RandomState(0)
    mean = np.mean([fisher(problem, rng) for _ in range(4000)], axis=0)
    # The mean of n draws is off by about 1 / sqrt(n).
    assert_allclose(mean, p @ np.square(slopes) / 2, rtol=0.1)


def test_labels_are_drawn_from_the_model():
    problem = fixed_problem(lengths=(1,))
    p = np.exp(
        reference.log_probabilities(problem.sequences[0], problem.theta, problem.net)
    )
    slopes = [slope(problem, 0, np.array([k])) for k in range(problem.net.n_outputs)]
    expected = p[0] @ np.square(slopes)
    rng = np.random.RandomState(0)
    mean = np.mean([fisher(problem, rng) for _ in range(4000)], axis=0)
    # The mean of n draws is off by about 1 / sqrt(n).
    assert_allclose(mean, expected, rtol=0.1)


def test_a_sequence_of_weight_k_counts_as_k_copies():
    problem = fixed_problem(lengths=(3, 2))
    weighted = problem.replace(weights=[np.full(3, 4.0), np.ones(2)])
    copied = problem.replace(weights=[np.ones(3), np.ones(2)])
    assert_allclose(
        fisher(weighted, FIRST_CLASS),
        fisher(copied, FIRST_CLASS, ids=np.array([0, 0, 0, 0, 1])),
        rtol=1e-12,
    )


def test_a_common_factor_of_all_weights_does_not_matter():
    problem = fixed_problem()
    doubled = problem.replace(weights=[2 * w for w in problem.weights])
    assert_allclose(
        fisher(problem, FIRST_CLASS), fisher(doubled, FIRST_CLASS), rtol=1e-12
    )


# The scales


def test_scales_are_the_curvature_to_the_power():
    problem = fixed_problem()
    s = diagonal(problem, FIRST_CLASS)
    features = regularization.feature_stats(problem.batches())
    unit = np.ones_like(s)
    reference.blocks(unit, problem.net)["W_xh", 0, 0][...] = features.scale[:, None]
    penalty = problem.alpha * regularization.precision(problem.net, features)
    curvature = fisher(problem, FIRST_CLASS) + penalty / problem.w.sum()
    expected = (curvature / unit**2) ** -preconditioning._POWER / unit
    assert_allclose(s / s[0], expected / expected[0], rtol=1e-10)


def test_estimates_of_a_training_are_averaged():
    problem = fixed_problem()
    where = problem.sample, FIRST_CLASS
    plain = np.ones(problem.net.n_features)
    with problem.objective() as objective:
        preconditioner = preconditioning.Preconditioner(plain, *where)
        thetas = problem.theta, 2 * problem.theta
        first, second = (preconditioner.diagonal(objective, theta) for theta in thetas)
        fishers = [
            preconditioning.fisher_diagonal(problem.net, theta, *where)
            for theta in thetas
        ]
        for s, fisher in ((first, fishers[0]), (second, np.mean(fishers, axis=0))):
            expected = (fisher + objective.penalty) ** -preconditioning._POWER
            assert_allclose(s / s[0], expected / expected[0], rtol=1e-10)


def test_the_largest_component_of_the_gradient_keeps_its_size():
    problem = fixed_problem()
    _, gradient = problem.loss_and_gradient()
    scaled = diagonal(problem) * gradient
    scale = regularization.feature_stats(problem.batches()).scale
    reference.blocks(gradient, problem.net)["W_xh", 0, 0][...] /= scale[:, None]
    assert_allclose(np.abs(scaled).max(), np.abs(gradient).max(), rtol=1e-12)


def test_where_no_gradient_arrives_variables_stay_as_they_are():
    problem = fixed_problem(n_outputs=1)
    problem = problem.replace(theta=np.zeros_like(problem.theta), alpha=0.0)
    s = diagonal(problem)
    scale = regularization.feature_stats(problem.batches()).scale
    reference.blocks(s, problem.net)["W_xh", 0, 0][...] *= scale[:, None]
    assert_allclose(s, 1.0, rtol=1e-15)


def test_a_free_bias_that_no_gradient_reaches_has_a_finite_scale():
    problem = fixed_problem(n_outputs=1)
    s = diagonal(problem, alpha=1.0)
    assert np.isfinite(s).all()
    assert (s > 0).all()


@pytest.mark.parametrize("skip_connection", [False, True])
def test_a_unit_of_a_feature_changes_the_scale_of_its_weights_alone(skip_connection):
    problem = fixed_problem(lengths=(5, 3, 2), skip_connection=skip_connection)
    theta = problem.theta.copy()
    names = [("W_xh", 0, 0), *([("W_xy",)] if skip_connection else [])]
    for name in names:
        reference.blocks(theta, problem.net)[name][1] /= 1000
    other = problem.replace(
        theta=theta, sequences=[x * [1, 1000] for x in problem.sequences]
    )
    s, s_other = diagonal(problem), diagonal(other)
    for name in names:
        reference.blocks(s, problem.net)[name][1] /= 1000
    assert_allclose(s_other, s, rtol=1e-10)


# Numbers as targets


class Fixed:
    """A random state whose normal numbers are all the same."""

    def normal(self, size):
        return np.full(size, 2.0)


def test_fisher_of_numbers_is_that_of_errors_drawn_with_variance_1():
    problem = fixed_problem(output="identity")
    total, total_weight = 0.0, 0.0
    for i, (x, w) in enumerate(zip(problem.sequences, problem.weights, strict=True)):
        drawn = reference.logits(x, problem.theta, problem.net) + 2.0
        total = total + w.mean() * np.square(slope(problem, i, drawn))
        total_weight += w.sum()
    assert_allclose(
        fisher(problem, Fixed()), total / total_weight, rtol=1e-10, atol=1e-15
    )
