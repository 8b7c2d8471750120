"""Completions and samples of a model so small that every text can be written down."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skrnn import Trie
from skrnn._language_model.decoding import (
    BeamState,
    TokenSampler,
    TrieConstraint,
    Unconstrained,
    complete,
    sample,
)

N_TOKENS = 3
LETTERS = "abc"
SEEDS = st.integers(0, 2**32 - 1)


class Chain:
    """A language in which a token depends on the one before; the state is its row."""

    def __init__(self, seed, *, has_end=True):
        rng = np.random.default_rng(seed)
        shape = N_TOKENS + 1, N_TOKENS + has_end
        self.table = np.log(rng.dirichlet(np.full(shape[1], 0.5), size=shape[0]))
        self.has_end = has_end
        self.n_read = 0
        self.start = BeamState(self.table[-1:], (np.array([[N_TOKENS]]),))

    def advance(self, tokens, state):
        self.n_read += len(tokens)
        assert len(state[0]) == len(tokens)
        return BeamState(self.table[tokens], (tokens[:, None],))

    def log_proba(self, text):
        rows = (N_TOKENS, *text)
        total = sum(self.table[row, token] for row, token in itertools.pairwise(rows))
        return total + self.table[rows[-1], -1] if self.has_end else total

    def complete(self, constraint=None, **settings):
        settings = {"n_completions": 5, "beam_width": 500, "max_length": 4} | settings
        constraint = constraint or Unconstrained(N_TOKENS)
        return complete(
            self.start, self.advance, constraint, has_end=self.has_end, **settings
        )

    def sample(self, draw, n_samples, max_length):
        return sample(
            self.start,
            self.advance,
            draw,
            n_samples=n_samples,
            max_length=max_length,
            has_end=self.has_end,
        )


def all_texts(max_length):
    for length in range(max_length + 1):
        yield from itertools.product(range(N_TOKENS), repeat=length)


def assert_best(found, chain, texts, n=5):
    """Compare with the best n of some texts, of which some are equally probable."""
    expected = sorted((chain.log_proba(text) for text in texts), reverse=True)
    assert_allclose([p for p, _ in found], expected[:n], rtol=1e-12)
    assert_allclose([chain.log_proba(text) for _, text in found], expected[:n])
    assert len({text for _, text in found}) == len(found)


@given(SEEDS, st.integers(1, 20), st.integers(0, 4))
def test_a_wide_beam_finds_the_best_of_all_texts(seed, n_completions, max_length):
    chain = Chain(seed)
    found = chain.complete(n_completions=n_completions, max_length=max_length)
    assert_best(found, chain, all_texts(max_length), n_completions)


@given(SEEDS)
def test_texts_without_an_end_are_as_long_as_they_may_be(seed):
    chain = Chain(seed, has_end=False)
    texts = [text for text in all_texts(4) if len(text) == 4]
    assert_best(chain.complete(), chain, texts)


@given(SEEDS, st.sets(st.text(LETTERS, max_size=4), min_size=1), st.booleans())
def test_with_a_vocabulary_the_best_entries_are_found(seed, entries, has_end):
    chain = Chain(seed, has_end=has_end)
    constraint = TrieConstraint(Trie(entries), {c: i for i, c in enumerate(LETTERS)}, 0)
    texts = [tuple(map(LETTERS.index, entry)) for entry in entries]
    found = chain.complete(constraint)
    assert_best(found, chain, texts)
    assert {text for _, text in found} <= set(texts)


def test_tokens_that_the_model_does_not_know_are_passed_over():
    constraint = TrieConstraint(Trie(["a?", "ab"]), {"a": 0, "b": 1}, 0)
    assert [text for _, text in Chain(0).complete(constraint)] == [(0, 1)]


@given(SEEDS, st.integers(1, 5))
def test_a_narrow_beam_reads_no_more_than_its_width_at_a_time(seed, beam_width):
    chain = Chain(seed)
    chain.complete(beam_width=beam_width, max_length=6)
    assert chain.n_read <= 6 * beam_width


def test_the_search_ends_when_nothing_better_can_come():
    chain = Chain(0)
    chain.table[-1] = np.log([0.05, 0.03, 0.02, 0.9])
    assert chain.complete(n_completions=1) == [(math.log(0.9), ())]
    assert chain.n_read == 0


def test_what_cannot_be_is_not_found():
    chain = Chain(0)
    chain.table[:, 2] = chain.table[0, 3] = -np.inf
    found = chain.complete(n_completions=100)
    assert all(2 not in text and text[-1:] != (0,) for _, text in found)
    assert len(found) == 1 + 1 + 2 + 4 + 8


def draw(seed=0, temperature=1.0, top_k=None, top_p=None):
    return TokenSampler(np.random.RandomState(seed), temperature, top_k, top_p)


def test_samples_are_as_frequent_as_they_are_probable():
    chain = Chain(1)
    n = 20_000
    texts = [tuple(text) for text in chain.sample(draw(), n, max_length=50)]
    for text in all_texts(2):
        p = math.exp(chain.log_proba(text))
        # Four standard deviations; the seed is fixed.
        assert abs(texts.count(text) / n - p) <= 4 * math.sqrt(p * (1 - p) / n)


def test_samples_are_cut_at_the_largest_length():
    chain = Chain(2, has_end=False)
    texts = chain.sample(draw(), 10, max_length=7)
    assert [len(text) for text in texts] == [7] * 10
    assert chain.sample(draw(), 2, max_length=0) == [[], []]


LOG_PROBA = np.log(np.tile([0.1, 0.4, 0.2, 0.3], (4000, 1)))


def shares(**settings):
    return np.bincount(draw(**settings)(LOG_PROBA), minlength=4) / len(LOG_PROBA)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0.1, 0.4, 0.2, 0.3]),
        ({"temperature": 0.5}, np.array([1, 16, 4, 9]) / 30),
        ({"temperature": 1e9}, [0.25] * 4),
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.65}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.71}, [0, 4 / 9, 2 / 9, 3 / 9]),
        ({"top_k": 3, "top_p": 0.5}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 1.0}, [0.1, 0.4, 0.2, 0.3]),
    ],
)
def test_temperature_and_cuts_change_what_is_drawn(settings, expected):
    # Four standard deviations of 4,000 draws.
    assert_allclose(shares(**settings), expected, atol=0.032)
    assert_array_equal(shares(**settings) > 0, np.array(expected) > 0)


@pytest.mark.parametrize(
    "settings", [{"temperature": 1e-320}, {"top_k": 1}, {"top_p": 1e-320}]
)
def test_in_the_limit_the_most_probable_is_drawn(settings):
    assert_array_equal(shares(**settings), [0, 1, 0, 0])
