"""Valid steps of many sequences as one matrix, without padding.

Sequences are sorted by length, longest first, and their steps laid out
time-major: all first steps, then all second steps, ... Step t contains the first
``batch_sizes[t]`` sequences of the batch, in rows ``offsets[t]:offsets[t + 1]``. A
sequence has the same position in each of its steps. So one loop over steps processes
sequences of all lengths, without computations on padding.

    lengths 3, 2, 2      rows  a0 b0 c0 | a1 b1 c1 | a2      batch_sizes 3, 3, 1
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from skrnn._network.workspace import Memory, Workspace

from .inputs import Array, compress, first_columns, take_rows
from .ngrams import NgramRows, Ngrams
from .steps import first_steps, ranges, steps_of

# Approximate number of rows of a batch: enough for matrix products to outweigh call
# overhead, few enough for the states to need little memory.
_BATCH_ROWS = 1 << 14
_BATCH_STATES = 1 << 22
_MIN_SEQUENCES = 64
# Number of rows to read at a time for fingerprints, in double precision.
_ROWS_READ = 1 << 12

Ids = NDArray[np.intp]
Vector = NDArray[np.float64]
Words = NDArray[np.uint64]
Steps = Any  # ndarray or scipy.sparse.csr_array of shape (n_rows, n_features)


class Source(Protocol):
    """Sequences that can return their valid steps."""

    @property
    def lengths(self) -> Ids:
        """Numbers of steps, of shape (n_sequences,)."""

    def take(
        self, ids: Ids, dtype: np.dtype[Any], memory: Memory | None = None
    ) -> Steps:
        """Return the steps of the given sequences, concatenated.

        ``memory`` may be used for an array of this type.
        """


class Batch(NamedTuple):
    """Steps of some sequences, longest first, time-major."""

    X: Any  # (n_rows, n_features), in one of the forms of ``inputs``
    offsets: list[int]  # (n_steps + 1,); rows of step t are offsets[t]:offsets[t + 1]
    previous_rows: slice | Ids  # one step before each of `next_rows`
    steps: Ids  # (n_rows,) number of the step among all, or empty
    y: Array  # (n_rows,) class of each step (int32) or numbers, or empty
    w: Array  # (n_rows,) weight of each step, or empty
    ngrams: NgramRows | None = None
    X_of_hidden: Any = None  # its first columns, if hidden layers read only those

    @property
    def X_of_layers(self) -> Any:
        """What the first hidden layer reads."""
        return self.X if self.X_of_hidden is None else self.X_of_hidden

    @property
    def sequence_of_row(self) -> Ids:
        """Number, within the batch, of the sequence to which each row belongs."""
        starts = np.repeat(self.offsets[:-1], np.diff(self.offsets))
        numbers: Ids = np.arange(self.offsets[-1]) - starts
        return numbers

    @property
    def sequence_weights(self) -> Array:
        """Weight of each sequence, if it is the same at all its labeled rows."""
        weights, is_labeled = np.zeros(self.offsets[1]), self.w > 0
        weights[self.sequence_of_row[is_labeled]] = self.w[is_labeled]
        return weights

    def rows_of(self, i: int) -> Ids:
        """Return the rows of one sequence of the batch."""
        starts = np.array(self.offsets)
        return starts[:-1][np.diff(starts) > i] + i

    def without_steps(self) -> "Batch":
        """Drop the positions of rows, which are needed only to store results."""
        return self._replace(steps=np.empty(0, np.intp))

    def select_rows(self, rows: Ids) -> "Batch":
        """Return the rows of one sequence as a batch of its own."""
        of_hidden = self.X_of_hidden
        if of_hidden is not None:
            of_hidden = take_rows(of_hidden, rows)
        return Batch(
            X=take_rows(self.X, rows),
            offsets=list(range(len(rows) + 1)),
            previous_rows=slice(0, len(rows) - 1),
            steps=self.steps[rows] if self.steps.size else self.steps,
            y=self.y[rows] if self.y.size else self.y,
            w=self.w[rows] if self.w.size else self.w,
            ngrams=None if self.ngrams is None else self.ngrams.select(rows),
            X_of_hidden=of_hidden,
        )

    @property
    def next_rows(self) -> slice:
        """Rows with a previous step: all but those of the first step."""
        return slice(self.offsets[1], self.offsets[-1])

    def rows_before(
        self, rows: slice, *, from_end: bool
    ) -> tuple[slice | Ids, slice | Ids]:
        """Return the rows of some steps that continue a sequence, and which rows.

        Parameters
        ----------
        rows : slice
            All rows of consecutive steps.
        from_end : bool
            Whether sequences are read from their ends.

        Returns
        -------
        after : slice or ndarray
            Relative to ``rows``.
        before : slice or ndarray
            The row of the step that is read before, for each of ``after``.
        """
        n_sequences, previous = self.offsets[1], self.previous_rows
        if not from_end:
            first = max(rows.start, n_sequences)
            after = slice(first - rows.start, rows.stop - rows.start)
            pairs = slice(first - n_sequences, rows.stop - n_sequences)
            return after, pairs if isinstance(previous, slice) else previous[pairs]
        if isinstance(previous, slice):
            first, last = rows.start, min(rows.stop, previous.stop)
            before = slice(first + n_sequences, last + n_sequences)
            return slice(0, last - first), before
        # Previous rows are sorted.
        first, last = np.searchsorted(previous, (rows.start, rows.stop)).tolist()
        before = slice(first + n_sequences, last + n_sequences)
        return previous[first:last] - rows.start, before


class StepRows(NamedTuple):
    """The rows of one step, and how it continues the step that is read before it."""

    now: slice
    shared: slice  # the first of these rows, whose sequences have a step before
    before: slice  # the rows of these sequences in the step before


def iter_steps(
    offsets: Sequence[int], *, from_end: bool, against_reading: bool = False
) -> Iterator[StepRows]:
    """Iterate over the steps in the reading order of a direction, or against it.

    The backward direction starts each sequence at its own last step.
    """
    n_steps = len(offsets) - 1
    to_before = 1 if from_end else -1
    order = range(n_steps)
    for t in order if from_end == against_reading else reversed(order):
        start, stop = offsets[t], offsets[t + 1]
        before, n_shared = t + to_before, 0
        if 0 <= before < n_steps:
            n_shared = min(stop - start, offsets[before + 1] - offsets[before])
        yield StepRows(
            slice(start, stop),
            slice(start, start + n_shared),
            slice(offsets[before], offsets[before] + n_shared),
        )


def rows_of_steps(steps: Sequence[StepRows]) -> slice:
    """Return the rows of consecutive steps, in whatever order."""
    ends = steps[0].now, steps[-1].now
    return slice(min(rows.start for rows in ends), max(rows.stop for rows in ends))


def pack(
    source: Source,
    ids: Ids,
    dtype: np.dtype[Any],
    y: Ids | None = None,
    w: Array | None = None,
    starts: Ids | None = None,
    ngrams: Ngrams | None = None,
    n_hidden_features: int = 0,
    space: Workspace | None = None,
) -> Batch:
    """Pack the given sequences into one batch.

    Parameters
    ----------
    source : Source
    ids : ndarray of shape (n_sequences,)
        Sequences in order of decreasing length.
    dtype : dtype
        Floating type of the rows.
    y, w : ndarray of shape (n_valid_steps,), optional
        Classes and weights of the steps of the *whole* source, one sequence
        after another.
    starts : ndarray of shape (n_sequences_of_source,), optional
        First step of each sequence of the source, computed once by callers that pack
        many batches.
    ngrams : Ngrams, optional
        The n-grams of all steps.
    n_hidden_features : int
        Number of the first features that hidden layers read; 0 if they read all.
    space : Workspace, optional
        Memory for the rows, if they are dense.
    """
    lengths = source.lengths[ids]
    offsets, i, t = time_major(lengths)
    equal = lengths[-1] == lengths[0]
    if equal:
        previous_rows: slice | Ids = slice(0, int(offsets[-2]))
    else:
        batch_sizes = np.diff(offsets)
        shift = np.repeat(batch_sizes[:-1], batch_sizes[1:])
        previous_rows = np.arange(batch_sizes[0], offsets[-1]) - shift
    if starts is None:
        starts = first_steps(source.lengths)
    steps = starts[ids][i] + t
    taken = packed = None
    if space is not None:
        taken, packed = partial(space.rows, "taken"), partial(space.rows, "packed")
    X = compress(source.take(ids, dtype, taken))
    X = take_rows(X, first_steps(lengths)[i] + t, packed)
    return Batch(
        X=X,
        offsets=offsets.tolist(),
        previous_rows=previous_rows,
        steps=steps,
        y=np.empty(0, np.int32) if y is None else _narrow(y[steps]),
        w=np.empty(0, dtype) if w is None else w[steps].astype(dtype, copy=False),
        ngrams=None if ngrams is None else ngrams.of_steps(steps),
        X_of_hidden=first_columns(X, n_hidden_features) if n_hidden_features else None,
    )


def time_major(lengths: Ids) -> tuple[Ids, Ids, Ids]:
    """Lay out the steps of sequences of decreasing length.

    Returns
    -------
    offsets : ndarray of shape (n_steps + 1,)
        Rows of step t are offsets[t]:offsets[t + 1].
    i, t : ndarray of shape (n_rows,)
        Sequence and step of each row.
    """
    # Sequences longer than 0, 1, ... steps.
    batch_sizes = len(lengths) - np.cumsum(np.bincount(lengths))[:-1]
    offsets = np.concatenate([[0], np.cumsum(batch_sizes)])
    # All arrays have one value per row: steps times sequences could be far more.
    t = np.repeat(np.arange(len(batch_sizes)), batch_sizes)
    i = np.arange(len(t)) - np.repeat(offsets[:-1], batch_sizes)
    return offsets, i, t


def _narrow(y: Array) -> Array:
    # Saves memory; the number of classes always fits into 32 bits.
    return y.astype(np.int32) if y.dtype.kind == "i" else y


def by_length(lengths: ArrayLike) -> Ids:
    """Sort sequences by decreasing length; equal lengths keep their order."""
    return np.argsort(-np.asarray(lengths, dtype=np.intp), kind="stable")


def deduplicate(
    source: Source, y: Array, w: Vector, groups: Ids | None = None
) -> tuple[Ids, Vector, Ids]:
    """Drop sequences with zero weight, merge identical ones, sort by content.

    A sequence with weight k and k copies of it, in any order, then give the same
    problem, bit for bit. Copies have the same steps, and the same targets at the same
    labeled steps.

    Parameters
    ----------
    source : Source
    y, w : ndarray of shape (n_valid_steps, ...)
        Targets and weights.
    groups : ndarray of shape (n_sequences,), optional
        The group of each sequence; groups with a copy of the same sequence become one.
        By default each distinct sequence is a group of its own.

    Returns
    -------
    ids : ndarray of shape (n_distinct,)
        One representative of each sequence, longest first, in an order that depends
        only on content.
    w : ndarray of shape (n_valid_steps,)
        Weights, summed over copies.
    groups : ndarray of shape (n_distinct,)
        The group of each, numbered in the order of their first sequences.
    """
    lengths = source.lengths
    ids = np.flatnonzero(np.add.reduceat(w, first_steps(lengths)) > 0)
    _, first, kinds = np.unique(
        fingerprints(source, ids, y, w), return_index=True, return_inverse=True
    )
    distinct = ids[first]
    if len(distinct) < len(ids):
        steps, own = (steps_of(i, lengths) for i in (ids, distinct))
        added = add_copies(kinds, lengths[ids], w[steps])
        w = w.copy()
        w[own] = added
    order = by_length(lengths[distinct])
    joined = join_groups(kinds, None if groups is None else groups[ids])
    return distinct[order], w, in_order_of_appearance(joined[order])


def join_groups(kinds: Ids, groups: Ids | None) -> Ids:
    """Return the group of each kind of sequence.

    Parameters
    ----------
    kinds, groups : ndarray of shape (n_sequences,)
        Groups that share a kind become one; without groups, each kind is one.
    """
    n_kinds = kinds.max(initial=-1) + 1
    if groups is None:
        return np.arange(n_kinds)
    _, groups = np.unique(groups, return_inverse=True)
    n = n_kinds + groups.max(initial=-1) + 1
    shared = sparse.coo_array(
        (np.ones(len(kinds)), (kinds, n_kinds + groups)), shape=(n, n)
    )
    _, components = connected_components(shared, directed=False)
    joined: Ids = components[:n_kinds].astype(np.intp)
    return joined


def in_order_of_appearance(labels: Ids) -> Ids:
    """Replace labels by 0, 1, ... in the order of their first occurrence."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    numbers: Ids = np.argsort(np.argsort(first))[inverse]
    return numbers


def add_copies(kinds: Ids, lengths: Ids, w: Vector) -> Vector:
    """Add the weights of sequences of the same kind, step by step.

    Parameters
    ----------
    kinds, lengths : ndarray of shape (n_sequences,)
        Sequences of the same kind have the same length.
    w : ndarray of shape (n_steps,)
        Weights of all steps.

    Returns
    -------
    ndarray
        Weights of the steps of kind 0, then of kind 1, ...
    """
    lengths_of_kinds = np.zeros(kinds.max(initial=-1) + 1, np.intp)
    lengths_of_kinds[kinds] = lengths
    places = ranges(first_steps(lengths_of_kinds)[kinds], lengths)
    # Whatever the order of the copies: sums of fractions are rounded.
    by_size = np.argsort(w)
    return np.bincount(places[by_size], w[by_size]).astype(np.float64, copy=False)


def fingerprints(source: Source, ids: Ids, y: Array, w: Vector) -> NDArray[np.bytes_]:
    """Return 16 bytes for each sequence, equal only for identical sequences.

    The bits of every value, as an integer, are multiplied by a random number for its
    feature and another one for its step, and added modulo 2**64; twice, with different
    random numbers. Sums of integers are exact, and zeros add nothing to them, so the
    result is the same for any batches, and for dense and sparse steps. Targets of steps
    with zero weight are ignored.
    """
    lengths, starts = source.lengths, first_steps(source.lengths)
    y = y.reshape(len(w), -1)
    factors = _random_numbers(lengths.max(), 2)
    found = [np.empty((0, 2), np.uint64)]
    for batch_ids in split_into_batches(
        ids, lengths, n_rows=_ROWS_READ, min_sequences=1
    ):
        n = lengths[batch_ids]
        rows = ranges(starts[batch_ids], n)
        sums = _sum_bits(source.take(batch_ids, np.dtype(np.float64)), 0)
        sums += _sum_bits(np.where(w[rows, None] > 0, y[rows], np.nan), 1)
        sums += 1  # steps of zeros count
        sums *= factors[ranges(np.zeros_like(n), n)]
        found.append(np.add.reduceat(sums, first_steps(n)))
    return np.concatenate(found).view("S16").ravel()


def column_words(X: sparse.csr_array, first_row: int) -> Words:
    """Return two sums of the bits of every column, for rows from a number on.

    Added over all rows, they are equal only for identical columns, see `fingerprints`.
    """
    bits = sparse.csr_array((_bits(X.data), X.indices, X.indptr), shape=X.shape)
    words: Words = bits.T @ _random_numbers(X.shape[0], 3, first_row)
    return words


def _sum_bits(X: Steps, seed: int) -> Words:
    """Return two sums of the bits of every row."""
    bits = _bits(X.data if sparse.issparse(X) else X)
    factors = _random_numbers(X.shape[1], seed)
    if sparse.issparse(X):
        rows = sparse.csr_array((bits, X.indices, X.indptr), shape=X.shape)
        sums: Words = rows @ factors
    else:
        # Twice as fast as a matrix product, which has no BLAS for integers.
        sums = np.einsum("ij,kj->ik", bits, np.ascontiguousarray(factors.T))
    return sums


def _bits(values: Vector) -> Words:
    halves = (values + 0.0).view(np.uint32)  # without the sign of zero
    # The last bits of round numbers are zeros, and would remain so in products.
    halves[..., ::2] ^= halves[..., 1::2]
    return halves.view(np.uint64)


def _random_numbers(n: int, seed: int, first: int = 0) -> Words:
    # Raw numbers are the same in all versions of NumPy. Odd ones lose no bits.
    generator = np.random.PCG64(seed).advance(2 * first)
    numbers: Words = generator.random_raw((n, 2)).astype(np.uint64)
    return numbers | np.uint64(1)


def batches(
    source: Source,
    ids: Ids,
    dtype: np.dtype[Any],
    y: Ids | None = None,
    w: Array | None = None,
    n_shares: int = 1,
    n_states: int = 1,
    store: Callable[[Iterable[Batch]], list[Batch]] = list,
    ngrams: Ngrams | None = None,
    n_hidden_features: int = 0,
    max_rows: int | None = None,
) -> list[Batch]:
    """Pack sequences, longest first, into batches of bounded size.

    Each row of a batch has ``n_states`` states; ``max_rows`` is a further limit. The
    number of batches is a multiple of ``n_shares``, and their sizes are similar, so
    that threads that share them finish together. ``store`` receives them one by one,
    and may move each elsewhere before it requests the next.
    """
    cut = cut_for_training(ids, source.lengths, n_shares, n_states, max_rows)
    starts = first_steps(source.lengths)
    return store(
        pack(source, batch_ids, dtype, y, w, starts, ngrams, n_hidden_features)
        for batch_ids in cut
    )


def cut_for_training(
    ids: Ids, lengths: Ids, n_shares: int, n_states: int, max_rows: int | None = None
) -> list[Ids]:
    """Return the sequences of each of the `batches`."""
    n_rows = min(max_rows or _BATCH_ROWS, _BATCH_STATES // max(1, n_states))
    return split_into_batches(ids, lengths, n_shares, n_rows)


def steps_of_rows(lengths: Ids, ids: Ids) -> Ids:
    """Return the number, among all steps, of each row of a batch.

    Parameters
    ----------
    lengths : ndarray of shape (n_sequences_of_source,)
    ids : ndarray of shape (n_sequences,)
        Sequences in order of decreasing length.
    """
    _, i, t = time_major(lengths[ids])
    steps: Ids = first_steps(lengths)[ids][i] + t
    return steps


def split_into_batches(
    ids: Ids,
    lengths: Ids,
    n_shares: int = 1,
    n_rows: int | None = None,
    min_sequences: int | None = None,
) -> list[Ids]:
    """Split sequences, longest first, into batches of about ``n_rows`` rows.

    The default suits training, where buffers are reused by the next evaluation. Batches
    are larger if ``min_sequences`` sequences have more rows.
    """
    if not ids.size:
        return []
    rows = np.cumsum(lengths[ids])
    n_runs = min(
        rows[-1] / (n_rows or _BATCH_ROWS), len(ids) / (min_sequences or _MIN_SEQUENCES)
    )
    n_runs = n_shares * max(1, round(n_runs / n_shares))
    ends = np.searchsorted(rows, rows[-1] / n_runs * np.arange(1, n_runs))
    return [batch_ids for batch_ids in np.split(ids, ends + 1) if batch_ids.size]
