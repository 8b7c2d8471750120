"""Labels, numbers and weights of steps, in all forms of user input.

All forms are converted to one value per valid step (numbers to predict: one or
several), one sequence after another, in the order of steps in ``Sequences``.
"""

import warnings
from collections.abc import Iterable, Sequence
from itertools import chain
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .arrays import Array, Ids, Mask, Vector
from .containers import evenly_nested, floats, plain, reject_masked, shown
from .sequences import Sequences, lengths_to_last, nonfinite
from .tokens import invalid_reason, type_group

# A list if missing values must be removed before its type is known.
Part = Array | list[Any]


class ValueSpec(NamedTuple):
    """Names of values of steps in messages."""

    name: str  # of the argument
    entry: str  # the value of one step
    n_axes: int  # maximum for the values of one sequence
    hint: str = ""  # added to the message about too many axes


LABEL = ValueSpec(
    "y", "label", 1, ": for one-hot rows or probabilities use y.argmax(axis=-1)"
)
TARGET = ValueSpec("y", "target", 2)
WEIGHT = ValueSpec("sample_weight", "weight", 1)

NO_STEP = "X has no valid step to give a {}"


def check_labels(
    y: Any, sequences: Sequences, estimator_name: str, weights: Vector | None = None
) -> Array:
    """Return the labels of all valid steps.

    Labels may be missing at steps with zero weight; the first class replaces them. If
    all labels are missing, the result is empty.
    """
    present, missing = read_labels(y, sequences, estimator_name, weights)
    if not (missing.any() and present.size):
        return present
    labels = np.full(missing.shape, np.unique(present)[0], present.dtype)
    labels[~missing] = present
    return labels


def read_labels(
    y: Any, sequences: Sequences, estimator_name: str, weights: Vector | None = None
) -> tuple[Array, Mask]:
    """Return the labels of valid steps, and a mask of the steps without a label."""
    y = _check_given(y, sequences, LABEL, estimator_name)
    if sequences.form == "rows":
        parts = [_labels_of_rows(y, sequences)]
    else:
        parts = _per_sequence(y, sequences, LABEL)
    flat, missing = _known(parts)
    _check_unlabeled(parts, missing, sequences, weights)
    if missing.all():
        return flat, missing
    check_complete(flat, sequences, np.flatnonzero(~missing))
    flat = of_one_type(flat)
    check_classification_targets(flat)
    if sequences.form == "padded" and not missing.any():
        _warn_of_forgotten_padding(flat, sequences)
    return flat, missing


def known_labels(parts: list[Part]) -> tuple[Array, Mask]:
    """Return the non-missing labels in one type, and a mask of missing ones."""
    known, missing = _known(parts)
    return of_one_type(known) if known.size else np.empty(0, dtype=int), missing


def _known(parts: list[Part]) -> tuple[Array, Mask]:
    masks = [_missing(part) for part in parts]
    missing = np.concatenate([np.empty(0, dtype=bool), *masks])
    return _concatenate(map(_drop_missing, parts, masks)), missing


def check_groups(groups: Any, sequences: Sequences) -> Array | None:
    """Return the group of each sequence, or None if there are no groups."""
    if groups is None:
        return None
    values = plain(groups, "groups")
    try:
        found: Array = check_array(
            values,
            input_name="groups",
            ensure_2d=False,
            ensure_min_samples=0,
            dtype=None,
        )
        np.unique(found)
    except TypeError as error:
        raise TypeError(
            f"groups cannot be sorted ({error}); pass numbers only, or strings only, "
            "without missing values"
        ) from error
    if found.ndim == 2 and found.shape[1] == 1:  # a frame with one column
        found = found[:, 0]
    n = len(sequences.lengths)
    if found.shape != (n,):
        raise ValueError(
            f"groups has shape {found.shape} but X has {n} sequences; pass one group "
            "for each sequence"
        )
    return found


def check_targets(
    y: Any, sequences: Sequences, estimator_name: str, weights: Vector | None = None
) -> Array:
    """Return the numbers to predict at all valid steps.

    They have shape (n_steps,), or (n_steps, n_outputs) if y has an axis of outputs.
    Targets with zero weight are ignored; the smallest target replaces them.
    """
    y = _check_given(y, sequences, TARGET, estimator_name)
    if sequences.form == "rows":
        flat = evenly_nested(y, "y")
        if flat.ndim not in (1, 2):
            raise ValueError(
                f"y has shape {flat.shape} but X is 2-D, one step per sequence; pass "
                "shape (n_sequences,) or (n_sequences, n_outputs)"
            )
        check_consistent_length(sequences.lengths, flat)
    else:
        flat = _concatenate(_per_sequence(y, sequences, TARGET))
    if flat.dtype == object:
        missing = np.reshape([_is_missing(value) for value in flat.flat], flat.shape)
        flat = np.asarray(np.where(missing, np.nan, flat).tolist())
    if flat.dtype.kind not in "biuf":
        raise TypeError(
            f"targets are of type {flat.dtype}; pass numbers, or for labels use a "
            "classifier"
        )
    flat = flat.astype(np.float64)
    if 0 in flat.shape:
        raise ValueError("y has 0 outputs; give every step at least one target")
    if weights is not None and not weights.all():
        read = flat[weights > 0]
        flat[weights == 0] = read.min(axis=0) if len(read) else 0
    bad = ~np.isfinite(flat).reshape(len(flat), -1).all(axis=1)
    if bad.any():
        step = int(bad.argmax())
        raise ValueError(
            f"Input y contains {nonfinite(flat[step])}: y{sequences.name(step)}; y is "
            "read at every step that is not padding in X, unless sample_weight is 0 "
            "there"
        )
    return flat


def check_weights(sample_weight: Any, sequences: Sequences) -> Vector:
    """Return the weights of all valid steps; raise if all are zero."""
    weights = weights_of_steps(sample_weight, sequences)
    require_weight(weights.any())
    return weights


def require_weight(is_any: Any) -> None:
    """Raise if all weights are zero."""
    if not is_any:
        raise ValueError(
            "Sample weights must contain at least one non-zero number at a valid step."
        )


def weights_of_steps(sample_weight: Any, sequences: Sequences) -> Vector:
    """Return the weights of all valid steps."""
    n_steps = int(sequences.lengths.sum())
    if sample_weight is None:
        return np.ones(n_steps)
    reject_masked(sample_weight, "sample_weight", "0")
    sample_weight = plain(sample_weight, "sample_weight")
    if not hasattr(sample_weight, "__len__") or getattr(sample_weight, "ndim", 1) == 0:
        flat = np.full(n_steps, sample_weight)
    elif sequences.form == "rows" or not _holds_sequences(sample_weight):
        per_sequence = _single_weights(sample_weight)
        expected = sequences.lengths.shape
        if per_sequence.shape != expected:
            raise ValueError(
                f"sample_weight.shape == {per_sequence.shape}, expected {expected}!"
            )
        flat = np.repeat(per_sequence, sequences.lengths)
    else:
        flat = _concatenate(_per_sequence(sample_weight, sequences, WEIGHT))
    if flat.dtype == object:
        flat = np.asarray([np.nan if _is_missing(w) else w for w in flat.tolist()])
    if flat.dtype.kind == "c":
        raise ValueError("Complex data not supported: sample_weight is complex")
    if flat.dtype.kind in "mM":
        raise TypeError(f"sample_weight has dtype {flat.dtype}; pass numbers")
    weights = floats(flat, "sample_weight")
    if not np.isfinite(weights).all():
        raise ValueError(f"Input sample_weight contains {nonfinite(weights)}.")
    if (weights < 0).any():
        raise ValueError("Negative values in data passed to `sample_weight`.")
    return weights


def _single_weights(sample_weight: Any) -> Array:
    try:
        return np.asarray(sample_weight)
    except ValueError as error:
        i = next(i for i, weight in enumerate(sample_weight) if np.iterable(weight))
        raise ValueError(
            f"sample_weight[{i}] is not a single weight, but others are; give every "
            "sequence one, or every sequence a weight for each step"
        ) from error


def encode_labels(flat: Array) -> tuple[Array, Ids]:
    """Return the classes and the class index of each label."""
    classes = np.unique(flat)  # return_inverse would take three times the memory
    return classes, np.searchsorted(classes, flat)


def require_y(y: Any, estimator_name: str) -> None:
    """Raise if y was not passed."""
    if y is None:
        raise ValueError(
            f"This {estimator_name} estimator requires y to be passed, but the "
            "target y is None"
        )


def _check_given(
    y: Any, sequences: Sequences, spec: ValueSpec, estimator_name: str
) -> Any:
    """Return y as lists or arrays."""
    require_y(y, estimator_name)
    if sparse.issparse(y):
        raise ValueError(f"y is sparse; pass a dense array of {spec.entry}s")
    reject_masked(y, "y", "-1")
    if not sequences.lengths.any():
        raise ValueError(NO_STEP.format(spec.entry))
    return plain(y, "y")


def _labels_of_rows(y: Any, sequences: Sequences) -> Part:
    is_list = isinstance(y, list | tuple)
    values = array_of(y, "y") if is_list else np.asarray(y)
    shape = values.shape
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"y has shape {shape} but X is 2-D, one step per sequence; for univariate "
            "series pass X[..., None]"
        )
    flat: Array = column_or_1d(values, warn=True)
    check_consistent_length(sequences.lengths, flat)
    return list(y) if is_list and len(shape) == 1 and _nullable(flat) else flat


def per_step(values: Any, sequences: Sequences, spec: ValueSpec) -> Array:
    """Return the values at valid steps of padded arrays and of lists."""
    return _concatenate(_per_sequence(plain(values, spec.name), sequences, spec))


def array_of(values: Sequence[Any], name: str) -> Array:
    """Convert a list to an array, an object array where NumPy would change values.

    NumPy converts everything next to strings to strings, even missing values, and
    integers next to NaN to floats. A step without its several values gets NaN for each.
    """
    kinds = set(map(type, values))
    if len(kinds) > 1 and kinds & {list, tuple, np.ndarray}:
        values = _with_rows_of_nan(values)
    array = evenly_nested(values, name)
    if array.dtype.kind == "f":
        missing = np.isnan(array)
        if not missing.any():
            return array
        kept: Any = () if missing.all() else (float, np.floating)
    elif array.dtype.kind == "U":
        kept = str
    else:
        return array
    unchanged = np.asarray(values, dtype=object)
    kinds = set(map(type, unchanged.flat))
    return array if all(issubclass(kind, kept) for kind in kinds) else unchanged


def labels_of(labels: Any, name: str) -> Array:
    """Return the labels of one sequence; a string has one per character."""
    if isinstance(labels, str | list | tuple):
        return array_of(list(labels), name)
    return evenly_nested(labels, name)


def _with_rows_of_nan(values: Sequence[Any]) -> list[Any]:
    rows = (v for v in values if isinstance(v, list | tuple | np.ndarray))
    row = [np.nan] * next(len(np.atleast_1d(np.asarray(r, object))) for r in rows)
    return [row if _is_missing(value) else value for value in values]


def _holds_sequences(values: Any) -> bool:
    first: Any = next(iter(values), None)
    return not np.isscalar(first) and np.ndim(first) > 0


def _flatten_padded(values: Array, sequences: Sequences, spec: ValueSpec) -> Array:
    longest = int(sequences.lengths.max(initial=0))
    if values.ndim > 1 + spec.n_axes:
        raise ValueError(
            f"{spec.name} has shape {values.shape}; give every step one {spec.entry}"
            + spec.hint
        )
    if values.shape[1] < longest:
        raise ValueError(
            f"{spec.name} has shape {values.shape} but the longest sequence of X has "
            f"{longest} valid steps; pass shape ({len(values)}, {longest}) or wider"
        )
    return sequences.of_valid_steps(values)


def _per_sequence(values: Any, sequences: Sequences, spec: ValueSpec) -> list[Part]:
    """Return the values at valid steps, as one part for padded arrays."""
    check_consistent_length(sequences.lengths, values)
    if getattr(values, "ndim", 1) > 1:
        return [_flatten_padded(np.asarray(values), sequences, spec)]
    name, n_axes = spec.name, spec.n_axes
    parts: list[Part] = []
    shapes = set()
    for i, (item, n) in enumerate(zip(values, sequences.lengths.tolist(), strict=True)):
        reject_masked(item, f"{name}[{i}]", "-1")
        is_list = isinstance(item, list | tuple | str)
        part = array_of(list(item), f"{name}[{i}]") if is_list else np.asarray(item)
        if n_axes == 1 and part.ndim == 2 and part.shape[1] == 1:
            is_list, part = False, part[:, 0]
        if not (0 < part.ndim <= n_axes and len(part) == n):
            raise ValueError(_misfit(part, i, values, sequences, spec))
        if n:
            shapes.add(part.shape[1:])
            retyped = is_list and spec is LABEL and _nullable(part)
            parts.append(list(item) if retyped else part)
    if len(shapes) > 1:
        raise ValueError(
            f"{name} has steps of shapes {sorted(shapes)}; give all the same outputs"
        )
    return parts


def _misfit(
    part: Array, i: int, values: Any, sequences: Sequences, spec: ValueSpec
) -> str:
    """Say how the values of sequence i do not match its steps."""
    remedy = f"give every valid step one {spec.entry}"
    expected = f"but X[{i}] has {sequences.lengths[i]} valid steps"
    if part.ndim == 0:
        found = f"is a single {spec.entry} {expected}"
    elif part.ndim > spec.n_axes:
        found = f"has {part.ndim} axes"
        remedy += spec.hint
    else:
        found = f"has {len(part)} {spec.entry}s {expected}"
        if sequences.form == "padded" and len(part) == sequences.data.shape[1]:
            # np.asarray does not stack an object array of arrays.
            make = "stack" if isinstance(values, np.ndarray) else "asarray"
            remedy += f", or pass np.{make}({spec.name}) if the last ones are padding"
            remedy += ", which lists do not have"
    return f"{spec.name}[{i}] {found}; {remedy}"


def _nullable(part: Array) -> bool:
    """Return whether the type of an array may be due to a missing value."""
    return part.dtype == object or (
        part.dtype.kind == "f" and bool(np.isnan(part).any())
    )


def _missing(part: Part) -> Mask:
    if isinstance(part, np.ndarray) and part.dtype.kind != "O":
        is_float = part.dtype.kind == "f"
        return np.isnan(part) if is_float else np.zeros(len(part), dtype=bool)
    return np.fromiter(map(_is_missing, part), bool, len(part))


def _is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN or pandas.NA; NaT is not missing."""
    if isinstance(value, Number) and not isinstance(value, np.timedelta64):
        return bool(value != value)
    return value is None or type(value).__name__ == "NAType"


def _drop_missing(part: Part, missing: Mask) -> Array:
    """Return the non-missing values; those of a list get their own type."""
    if isinstance(part, list):
        return array_of([v for v, m in zip(part, missing, strict=True) if not m], "y")
    return part[~missing] if missing.any() else part


def _check_unlabeled(
    parts: list[Part], missing: Mask, sequences: Sequences, weights: Vector | None
) -> None:
    """Reject missing labels at steps with nonzero weight."""
    wrong = missing if weights is None else missing & (weights > 0)
    if wrong.any():
        step = int(wrong.argmax())
        found = invalid_reason(list(chain.from_iterable(parts))[step])
        raise ValueError(
            f"Input y contains {found}: y{sequences.name(step)}; give the step a "
            "label, or weight 0 in sample_weight"
        )


def _concatenate(parts: Iterable[Part]) -> Array:
    arrays = [np.asarray(part) for part in parts if len(part)]
    texts = [array for array in arrays if array.dtype.kind == "U"]
    numbers = [array for array in arrays if array.dtype.kind in "biufc"]
    if texts and numbers:
        raise TypeError(
            _mixed_types_message(type(texts[0][0].item()), type(numbers[0][0].item()))
        )
    return np.concatenate(arrays or [np.empty(0)])


def concatenated(items: Sequence[Array]) -> Array:
    """Concatenate arrays without converting numbers to strings."""
    parts = [item for item in items if len(item)] or items
    if len({part.dtype.kind == "U" for part in parts}) > 1:
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def of_one_type(flat: Array) -> Array:
    """Reject mixed types, and convert object arrays of numbers to a number type."""
    if flat.dtype == object:
        types = dict.fromkeys(map(type, flat))  # in order of appearance
        groups = {type_group(t): t for t in types}
        if len(groups) > 1:
            raise TypeError(_mixed_types_message(*list(groups.values())[:2]))
        if all(issubclass(t, Number | np.bool_) for t in types):  # or timedelta64
            flat = np.asarray(flat.tolist())
    if flat.dtype.kind in "cmMSV":
        raise TypeError(
            f"labels are of type {flat.dtype}; use integers, strings or booleans"
        )
    return flat


def _mixed_types_message(one: type, other: type) -> str:
    return (
        f"labels are of mixed types: y holds {one.__name__} and {other.__name__}; "
        "use one type throughout"
    )


def check_complete(
    flat: Array, sequences: Sequences, steps: Ids, name: str = "y"
) -> None:
    """Reject None, NaN and infinity among the labels of steps."""
    if flat.dtype != object and (flat.dtype.kind != "f" or np.isfinite(flat).all()):
        return
    for step, label in zip(steps.tolist(), flat.tolist(), strict=True):
        reason = invalid_reason(label)
        if reason:
            place = sequences.name(step)
            raise ValueError(f"Input {name} contains {reason}: {name}{place}")


def _warn_of_forgotten_padding(flat: Array, sequences: Sequences) -> None:
    """Warn if y seems to be padded but X does not."""
    n_steps = sequences.data.shape[1]
    if (sequences.lengths < n_steps).any():
        return
    kept = (flat != (-1 if flat.dtype.kind in "biuf" else "")).reshape(-1, n_steps)
    only_trailing = (kept.sum(axis=1) == lengths_to_last(kept)).all()
    # No sequence consists of padding only: such a run is a class.
    if not kept.all() and kept[:, 0].all() and only_trailing:
        warnings.warn(
            "y ends in -1 or '' where X shows no padding; if these steps are padding, "
            "mark them with NaN in X, or set padding_value to their value",
            UserWarning,
            stacklevel=8,
        )


def padding_label_for(classes: Array, padding_label: Any) -> Any:
    """Return the label of padded steps; it is never a class.

    "auto" is -1 for integers and booleans (one below the smallest class if -1 is a
    class), one below the smallest class for floats, and '' for strings.
    """
    known = set(classes.tolist())
    if np.ndim(padding_label):
        raise ValueError(f"padding_label={shown(padding_label)} is not a single label")
    if not (isinstance(padding_label, str) and padding_label == "auto"):
        if padding_label in known:
            raise ValueError(
                f"padding_label={shown(padding_label)} is one of the classes "
                f"{classes}; choose a label that no step has"
            )
        return padding_label
    if classes.dtype.kind in "biu":
        return -1 if -1 not in known else min(known) - 1
    if classes.dtype.kind == "f":
        lowest = classes.min()
        # Subtracting 1 from a large number may not change it.
        return float(min(lowest - 1, np.nextafter(lowest, -np.inf)))
    label = ""
    while label in known:
        label = f"<padding{label}>"
    return label


def with_padding_label(labels: Array, padding_label: Any) -> Array:
    """Return labels in a type that can represent the padding label."""
    is_text = labels.dtype.kind == "U"
    if labels.dtype == object or is_text != isinstance(padding_label, str):
        return labels.astype(object)
    if labels.dtype.kind in "bu" and isinstance(padding_label, int):
        largest = max(int(labels.max(initial=0)), padding_label)
        signed = np.min_scalar_type(min(padding_label, -largest - 1))
        return labels.astype(signed)
    needed = np.min_scalar_type(padding_label)
    return labels.astype(np.result_type(labels.dtype, needed))
