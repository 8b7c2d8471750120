"""The n-grams that end at each token of a text, by number.

Tokens are those that the network can tell apart: the columns of the encoder. N-grams
are numbered from 1 in the order of their keys, so shorter ones come first:

    key = number of the n-gram without its last token * n_ids + last column

0 is the number of the n-gram without tokens, -1 that of all unknown ones. The numbers
of the n-grams that end at a token are found from those that end at the token before, at
a cost independent of the text's length.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data.ngrams import NgramRows, Ngrams, Pairs
from skrnn._validation.arrays import Array, Ids, Mask, Vector

from .vocabulary import TokenIds

Numbers = NDArray[np.int64]

# Steps at a time, which bounds the memory for the pairs of their n-grams.
_ROWS = 1 << 12


class NgramTable(NamedTuple):
    """All known n-grams of 1 to `max_n` tokens, and the weights of the longer ones."""

    keys: Numbers  # (n_known,), ascending
    columns: Ids  # (n_ids,), column of each token id; no n-gram contains -1
    max_n: int
    n_short: int  # number of the n-grams that are too short for weights
    starts: Ids  # of the pairs, see `Pairs`
    outputs: Ids
    weights: Array  # (n_pairs,)
    n_outputs: int

    @classmethod
    def learn(
        cls,
        texts: TokenIds,
        columns: Ids,
        y: Ids,
        w: Vector,
        counts: Mask,
        n_outputs: int,
        ngram_range: tuple[int, int],
        min_frequency: int,
    ) -> tuple[Self, Ngrams]:
        """Find the n-grams of texts, and the outputs that follow each.

        Parameters
        ----------
        texts : TokenIds
            The tokens that the network reads.
        columns : ndarray of shape (n_ids,)
            Column of each token id.
        y : ndarray of shape (n_tokens,)
            Output that follows each token.
        w : ndarray of shape (n_tokens,)
            Weight of the output; those of weight 0 are not predicted.
        counts : ndarray of shape (n_tokens,)
            Whether the n-grams that end at a token occur: not in texts of weight 0.
        n_outputs : int
            Number of outputs.
        ngram_range : tuple of int
            Lengths of the shortest and of the longest n-grams that have weights.
        min_frequency : int
            Number of occurrences below which an n-gram is left out.

        Returns
        -------
        table : NgramTable
            The table, without weights yet.
        ngrams : Ngrams
            The n-grams of every token, for training.
        """
        min_n, max_n = ngram_range
        table = _without_pairs(cls, columns, max_n, n_outputs)
        found = np.empty((len(texts.flat), max_n), np.int64)
        shorter = np.zeros(len(texts.flat), np.int64)
        for n in range(1, max_n + 1):
            keys = table._keys_of(texts.flat, shorter)
            occurring = keys[(keys >= 0) & counts]
            names, frequency = np.unique(occurring, return_counts=True)
            added = names[frequency >= min_frequency]
            if n < min_n:
                table = table._replace(n_short=table.n_short + len(added))
            table = table._replace(keys=np.concatenate([table.keys, added]))
            # Longer n-grams come later, and change no number.
            found[:, n - 1] = table._find(keys)
            shorter = _before(found[:, n - 1], texts)
        ids = (found - 1).astype(np.int32)
        rows, orders = np.nonzero((ids >= table.n_short) & (w > 0)[:, None])
        pairs, first = np.unique(
            ids[rows, orders] * np.int64(n_outputs) + y[rows], return_index=True
        )
        ngram, outputs = np.divmod(pairs, n_outputs)
        n_pairs = np.bincount(ngram, minlength=len(table.keys))
        starts = np.concatenate([[0], np.cumsum(n_pairs)])
        table = table._replace(starts=starts, outputs=outputs)
        precision = (orders[first] + 1).astype(np.float64)
        # Before training all outputs are alike: each has the probability 1 / n_outputs.
        weight = _total(ids, w, len(table.keys)) / w.sum()
        curvature = np.repeat(weight / n_outputs, n_pairs)
        return table, Ngrams(ids, table._pairs, precision, curvature)

    @property
    def _pairs(self) -> Pairs:
        return Pairs(self.starts, self.outputs, self.n_outputs)

    def _keys_of(self, tokens: Ids, shorter: Numbers) -> Numbers:
        """Return the keys of n-grams from their last tokens and the rest, or below 0.

        A column of -1 makes a key that no n-gram has.
        """
        columns = self.columns[tokens]
        keys: Numbers = shorter * len(self.columns) + columns
        return np.where(columns >= 0, keys, -1)

    def _find(self, keys: Numbers) -> Numbers:
        """Return the number of the n-gram with each key, or -1."""
        if not len(self.keys):
            return np.full_like(keys, -1)
        places = np.searchsorted(self.keys[:-1], keys)
        return np.where(self.keys[places] == keys, places + 1, -1)

    def start(self, n_texts: int) -> Numbers:
        """Return the state before the first token of texts."""
        return np.full((n_texts, self.max_n), -1, np.int64)

    def advance(self, tokens: Ids, state: Numbers) -> Numbers:
        """Return the numbers of the n-grams of each length after one more token.

        Parameters
        ----------
        tokens : ndarray of shape (n_texts,)
            The next token of each text.
        state : ndarray of shape (n_texts, max_n)
            The result for the tokens before.

        Returns
        -------
        ndarray of shape (n_texts, max_n)
            Numbers of the n-grams of 1, 2, ... tokens that end here.
        """
        shorter = np.zeros_like(state)
        shorter[:, 1:] = state[:, :-1]
        return self._find(self._keys_of(tokens[:, None], shorter))

    def _read(self, texts: TokenIds) -> Numbers:
        """Return the states after every token of texts."""
        found = np.empty((len(texts.flat), self.max_n), np.int64)
        shorter = np.zeros(len(texts.flat), np.int64)
        for n in range(self.max_n):
            found[:, n] = self._find(self._keys_of(texts.flat, shorter))
            shorter = _before(found[:, n], texts)
        return found

    def add_scores(self, state: Numbers, out: Array) -> None:
        """Add the weights of the n-grams of each row to its logits."""
        NgramRows(state - 1, self._pairs).add_scores(self.weights, out)

    def add_scores_of(self, texts: TokenIds, out: Array) -> None:
        """Add the weights of the n-grams that end at each token to its logits."""
        states = self._read(texts)
        for start in range(0, len(out), _ROWS):
            rows = slice(start, start + _ROWS)
            self.add_scores(states[rows], out[rows])

    def ngrams(self) -> list[tuple[int, ...]]:
        """Return the columns of the n-grams that have weights."""
        found: list[tuple[int, ...]] = [()]
        shorter, last = np.divmod(self.keys, len(self.columns))
        for number, column in zip(shorter.tolist(), last.tolist(), strict=True):
            found.append((*found[number], column))
        return found[1 + self.n_short :]


def _without_pairs(
    cls: type[NgramTable], columns: Ids, max_n: int, n_outputs: int
) -> Any:
    keys, pairs = np.zeros(0, np.int64), np.zeros(0, np.intp)
    starts, weights = np.zeros(1, np.intp), np.zeros(0)
    return cls(keys, columns, max_n, 0, starts, pairs, weights, n_outputs)


def _total(ids: NDArray[np.int32], w: Vector, n_ngrams: int) -> Vector:
    """Return the weight of the steps of each n-gram, in any order of the texts."""
    by_size = np.argsort(w, kind="stable")
    ids, w = ids[by_size], w[by_size]
    total = np.zeros(n_ngrams)
    for column in ids.T:
        known = column >= 0
        total += np.bincount(column[known], w[known], n_ngrams)
    return total


def _before(found: Numbers, texts: TokenIds) -> Numbers:
    """Return what was found at the token before each, -1 at the first of a text."""
    before = np.roll(found, 1)
    before[texts.is_first] = -1
    return before
