"""Labels, numbers and weights of steps, in every form that users have, end to end.

Whatever form came in, what goes on is one value per valid step (of numbers to predict
one or several), one sequence after another, as ``Sequences`` hands out the steps.
"""

import warnings
from collections.abc import Sequence
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from ._sequences import Sequences, floats, reject_masked
from ._tokens import family, flaw

Array = NDArray[Any]


class Kind(NamedTuple):
    """What messages say of values that belong to steps."""

    name: str  # of the argument
    entry: str  # what every step has
    n_axes: int  # of one sequence's values, at most
    hint: str = ""  # for those who pass more axes


LABEL = Kind(
    "y", "label", 1, ": for one-hot rows or probabilities use y.argmax(axis=-1)"
)
TARGET = Kind("y", "target", 2)
WEIGHT = Kind("sample_weight", "weight", 1)


def check_labels(y: Any, sequences: Sequences, estimator_name: str) -> Array:
    """Return the labels of all valid steps."""
    _check_given(y, sequences, LABEL, estimator_name)
    if sequences.form == "rows":
        flat = _labels_of_rows(y, sequences)
    else:
        flat = per_step(y, sequences, LABEL)
    check_complete(flat, sequences)
    flat = of_one_type(flat)
    check_classification_targets(flat)
    if sequences.form != "rows":
        _warn_of_forgotten_padding(flat, sequences)
    return flat


def check_targets(y: Any, sequences: Sequences, estimator_name: str) -> Array:
    """Return the numbers to predict at all valid steps.

    They are of shape (n_steps,), or (n_steps, n_outputs) where y has an axis for them.
    """
    _check_given(y, sequences, TARGET, estimator_name)
    if sequences.form == "rows":
        flat = np.asarray(y)
        if flat.ndim not in (1, 2):
            raise ValueError(
                f"y has shape {flat.shape} but X is 2-D, one step per sequence; pass "
                "shape (n_sequences,) or (n_sequences, n_outputs)"
            )
        check_consistent_length(sequences.lengths, flat)
    else:
        flat = per_step(y, sequences, TARGET)
    if flat.dtype == object:
        flat = np.asarray(flat.tolist())
    if flat.dtype.kind not in "biuf":
        raise TypeError(
            f"targets are of type {flat.dtype}; pass numbers, or for labels use a "
            "classifier"
        )
    flat = flat.astype(np.float64)
    if 0 in flat.shape:
        raise ValueError("y has 0 outputs; give every step at least one target")
    bad = ~np.isfinite(flat).reshape(len(flat), -1).all(axis=1)
    if bad.any():
        step = int(bad.argmax())
        found = "NaN" if np.isnan(flat[step]).any() else "infinity"
        raise ValueError(
            f"Input y contains {found}: y{sequences.name(step)}; y is read at every "
            "step that is not padding in X"
        )
    return flat


def check_weights(sample_weight: Any, sequences: Sequences) -> NDArray[np.float64]:
    """Return the weights of all valid steps, of which some are above zero."""
    weights = weights_of_steps(sample_weight, sequences)
    if not weights.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number at a valid step."
        )
    return weights


def weights_of_steps(sample_weight: Any, sequences: Sequences) -> NDArray[np.float64]:
    """Return the weights of all valid steps."""
    n_steps = int(sequences.lengths.sum())
    if sample_weight is None:
        return np.ones(n_steps)
    reject_masked(sample_weight, "sample_weight", "0")
    sample_weight = _without_frame(sample_weight)
    if not hasattr(sample_weight, "__len__") or getattr(sample_weight, "ndim", 1) == 0:
        flat = np.full(n_steps, sample_weight)
    elif sequences.form == "rows" or not _holds_sequences(sample_weight):
        per_sequence = np.asarray(sample_weight)
        expected = sequences.lengths.shape
        if per_sequence.shape != expected:
            raise ValueError(
                f"sample_weight.shape == {per_sequence.shape}, expected {expected}!"
            )
        flat = np.repeat(per_sequence, sequences.lengths)
    else:
        flat = per_step(sample_weight, sequences, WEIGHT)
    if flat.dtype.kind == "c":
        raise ValueError("Complex data not supported: sample_weight is complex")
    weights = floats(flat, "sample_weight")
    if not np.isfinite(weights).all():
        bad = "NaN" if np.isnan(weights).any() else "infinity"
        raise ValueError(f"Input sample_weight contains {bad}.")
    if (weights < 0).any():
        raise ValueError("Negative values in data passed to `sample_weight`.")
    return weights


def encode_labels(flat: Array) -> tuple[Array, NDArray[np.intp]]:
    """Return the classes and the number of each label's class."""
    classes = np.unique(flat)  # its own inverse would take three times the memory
    return classes, np.searchsorted(classes, flat)


def _check_given(y: Any, sequences: Sequences, kind: Kind, estimator_name: str) -> None:
    if y is None:
        raise ValueError(
            f"This {estimator_name} estimator requires y to be passed, but the "
            "target y is None"
        )
    if sparse.issparse(y):
        raise ValueError(f"y is sparse; pass a dense array of {kind.entry}s")
    reject_masked(y, "y", "-1")
    if not sequences.lengths.any():
        raise ValueError(f"X has no valid step to give a {kind.entry}")


def _labels_of_rows(y: Any, sequences: Sequences) -> Array:
    shape = np.asarray(y).shape
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"y has shape {shape} but X is 2-D, one step per sequence; for univariate "
            "series pass X[..., None]"
        )
    if isinstance(y, list | tuple):
        y = _from_list(y)
    flat: Array = column_or_1d(y, warn=True)
    check_consistent_length(sequences.lengths, flat)
    return flat


def per_step(values: Any, sequences: Sequences, kind: Kind) -> Array:
    """Return the values at valid steps of padded arrays and of lists."""
    values = _without_frame(values)
    check_consistent_length(sequences.lengths, values)
    if getattr(values, "ndim", 1) > 1:
        return _cut(np.asarray(values), sequences, kind)
    if _is_padded_list(values, sequences):
        # What stands at padding has no say in the type.
        flat = _cut(np.asarray(list(values), dtype=object), sequences, kind)
        return _from_list(flat.tolist())
    return _concatenate(values, sequences, kind)


def _without_frame(values: Any) -> Any:
    """Return the array that a data frame holds, and all else as it is."""
    return np.asarray(values) if hasattr(values, "columns") else values


def _from_list(values: Sequence[Any]) -> Array:
    """Make an array, in which strings do not turn numbers into strings."""
    array = np.asarray(values)
    if array.dtype.kind == "U" and any(isinstance(v, Number) for v in values):
        return np.asarray(values, dtype=object)
    return array


def _holds_sequences(values: Any) -> bool:
    first: Any = next(iter(values), None)
    return not np.isscalar(first) and np.ndim(first) > 0


def _is_padded_list(values: Any, sequences: Sequences) -> bool:
    """Tell lists that are as long as X is wide, padding included."""
    if sequences.form != "padded" or not _holds_sequences(values):
        return False
    n_steps = sequences.data.shape[1]
    if (sequences.lengths == n_steps).all():
        return False
    shapes = {np.shape(row) for row in values}
    return len(shapes) == 1 and shapes.pop()[:1] == (n_steps,)


def _cut(values: Array, sequences: Sequences, kind: Kind) -> Array:
    longest = int(sequences.lengths.max(initial=0))
    if values.ndim > 1 + kind.n_axes:
        raise ValueError(
            f"{kind.name} has shape {values.shape}; give every step one {kind.entry}"
            + kind.hint
        )
    if values.shape[1] < longest:
        raise ValueError(
            f"{kind.name} has shape {values.shape} but the longest sequence of X has "
            f"{longest} valid steps; pass shape ({len(values)}, {longest}) or wider"
        )
    flat: Array = values[np.arange(values.shape[1]) < sequences.lengths[:, None]]
    return flat


def _concatenate(values: Any, sequences: Sequences, kind: Kind) -> Array:
    name, entry, n_axes, hint = kind
    parts = []
    for i, (item, n) in enumerate(zip(values, sequences.lengths.tolist(), strict=True)):
        is_list = isinstance(item, list | tuple | str)
        part = _from_list(list(item)) if is_list else np.asarray(item)
        if n_axes == 1 and part.ndim == 2 and part.shape[1] == 1:
            part = part[:, 0]
        if part.ndim == 0:
            raise ValueError(
                f"{name}[{i}] is a single {entry} but X[{i}] has {n} valid steps; "
                f"give every valid step one {entry}"
            )
        if part.ndim > n_axes:
            raise ValueError(
                f"{name}[{i}] has {part.ndim} axes; give every valid step one {entry}"
                + hint
            )
        if len(part) != n:
            raise ValueError(
                f"{name}[{i}] has {len(part)} {entry}s but X[{i}] has {n} valid steps; "
                f"give every valid step one {entry}"
            )
        if n:
            parts.append(part)
    widths = {part.shape[1:] for part in parts}
    if len(widths) > 1:
        raise ValueError(
            f"{name} has steps of shapes {sorted(widths)}; give all the same outputs"
        )
    texts = [part for part in parts if part.dtype.kind == "U"]
    numbers = [part for part in parts if part.dtype.kind in "biufc"]
    if texts and numbers:
        raise TypeError(_mixed(type(texts[0][0].item()), type(numbers[0][0].item())))
    return np.concatenate(parts)


def of_one_type(flat: Array) -> Array:
    """Reject mixtures, and give numbers in an object array a type of their own."""
    if flat.dtype == object:
        types = dict.fromkeys(map(type, flat))  # in the order of their appearance
        families = {family(t): t for t in types}
        if len(families) > 1:
            raise TypeError(_mixed(*list(families.values())[:2]))
        if all(issubclass(t, Number | np.bool_) for t in types):  # or timedelta64
            flat = np.asarray(flat.tolist())
    if flat.dtype.kind in "cmMSV":
        raise TypeError(
            f"labels are of type {flat.dtype}; use integers, strings or booleans"
        )
    return flat


def _mixed(one: type, other: type) -> str:
    return (
        f"labels are of mixed types: y holds {one.__name__} and {other.__name__}; "
        "use one type throughout"
    )


def check_complete(
    flat: Array, sequences: Sequences, steps: NDArray[np.intp] | None = None
) -> None:
    """Reject None, NaN and infinity among labels, and say where they stand.

    The labels are those of all steps, or of the given ones.
    """
    if flat.dtype == object:
        flaws = [flaw(label) for label in flat]
    elif flat.dtype.kind == "f" and not np.isfinite(flat).all():
        flaws = [flaw(label) for label in flat.tolist()]
    else:
        return
    first = next((i for i, found in enumerate(flaws) if found), None)
    if first is not None:
        step = first if steps is None else int(steps[first])
        raise ValueError(f"Input y contains {flaws[first]}: y{sequences.name(step)}")


def _warn_of_forgotten_padding(flat: Array, sequences: Sequences) -> None:
    """Warn where y looks padded and X does not."""
    n_steps = int(sequences.lengths.max())
    if sequences.form == "padded":
        n_steps = sequences.data.shape[1]
    if (sequences.lengths < n_steps).any():
        return
    marked = (flat == (-1 if flat.dtype.kind in "biuf" else "")).reshape(-1, n_steps)
    trailing = np.logical_and.accumulate(marked[:, ::-1], axis=1)[:, ::-1]
    # No sequence is all padding: such a run is a class.
    if marked.any() and not marked[:, 0].any() and (marked == trailing).all():
        warnings.warn(
            "y ends in -1 or '' where X shows no padding; if these steps are padding, "
            "mark them by NaN in X, or set padding_value to what fills them",
            UserWarning,
            stacklevel=8,
        )


def padding_label_for(classes: Array, padding_label: Any) -> Any:
    """Return the label of padded steps; it is never a class.

    "auto" is -1 for integers and booleans, one below the smallest class where -1 is
    one and for floats, '' for strings.
    """
    known = set(classes.tolist())
    if np.ndim(padding_label):
        raise ValueError(f"padding_label={padding_label!r} is no single label")
    if not (isinstance(padding_label, str) and padding_label == "auto"):
        if padding_label in known:
            raise ValueError(
                f"padding_label={padding_label!r} is one of the classes {classes}; "
                "choose a label that no step has"
            )
        return padding_label
    if classes.dtype.kind in "biu":
        return -1 if -1 not in known else min(known) - 1
    if classes.dtype.kind == "f":
        lowest = classes.min()
        # Beside a large number 1 is nothing.
        return float(min(lowest - 1, np.nextafter(lowest, -np.inf)))
    label = ""
    while label in known:
        label = f"<padding{label}>"
    return label


def with_padding_label(labels: Array, padding_label: Any) -> Array:
    """Return labels in a type that also holds the padding label."""
    is_text = labels.dtype.kind == "U"
    if labels.dtype == object or is_text != isinstance(padding_label, str):
        return labels.astype(object)
    if labels.dtype.kind in "bu" and isinstance(padding_label, int):
        largest = max(int(labels.max(initial=0)), padding_label)
        signed = np.min_scalar_type(min(padding_label, -largest - 1))
        return labels.astype(signed)
    needed = np.min_scalar_type(padding_label)
    return labels.astype(np.result_type(labels.dtype, needed))
