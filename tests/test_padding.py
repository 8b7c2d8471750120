"""Padding put on and taken off."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from scipy import sparse

from skrnn import as_ragged, pad_labels, pad_sequences, unpad, valid_steps
from skrnn._validation.containers import objects

SEQUENCES = st.integers(1, 3).flatmap(
    lambda n_features: st.lists(
        hnp.arrays(
            float,
            st.tuples(st.integers(0, 4), st.just(n_features)),
            elements=st.floats(-9, 9),
        ),
        min_size=1,
    )
)
LABELS = st.one_of(
    st.lists(st.lists(st.integers(-3, 3)), min_size=1),
    st.lists(st.lists(st.booleans()), min_size=1),
    st.lists(st.text("ab"), min_size=1),
    st.lists(st.lists(st.floats(-3, 3)), min_size=1),
)


@given(SEQUENCES)
def test_unpad_undoes_pad_sequences(sequences):
    padded = pad_sequences(sequences)
    for one, other in zip(unpad(padded), sequences, strict=True):
        assert_array_equal(one, other)
    assert valid_steps(padded).sum() == sum(map(len, sequences))


@given(LABELS)
def test_unpad_undoes_pad_labels(labels):
    padded = pad_labels(labels)
    X = pad_sequences([np.zeros((len(row), 1)) for row in labels])
    _, back = unpad(X, padded)
    assert [row.tolist() for row in back] == [list(row) for row in labels]


@given(LABELS)
def test_no_label_is_the_padding_label(labels):
    n_steps = max(map(len, labels)) + 1
    padded = pad_labels([*labels, [*labels[0]] + [*labels[0]] * n_steps])
    padding = (
        np.arange(padded.shape[1])
        >= np.array([*map(len, labels), len(labels[0]) * (n_steps + 1)])[:, None]
    )
    assert not set(padded[padding].tolist()) & set(padded[~padding].tolist())


@pytest.mark.parametrize(
    ("dtype", "padding_value", "expected"),
    [
        (np.float32, np.nan, np.float32),
        (np.float16, 0.0, np.float16),
        (np.int64, np.nan, np.float64),
        (np.int64, -1, np.int64),
        (np.uint8, -1, np.float64),
        (bool, np.nan, np.float64),
        (np.float64, 0, np.float64),
    ],
)
def test_the_type_is_kept_where_it_holds_the_padding(dtype, padding_value, expected):
    padded = pad_sequences(
        [np.ones((2, 1), dtype), np.ones((1, 1), dtype)], padding_value=padding_value
    )
    assert padded.dtype == expected
    assert_array_equal(padded[1, 1], [padding_value])


def test_lengths_mark_what_no_value_can():
    zero_padded = np.array([[[1.0], [0], [0]], [[2], [3], [0]]])
    padded = pad_sequences(zero_padded, lengths=[2, 3])
    assert_array_equal(padded[..., 0], [[1, 0, np.nan], [2, 3, 0]])
    assert zero_padded[0, 2, 0] == 0


def test_arrays_keep_their_width_and_lists_get_that_of_the_longest():
    X = np.zeros((2, 3, 1))
    assert pad_sequences(X, lengths=[1, 2]).shape == (2, 3, 1)
    assert pad_sequences(list(X), lengths=[1, 2]).shape == (2, 2, 1)


def test_sparse_and_empty_sequences_are_padded():
    padded = pad_sequences([sparse.csr_array([[0, 2.0]]), [], np.ones((2, 2))])
    assert_array_equal(padded[:, :, 1], [[2, np.nan], [np.nan] * 2, [1, 1]])
    assert pad_sequences([[], [[1, 2]]], padding_value=0).dtype == np.int64


def test_nothing_gives_nothing():
    assert pad_sequences([]).shape == (0, 0, 0)
    assert pad_labels([]).shape == (0, 0)
    assert as_ragged([]).shape == (0,)
    assert unpad(np.empty((0, 3, 2))).shape == (0,)
    assert valid_steps(np.empty((2, 0, 3))).shape == (2, 0)


@pytest.mark.parametrize(
    ("sequences", "lengths", "message"),
    [
        ([[1.0, 2.0]], None, r"sequences\[0\] has shape \(2,\)"),
        ([[[1.0]], [[1.0, 2.0]]], None, r"sequences\[1\] has shape \(1, 2\)"),
        (np.zeros((2, 3, 1)), [1], r"lengths has shape \(1,\).*2 sequences"),
        (np.zeros((2, 3, 1)), [1, 4], r"lengths\[1\] is 4 but sequences\[1\] has 3"),
        (np.zeros((2, 3, 1)), [-1, 3], r"lengths\[0\] is -1"),
        (np.zeros((2, 3, 1)), [np.nan, 3], "lengths are of type float64; pass int"),
        (np.zeros((2, 3, 1)), ["1", "3"], "lengths are of type <U1; pass integers"),
    ],
)
def test_pad_sequences_says_what_is_wrong(sequences, lengths, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, lengths)


@pytest.mark.parametrize("helper", [unpad, valid_steps])
def test_padding_is_sought_in_three_axes_only(helper):
    with pytest.raises(ValueError, match=r"Expected 3D array .* got 2D array"):
        helper(np.zeros((2, 3)))


def test_unpad_says_what_does_not_go_together():
    X = np.zeros((2, 3, 1))
    for labels in (np.zeros(2), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="longest sequence has 3 valid steps"):
            unpad(X, labels)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        unpad(X, np.zeros((3, 3)))


def test_unpadded_sequences_are_copies():
    X = np.zeros((2, 3, 1))
    unpad(X, padding_value=np.nan)[0][...] = 1
    assert not X.any()


def test_unpad_takes_a_finite_padding_value():
    X = np.array([[[1.0], [0], [0]], [[0], [2], [0]]])
    assert [len(x) for x in unpad(X, padding_value=0)] == [1, 2]


def test_a_chosen_padding_label_may_not_be_a_label():
    assert pad_labels([[1], []], padding_label=9).tolist() == [[1], [9]]
    with pytest.raises(ValueError, match="padding_label=1 is one of the classes"):
        pad_labels([[1], []], padding_label=1)


@pytest.mark.parametrize("helper", [unpad, valid_steps])
@pytest.mark.parametrize(
    "make", [list, objects, lambda x: pa.array([i.tolist() for i in x]).to_pandas()]
)
def test_lists_of_sequences_have_no_padding(helper, make):
    sequences = [np.zeros((2, 1)), np.zeros((1, 1))]
    message = r"Expected 3D array .*, got a list of sequences.*pad_sequences\(X\)"
    with pytest.raises(ValueError, match=message):
        helper(make(sequences))
    assert helper(pad_sequences(sequences)).shape[0] == 2


def test_what_goes_with_padded_sequences_is_padded():
    X = pad_sequences([np.zeros((2, 1)), np.zeros((1, 1))])
    with pytest.raises(ValueError, match=r"arrays\[0\] .* unequal shape: \(2,\) at"):
        unpad(X, [["a", "b"], ["c"]])
