"""Small labeled sequences, in every form that the classifier takes."""

import numpy as np
from scipy import sparse

from skrnn import unpad, valid_steps

FORMS = ("padded", "ragged", "sparse", "lists", "rows")
SEQUENCE_FORMS = ("padded", "ragged", "sparse", "lists")


def make_sequences(n_sequences=12, n_steps=6, seed=0):
    """Return padded X and y of three classes; labels depend on the step before."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_sequences, n_steps, 3))
    before = np.pad(X[:, :-1, 1], ((0, 0), (1, 0)))
    y = (X[..., 0] + before > -0.4) + np.asarray(X[..., 0] + before > 0.4, dtype=int)
    lengths = rng.integers(2, n_steps + 1, size=n_sequences)
    lengths[0] = n_steps
    padding = np.arange(n_steps) >= lengths[:, None]
    X[padding] = np.nan
    y[padding] = -1
    return X, y


def as_form(form, X, y):
    """Return padded X and y in another form; rows are the first steps."""
    if form == "padded":
        return X, y
    if form == "rows":
        return X[:, 0], y[:, 0]
    X, y = unpad(X, y)
    if form == "sparse":
        return [sparse.csr_array(x) for x in X], y
    if form == "lists":
        return [x.tolist() for x in X], [labels.tolist() for labels in y]
    return X, y


def step_values(form, result, X):
    """Return what a method answers for the valid steps of padded X, end to end."""
    if form == "padded":
        return result[valid_steps(X)]
    return result if form == "rows" else np.concatenate(list(result))


def fingerprint(value):
    """Return what two equal nests of arrays, frames and the like have in common."""
    if isinstance(value, dict):
        return {key: fingerprint(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fingerprint(item) for item in value]
    if sparse.issparse(value):
        return value.format, value.toarray().tobytes()
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [fingerprint(item) for item in value.tolist()]
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    return repr(value)
