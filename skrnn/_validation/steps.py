"""Extraction of steps of any type from sequences, and the inverse for results.

    padded array | list of arrays | list of lists of dicts  ->  concatenated steps
    rows, dense or sparse, or objects, one per step         ->  the same form again

It does what ``sequences`` does for numbers, without checking the steps. A list of
frames becomes one frame, so that the transformer finds columns by their names.
"""

import reprlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from numbers import Number
from typing import Any, Literal

import numpy as np
from scipy import sparse

from .arrays import Array
from .containers import floats, objects, reject_iterators, reject_masked, shown
from .sequences import Sequences, list_items, matrices, padded_lengths
from .tables import common_columns, is_frame, joined, reject_nested_columns

NO_FRAME = (
    "sequences of rows cannot be a data frame: it has two axes, and they have three; "
    "call set_output(transform='default')"
)


def read_steps(X: Any, padding_value: float) -> tuple[Any, Sequences | None]:
    """Return all valid steps, concatenated, and their sequences.

    If X consists of rows, it is returned unchanged, with None instead of sequences.
    """
    reject_masked(X, "X", "np.nan")
    reject_iterators(X, "X")
    items = _listed(X)
    if items is None and getattr(X, "ndim", 0) > 2 and not sparse.issparse(X):
        X = np.asarray(X)
        if X.dtype == object:  # not searched for NaN
            X = floats(X, "X")
        lengths = padded_lengths(X, padding_value)
        if not X.size:
            raise ValueError(
                "Found array with 0 sample(s), step(s) or feature(s) "
                f"(shape={X.shape}) while a minimum of 1 is required."
            )
        sequences = Sequences("padded", X, lengths, X.shape[2], X.dtype)
        return X[sequences.valid], sequences
    items = items or []
    kinds = {_kind(item) for item in items} - {"empty"}
    for i, item in enumerate(items):
        if hasattr(item, "__len__"):  # sets may be steps
            continue
        reject_iterators(item, f"X[{i}]")
        if "objects" in kinds:
            raise TypeError(
                f"X[{i}] is {shown(item)}, but other items of X are sequences; pass a "
                "list of steps for every sequence"
            )
    if "rows" in kinds:
        common_columns(items, "X")
        items, steps = joined(items) or _stacked(items)
    elif len(items) and kinds <= {"objects"}:
        steps = list(chain.from_iterable(items))
    else:
        return X, None
    lengths = np.array([_n_rows(item) for item in items], dtype=np.intp)
    # The transformer determines the number of features of a dict.
    return steps, Sequences("ragged", items, lengths, 0, np.dtype(object))


def _listed(X: Any) -> list[Any] | None:
    """Return possible sequences, or None if X is a table or a padded array."""
    is_array = isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2
    if is_array and X.size and isinstance(X.flat[0], Mapping):
        return list(X)
    return list_items(X)


def _kind(item: Any) -> Literal["rows", "objects", "step", "empty"]:
    """Return whether an item is a sequence of rows or objects, or a single step."""
    n_axes = getattr(item, "ndim", 1 if isinstance(item, list | tuple) else 0)
    if is_frame(item):
        n_axes = 2  # polars frames have no `ndim`
    if n_axes != 1:
        return "rows" if n_axes == 2 else "step"
    if not len(item):
        return "empty"
    step = next((step for step in item if step is not None), None)
    if isinstance(step, list | tuple | np.ndarray):
        return "rows" if len(step) and isinstance(step[0], Number) else "objects"
    return "objects" if isinstance(step, str | bytes | Mapping) else "step"


def _n_rows(item: Any) -> int:
    return int(item.shape[0]) if hasattr(item, "shape") else len(item)


def _stacked(items: Any) -> tuple[list[Any], Any]:
    """Return sequences of rows as arrays, and all their rows in one array."""
    arrays = matrices(items)
    # An empty list has neither steps nor features.
    filled = [i for i, x in enumerate(arrays) if x.ndim == 0 or any(x.shape)] or [0]
    first, features = filled[0], arrays[filled[0]].shape[1:]
    for i in filled:
        if arrays[i].ndim != 2 or arrays[i].shape[1:] != features:
            raise ValueError(
                f"X[{i}] has shape {arrays[i].shape} but X[{first}] has shape "
                f"{arrays[first].shape}; all sequences need shape (n_steps, "
                "n_features) and the same features"
            )
    parts = [arrays[i] for i in filled]
    if any(map(sparse.issparse, parts)):
        return arrays, sparse.vstack(parts, format="csr")
    return arrays, np.concatenate(parts)


def restore_steps(steps: Any, sequences: Sequences | None, fill: Any) -> Any:
    """Return results per valid step, dense, sparse or objects, in the form of X."""
    if sequences is None:
        return steps
    is_ragged = sequences.form == "ragged"
    if is_frame(steps) and not (is_ragged and is_frame(sequences.data[0])):
        raise ValueError(NO_FRAME)
    steps = objects(steps) if isinstance(steps, list | tuple) else steps
    n_steps = int(sequences.lengths.sum())
    if steps.shape[0] != n_steps:
        raise ValueError(
            f"the transformer returns {steps.shape[0]} rows for {n_steps} steps; it "
            "has to return one for each"
        )
    if len(steps.shape) == 1 and steps.dtype.kind in "biuf":
        raise ValueError(
            f"the transformer returns numbers of shape {steps.shape}; it has to return "
            "rows, of shape (n_steps, n_features_out)"
        )
    if sparse.issparse(steps):
        steps = _narrowed(sparse.csr_array(steps)) if is_ragged else steps.toarray()
    elif not is_frame(steps):
        steps = np.asarray(steps)
    if is_ragged:
        return sequences.restore(steps, fill)
    if not sequences.valid.all():
        steps = _able_to_hold(steps, fill)
    result = sequences.restore(steps, fill)
    _check_no_step_is_lost(result, sequences, fill)
    return result


def _narrowed(steps: sparse.csr_array) -> sparse.csr_array:
    """Give narrow indices: parts of scikit-learn reject the wider ones of others."""
    if max(steps.nnz, *steps.shape) <= np.iinfo(np.int32).max:
        steps.indices, steps.indptr = sparse.safely_cast_index_arrays(steps)
    return steps


def _able_to_hold(steps: Array, fill: Any) -> Array:
    if np.can_cast(np.min_scalar_type(fill), steps.dtype):
        return steps
    return steps.astype(np.float64 if steps.dtype.kind in "biuf" else object)


def _check_no_step_is_lost(result: Array, sequences: Sequences, fill: float) -> None:
    if result.dtype.kind not in "biuf":
        return
    lost = padded_lengths(result, fill) != sequences.lengths
    if lost.any():
        i = int(lost.argmax())
        raise ValueError(
            f"X[{i}] at step {sequences.lengths[i] - 1} is valid, but all its features "
            f"become {fill}, which is padding; pad X by another value, as "
            "pad_sequences(X, lengths=...) does"
        )


def _odd_step(steps: list[Any]) -> int | None:
    """Find the first step that is None, nested, or of another type than the first."""
    families = (Mapping, str, bytes, list, tuple)
    first = next((kind for kind in families if isinstance(steps[0], kind)), object)
    for i, step in enumerate(steps):
        values = step.values() if isinstance(step, Mapping) else ()
        is_nested = any(isinstance(value, Mapping) for value in values)
        if step is None or is_nested or not isinstance(step, first):
            return i
    return None


@contextmanager
def naming_the_step(steps: Any, sequences: Sequences | None) -> Iterator[None]:
    """Add to errors the first step that the transformer rejects."""
    try:
        yield
    except (AttributeError, TypeError) as error:
        is_list = sequences is not None and isinstance(steps, list)
        odd = _odd_step(steps) if is_list else None
        if sequences is None or odd is None:
            raise
        raise TypeError(
            f"{error}\nThe likely cause is X{sequences.name(odd)}: "
            f"{reprlib.repr(steps[odd])}."
        ) from error
    except ValueError as error:
        message = str(error)
        reject_nested_columns(steps, error)
        if sequences is None and "inhomogeneous" in message:
            raise ValueError(
                f"{message}\nPass sequences of a single feature as x[:, None] each, of "
                "shape (n_steps, 1)."
            ) from error
        steps = np.asarray(steps) if is_frame(steps) else steps
        is_array = isinstance(steps, np.ndarray) and steps.dtype.kind == "f"
        if sequences is None or not is_array or "Input X contains" not in message:
            raise
        is_nan = "Input X contains NaN" in message
        bad = (np.isnan(steps) if is_nan else np.isinf(steps)).any(axis=1)
        place = sequences.name(int(bad.argmax()))
        raise ValueError(f"{message}\nThe first such step is X{place}.") from error
