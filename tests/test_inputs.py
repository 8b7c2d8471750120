"""Steps in three forms: the products are those of the dense matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from strategies import SEEDS

from skrnn._network.data import inputs
from skrnn._network.data.inputs import OneHot, compress

FILLS = st.sampled_from([0.0, 0.05, 0.5, 1.0, "one-hot"])


def matrix(fill, seed, n_rows=6, n_features=20):
    rng = np.random.default_rng(seed)
    if fill == "one-hot":
        return np.eye(n_features)[rng.integers(n_features, size=n_rows)]
    return rng.normal(size=(n_rows, n_features)) * (
        rng.random((n_rows, n_features)) < fill
    )


@given(FILLS, SEEDS, st.booleans())
def test_products_are_those_of_the_dense_matrix(fill, seed, as_sparse):
    X = matrix(fill, seed)
    rng = np.random.default_rng(seed)
    W, b, dA = rng.normal(size=(20, 3)), rng.normal(size=3), rng.normal(size=(6, 3))
    compressed = compress(sparse.csr_array(X) if as_sparse else X)
    out = np.full((6, 3), np.nan)
    inputs.affine(compressed, W, b, out=out)
    assert_allclose(out, X @ W + b, rtol=1e-12, atol=1e-14)
    product = inputs.transposed_product(compressed, dA)
    assert_allclose(product, X.T @ dA, rtol=1e-12, atol=1e-14)


@given(FILLS, SEEDS, st.booleans())
def test_rows_and_filled_columns_are_those_of_the_dense_matrix(fill, seed, as_sparse):
    X = matrix(fill, seed)
    compressed = compress(sparse.csr_array(X) if as_sparse else X)
    dA = np.random.default_rng(seed).normal(size=(3, 2))
    part = inputs.row_range(compressed, slice(2, 5))
    assert_allclose(inputs.transposed_product(part, dA), X[2:5].T @ dA, rtol=1e-12)
    columns, values = inputs.filled_columns(compressed)
    assert_array_equal(values, X[:, columns])
    assert np.delete(X, columns, axis=1).any() == 0


@given(FILLS, SEEDS, st.booleans())
def test_moments_are_sums_over_rows(fill, seed, as_sparse):
    X = matrix(fill, seed)
    w = np.random.default_rng(seed).uniform(size=6)
    square, count = inputs.moments(compress(sparse.csr_array(X) if as_sparse else X), w)
    assert_allclose(square, w @ X**2, rtol=1e-12)
    assert_allclose(count, w @ (X != 0), rtol=1e-12)


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize(
    ("fill", "form"),
    [("one-hot", OneHot), (0.05, sparse.csr_array), (1.0, np.ndarray)],
)
def test_the_form_depends_on_the_content_alone(fill, form, as_sparse):
    X = matrix(fill, seed=1)
    compressed = compress(sparse.csr_array(X) if as_sparse else X)
    assert isinstance(compressed, form)
    assert compressed.shape == X.shape


@pytest.mark.parametrize("number", [2.0, -1.0, 0.0])
def test_rows_with_another_number_are_not_one_hot(number):
    X = matrix("one-hot", seed=0)
    X[3] *= number
    assert not isinstance(compress(X), OneHot)


def test_a_row_of_two_ones_and_one_of_none_are_not_one_hot():
    X = matrix("one-hot", seed=0)
    X[1], X[2] = X[1] + np.roll(X[1], 1), 0
    assert not isinstance(compress(X), OneHot)


@pytest.mark.parametrize("as_sparse", [False, True])
def test_rows_of_the_sum_1_are_not_one_hot_unless_each_has_one_value(as_sparse):
    X = matrix("one-hot", seed=0)
    X[1], X[2] = 0.5 * (X[1] + np.roll(X[1], 1)), 0
    compressed = compress(sparse.csr_array(X) if as_sparse else X)
    assert isinstance(compressed, sparse.csr_array)
    assert_array_equal(compressed.toarray(), X)


def test_columns_beyond_the_integers_of_single_precision_are_kept():
    columns = [1 << 24, (1 << 24) + 1, (1 << 24) + 3]
    X = sparse.csr_array(
        (np.ones(3, np.float32), columns, np.arange(4)), shape=(3, (1 << 24) + 8)
    )
    assert compress(X).columns.tolist() == columns


def test_large_numbers_are_no_ones_and_no_warning():
    X = np.zeros((6, 40), np.float32)
    X[:3, :2] = np.finfo(np.float32).max
    assert_array_equal(compress(X).toarray(), X)


def test_zeros_that_a_sparse_matrix_stores_do_not_count():
    X = sparse.csr_array(matrix(0.05, seed=1))
    X.data[0] = 0.0
    _, count = inputs.moments(compress(X), np.ones(6))
    assert_array_equal(count, (X.toarray() != 0).sum(axis=0))


@pytest.mark.parametrize("fill", [0.05, 1.0, "one-hot"])
def test_products_keep_single_precision(fill):
    X = matrix(fill, seed=0).astype(np.float32)
    out = np.empty((6, 3), dtype=np.float32)
    W = np.ones((20, 3), dtype=np.float32)
    inputs.affine(compress(X), W, np.zeros(3, np.float32), out=out)
    assert_allclose(out, X @ W, rtol=1e-5)
