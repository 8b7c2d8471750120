"""Packing: every valid step once, in an order that a loop over steps can use."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse
from strategies import LENGTHS, ListSource

from skrnn._network.data import packing

FLOAT = np.dtype(np.float64)


def numbered(lengths):
    """Return sequences whose steps say which they are: sequence and step from 1 on."""
    return ListSource(
        [np.c_[np.full(n, i), np.arange(n)] + 1 for i, n in enumerate(lengths)]
    )


def packed(lengths, **arrays):
    source = numbered(lengths)
    return packing.pack(source, packing.by_length(lengths), FLOAT, **arrays)


def test_rows_of_the_example_in_the_docstring():
    batch = packed([3, 2, 2])
    a, b, c = 1, 2, 3
    assert_array_equal(batch.X[:, 0], [a, b, c, a, b, c, a])
    assert_array_equal(np.diff(batch.offsets), [3, 3, 1])


@given(LENGTHS)
def test_every_valid_step_is_one_row(lengths):
    batch = packed(lengths)
    source = numbered(lengths)
    every_step = source.take(np.arange(len(lengths)), FLOAT)
    assert_array_equal(np.sort(batch.steps), np.arange(sum(lengths)))
    assert_array_equal(every_step[batch.steps], batch.X)


@given(LENGTHS)
def test_offsets_delimit_the_steps(lengths):
    batch = packed(lengths)
    for t in range(max(lengths)):
        rows = batch.X[batch.offsets[t] : batch.offsets[t + 1]]
        assert_array_equal(rows[:, 1], t + 1)
    assert batch.offsets[-1] == sum(lengths)


@given(LENGTHS)
def test_earlier_is_the_row_one_step_before_each_later_row(lengths):
    batch = packed(lengths)
    previous_rows, next_rows = batch.X[batch.previous_rows], batch.X[batch.next_rows]
    assert_array_equal(np.add(previous_rows, [0, 1]), next_rows)
    assert len(next_rows) == sum(lengths) - len(lengths)


def test_rows_before_are_a_view_where_all_lengths_are_equal():
    assert packed([3, 3]).previous_rows == slice(0, 4)
    assert packed([1, 1]).previous_rows == slice(0, 0)


@given(LENGTHS, st.booleans())
def test_a_walk_reads_every_sequence_from_its_own_end(lengths, from_end):
    batch = packed(lengths)
    read = {i: [] for i in range(len(lengths))}
    for now, shared, before in packing.iter_steps(batch.offsets, from_end=from_end):
        read_before = {i for i, steps in read.items() if steps}
        for i, t in batch.X[now].astype(int) - 1:
            read[i].append(t)
        assert_array_equal(
            batch.X[before], batch.X[shared] + [0, 1 if from_end else -1]
        )
        valid = set(batch.X[now, 0].astype(int) - 1)
        assert set(batch.X[shared, 0].astype(int) - 1) == valid & read_before
    for i, n in enumerate(lengths):
        order = range(n)[::-1] if from_end else range(n)
        assert read[i] == list(order)


@given(LENGTHS)
def test_labels_and_weights_follow_their_steps(lengths):
    numbers = np.arange(sum(lengths))
    batch = packed(lengths, y=numbers, w=numbers / 2)
    assert_array_equal(batch.y, batch.steps)
    assert_array_equal(batch.w, batch.steps / 2)


def test_without_labels_and_weights_a_batch_has_none():
    batch = packed([2, 1])
    assert batch.y.size == batch.w.size == 0


def test_rows_and_weights_have_the_type_that_is_asked_for():
    source = numbered([2, 3])
    single = np.dtype(np.float32)
    batch = packing.pack(source, np.array([1, 0]), single, w=np.ones(5))
    assert batch.X.dtype == batch.w.dtype == single


@given(LENGTHS)
def test_sparse_steps_are_packed_as_dense_ones_are(lengths):
    dense = packed(lengths)
    source = numbered(lengths)
    source.as_sparse = True
    batch = packing.pack(source, packing.by_length(lengths), FLOAT)
    assert_array_equal(batch.X, dense.X)


def test_sequences_of_equal_length_keep_their_order():
    assert_array_equal(packing.by_length([1, 3, 1, 3]), [1, 3, 0, 2])


# Batches


@given(LENGTHS, st.integers(1, 9), st.integers(1, 3))
def test_batches_hold_every_sequence_once(lengths, n_rows, n_shares):
    source = numbered(lengths)
    ids = packing.by_length(lengths)
    with mock.patch.multiple(packing, _MIN_SEQUENCES=1, _BATCH_ROWS=n_rows):
        made = packing.batches(source, ids, FLOAT, n_shares=n_shares)
    steps = np.concatenate([batch.steps for batch in made])
    assert_array_equal(np.sort(steps), np.arange(sum(lengths)))


def test_batches_are_of_about_as_many_rows_each():
    lengths = np.repeat([400, 40, 4], 2000)
    with mock.patch.multiple(packing, _BATCH_ROWS=50_000, _MIN_SEQUENCES=32):
        runs = packing.split_into_batches(np.arange(len(lengths)), lengths)
    sizes = [lengths[run].sum() for run in runs]
    assert len(runs) == round(lengths.sum() / 50_000)
    assert max(sizes) - min(sizes) <= 2 * lengths.max()


def test_batches_have_enough_sequences_however_long_these_are():
    lengths = np.full(100, 5000)
    with mock.patch.multiple(packing, _BATCH_ROWS=50_000, _MIN_SEQUENCES=25):
        runs = packing.split_into_batches(np.arange(100), lengths)
    assert [len(run) for run in runs] == [25] * 4


@pytest.mark.parametrize("n_shares", [2, 3])
def test_threads_get_equal_shares(n_shares):
    runs = packing.split_into_batches(np.arange(60), np.full(60, 5), n_shares)
    assert [len(run) for run in runs] == [60 // n_shares] * n_shares


def test_no_sequences_make_no_batches():
    assert packing.split_into_batches(np.arange(0), np.arange(0)) == []


def test_states_of_a_batch_need_bounded_memory_whatever_the_number_of_sequences():
    few, many = (
        max(map(len, packing.split_into_batches(np.arange(n), np.full(n, 10))))
        for n in (100_000, 1_000_000)
    )
    assert abs(few - many) < 0.1 * few


# Canonical order


def deduplicate(sequences, labels, weights, **options):
    source = ListSource(sequences, **options)
    flat = np.concatenate(labels), np.concatenate(weights)
    return source, packing.deduplicate(source, *flat)[:2]


@pytest.fixture
def duplicates():
    """Four sequences: the first and the third are the same."""
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(size=(n, 2)) for n in (2, 3, 2))
    y_a, y_b = np.array([0, 1]), np.array([1, 0, 1])
    weights = [np.full(n, w) for n, w in ((2, 1.0), (3, 1.0), (2, 2.0), (2, 0.0))]
    return [a, b, a.copy(), c], [y_a, y_b, y_a.copy(), y_a], weights


@pytest.mark.parametrize("as_sparse", [False, True])
def test_copies_are_merged_and_weight_0_is_dropped(duplicates, as_sparse):
    _, (ids, w) = deduplicate(*duplicates, as_sparse=as_sparse)
    assert_array_equal(ids, [1, 0])
    assert_array_equal(w[:2], 3.0)


def test_weights_of_copies_are_added_step_by_step(duplicates):
    X, y, weights = duplicates
    weights = [np.array([1.0, 2.0]), weights[1], np.array([0.5, 4.0]), weights[3]]
    _, (_, w) = deduplicate(X, y, weights)
    assert_array_equal(w[:2], [1.5, 6.0])


@given(st.permutations([0.1, 0.2, 0.3, 0.4, 0.7]))
def test_the_order_of_copies_does_not_change_the_sum_of_their_weights(weights):
    x, y = np.ones((2, 1)), np.array([0, 1])
    w = [np.full(2, weight) for weight in weights]
    _, (_, added) = deduplicate([x] * 5, [y] * 5, w)
    assert_array_equal(added[:2], 0.1 + 0.2 + 0.3 + 0.4 + 0.7)


@pytest.mark.parametrize("dtype", [int, float])
def test_targets_at_steps_of_weight_0_are_ignored(duplicates, dtype):
    X, y, weights = duplicates
    weights = [np.array([1.0, 0.0]), weights[1], np.array([0.5, 0.0]), weights[3]]
    y = [labels.astype(dtype) for labels in (y[0], y[1], y[2] + [0, 5], y[3])]
    _, (ids, w) = deduplicate(X, y, weights)
    assert len(ids) == 2
    assert_array_equal(w[:2], [1.5, 0.0])


def test_steps_labeled_in_one_sequence_only_tell_it_from_its_like(duplicates):
    X, y, weights = duplicates
    weights = [np.array([1.0, 0.0]), weights[1], np.array([0.5, 4.0]), weights[3]]
    _, (ids, w) = deduplicate(X, y, weights)
    assert len(ids) == 3
    assert_array_equal(w[:2], [1.0, 0.0])


@pytest.mark.parametrize("filled", [0.3, 0.9])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_zero_has_no_sign(filled, as_sparse):
    rng = np.random.default_rng(0)
    x = rng.integers(1, 9, (5, 4)) * (rng.random((5, 4)) < filled)
    y = np.array([0.0, 1, 2, 0, 1])
    source = ListSource([x.astype(float), np.where(x == 0, -0.0, x)])
    assert not np.array_equal(*np.signbit(source.sequences))
    _, (ids, w) = deduplicate(
        source.sequences,
        [y, np.where(y == 0, -0.0, y)],
        [np.ones(5), np.ones(5)],
        as_sparse=as_sparse,
    )
    assert len(ids) == 1
    assert_array_equal(w[:5], 2.0)


def test_sequences_with_other_labels_are_no_copies(duplicates):
    X, y, weights = duplicates
    _, (ids, _) = deduplicate(X, [y[0], y[1], 1 - y[2], y[3]], weights)
    assert len(ids) == 3


def test_given_weights_are_not_written_to(duplicates):
    X, y, weights = duplicates
    flat = np.concatenate(weights)
    packing.deduplicate(ListSource(X), np.concatenate(y), flat)
    assert_array_equal(flat, np.concatenate(weights))


@given(st.permutations(range(12)), st.sampled_from([1, 5, 1000]))
def test_canonical_order_depends_on_nothing_but_content(order, most):
    rng = np.random.default_rng(3)
    X = [rng.integers(2, size=(n, 1)) for n in rng.integers(1, 4, size=12)]
    y = [rng.integers(2, size=len(x)) for x in X]
    w = [np.full(len(x), float(i % 3)) for i, x in enumerate(X)]

    def contents(order):
        with mock.patch.object(packing, "_ROWS_READ", most):
            source, (ids, weights) = deduplicate(
                *([v[i] for i in order] for v in (X, y, w))
            )
        starts = np.cumsum(source.lengths) - source.lengths
        return [(source.sequences[i].tolist(), weights[starts[i]]) for i in ids]

    assert contents(order) == contents(range(12))


def test_canonical_order_is_longest_first(duplicates):
    source, (ids, _) = deduplicate(*duplicates)
    assert (np.diff(source.lengths[ids]) <= 0).all()


def groups_of(duplicates, groups):
    source, _ = deduplicate(*duplicates)
    flat = (np.concatenate(v) for v in duplicates[1:])
    return packing.deduplicate(source, *flat, groups)


def test_without_groups_every_sequence_is_one(duplicates):
    ids, _, groups = groups_of(duplicates, None)
    assert_array_equal(groups, np.arange(len(ids)))


def test_groups_are_numbered_in_canonical_order():
    X = [np.full((n, 1), float(n)) for n in (1, 2, 3, 4)]
    y, w = [np.zeros(n, int) for n in (1, 2, 3, 4)], [np.ones(n) for n in (1, 2, 3, 4)]
    _, _, groups = groups_of((X, y, w), np.array([7, 3, 7, 5]))
    assert_array_equal(groups, [0, 1, 2, 1])  # of lengths 4, 3, 2, 1


def test_groups_with_copies_of_a_sequence_are_one():
    X = [np.full((1, 1), v) for v in (1.0, 2.0, 1.0, 3.0, 4.0)]
    y, w = [np.zeros(1, int)] * 5, [np.ones(1)] * 5
    ids, _, groups = groups_of((X, y, w), np.array([0, 0, 1, 1, 2]))
    of_value = {X[i].item(): g for i, g in zip(ids, groups, strict=True)}
    assert of_value[1.0] == of_value[2.0] == of_value[3.0] != of_value[4.0]


class Untidy(ListSource):
    """Sparse steps with zeros that are stored, and columns in any order."""

    def take(self, ids, dtype, memory=None):
        X = super().take(ids, dtype, memory)
        columns = np.tile(np.arange(X.shape[1])[::-1], len(X))
        ends = np.arange(len(X) + 1) * X.shape[1]
        return sparse.csr_array((X[:, ::-1].ravel(), columns, ends), shape=X.shape)


@pytest.mark.parametrize("filled", [0.4, 0.9])
def test_the_form_of_the_steps_does_not_change_what_they_are(filled):
    rng = np.random.default_rng(0)
    X = [rng.integers(1, 9, (n, 4)) * (rng.random((n, 4)) < filled) for n in (3, 2, 2)]
    y = np.zeros(7, int)
    forms = ListSource(X), ListSource(X, as_sparse=True), Untidy(X)
    first, *others = (
        packing.fingerprints(form, np.arange(3), y, np.ones(7)).tolist()
        for form in forms
    )
    assert len(set(first)) == 3
    assert others == [first, first]


@pytest.mark.parametrize("as_sparse", [False, True])
def test_neighbors_do_not_change_what_a_sequence_is(as_sparse):
    rng = np.random.default_rng(0)
    X = [
        rng.integers(1, 9, (n, 4)) * (rng.random((n, 4)) < filled)
        for n, filled in ((3, 0.2), (2, 1.0), (1, 0.0), (5, 0.2), (4, 0.2))
    ]
    y = [np.arange(len(x)) for x in X]

    def found(X, y):
        ids, labels = np.arange(len(X)), np.concatenate(y)
        source, w = ListSource(X, as_sparse=as_sparse), np.ones(len(labels))
        return packing.fingerprints(source, ids, labels, w).tolist()

    together = found(X, y)
    assert together == [found([one], [its])[0] for one, its in zip(X, y, strict=True)]
    assert len(set(together)) == 5


def test_labels_belong_to_the_content():
    source = ListSource([np.ones((2, 3))])
    one, other = (
        packing.fingerprints(source, np.arange(1), np.array(y), np.ones(2))
        for y in ([0, 1], [1, 0])
    )
    assert one != other


def test_steps_of_zeros_belong_to_the_content():
    X = [np.zeros((n, 3)) for n in (1, 2, 3)]
    found = packing.fingerprints(ListSource(X), np.arange(3), np.zeros(6), np.ones(6))
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    "values", [[1.0, 2.0], [1.0, -1.0], [0.1, np.nextafter(0.1, 1)]]
)
def test_no_two_of_many_sequences_have_the_same_fingerprint(values):
    x = np.array(values)[(np.arange(1 << 15)[:, None] >> np.arange(15)) % 2]
    source, n = ListSource(x.reshape(-1, 5, 3)), len(x)
    found = packing.fingerprints(source, np.arange(n), np.zeros(5 * n), np.ones(5 * n))
    assert len(np.unique(found)) == len(found)
