r"""A vocabulary as a prefix tree: entries share nodes for common prefixes.

    "hell", "hello", "help"      h - e - l - l* - o*
                                          \
                                           p*           (* an entry ends here)

Nodes are integers, the root is 0. Each node maps every possible next token to its
child node.
"""

from collections.abc import Hashable, Iterable
from typing import Any

from skrnn._validation.persistence import set_module


@set_module("skrnn")
class Trie:
    """Prefix tree that restricts completions to a vocabulary.

    Parameters
    ----------
    entries : iterable of str, or of sequences of tokens
        The entries; duplicates count once.

    Raises
    ------
    ValueError
        If `entries` is a single string.
    TypeError
        If an entry is not a sequence of hashable tokens.

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
        for token in prefix:
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
