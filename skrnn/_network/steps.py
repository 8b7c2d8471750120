"""The steps of a batch, kept in the form in which products with them are cheapest.

dense    X W by BLAS
sparse   CSR both ways; a dense product would multiply zeros
one-hot  X W is a choice of rows of W, and X^T dA sums rows of dA by symbol

The form is chosen once, when a batch is packed, whatever form the data came in.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

# Above this share of numbers that are not zero BLAS is faster than a sparse product.
_SPARSE_BELOW = 0.1


class OneHot(NamedTuple):
    """Rows that hold a single 1."""

    columns: NDArray[np.intp]  # (n_rows,), where the 1 is
    transposed: sparse.csr_array  # (n_features, n_rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of features."""
        n_features, n_rows = self.transposed.shape
        return n_rows, n_features


def compress(X: Any) -> Any:
    """Return rows in their cheapest form.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n_rows, n_features)

    Returns
    -------
    ndarray, csr_array or OneHot
    """
    n_filled = X.nnz if sparse.issparse(X) else np.count_nonzero(X)
    if n_filled > max(_SPARSE_BELOW * X.shape[1], 1) * X.shape[0]:
        return X.toarray() if sparse.issparse(X) else X
    X = sparse.csr_array(X)
    if (np.diff(X.indptr) == 1).all() and (X.data == 1).all():
        columns = X.indices.astype(np.intp)
        return OneHot(columns, sparse.csr_array(X.T))
    return X


def project(X: Any, W: Array, b: Array, out: Array) -> None:
    """Compute out = X W + b."""
    if isinstance(X, OneHot):
        np.take(W + b, X.columns, axis=0, out=out, mode="clip")
        return
    if sparse.issparse(X):
        out[...] = X @ W
    else:
        np.matmul(X, W, out=out)
    out += b


def correlate(X: Any, dA: Array, out: Array) -> None:
    """Compute out = X^T dA."""
    if isinstance(X, np.ndarray):
        np.matmul(X.T, dA, out=out)
    else:
        out[...] = (X.transposed if isinstance(X, OneHot) else X.T) @ dA


def moments(X: Any, w: Array) -> tuple[Array, Array]:
    """Return, for each feature, the weighted sum of squares and count of non-zeros."""
    if isinstance(X, OneHot):
        count = X.transposed @ w
        return count, count
    if sparse.issparse(X):
        X = X.astype(np.float64)
        return (X * X).T @ w, (X != 0).T @ w
    return w @ np.square(X, dtype=np.float64), w @ (X != 0)
