"""N-grams of tokens as inputs of the output layer.

Each step has the n-grams of tokens that end at it. They add to the logits directly:

    L[row, k] += sum over the n-grams g of the row of weight[g, k]

A weight exists only for a pair (g, k) that the training data contain. The pairs are the
entries of a sparse matrix with a row for each n-gram, in CSR order, and their weights
form a vector. So time and memory depend on the number of pairs, not on the number of
n-grams times that of outputs.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .steps import Ids, ranges

Array = NDArray[Any]


class Pairs(NamedTuple):
    """Which outputs each n-gram has a weight for."""

    starts: Ids  # (n_ngrams + 1,); pairs of n-gram g are starts[g]:starts[g + 1]
    outputs: Ids  # (n_pairs,)
    n_outputs: int


@dataclass(frozen=True, eq=False)
class NgramRows:
    """The n-grams of some rows."""

    ids: NDArray[np.integer]  # (n_rows, n_orders), of each n-gram; negative for none
    pairs: Pairs
    trained: NDArray[np.bool_] | None = None  # (n_pairs,), see `Ngrams`

    @cached_property
    def _entries(self) -> tuple[Ids, Ids]:
        """Positions in the flattened logits, and the pair to add at each."""
        rows, orders = np.nonzero(self.ids >= 0)
        found = self.ids[rows, orders]
        starts = self.pairs.starts
        lengths = starts[found + 1] - starts[found]
        pairs = ranges(starts[found], lengths)
        places = np.repeat(rows * self.pairs.n_outputs, lengths)
        places += self.pairs.outputs[pairs]
        return places, pairs

    def add_scores(self, weights: Array, out: Array) -> None:
        """Add the weights of the n-grams of each row to its logits.

        Parameters
        ----------
        weights : ndarray of shape (n_pairs,)
        out : ndarray of shape (n_rows, n_outputs)
        """
        places, pairs = self._entries
        np.add.at(out.reshape(-1), places, weights.take(pairs))

    def weight_gradient(self, dL: Array, out: Array) -> None:
        """Compute the gradient of the weights from that of the logits.

        It is 0 for pairs that are not trained.

        Parameters
        ----------
        dL : ndarray of shape (n_rows, n_outputs)
        out : ndarray of shape (n_pairs,)
        """
        places, pairs = self._entries
        out[...] = 0
        np.add.at(out, pairs, dL.reshape(-1).take(places))
        if self.trained is not None:
            out[~self.trained] = 0

    def select(self, rows: Ids) -> "NgramRows":
        """Return the n-grams of some of the rows."""
        return NgramRows(self.ids[rows], self.pairs, self.trained)


class Ngrams(NamedTuple):
    """The n-grams of all steps, their pairs, and the prior of the weights.

    Pairs that only sequences held out have must not be trained: new sequences would
    not have them as pairs, either. Their weights stay 0.
    """

    ids: NDArray[np.integer]  # (n_steps, n_orders)
    pairs: Pairs
    precision: NDArray[np.float64]  # (n_pairs,), inverse prior variance
    curvature: NDArray[np.float64]  # (n_pairs,), estimate of the Fisher information
    trained: NDArray[np.bool_] | None = None  # (n_pairs,); None for all

    @property
    def n_pairs(self) -> int:
        """Number of weights."""
        return len(self.pairs.outputs)

    def of_steps(self, steps: Ids) -> NgramRows:
        """Return the n-grams of some steps."""
        return NgramRows(self.ids[steps], self.pairs, self.trained)

    def trained_by(self, steps: Ids, y: Ids) -> "Ngrams":
        """Return the same n-grams, of whose pairs only those of some steps are trained.

        Parameters
        ----------
        steps : ndarray of shape (n_labeled,)
        y : ndarray of shape (n_labeled,)
            Outputs that follow these steps.
        """
        starts, outputs, n_outputs = self.pairs
        ngram = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        ids = self.ids[steps]
        rows, orders = np.nonzero(ids >= 0)
        own = ids[rows, orders] * np.int64(n_outputs) + y[rows]
        trained = np.isin(ngram * np.int64(n_outputs) + outputs, own)
        return self._replace(trained=None if trained.all() else trained)
