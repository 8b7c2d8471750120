"""The canonical order of sequences on several workers.

one table of fingerprints per worker -> one worker -> one part of the order per worker

Only fingerprint, length and weights of a sequence are sent, not its contents. Weights
that are the same at all steps are sent as one number.
"""

import copy
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import packing
from skrnn._network.data.packing import by_length
from skrnn._network.data.steps import first_steps, ranges, steps_of
from skrnn._network.training.subsample import evenly_spaced
from skrnn._network.training.train import hold_out

from ._chunks import Chunk, Targets

Array = NDArray[Any]
Ids = NDArray[np.intp]
Vector = NDArray[np.float64]


class SequenceIndex(NamedTuple):
    """Fingerprints, lengths and weights of the weighted sequences of a chunk."""

    ids: Ids  # index in the chunk
    fingerprints: Array  # (n,) of 16 bytes, which also determine the order
    lengths: Ids
    n_weights: Ids  # one for all steps of a sequence, or as many as steps
    weights: Vector  # one sequence after another
    groups: Array | None  # of each sequence


class ChunkAssignment(NamedTuple):
    """Distinct sequences of a chunk, in canonical order."""

    ids: Ids  # index in the chunk
    n_weights: Ids  # one for all steps of a sequence, or as many as steps
    weights: Vector  # including those of copies, one sequence after another
    places: Ids  # rank among training sequences, or -1 if held out
    sampled: Ids  # rank in the sample, or -1

    def take(self, rows: Ids) -> "ChunkAssignment":
        """Return some of the sequences."""
        n = self.n_weights
        return ChunkAssignment(
            self.ids[rows],
            n[rows],
            self.weights[steps_of(rows, n)],
            self.places[rows],
            self.sampled[rows],
        )


def repeat_weights(weights: Vector, n_weights: Ids, n: Ids) -> Vector:
    """Repeat the weights of sequences with only one, so that each has n."""
    return np.repeat(weights, np.repeat(n // n_weights, n_weights))


def index_sequences(chunks: list[Chunk], targets: Targets) -> list[SequenceIndex]:
    """Return the indices from which order and copies are determined globally."""
    return [_index_chunk(chunk, targets) for chunk in chunks]


def _index_chunk(chunk: Chunk, targets: Targets) -> SequenceIndex:
    lengths = chunk.sequences.lengths
    starts = first_steps(lengths)
    y = targets.encode(chunk)
    # Copies may differ in the targets, and so the classes, of steps with zero weight.
    w = np.where(targets.weights(y) > 0, chunk.w, 0.0)
    ids = np.flatnonzero(np.add.reduceat(w, starts) > 0)
    differ = np.maximum.reduceat(w, starts) > np.minimum.reduceat(w, starts)
    n_weights = np.where(differ, lengths, 1)[ids]
    return SequenceIndex(
        ids,
        packing.fingerprints(chunk.sequences, ids, y, w),
        lengths[ids],
        n_weights,
        w[ranges(starts[ids], n_weights)],
        chunk.groups if chunk.groups is None else chunk.groups[ids],
    )


def assign_sequences(
    tables: list[list[SequenceIndex]],
    validation_fraction: float,
    rng: np.random.RandomState,
) -> list[Any]:
    """Return the order that `packing.deduplicate` computes on all data together.

    Returns
    -------
    list
        The `ChunkAssignment` of all chunks of a shard, for every shard, followed by the
        advanced generator and the numbers of steps and groups of the training
        sequences, longest first.
    """
    rng = copy.deepcopy(rng)
    chunks = [table for shard in tables for table in shard]
    *columns, groups = zip(*chunks, strict=True)
    ids, fingerprints, lengths, n_weights, weights = map(np.concatenate, columns)
    _, first, kinds = np.unique(fingerprints, return_index=True, return_inverse=True)
    order = by_length(lengths[first])
    n_weights, weights = _add_weights(kinds, n_weights, weights)
    joined = packing.join_groups(
        kinds, None if groups[0] is None else np.concatenate(groups)
    )
    ordered_groups = packing.in_order_of_appearance(joined[order])
    is_out = hold_out(ordered_groups, validation_fraction, rng)
    kept = np.flatnonzero(~is_out)
    kept_lengths = lengths[first[order[kept]]]
    sample = evenly_spaced(kept, kept_lengths)
    places, sampled = np.full((2, len(first)), -1)
    places[order[kept]] = np.arange(len(kept))
    sampled[order[sample]] = np.arange(len(sample))
    distinct = ChunkAssignment(ids[first], n_weights, weights, places, sampled)
    chunk_numbers = np.repeat(np.arange(len(chunks)), [len(t.ids) for t in chunks])
    chunk_of = chunk_numbers[first[order]]
    parts = (distinct.take(order[chunk_of == i]) for i in range(len(chunks)))
    found = rng, kept_lengths, ordered_groups[kept]
    return [*(list(islice(parts, len(shard))) for shard in tables), found]


def _add_weights(kinds: Ids, n_weights: Ids, weights: Vector) -> tuple[Ids, Vector]:
    """Return the number of weights of each kind of sequence, and their sums."""
    n_of_kinds = np.zeros(kinds.max(initial=-1) + 1, np.intp)
    np.maximum.at(n_of_kinds, kinds, n_weights)
    n = n_of_kinds[kinds]
    weights = repeat_weights(weights, n_weights, n)
    return n_of_kinds, packing.add_copies(kinds, n, weights)
