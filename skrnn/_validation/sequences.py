"""Sequences in all forms of user input, converted to one internal form.

    padded array | list of arrays | rows  ->  Sequences  ->  the same form again

``Sequences`` stores the length of each sequence and returns valid steps, one sequence
after another; other modules never receive padding. All checks of X are in this module;
those of labels and weights are in ``targets``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from mmap import mmap
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array

from skrnn._sklearn_compat import check_feature_names, get_feature_names

from .arrays import Array, Ids, Mask, Memory
from .containers import (
    TOO_LARGE,
    evenly_nested,
    floats,
    objects,
    plain_container,
    plain_item,
    plain_message,
    reject_iterators,
    reject_masked,
)
from .tables import common_columns, is_frame, reject_nested_columns

# Elements of X checked at once, so that checks need little memory, and find it in the
# cache.
_BLOCK = 1 << 18
# Booleans, integers and floats of eight bytes at most, by the codes of their dtypes.
_NUMBERS = frozenset("?bBhHiIlLqQefd")


@dataclass
class Sequences:
    """Valid steps of sequences in one of three forms."""

    form: Literal["padded", "ragged", "rows"]
    data: Any  # (N, T, D) array, list of (T_i, D), or (N, D)
    lengths: Ids  # (N,), number of valid steps
    n_features: int
    dtype: np.dtype[Any]  # of results: float32 if all of X is, otherwise float64
    feature_names: NDArray[np.object_] | None = None  # of data frames

    @property
    def valid(self) -> Mask:
        """Mask of valid steps, of shape (n_sequences, n_steps), of padded input."""
        return mask_of_steps(self.lengths, self.data.shape[1])

    @property
    def has_several_steps(self) -> bool:
        """Whether the number of steps of any sequence differs from one."""
        return bool((self.lengths != 1).any())

    @property
    def on_disk(self) -> bool:
        """Whether X is memory-mapped, as by `numpy.memmap`, or a view of such."""
        parts = self.data if self.form == "ragged" else [self.data]
        return any(_is_mapped(x.data if sparse.issparse(x) else x) for x in parts)

    @property
    def sizes(self) -> Ids:
        """How many numbers of each sequence are stored, padding included."""
        if self.form == "ragged":
            return np.array([x.size for x in self.data], dtype=np.intp)
        if sparse.issparse(self.data):
            return np.array(np.diff(self.data.indptr), dtype=np.intp)
        return np.full(len(self.data), prod(self.data.shape[1:]))

    def numbers(self, block: slice) -> Array:
        """Return the numbers stored of some sequences, padding included."""
        parts = self.data[block] if self.form == "ragged" else [self.data[block]]
        arrays = [x.data for x in parts] if sparse.issparse(parts[0]) else parts
        # A check of each would have too much overhead.
        return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]

    def take(self, ids: Ids, dtype: np.dtype[Any], memory: Memory | None = None) -> Any:
        """Return the valid steps of some sequences, one sequence after another.

        Parameters
        ----------
        ids : ndarray of shape (n_chosen,)
        dtype : dtype
        memory : callable, optional
            Returns an array of a given shape and this type, in which to join arrays.
        """
        if self.form == "rows":
            steps = self.data[ids]
        elif self.form == "ragged":
            parts = [self.data[i] for i in ids.tolist()]
            if sparse.issparse(parts[0]):
                steps = sparse.vstack(parts)
            else:
                out = memory and memory(sum(map(len, parts)), self.n_features)
                steps = np.concatenate(parts, out=out, casting="unsafe")
        else:
            steps = self._take_padded(ids)
        if sparse.issparse(steps):
            return sparse.csr_array(steps, dtype=dtype)
        return np.ascontiguousarray(steps, dtype=dtype)

    def _take_padded(self, ids: Ids) -> Array:
        lengths = self.lengths[ids]
        n_steps = lengths.max()
        neighbors = bool((np.diff(ids) == 1).all())  # no copy needed
        block: Array = self.data[ids[0] : ids[-1] + 1] if neighbors else self.data[ids]
        if lengths.min() == n_steps:
            return block[:, :n_steps].reshape(-1, self.n_features)
        return block[:, :n_steps][mask_of_steps(lengths, n_steps)]

    def restore(self, steps: Array, fill: Any) -> Array:
        """Return results per valid step in the form of X, with ``fill`` at padding."""
        if self.form == "rows":
            return steps
        if self.form == "ragged":
            return objects(split_steps(steps, self.lengths))
        shape = (*self.data.shape[:2], *steps.shape[1:])
        if len(steps) == shape[0] * shape[1]:
            return steps.reshape(shape)
        result = np.full(shape, fill, dtype=steps.dtype)
        result[self.valid] = steps
        return result

    def of_valid_steps(self, values: Array) -> Array:
        """Return the values at valid steps of an array padded like X, or wider."""
        return values[mask_of_steps(self.lengths, values.shape[1])]

    def name(self, step: int) -> str:
        """Name the sequence and the step of a valid step."""
        return f"[{step}]" if self.form == "rows" else place_of(step, self.lengths, "")


@dataclass
class CheckedWhenRead:
    """Sequences whose values are checked when their steps are taken.

    So every thread checks the steps that it reads next, which are then in its cache.
    """

    sequences: Sequences

    @property
    def lengths(self) -> Ids:
        """Numbers of steps, of shape (n_sequences,)."""
        return self.sequences.lengths

    def take(self, ids: Ids, dtype: np.dtype[Any], memory: Memory | None = None) -> Any:
        """Return the steps of some sequences, see `Sequences.take`."""
        steps = self.sequences.take(ids, dtype, memory)
        if not _are_finite(steps):
            require_finite(self.sequences)
        return steps


def _are_finite(steps: Any) -> bool:
    values = steps.data if sparse.issparse(steps) else steps
    return bool(np.isfinite(values).all())


def split_steps(steps: Any, lengths: Ids) -> list[Any]:
    """Split what all steps have, one sequence after another, by sequence."""
    ends = lengths.cumsum().tolist()
    return [steps[i:j] for i, j in pairwise([0, *ends])]


def place_of(step: int, lengths: Ids, name: str = "X") -> str:
    """Name the sequence of a step, one of all concatenated, and the step in it."""
    ends = lengths.cumsum()
    i = int(np.searchsorted(ends, step, side="right"))
    return f"{name}[{i}] at step {step - int(ends[i] - lengths[i])}"


class Form(NamedTuple):
    """Form of X in `fit`, stored to check later calls against it."""

    is_table: bool
    has_several_steps: bool  # whether any sequence has
    feature_names: NDArray[np.object_] | None  # of data frames

    @classmethod
    def of(cls, sequences: Sequences) -> "Form":
        """Describe sequences."""
        is_table = sequences.form == "rows"
        return cls(is_table, sequences.has_several_steps, sequences.feature_names)

    def attributes(self, n_features: int) -> dict[str, Any]:
        """Return the fitted attributes that later calls are checked against."""
        names = {"feature_names_in_": self.feature_names}
        return {
            "n_features_in_": n_features,
            "_fitted_on_sequences": self.has_several_steps,
            **(names if self.feature_names is not None else {}),
        }


def set_fitted(estimator: Any, attributes: dict[str, Any]) -> None:
    """Set the fitted attributes; names of features from an earlier fit do not stay."""
    vars(estimator).pop("feature_names_in_", None)
    vars(estimator).update(attributes)


def _is_mapped(x: Any) -> bool:
    while isinstance(x, np.ndarray):
        x = x.base
    return isinstance(x, mmap)


def check_sequences(
    estimator: Any,
    X: Any,
    *,
    padding_value: float,
    fitting: bool,
    check_values: bool = True,
) -> Sequences:
    """Check X in any form, and against the X in `fit` unless this is `fit`.

    The form of that X detects tables that are one sequence without an outer list.
    Models saved by earlier versions lack it, and accept both. Without ``check_values``,
    read the steps through `CheckedWhenRead`.
    """
    reject_masked(X, "X", "np.nan")
    reject_iterators(X, "X")
    if isinstance(X, dict) and not sparse.issparse(X):
        raise TypeError(
            "X is a dict; pass an array of shape (n_sequences, n_steps, n_features) "
            "or a list of arrays of shape (n_steps, n_features)"
        )
    frame = None
    if (plain := _plain_matrices(X)) is not None:
        sequences = plain
    elif (items := list_items(X)) is not None and _are_ragged(items):
        sequences = _check_ragged(items)
        frame = common_columns(items, "X")
    elif not sparse.issparse(X) and not is_frame(X) and n_axes(X) >= 3:
        sequences = _check_padded(np.asarray(X), padding_value)
    else:
        frame = X if items is None else items
        sequences = _check_rows(estimator, frame)
    if frame is not None:
        sequences.feature_names = get_feature_names(frame)
    if check_values:
        require_finite(sequences)
    if fitting:
        _require_steps(sequences)
    else:
        _check_as_fitted(estimator, frame, sequences)
    return sequences


def _require_steps(sequences: Sequences) -> None:
    empty = np.flatnonzero(sequences.lengths == 0)
    if empty.size:
        raise ValueError(
            f"X[{empty[0]}] has no valid step; leave such sequences out of fit"
        )


def _check_as_fitted(estimator: Any, frame: Any, sequences: Sequences) -> None:
    """Check the features and the form of X against those in `fit`."""
    if frame is not None or hasattr(estimator, "feature_names_in_"):
        check_feature_names(estimator, frame, reset=False)
    if sequences.n_features != estimator.n_features_in_:
        raise ValueError(
            f"X has {sequences.n_features} features, but "
            f"{type(estimator).__name__} is expecting {estimator.n_features_in_} "
            "features as input"
        )
    if sequences.form == "rows" and vars(estimator).get("_fitted_on_sequences"):
        reject_table(estimator, f"has shape {sequences.data.shape}")


def reject_table(estimator: Any, found: str) -> None:
    """Raise for a table, which is usually one sequence without an outer list."""
    raise ValueError(
        f"X {found}, but {type(estimator).__name__} was fitted on sequences; pass one "
        "sequence as X[None] or [x], and rows that are sequences of one step as "
        "X[:, None, :]"
    )


def n_axes(X: Any) -> int:
    """Return the number of axes, 0 for unevenly nested lists."""
    if hasattr(X, "ndim"):
        return int(X.ndim)
    try:
        return np.asarray(X).ndim
    except ValueError:  # unevenly nested lists
        return 0


def list_items(X: Any, name: str = "X") -> list[Any] | None:
    """Return the sequences of lists, object arrays and other libraries' containers.

    Each becomes an array or a list; frames stay frames, to keep their names. None is
    returned for tables, frames and arrays of numbers.
    """
    if is_frame(X) or sparse.issparse(X):
        return None
    X = plain_container(X)
    if isinstance(X, np.ndarray):
        if X.dtype != object or X.ndim != 1:
            return None
    elif not isinstance(X, Sequence) or isinstance(X, str | bytes | memoryview):
        return None
    return [_plain_item(item, f"{name}[{i}]") for i, item in enumerate(X)]


def _plain_item(item: Any, name: str) -> Any:
    is_plain = type(item) is np.ndarray and item.dtype.char in _NUMBERS
    if is_plain or is_frame(item):
        return item
    if isinstance(item, tuple) and any(map(is_frame, item)):
        raise ValueError(
            f"{name} is a tuple with a data frame, as groupby yields; pass "
            "the frames alone, [frame for _, frame in groups]"
        )
    return plain_item(item, name)


def _plain_matrices(X: Any) -> Sequences | None:
    """Return a list of matrices of numbers with the same features; None for all else.

    Other checks of this usual form take as long as a small network's predictions.
    """
    if not isinstance(X, list) or set(map(type, X)) != {np.ndarray}:
        return None
    shapes, dtypes = {x.shape[1:] for x in X}, {x.dtype for x in X}
    if len(shapes) > 1 or not {dtype.char for dtype in dtypes} <= _NUMBERS:
        return None
    (shape,) = shapes
    if len(shape) != 1 or not shape[0]:
        return None
    lengths = np.array([len(x) for x in X], dtype=np.intp)
    dtype = _dtype(dtypes == {np.dtype(np.float32)})
    return Sequences("ragged", [*X], lengths, shape[0], dtype)


def _are_ragged(items: Sequence[Any]) -> bool:
    """Distinguish sequences of rows from the rows of a table and other values."""
    _require(len(items) > 0, "0 sample(s) (shape=(0,))")
    axes = {n_axes(item) for item in items}
    if 0 in axes:
        for i, item in enumerate(items):
            reject_iterators(item, f"X[{i}]")
            evenly_nested(item, f"X[{i}]")
    if 2 in axes:
        return True
    if 1 in axes and len({np.shape(item) for item in items}) > 1:
        for item in items:
            _numeric(np.asarray(item))
        raise ValueError(
            "X is a list of 1-D rows of unequal length; for sequences of a single "
            "feature pass each as x[:, None], of shape (n_steps, 1), and encode "
            "sequences of symbols with OneHotSequenceEncoder first"
        )
    return False


def _check_ragged(items: Sequence[Any]) -> Sequences:
    any_sparse = any(sparse.issparse(item) for item in items)
    steps = [_check_item(item, i, as_sparse=any_sparse) for i, item in enumerate(items)]
    # An empty list has neither steps nor features.
    first = next((i for i, x in enumerate(steps) if any(x.shape)), 0)
    n_features = steps[first].shape[1]
    _require(n_features > 0, f"0 feature(s) (shape={steps[first].shape})")
    for i, x in enumerate(steps):
        if not any(x.shape):
            steps[i] = steps[first][:0]
        elif x.shape[1] != n_features:
            raise ValueError(
                f"X[{i}] has {x.shape[1]} features but X[{first}] has {n_features}; "
                "all sequences need the same features"
            )
    lengths = np.array([x.shape[0] for x in steps], dtype=np.intp)
    is_single = all(x.dtype == np.float32 for x in steps)
    return Sequences("ragged", steps, lengths, n_features, _dtype(is_single))


def _dtype(is_single: bool) -> np.dtype[Any]:
    """Return the type of results."""
    return np.dtype(np.float32 if is_single else np.float64)


def _check_item(item: Any, i: int, *, as_sparse: bool) -> Any:
    is_plain = type(item) is np.ndarray and item.ndim == 2
    if is_plain and item.dtype.char in _NUMBERS and not as_sparse:
        return item  # fast path: the usual case, possibly for many items
    reject_masked(item, f"X[{i}]", "np.nan")
    if sparse.issparse(item):
        x = sparse.csr_array(item)
        x.data = _numeric(x.data)
    else:
        x = _numeric(evenly_nested(item, f"X[{i}]"))
    if x.shape == (0,):
        x = x.reshape(0, 0)
    if x.ndim != 2:
        raise ValueError(
            f"X[{i}] has {x.ndim} axes; a sequence has shape (n_steps, n_features)"
        )
    return sparse.csr_array(x) if as_sparse else x


def matrices(items: Any) -> list[Any]:
    """Return sequences of rows as arrays; sparse ones stay as they are."""
    return [
        x if sparse.issparse(x) else evenly_nested(x, f"X[{i}]")
        for i, x in enumerate(items)
    ]


def _check_padded(X: Array, padding_value: float) -> Sequences:
    X = _numeric(X)
    lengths = padded_lengths(X, padding_value)
    for axis, what in enumerate(("sample(s)", "step(s)", "feature(s)")):
        _require(X.shape[axis] > 0, f"0 {what} (shape={X.shape})")
    return Sequences("padded", X, lengths, X.shape[2], _dtype(X.dtype == np.float32))


def padded_lengths(X: Array, padding_value: float) -> Ids:
    """Return the number of valid steps of every padded sequence."""
    if X.ndim != 3:
        raise ValueError(
            "Expected 3D array (n_sequences, n_steps, n_features), got "
            f"{X.ndim}D array instead"
        )
    if X.size == 0:
        return np.zeros(len(X), dtype=np.intp)
    blocks = _blocks(np.full(len(X), prod(X.shape[1:])))
    return np.concatenate([_valid_lengths(X[block], padding_value) for block in blocks])


def _blocks(sizes: Ids) -> list[slice]:
    """Divide sequences of these sizes into blocks of about `_BLOCK` numbers."""
    numbers = np.cumsum(sizes) // _BLOCK
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    return [slice(i, j) for i, j in pairwise(edges)]


def _valid_lengths(X: Array, padding_value: float) -> Ids:
    lengths = np.full(len(X), X.shape[1])
    # Most sequences end with a valid step: the others need not be read.
    is_padded = _is_padding(X[:, -1], padding_value)
    if is_padded.any():
        kept = ~_is_padding(X[is_padded], padding_value)
        lengths[is_padded] = lengths_to_last(kept)
    return lengths


def _is_padding(X: Array, padding_value: float) -> Mask:
    """Return which steps have the padding value at every feature."""
    if not np.isnan(padding_value):
        equal = np.equal(X, padding_value)
    elif X.dtype.kind == "f":
        equal = np.isnan(X)
    else:
        equal = np.zeros(X.shape, dtype=bool)
    return np.asarray(equal.all(axis=-1))


def lengths_to_last(kept: Mask) -> Ids:
    """Return the length of each row up to its last entry to be kept."""
    n_steps = kept.shape[1]
    if not n_steps:
        return np.zeros(len(kept), dtype=np.intp)
    return np.where(kept.any(axis=1), n_steps - kept[:, ::-1].argmax(axis=1), 0)


def mask_of_steps(lengths: Ids, n_steps: int) -> Mask:
    """Return which of `n_steps` columns each sequence has."""
    return np.arange(n_steps) < lengths[:, None]


def _check_rows(estimator: Any, X: Any) -> Sequences:
    _reject_times_and_stacks(X)
    try:
        X = check_array(
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            ensure_all_finite=False,
            estimator=estimator,
            input_name="X",
        )
    except ValueError as error:
        reject_nested_columns(X, error)
        if "could not convert string to float" in str(error):
            raise ValueError(f"{plain_message(error)}; {_HINT_STRINGS}") from error
        raise
    except OverflowError as error:
        raise ValueError(TOO_LARGE.format("X")) from error
    lengths = np.ones(X.shape[0], dtype=np.intp)
    return Sequences("rows", X, lengths, X.shape[1], X.dtype)


def _reject_times_and_stacks(X: Any) -> None:
    if sparse.issparse(X) and X.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {X.ndim}D sparse array instead; pass a list of "
            "2-D sparse arrays, one for each sequence"
        )
    # scikit-learn would convert times to nanoseconds.
    if not sparse.issparse(X) and len(getattr(X, "shape", ())) == 2:
        _reject_times(np.asarray(X[:1]))


def require_finite(sequences: Sequences) -> None:
    """Raise for the first valid step with NaN or infinity."""
    for block in _blocks(sequences.sizes):
        numbers = sequences.numbers(block)
        if numbers.dtype.kind != "f" or np.isfinite(numbers).all():
            continue
        steps = sequences.take(np.r_[block], sequences.dtype)
        if _are_finite(steps):
            continue  # only padding is not finite
        with np.errstate(invalid="ignore"):
            bad = np.isnan((steps * 0).sum(axis=1))  # as inf * 0 is
        row = int(bad.argmax())
        step = steps[[row]].toarray() if sparse.issparse(steps) else steps[row]
        n_before = int(sequences.lengths[: block.start].sum())
        place = f"X{sequences.name(n_before + row)}"
        hint = _hint_of_missing(sequences.form, np.isnan(step))
        raise ValueError(f"Input X contains {nonfinite(step)}: {place}{hint}")


def nonfinite(values: Array) -> str:
    """Name what is not finite: NaN, or else infinity."""
    return "NaN" if np.isnan(values).any() else "infinity"


def _hint_of_missing(form: str, is_nan: Mask) -> str:
    if form == "rows":
        return "; impute missing values"
    if form == "ragged":
        return "; sequences in a list have no padding"
    if is_nan.all():
        return " is padding before a valid step; pad at the end"
    if is_nan.any():
        return (
            " is partly NaN; only a step that is NaN throughout is padding; pad at the "
            "end and impute missing values"
        )
    return ""


def _reject_times(X: Array) -> None:
    if X.dtype.kind in "mM":
        raise TypeError(f"X has dtype {X.dtype}; pass numbers, such as seconds")


_HINT_STRINGS = "encode tokens with OneHotSequenceEncoder first"


def _numeric(X: Array) -> Array:
    """Return X as booleans, integers or floats, without a copy if possible."""
    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{X}\n")
    _reject_times(X)
    if X.dtype.char in _NUMBERS:
        return X
    try:
        return floats(X, "X")
    except ValueError as error:
        hint = f"; {_HINT_STRINGS}" if "could not convert" in str(error) else ""
        raise ValueError(f"{error}{hint}") from error


def _require(condition: bool, found: str) -> None:
    if not condition:
        raise ValueError(f"Found array with {found} while a minimum of 1 is required.")
