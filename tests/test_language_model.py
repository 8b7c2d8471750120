"""The language model: probabilities that add up, whatever the tokens are."""

import itertools
import pickle
import re
import warnings

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.utils import get_tags
from sklearn.utils._param_validation import InvalidParameterError

from skrnn import (
    OneHotSequenceEncoder,
    Trie,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
)

WORDS = ["abba", "ab", "a", "", "bab", "baab", "abab"]
EDGES = list(itertools.product([True, False], repeat=2))
edges = pytest.mark.parametrize(("start", "end"), EDGES)


def network(n_hidden=4, **parameters):
    defaults = {"alpha": 1, "max_iter": 20, "tol": 1e-2, "random_state": 0}
    return VanillaRNNClassifier(n_hidden, **defaults | parameters)


def fit(
    sequences,
    sample_weight=None,
    *,
    start=True,
    end=True,
    net=None,
    ngram_range=(1, 3),
    **encoder,
):
    """Fit a small model whose numbers are float64."""
    encoder = OneHotSequenceEncoder(**{"dtype": np.float64} | encoder)
    model = VanillaRNNLanguageModel(
        net or network(), encoder, start=start, end=end, ngram_range=ngram_range
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(sequences, sample_weight=sample_weight)


@pytest.fixture(scope="module", params=[None, (1, 3)], ids=["network", "n-grams"])
def model(request):
    return fit(WORDS, ngram_range=request.param)


def all_texts(letters, max_length):
    for length in range(max_length + 1):
        yield from map("".join, itertools.product(letters, repeat=length))


def test_hello():
    net = VanillaRNNClassifier((8,), alpha=0.01, random_state=0)
    hello = VanillaRNNLanguageModel(net, ngram_range=None).fit(["hello"])
    text, log_proba = hello.complete("h")[0]
    assert text == "hello"
    assert log_proba > np.log(0.9)
    best = hello.predict_proba(["", "h", "he", "hel", "hell"]).argmax(axis=1)
    assert "".join(hello.tokens_[best]) == "hello"


def test_without_start_and_end_it_is_the_classifier_of_the_next_letter():
    model = fit(["hello", "yellow"], start=False, end=False, ngram_range=None)
    encoder = OneHotSequenceEncoder(dtype=np.float64).fit(["hello", "yellow"])
    y = [list("ello"), list("ellow")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        plain = network().fit(encoder.transform(["hell", "yello"]), y)
    expected = plain.predict_proba(encoder.transform(["hel"]))[0, -1]
    columns = [model.tokens_.tolist().index(c) for c in plain.classes_]
    assert_allclose(model.predict_proba(["hel"])[0, columns], expected, rtol=1e-12)
    assert model.predict_proba(["h"])[0, model.tokens_ == "h"] == 0


@edges
def test_a_sequence_is_as_probable_as_its_tokens_after_each_other(start, end):
    model = fit(WORDS, start=start, end=end)
    columns = {"a": 0, "b": 1, "end": 2}
    for word in ("abba", "b", "ba"):
        follow = [*word[not start :], *["end"][:end]]
        prefixes = [word[:i] for i in range(not start, len(word) + 1)][: len(follow)]
        log_proba = 0.0
        if prefixes:
            proba = model.predict_proba(prefixes)
            steps = range(len(follow)), [columns[token] for token in follow]
            log_proba = np.log(proba[steps]).sum()
        assert_allclose(model.score_samples([word]), log_proba, rtol=1e-10)


def test_the_probabilities_of_all_texts_and_of_longer_ones_sum_to_one(model):
    ended = model.score_samples(list(all_texts("ab", 5)))
    longest = [text for text in all_texts("ab", 5) if len(text) == 5]
    at_end = model.predict_proba(longest)[:, -1]
    reached = np.exp(model.score_samples(longest)) / at_end
    longer = reached @ (1 - at_end)
    assert_allclose(np.exp(ended).sum() + longer, 1, rtol=1e-10)


@pytest.mark.parametrize("prefix", ["", "a", "ba"])
def test_a_wide_beam_finds_the_best_of_all_completions(model, prefix):
    texts = [prefix + text for text in all_texts("ab", 5)]
    before = model.score_samples([prefix]) - model.read(prefix).log_proba[-1]
    scores = dict(zip(texts, model.score_samples(texts) - before, strict=True))
    found = model.complete(prefix, 10, max_length=5, beam_width=100)
    expected = sorted(scores, key=scores.get, reverse=True)[:10]
    assert [text for text, _ in found] == expected
    assert_allclose([p for _, p in found], [scores[t] for t in expected], rtol=1e-9)


def test_the_beam_is_as_wide_as_there_are_completions_wanted(model):
    assert len(model.complete(n_completions=20, beam_width=1, max_length=9)) == 20


def test_completions_stay_within_a_vocabulary(model):
    entries = ["aab", "abb", "bb", "a?"]
    for vocabulary in (entries, Trie(entries)):
        found = model.complete("a", vocabulary=vocabulary)
        assert sorted(text for text, _ in found) == ["aab", "abb"]


@pytest.fixture(scope="module")
def word_model():
    return fit([["to", "be"], ["or", "not", "to"]])


@pytest.mark.parametrize(
    "read", [list, pa.array, pd.DataFrame, pd.Series, np.array, ak.Array, Trie]
)
def test_a_vocabulary_comes_in_any_container(word_model, read):
    vocabulary = read([["to", "be"], ["or", "to"]])
    ((text, _),) = word_model.complete(["to"], vocabulary=vocabulary)
    assert text == ["to", "be"]


@pytest.mark.parametrize("read", [list, Trie, pa.array])
def test_a_vocabulary_is_of_the_kind_of_what_the_model_was_fitted_on(
    model, word_model, read
):
    with pytest.raises(TypeError, match=r"on lists of tokens, but .* holds strings"):
        word_model.complete(["to"], vocabulary=read(["tobe"]))
    with pytest.raises(TypeError, match=r"on strings, but .* holds lists of tokens"):
        model.complete("a", vocabulary=read([["a", "b"]]))
    with pytest.raises(TypeError, match=r"such as 1 of type int, but .* of type str"):
        word_model.complete(["to"], vocabulary=read([[1, 2]]))


def test_a_frame_is_no_vocabulary_of_strings(model):
    with pytest.raises(TypeError, match="lists of tokens"):
        model.complete("a", vocabulary=pd.DataFrame({"a": ["ab"]}))


@pytest.mark.parametrize(
    "read",
    [
        pa.array,
        np.array,
        pd.Series,
        lambda x: [*map(pa.scalar, x)],
        lambda x: [*np.array(x)],
    ],
)
def test_tokens_come_back_as_those_of_python(word_model, read):
    reading = word_model.read(read(["or", "not"]), word_model.read(read(["to"])))
    assert reading.text == ["to", "or", "not"]
    assert {type(token) for token in reading.text} == {str}
    again = fit([read(["to", "be"]), read(["or", "not", "to"])])
    assert {type(token) for token in again.tokens_} == {str}


def test_characters_come_back_as_those_of_python(model):
    for tokens in (pa.scalar("ab"), np.str_("ab")):
        text = model.read(tokens).text
        assert (text, type(text)) == ("ab", str)


def test_a_prefix_of_no_entry_has_no_completion(model):
    assert model.complete("bbb", vocabulary=["ab"]) == []
    assert model.complete("ab", vocabulary=["ab"])[0][0] == "ab"


@edges
def test_reading_key_by_key_is_reading_at_once(start, end):
    model = fit(WORDS, start=start, end=end)
    reading = model.read("b")
    for i, key in enumerate("abb", start=2):
        reading = model.read(key, reading)
        expected = model.predict_proba(["babb"[:i]])[0]
        assert_allclose(np.exp(reading.log_proba), expected, rtol=1e-12)
    assert reading.text == "babb"
    assert model.complete(reading, max_length=3) == model.complete("babb", max_length=3)
    assert model.sample(5, reading, random_state=0) == model.sample(
        5, "babb", random_state=0
    )


def test_a_reading_is_not_changed_by_reading_on(model):
    reading = model.read("ab")
    before = reading.log_proba.copy(), [h.copy() for h in reading.state]
    model.read("ba", reading)
    model.complete(reading)
    assert_array_equal(reading.log_proba, before[0])
    for after, one in zip(reading.state, before[1], strict=True):
        assert_array_equal(after, one)
    assert model.read("", reading) == reading


def test_samples_begin_with_the_prefix_and_end_by_themselves(model):
    texts = model.sample(50, "ab", random_state=0, max_length=100)
    assert all(text.startswith("ab") for text in texts)
    assert len(set(map(len, texts))) > 2
    assert texts == model.sample(50, "ab", random_state=0, max_length=100)


def test_scores_are_means_over_tokens_in_several_units(model):
    totals = model.score_samples(WORDS)
    n_tokens = [len(word) + 1 for word in WORDS]
    score = sum(totals) / sum(n_tokens)
    assert_allclose(model.score(WORDS), score)
    assert_allclose(model.bits_per_token(WORDS), -score / np.log(2))
    assert_allclose(model.perplexity(WORDS), np.exp(-score))
    weights = np.arange(len(WORDS))
    expected = weights @ totals / (weights @ n_tokens)
    assert_allclose(model.score(WORDS, sample_weight=weights), expected)


def test_a_weight_is_a_number_of_copies():
    weighted = fit(["ab", "ba", "b"], [2, 1, 0])
    assert weighted.score(WORDS) == fit(["ab", "ba", "ab"]).score(WORDS)


def same_answers(one, other, texts, others):
    assert_array_equal(one.predict_proba(texts), other.predict_proba(others))
    assert_array_equal(one.score_samples(texts), other.score_samples(others))


def test_lists_of_tokens_are_as_good_as_strings(model):
    spell = {"a": "alpha", "b": "beta"}
    lists = [[spell[c] for c in word] for word in WORDS]
    spelled = fit(lists, ngram_range=model.ngram_range)
    same_answers(model, spelled, WORDS, lists)
    assert spelled.complete(["alpha"])[0][0] == [
        spell[c] for c in model.complete("a")[0][0]
    ]
    assert spelled.sample(3, random_state=0) == [
        [spell[c] for c in text] for text in model.sample(3, random_state=0)
    ]
    assert spelled.read(("beta",), spelled.read(["alpha"])).text == ["alpha", "beta"]


def test_padded_arrays_of_tokens_are_read_to_their_last_token(model):
    padded = np.full((len(WORDS), 5), -1)
    for row, word in zip(padded, WORDS, strict=True):
        row[: len(word)] = ["ab".index(c) for c in word]
    numbers = fit(padded, ngram_range=model.ngram_range)
    same_answers(model, numbers, WORDS, padded)
    assert numbers.complete([0], 1)[0][0] == [
        "ab".index(c) for c in model.complete("a", 1)[0][0]
    ]


def test_sparse_rows_give_the_same_model(model):
    sparse = fit(WORDS, sparse_output=True, ngram_range=model.ngram_range)
    assert_allclose(sparse.score_samples(WORDS), model.score_samples(WORDS), rtol=1e-9)
    assert sparse.complete("a")[0][0] == model.complete("a")[0][0]


RARE = ["aabb", "abab", "axb", "ayb"]


@pytest.mark.parametrize("handle_unknown", ["infrequent_if_exist", "warn"])
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_infrequent_tokens_share_a_class(handle_unknown):
    model = fit(RARE, min_frequency=2, handle_unknown=handle_unknown)
    proba = model.predict_proba(["", "a", "ax", "ay", "a?"])
    assert model.tokens_.tolist() == ["a", "b", "x", "y"]
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(proba[:, 2], proba[:, 3])
    assert_array_equal(proba[2], proba[3])
    assert_array_equal(proba[2], proba[4])
    scores = model.score_samples(["axb", "ayb", "a?b"])
    assert_array_equal(scores, scores[0])


def test_what_is_ignored_is_read_and_not_counted():
    model = fit(["ab", "ba"], handle_unknown="ignore")
    proba = model.predict_proba(["a?", "a?b"])
    known = np.log([model.predict_proba(["a"])[0, 0], proba[0, 1], proba[1, -1]])
    first = np.log(model.predict_proba([""])[0, 0])
    assert_allclose(model.score_samples(["a?b"]), first + known[1:].sum())
    assert_allclose(model.score(["a?b"]), (first + known[1:].sum()) / 3)
    assert model.complete("a?", 1)[0][0].startswith("a?")


def test_ignored_tokens_are_not_learned():
    model = fit(["a?b", "?"], handle_unknown="ignore", categories=["a", "b"])
    assert model.tokens_.tolist() == ["a", "b"]
    options = {"handle_unknown": "ignore", "categories": ["a"]}
    net = network(max_iter=100, tol=1e-4)
    many = fit(["a", *["?a"] * 50], net=net, **options)
    assert many.predict_proba([""])[0, 0] > 0.5


def test_a_category_that_was_never_seen_is_impossible():
    model = fit(["ab"], categories=["a", "b", "c"])
    assert model.predict_proba(["a"])[0, 2] == 0
    assert model.score(["ac"]) == -np.inf
    assert model.perplexity(["ac"]) == np.inf
    assert model.score(["ac", "ab"], sample_weight=[0, 1]) == model.score(["ab"])
    assert all("c" not in text for text, _ in model.complete(n_completions=50))


def test_a_search_over_strings_needs_no_labels():
    search = GridSearchCV(
        VanillaRNNLanguageModel(VanillaRNNClassifier(), OneHotSequenceEncoder()),
        {"classifier__alpha": [0.1, 1], "encoder__min_frequency": [None, 2]},
        cv=2,
    )
    search.estimator.set_params(
        classifier__hidden_layer_sizes=3,
        classifier__tol=0.1,
        encoder__handle_unknown="infrequent_if_exist",
    )
    search.fit(WORDS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.score(WORDS) == search.score(WORDS)


def test_cross_validation_needs_no_labels():
    estimator = VanillaRNNLanguageModel(network(tol=0.1))
    scores = cross_validate(estimator, WORDS, cv=3)["test_score"]
    assert scores.shape == (3,)
    assert (scores < 0).all()


def test_weights_are_routed():
    estimator = VanillaRNNLanguageModel(network(tol=0.1))
    with config_context(enable_metadata_routing=True):
        estimator.set_fit_request(sample_weight=True)
        estimator.set_score_request(sample_weight=True)
        params = {"sample_weight": np.arange(1, 8)}
        routed = cross_validate(estimator, WORDS, cv=2, params=params)
    plain = cross_validate(estimator, WORDS, cv=2)
    assert (routed["test_score"] != plain["test_score"]).all()


def test_parameters_reach_into_network_and_encoder():
    model = VanillaRNNLanguageModel(network(), OneHotSequenceEncoder())
    model.set_params(classifier__alpha=3.0, encoder__min_frequency=2)
    duplicate = clone(model)
    assert duplicate.classifier.alpha == 3.0
    assert duplicate.encoder.min_frequency == 2
    assert duplicate.get_params().keys() == model.get_params().keys()


def test_none_is_a_network_and_an_encoder_with_defaults():
    model = VanillaRNNLanguageModel()
    with warnings.catch_warnings():
        # Where the default's random start leads is another matter.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(["hello"])
    assert repr(model.classifier_) == "VanillaRNNClassifier()"
    assert repr(model.encoder_) == "OneHotSequenceEncoder()"
    assert model.classifier is None
    assert model.encoder is None


def test_a_pickle_gives_the_same_answers(model):
    duplicate = pickle.loads(pickle.dumps(model))
    same_answers(model, duplicate, WORDS, WORDS)
    assert duplicate.complete("a") == model.complete("a")


def test_scikit_learn_is_told_what_it_is(model):
    tags = get_tags(model)
    assert tags.estimator_type == "density_estimator"
    assert tags.input_tags.string
    assert not tags.target_tags.required
    assert "VanillaRNNClassifier" in model._repr_html_()


def test_fit_changes_neither_network_nor_encoder():
    net, encoder = network(tol=0.1), OneHotSequenceEncoder()
    VanillaRNNLanguageModel(net, encoder).fit(["ab"])
    assert not hasattr(net, "output_coef_")
    assert not hasattr(encoder, "categories_")


def test_a_failing_fit_leaves_the_model_as_it_was(model):
    duplicate = pickle.loads(pickle.dumps(model))
    with pytest.raises(ValueError, match="no tokens"):
        duplicate.fit([""])
    assert duplicate.score(WORDS) == model.score(WORDS)


FIT_ERRORS = {
    "a bare string": ("hello", ValueError, "wrap it in a list"),
    "nothing": ([], ValueError, "0 sample"),
    "no tokens": (["", ""], ValueError, "no tokens"),
    "None": (None, ValueError, "Expected 2D array"),
    "mixed": (["ab", ["a"]], TypeError, "all sequences as strings, or none"),
    "lists in lists": ([[["a"]]], TypeError, "cannot be hashed"),
}


@pytest.mark.parametrize("case", FIT_ERRORS)
def test_what_cannot_be_fitted_is_an_error(case):
    sequences, error, message = FIT_ERRORS[case]
    with pytest.raises(error, match=message):
        fit(sequences)


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1.0], "expected"), ([-1, 1], "Negative"), ([0, 0], "non-zero")],
)
def test_weights_that_are_none_are_errors(model, weights, message):
    with pytest.raises(ValueError, match=message):
        fit(["ab", "ba"], weights)
    with pytest.raises(ValueError, match=message):
        model.score(["ab", "ba"], sample_weight=weights)


def test_nothing_to_predict_is_an_error(model):
    with pytest.raises(ValueError, match="no token to predict"):
        fit(["a", "b"], start=False, end=False)
    plain = fit(["ab"], start=False, end=False)
    assert_array_equal(plain.score_samples(["a", ""]), [0, 0])
    with pytest.raises(ValueError, match="no token to predict"):
        plain.score(["a", ""])


def test_a_two_way_network_would_see_what_comes():
    with pytest.raises(ValueError, match="bidirectional=False"):
        fit(["ab"], net=network(bidirectional=True))


def test_an_empty_prefix_needs_a_start():
    model = fit(["ab"], start=False)
    for method in (model.complete, model.sample, lambda: model.read("")):
        with pytest.raises(ValueError, match="prefix is empty"):
            method()
    with pytest.raises(ValueError, match=r"prefixes\[1\] is empty"):
        model.predict_proba(["a", ""])


@pytest.mark.parametrize("method", ["score", "score_samples", "predict_proba"])
def test_unknown_tokens_are_errors_with_their_place(model, method):
    with pytest.raises(ValueError, match=r"unknown categories \['c'\].* X\[1\] at ste"):
        getattr(model, method)(["ab", "bac"])


@pytest.mark.parametrize("method", ["complete", "read"])
def test_prefixes_that_were_never_learned_are_errors(model, method):
    with pytest.raises(ValueError, match="unknown categories"):
        getattr(model, method)("abc")
    with pytest.raises(TypeError, match="fitted on strings, but these are lists"):
        getattr(model, method)(["a"])
    with pytest.raises(TypeError):
        getattr(model, method)(None)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"n_samples": 0},
        {"max_length": -1},
    ],
)
def test_samples_out_of_range_are_errors(model, settings):
    with pytest.raises(InvalidParameterError):
        model.sample(**settings)


@pytest.mark.parametrize("settings", [{"n_completions": 0}, {"beam_width": 0}])
def test_completions_out_of_range_are_errors(model, settings):
    with pytest.raises(InvalidParameterError):
        model.complete("a", **settings)


def test_nothing_works_before_fit():
    model = VanillaRNNLanguageModel()
    for method in (model.score, model.score_samples, model.predict_proba, model.read):
        with pytest.raises(NotFittedError):
            method(["a"])
    for method in (model.complete, model.sample):
        with pytest.raises(NotFittedError):
            method()


def test_longer_texts_than_the_encoder_takes_are_errors():
    model = fit(["ab", "ba"], n_steps=3)
    assert model.score(["aba"]) < 0
    with pytest.raises(ValueError, match="n_steps=3"):
        model.score(["abab"])


TEXTS = st.lists(st.text(max_size=6), min_size=1, max_size=4)
UNKNOWN = st.sampled_from(["error", "ignore", "infrequent_if_exist"])
KNOWN = "no tokens|no token to predict|unknown categories|is empty"


def everything(texts, prefixes, start, end, **encoder):
    """Fit and use a model; return what it says, or the message of its error."""
    net = network(2, max_iter=2, tol=1.0)
    try:
        model = fit(texts, net=net, start=start, end=end, **encoder)
        completions = model.complete(prefixes[0], vocabulary=[*texts, *prefixes])
        completions += model.complete(prefixes[0], 2)
        return (
            model.predict_proba(prefixes),
            model.score_samples(prefixes),
            model.sample(2, prefixes[0], random_state=0),
            [text for text, _ in completions],
        )
    except ValueError as error:
        return str(error)


@given(TEXTS, TEXTS, UNKNOWN, st.none() | st.integers(1, 3), st.sampled_from(EDGES))
def test_any_text_gives_a_result_or_a_known_error(
    texts, prefixes, handle_unknown, min_frequency, edge
):
    result = everything(
        texts,
        prefixes,
        *edge,
        handle_unknown=handle_unknown,
        min_frequency=min_frequency,
    )
    if isinstance(result, str):
        assert re.search(KNOWN, result)
        return
    proba, scores, samples, completions = result
    assert_allclose(proba.sum(axis=1), 1)
    assert (scores <= 0).all()
    assert all(text.startswith(prefixes[0]) for text in samples + completions)


def test_a_chain_of_labels_is_refused():
    model = VanillaRNNLanguageModel(VanillaRNNClassifier(2, transitions=True))
    with pytest.raises(ValueError, match="the labels are the next tokens"):
        model.fit(["hello"])
