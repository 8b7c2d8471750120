"""Sequences of tokens, concatenated, for the one-hot encoder.

    X  ->  Tokens: token p of all is distinct[indices[p]]

All tokens of all sequences become indices into the short list of distinct tokens:
Python processes every distinct token once, and NumPy repeats the results.
"""

import math
import reprlib
from collections.abc import Sequence
from itertools import chain
from numbers import Number
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from .arrays import Array, Ids, Mask
from .containers import plain, reject_iterators, reject_masked, shown
from .sequences import lengths_to_last, mask_of_steps, matrices, place_of


class Tokens(NamedTuple):
    """All tokens of X, concatenated."""

    distinct: list[Any]
    indices: Ids  # (n_tokens,), into `distinct`
    lengths: Ids  # (n_sequences,)
    form: Literal["strings", "lists", "array"]
    dtype: np.dtype[Any] = np.dtype(object)
    n_columns: int | None = None  # only for arrays, like the padding label
    padding_label: Any = None

    def place(self, distinct: Mask) -> str:
        """Return the first position of the marked tokens."""
        return place_of(int(distinct[self.indices].argmax()), self.lengths)


def read_tokens(X: Any, padding_label: Any) -> Tokens:
    """Read and check sequences of tokens in any form."""
    reject_masked(X, "X", "padding_label")
    X = plain(X, "X")
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "OU":
        X = X.tolist()
    if not isinstance(X, list | tuple):
        return _tokens_of_array(X, padding_label)
    if not X:
        raise ValueError(
            "Found array with 0 sample(s) (shape=(0,)) while a minimum of 1 is "
            "required by OneHotSequenceEncoder."
        )
    if all(issubclass(kind, str) for kind in set(map(type, X))):
        return _tokens_of_strings(X)
    return _tokens_of_lists(X)


def _tokens_of_strings(strings: Sequence[str]) -> Tokens:
    code_points = np.frombuffer(
        "".join(strings).encode("utf-32-le", "surrogatepass"), dtype="<u4"
    ).astype(np.intp)
    present = np.flatnonzero(np.bincount(code_points))
    number = np.zeros(present.max(initial=0) + 1, dtype=np.intp)
    number[present] = np.arange(present.size)
    return Tokens(
        distinct=list(map(chr, present.tolist())),
        indices=number[code_points],
        lengths=np.fromiter(map(len, strings), np.intp, len(strings)),
        form="strings",
    )


def _tokens_of_lists(sequences: Sequence[Any]) -> Tokens:
    is_string = [isinstance(sequence, str) for sequence in sequences]
    if any(is_string):
        odd, first = is_string.index(not is_string[0]), 0
        remedy = "give all sequences as strings, or none"
        if not hasattr(sequences[is_string.index(False)], "__len__"):
            odd, first = is_string.index(False), is_string.index(True)
            remedy = "leave it out, or pass an empty string"
        raise TypeError(
            f"X[{odd}] is of type {type(sequences[odd]).__name__}, but X[{first}] is "
            f"of type {type(sequences[first]).__name__}; {remedy}"
        )
    lists = [as_list(sequence, f"X[{i}]") for i, sequence in enumerate(sequences)]
    lengths = np.fromiter(map(len, lists), np.intp, len(lists))
    distinct, indices = _number(list(chain.from_iterable(lists)), lengths)
    return _checked(Tokens(distinct, indices, lengths, form="lists"))


def _tokens_of_array(X: Any, padding_label: Any) -> Tokens:
    X = check_array(
        X,
        dtype=None,
        ensure_all_finite=False,
        estimator="OneHotSequenceEncoder",
        input_name="X",
    )
    if X.dtype.kind in "MmSV":
        raise TypeError(f"X has dtype {X.dtype}; tokens are strings or numbers")
    if isinstance(padding_label, str) and padding_label == "auto":
        padding_label = "" if isinstance(X[0, 0], str) else -1
    lengths = lengths_to_last(~_equals(X, padding_label))
    valid = mask_of_steps(lengths, X.shape[1])
    distinct, indices = _number(X[valid].tolist(), lengths)
    dtype = X.dtype if X.dtype.kind in "biuf" else np.dtype(object)
    return _checked(
        Tokens(distinct, indices, lengths, "array", dtype, X.shape[1], padding_label)
    )


def _equals(X: Array, label: Any) -> Mask:
    if X.dtype.kind != "O":
        equal: Mask = label == X
        return equal
    # Comparison with pandas.NA returns NA, which NumPy cannot convert to a boolean.
    # Comparison of unhashable objects, such as an array of arrays, may raise.
    flat = [
        _is_hashable(token) and (token == label) is True for token in X.ravel().tolist()
    ]
    return np.array(flat, dtype=bool).reshape(X.shape)


def as_list(sequence: Any, name: str) -> list[Any] | tuple[Any, ...]:
    """Return the tokens of one sequence that is not a string."""
    if isinstance(sequence, list | tuple):
        return sequence
    reject_iterators(sequence, name)
    if np.ndim(sequence) == 1 and not isinstance(sequence, np.ma.MaskedArray):
        for method in ("tolist", "to_list"):
            if hasattr(sequence, method):
                as_list: list[Any] = getattr(sequence, method)()
                return as_list
    axes = f"{sequence.ndim}-D " if isinstance(sequence, np.ndarray) else ""
    raise TypeError(
        f"{name} is of type {axes}{type(sequence).__name__}: "
        f"{reprlib.repr(sequence)}; give a list, a tuple or a 1-D array of tokens, or "
        "all sequences as strings of characters"
    )


def _number(tokens: list[Any], lengths: Ids) -> tuple[list[Any], Ids]:
    """Return the distinct tokens in order of appearance, and indices into them."""
    try:
        distinct = list(dict.fromkeys(tokens))
    except TypeError as error:
        position = next(i for i, token in enumerate(tokens) if not _is_hashable(token))
        raise TypeError(
            f"{place_of(position, lengths)} is {reprlib.repr(tokens[position])}, which "
            "cannot be hashed; every token argument must be a string, a number or "
            "another hashable"
        ) from error
    numbers = {token: i for i, token in enumerate(distinct)}
    distinct = [as_python(token) for token in distinct]
    return distinct, np.fromiter(map(numbers.__getitem__, tokens), np.intp, len(tokens))


def as_python(token: Any) -> Any:
    """Convert NumPy's strings, numbers and booleans to those of Python."""
    is_value = isinstance(token, np.generic) and token.dtype.kind not in "mM"
    return token.item() if is_value else token


def _is_hashable(token: Any) -> bool:
    # Only hash() can tell: every tuple is Hashable, whatever its items are.
    try:
        hash(token)
    except TypeError:
        return False
    return True


def _checked(tokens: Tokens) -> Tokens:
    reasons = [invalid_reason(token) for token in tokens.distinct]
    is_invalid = np.array([reason is not None for reason in reasons], dtype=bool)
    if is_invalid.any():
        raise ValueError(
            f"Input X contains {reasons[is_invalid.argmax()]}: "
            f"{tokens.place(is_invalid)}; give every step of a sequence a token"
        )
    check_type_group(tokens)
    return tokens


def invalid_reason(token: Any) -> str | None:
    """Return why a value is not a token, or None if it is one."""
    if token is None:
        return "None"
    if isinstance(token, np.ndarray):
        return f"the array {reprlib.repr(token)}"
    equal = token == token
    if not isinstance(equal, bool | np.bool_):
        return f"the missing value {token}"
    if not equal:
        return "NaN"
    return "infinity" if token in (math.inf, -math.inf) else None


def type_group(kind: type) -> type:
    """Return the group of a type; all tokens, or labels, must share one group."""
    if issubclass(kind, np.bool_):
        return Number
    if issubclass(kind, np.timedelta64):  # a NumPy integer, but not ordered with them
        return object
    return next((t for t in (str, Number, tuple) if issubclass(kind, t)), object)


def check_type_group(tokens: Tokens, categories: Sequence[Any] = ()) -> None:
    """Reject mixed types such as 1 and "1" among tokens and categories."""
    first = next(chain(categories, tokens.distinct), None)
    common = type_group(type(first))
    odd = np.array([type_group(type(t)) is not common for t in tokens.distinct], bool)
    if odd.any():
        token = tokens.distinct[odd.argmax()]
        raise TypeError(
            f"{tokens.place(odd)} is {shown(token)} of type {type(token).__name__}, "
            f"but other tokens are of type {type(first).__name__}, as {shown(first)} "
            "is; give all tokens one type"
        )


def sorted_categories(tokens: Tokens) -> Array:
    """Return the sorted distinct tokens."""
    try:
        with np.errstate(over="ignore"):  # of 1e300 beside an object that is a float32
            categories = sorted(tokens.distinct)
    except TypeError as error:
        raise TypeError(
            f"the tokens of X have no order ({error}); give them one with "
            "categories=[...]"
        ) from error
    return np.fromiter(categories, tokens.dtype, len(categories))


def given_categories(categories: Any, tokens: Tokens) -> Array:
    """Check the categories given by the user."""
    given = as_list(plain(categories, "categories"), "categories")
    given = [as_python(token) for token in given]
    for i, token in enumerate(given):
        if not _is_hashable(token) or invalid_reason(token):
            raise ValueError(
                f"categories[{i}] is {shown(token)}, which is not a token; pass a flat "
                "list of hashable tokens"
            )
    if not given or len(set(given)) < len(given):
        raise ValueError("categories must name at least one token, and none twice")
    if len({type_group(type(token)) for token in given}) > 1:
        raise TypeError("categories mixes types; give all tokens one type")
    check_type_group(tokens, given)
    dtype = tokens.dtype
    if dtype.kind != "O":
        dtype = np.result_type(dtype, np.asarray(given).dtype)
    return np.fromiter(given, dtype, len(given))


def category_numbers(tokens: Tokens, categories: Array) -> Ids:
    """Return the category index of every distinct token, -1 if unknown."""
    numbers = {token: i for i, token in enumerate(categories.tolist())}
    return np.array([numbers.get(token, -1) for token in tokens.distinct], np.intp)


def unknown_message(tokens: Tokens, unknown: Mask, when: str) -> str:
    """Return a message with the unknown tokens and the position of the first."""
    found = [
        token.item() if isinstance(token := tokens.distinct[i], np.generic) else token
        for i in np.flatnonzero(unknown)
    ]
    return (
        f"Found unknown categories {reprlib.repr(found)} during {when}, the first "
        f"of them in {tokens.place(unknown)}"
    )


def largest_columns(X: Any, n_columns: int) -> tuple[Ids, Ids]:
    """Return the column of the largest entry of valid rows, -1 if none is positive.

    The columns of all sequences are concatenated and returned with their lengths.
    """
    X = plain(X, "X")
    if isinstance(X, np.ndarray) and X.ndim == 3:
        _check_rows(X, n_columns, "X")
        columns, largest = _argmax(X)
        blank = np.isnan(largest)
        blank[blank] = np.isnan(X[blank]).all(axis=1)
        lengths = lengths_to_last(~blank)
        valid = mask_of_steps(lengths, X.shape[1])
        columns, largest = columns[valid], largest[valid]
    elif isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.ndim == 1):
        items = matrices(X)
        for i, item in enumerate(items):
            _check_rows(item, n_columns, f"X[{i}]")
        lengths = np.array([item.shape[0] for item in items], np.intp)
        if any(map(sparse.issparse, items)):
            columns, largest = _sparse_argmax(sparse.coo_array(sparse.vstack(items)))
        else:
            rows = np.concatenate(items or [np.empty((0, n_columns))])
            columns, largest = _argmax(rows)
    else:
        raise ValueError(
            "inverse_transform takes a 3-D array (n_sequences, n_steps, n_columns) or "
            "a list of 2-D arrays; wrap a single sequence in a list"
        )
    missing = np.isnan(largest)
    if missing.any():
        raise ValueError(
            f"Input X contains NaN: {place_of(int(missing.argmax()), lengths)}; only "
            "whole steps at the end of a row of a 3-D array may be padding"
        )
    columns[largest <= 0] = -1
    return columns, lengths


def _check_rows(rows: Any, n_columns: int, name: str) -> None:
    n_axes = 3 if name == "X" else 2
    if len(rows.shape) != n_axes or rows.shape[-1] != n_columns:
        raise ValueError(
            f"Shape of the passed X data is not correct: {name} has shape "
            f"{rows.shape}; expected {n_axes} axes, the last of {n_columns} columns"
        )
    if rows.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} is of type {rows.dtype}; pass numbers, as rows of one-hot steps "
            "or of probabilities"
        )


def _argmax(rows: Array) -> tuple[Ids, Array]:
    columns = rows.argmax(axis=-1)
    # argmax treats NaN as the largest number.
    return columns, np.take_along_axis(rows, columns[..., None], axis=-1)[..., 0]


def _sparse_argmax(rows: sparse.coo_array) -> tuple[Ids, Array]:
    # SciPy's own argmax is a Python loop over rows.
    row, column = rows.coords
    columns = np.zeros(rows.shape[0], np.intp)
    largest = np.zeros(rows.shape[0])
    # The last of several assignments wins: NaN, then the largest, then the first.
    order = np.lexsort((-column, rows.data))
    columns[row[order]] = column[order]
    largest[row[order]] = rows.data[order]
    return columns, largest
