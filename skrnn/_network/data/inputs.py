"""The input rows of a batch, in the form with the cheapest matrix products.

dense    X W by BLAS
sparse   CSR for both products; a dense product would multiply zeros
one-hot  X W selects rows of W, and X^T dA sums rows of dA by symbol

The form is chosen once, when a batch is packed, independent of the form of the data.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skrnn._network.workspace import Memory

Array = NDArray[Any]

# Above this fraction of nonzero values, BLAS is faster than a sparse product.
_SPARSE_BELOW = 0.1
# Number of rows to sample before all rows are examined.
_N_SAMPLED = 64
# Number of values to add at a time.
_N_JOINED = 1024


@dataclass(frozen=True)
class OneHot:
    """Rows with a single 1, all other values 0."""

    columns: NDArray[np.int32]  # (n_rows,), column of the 1
    n_features: int
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of features."""
        return len(self.columns), self.n_features

    @cached_property
    def transposed(self) -> sparse.csr_array:
        """The transpose, of shape (n_features, n_rows)."""
        rows = np.argsort(self.columns, kind="stable").astype(np.int32)
        counts = np.bincount(self.columns, minlength=self.n_features)
        ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        ones = np.ones(len(rows), self.dtype)
        return sparse.csr_array((ones, rows, ends), shape=self.shape[::-1])


def compress(X: Any) -> Any:
    """Return rows in their cheapest form.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n_rows, n_features)

    Returns
    -------
    ndarray, csr_array or OneHot
    """
    sample = X[:: max(1, X.shape[0] // _N_SAMPLED)]
    if _is_filled(sample, _n_filled(sample)):
        return _as_dense(X)
    n_filled = _n_filled(X)
    if _is_filled(X, n_filled):
        return _as_dense(X)
    if n_filled == X.shape[0] and _have_sum_one(X):
        # No row is empty, so each has one of the values.
        return OneHot(_columns_of_values(X), X.shape[1], X.dtype)
    return sparse.csr_array(X) if sparse.issparse(X) else _without_zeros(X)


def _n_filled(X: Any) -> int:
    return int(X.nnz if sparse.issparse(X) else np.count_nonzero(X != 0))


def _is_filled(X: Any, n_filled: int) -> bool:
    return bool(n_filled > max(_SPARSE_BELOW * X.shape[1], 1) * X.shape[0])


def _as_dense(X: Any) -> Array:
    dense: Array = X.toarray() if sparse.issparse(X) else X
    return dense


def _have_sum_one(X: Any) -> bool:
    with np.errstate(over="ignore"):
        sums = X @ np.ones(X.shape[1], X.dtype)
    return bool((sums == 1).all())


def _columns_of_values(X: Any) -> NDArray[np.int32]:
    """Return the column of the one value of each row."""
    if sparse.issparse(X):
        columns = X.indices
    else:
        columns = np.flatnonzero(X != 0) - np.arange(len(X)) * X.shape[1]
    return np.asarray(columns, np.int32)


def _without_zeros(X: Array) -> sparse.csr_array:
    # Many times faster than SciPy's conversion.
    filled = np.flatnonzero(X != 0)
    rows, columns = np.divmod(filled, X.shape[1])
    ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(X)))])
    return sparse.csr_array((X.ravel()[filled], columns, ends), shape=X.shape)


def as_csr(X: Any) -> sparse.csr_array:
    """Return sparse or one-hot rows as a matrix."""
    if not isinstance(X, OneHot):
        return X
    ends = np.arange(len(X.columns) + 1)
    ones = np.ones(len(X.columns), X.dtype)
    return sparse.csr_array((ones, X.columns, ends), shape=X.shape)


def first_columns(X: Any, n: int) -> Any:
    """Return the first n columns; those of sparse and one-hot rows as a matrix."""
    return (X if isinstance(X, np.ndarray) else as_csr(X))[:, :n]


def take_rows(X: Any, rows: NDArray[np.intp], memory: Memory | None = None) -> Any:
    """Return some rows, in the same form; dense ones in ``memory``, if it is given."""
    if isinstance(X, OneHot):
        return OneHot(X.columns.take(rows), X.n_features, X.dtype)
    if sparse.issparse(X):
        return X[rows]
    out = memory and memory(len(rows), X.shape[1])
    # Without "clip", NumPy would write to a copy of `out` first.
    return X.take(rows, axis=0, out=out, mode="clip")


def filled_columns(X: Any) -> tuple[slice | NDArray[np.intp], Array]:
    """Return the columns that are not zero, or all if X is dense, and their values."""
    if isinstance(X, np.ndarray):
        return slice(None), X
    n_rows = X.shape[0]
    used = X.columns if isinstance(X, OneHot) else X.indices
    columns, places = np.unique(used, return_inverse=True)
    values = np.zeros((n_rows, len(columns)), X.dtype)
    if isinstance(X, OneHot):
        values[np.arange(n_rows), places] = 1
    else:
        rows = np.repeat(np.arange(n_rows), np.diff(X.indptr))
        np.add.at(values, (rows, places), X.data)
    return columns, values


def affine(X: Any, W: Array, b: Array, out: Array) -> None:
    """Compute out = X W + b."""
    if isinstance(X, OneHot):
        np.take(W + b, X.columns, axis=0, out=out, mode="clip")
        return
    if sparse.issparse(X):
        out[...] = X @ W
    else:
        np.matmul(X, W, out=out)
    add_to_rows(out, b)


def add_to_rows(A: Array, b: Array) -> None:
    """Compute A += b for contiguous rows, several rows at a time.

    NumPy adds b row by row, which for short rows takes four times as long.
    """
    n_joined = max(1, _N_JOINED // max(1, len(b)))
    n = len(A) // n_joined * n_joined
    joined = A[:n].reshape(-1, n_joined * len(b))
    joined += np.tile(b, n_joined)
    A[n:] += b


def sum_of_rows(A: Array) -> Array:
    """Return the sum of rows, by BLAS: several times as fast as `sum`."""
    total: Array = np.ones(len(A), A.dtype) @ A
    return total


def add_product(X: Any, W: Array, scratch: Array, out: Array) -> None:
    """Add X W to out; scratch is an array of the same shape."""
    if sparse.issparse(X):
        out += X @ W
        return
    if isinstance(X, OneHot):
        np.take(W, X.columns, axis=0, out=scratch, mode="clip")
    else:
        np.matmul(X, W, out=scratch)
    out += scratch


def row_range(X: Any, rows: slice) -> Any:
    """Return consecutive rows, in the same form."""
    if rows == slice(0, X.shape[0]):
        return X
    if isinstance(X, OneHot):
        return OneHot(X.columns[rows], X.n_features, X.dtype)
    return X[rows]


def transposed_product(X: Any, dA: Array) -> Array:
    """Return X^T dA."""
    product: Array = (X.transposed if isinstance(X, OneHot) else X.T) @ dA
    return product


def moments(X: Any, w: Array) -> tuple[Array, Array]:
    """Return the weighted sum of squares and count of nonzeros of each feature."""
    if isinstance(X, OneHot):
        count = X.transposed @ w
        return count, count
    if sparse.issparse(X):
        X = X.astype(np.float64)
        return (X * X).T @ w, (X != 0).T @ w
    return w @ np.square(X, dtype=np.float64), w @ (X != 0)
