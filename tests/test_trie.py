"""Tries hold what was put in, and nothing else."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
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


@pytest.mark.parametrize("read", [pa.array, np.array, pd.Series, iter, set])
def test_entries_come_in_any_container(read):
    trie = Trie(read(["tobe", "to"]))
    assert trie.holds_strings
    assert sorted(walk(trie)) == ["to", "tobe"]


@pytest.mark.parametrize("read", [pa.array, np.array, pd.DataFrame, pd.Series, iter])
def test_lists_of_tokens_come_in_any_container(read):
    trie = Trie(read([["to", "be"]]))
    assert trie.holds_strings is False
    assert pa.array(["to", "be"]) in trie
    (token,) = trie.children(0)
    assert type(token) is str


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["ab", None], r"entries\[1\] is of type NoneType"),
        ([1], r"entries\[0\] is of type int"),
        ([["a"], "ab"], r"entries\[1\] is a string, unlike entries\[0\]"),
        (["ab", ["a"]], r"entries\[1\] is not a string, unlike entries\[0\]"),
        ([["a"], {"b"}], r"entries\[1\] is of type set"),
        (3, "entries is of type int"),
    ],
)
def test_what_is_no_entry_is_named(entries, message):
    with pytest.raises(TypeError, match=message):
        Trie(entries)


def test_missing_tokens_are_named():
    with pytest.raises(ValueError, match=r"entries\[1\] holds None"):
        Trie([["a"], ["a", None]])
