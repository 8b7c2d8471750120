"""Pair true and predicted values of all valid steps, for every form of input.

    y_true, y_pred of (n_sequences, n_steps)  ->  y_true, y_pred of (n_valid_steps,)

Only arrays with two or more axes have padding; in a list every entry is a value.
Padded predictions determine which steps are valid. Padding of true labels is read only
if the predictions are a list.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import column_or_1d

from skrnn._validation.arrays import Array, Ids, Mask, Vector
from skrnn._validation.containers import floats, objects, plain, reject_masked, shown
from skrnn._validation.sequences import (
    Sequences,
    lengths_to_last,
    mask_of_steps,
    padded_lengths,
)
from skrnn._validation.targets import (
    check_complete,
    check_weights,
    concatenated,
    labels_of,
    of_one_type,
)
from skrnn._validation.tokens import type_group
from skrnn.preprocessing._padding import check_lengths, lengths_of_labels


@dataclass
class Steps:
    """True and predicted values of all valid steps, concatenated."""

    y_true: Array  # (n_valid_steps,), or (n_valid_steps, n_outputs)
    y_pred: Array  # (n_valid_steps,), or (n_valid_steps, n_classes)
    sample_weight: Vector | None  # (n_valid_steps,)
    lengths: Ids  # (n_sequences,)
    form: Literal["padded", "ragged", "rows"]

    def weighted(self) -> "Steps":
        """Omit steps with zero weight, where labels may be missing."""
        if self.sample_weight is None or self.sample_weight.all():
            return self
        counts = self.sample_weight > 0
        y_true = of_one_type(self.y_true[counts])
        y_pred = of_one_type(self.y_pred[counts])
        ids = np.repeat(np.arange(len(self.lengths)), self.lengths)[counts]
        return replace(
            self,
            y_true=y_true,
            y_pred=_with_booleans(y_true, y_pred),
            sample_weight=self.sample_weight[counts],
            lengths=np.bincount(ids, minlength=len(self.lengths)),
        )

    def split(self) -> tuple[Array, Array, Array | None]:
        """Return y_true, y_pred and weights as one array for each sequence."""
        ends = np.cumsum(self.lengths)[:-1]
        y_true, y_pred = (
            objects(np.split(a, ends)) for a in (self.y_true, self.y_pred)
        )
        if self.sample_weight is None:
            return y_true, y_pred, None
        return y_true, y_pred, objects(np.split(self.sample_weight, ends))

    def require_labels(self) -> None:
        """Raise if steps have several numbers instead of one label."""
        for name, values in (("y_true", self.y_true), ("y_pred", self.y_pred)):
            if values.ndim > 1:
                raise ValueError(
                    f"{name} has {values.shape[1]} numbers for each step, but this "
                    "metric compares labels; for probabilities pass "
                    "classes_[y_pred.argmax(axis=-1)]"
                )
        require_one_type(self.y_true, "y_true", self.y_pred, "y_pred")

    def weights_of_sequences(self) -> Vector:
        """Return the weight of each sequence, 0 for those without a valid step."""
        there = self.lengths > 0
        weights = there.astype(float)
        if self.sample_weight is None:
            return weights
        starts = (np.cumsum(self.lengths) - self.lengths)[there]
        weights[there] = self.sample_weight[starts]
        varies = np.repeat(weights, self.lengths) != self.sample_weight
        if varies.any():
            i = np.repeat(np.arange(len(weights)), self.lengths)[varies.argmax()]
            raise ValueError(
                f"sample_weight[{i}] differs from step to step; this metric needs one "
                "weight for each sequence"
            )
        return weights


def require_one_type(one: Any, name: str, other: Any, other_name: str) -> None:
    """Raise if one contains numbers and the other strings, which are never equal."""
    if type_group(type(one[0])) is not type_group(type(other[0])):
        raise TypeError(
            f"{name} holds {shown(one[0])} but {other_name} holds {shown(other[0])}; "
            "give labels one type throughout"
        )


def check_names(labels: Any, y_true: Array) -> Any:
    """Return the labels that an average is over, which are of the type of y_true."""
    if labels is None:
        return None
    names = plain(labels, "labels")
    if not hasattr(names, "__len__") or getattr(names, "ndim", 1) != 1:
        raise TypeError(f"labels is {shown(labels)}; pass a list of labels")
    names = names.tolist() if isinstance(names, np.ndarray) else list(names)
    for name in names:
        require_one_type([name], "labels", y_true, "y_true")
        if names.count(name) > 1:
            raise ValueError(f"labels names {shown(name)} twice")
    return names


def check_rows(names: list[str]) -> None:
    """Raise if rows of a report would overwrite each other in a dictionary."""
    keys = [*names, "accuracy", "micro avg", "macro avg", "weighted avg"]
    for name in names:
        if keys.count(name) > 1:
            raise ValueError(
                f"the report has two rows {name!r}; give every label its own name "
                "in target_names"
            )


def pair_steps(
    y_true: Any,
    y_pred: Any,
    sample_weight: Any = None,
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> Steps:
    """Pair the true and the predicted values of all valid steps."""
    true, predicted = _as_array(y_true, "y_true"), _as_array(y_pred, "y_pred")
    if _is_flat(true) and isinstance(y_pred, list | tuple):
        predicted = _rows_of_numbers(predicted)
    if not isinstance(y_pred, np.ndarray):
        _reject_two_lists_of_strings(true, predicted)
    true, predicted = _characters(true, predicted)
    check_consistent_length(true, predicted)
    sequences = _sequences_of(true, predicted, padding_label, lengths)
    if not sequences.lengths.any():
        raise ValueError("y_pred has no valid step")
    flat_true = _flat_labels(true, sequences, "y_true")
    flat_pred = _flat_labels(predicted, sequences, "y_pred")
    weights = None
    counts = np.arange(len(flat_true))
    if sample_weight is not None:
        weights = check_weights(sample_weight, sequences)
        counts = np.flatnonzero(weights)
    if sequences.form == "padded" and lengths is None:
        _check_contradictions(flat_true, flat_pred, sequences, padding_label)
    if flat_true.ndim == 1:
        check_complete(flat_true[counts], sequences, counts)
    if flat_pred.ndim == 1:
        check_complete(flat_pred[counts], sequences, counts, "y_pred")
    typed, typed_pred = of_one_type(flat_true[counts]), of_one_type(flat_pred[counts])
    if len(typed) == len(flat_true):
        flat_true, flat_pred = typed, _with_booleans(typed, typed_pred)
    return Steps(flat_true, flat_pred, weights, sequences.lengths, sequences.form)


def labels_of_steps(
    y: Any, padding_label: Any = "auto", lengths: ArrayLike | None = None
) -> tuple[Array, Ids]:
    """Return the labels of all valid steps, as strings, and the sequences' lengths."""
    array = _as_array(y, "y")
    if array.ndim == 2:
        n_steps = _valid_lengths(array, padding_label, lengths)
        flat = array[mask_of_steps(n_steps, array.shape[1])]
        return flat.astype(str), n_steps
    if array.ndim > 2 or (len(array) and not _is_ragged(array)):
        raise ValueError(
            f"y has shape {array.shape} and no list of labels for each sequence; wrap "
            "a single sequence in a list, and pass strings of one label per character "
            "through as_ragged"
        )
    if lengths is not None:
        raise ValueError("lengths go with padded arrays; y has no padding")
    for i, item in enumerate(array):
        if np.ndim(item) > 1:
            raise ValueError(f"y[{i}] has {item.ndim} axes; give every step one label")
    n_steps = lengths_of_labels(array, "y")
    return concatenated([*array, np.array([], str)]).astype(str), n_steps


def _with_booleans(true: Array, predicted: Array) -> Array:
    """Convert padded predictions of boolean classes from numbers to booleans."""
    is_boolean = true.dtype == bool and predicted.dtype.kind in "iu"
    if is_boolean and np.isin(predicted, [0, 1]).all():
        return predicted.astype(bool)
    return predicted


def _as_array(values: Any, name: str) -> Array:
    """Return a padded array, an object array of arrays, or one label per row."""
    reject_masked(values, name, "padding_label")
    if values is None:
        raise ValueError(f"{name} is None")
    if sparse.issparse(values):
        raise ValueError(f"{name} is sparse; pass a dense array")
    values = plain(values, name)
    if len(getattr(values, "shape", ())) > 1:
        return np.asarray(values)
    if not hasattr(values, "__len__") or getattr(values, "shape", None) == ():
        raise ValueError(
            f"{name} is the single label {shown(values)}; wrap it in a list"
        )
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values
    items = list(values)
    if any(_is_sequence(item) for item in items):
        return objects(_labels_of(item, f"{name}[{i}]") for i, item in enumerate(items))
    return _labels_of(items, name)


def _is_sequence(item: Any) -> bool:
    return isinstance(item, list | tuple) or np.ndim(item) > 0


def _labels_of(item: Any, name: str) -> Array:
    reject_masked(item, name, "padding_label")
    return labels_of(item, name)


def _is_ragged(array: Array) -> bool:
    """Tell whether an array contains sequences rather than single labels."""
    return array.dtype == object and array.ndim == 1 and any(map(_is_sequence, array))


def _is_flat(array: Array) -> bool:
    return array.ndim == 1 and not _is_ragged(array)


def _rows_of_numbers(array: Array) -> Array:
    """Stack lists of floats of equal length; return anything else unchanged."""
    is_rectangle = _is_ragged(array) and len({item.shape for item in array}) == 1
    if not is_rectangle or array[0].ndim != 1:
        return array
    is_float = all(item.dtype.kind == "f" for item in array)
    return np.stack(list(array)) if is_float else array


def _characters(true: Array, predicted: Array) -> tuple[Array, Array]:
    """Split strings that are sequences of one label per character."""
    if _is_text(true) and not _is_flat(predicted) and predicted.dtype.kind in "UO":
        true = objects(_labels_of(text, "y_true") for text in true)
    if _is_text(predicted) and not _is_flat(true):
        predicted = objects(_labels_of(text, "y_pred") for text in predicted)
    return true, predicted


def _is_text(array: Array) -> bool:
    return _is_flat(array) and all(isinstance(item, str) for item in array)


def _reject_two_lists_of_strings(true: Array, predicted: Array) -> None:
    """Raise where strings may be sequences of characters, or one label each."""
    both = _is_text(true) and _is_text(predicted)
    if both and any(len(text) != 1 for text in (*true, *predicted)):
        raise ValueError(
            "y_true and y_pred are lists of strings, which may be sequences or labels; "
            "pass strings of one label per character through as_ragged, labels of "
            "one-step sequences as np.asarray(y_pred), and wrap a single sequence in a "
            "list"
        )


def _padding_label(array: Array, padding_label: Any) -> Any:
    if not _is_auto(padding_label):
        return padding_label
    if array.dtype.kind == "f":
        return np.nan
    is_object = array.dtype == object
    has_text = is_object and any(isinstance(value, str) for value in array.flat)
    return "" if has_text or array.dtype.kind == "U" else -1


def _is_auto(padding_label: Any) -> bool:
    return isinstance(padding_label, str) and padding_label == "auto"


def _sequences_of(
    true: Array, predicted: Array, padding_label: Any, lengths: ArrayLike | None
) -> Sequences:
    """Find the valid steps."""
    form: Literal["padded", "ragged", "rows"]
    if _is_flat(predicted) or _is_rows_of_numbers(predicted, true):
        form, n_valid = "rows", np.ones(len(predicted), np.intp)
    elif _is_ragged(predicted):
        form, n_valid = "ragged", lengths_of_labels(predicted, "y_pred")
    else:
        form, n_valid = "padded", _valid_lengths(predicted, padding_label, lengths)
    if form == "ragged" and true.ndim > 1:
        _check_lengths_of_lists(n_valid, true, padding_label, lengths)
    elif form != "padded" and lengths is not None:
        raise ValueError("lengths go with padded arrays; y_pred has no padding")
    return Sequences(form, predicted, n_valid, 0, np.dtype(np.float64))


def _is_rows_of_numbers(predicted: Array, true: Array) -> bool:
    """Tell whether predictions are probabilities of one step per sequence."""
    return predicted.ndim == 2 and predicted.dtype.kind == "f" and _is_flat(true)


def _valid_lengths(array: Array, padding_label: Any, lengths: ArrayLike | None) -> Ids:
    """Return the lengths of the sequences in a padded array."""
    if lengths is not None:
        return check_lengths(lengths, np.full(len(array), array.shape[1]))
    if array.ndim > 2:
        array = floats(array, "y_pred") if array.dtype == object else array
        return padded_lengths(array, np.nan)
    return lengths_to_last(~_equals(array, _padding_label(array, padding_label)))


def _check_lengths_of_lists(
    n_predicted: Ids, true: Array, padding_label: Any, lengths: ArrayLike | None
) -> None:
    """Compare predictions in a list with the padding of an array of true labels."""
    n_true = _valid_lengths(true, padding_label, lengths)
    wrong = n_predicted != n_true
    if lengths is None and true.dtype.kind == "f":
        # NaN may also be a missing label, which is valid if its weight is zero.
        wrong = (n_predicted < n_true) | (n_predicted > true.shape[1])
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(
            f"y_pred[{i}] has {n_predicted[i]} labels but y_true[{i}] has {n_true[i]} "
            "valid steps; give every valid step one label, and pass padding_label or "
            "lengths if y_true is padded by other labels"
        )


def _equals(array: Array, label: Any) -> Mask:
    is_nan = isinstance(label, float) and np.isnan(label)
    if array.dtype != object:
        return np.asarray(array != array if is_nan else array == label)
    # Comparing pandas.NA returns NA, which NumPy cannot convert to a boolean.
    equal = [value != value if is_nan else value == label for value in array.flat]
    marks = [isinstance(mark, bool | np.bool_) and bool(mark) for mark in equal]
    return np.array(marks, dtype=bool).reshape(array.shape)


def _flat_labels(values: Array, sequences: Sequences, name: str) -> Array:
    """Return the values at valid steps."""
    lengths = sequences.lengths
    if _is_ragged(values):
        n_labels = lengths_of_labels(values, name)
        if (n_labels != lengths).any():
            i = int((n_labels != lengths).argmax())
            raise _mismatch(f"{name}[{i}] has {n_labels[i]} labels", i, lengths)
        return concatenated(list(values))
    if sequences.form == "rows":
        return column_or_1d(values) if name == "y_true" else values
    if values.ndim < 2:
        raise _mismatch(f"{name}[0] is a single label", 0, lengths)
    if values.shape[1] < lengths.max():
        i = int(lengths.argmax())
        raise _mismatch(f"{name} has shape {values.shape}", i, lengths)
    return sequences.of_valid_steps(values)


def _mismatch(found: str, i: int, lengths: Ids) -> ValueError:
    return ValueError(
        f"{found} but y_pred[{i}] has {lengths[i]} valid steps; give every valid step "
        "one label"
    )


def _check_contradictions(
    true: Array, predicted: Array, sequences: Sequences, padding_label: Any
) -> None:
    """Raise if the padding label may be a class."""
    label = _padding_label(sequences.data, padding_label)
    if predicted.ndim > 1 or (isinstance(label, float) and np.isnan(label)):
        return
    for name, flat in (("y_true", true), ("y_pred", predicted)):
        wrong = _equals(flat, label)
        if _is_auto(padding_label) and name == "y_pred" and flat.dtype.kind == "i":
            wrong |= flat < -1
        if wrong.any():
            step = int(wrong.argmax())
            raise ValueError(
                f"{name}{sequences.name(step)} is {shown(flat[step])}, and "
                f"{shown(label)} is "
                "read as padding; pass padding_label, the padding_label_ of the "
                "model, or the lengths of the sequences"
            )
