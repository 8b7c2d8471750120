"""Conversion of containers of other libraries to lists and arrays.

    Arrow, awkward, pandas, polars, NumPy's StringDType  ->  list | ndarray

Containers are recognized by their methods, so none of the libraries is imported.
"""

import re
import reprlib
from collections.abc import Iterable, Mapping
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .arrays import Array, Vector

TOO_LARGE = "Input {} contains a value too large for dtype('float64')."
# Single values, looked up first because lists may be long.
_VALUES = (str, int, float, np.generic, type(None))


def plain(values: Any, name: str) -> Any:
    """Return a collection of sequences, or of single values, as a list or array.

    Values that are not containers, and arrays of several axes, are returned unchanged.
    """
    if isinstance(values, str | bytes):
        raise ValueError(
            f"{name} is the string {reprlib.repr(values)}, not a collection of "
            "sequences; wrap it in a list"
        )
    reject_others(values, name)
    values = plain_container(values)
    if isinstance(values, list | tuple):
        return _with_plain_items(values, name)
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype == object:
        items = values.tolist()
        plain_items = _with_plain_items(items, name)
        return values if plain_items is items else objects(plain_items)
    return values


def _with_plain_items(items: Any, name: str) -> Any:
    if all(issubclass(kind, _VALUES) for kind in set(map(type, items))):
        return items
    for i, item in enumerate(items):
        if type(item) not in (list, tuple, np.ndarray):
            reject_others(item, f"{name}[{i}]")
    converted = [plain_item(item, f"{name}[{i}]") for i, item in enumerate(items)]
    same = all(a is b for a, b in zip(items, converted, strict=True))
    return items if same else converted


def plain_item(item: Any, name: str) -> Any:
    """Return one sequence as a list or array, and other values unchanged."""
    item = plain_container(item)
    if isinstance(item, np.ndarray) and item.dtype == object and item.ndim == 1:
        return _stacked_rows(item, name)
    return item


def _stacked_rows(rows: NDArray[np.object_], name: str) -> Any:
    """Stack an object array of rows, the form of Arrow's nested lists in pandas.

    Rows that are not numbers of one shape become a list of lists.
    """
    kinds = set(map(type, rows))
    if not kinds & {list, np.ndarray}:
        return rows
    arrays = [row if isinstance(row, np.ndarray) else _numbers(row) for row in rows]
    cells = (cell for array in arrays if array.dtype == object for cell in array.flat)
    if any(isinstance(cell, list | np.ndarray) for cell in cells):
        return rows
    if any(array.dtype.kind in "OU" or not array.size for array in arrays):
        return [row.tolist() if isinstance(row, np.ndarray) else row for row in rows]
    return evenly_nested(arrays, name)


def evenly_nested(item: Any, name: str) -> Array:
    """Return an array; raise with the sequence's name if steps differ in shape."""
    try:
        return np.asarray(item)
    except ValueError as error:
        shapes = [_shape_in_words(step) for step in item]
        odd = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), None)
        found = (
            "their lists are uneven"
            if odd is None
            else f"{shapes[0]} at step 0 and {shapes[odd]} at step {odd}"
        )
        raise ValueError(f"{name} has steps of unequal shape: {found}") from error


def _shape_in_words(step: Any) -> str:
    try:
        return "None" if step is None else str(np.shape(step))
    except ValueError:
        return "an uneven list"


def _numbers(row: Any) -> Array:
    """Return a list as an array, an object array unless all items are numbers."""
    if not isinstance(row, list):
        return objects([row])
    if all(isinstance(v, Number | np.bool_) for v in row):
        return np.asarray(row)
    return objects(row)


def plain_container(values: Any) -> Any:
    """Return one container as a list or array, and other values unchanged."""
    if isinstance(values, list | tuple):
        # NumPy would convert the characters of Arrow's strings to integers.
        if any(hasattr(kind, "as_py") for kind in set(map(type, values))):
            return [plain_container(value) for value in values]
        return values
    if isinstance(values, _VALUES) or sparse.issparse(values):
        return values
    if isinstance(values, np.ndarray):
        return _as_unicode(values) if values.dtype.kind == "T" else values
    if hasattr(values, "columns"):
        return _array_of_frame(values)
    if hasattr(values, "isna"):  # Series, Index and arrays of pandas
        if not isinstance(values.dtype, np.dtype) and np.any(values.isna()):
            return np.asarray(values, dtype=object)  # which keeps integers
        return np.asarray(values)
    for method in ("to_pylist", "as_py", "to_list"):  # Arrow, its scalars, the others
        if hasattr(values, method):
            return getattr(values, method)()
    return values


def _array_of_frame(frame: Any) -> Array:
    array = np.asarray(frame)
    if array.dtype.kind != "f" or not np.isnan(array).any():
        return array
    # A missing value turned integers into floats.
    if hasattr(frame, "rows"):
        return np.asarray(frame.rows(), dtype=object)
    if hasattr(frame, "to_pylist"):
        rows = [[*row.values()] for row in frame.to_pylist()]
        return np.asarray(rows, dtype=object)
    if all(isinstance(dtype, np.dtype) for dtype in frame.dtypes):
        return array
    return np.asarray(frame, dtype=object)


def shown(value: Any) -> str:
    """Return the repr of a value for messages, without NumPy's type name."""
    if not isinstance(value, np.generic):
        return repr(value)
    return f"'{value}'" if value.dtype.kind in "mM" else repr(value.item())


def plain_message(error: Exception) -> str:
    """Return a message without NumPy's names of types, as in np.str_('a')."""
    return re.sub(r"np\.str_\((.*)\)", r"\1", str(error))


def floats(values: Array, name: str) -> Vector:
    """Return values as floats; raise for other strings and too large integers."""
    try:
        with np.errstate(over="ignore"):  # long doubles: later found as infinity
            return values.astype(np.float64)
    except OverflowError as error:
        raise ValueError(TOO_LARGE.format(name)) from error
    except (TypeError, ValueError) as error:
        raise type(error)(f"{plain_message(error)}, in {name}") from error


def _as_unicode(strings: Array) -> Array:
    """Convert variable-width strings to a type that all of scikit-learn accepts."""
    values = strings.astype(object)
    if all(isinstance(value, str) for value in values.flat):
        return values.astype(str)
    return values


def reject_others(values: Any, name: str) -> None:
    """Raise for iterators, sets, lazy frames and mappings."""
    reject_iterators(values, name)
    # SciPy's dictionaries of keys have a shape.
    if isinstance(values, Mapping) and not hasattr(values, "shape"):
        kind = type(values).__name__
        raise TypeError(f"{name} is of type {kind}; pass a list, such as its values")


def reject_masked(values: Any, name: str, filler: str) -> None:
    """Raise for a masked array, whose mask NumPy would drop silently."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; fill it: pass .filled({filler})")


def reject_iterators(values: Any, name: str) -> None:
    """Raise for iterables that have no length or no indices.

    Examples are generators, `map`, `zip`, `dict.values()` and sets. Some can be read
    only once, and NumPy would make an array of one object of each. Lazy frames have no
    values yet.
    """
    if hasattr(values, "collect") and not hasattr(values, "shape"):
        raise TypeError(
            f"{name} is of type {type(values).__name__}; pass what its collect() "
            "returns"
        )
    is_collection = hasattr(values, "__len__") and hasattr(values, "__getitem__")
    # Sparse arrays and those of other libraries lack one or the other.
    if hasattr(values, "__iter__") and not (is_collection or hasattr(values, "shape")):
        raise TypeError(
            f"{name} is of type {type(values).__name__}, which has no length or no "
            f"indices; pass a list, such as list({name})"
        )


def objects(items: Iterable[Any]) -> NDArray[np.object_]:
    """Return a 1-D object array of the items, even if they have equal shapes."""
    items = list(items)
    result = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        result[i] = item
    return result
