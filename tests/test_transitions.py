"""Classifiers with a chain of labels, against sums over all labelings."""

import itertools
import pickle

import attributes
import numpy as np
import pycrfsuite
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal
from samples import as_form
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate
from strategies import CHAIN, ListSource, fit, learned, theta_of

from skrnn import (
    OneHotSequenceEncoder,
    VanillaRNNClassifier,
    as_ragged,
    pad_sequences,
    unpad,
)
from skrnn._network.model.parameters import Architecture
from skrnn._network.training import lbfgs, regularization
from skrnn._network.training.train import InMemoryData
from skrnn._validation.label_schemes import SCHEME_NAMES
from skrnn._validation.transitions import allowed_transitions

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LENGTHS = (5, 3, 1, 5, 4, 2, 5, 3)
CLASSES = np.array(["a", "b", "c"])
# b does not follow a, c is not first, a is not last.
RULES = np.ones((4, 4), dtype=bool)
RULES[0, 1] = RULES[3, 2] = RULES[0, 3] = False
NETWORKS = {
    "one-way": {},
    "two-way": {"bidirectional": True, "hidden_layer_sizes": (3, 2)},
    "skip": {"skip_connection": True, "skip_alpha": 0.5, "activation": "relu"},
    "linear": {"skip_connection": True, "skip_alpha": 0.5, "hidden_layer_sizes": ()},
}
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
rules = pytest.mark.parametrize("rules", [None, RULES], ids=["free", "rules"])


def allowed_labels(n_steps, rng):
    """Draw labels that keep the rules."""
    while True:
        codes = rng.integers(3, size=n_steps)
        path = [3, *codes, 3]
        if all(RULES[j, k] for j, k in itertools.pairwise(path)):
            return CLASSES[codes]


def make_data(lengths=LENGTHS, seed=0):
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(n, 2)) for n in lengths]
    return X, [allowed_labels(n, rng) for n in lengths]


X, y = make_data()


def chain(X=X, y=y, sample_weight=None, **parameters):
    """Fit a network with a chain for a few iterations."""
    parameters = {"transitions": True, "skip_alpha": 0.3, "alpha": 0.1} | parameters
    return fit(X, y, sample_weight, **parameters)


def codes_of(labels):
    return np.searchsorted(CLASSES, labels)


# All labelings


@rules
@networks
def test_methods_agree_with_sums_over_all_labelings(network, rules):
    model = chain(label_scheme=rules, **network)
    proba, log_proba = model.predict_proba(X), model.predict_log_proba(X)
    best, logs = model.predict(X), model.decision_function(X)
    together = model.sequence_log_proba(X, y)
    for i, x in enumerate(X):
        labelings, log_p = attributes.all_labelings(model, x)
        expected = attributes.marginals(labelings, log_p, 3)
        assert_allclose(proba[i], expected, rtol=1e-12, atol=1e-15)
        assert_array_equal(best[i], CLASSES[labelings[log_p.argmax()]])
        is_y = (labelings == codes_of(y[i])).all(axis=1)
        assert_allclose(together[i], log_p[is_y][0], rtol=1e-12, atol=1e-14)
        with np.errstate(divide="ignore"):
            expected = np.log(expected)
        assert_allclose(log_proba[i], expected, rtol=1e-12, atol=1e-13)
        assert_array_equal(logs[i], log_proba[i])


@rules
@networks
def test_the_n_best_are_the_first_of_all_labelings(network, rules):
    model = chain(label_scheme=rules, **network)
    for n in (1, 7, 1000):
        labels, found = model.predict_n_best(X, n)
        for i, x in enumerate(X):
            labelings, log_p = attributes.all_labelings(model, x)
            order = np.argsort(-log_p)[:n]
            order = order[log_p[order] > -np.inf]
            assert_array_equal(labels[i], CLASSES[labelings[order]])
            # The only labeling has log-probability 0, but for rounding.
            assert_allclose(found[i], log_p[order], rtol=1e-11, atol=1e-14)


def test_ten_labelings_are_the_default():
    labels, log_proba = chain().predict_n_best(X[:1])
    assert labels[0].shape == (10, 5)
    assert log_proba[0].shape == (10,)


def test_two_classes_have_one_decision_value():
    model = chain(y=[labels == "b" for labels in y])
    for x, values in zip(X, model.decision_function(X), strict=True):
        labelings, log_p = attributes.all_labelings(model, x)
        p = attributes.marginals(labelings, log_p, 2)
        assert values.shape == (len(x),)
        assert_allclose(values, np.log(p[:, 1] / p[:, 0]), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_labels_are_summed_over(missing):
    model = chain(label_scheme=RULES)
    rng = np.random.default_rng(1)
    is_known = [rng.random(len(x)) < 0.5 for x in X]
    is_known[0][:] = False
    partly = [
        [label if known else missing for label, known in zip(*pair, strict=True)]
        for pair in zip(y, is_known, strict=True)
    ]
    found = model.sequence_log_proba(X, partly)
    for i, x in enumerate(X):
        labelings, log_p = attributes.all_labelings(model, x)
        agrees = (labelings == codes_of(y[i]))[:, is_known[i]].all(axis=1)
        expected = reference.log_sum_exp(log_p[agrees])
        assert_allclose(found[i], expected, rtol=1e-12, atol=1e-13)
    assert abs(found[0]) < 1e-13


def test_labels_that_are_unknown_or_forbidden_have_probability_0():
    model = chain(label_scheme=RULES)
    labels = [["a", "x"], ["c", "b"], ["b", "a"], ["b", "c"], ["a", "b"], ["x", "c"]]
    found = model.sequence_log_proba([X[5]] * len(labels), labels)
    assert_array_equal(found == -np.inf, [True, True, True, False, True, True])


def test_probabilities_of_all_labelings_add_up_to_1():
    model = chain(label_scheme=RULES)
    labelings = CLASSES[reference.labelings(4, 3)]
    log_p = model.sequence_log_proba([X[4]] * len(labelings), list(labelings))
    assert_allclose(np.exp(log_p).sum(), 1, rtol=1e-12)


@networks
def test_without_a_chain_labels_have_the_product_of_their_probabilities(network):
    model = fit(X, y, **network)
    expected = [
        np.take_along_axis(log_p, codes_of(labels)[:, None], axis=1).sum()
        for log_p, labels in zip(model.predict_log_proba(X), y, strict=True)
    ]
    assert_allclose(model.sequence_log_proba(X, y), expected, rtol=1e-12)
    partly = [[None, *labels[1:]] for labels in y]
    first = [
        log_p[0, codes_of(labels[0])]
        for log_p, labels in zip(model.predict_log_proba(X), y, strict=True)
    ]
    found = model.sequence_log_proba(X, partly)
    assert_allclose(found, np.subtract(expected, first), rtol=1e-12, atol=1e-14)


# Step by step


@rules
@pytest.mark.parametrize("name", ["one-way", "skip", "linear"])
def test_a_step_is_labeled_given_the_steps_so_far(name, rules):
    model = chain(label_scheme=rules, **NETWORKS[name])
    A, start, _ = attributes.chain(model)
    batch = np.stack([x for x in X if len(x) == 5])
    state = model.initial_state(len(batch))
    sizes = [W.shape[-1] for W in model.recurrent_coefs_]
    assert [s.shape for s in state] == [(len(batch), n) for n in (*sizes, 3)]
    assert_array_equal(state[-1], np.tile(start, (len(batch), 1)))
    for t in range(5):
        before = [s.copy() for s in state]
        proba, new = model.step(batch[:, t], state)
        for s, s_before in zip(state, before, strict=True):
            assert_array_equal(s, s_before)
        state = new
        for x, p in zip(batch, proba, strict=True):
            L = attributes.logits(model, x[: t + 1])
            scores = reference.chain_scores(L, A, start, np.zeros(3))
            log_p = scores - reference.log_sum_exp(scores)
            labelings = reference.labelings(t + 1, 3)
            expected = attributes.marginals(labelings, log_p, 3)[-1]
            assert_allclose(p, expected, rtol=1e-11, atol=1e-15)


def test_a_step_needs_the_state_of_the_chain():
    model = chain()
    state = model.initial_state(2)
    with pytest.raises(ValueError, match=r"expected \[\(2, 5\), \(2, 3\)\]"):
        model.step(np.zeros((2, 2)), state[:-1])


# Forms


FORMS = ("padded", "ragged", "sparse", "rows")
PADDED, PADDED_Y = pad_sequences(X), np.full((len(X), 5), "", dtype="<U1")
for padded_row, labels_row in zip(PADDED_Y, y, strict=True):
    padded_row[: len(labels_row)] = labels_row


def test_forms_of_the_same_sequences_give_the_same_model():
    expected = chain(PADDED, PADDED_Y)
    for form in ("ragged", "sparse", "lists"):
        model = chain(*as_form(form, PADDED, PADDED_Y))
        assert_allclose(theta_of(model), theta_of(expected), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("network", [{}, NETWORKS["linear"]], ids=["chain", "linear"])
def test_one_hot_sparse_and_dense_steps_give_the_same_model(network):
    words = ["abca", "cab", "bb", "a", "acb", "defghijklmnopqrstuvwxyz"]
    labels = [["b" if c == "a" else "a" for c in word] for word in words]
    encoder = OneHotSequenceEncoder(sparse_output=True, dtype=np.float64)
    encoded = encoder.fit_transform(words)
    dense = [x.toarray() for x in encoded]
    as_sparse = [sparse.csr_array(x) for x in dense]
    models = [chain(data, labels, **network) for data in (encoded, dense, as_sparse)]
    for model in models[1:]:
        assert_allclose(theta_of(model), theta_of(models[0]), rtol=1e-8, atol=1e-11)
        for one, other in zip(
            model.predict_proba(dense), models[0].predict_proba(encoded), strict=True
        ):
            assert_allclose(one, other, rtol=1e-8)


@pytest.mark.parametrize("form", FORMS)
def test_the_n_best_have_the_form_of_X(form):
    X_form, y_form = as_form(form, PADDED, PADDED_Y)
    model = chain(X_form, y_form)
    labels, log_proba = model.predict_n_best(X_form, 4)
    best = model.predict(X_form)
    if form == "padded":
        assert labels.shape == (len(X), 4, 5)
        assert labels.dtype == best.dtype
        assert log_proba.shape == (len(X), 4)
        assert_array_equal(labels[:, 0], best)
        padding = np.arange(5) >= np.array(LENGTHS)[:, None]
        assert (labels.transpose(0, 2, 1)[padding] == model.padding_label_).all()
        # The sequence of one step has only three labelings.
        assert_array_equal(np.isinf(log_proba), np.isinf(log_proba) & padding[:, 1:2])
        assert_array_equal(np.isinf(log_proba[2]), [False, False, False, True])
        assert (labels[2, 3] == model.padding_label_).all()
        assert (labels[:, :3, 0] != model.padding_label_).all()
    elif form == "rows":
        assert labels.shape == log_proba.shape == (len(X), 4)
        assert_array_equal(labels[:, 0], best)
        n = len(model.classes_)  # a row has no more labelings
        assert (labels[:, n:] == model.padding_label_).all()
        assert (log_proba[:, n:] == -np.inf).all()
        log_p = model.predict_log_proba(X_form)
        assert_allclose(log_proba[:, :n], -np.sort(-log_p, axis=1), rtol=1e-12)
    else:
        sizes = [min(4, 3**n) for n in LENGTHS]
        assert [a.shape for a in labels] == list(zip(sizes, LENGTHS, strict=True))
        assert [a.shape for a in log_proba] == [(n,) for n in sizes]
        for of_sequence, first in zip(labels, best, strict=True):
            assert_array_equal(of_sequence[0], first)


def test_padding_changes_no_result():
    model = chain(PADDED, PADDED_Y)
    ragged, _ = unpad(PADDED, PADDED_Y)
    wide = np.pad(PADDED, [(0, 0), (0, 3), (0, 0)], constant_values=np.nan)
    for name in ("predict_proba", "predict_log_proba", "decision_function"):
        padded, of_ragged = (getattr(model, name)(data) for data in (wide, ragged))
        for one, other, n in zip(padded, of_ragged, LENGTHS, strict=True):
            assert_allclose(one[:n], other, rtol=1e-12)
            assert np.isnan(one[n:]).all()
    assert (model.predict(wide)[:, 5:] == model.padding_label_).all()
    assert_array_equal(
        model.predict_n_best(wide, 3)[0][..., :5], model.predict_n_best(PADDED, 3)[0]
    )
    found = model.sequence_log_proba(wide, np.pad(PADDED_Y, [(0, 0), (0, 3)]))
    assert_allclose(found, model.sequence_log_proba(ragged, y), rtol=1e-12)


def test_empty_sequences_have_one_labeling():
    model = chain()
    empty = [np.empty((0, 2)), X[1]]
    labels, log_proba = model.predict_n_best(empty, 2)
    assert labels[0].shape == (1, 0)
    assert_array_equal(log_proba[0], [0.0])
    assert labels[1].shape == (2, 3)
    assert_array_equal(model.sequence_log_proba(empty, [[], y[1]])[0], 0.0)
    assert [len(labels) for labels in model.predict(empty)] == [0, 3]


def test_a_sequence_that_no_labeling_fits_has_none():
    pairs, labels = [X[0][:4], X[3][:2]], [["B-X", "E-X"] * 2, ["B-X", "E-X"]]
    model = chain(pairs, labels, label_scheme="IOBES")
    odd = [X[1], X[0][:2], X[2]]
    labels, log_proba = model.predict_n_best(odd, 3)
    assert [found.shape for found in labels] == [(0, 3), (1, 2), (0, 1)]
    assert [found.shape for found in log_proba] == [(0,), (1,), (0,)]
    for labels in (
        [["B-X", "E-X", "B-X"], ["B-X", "E-X"], ["B-X"]],
        [[None] * 3, [None] * 2, [None]],
    ):
        found = model.sequence_log_proba(odd, labels)
        assert_allclose(found, [-np.inf, 0, -np.inf], atol=1e-14)


@pytest.mark.parametrize("n", [0, -1, 2.0, "2"])
def test_the_number_of_labelings_is_a_positive_integer(n):
    with pytest.raises((ValueError, TypeError), match="n"):
        chain().predict_n_best(X, n)


def test_only_a_chain_has_n_best():
    assert not hasattr(fit(X, y), "predict_n_best")
    assert not hasattr(VanillaRNNClassifier(), "predict_n_best")
    assert hasattr(VanillaRNNClassifier(transitions=True), "predict_n_best")
    with pytest.raises(AttributeError) as caught:
        VanillaRNNClassifier().predict_n_best(X)
    assert "fit with transitions=True" in str(caught.value.__cause__)


# Attributes


@rules
def test_attributes_have_their_shapes_and_forbidden_scores(rules):
    model = chain(label_scheme=rules)
    A, start, end = attributes.chain(model)
    assert (A.shape, start.shape, end.shape) == ((3, 3), (3,), (3,))
    expected = np.ones((4, 4), bool) if rules is None else rules
    assert_array_equal(np.isfinite(A), expected[:3, :3])
    assert_array_equal(np.isfinite(start), expected[3, :3])
    assert_array_equal(np.isfinite(end), expected[:3, 3])
    assert (np.where(np.isfinite(A), A, 1) != 0).all()
    assert model.skip_alpha_ == 0.3


def test_attributes_of_an_absent_chain_are_none():
    model = fit(X, y)
    assert [getattr(model, name) for name in (*CHAIN, "skip_coef_", "skip_alpha_")] == [
        None
    ] * 5


def test_loss_is_minus_the_mean_log_probability_per_step_plus_the_penalty():
    weights = np.linspace(0.5, 2, len(X))
    model = chain(sample_weight=weights, alpha=0.0, label_scheme=RULES)
    W = weights @ LENGTHS
    squares = sum(np.square(a[np.isfinite(a)]).sum() for a in attributes.chain(model))
    expected = -weights @ model.sequence_log_proba(X, y) / W + 0.3 * squares / (2 * W)
    assert_allclose(model.loss_, expected, rtol=1e-12)


def test_unlabeled_steps_are_summed_over_in_training():
    weights = [np.ones(n) for n in LENGTHS]
    for i in (0, 3, 4):
        weights[i][1] = 0
    weights[5][:] = 0
    partly = [
        [label if w else None for label, w in zip(*pair, strict=True)]
        for pair in zip(y, weights, strict=True)
    ]
    model = chain(y=partly, sample_weight=weights, alpha=0.0, skip_alpha=0.0)
    expected = -model.sequence_log_proba(X, partly).sum() / sum(map(sum, weights))
    assert_allclose(model.loss_, expected, rtol=1e-12)
    other = [
        ["a" if w == 0 else label for label, w in zip(*pair, strict=True)]
        for pair in zip(y, weights, strict=True)
    ]
    again = chain(y=other, sample_weight=weights, alpha=0.0, skip_alpha=0.0)
    assert_array_equal(theta_of(again), theta_of(model))


# Schemes


def encodings(scheme, n_steps, types="XY"):
    """Return the labels of all sets of spans in a sequence."""
    found = set()
    for spans in segmentations(n_steps, types):
        labels = []
        for i, (kind, length) in enumerate(spans):
            before = spans[i - 1][0] if i else None
            after = spans[i + 1][0] if i + 1 < len(spans) else None
            prefixes = PREFIXES[scheme](length, before == kind, after == kind)
            labels += ["O"] if kind is None else [f"{p}-{kind}" for p in prefixes]
        found.add(tuple(labels))
    return found


def segmentations(n_steps, types):
    """Yield lists of (type, length); steps outside of spans have type None."""
    if n_steps == 0:
        yield []
        return
    for rest in segmentations(n_steps - 1, types):
        yield [(None, 1), *rest]
    for length in range(1, n_steps + 1):
        for kind in types:
            for rest in segmentations(n_steps - length, types):
                yield [(kind, length), *rest]


def iobes(n, letters):
    begin, inside, end, single = letters
    return single if n == 1 else begin + inside * (n - 2) + end


# Prefixes of a span of n steps, and whether one of its type is right before or after.
PREFIXES = {
    "IOB1": lambda n, before, after: ("B" if before else "I") + "I" * (n - 1),
    "IOB2": lambda n, before, after: "B" + "I" * (n - 1),
    "IOE1": lambda n, before, after: "I" * (n - 1) + ("E" if after else "I"),
    "IOE2": lambda n, before, after: "I" * (n - 1) + "E",
    "IOBES": lambda n, before, after: iobes(n, "BIES"),
    "BILOU": lambda n, before, after: iobes(n, "BILU"),
    "BMES": lambda n, before, after: iobes(n, "BMES"),
}
PREFIXES |= {"BIO": PREFIXES["IOB2"], "BIOES": PREFIXES["IOBES"]}


def test_every_scheme_is_tested():
    assert {*SCHEME_NAMES} == {*PREFIXES}


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
def test_a_scheme_allows_what_encodes_spans_and_nothing_else(scheme):
    used = {label for labels in encodings(scheme, 4) for label in labels}
    labels = np.array(sorted(used))
    table = allowed_transitions(scheme, labels)
    n = len(labels)
    for n_steps in (1, 2, 3, 4):
        paths = np.array(list(itertools.product(range(n), repeat=n_steps)))
        is_allowed = table[n, paths[:, 0]] & table[paths[:, -1], n]
        for t in range(1, n_steps):
            is_allowed &= table[paths[:, t - 1], paths[:, t]]
        found = {tuple(path) for path in labels[paths[is_allowed]].tolist()}
        assert found == encodings(scheme, n_steps)


def test_a_scheme_is_kept_in_training_and_prediction():
    rng = np.random.default_rng(0)
    possible = sorted(encodings("IOBES", 4, types="X"))
    labels = [possible[i] for i in rng.integers(len(possible), size=20)]
    data = rng.normal(size=(20, 4, 2))
    model = chain(data, labels, label_scheme="IOBES", max_iter=5)
    new = rng.normal(size=(200, 4, 2))
    assert {tuple(labels) for labels in model.predict(new)} <= {*possible}
    found, log_proba = model.predict_n_best(new[:5], 1000)
    for labels, log_p in zip(found, log_proba, strict=True):
        is_one = log_p > -np.inf
        assert {tuple(path) for path in labels[is_one]} == {*possible}
        assert_allclose(np.exp(log_p).sum(), 1, rtol=1e-11)


def test_types_may_contain_hyphens_and_be_absent():
    table = allowed_transitions("IOB2", np.array(["B", "B-x-y", "I", "I-x-y", "O"]))
    after_B, after_B_xy = table[0, [2, 3]], table[1, [2, 3]]
    assert (after_B.tolist(), after_B_xy.tolist()) == ([True, False], [False, True])


@pytest.mark.parametrize(
    ("scheme", "label"), [("IOB2", "E-X"), ("BILOU", "E-X"), ("BMES", "I-X")]
)
def test_labels_of_another_scheme_are_refused(scheme, label):
    with pytest.raises(ValueError, match=f"'{label}' is not a label of {scheme}"):
        chain(X[:1], [["O", label, "O", "O", "O"]], label_scheme=scheme)
    with pytest.raises(ValueError, match="label 0 is not a label"):
        chain(X[:1], [[0, 1, 0, 0, 0]], label_scheme=scheme)


@pytest.mark.parametrize(
    "scheme",
    [np.ones((3, 3), bool), np.ones((4, 4)), np.ones(4, bool), [[True]], [["a"]]],
    ids=str,
)
def test_a_table_has_bools_for_all_classes_and_the_outside(scheme):
    with pytest.raises(ValueError, match=r"pass bools of shape \(4, 4\)"):
        chain(label_scheme=scheme)


@pytest.mark.parametrize("scheme", ["IOB3", "iob2", 1, True])
def test_a_scheme_has_a_known_name(scheme):
    with pytest.raises(ValueError, match="label_scheme"):
        chain(label_scheme=scheme)


def test_a_scheme_needs_transitions():
    with pytest.raises(ValueError, match="needs transitions=True"):
        fit(X, y, label_scheme=RULES)


def test_a_table_may_be_a_list():
    model = chain(label_scheme=RULES.tolist())
    assert_array_equal(theta_of(model), theta_of(chain(label_scheme=RULES)))


@pytest.mark.parametrize(
    ("i", "labels", "message"),
    [
        (1, ["b", "a", "b"], r"y\[1\] at step 2 is 'b', .* after 'a'"),
        (1, ["c", "b", "b"], r"y\[1\] at step 0 is 'c', .* after the start"),
        (1, ["b", "b", "a"], r"y\[1\] at step 2 is 'a', .* at the end"),
        (2, ["a"], r"y\[2\] at step 0 is 'a', .* at the end"),
        (7, ["b", "a", "b"], r"y\[7\] at step 2 is 'b', .* after 'a'"),
    ],
)
def test_labels_that_break_the_rules_are_named(i, labels, message):
    wrong = [np.array(labels) if k == i else known for k, known in enumerate(y)]
    with pytest.raises(ValueError, match=message):
        chain(y=wrong, label_scheme=RULES)
    model = chain(y=wrong)
    assert model.transition_coef_.shape == (3, 3)
    # Without weight the labels are not read.
    weights = [np.full(n, float(k != i)) for k, n in enumerate(LENGTHS)]
    chain(y=wrong, label_scheme=RULES, sample_weight=weights)


CYCLE = np.zeros((4, 4), bool)  # a, b, c, a, b, c, ...
CYCLE[[3, 0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 3, 3, 3]] = True


@pytest.mark.parametrize(
    ("labels", "step"),
    [
        ("a..b.", 3),  # the fourth is a
        (".a...", 1),
        ("....a", 4),
        ("..c..", None),
        (".b..b", None),
        (".....", None),
    ],
)
def test_labels_of_unlabeled_steps_must_be_possible(labels, step):
    data, known = [X[1], X[0]], [["a", "b", "c"], list(labels.replace(".", "a"))]
    weights = [np.ones(3), np.array([label != "." for label in labels], float)]
    if step is None:
        assert np.isfinite(chain(data, known, weights, label_scheme=CYCLE).loss_)
        return
    with pytest.raises(ValueError, match=rf"y\[1\] at step {step}: .*unlabeled steps"):
        chain(data, known, weights, label_scheme=CYCLE)


def test_the_end_after_unlabeled_steps_must_be_possible():
    table = np.ones((4, 4), bool)
    table[2] = [False, False, True, False]  # c goes on forever
    table[:2, 3] = True
    weights = [np.ones(5), np.array([1.0, 1.0, 0.0])]
    labels = [["a", "b", "a", "b", "a"], ["b", "c", "c"]]
    with pytest.raises(ValueError, match=r"y\[1\] at step 2.*unlabeled steps"):
        chain(X[:2], labels, weights, label_scheme=table)


# Weights


def test_weights_within_a_sequence_are_equal_or_0():
    weights = [np.ones(n) for n in LENGTHS]
    weights[3][2] = 2
    with pytest.raises(ValueError, match=r"those of X\[3\] differ"):
        chain(sample_weight=weights)
    with pytest.raises(ValueError, match=r"those of X\[\d\] differ"):
        chain(class_weight="balanced")
    weights[3][:] = 2
    weights[3][1] = 0
    chain(sample_weight=weights)


def test_class_weights_work_for_sequences_of_one_step():
    rows = np.concatenate(X)
    labels = np.concatenate(y)
    factors = {"a": 1.0, "b": 3.0, "c": 0.5}
    by_class = chain(rows, labels, class_weight=factors)
    by_step = chain(rows, labels, np.array([factors[label] for label in labels]))
    assert_array_equal(theta_of(by_class), theta_of(by_step))
    chain(rows, labels, class_weight="balanced")


# Fits


def test_a_chain_of_one_class_is_certain():
    model = chain(y=[np.full(n, "a") for n in LENGTHS])
    assert_allclose(np.concatenate(list(model.predict_proba(X))), 1)
    assert_allclose(model.sequence_log_proba(X, [["a"] * n for n in LENGTHS]), 0)
    labels, log_proba = model.predict_n_best(X, 2)
    assert [len(found) for found in labels] == [1] * len(X)
    assert_allclose(np.concatenate(list(log_proba)), 0, atol=1e-15)


def test_sequences_of_one_step_have_a_start_and_an_end():
    rows, labels = np.concatenate(X), np.concatenate(y)
    model = chain(rows, labels, alpha=1.0)
    assert_array_equal(model.transition_coef_, 0)
    L = np.array([attributes.logits(model, row[None])[0] for row in rows])
    L += model.start_coef_ + model.end_coef_
    expected = np.exp(L) / np.exp(L).sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(rows), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "scheme", [None, RULES, np.ones((4, 4), bool)], ids=["free", "rules", "all"]
)
def test_a_warm_start_goes_on_with_the_chain(scheme):
    if scheme is not None:
        scheme = scheme.copy()
        scheme[3, 3] = False  # no sequence is empty, so this entry says nothing
    model = chain(label_scheme=scheme, warm_start=True, max_iter=10)
    before = model.loss_
    model.set_params(max_iter=20).fit(X, y)
    assert model.loss_ < before
    assert model.loss_curve_[0] < before
    expected = np.ones((3, 3), bool) if scheme is None else scheme[:3, :3]
    assert_array_equal(np.isfinite(model.transition_coef_), expected)


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        (None, {"label_scheme": RULES}, "label_scheme allowed"),
        (RULES, {"label_scheme": None}, "label_scheme allowed"),
        (None, {"transitions": False}, "with transitions=True"),
        (RULES, {"transitions": False, "label_scheme": None}, "with transitions=True"),
    ],
    ids=["new rules", "no more rules", "no chain", "no chain with rules"],
)
def test_a_warm_start_keeps_the_rules_and_the_chain(before, now, message):
    model = chain(warm_start=True, label_scheme=before)
    with pytest.raises(ValueError, match=f"warm_start continues .*{message}"):
        model.set_params(**now).fit(X, y)


def test_a_refit_without_a_chain_forgets_it():
    model = chain(label_scheme=RULES)
    model.set_params(transitions=False, label_scheme=None).fit(X, y)
    expected = fit(X, y, alpha=0.1, skip_alpha=0.3)
    assert_array_equal(theta_of(model), theta_of(expected))
    assert vars(model).keys() == vars(expected).keys()
    assert [getattr(model, name) for name in CHAIN] == [None] * 3
    assert not hasattr(model, "predict_n_best")
    assert len(model.initial_state()) == 1


def test_parameters_set_after_a_fit_change_no_prediction():
    model = chain(label_scheme=RULES)
    before = model.predict_proba(X), model.predict(X), model.decision_function(X)
    model.set_params(transitions=False, label_scheme=None, skip_connection=True)
    after = model.predict_proba(X), model.predict(X), model.decision_function(X)
    for one, other in zip(before, after, strict=True):
        for a, b in zip(one, other, strict=True):
            assert_array_equal(a, b)
    assert model.predict_n_best(X, 2)[1][0].shape == (2,)
    assert len(model.initial_state()) == 2
    plain = fit(X, y).set_params(transitions=True)
    assert len(plain.initial_state()) == 1


def test_early_stopping_scores_whole_labelings():
    data, labels = make_data(LENGTHS * 3, seed=4)
    model = chain(
        data, labels, early_stopping=True, validation_fraction=0.3, max_iter=30
    )
    assert len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_validation_score_ > model.validation_scores_[0]


def test_the_best_of_several_runs_is_kept():
    losses = [
        chain(random_state=np.random.RandomState(0), n_init=n).loss_ for n in (1, 4)
    ]
    assert losses[1] <= losses[0]
    assert chain(n_init=4).loss_ != chain(n_init=1, random_state=1).loss_


def test_float32_stays_float32():
    single = [x.astype(np.float32) for x in X]
    model = chain(single, label_scheme=RULES)
    assert {a.dtype for a in attributes.chain(model)} == {np.dtype(np.float32)}
    for x, p in zip(X, model.predict_proba(single), strict=True):
        expected = attributes.marginals(*attributes.all_labelings(model, x), 3)
        assert p.dtype == np.float32
        assert_allclose(p, expected, rtol=1e-4, atol=1e-6)
    assert {p.dtype for p in model.predict_log_proba(single)} == {np.dtype(np.float32)}
    state = model.initial_state(1)
    proba, state = model.step(single[0][:1], state)
    assert {a.dtype for a in (proba, *state)} == {np.dtype(np.float32)}
    found = model.sequence_log_proba(single, y)
    expected = [
        log_p[(labelings == codes_of(labels)).all(axis=1)][0]
        for x, labels in zip(X, y, strict=True)
        for labelings, log_p in [attributes.all_labelings(model, x)]
    ]
    assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_pickles_and_clones():
    model = chain(label_scheme=RULES, skip_connection=True)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(learned(restored), learned(model))
    assert_array_equal(
        restored.sequence_log_proba(X, y), model.sequence_log_proba(X, y)
    )
    assert_array_equal(clone(model).label_scheme, RULES)
    assert "label_scheme=array(" in repr(model)


@pytest.mark.parametrize(
    "parameters",
    [
        {"transitions": True},
        {"transitions": True, "skip_connection": True, "alpha": "auto"},
        {"skip_connection": True, "hidden_layer_sizes": (), "alpha": "auto"},
        {"transitions": True, "early_stopping": True, "skip_connection": True},
    ],
    ids=["chain", "both", "linear", "early-stopping"],
)
def test_the_search_ends_in_the_fit_with_the_strengths_found(parameters):
    data, labels = make_data(LENGTHS * 2, seed=3)
    parameters = {"alpha": 1.0, "validation_fraction": 0.2} | parameters
    found = fit(data, labels, **parameters)
    assert found.skip_alpha_ is not None
    strengths = {"alpha": found.alpha_, "skip_alpha": found.skip_alpha_}
    again = fit(data, labels, **parameters | strengths)
    assert_array_equal(theta_of(found), theta_of(again))
    assert found.loss_ == again.loss_
    assert found.alpha_ == again.alpha_
    assert found.skip_alpha_ == again.skip_alpha_


def test_scikit_learn_searches_over_chains():
    data, labels = as_ragged(X * 2), as_ragged(y * 2)
    base = VanillaRNNClassifier(3, alpha=1, skip_alpha=1, max_iter=3, random_state=0)
    grid = {"transitions": [False, True], "skip_connection": [False, True]}
    search = GridSearchCV(base, grid, cv=2, error_score="raise").fit(data, labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len({*search.cv_results_["mean_test_score"].tolist()}) > 1
    scores = cross_validate(base.set_params(transitions=True), data, labels, cv=2)
    assert np.isfinite(scores["test_score"]).all()


def test_the_score_is_that_of_the_best_labelings():
    model = chain()
    hits = np.concatenate(list(model.predict(X))) == np.concatenate(y)
    assert model.score(X, y) == hits.mean()


def test_sequences_without_any_allowed_labeling_are_named():
    # Spans of two steps, and nothing outside of them: lengths are even.
    X = [np.zeros((n, 1)) for n in (2, 4)]
    y = [["B-X", "E-X"], ["B-X", "E-X"] * 2]
    model = VanillaRNNClassifier(
        2, transitions=True, label_scheme="IOBES", alpha=1, max_iter=2
    )
    model.fit(X, y)
    assert [list(labels) for labels in model.predict(X)] == y
    for method in ("predict", "predict_proba", "predict_log_proba"):
        with pytest.raises(ValueError, match=r"no labeling of X\[1\], which has 3 st"):
            getattr(model, method)([X[0], np.zeros((3, 1))])
    with pytest.raises(ValueError, match=r"no labeling of X\[0\], which has 1 step"):
        model.decision_function([np.zeros((1, 1))])
    assert model.sequence_log_proba([np.zeros((1, 1))], [["B-X"]]) == -np.inf


def test_without_hidden_layers_a_chain_is_the_field_of_crfsuite(tmp_path):
    c2, rng = 0.3, np.random.default_rng(0)
    codes = [rng.integers(5, size=n) for n in rng.integers(1, 9, size=40)]
    names = [np.array(["x", "y", "z"])[(np.cumsum(x) // 3) % 3] for x in codes]
    trainer = pycrfsuite.Trainer(
        verbose=False,
        params={
            "c1": 0,
            "c2": c2,
            "max_iterations": 2000,
            "delta": 1e-12,
            "feature.possible_states": True,
            "feature.possible_transitions": True,
        },
    )
    for x, labels in zip(codes, names, strict=True):
        trainer.append([[f"word={word}"] for word in x], labels.tolist())
    trainer.train(str(tmp_path / "model"))

    net = Architecture(5, (), 1, 3, "tanh", skip_connection=True, transitions=True)
    y = np.concatenate(names) == np.array(["x", "y", "z"])[:, None]
    source = ListSource([np.eye(5)[x] for x in codes])
    data = InMemoryData(source, y.argmax(axis=0), np.ones(y.shape[1]))
    rng = np.random.RandomState(0)
    with data.problem(net, np.dtype(np.float64), 0.0, rng) as problem:
        objective = problem.objective
        strengths = 2 * c2 * regularization.skip_precision(net, problem.features)
        held = net.unflatten(strengths)
        for scores in (held.b_y, held.chain.start, held.chain.end):
            scores[...] = 1e9  # crfsuite has none of these
        objective.penalize(strengths)
        solution = lbfgs.minimize(
            objective.loss_and_gradient,
            np.zeros(net.n_parameters),
            s=1 / np.sqrt(1 + strengths),
            max_iter=2000,
            max_fun=4000,
            tol=1e-9,
            max_corrections=10,
        )
    loss = solution.loss * len(data.w)
    assert_allclose(loss, trainer.logparser.last_iteration["loss"], rtol=1e-5)
