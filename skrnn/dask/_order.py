"""The canonical order of sequences on several workers.

one table of digests per worker -> one worker -> one part of the order per worker

Only digest, length and weight of a sequence are sent, not its contents.
"""

import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import packing
from skrnn._network.data.packing import by_length, first_steps
from skrnn._network.training.subsample import evenly_spaced
from skrnn._network.training.train import _hold_out
from skrnn._network.training.warm_up import strided_subset

from ._chunks import Chunk, Targets, sums

Array = NDArray[Any]
Ids = NDArray[np.intp]
Vector = NDArray[np.float64]


class SequenceIndex(NamedTuple):
    """Digests, lengths and weights of the sequences with nonzero weight."""

    ids: Ids  # index among all sequences of the chunks
    digests: Array  # (n,) of 16 bytes, which also determine the order
    lengths: Ids
    weights: Vector  # of each step of a sequence; NaN if steps differ
    step_weights: dict[int, Vector]  # by index in the table, if steps differ


class ShardAssignment(NamedTuple):
    """Distinct sequences on one worker, in canonical order."""

    ids: Ids
    weights: Vector  # including those of copies; NaN if steps differ
    step_weights: dict[int, Vector]  # by id
    places: Ids  # rank among training sequences, or -1 if held out
    sampled: Ids  # rank in the sample, or -1

    def subset(self, k: int) -> "ShardAssignment":
        """Return every k-th training sequence."""
        place = strided_subset(k)
        chosen = (self.places >= 0) & (self.places % place.step == place.start)
        return self._replace(
            ids=self.ids[chosen],
            weights=self.weights[chosen],
            places=self.places[chosen],
            sampled=self.sampled[chosen],
        )


def index_sequences(chunks: list[Chunk], targets: Targets) -> SequenceIndex:
    """Return the index from which order and copies are determined globally."""
    tables = [_index_chunk(chunk, targets) for chunk in chunks]
    first = first_steps(np.array([len(c.sequences.lengths) for c in chunks], np.intp))
    place = first_steps(np.array([len(t.ids) for t in tables], np.intp))
    return SequenceIndex(
        _joined([t.ids + n for t, n in zip(tables, first, strict=True)], np.intp),
        _joined([t.digests for t in tables], "S16"),
        _joined([t.lengths for t in tables], np.intp),
        _joined([t.weights for t in tables], np.float64),
        {
            int(n) + i: w
            for t, n in zip(tables, place, strict=True)
            for i, w in t.step_weights.items()
        },
    )


def _joined(arrays: list[Array], dtype: Any) -> Array:
    return np.concatenate([np.empty(0, dtype), *arrays])


def _index_chunk(chunk: Chunk, targets: Targets) -> SequenceIndex:
    lengths = chunk.sequences.lengths
    starts = first_steps(lengths)
    y = targets.encode(chunk)
    # Copies may differ in the targets, and so the classes, of steps with zero weight.
    w = np.where(targets.weights(y) > 0, chunk.w, 0.0)
    ids = np.flatnonzero(np.add.reduceat(w, starts) > 0)
    least = np.minimum.reduceat(w, starts)
    differ = np.maximum.reduceat(w, starts) > least
    digests = list(packing.digests(chunk.sequences, ids, y, w))
    return SequenceIndex(
        ids,
        np.array(digests, dtype="S16"),
        lengths[ids],
        np.where(differ, np.nan, least)[ids],
        {
            place: w[starts[i] : starts[i] + lengths[i]]
            for place, i in enumerate(ids)
            if differ[i]
        },
    )


def assign_sequences(
    tables: list[SequenceIndex], validation_fraction: float, rng: np.random.RandomState
) -> list[Any]:
    """Return the order that `packing.deduplicate` computes on all data together.

    Returns
    -------
    list
        A `ShardAssignment` for every table, followed by the advanced generator and the
        numbers of steps of the training sequences, longest first.
    """
    rng = copy.deepcopy(rng)
    digests = np.concatenate([t.digests for t in tables])
    lengths = np.concatenate([t.lengths for t in tables])
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    order = by_length(lengths[first])
    weights, step_weights = _add_weights(tables, inverse)
    _, kept = _hold_out(np.arange(len(order)), validation_fraction, rng)
    kept_lengths = lengths[first[order[kept]]]
    sample = evenly_spaced(kept, kept_lengths)
    sampled = np.full(len(order), -1)
    sampled[sample] = np.arange(len(sample))
    places = np.full(len(order), -1)
    places[kept] = np.arange(len(kept))
    parts: list[Any] = []
    ends = np.cumsum([len(t.ids) for t in tables])
    for t, end in zip(tables, ends, strict=True):
        rows = first[order] - (end - len(t.ids))
        here = np.flatnonzero((rows >= 0) & (rows < len(t.ids)))
        ids, kinds = t.ids[rows[here]], order[here]
        parts.append(
            ShardAssignment(
                ids,
                weights[kinds],
                {
                    int(i): step_weights[k]
                    for i, k in zip(ids, kinds, strict=True)
                    if k in step_weights
                },
                places[here],
                sampled[here],
            )
        )
    return [*parts, (rng, kept_lengths)]


def _add_weights(
    tables: list[SequenceIndex], inverse: Ids
) -> tuple[Vector, dict[int, Vector]]:
    """Add the weights of copies, smallest first: their order must not matter."""
    weights = np.concatenate([t.weights for t in tables])
    by_size = np.argsort(weights)
    added = sums(inverse[by_size], weights[by_size], int(inverse.max(initial=-1)) + 1)
    copies: dict[int, list[Any]] = {}
    place = first_steps(np.array([len(t.ids) for t in tables], np.intp))
    several = {
        int(n) + i: w
        for t, n in zip(tables, place, strict=True)
        for i, w in t.step_weights.items()
    }
    if several:
        for i in np.flatnonzero(np.isnan(added)[inverse]):
            own = several.get(int(i), weights[i])
            copies.setdefault(inverse[i], []).append(own)
    return added, {
        k: np.sort(np.broadcast_arrays(*same), axis=0).sum(axis=0)
        for k, same in copies.items()
    }
