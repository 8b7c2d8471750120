"""What must hold of any network of this kind; a gradient check alone cannot tell."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from strategies import (
    DEVIATIONS,
    NETS,
    SEEDS,
    batches_of,
    fit,
    fixed_problem,
    learned,
    problems,
    theta_of,
    threads_for_little,
)
from threadpoolctl import threadpool_limits

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor, as_ragged, pad_sequences
from skrnn._network import inference
from skrnn._network.training.objective import batch_loss_and_gradient
from skrnn._network.workspace import Workspace

ONE_WAY = NETS.map(lambda net: net._replace(n_directions=1))
SEVERAL_CLASSES = NETS.filter(lambda net: net.n_outputs > 1)
SEVERAL_STEPS = st.lists(st.integers(2, 5), min_size=1, max_size=4)
TWO_WAY = NETS.map(lambda net: net._replace(n_directions=2))


def logits(problem, sequences=None):
    """Return the logits of every step, one sequence after another."""
    if sequences is not None:
        problem = problem.replace(sequences=sequences)
    return inference.evaluate(
        problem.net,
        problem.net.unflatten(problem.theta),
        problem.source,
        np.dtype(np.float64),
        inference.logits,
    )


def without_padding(X):
    return [x[~np.isnan(x).all(axis=1)] for x in X]


@pytest.fixture
def ragged():
    """Sequences of several lengths with labels that depend on the past."""
    rng = np.random.default_rng(5)
    X = [rng.normal(size=(n, 2)) for n in (6, 4, 4, 7, 1, 5, 2, 6)]
    y = [(np.cumsum(x[:, 0]) > 0).astype(int) + 2 * (x[:, 1] > 0) for x in X]
    return X, y


CLASSIFIERS = {
    "plain": {},
    "two-way": {"bidirectional": True, "hidden_layer_sizes": (3, 4)},
    "balanced": {"class_weight": "balanced", "activation": "relu"},
    "early-stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "automatic": {"alpha": "auto"},
    "skip": {"skip_connection": True, "skip_alpha": 1.0},
    "linear": {"skip_connection": True, "hidden_layer_sizes": ()},
    "chain": {"transitions": True, "skip_alpha": 1.0},
    "skip and chain, automatic": {
        "alpha": "auto",
        "skip_connection": True,
        "transitions": True,
        "bidirectional": True,
    },
    "automatic, early-stopping": {
        "alpha": "auto",
        "early_stopping": True,
        "validation_fraction": 0.3,
    },
}
REGRESSORS = {
    f"regressor, {name}": {"model": VanillaRNNRegressor, **CLASSIFIERS[name]}
    for name in ("plain", "two-way", "early-stopping", "automatic", "skip")
}


def every(cases):
    return pytest.mark.parametrize("parameters", cases.values(), ids=cases)


CASES = CLASSIFIERS | REGRESSORS
FITS = every(CASES)
FORMS = pytest.mark.parametrize(
    "form",
    [
        lambda X: X,
        lambda X: [sparse.csr_array(x) for x in X],
        pad_sequences,
        lambda X: [x.astype(np.float32) for x in X],
    ],
    ids=["ragged", "sparse", "padded", "float32"],
)


# Padding, batches, threads


@FITS
def test_more_padding_is_free(ragged, parameters):
    X, y = pad_sequences(ragged[0]), ragged[1]
    wide = np.pad(X, [(0, 0), (0, 3), (0, 0)], constant_values=np.nan)
    narrow_model = fit(X, y, **parameters)
    wide_model = fit(wide, y, **parameters)
    assert_array_equal(learned(narrow_model), learned(wide_model))
    states = wide_model.hidden_states(wide)
    assert_array_equal(states[:, : X.shape[1]], narrow_model.hidden_states(X))
    assert np.isnan(states[:, X.shape[1] :]).all()


@given(problems())
def test_a_batchs_loss_is_the_weighted_sum_of_its_sequences_losses(problem):
    space = Workspace(np.dtype(np.float64))

    def evaluate(problem):
        total, slope = 0.0, np.zeros(len(problem.theta))
        for batch in problem.batches():
            loss, gradient = batch_loss_and_gradient(
                problem.net, problem.theta, batch, space
            )
            total += loss
            slope += gradient
        return total, slope

    together = evaluate(problem.replace(batch_size=1024))
    alone = [
        evaluate(problem.replace(sequences=[x], labels=[y], weights=[w]))
        for x, y, w in zip(
            problem.sequences, problem.labels, problem.weights, strict=True
        )
    ]
    expected, _ = reference.data_loss(
        problem.theta, problem.net, problem.sequences, problem.labels, problem.weights
    )
    assert_allclose(together[0], sum(a for a, _ in alone), rtol=1e-12, atol=1e-13)
    assert_allclose(together[0], expected, rtol=1e-12, atol=1e-13)
    assert_allclose(together[1], sum(s for _, s in alone), rtol=1e-11, atol=1e-12)


@given(problems(), st.integers(1, 6))
def test_the_number_of_batches_changes_nothing(problem, batch_size):
    one = problem.replace(batch_size=1024).loss_and_gradient()
    many = problem.replace(batch_size=batch_size).loss_and_gradient()
    assert_allclose(many[0], one[0], rtol=1e-13, atol=1e-14)
    assert_allclose(many[1], one[1], rtol=1e-11, atol=1e-12)


@given(problems(), st.integers(2, 4))
def test_the_number_of_threads_changes_nothing(problem, n_threads):
    problem = problem.replace(batch_size=1)
    one = problem.loss_and_gradient()
    many = problem.loss_and_gradient(n_threads=n_threads)
    assert_allclose(many[0], one[0], rtol=1e-13, atol=1e-14)
    assert_allclose(many[1], one[1], rtol=1e-11, atol=1e-12)


@every({name: CASES[name] for name in ("automatic", "regressor, automatic")})
def test_the_number_of_threads_does_not_change_the_strength(ragged, parameters):
    with threads_for_little():
        models = []
        for n_threads in (1, 2):
            with threadpool_limits(n_threads, user_api="blas"), batches_of(2):
                models.append(fit(*ragged, **parameters))
    one, two = models
    assert one.alpha_ == two.alpha_
    assert_allclose(one.alpha_scores_, two.alpha_scores_, rtol=1e-6)


@given(problems())
def test_float32_agrees_with_float64(problem):
    single = problem.loss_and_gradient(dtype=np.float32)
    double = problem.loss_and_gradient(dtype=np.float64)
    assert_allclose(single[0], double[0], rtol=1e-5, atol=1e-6)
    error = np.linalg.norm(single[1] - double[1])
    # A sum of zero, as of one class's gradient, still has the rounding of its terms.
    assert error <= 1e-5 * np.linalg.norm(double[1]) + 1e-6


# Weights and order of sequences


@FORMS
@FITS
def test_weight_k_equals_k_copies(ragged, form, parameters):
    X, y = ragged
    k = np.array([1, 3, 2, 1, 5, 1, 2, 1])
    copies = np.random.default_rng(0).permutation(np.repeat(np.arange(len(X)), k))
    weighted = fit(form(X), y, sample_weight=k, **parameters)
    copied = fit(form([X[i] for i in copies]), [y[i] for i in copies], **parameters)
    assert_array_equal(learned(weighted), learned(copied))


@FORMS
@FITS
def test_weight_0_equals_removal_of_a_sequence(ragged, form, parameters):
    X, y = ragged
    w = np.array([1, 0, 2, 1, 0.5, 0, 0, 1])
    kept = np.flatnonzero(w)
    weighted = fit(form(X), y, sample_weight=w, **parameters)
    removed = fit(
        form([X[i] for i in kept]),
        [y[i] for i in kept],
        sample_weight=w[kept],
        **parameters,
    )
    assert_array_equal(learned(weighted), learned(removed))


@FITS
def test_permuting_sequences_changes_nothing(ragged, parameters):
    X, y = ragged
    w = np.array([0.5, 1, 2, 1, 0.25, 3, 1, 1.5])  # sums of these are exact
    order = np.random.default_rng(1).permutation(len(X))
    model = fit(X, y, w, **parameters)
    permuted = fit([X[i] for i in order], [y[i] for i in order], w[order], **parameters)
    assert_array_equal(learned(model), learned(permuted))


@given(problems(nets=SEVERAL_CLASSES, lengths=SEVERAL_STEPS))
def test_a_step_of_weight_0_still_feeds_the_recurrence(problem):
    weights = [np.r_[0.0, np.ones(len(x) - 1)] for x in problem.sequences]
    silent = problem.replace(weights=weights)
    loss, gradient = silent.loss_and_gradient()
    assert_allclose(loss, silent.reference(silent.theta), rtol=1e-12, atol=1e-14)

    n = problem.net.n_outputs
    other_labels = [np.r_[(y[:1] + 1) % n, y[1:]] for y in problem.labels]
    relabeled = silent.replace(labels=other_labels).loss_and_gradient()
    assert relabeled[0] == loss
    assert_array_equal(relabeled[1], gradient)


def test_features_of_a_step_of_weight_0_matter():
    problem = fixed_problem(lengths=(3, 2))
    weights = [np.r_[0.0, w[1:]] for w in problem.weights]
    altered = [np.r_[x[:1] + 1, x[1:]] for x in problem.sequences]
    silent = problem.replace(weights=weights, alpha=0.0)
    loss, _ = silent.loss_and_gradient()
    altered_loss, _ = silent.replace(sequences=altered).loss_and_gradient()
    assert abs(altered_loss - loss) > 1e-3


# Outputs


@given(problems(), SEEDS)
def test_renaming_outputs_permutes_columns(problem, seed):
    new_name = np.random.default_rng(seed).permutation(problem.net.n_outputs)
    if problem.net.output == "softmax":
        labels = [new_name[y] for y in problem.labels]
    else:
        labels = [y[:, np.argsort(new_name)] for y in problem.labels]
    net = rename_allowed(problem.net, new_name)
    renamed = problem.replace(net=net, theta=problem.theta.copy(), labels=labels)
    old = reference.blocks(problem.theta, problem.net)
    for name, block in reference.blocks(renamed.theta, net).items():
        block[renamed_places(name, new_name)] = old[name]
    assert_allclose(logits(renamed)[:, new_name], logits(problem), rtol=1e-12)
    loss, gradient = problem.loss_and_gradient()
    renamed_loss, renamed_gradient = renamed.loss_and_gradient()
    assert_allclose(renamed_loss, loss, rtol=1e-12, atol=1e-14)
    named = reference.blocks(gradient, problem.net)
    for name, block in reference.blocks(renamed_gradient, problem.net).items():
        block = block[renamed_places(name, new_name)]
        assert_allclose(block, named[name], rtol=1e-10, atol=1e-12)


def renamed_places(name, new_name):
    """Return the index of a block's numbers under the new names of the outputs."""
    if name == ("A",):
        return np.ix_(new_name, new_name)
    of_outputs = name[0] in ("W_hy", "b_y", "W_xy", "start", "end")
    return (..., new_name) if of_outputs else ...


def rename_allowed(net, new_name):
    if not net.allowed:
        return net
    places = np.append(new_name, net.n_outputs)
    old = np.frombuffer(net.allowed, bool).reshape(len(places), -1)
    allowed = np.empty_like(old)
    allowed[np.ix_(places, places)] = old
    return net._replace(allowed=allowed.tobytes())


def test_names_of_classes_do_not_matter(ragged):
    X, y = ragged
    names = np.array(["a", "b", "c", "d"])
    by_number, by_name = fit(X, y), fit(X, as_ragged([names[y_i] for y_i in y]))
    assert_array_equal(theta_of(by_number), theta_of(by_name))
    for number, name in zip(by_number.predict(X), by_name.predict(X), strict=True):
        assert_array_equal(names[number], name)


# Time


@given(problems(nets=ONE_WAY), SEEDS, st.data())
def test_changing_x_after_t_changes_no_unidirectional_output_up_to_t(
    problem, seed, data
):
    rng = np.random.default_rng(seed)
    cuts = [data.draw(st.integers(0, len(x))) for x in problem.sequences]
    changed = [
        np.r_[x[:t], rng.normal(size=x[t:].shape)]
        for x, t in zip(problem.sequences, cuts, strict=True)
    ]
    before, after = (
        np.split(logits(problem, X), np.cumsum(problem.source.lengths)[:-1])
        for X in (problem.sequences, changed)
    )
    for one, other, t in zip(before, after, cuts, strict=True):
        assert_allclose(one[:t], other[:t], rtol=1e-13)


def test_changing_the_last_x_changes_the_first_output_of_a_two_way_model(ragged):
    X, y = ragged
    model = fit(X, y, bidirectional=True, alpha=0.01)
    first = model.predict_proba([X[2]])[0][0]
    changed = model.predict_proba([np.r_[X[2][:-1], -X[2][-1:]]])[0][0]
    assert np.abs(first - changed).max() > 1e-6


@given(problems(nets=TWO_WAY))
def test_reversing_sequences_swaps_the_directions(problem):
    swapped = problem.replace(
        net=reverse_allowed(problem.net),
        theta=swap_directions(problem.theta, problem.net),
        sequences=[x[::-1] for x in problem.sequences],
        labels=[y[::-1] for y in problem.labels],
        weights=[w[::-1] for w in problem.weights],
    )
    loss, gradient = problem.loss_and_gradient()
    swapped_loss, swapped_gradient = swapped.loss_and_gradient()
    assert_allclose(swapped_loss, loss, rtol=1e-12, atol=1e-14)
    assert_allclose(
        swap_directions(swapped_gradient, problem.net), gradient, rtol=1e-9, atol=1e-12
    )


def swap_directions(flat, net):
    """Exchange forward and backward weights, and the states that they lead to."""
    result = np.empty_like(flat)
    target = reference.blocks(result, net)
    for name, block in reference.blocks(flat, net).items():
        kind, *place = name
        reads_states = kind == "W_hy" or (kind == "W_xh" and place[0] > 0)
        source = np.roll(block, len(block) // 2, axis=0) if reads_states else block
        if kind in ("W_xh", "W_hh", "b_h"):
            name = (kind, place[0], 1 - place[1])
        name = {("start",): ("end",), ("end",): ("start",)}.get(name, name)
        target[name][...] = source.T if kind == "A" else source
    return result


def reverse_allowed(net):
    if not net.allowed:
        return net
    allowed = np.frombuffer(net.allowed, bool).reshape(net.n_outputs + 1, -1)
    return net._replace(allowed=allowed.T.tobytes())


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_step_by_step_equals_predict_proba(ragged, activation, dtype):
    X = [x.astype(dtype) for x in ragged[0]]
    model = fit(X, ragged[1], hidden_layer_sizes=(4, 3), activation=activation)
    batch = np.stack([X[1], X[2]])
    expected = model.predict_proba(batch)
    state = model.initial_state(2)
    for t in range(batch.shape[1]):
        proba, state = model.step(batch[:, t], state)
        assert proba.dtype == expected.dtype == dtype
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        assert_allclose(proba, expected[:, t], rtol=tolerance)


def test_two_sequences_of_one_step_equal_two_rows(ragged):
    X, y = np.concatenate(ragged[0]), np.concatenate(ragged[1])
    as_rows, as_sequences = fit(X, y), fit(X[:, None], y[:, None])
    assert_array_equal(theta_of(as_rows), theta_of(as_sequences))
    assert_array_equal(
        as_rows.predict_proba(X), as_sequences.predict_proba(X[:, None])[:, 0]
    )


@given(problems())
def test_without_recurrent_weights_steps_do_not_interact(problem):
    problem = problem.replace(theta=problem.theta.copy())
    for name, block in reference.blocks(problem.theta, problem.net).items():
        if name[0] == "W_hh":
            block[...] = 0.0
    steps = np.concatenate(problem.sequences)
    assert_allclose(logits(problem), logits(problem, list(steps[:, None])), rtol=1e-12)


# Units


@pytest.mark.parametrize("alpha", [0.01, 1.0])
@pytest.mark.parametrize("factor", [1e-3, 100.0])
def test_multiplying_a_feature_by_a_constant_changes_only_its_weights(
    ragged, alpha, factor
):
    X, y = ragged
    # Sequences of one length stand in the order of a hash of their content.
    X, y = ([values[i] for i in (0, 1, 3, 4, 5, 6)] for values in (X, y))
    unit = np.array([1.0, factor])
    model = fit(X, y, alpha=alpha)
    other = fit([x * unit for x in X], y, alpha=alpha)
    assert_allclose(other.loss_curve_, model.loss_curve_, rtol=1e-6)
    assert_allclose(
        other.input_coefs_[0] * unit[:, None], model.input_coefs_[0], rtol=1e-4
    )
    for one, two in zip(
        model.predict_proba(X), other.predict_proba([x * unit for x in X]), strict=True
    ):
        assert_allclose(one, two, rtol=1e-4)


# The fit as a whole


@FITS
def test_the_same_random_state_gives_the_same_fit(ragged, parameters):
    first, again = fit(*ragged, **parameters), fit(*ragged, **parameters)
    assert_array_equal(learned(first), learned(again))
    other = fit(*ragged, **parameters, random_state=1)
    assert not np.array_equal(theta_of(first), theta_of(other))


@every(CLASSIFIERS)
def test_loss_is_the_objective_of_the_reference_at_the_fitted_weights(
    ragged, parameters
):
    X, y = ragged
    w = np.linspace(0.5, 2, len(X))
    model = fit(X, y, w, **parameters | {"early_stopping": False, "class_weight": None})
    net = model._architecture()
    expected = reference.objective(
        net.flatten(model._parameters()),
        net,
        X,
        y,
        [np.full(len(x), w_i) for x, w_i in zip(X, w, strict=True)],
        model.alpha_,
        DEVIATIONS,
        model.skip_alpha_ or 0.0,
    )
    assert_allclose(model.loss_, expected, rtol=1e-12)


@pytest.mark.parametrize("model", [VanillaRNNClassifier, VanillaRNNRegressor])
def test_the_target_of_a_step_of_weight_zero_is_never_used(model):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 4, 2)), rng.integers(3, size=(12, 4))
    w = np.ones(y.shape)
    w[:, 1] = w[3:5, 2] = 0
    other = np.where(w == 0, rng.integers(3, size=y.shape), y)
    curves = [fit(X, labels, w, model=model).loss_curve_ for labels in (y, other)]
    assert_array_equal(*curves)
