"""Conversion of Dask collections to lists of chunks, and of results back."""

from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.delayed import Delayed
from distributed import Future

from skrnn._validation.sequences import reject_table

from ._chunks import length, name_chunk, sized

_EXPECTED = (
    "a dask array with chunks along its first axis, a dask bag of sequences, or a list "
    "of delayed shards"
)


def chunks_of(X: Any, **others: Any) -> list[tuple[Any, ...]]:
    """Return X and the other arguments, by name, chunk by chunk; None for None."""
    columns = [_chunks(X, "X")]
    for name, values in others.items():
        nothing = [None] * len(columns[0])
        columns.append(nothing if values is None else _like(values, X, name))
    return list(zip(*columns, strict=True))


def _like(values: Any, X: Any, name: str) -> list[Any]:
    is_known = isinstance(X, da.Array) and not np.isnan(X.chunks[0]).any()
    if is_known and isinstance(values, da.Array) and len(values) == len(X):
        values = values.rechunk({0: X.chunks[0]})
    chunks, expected = _chunks(values, name), _chunks(X, "X")
    if len(chunks) != len(expected):
        raise ValueError(
            f"{name} has {len(chunks)} chunks but X has {len(expected)}; give both the "
            "same sequences in every chunk"
        )
    return chunks


def _chunks(values: Any, name: str) -> list[Any]:
    if isinstance(values, da.Array):
        whole = values.rechunk(dict.fromkeys(range(1, values.ndim), -1))
        return list(whole.to_delayed().ravel())
    if _is_bag(values):
        return list(values.to_delayed())
    if _is_list_of_shards(values):
        return list(values)
    raise TypeError(
        f"{name} is of type {type(values).__name__}; pass {_EXPECTED}. For data in "
        "memory use the estimator of skrnn itself, or to_local()"
    )


def reject_collections(X: Any, method: str) -> None:
    """Raise for Dask's collections, which the method does not go through."""
    if isinstance(X, da.Array) or _is_bag(X) or _is_list_of_shards(X):
        raise TypeError(
            f"{method} takes sequences in memory, but X is a collection of Dask; call "
            f"to_local().{method} on each chunk"
        )


def _is_bag(values: Any) -> bool:
    # Recognized by its methods, because importing dask.bag is slow.
    return hasattr(values, "to_delayed") and hasattr(values, "foldby")


def _is_list_of_shards(values: Any) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) > 0
        and all(isinstance(value, Delayed | Future) for value in values)
    )


def apply_method(model: Any, method: str, X: Any) -> Any:
    """Apply a method of a fitted local model to every chunk, lazily.

    Returns
    -------
    dask.array.Array, dask.bag.Bag or list of Delayed
        The results, in the type of collection of X.
    """
    if isinstance(X, da.Array):
        return _array(model, method, X)
    shared = dask.delayed(model, pure=True)
    if _is_bag(X):
        return X.map_partitions(_items, shared, method)
    call = dask.delayed(_named)
    return [
        call(chunk, shared, method, (i,)) for i, chunk in enumerate(_chunks(X, "X"))
    ]


def _array(model: Any, method: str, X: da.Array) -> da.Array:
    X = X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
    if X.ndim == 1:
        return X.map_blocks(_named, model, method, dtype=object)
    _check_dimensions(model, X)
    last = X.ndim - 1
    like = getattr(model, method)(_zeros((1,) * last + X.shape[-1:], X.dtype))
    sizes = like.shape[last:]
    return X.map_blocks(
        _named,
        model,
        method,
        dtype=like.dtype,
        chunks=(*X.chunks[:last], *((n,) for n in sizes)),
        drop_axis=last,
        new_axis=list(range(last, like.ndim)) or None,
        meta=like[:0],
    )


def _check_dimensions(model: Any, X: da.Array) -> None:
    if X.ndim > 3:
        raise ValueError(
            "Expected 3D array (n_sequences, n_steps, n_features), got "
            f"{X.ndim}D array instead"
        )
    if X.ndim == 2 and vars(model).get("_fitted_on_sequences"):
        reject_table(model, f"has shape {X.shape}")


def apply_with_labels(model: Any, method: str, X: Any, y: Any) -> Any:
    """Apply a method that returns a number per sequence to X and y, lazily.

    Returns
    -------
    dask.array.Array, dask.bag.Bag or list of Delayed
        The results, in the type of collection of X.
    """
    if isinstance(X, da.Array) and X.ndim > 1:
        _check_dimensions(model, X)
    shared, call = dask.delayed(model, pure=True), dask.delayed(_of_labeled)
    chunks = enumerate(chunks_of(X, y=y))
    results = [call(i, shared, method, *chunk) for i, chunk in chunks]
    return _collected(results, X, np.empty(0))


def apply_with_two_results(model: Any, method: str, X: Any, n: int) -> tuple[Any, Any]:
    """Apply a method with the argument n and two results to every chunk, lazily.

    Returns
    -------
    tuple of dask.array.Array, dask.bag.Bag or list of Delayed
        The first and the second results, in the type of collection of X.
    """
    likes = [np.empty(0, dtype=object)] * 2
    if isinstance(X, da.Array) and X.ndim > 1:
        _check_dimensions(model, X)
        # With as many steps as X has: labels are padded to the same shape.
        one = _zeros((1, *X.shape[1:]), X.dtype)
        likes = [part[:0] for part in getattr(model, method)(one, n)]
    shared, call = dask.delayed(model, pure=True), dask.delayed(_two_results, nout=2)
    chunks = enumerate(_chunks(X, "X"))
    pairs = [call(i, shared, method, chunk, n) for i, chunk in chunks]
    one, other = zip(*pairs, strict=True)
    return _collected([*one], X, likes[0]), _collected([*other], X, likes[1])


def _collected(results: list[Delayed], X: Any, like: Any) -> Any:
    """Return the results for the chunks of X as a collection of the type of X."""
    if _is_bag(X):
        from dask.bag import from_delayed

        return from_delayed(results)
    if not isinstance(X, da.Array):
        return results
    shapes = [(n, *like.shape[1:]) for n in X.chunks[0]]
    parts = [
        da.from_delayed(result, shape, meta=like)
        for result, shape in zip(results, shapes, strict=True)
    ]
    return da.concatenate(parts)


def _of_labeled(number: int, model: Any, method: str, X: Any, y: Any) -> Any:
    X, y = sized(X), sized(y)
    if not length(X):
        return np.empty(0)
    with name_chunk(number):
        return getattr(model, method)(X, y)


def _two_results(number: int, model: Any, method: str, X: Any, n: int) -> Any:
    X = sized(X)
    with name_chunk(number):
        if length(X):
            return getattr(model, method)(X, n)
        if np.ndim(X) < 2:
            return X, X
        one = _zeros((1, *X.shape[1:]), X.dtype)
        return tuple(part[:0] for part in getattr(model, method)(one, n))


def _named(X: Any, model: Any, method: str, block_id: tuple[int, ...]) -> Any:
    X = sized(X)
    with name_chunk(block_id[0]):
        if length(X):
            return getattr(model, method)(X)
        if np.ndim(X) < 2:
            return X
        one = _zeros((1, *X.shape[1:]), X.dtype)
        return getattr(model, method)(one)[:0]


def _zeros(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return zeros from which a model determines the type of its results."""
    # Strings of digits are converted to numbers; empty strings are not.
    return np.zeros(shape, np.float32 if dtype == np.float32 else np.float64)


def _items(X: Any, model: Any, method: str) -> list[Any]:
    X = list(X)
    return list(getattr(model, method)(X)) if X else []


def map_chunks(model: Any, method: str, chunks: list[Any]) -> list[Delayed]:
    """Return ``model.method(X, y, sample_weight)`` for every chunk.

    It is None for chunks without sequences, and empty for chunks with only padding.
    """
    shared = dask.delayed(model, pure=True)
    call = dask.delayed(_unless_empty, pure=False)
    return [call(i, shared, method, *chunk) for i, chunk in enumerate(chunks)]


def _unless_empty(
    number: int, model: Any, method: str, X: Any, y: Any, sample_weight: Any
) -> Any:
    X, y, sample_weight = sized(X), sized(y), sized(sample_weight)
    if not length(X):
        return None
    with name_chunk(number):
        has_steps = model._check_sequences(X).lengths.any()
        return getattr(model, method)(X, y, sample_weight) if has_steps else ()
