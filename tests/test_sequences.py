"""One internal form for sequences of every form, and the way back."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from samples import SEQUENCE_FORMS, as_form, make_sequences
from scipy import sparse

from skrnn import unpad, valid_steps
from skrnn._validation.containers import objects
from skrnn._validation.sequences import (
    CheckedWhenRead,
    check_sequences,
    padded_lengths,
)

X, y = make_sequences()
LENGTHS = valid_steps(X).sum(axis=1)
FLOAT = np.dtype(np.float64)


def check(X, padding_value=np.nan):
    return check_sequences(
        SimpleNamespace(), X, padding_value=padding_value, fitting=True
    )


def dense(steps):
    return steps.toarray() if sparse.issparse(steps) else steps


@pytest.mark.parametrize("form", SEQUENCE_FORMS)
def test_every_form_hands_out_the_same_steps(form):
    sequences = check(as_form(form, X, y)[0])
    assert_array_equal(sequences.lengths, LENGTHS)
    assert sequences.n_features == 3
    ids = np.array([4, 0, 7])
    expected = np.concatenate([X[i, : LENGTHS[i]] for i in ids])
    assert_array_equal(dense(sequences.take(ids, FLOAT)), expected)


def test_arrays_are_joined_in_the_memory_given():
    lent = []

    def memory(n_rows, n_columns):
        lent.append(np.empty((n_rows, n_columns), np.float32))
        return lent[-1]

    sequences = check([np.arange(4).reshape(2, 2), np.ones((1, 2), bool)])
    steps = sequences.take(np.arange(2), np.dtype(np.float32), memory)
    assert np.shares_memory(steps, lent[0])
    assert_array_equal(steps, [[0, 1], [2, 3], [1, 1]])


def test_sparse_steps_need_no_memory():
    sequences = check([sparse.csr_array(np.eye(3)), np.ones((2, 3))])
    assert sparse.issparse(sequences.take(np.arange(2), FLOAT, not_to_be_called))


def not_to_be_called(*arguments):
    raise AssertionError(arguments)


@given(
    hnp.arrays(float, st.tuples(*[st.integers(1, 4)] * 3), elements=st.floats(-9, 9)),
    st.data(),
)
def test_what_was_taken_is_restored(X, data):
    lengths = data.draw(st.lists(st.integers(1, X.shape[1]), min_size=len(X)))
    for x, n in zip(X, lengths, strict=False):
        x[n:] = np.nan
    for form in (X, list(unpad(X))):
        sequences = check(form)
        steps = sequences.take(np.arange(len(X)), FLOAT)
        restored = sequences.restore(steps, np.nan)
        for one, other in zip(restored, form, strict=True):
            assert_array_equal(one, other)


@given(
    hnp.arrays(
        float,
        st.tuples(*[st.integers(1, 4)] * 3),
        elements=st.sampled_from([0.0, 1.0, np.nan]),
    ),
    st.sampled_from([0.0, 1.0, np.nan]),
)
def test_padding_is_the_longest_run_of_fillers_at_the_end(X, padding_value):
    def is_padding(step):
        both_nan = np.isnan(padding_value) and np.isnan(step).all()
        return both_nan or (step == padding_value).all()

    expected = []
    for x in X:
        n = len(x)
        while n and is_padding(x[n - 1]):
            n -= 1
        expected.append(n)
    assert padded_lengths(X, padding_value).tolist() == expected


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.float16, np.float32])
def test_zero_padding_is_found_in_every_type(dtype):
    X = np.array([[[1], [0], [1]], [[0], [1], [0]], [[1], [0], [0]]], dtype)
    assert padded_lengths(X, 0.0).tolist() == [3, 2, 1]
    assert padded_lengths(X, np.nan).tolist() == [3, 3, 3]


def test_checks_go_through_data_of_many_blocks(monkeypatch):
    monkeypatch.setattr("skrnn._validation.sequences._BLOCK", 20)
    assert_array_equal(padded_lengths(X, np.nan), LENGTHS)
    bad = X.copy()
    bad[9, 0, 2] = np.inf
    with pytest.raises(ValueError, match=r"infinity: X\[9\] at step 0"):
        check(bad)


def test_values_are_checked_when_they_are_read():
    bad = X.copy()
    bad[9, 0, 2] = np.inf
    sequences = check_sequences(
        SimpleNamespace(n_features_in_=3),
        bad,
        padding_value=np.nan,
        fitting=False,
        check_values=False,
    )
    checked = CheckedWhenRead(sequences)
    assert_array_equal(checked.lengths, LENGTHS)
    assert_array_equal(checked.take(np.array([2]), FLOAT), X[2, : LENGTHS[2]])
    with pytest.raises(ValueError, match=r"infinity: X\[9\] at step 0"):
        checked.take(np.array([2, 9]), FLOAT)


ITEMS = {
    "matrices": [X[0], X[1]],
    "single precision": [X[0].astype(np.float32), X[1].astype(np.float32)],
    "single precision of the other byte order": [X[0].astype(">f4")],
    "integers": [np.ones((2, 3), int), np.ones((0, 3), bool)],
    "an array without features": [X[0], np.empty((0, 0))],
    "no features": [np.ones((2, 0))],
    "other features": [X[0], X[1, :, :2]],
    "rows": [X[0, 0], X[0, 1]],
    "rows of unequal length": [X[0, 0], X[0, 1, :2]],
    "cubes": [X, X],
    "numbers": [np.array(1.0), np.array(2.0)],
    "long doubles": [X[0].astype(np.longdouble), X[1]],
    "strings": [np.array([["1", "2"]]), np.array([["3", "4"]])],
    "times": [np.ones((2, 3), "m8[s]")],
    "masked": [np.ma.masked_array(X[0]), X[1]],
}


@pytest.mark.parametrize("name", ITEMS)
def test_the_short_way_of_plain_matrices_finds_what_the_long_one_does(
    name, monkeypatch
):
    results = []
    for _ in range(2):
        try:
            sequences = check(ITEMS[name])
            ids = np.arange(len(sequences.lengths))
            steps = sequences.take(ids, sequences.dtype).tolist()
            results.append((sequences.form, str(sequences.dtype), steps))
        except (TypeError, ValueError) as error:
            results.append((type(error), str(error)))
        monkeypatch.setattr(
            "skrnn._validation.sequences._plain_matrices", lambda X: None
        )
    assert results[0] == results[1]


def test_numbers_that_are_too_large_for_double_precision_are_infinite():
    huge = np.full((2, 2, 1), np.longdouble("1e4000"))
    with pytest.raises(ValueError, match=r"infinity: X\[0\] at step 0"):
        check(huge)


@pytest.mark.parametrize("empty", [[], np.empty((0, 0)), np.empty((0, 3))])
def test_an_empty_item_has_no_steps_and_the_features_of_the_others(empty):
    sequences = check_sequences(
        SimpleNamespace(n_features_in_=3),
        [empty, X[0], empty],
        padding_value=np.nan,
        fitting=False,
    )
    assert sequences.lengths.tolist() == [0, 6, 0]
    assert sequences.n_features == 3


def test_items_may_be_dense_and_sparse_in_every_format():
    formats = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    items = [getattr(sparse, f"{name}_array")(X[0]) for name in formats]
    items += [sparse.csr_matrix(X[0]), X[0], X[0].tolist()]
    steps = check(items).take(np.arange(len(items)), FLOAT)
    assert sparse.issparse(steps)
    assert_array_equal(steps.toarray(), np.tile(X[0], (len(items), 1)))


def test_sparse_items_with_entries_given_twice_are_sums():
    twice = sparse.csr_array(([1.0, 2.0], [0, 0], [0, 2]), shape=(1, 2))
    sequences = check([twice])
    assert_array_equal(sequences.take(np.array([0]), FLOAT).toarray(), [[3, 0]])
    assert twice.nnz == 2


def test_single_precision_needs_all_items_in_it():
    single = X[0].astype(np.float32)
    assert check([single, single]).dtype == np.float32
    assert check([single, X[0]]).dtype == np.float64
    assert check([single, X[0].astype(np.float16)]).dtype == np.float64


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_times_in_frames_are_no_numbers(library):
    frames = importlib.import_module(library)
    times = np.array(["2020-01-01", "2020-01-02"], "M8[us]")
    with pytest.raises(TypeError, match="datetime64"):
        check(frames.DataFrame({"a": times}))


def test_items_of_different_axes_are_named():
    for odd in (1.0, None, [1.0], np.zeros((1, 1, 1))):
        with pytest.raises(ValueError, match=r"X\[1\] has \d axes"):
            check([X[0], odd])


def test_an_item_of_uneven_steps_is_named():
    with pytest.raises(ValueError, match=r"X\[1\] has steps of unequal shape"):
        check([X[0], [[1.0, 2.0, 3.0], [1.0]]])


def test_a_step_is_named_by_sequence_and_position():
    assert check(X).name(int(LENGTHS[:2].sum()) + 1) == "[2] at step 1"


def test_objects_keep_items_of_equal_shape_apart():
    assert objects([np.zeros(2), np.zeros(2)]).shape == (2,)
    assert objects([]).shape == (0,)
