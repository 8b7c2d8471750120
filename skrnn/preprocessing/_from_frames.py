"""Sequences from data frames with one row per step.

    sequence  order  features...  label   ->   padded or ragged X and y

Frames are read through `columns`, `df[name]` and `to_numpy`, which pandas and polars
share.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skrnn._validation.arrays import Array, Ids
from skrnn._validation.containers import objects, shown
from skrnn._validation.persistence import set_module
from skrnn._validation.tokens import invalid_reason, type_group

from ._padding import pad_labels, pad_sequences


@set_module("skrnn")
def sequences_from_frame(
    df: Any,
    *,
    sequence: str | Sequence[str],
    features: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
    ragged: bool = False,
) -> Bunch:
    """Convert a data frame with one row per step to sequences.

    Parameters
    ----------
    df : pandas or polars DataFrame
        One row per step. The rows of a sequence need not be consecutive.
    sequence : str or sequence of str
        The column that identifies the sequence of each row, or several columns that
        identify it together. Sequences are returned in order of first appearance.
    features : str, sequence of str or None, default=None
        The columns of the features, which contain numbers; None takes all columns not
        used by other arguments. A single name, not in a list, returns the column as
        sequences of tokens, for :class:`~skrnn.OneHotSequenceEncoder`.
    label : str, sequence of str or None, default=None
        The column of the labels; a list of columns returns several numbers per step,
        for :class:`~skrnn.VanillaRNNRegressor`.
    order : str, sequence of str or None, default=None
        The column whose values order the steps of a sequence: numbers, times, strings,
        or categories that have an order. Of several columns, each orders the steps that
        are level in those before it. None keeps the order of the rows.
    ragged : bool, default=False
        Whether to return an object array of one array per sequence instead of one
        padded array. Sequences of tokens are always ragged; the encoder pads them.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_sequences, n_steps, n_features), or of shape \
(n_sequences,)
            The features, NaN as padding; or an object array of arrays of shape
            (n_steps_i, n_features), for tokens of shape (n_steps_i,).
        target : ndarray of shape (n_sequences, n_steps), or of shape (n_sequences,)
            The labels, padded as by :func:`~skrnn.pad_labels` (floating-point numbers
            by NaN), or ragged. None if `label` is None.
        sequence_names : ndarray of shape (n_sequences,)
            The values of the column `sequence`; tuples for several columns.
        feature_names : list of str
            The columns of the features.
        order_values : dict of str to ndarray of shape (n_sequences,)
            For each column in `order` an object array of one array of shape
            (n_steps_i,) per sequence; as `values` they go back into a frame.

    Raises
    ------
    ValueError
        If a column does not exist, exists twice, has a missing value, or contains
        sequences; if a column of features does not contain numbers; if two steps of a
        sequence have the same values in `order`; if there are no rows.
    TypeError
        If `df` is not a data frame of pandas or polars, or if a column mixes types or
        is not named by a string.

    See Also
    --------
    frame_from_sequences : The inverse conversion.

    Examples
    --------
    >>> import pandas as pd
    >>> from skrnn import sequences_from_frame
    >>> df = pd.DataFrame(
    ...     {
    ...         "day": ["mon", "mon", "tue", "mon"],
    ...         "hour": [9, 8, 8, 10],
    ...         "load": [0.7, 0.2, 0.3, 0.9],
    ...         "state": ["on", "off", "off", "on"],
    ...     }
    ... )
    >>> result = sequences_from_frame(
    ...     df, sequence="day", features=["load"], label="state", order="hour"
    ... )
    >>> result.data[..., 0]
    array([[0.2, 0.7, 0.9],
           [0.3, nan, nan]])
    >>> result.target
    array([['off', 'on', 'on'],
           ['off', '', '']], dtype='<U3')
    >>> result.sequence_names
    array(['mon', 'tue'], dtype='<U3')
    """
    _check_frame(df)
    sequence = _as_names("sequence", sequence)
    features = _as_names("features", features)
    label = _as_names("label", label)
    order = _as_names("order", order)
    if features is None:
        named = {*_listed(order or []), *_listed(sequence), *_listed(label or [])}
        features = [name for name in df.columns if name not in named]
    sequence_names, codes = _sequences_of_rows(df, sequence)
    rows = np.argsort(codes, kind="stable")
    order_columns = {name: _column(df, name) for name in _listed(order or [])}
    if order_columns:
        ranks = _ranks(
            {name: _place(df[name], order_columns[name]) for name in order_columns}
        )
        rows = _ordered(codes, ranks, order_columns, sequence_names)
    lengths = np.bincount(codes)
    data_ragged = ragged or isinstance(features, str)
    data = _split(_values(df, features)[rows], lengths, data_ragged)
    target = None
    if label is not None:
        target = _split(_values(df, label)[rows], lengths, ragged)
    return Bunch(
        data=data,
        target=target,
        sequence_names=sequence_names,
        feature_names=_listed(features),
        order_values={
            name: _split(values[rows], lengths, True)
            for name, values in order_columns.items()
        },
    )


def _check_frame(df: Any) -> None:
    kind = type(df).__name__
    if hasattr(df, "collect"):  # a lazy frame, whose columns are not known yet
        raise TypeError(f"df is of type {kind}; pass what its collect() returns")
    if hasattr(df, "column_names"):
        raise TypeError(f"df is of type {kind}; pass what its to_pandas() returns")
    if not hasattr(df, "columns"):
        raise TypeError(f"df is of type {kind}; pass a data frame")


def _as_names(parameter: str, names: Any) -> Any:
    """Return a name or None, or a list of names, of which each is there once."""
    if isinstance(names, str | None):
        return names
    if not np.iterable(names):
        raise TypeError(
            f"{parameter}={shown(names)} is of type {type(names).__name__}; pass the "
            "name of a column, a string, or a list of names"
        )
    listed = list(names)
    for name in listed:
        if listed.count(name) > 1:
            raise ValueError(f"{parameter} names the column {name!r} twice")
    return listed


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _column(df: Any, name: str) -> Array:
    """Return a column without missing values."""
    n_columns = list(df.columns).count(name)
    if not n_columns:
        raise ValueError(f"df has no column {name!r}; it has {list(df.columns)}")
    if n_columns > 1:
        raise ValueError(
            f"df has {n_columns} columns {name!r}; drop or rename all but one"
        )
    series = df[name]
    # polars would convert times with a zone to those of another.
    has_zone = getattr(series.dtype, "time_zone", None) is not None
    values = objects(series.to_list()) if has_zone else np.asarray(series.to_numpy())
    are_objects = values.dtype.kind == "O"
    for row, cell in enumerate(values if are_objects or values.ndim > 1 else ()):
        if isinstance(cell, list | np.ndarray):
            raise ValueError(
                f"column {name!r} of df holds a sequence in row {row}, but each row is "
                f"one step; pass df.explode({name!r}), with all columns of sequences"
            )
    if are_objects:
        reasons = map(invalid_reason, values.tolist())
        missing = np.array([found not in (None, "infinity") for found in reasons], bool)
    else:
        # Neither NaN nor NaT equals itself.
        missing = values != values
    if missing.any():
        raise ValueError(
            f"df has no value in row {missing.argmax()} of column {name!r}; fill it, "
            "or leave out the whole sequence"
        )
    remedy = f"give it one type, as df[{name!r}].astype(str) does"
    return of_one_type(values, f"column {name!r}", remedy)


def of_one_type(  # numpydoc ignore=PR01,RT01
    values: Array, name: str, remedy: str
) -> Array:
    """Reject objects of several types, and convert others to their own type."""
    if values.dtype.kind == "O":
        groups = {type_group(type(v)): type(v).__name__ for v in values.tolist()}
        if len(groups) > 1:
            one, other, *_ = groups.values()
            raise TypeError(f"{name} mixes types: it holds {one} and {other}; {remedy}")
    return typed(values)


def typed(values: Array) -> Array:  # numpydoc ignore=PR01,RT01
    """Convert objects that are all strings, or all numbers, to their own type."""
    if values.dtype.kind != "O":
        return values
    listed = values.tolist()
    is_plain = len(set(map(type, listed))) == 1 and np.isscalar(listed[0])
    return np.asarray(listed) if is_plain else values


def _sequences_of_rows(df: Any, names: str | Sequence[str]) -> tuple[Array, Ids]:
    """Return the names of the sequences, and the index of each row's sequence."""
    columns = {name: _column(df, name) for name in _listed(names)}
    if not columns:
        raise ValueError("sequence names no column")
    if not len(df):
        raise ValueError("df has no rows")
    first, codes = _numbered(_ranks(columns))
    if isinstance(names, str):
        return columns[names][first], codes
    firsts = [column[first] for column in columns.values()]
    # tolist would make numbers of times in nanoseconds.
    values = [
        list(part) if part.dtype.kind in "mM" else part.tolist() for part in firsts
    ]
    return objects(zip(*values, strict=True)), codes


def _ranks(columns: Mapping[str, Array]) -> Ids:
    """Return the rank of each row among the distinct rows of some columns."""
    ranks: Any = 0
    for name, column in columns.items():
        further = _sorted(column, name)[1]
        joint = ranks * (further.max() + 1) + further
        ranks = np.unique(joint, return_inverse=True)[1]
    return np.asarray(ranks)


def _sorted(column: Array, name: str) -> tuple[Array, Ids]:
    """Return the sorted distinct values, and the index of each row's value."""
    try:
        return np.unique(column, return_inverse=True)
    except TypeError as error:
        raise TypeError(
            f"the values of column {name!r} have no order ({error}); pass numbers, "
            "times or strings"
        ) from error


def _numbered(values: Ids) -> tuple[Ids, Ids]:
    """Return the first position of each value, and all ranks in that order."""
    _, first, codes = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[codes]


def _place(series: Any, values: Array) -> Array:
    """Return what orders the values of a column: their own order, or of categories."""
    if getattr(getattr(series, "cat", None), "ordered", False):  # pandas
        return np.asarray(series.cat.codes)
    if type(series.dtype).__name__ == "Enum":  # polars
        return np.asarray(series.to_physical())
    return values


def _ordered(
    codes: Ids, ranks: Ids, places: Mapping[str, Array], sequence_names: Array
) -> Ids:
    """Return the rows sorted by sequence and by the rank of their place."""
    rows = np.lexsort((ranks, codes))
    twice = (np.diff(codes[rows]) == 0) & (np.diff(ranks[rows]) == 0)
    if twice.any():
        row = rows[twice.argmax()]
        place = " and ".join(f"{name!r} {shown(places[name][row])}" for name in places)
        raise ValueError(
            f"sequence {shown(sequence_names[codes[row]])} has two steps with {place}; "
            "give every step its own place"
        )
    return rows


def _values(df: Any, names: str | Sequence[str]) -> Array:
    """Return one column unchanged, or several as rows of numbers."""
    if isinstance(names, str):
        return _column(df, names)
    columns = [_column(df, name) for name in names]
    if not columns:
        raise ValueError(f"df has no columns of features; it has {list(df.columns)}")
    for name, column in zip(names, columns, strict=True):
        if column.dtype.kind not in "biuf":
            raise ValueError(
                f"column {name!r} has dtype {column.dtype}; features are numbers. For "
                f"tokens pass features={name!r}, not in a list"
            )
    single = all(column.dtype == np.float32 for column in columns)
    return np.stack(columns, axis=1).astype(np.float32 if single else np.float64)


def _split(values: Array, lengths: Ids, ragged: bool) -> Array:
    items = np.split(values, np.cumsum(lengths)[:-1])
    if ragged:
        return objects(items)
    if values.ndim == 2:
        return pad_sequences(items)
    return pad_labels(items, np.nan if values.dtype.kind == "f" else "auto")
