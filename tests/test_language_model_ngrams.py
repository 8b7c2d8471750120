"""N-grams of the language model: which there are, their weights, and what they add."""

import pickle
import warnings
from collections import Counter
from contextlib import closing
from unittest import mock

import numpy as np
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import log_softmax
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import InvalidParameterError

from skrnn import (
    OneHotSequenceEncoder,
    Trie,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
)
from skrnn._language_model.ngrams import NgramTable
from skrnn._language_model.vocabulary import TokenIds
from skrnn._network.data import packing
from skrnn._network.data.ngrams import NgramRows, Ngrams, Pairs
from skrnn._network.model.parameters import Architecture
from skrnn._network.training import objective
from skrnn._validation.sequences import Sequences, split_steps
from skrnn.datasets import load_python_names

TEXTS = ["abba", "ab", "bab", "abab", "cab", "a"]
START = None
FLOAT = np.dtype(np.float64)


def network(n_hidden=3, **parameters):
    defaults = {"alpha": 1, "skip_alpha": 0.5, "max_iter": 20, "random_state": 0}
    return VanillaRNNClassifier(n_hidden, **defaults | parameters)


def fit(texts=TEXTS, sample_weight=None, *, net=None, encoder=None, **parameters):
    encoder = OneHotSequenceEncoder(**{"dtype": np.float64} | (encoder or {}))
    model = VanillaRNNLanguageModel(
        net or network(), encoder, **{"ngram_range": (1, 3)} | parameters
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(texts, sample_weight=sample_weight)


@pytest.fixture(scope="module")
def model():
    return fit()


def counted(texts, min_n, max_n, *, start=True, end=True):
    """Count the n-grams that end before each token, and what follows them."""
    ngrams, pairs = Counter(), Counter()
    for text in texts:
        read = [*[START][:start], *text]
        follow = [*text[not start :], *["end"][:end]]
        for t, token in enumerate(follow):
            for n in range(min_n, min(max_n, t + 1) + 1):
                ngram = (*read[t + 1 - n : t + 1],)
                ngrams[ngram] += 1
                pairs[ngram, token] += 1
    return ngrams, pairs


@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 3), (2, 3), (4, 9)])
@pytest.mark.parametrize("edges", [(True, True), (False, True), (True, False)])
def test_a_weight_belongs_to_each_pair_of_the_training_texts(ngram_range, edges):
    start, end = edges
    model = fit(start=start, end=end, ngram_range=ngram_range)
    ngrams, pairs = counted(TEXTS, *ngram_range, start=start, end=end)
    assert sorted(model.ngrams_, key=repr) == sorted(ngrams, key=repr)
    assert model.ngram_coef_.shape[0] == len(ngrams)
    names = [*model.tokens_, "end"]
    columns = [names[i] for i in model.classifier_.classes_]
    rows, outputs = model.ngram_coef_.nonzero()
    found = {
        (model.ngrams_[i], columns[k])
        for i, k in zip(rows.tolist(), outputs.tolist(), strict=True)
    }
    assert found == set(pairs)


def test_rare_ngrams_have_no_weights():
    model = fit(ngram_min_frequency=2)
    ngrams, _ = counted(TEXTS, 1, 3)
    assert set(model.ngrams_) == {g for g, n in ngrams.items() if n >= 2}
    assert len(model.ngrams_) < len(ngrams)


def own_log_proba(model, text):
    """Return the log-probabilities after a text from the public attributes."""
    tokens = [*[START][: model.start], *text]
    rows = np.eye(model.classifier_.n_features_in_)
    column = {token: i for i, token in enumerate([*model.tokens_, START])}
    X = rows[[column[token] for token in tokens]]
    logits = model.classifier_.decision_function(X[None])[0, -1].copy()
    coef = model.ngram_coef_.toarray()
    for i, ngram in enumerate(model.ngrams_):
        if tuple(tokens[-len(ngram) :]) == ngram:
            logits += coef[i]
    return log_softmax(logits)


@pytest.mark.parametrize("ngram_range", [(1, 3), (2, 2)])
def test_ngrams_add_to_the_logits_of_the_network(ngram_range):
    model = fit(ngram_range=ngram_range)
    for text in ("", "a", "ab", "bab", "ccca", "abbacab"):
        expected = own_log_proba(model, text)
        assert_allclose(np.log(model.predict_proba([text])[0]), expected, rtol=1e-10)
        assert_allclose(model.read(text).log_proba, expected, rtol=1e-10)
    assert np.abs(model.ngram_coef_.data).min() > 0


def test_one_key_more_is_read_from_the_state(model):
    reading = model.read("ab")
    for key in "bacab":
        reading = model.read(key, reading)
    assert_allclose(reading.log_proba, model.read("abbacab").log_proba, rtol=1e-12)
    hidden, found = reading.state
    assert hidden.shape == (1, 3)
    assert found.shape == (1, 3)


def test_no_ngram_contains_an_unknown_token():
    model = fit(encoder={"handle_unknown": "ignore"})
    last = {ngram: i for i, ngram in enumerate(model.ngrams_)}
    table = model._ngrams
    ids = model._vocab.read(["a?b"], model.encoder_)
    read, _ = model._pairs(model._vocab, ids)
    logits = np.zeros((4, table.n_outputs))
    table.add_scores_of(read, logits)
    assert_array_equal(logits[2], 0)
    assert_array_equal(logits[3], model.ngram_coef_.toarray()[last["b",]])
    assert np.isfinite(model.score(["a?b"]))


def test_an_unknown_token_in_fit_ends_all_ngrams():
    encoder = {"categories": ["a", "b"], "handle_unknown": "ignore"}
    model = fit(["a?b", "ab"], encoder=encoder)
    expected = {(START,), (START, "a"), (START, "a", "b"), ("a",), ("a", "b"), ("b",)}
    assert set(model.ngrams_) == expected


def test_infrequent_tokens_share_ngrams():
    encoder = {"min_frequency": 2, "handle_unknown": "infrequent_if_exist"}
    model = fit(["abx", "aby", "bab"], encoder=encoder)
    assert ("b", "infrequent_sklearn") in model.ngrams_
    assert model.score(["abx"]) == model.score(["aby"])


def test_without_ngrams_there_is_the_network_alone():
    model = fit(ngram_range=None)
    assert model.ngrams_ is None
    assert model.ngram_coef_ is None
    assert model.classifier_.skip_alpha_ is None
    assert len(model.read("ab").state) == 1


def test_only_ngrams_that_occur_too_rarely_leave_the_network_alone():
    model = fit(ngram_min_frequency=100)
    assert model.ngrams_ is None
    alone = fit(ngram_range=None)
    assert_array_equal(model.score_samples(TEXTS), alone.score_samples(TEXTS))


def test_a_weight_is_a_number_of_copies():
    weighted = fit(["ab", "ba", "b"], [2, 1, 0])
    copies = fit(["ab", "ba", "ab"])
    assert weighted.score(TEXTS[:2]) == copies.score(TEXTS[:2])


def test_a_text_of_weight_zero_has_no_ngrams():
    weighted = fit(["ab", "ba", "bb"], [1, 2, 0], ngram_min_frequency=1)
    assert weighted.ngrams_ == fit(["ab", "ba"]).ngrams_
    # A text counts once, whatever its weight.
    assert fit(["ab", "b"], [5, 1], ngram_min_frequency=2).ngrams_ == [("b",), (START,)]


def test_a_token_that_is_not_predicted_has_no_pairs():
    encoder = {"categories": ["a", "b"], "handle_unknown": "ignore"}
    model = fit(["ab?", "ba"], encoder=encoder, end=False)
    i = model.ngrams_.index((START, "a", "b"))
    assert model.ngram_coef_[[i]].nnz == 0


def test_pairs_of_texts_held_out_keep_weights_of_zero():
    texts = ["abab", "abab", "abba", "abcb", "abac"]
    groups = [0, 0, 0, 1, 1]
    net = network(early_stopping=True, validation_fraction=0.5, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = VanillaRNNLanguageModel(net, ngram_range=(1, 2))
        model.fit(texts, groups=groups)
    coef = model.ngram_coef_.toarray()
    names = [*model.tokens_, "end"]
    weights = {
        (ngram, names[k]): coef[i, column]
        for i, ngram in enumerate(model.ngrams_)
        for column, k in enumerate(model.classifier_.classes_)
    }
    # One group is held out. Only texts of the second have a c.
    trained = [g for g in (0, 1) if g == (weights[("a",), "c"] != 0)]
    _, pairs = counted(
        [t for t, g in zip(texts, groups, strict=True) if g in trained], 1, 2
    )
    assert {pair for pair, weight in weights.items() if weight} == set(pairs)


def test_a_search_does_not_train_pairs_of_texts_held_out():
    names = load_python_names(80, random_state=0).data.tolist()
    seen = []
    trained_by = Ngrams.trained_by

    def noted(self, steps, y):
        found = trained_by(self, steps, y)
        seen.append(found.trained)
        return found

    with mock.patch.object(Ngrams, "trained_by", noted):
        fit(names, net=network(skip_alpha="auto", max_iter=3))
    everything, one, other = seen[:3]  # all texts, then each half
    assert everything is None
    assert not (one & other).all()
    assert (one | other).all()


def test_the_state_of_another_model_is_refused(model):
    for other in (fit(ngram_range=None), fit(ngram_range=(1, 2)), fit(net=network(4))):
        for own, foreign in ((model, other), (other, model)):
            reading = foreign.read("ab")
            with pytest.raises(ValueError, match="belongs to the model that made it"):
                own.read("a", reading)
            with pytest.raises(ValueError, match="belongs to the model that made it"):
                own.complete(reading)
            with pytest.raises(ValueError, match="belongs to the model that made it"):
                own.sample(1, reading)


def test_changing_the_array_of_weights_does_not_change_the_model():
    model = fit()
    before = model.score(TEXTS)
    model.ngram_coef_.data[:] = 0
    assert model.score(TEXTS) == before


def test_saved_models_give_the_same_answers(model):
    data = skops.io.dumps(model)
    trusted = skops.io.get_untrusted_types(data=data)
    for again in (
        pickle.loads(pickle.dumps(model)),
        skops.io.loads(data, trusted=trusted),
    ):
        assert again.score(TEXTS) == model.score(TEXTS)
        assert again.ngrams_ == model.ngrams_
        assert again.complete("a") == model.complete("a")


def test_a_fit_that_was_interrupted_goes_on(tmp_path):
    expected = fit().score_samples(TEXTS)
    path = tmp_path / "fit.ckpt"
    evaluate, n = objective.batch_loss_and_gradient, 0

    def until_the_power_fails(*arguments):
        nonlocal n
        n += 1
        if n == 25:
            raise KeyboardInterrupt
        return evaluate(*arguments)

    with (
        mock.patch.object(objective, "batch_loss_and_gradient", until_the_power_fails),
        pytest.raises(KeyboardInterrupt),
    ):
        fit(net=network(checkpoint=path))
    assert path.exists()
    resumed = fit(net=network(checkpoint=path))
    assert_array_equal(resumed.score_samples(TEXTS), expected)


def test_completions_and_samples_are_as_probable_as_their_scores(model):
    for vocabulary in (None, Trie(TEXTS)):
        found = model.complete("a", 3, vocabulary=vocabulary, beam_width=50)
        whole = model.score_samples([text for text, _ in found])
        before = model.score_samples(["a"]) - model.read("a").log_proba[-1]
        assert_allclose([p for _, p in found], whole - before, rtol=1e-9)
    assert model.sample(5, "a", random_state=0) == model.sample(5, "a", random_state=0)


def test_strengths_are_found_or_taken_as_they_are():
    names = load_python_names(120, random_state=0).data.tolist()
    found = fit(names, net=network(alpha="auto", skip_alpha="auto"))
    assert found.classifier_.alpha_ == 10
    assert found.classifier_.alphas_ is None
    assert found.classifier_.skip_alpha_ in [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
    given_ = fit(names, net=network(alpha=3, skip_alpha=0.7))
    assert (given_.classifier_.alpha_, given_.classifier_.skip_alpha_) == (3, 0.7)


def test_a_stronger_penalty_makes_weights_smaller_and_most_of_long_ngrams():
    weak, strong = (fit(net=network(skip_alpha=s, max_iter=100)) for s in (0.1, 10))
    size = [np.square(m.ngram_coef_.data).mean() for m in (weak, strong)]
    assert size[0] > 10 * size[1]
    # A pair that occurs once has the same gradient for each of its n-grams.
    coef, at = weak.ngram_coef_.toarray(), weak.ngrams_.index
    k = weak.classifier_.classes_.tolist().index(1)
    longer, shorter = coef[at((START, "c", "a")), k], coef[at(("c", "a")), k]
    assert_allclose(3 * longer, 2 * shorter, rtol=1e-2)


def test_groups_are_held_out_together():
    fit_network, seen = VanillaRNNClassifier._fit, []

    def noted(self, X, y, sample_weight, groups, ngrams=None):
        seen.append((len(X), groups.tolist()))
        return fit_network(self, X, y, sample_weight, groups, ngrams)

    texts = ["ab", "", *TEXTS]
    for ngram_range in (None, (1, 2)):
        model = VanillaRNNLanguageModel(
            network(tol=10), start=False, ngram_range=ngram_range
        )
        with mock.patch.object(VanillaRNNClassifier, "_fit", noted):
            model.fit(texts, groups=np.arange(8))
        # Texts without a token to read are left out.
        assert seen.pop() == (7, [0, 2, 3, 4, 5, 6, 7])
        with pytest.raises(ValueError, match=r"groups has shape \(2,\) but X has 8"):
            model.fit(texts, groups=[1, 2])


def test_names_are_predicted_better_with_ngrams():
    names = load_python_names(1000, random_state=0).data.tolist()
    bits = [
        fit(
            names[:500], net=network(16, skip_alpha=0.2, alpha=10), ngram_range=r
        ).bits_per_token([name for name in names[500:] if set(name) <= KNOWN])
        for KNOWN in [set("".join(names[:500]))]
        for r in (None, (1, 4))
    ]
    assert bits[1] < 0.95 * bits[0]


@pytest.mark.parametrize(
    "ngram_range", [(0, 2), (2, 1), (1,), (1, 2, 3), (1.5, 2), ("1", "2"), (1, None)]
)
def test_a_range_is_two_lengths(ngram_range):
    with pytest.raises(ValueError, match="ngram_range must be None or a pair"):
        fit(ngram_range=ngram_range)


def test_bad_parameters_are_named():
    with pytest.raises(InvalidParameterError, match="ngram_range"):
        fit(ngram_range="12")
    with pytest.raises(InvalidParameterError, match="ngram_min_frequency"):
        fit(ngram_min_frequency=0)


class Stepwise(DummyClassifier):
    """Has a step, but is no network."""

    def step(self, X_t, state):
        return self.predict_proba(X_t), state


@pytest.mark.parametrize("net", [network(skip_connection=True), Stepwise()])
def test_ngrams_need_a_network_without_direct_weights(net):
    with pytest.raises(ValueError, match="set ngram_range=None"):
        fit(net=net)


# The numbers


@given(st.data())
def test_scores_and_gradients_are_those_of_dense_matrices(data):
    rng = np.random.RandomState(data.draw(st.integers(0, 2**31)))
    n_rows, n_ngrams, n_outputs, n_orders = rng.randint(1, 7, 4)
    present = rng.uniform(size=(n_ngrams, n_outputs)) < 0.5
    coef = sparse.csr_array(np.where(present, rng.normal(size=present.shape), 0))
    ids = rng.randint(-1, n_ngrams, (n_rows, n_orders)).astype(np.int32)
    pairs = Pairs(coef.indptr.astype(np.intp), coef.indices.astype(np.intp), n_outputs)
    rows = Ngrams(ids, pairs, coef.data, coef.data).of_steps(np.arange(n_rows))
    counts = np.zeros((n_rows, n_ngrams))
    for i, k in zip(*np.nonzero(ids >= 0), strict=True):
        counts[i, ids[i, k]] += 1
    L = rng.normal(size=(n_rows, n_outputs))
    out = L.copy()
    rows.add_scores(coef.data, out)
    assert_allclose(out, L + counts @ coef.toarray(), rtol=1e-12, atol=1e-12)
    gradient = np.full(coef.nnz, np.nan)
    rows.weight_gradient(L, gradient)
    expected = (counts.T @ L)[coef.nonzero()]
    assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)
    some = rows.select(np.array([n_rows - 1]))
    assert isinstance(some, NgramRows)
    last = np.zeros((1, n_outputs))
    some.add_scores(coef.data, last)
    assert_allclose(last, counts[-1:] @ coef.toarray(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("hidden", [(), (3,), (2, 2)])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_gradient_is_the_slope_of_the_objective(hidden, n_threads):
    rng = np.random.RandomState(0)
    lengths = np.array([5, 3, 3, 1])
    n_steps, n_ngrams, n_outputs = lengths.sum(), 6, 3
    ids = rng.randint(-1, n_ngrams, (n_steps, 2)).astype(np.int32)
    pairs = Pairs(
        np.array([0, 2, 2, 3, 5, 6, 9]), np.array([0, 2, 1, 0, 1, 2, 0, 1, 2]), 3
    )
    ngrams = Ngrams(ids, pairs, np.ones(9), np.ones(9))
    source = Sequences(
        "ragged", split_steps(rng.normal(size=(n_steps, 2)), lengths), lengths, 2, FLOAT
    )
    y, w = rng.randint(n_outputs, size=n_steps), rng.uniform(0.5, 2, n_steps)
    net = Architecture(2, hidden, 1, n_outputs, "tanh", n_pairs=9)
    halves = [
        packing.batches(source, np.array(part), FLOAT, y, w, ngrams=ngrams)[0]
        for part in ([0, 1], [2, 3])
    ]
    with closing(objective.ThreadedSum(halves, FLOAT, n_threads)) as loss_sum:
        J = objective.Objective(net, loss_sum)
        J.penalize(rng.uniform(size=net.n_parameters))
        theta = rng.normal(size=net.n_parameters)
        _, gradient = J.loss_and_gradient(theta)
        for i in range(net.n_parameters):
            h = np.zeros(net.n_parameters)
            h[i] = 1e-5
            up, down = (J.loss_and_gradient(theta + sign * h)[0] for sign in (1, -1))
            assert_allclose(gradient[i], (up - down) / 2e-5, rtol=1e-6, atol=1e-8)


@given(st.lists(st.text("abc", max_size=6), min_size=1, max_size=5), st.integers(1, 4))
def test_numbers_of_ngrams_are_found_token_by_token_as_in_one_go(texts, max_n):
    lengths = np.array([len(text) for text in texts])
    flat = np.array(["abc".index(c) for text in texts for c in text], np.intp)
    if not len(flat):
        return
    read = TokenIds(flat, lengths)
    columns = np.array([0, 1, 2, 3, -1])
    y = np.zeros(len(flat), np.intp)
    w = np.ones(len(flat))
    table, ngrams = NgramTable.learn(read, columns, y, w, w > 0, 1, (1, max_n), 1)
    at = 0
    for text in texts:
        state = table.start(1)
        for i, c in enumerate(text):
            state = table.advance(np.array(["abc".index(c)]), state)
            assert_array_equal(state[0] - 1, ngrams.ids[at])
            names = [table.ngrams()[n - 1] for n in state[0] if n >= 0]
            numbers = ["abc".index(c) for c in text[: i + 1]]
            assert names == [
                tuple(numbers[-n:]) for n in range(1, min(max_n, i + 1) + 1)
            ]
            at += 1
