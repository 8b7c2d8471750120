"""Tokens of a language model: as ids, as input rows, as output classes.

    id        0 ... n - 1         n                              -1
    input     row of the token    row of the start               row of the unknown
    output    class of the token  class of the end               no class

Infrequent tokens share a class, as they share a column of the encoder; the
probability of the class is divided evenly among them. If the encoder groups unknown
tokens with the infrequent ones, an unknown token belongs to this class too.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from skrnn._validation.arrays import Array, Ids, Mask
from skrnn._validation.containers import plain
from skrnn._validation.sequences import split_steps
from skrnn._validation.tokens import (
    Tokens,
    category_numbers,
    check_type_group,
    read_tokens,
)
from skrnn.preprocessing._one_hot import OneHotSequenceEncoder

# The name of infrequent tokens, as in scikit-learn.
INFREQUENT = "infrequent_sklearn"


class TokenIds(NamedTuple):
    """Texts as concatenated token ids."""

    flat: Ids  # (n_tokens,)
    lengths: Ids  # (n_texts,)

    @property
    def sequence_ids(self) -> Ids:
        """The text of every token."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def is_first(self) -> Mask:
        """Whether a token begins a text."""
        found = np.zeros(len(self.flat), dtype=bool)
        found[(self.lengths.cumsum() - self.lengths)[self.lengths > 0]] = True
        return found

    def without(self, position: int) -> "TokenIds":
        """Leave out the first token (0) or the last one (-1) of every text."""
        ends = self.lengths.cumsum()
        has_any = self.lengths > 0
        place = ends - 1 if position else ends - self.lengths
        return TokenIds(np.delete(self.flat, place[has_any]), self.lengths - has_any)

    def split(self, values: Any) -> list[Any]:
        """Split values of the tokens by text, omitting empty texts."""
        return split_steps(values, self.lengths[self.lengths > 0])


class TokenVocabulary(NamedTuple):
    """All tokens of a fitted encoder, with their rows and classes."""

    tokens: Array  # (n_tokens,)
    rows: Any  # (n_tokens + 2, n_features), dense or CSR: tokens, start, unknown
    infrequent: Mask  # (n_tokens,)
    number_of: dict[Any, int]  # the id of each token
    unknown_joins: bool  # whether an unknown token counts as infrequent
    as_text: bool  # whether texts are strings

    @classmethod
    def of(
        cls, encoder: OneHotSequenceEncoder, *, as_text: bool, has_start: bool
    ) -> "TokenVocabulary":
        """Build the vocabulary from the tokens and rows of an encoder."""
        tokens, columns = encoder.categories_, encoder._column_of
        n_columns = int(columns.max()) + 1
        columns = np.insert(columns, len(tokens), n_columns if has_start else -1)
        (ids,) = np.nonzero(columns >= 0)
        ones = np.ones(len(ids), encoder.dtype)
        shape = len(columns), n_columns + has_start
        rows = sparse.csr_array((ones, (ids, columns[ids])), shape)
        rows = rows if encoder.sparse_output else rows.toarray()
        number_of = {token: i for i, token in enumerate(tokens.tolist())}
        joins = bool(columns[-1] >= 0)
        return cls(tokens, rows, encoder._infrequent, number_of, joins, as_text)

    @property
    def input_columns(self) -> Ids:
        """The column of every token id in the rows, -1 for a row of zeros."""
        found = np.full(self.rows.shape[0], -1)
        ids, columns = self.rows.nonzero()
        found[ids] = columns
        return found

    def names_of_columns(self) -> list[Any]:
        """Return the token of each column; None is the start."""
        columns = self.input_columns
        names: list[Any] = [None] * self.rows.shape[1]
        for token, column in zip(self.tokens.tolist(), columns.tolist(), strict=False):
            names[column] = token
        if self.infrequent.any():
            names[columns[self.infrequent.argmax()]] = INFREQUENT
        return names

    @property
    def boundary_id(self) -> int:
        """The id of the start (as an input) and of the end (as an output)."""
        return len(self.tokens)

    def read(self, texts: Any, encoder: OneHotSequenceEncoder) -> TokenIds:
        """Convert tokens to ids; the encoder handles unknown tokens."""
        tokens, texts = read_texts(texts)
        if tokens.lengths.any():
            self.check_form(tokens.form == "strings", "these are")
        check_type_group(tokens, self.tokens[:1].tolist())
        numbers = category_numbers(tokens, self.tokens)
        if (numbers < 0).any() or encoder.n_steps is not None:
            encoder.transform(texts)
        return TokenIds(numbers[tokens.indices], tokens.lengths)

    def check_form(self, are_strings: bool, found: str) -> None:
        """Raise for lists of tokens after strings, or the reverse."""
        if are_strings != self.as_text:
            kinds = ["lists of tokens", "strings"]
            raise TypeError(
                f"the model was fitted on {kinds[self.as_text]}, but {found} "
                f"{kinds[are_strings]}"
            )

    def add_boundaries(self, texts: TokenIds, *, start: bool, end: bool) -> TokenIds:
        """Prepend the start to texts, and append the end."""
        lengths = texts.lengths + start + end
        flat = np.full(lengths.sum(), self.boundary_id)
        shift = texts.sequence_ids * (start + end) + start
        flat[np.arange(len(texts.flat)) + shift] = texts.flat
        return TokenIds(flat, lengths)

    def sequences(self, texts: TokenIds) -> list[Any]:
        """Return the rows of each text, omitting empty texts."""
        return texts.split(self.rows[texts.flat])

    def dense_rows(self, numbers: Ids) -> Array:
        """Return the rows of token ids as a dense array."""
        rows = self.rows[numbers]
        dense: Array = rows.toarray() if sparse.issparse(rows) else rows
        return dense

    def classes(self, has_end: bool) -> Ids:
        """Return the class of every token id, -1 for no class."""
        own = np.arange(len(self.tokens))
        own[self.infrequent] = self.infrequent.argmax()
        unknown = self.infrequent.argmax() if self.unknown_joins else -1
        return np.append(own, [self.boundary_id if has_end else -1, unknown])

    def columns(self, known: Array, has_end: bool) -> tuple[Ids, Array]:
        """Find the column of every token id among the classes of the classifier.

        Also return the term to add to the log-probability there: the logarithm of the
        token's share of its class, or minus infinity if `fit` did not see the class.
        """
        classes = self.classes(has_end)
        columns = np.minimum(np.searchsorted(known, classes), len(known) - 1)
        log_shares = np.zeros(len(classes))
        if self.infrequent.any():
            is_shared = classes == self.infrequent.argmax()
            log_shares[is_shared] = -np.log(self.infrequent.sum())
        log_shares[known[columns] != classes] = -np.inf
        return columns, log_shares

    def join(self, prefix: Any, numbers: Sequence[int]) -> Any:
        """Append tokens to a prefix."""
        tail = self.tokens[list(numbers)].tolist()
        return prefix + "".join(tail) if self.as_text else [*prefix, *tail]


def read_texts(texts: Any) -> tuple[Tokens, list[Any]]:
    """Read tokens; return them, and the texts as strings or lists of Python's."""
    tokens = read_tokens(texts, "auto")
    if tokens.form == "strings":
        return tokens, list(plain(texts, "X"))
    flat = [tokens.distinct[i] for i in tokens.indices.tolist()]
    return tokens, split_steps(flat, tokens.lengths)
