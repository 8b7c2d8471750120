"""A representative sample of the training sequences.

The sample is evenly spaced in the canonical order, which is sorted by length: the order
is split into equal parts, and the middle of each is taken. The ends of the order are
extremes; a single one could take longer than all others.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skrnn._network.data import packing
from skrnn._network.data.ngrams import Ngrams
from skrnn._network.data.packing import Batch, Source, by_length
from skrnn._network.data.steps import first_steps, ranges
from skrnn._network.model.parameters import Architecture
from skrnn._network.workspace import Memory

Array = NDArray[Any]
Vector = NDArray[np.float64]

PRECISE = np.dtype(np.float64)
_N_SEQUENCES = 150
# Long sequences are expensive, and fewer of them are sufficient; of a sequence with
# more steps than that, its first ones.
_N_STEPS = 20_000
_MIN_SEQUENCES = 16
# Rows of a batch, about: a quarter of those in training, in twice the precision, since
# these arrays stand beside the buffers of training.
_MAX_ROWS = 1 << 12


class Subsample(NamedTuple):
    """Sequences, and their targets and weights, concatenated."""

    source: Source
    ids: NDArray[np.intp]  # (n_sampled,)
    y: Array  # (n_valid_steps,) of the source, or (n_valid_steps, n_outputs)
    w: Vector  # (n_valid_steps,)
    ngrams: Ngrams | None = None

    def batches(self, architecture: Architecture) -> list[Batch]:
        """Pack the sequences."""
        ids = self.ids[by_length(self.source.lengths[self.ids])]
        return packing.batches(
            self.source,
            ids,
            PRECISE,
            self.y,
            self.w,
            n_states=architecture.n_states,
            ngrams=self.ngrams,
            n_hidden_features=architecture.n_hidden_features,
            max_rows=_MAX_ROWS,
        )

    def cut(self) -> "Subsample":
        """Return the sample with only the first steps of very long sequences."""
        lengths = self.source.lengths[self.ids]
        if lengths.max(initial=0) <= _N_STEPS:
            return self
        n_first = np.minimum(lengths, _N_STEPS)
        steps = ranges(first_steps(self.source.lengths)[self.ids], n_first)
        X = [
            self.source.take(self.ids[i : i + 1], PRECISE)[:n].copy()
            for i, n in enumerate(n_first)
        ]
        ngrams = self.ngrams
        if ngrams is not None:
            ngrams = ngrams._replace(ids=ngrams.ids[steps])
        cut = _Beginnings(X, n_first)
        ids = np.arange(len(n_first))
        return Subsample(cut, ids, self.y[steps], self.w[steps], ngrams)


class _Beginnings(NamedTuple):
    """The first steps of some sequences."""

    X: list[Any]
    lengths: NDArray[np.intp]

    def take(
        self,
        ids: NDArray[np.intp],
        dtype: np.dtype[Any],
        memory: Memory | None = None,
    ) -> Any:
        """Return the steps of the given sequences, concatenated."""
        parts = [self.X[i] for i in ids]
        if sparse.issparse(parts[0]):
            return sparse.csr_array(sparse.vstack(parts), dtype=dtype)
        return np.concatenate(parts).astype(dtype, copy=False)


def evenly_spaced(ids: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Select a representative sample of sequences.

    Parameters
    ----------
    ids : ndarray of shape (n_sequences,)
        Training sequences, in canonical order.
    lengths : ndarray of shape (n_sequences,)
        Their numbers of steps.
    """
    n = int(np.clip(_N_STEPS / lengths.mean(), _MIN_SEQUENCES, _N_SEQUENCES))
    n = min(n, len(ids))
    return ids[(2 * np.arange(n) + 1) * len(ids) // (2 * n)]
