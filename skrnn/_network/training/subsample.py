"""Some of the sequences to learn from, which speak for all of them.

They are evenly spaced in the canonical order, which runs through all lengths: the order
is cut into equal runs, and the middle of each is taken. The ends of the order are the
extremes, of which a single one could take longer than all others.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import packing
from skrnn._network.data.packing import Batch, Source, by_length
from skrnn._network.model.parameters import Architecture

Array = NDArray[Any]
Vector = NDArray[np.float64]

PRECISE = np.dtype(np.float64)
_N_SEQUENCES = 150
# Sequences are dear where they are long; fewer of them tell as much.
_N_STEPS = 20_000
_MIN_SEQUENCES = 16


class Subsample(NamedTuple):
    """Sequences and what is to be learned; targets one sequence after another."""

    source: Source
    ids: NDArray[np.intp]  # (n_sampled,)
    y: Array  # (n_valid_steps,) of the source, or (n_valid_steps, n_outputs)
    w: Vector  # (n_valid_steps,)

    def batches(self, architecture: Architecture) -> list[Batch]:
        """Pack the sequences."""
        ids = self.ids[by_length(self.source.lengths[self.ids])]
        return packing.batches(
            self.source, ids, PRECISE, self.y, self.w, n_states=architecture.n_states
        )


def evenly_spaced(ids: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Choose sequences that stand for all.

    Parameters
    ----------
    ids : ndarray of shape (n_sequences,)
        Sequences to learn from, in canonical order.
    lengths : ndarray of shape (n_sequences,)
        Their numbers of steps.
    """
    n = int(np.clip(_N_STEPS / lengths.mean(), _MIN_SEQUENCES, _N_SEQUENCES))
    n = min(n, len(ids))
    return ids[(2 * np.arange(n) + 1) * len(ids) // (2 * n)]
