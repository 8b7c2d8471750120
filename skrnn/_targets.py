"""Labels and weights of steps, in every form that users have, as flat vectors.

Whatever form came in, what goes on is one value per valid step, one sequence after
another, as ``Sequences`` hands out the steps themselves.
"""

import warnings
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from ._sequences import Sequences

Array = NDArray[Any]


def check_labels(y: Any, sequences: Sequences, estimator_name: str) -> Array:
    """Return the labels of all valid steps."""
    if y is None:
        raise ValueError(
            f"This {estimator_name} estimator requires y to be passed, but the "
            "target y is None"
        )
    if sparse.issparse(y):
        raise ValueError("y is sparse; pass a dense array of labels")
    if sequences.form == "rows":
        flat = _labels_of_rows(y, sequences)
    else:
        flat = _per_step(y, sequences, "y")
        _warn_of_forgotten_padding(y, sequences)
    _check_complete(flat, sequences)
    check_classification_targets(flat)
    return flat


def check_weights(sample_weight: Any, sequences: Sequences) -> NDArray[np.float64]:
    """Return the weights of all valid steps."""
    n_steps = int(sequences.lengths.sum())
    if sample_weight is None:
        return np.ones(n_steps)
    if isinstance(sample_weight, Real):
        weights = np.full(n_steps, float(sample_weight))
    elif sequences.form == "rows" or not _holds_sequences(sample_weight):
        per_sequence = np.asarray(sample_weight, dtype=np.float64)
        expected = sequences.lengths.shape
        if per_sequence.shape != expected:
            raise ValueError(
                f"sample_weight.shape == {per_sequence.shape}, expected {expected}!"
            )
        weights = np.repeat(per_sequence, sequences.lengths)
    else:
        flat = _per_step(sample_weight, sequences, "sample_weight")
        weights = flat.astype(np.float64)
    if not np.isfinite(weights).all():
        bad = "NaN" if np.isnan(weights).any() else "infinity"
        raise ValueError(f"Input sample_weight contains {bad}.")
    if (weights < 0).any():
        raise ValueError("Negative values in data passed to `sample_weight`.")
    if not weights.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number at a valid step."
        )
    return weights


def encode_labels(flat: Array) -> tuple[Array, NDArray[np.intp]]:
    """Return the classes and the number of each label's class."""
    types = {type(v) for v in flat} if flat.dtype == object else set()
    texts = {t for t in types if issubclass(t, str)}
    if texts and types - texts:
        raise TypeError(_mixed(texts.pop(), (types - texts).pop()))
    classes, codes = np.unique(flat, return_inverse=True)
    return classes, codes.astype(np.intp, copy=False)


def _labels_of_rows(y: Any, sequences: Sequences) -> Array:
    shape = np.asarray(y).shape
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"y has shape {shape} but X is 2-D, one step per sequence; for univariate "
            "series pass X[..., None]"
        )
    flat: Array = column_or_1d(y, warn=True)
    check_consistent_length(sequences.lengths, flat)
    return flat


def _per_step(values: Any, sequences: Sequences, name: str) -> Array:
    """Return the values at valid steps of padded arrays and of lists."""
    check_consistent_length(sequences.lengths, values)
    is_array = hasattr(values, "dtype") and values.ndim > 1
    if is_array or _is_padded_list(values, sequences):
        return _cut(np.asarray(values), sequences, name)
    return _concatenate(values, sequences, name)


def _holds_sequences(values: Any) -> bool:
    first = next(iter(values), None)
    return not np.isscalar(first) and np.ndim(first) > 0


def _is_padded_list(values: Any, sequences: Sequences) -> bool:
    """Tell lists that are as long as X is wide, padding included."""
    if sequences.form != "padded" or not _holds_sequences(values):
        return False
    n_steps = sequences.data.shape[1]
    return (sequences.lengths < n_steps).any() and all(
        len(row) == n_steps for row in values
    )


def _cut(values: Array, sequences: Sequences, name: str) -> Array:
    longest = int(sequences.lengths.max(initial=0))
    if values.ndim > 2:
        raise ValueError(
            f"{name} has shape {values.shape}; give every step one label: for one-hot "
            "rows or probabilities use y.argmax(axis=-1)"
        )
    if values.shape[1] < longest:
        raise ValueError(
            f"{name} has shape {values.shape} but the longest sequence of X has "
            f"{longest} valid steps; pass shape ({len(values)}, {longest}) or wider"
        )
    flat: Array = values[np.arange(values.shape[1]) < sequences.lengths[:, None]]
    return flat


def _concatenate(values: Any, sequences: Sequences, name: str) -> Array:
    parts = []
    for i, (item, n) in enumerate(zip(values, sequences.lengths.tolist(), strict=True)):
        part = np.asarray(list(item) if isinstance(item, str) else item)
        if part.ndim == 2 and part.shape[1] == 1:
            part = part[:, 0]
        if part.ndim != 1:
            raise ValueError(
                f"{name}[{i}] has {part.ndim} axes; give every valid step one label"
                + (", use y.argmax(axis=-1)" if part.ndim > 1 else "")
            )
        if len(part) != n:
            raise ValueError(
                f"{name}[{i}] has {len(part)} labels but X[{i}] has {n} valid steps; "
                "give every valid step one label"
            )
        if n:
            parts.append(part)
    texts = [part for part in parts if part.dtype.kind == "U"]
    numbers = [part for part in parts if part.dtype.kind in "biufc"]
    if texts and numbers:
        raise TypeError(_mixed(type(texts[0][0].item()), type(numbers[0][0].item())))
    return np.concatenate(parts)


def _mixed(one: type, other: type) -> str:
    return (
        f"labels are of mixed types: y holds {one.__name__} and {other.__name__}; "
        "use one type throughout"
    )


def _check_complete(flat: Array, sequences: Sequences) -> None:
    if flat.dtype.kind == "f":
        missing = ~np.isfinite(flat)
    elif flat.dtype == object:
        # Only NaN differs from itself.
        missing = np.array([v is None or v != v for v in flat], dtype=bool)
    else:
        return
    if missing.any():
        step = int(missing.argmax())
        label = flat[step]
        kind = "None" if label is None else "NaN" if label != label else "infinity"
        raise ValueError(f"Input y contains {kind}: y{sequences.name(step)}")


def _warn_of_forgotten_padding(y: Any, sequences: Sequences) -> None:
    """Warn where y looks padded and X does not."""
    y = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)
    if y.ndim != 2 or (sequences.lengths < y.shape[1]).any():
        return
    if y.dtype.kind in "iu":
        marked = y == -1
    elif y.dtype.kind in "UO":
        marked = (y == "") | (y == -1) if y.dtype == object else y == ""
    else:
        return
    trailing = np.logical_and.accumulate(marked[:, ::-1], axis=1)[:, ::-1]
    if marked.any() and not marked.all() and (marked == trailing).all():
        warnings.warn(
            "y ends in -1 or '' where X shows no padding; if these steps are padding, "
            "set padding_value to what fills them in X",
            UserWarning,
            stacklevel=2,
        )


def padding_label_for(classes: Array, padding_label: Any) -> Any:
    """Return the label of padded steps; it is never a class.

    "auto" is -1 for integers and booleans, one below the smallest class where -1 is
    one and for floats, '' for strings.
    """
    known = set(classes.tolist())
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
        return min(known) - 1.0
    return "" if "" not in known else "<padding>"


def with_padding_label(labels: Array, padding_label: Any) -> Array:
    """Return labels in a type that also holds the padding label."""
    if labels.dtype == object:
        return labels
    if labels.dtype.kind in "bu" and isinstance(padding_label, int):
        largest = max(int(labels.max(initial=0)), padding_label)
        signed = np.min_scalar_type(min(padding_label, -largest - 1))
        return labels.astype(signed)
    return labels.astype(np.result_type(labels.dtype, np.min_scalar_type(padding_label)))
