r"""A vocabulary as a tree: entries that begin alike share the way to where they part.

    "hell", "hello", "help"      h - e - l - l* - o*
                                          \
                                           p*           (* an entry ends here)

Nodes are numbers, the root is 0; a node holds the tokens that may follow, each with
the node it leads to.
"""

from collections.abc import Hashable, Iterable
from typing import Any

from skrnn._validation.persistence import set_module


@set_module("skrnn")
class Trie:
    """Known sequences, for completions that shall be nothing else.

    Parameters
    ----------
    entries : iterable of str, or of sequences of tokens
        The entries; an entry given twice counts once.

    Raises
    ------
    ValueError
        If `entries` is a single string.
    TypeError
        If an entry is no sequence of hashable tokens.

    Examples
    --------
    >>> from skrnn import Trie
    >>> words = Trie(["hell", "hello", "help"])
    >>> len(words), "hello" in words, "hel" in words
    (3, True, False)
    >>> sorted(words.children(words.find("hel")))
    ['l', 'p']
    """

    def __init__(self, entries: Iterable[Iterable[Hashable]]) -> None:
        if isinstance(entries, str):
            raise ValueError(
                "entries is a string, not a collection of entries; wrap it in a list"
            )
        self._children: list[dict[Any, int]] = [{}]
        self._ends: set[int] = set()
        for entry in entries:
            node = 0
            for token in entry:
                node = self._child(node, token)
            self._ends.add(node)

    def _child(self, node: int, token: Hashable) -> int:
        children = self._children[node]
        child = children.get(token)
        if child is None:
            child = children[token] = len(self._children)
            self._children.append({})
        return child

    def find(self, prefix: Iterable[Hashable]) -> int | None:
        """Follow a prefix from the root.

        Parameters
        ----------
        prefix : str or iterable of tokens
            The beginning of an entry.

        Returns
        -------
        int or None
            The node it leads to, or None if no entry begins so.
        """
        node: int | None = 0
        for token in prefix:
            node = self._children[node].get(token) if node is not None else None
        return node

    def children(self, node: int) -> dict[Any, int]:
        """Return the tokens that may follow.

        Parameters
        ----------
        node : int
            What `find` returned, or 0 for the root.

        Returns
        -------
        dict of {token: int}
            Each token with the node that it leads to.
        """
        return self._children[node]

    def is_entry(self, node: int) -> bool:
        """Tell whether an entry ends at a node.

        Parameters
        ----------
        node : int
            What `find` returned, or 0 for the root.

        Returns
        -------
        bool
            Whether the way to the node is an entry.
        """
        return node in self._ends

    def __contains__(self, entry: Iterable[Hashable]) -> bool:
        """Tell whether something is an entry."""
        return self.find(entry) in self._ends

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._ends)
