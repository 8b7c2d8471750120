"""Data frames as sequences: reading columns; joining, taking and replacing rows.

    list of frames, one per sequence  ->  one frame of all steps

pandas, polars and Arrow have different names for the same operations. None is imported:
a library is already loaded if its frames exist.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from skrnn._sklearn_compat import get_feature_names

from .arrays import Ids
from .containers import plain_container


class _Operations(NamedTuple):
    """The operations of one library."""

    join: Callable[[Any, list[Any]], Any]  # (library, frames)
    take: Callable[[Any, Ids], Any]  # (frame, rows)
    exchange: Callable[[Any, int, Any], Any]  # (frame, column, its source)


def _exchange_of_pandas(frame: Any, column: int, other: Any) -> Any:
    frame = frame.copy()
    frame.isetitem(column, other.iloc[:, column])
    return frame


_OPERATIONS = {
    "pandas": _Operations(
        join=lambda pandas, frames: pandas.concat(frames, ignore_index=True),
        take=lambda frame, rows: frame.iloc[rows].reset_index(drop=True),
        exchange=_exchange_of_pandas,
    ),
    "polars": _Operations(
        join=lambda polars, frames: polars.concat(frames, how="vertical_relaxed"),
        take=lambda frame, rows: frame[rows],
        exchange=lambda frame, column, other: frame.clone().replace_column(
            column, other.to_series(column)
        ),
    ),
    "pyarrow": _Operations(
        join=lambda pyarrow, tables: pyarrow.concat_tables(
            tables, promote_options="permissive"
        ),
        take=lambda table, rows: table.take(rows),
        exchange=lambda table, column, other: table.set_column(
            column, table.field(column), other.column(column)
        ),
    ),
}


def is_frame(X: Any) -> bool:
    """Return whether X is a data frame, recognized by its columns."""
    return hasattr(X, "columns")


def column_names(frame: Any) -> list[Any]:
    """Return the column names of a data frame."""
    names = getattr(frame, "column_names", None)  # Arrow's `columns` are the data
    names = list(frame.columns if names is None else names)
    return [name.item() if isinstance(name, np.generic) else name for name in names]


def reject_nested_columns(X: Any, error: ValueError) -> None:
    """Raise for a data frame with a column of sequences."""
    for name in column_names(X) if is_frame(X) else ():
        cells = plain_container(X[name])
        if any(isinstance(cell, list | np.ndarray) for cell in cells):
            raise ValueError(
                f"column {name!r} of X holds sequences; pass the column alone, "
                f"X[{name!r}]"
            ) from error


def common_columns(items: Sequence[Any], name: str) -> Any:
    """Return the first data frame among sequences, or None if there is none.

    All frames must have the same columns. A warning reports other sequences without
    feature names.
    """
    numbers = [i for i, item in enumerate(items) if is_frame(item)]
    if not numbers:
        return None
    first = numbers[0]
    expected = column_names(items[first])
    for i in numbers:
        found = column_names(items[i])
        if found != expected:
            raise ValueError(
                f"{name}[{i}] has the columns {found} but {name}[{first}] has "
                f"{expected}; give all sequences the same columns in the same order"
            )
    if get_feature_names(items[first]) is not None:
        other = next((i for i, x in enumerate(items) if _lacks_names(x)), None)
        if other is not None:
            warnings.warn(
                f"{name}[{other}] does not have valid feature names, but "
                f"{name}[{first}] has feature names",
                UserWarning,
                stacklevel=2,
            )
    return items[first]


def _lacks_names(item: Any) -> bool:
    """Return whether a sequence has steps but is not a frame."""
    return not is_frame(item) and (sparse.issparse(item) or len(item) > 0)


def joined(items: Sequence[Any]) -> tuple[list[Any], Any] | None:
    """Return sequences as frames, and one frame with all their rows.

    None is returned unless all are frames of a supported library. Sequences without
    steps become empty frames.
    """
    frames = [item for item in items if is_frame(item)]
    if not frames or any(map(_lacks_names, items)):
        return None
    name = _library(frames[0])
    if name is None:
        return None
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    empty = frames[0][:0]
    join = _OPERATIONS[name].join
    as_frames = [item if is_frame(item) else empty for item in items]
    return as_frames, join(sys.modules[name], frames)


def _library(frame: Any) -> str | None:
    """Return the library of a frame's class or of a base class."""
    names = (kind.__module__.partition(".")[0] for kind in type(frame).__mro__)
    return next((name for name in names if name in _OPERATIONS), None)


def _operations(frame: Any) -> _Operations:
    return _OPERATIONS[str(_library(frame))]


def take_rows(frame: Any, rows: Ids) -> Any:
    """Return rows of a joined frame."""
    return _operations(frame).take(frame, rows)


def with_column_of(frame: Any, column: int, rows: Ids) -> Any:
    """Return a joined frame with one column replaced by that of other rows."""
    operations = _operations(frame)
    return operations.exchange(frame, column, operations.take(frame, rows))
