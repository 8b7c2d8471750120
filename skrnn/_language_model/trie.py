r"""A vocabulary as a prefix tree: entries share nodes for common prefixes.

    "hell", "hello", "help"      h - e - l - l* - o*
                                          \
                                           p*           (* an entry ends here)

Nodes are integers, the root is 0. Each node maps every possible next token to its
child node.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from skrnn._validation.containers import plain, plain_container
from skrnn._validation.persistence import set_module
from skrnn._validation.tokens import as_list, as_python, invalid_reason

from .vocabulary import read_texts


@set_module("skrnn")
class Trie:
    """Prefix tree that restricts completions to a vocabulary.

    Parameters
    ----------
    entries : iterable of str, or of sequences of tokens
        The entries, in any form in which :class:`VanillaRNNLanguageModel` takes
        sequences, or an iterator over them; an entry given twice counts once.

    Attributes
    ----------
    holds_strings : bool or None
        Whether the entries are strings; None if there are none.

    Raises
    ------
    ValueError
        If `entries` is a single string, or holds None, NaN or infinity as a token.
    TypeError
        If an entry is not a sequence of hashable tokens, or only some are strings.

    Examples
    --------
    >>> from skrnn import Trie
    >>> words = Trie(["hell", "hello", "help"])
    >>> len(words), "hello" in words, "hel" in words
    (3, True, False)
    >>> sorted(words.children(words.find("hel")))
    ['l', 'p']
    """

    holds_strings: bool | None = None

    def __init__(self, entries: Iterable[Iterable[Hashable]]) -> None:
        self._children: list[dict[Any, int]] = [{}]
        self._ends: set[int] = set()
        for i, entry in enumerate(_listed(entries)):
            is_string = isinstance(entry, str)
            if not is_string:
                entry = [as_python(t) for t in as_list(entry, f"entries[{i}]")]
                if found := next(filter(None, map(invalid_reason, entry)), None):
                    raise ValueError(f"entries[{i}] holds {found}; give tokens only")
            if i == 0:
                self.holds_strings = is_string
            if is_string != self.holds_strings:
                raise TypeError(
                    f"entries[{i}] is {'' if is_string else 'not '}a string, unlike "
                    "entries[0]; give all entries as strings, or none"
                )
            try:
                self._add(entry)
            except TypeError as error:
                raise TypeError(f"entries[{i}] holds an {error}") from error

    def _add(self, entry: Iterable[Hashable]) -> None:
        node = 0
        for token in entry:
            node = self._children[node].setdefault(token, len(self._children))
            if node == len(self._children):
                self._children.append({})
        self._ends.add(node)

    def find(self, prefix: Iterable[Hashable]) -> int | None:
        """Find the node of a prefix.

        Parameters
        ----------
        prefix : str or iterable of tokens
            Prefix of an entry.

        Returns
        -------
        int or None
            The node of the prefix, or None if no entry starts with it.
        """
        node: int | None = 0
        for token in plain_container(prefix):
            node = self._children[node].get(token) if node is not None else None
        return node

    def children(self, node: int) -> dict[Any, int]:
        """Return the possible next tokens.

        Parameters
        ----------
        node : int
            A node returned by `find`, or 0 for the root.

        Returns
        -------
        dict of {token: int}
            The child node of each token.
        """
        return self._children[node]

    def is_entry(self, node: int) -> bool:
        """Tell whether an entry ends at a node.

        Parameters
        ----------
        node : int
            A node returned by `find`, or 0 for the root.

        Returns
        -------
        bool
            Whether the path from the root to the node is an entry.
        """
        return node in self._ends

    def __contains__(self, entry: Iterable[Hashable]) -> bool:
        """Tell whether a sequence is an entry."""
        return self.find(entry) in self._ends

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._ends)


def _listed(entries: Any) -> Any:
    """Return entries as a list, or as an array of one axis."""
    if not hasattr(entries, "__iter__"):
        raise TypeError(
            f"entries is of type {type(entries).__name__}; pass an iterable of strings "
            "or of lists of tokens"
        )
    # Iterators, sets and the keys of mappings are taken too: each is read once.
    if isinstance(entries, Mapping) or not hasattr(entries, "__getitem__"):
        entries = list(entries)
    entries = plain(entries, "entries")
    is_table = isinstance(entries, np.ndarray) and entries.ndim > 1
    return read_texts(entries)[1] if is_table else entries
