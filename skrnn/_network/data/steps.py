"""Where the steps of sequences lie among those of all, one sequence after another."""

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.intp]


def first_steps(lengths: Ids) -> Ids:
    """Return where each sequence starts among the steps of all."""
    return np.cumsum(lengths) - lengths


def ranges(starts: Ids, lengths: Ids) -> Ids:
    """Concatenate the ranges with the given starts and lengths."""
    shift = starts - first_steps(lengths)
    return np.repeat(shift, lengths) + np.arange(lengths.sum())


def steps_of(ids: Ids, lengths: Ids) -> Ids:
    """Return the steps of some sequences.

    Parameters
    ----------
    ids : ndarray of shape (n_chosen,)
    lengths : ndarray of shape (n_sequences,)
        Numbers of steps of all sequences.
    """
    return ranges(first_steps(lengths)[ids], lengths[ids])
