"""Tries hold what was put in, and nothing else."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skrnn import Trie

WORDS = st.lists(st.text("ab", max_size=5))


def walk(trie, node=0, text=""):
    """Yield all entries below a node."""
    if trie.is_entry(node):
        yield text
    for token, child in trie.children(node).items():
        yield from walk(trie, child, text + token)


@given(WORDS, WORDS)
def test_a_trie_is_the_set_of_its_entries(entries, others):
    trie = Trie(entries)
    assert len(trie) == len(set(entries))
    assert [word in trie for word in others] == [word in entries for word in others]
    assert sorted(walk(trie)) == sorted(set(entries))


@given(WORDS, st.text("ab", max_size=3))
def test_a_prefix_leads_to_what_begins_so(entries, prefix):
    trie = Trie(entries)
    node = trie.find(prefix)
    below = set() if node is None else set(walk(trie, node, prefix))
    assert below == {entry for entry in entries if entry.startswith(prefix)}


def test_entries_may_be_lists_of_any_tokens():
    trie = Trie([["to", "be"], (1, 2)])
    assert ["to", "be"] in trie
    assert (1, 2) in trie
    assert ["to"] not in trie


def test_deep_tries_are_pickled():
    trie = Trie(["a" * 5000])
    assert "a" * 5000 in pickle.loads(pickle.dumps(trie))


def test_a_string_is_no_collection_of_entries():
    with pytest.raises(ValueError, match="wrap it in a list"):
        Trie("hello")


def test_tokens_have_to_be_hashable():
    with pytest.raises(TypeError, match="unhashable"):
        Trie([[["a"]]])
