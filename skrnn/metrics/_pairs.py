"""True and predicted values, in every form that users have, step by step.

    y_true, y_pred of (n_sequences, n_steps)  ->  y_true, y_pred of (n_valid_steps,)

Predictions show their padding, so they say which steps are valid; true labels are
never asked.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import column_or_1d

from skrnn._padding import check_lengths
from skrnn._sequences import Sequences, objects, padded_lengths, reject_masked
from skrnn._targets import check_complete, check_weights, of_one_type

Array = NDArray[Any]


@dataclass
class Steps:
    """True and predicted values of all valid steps, one sequence after another."""

    y_true: Array  # (n_valid_steps,), or (n_valid_steps, n_outputs)
    y_pred: Array  # (n_valid_steps,), or (n_valid_steps, n_classes)
    sample_weight: NDArray[np.float64] | None  # (n_valid_steps,)
    lengths: NDArray[np.intp]  # (n_sequences,)
    form: Literal["padded", "ragged", "rows"]

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
        """Raise where steps have several numbers instead of one label."""
        for name, values in (("y_true", self.y_true), ("y_pred", self.y_pred)):
            if values.ndim > 1:
                raise ValueError(
                    f"{name} has {values.shape[1]} numbers for each step, but this "
                    "metric compares labels; of probabilities pass "
                    "classes_[y_pred.argmax(axis=-1)]"
                )

    def weights_of_sequences(self) -> NDArray[np.float64]:
        """Return one weight for each sequence, 0 for those without a valid step."""
        weights = np.zeros(len(self.lengths))
        there = self.lengths > 0
        if self.sample_weight is None:
            weights[there] = 1
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


def pair_steps(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    padding_label: Any = "auto",
    lengths: ArrayLike | None = None,
) -> Steps:
    """Pair the true and the predicted values of all valid steps."""
    true, predicted = _characters(
        _as_array(y_true, "y_true"), _as_array(y_pred, "y_pred")
    )
    check_consistent_length(true, predicted)
    label = _padding_label(predicted, padding_label)
    sequences = _sequences_of(predicted, true, label, lengths)
    if not sequences.lengths.any():
        raise ValueError("y_pred has no valid step")
    flat_true = _flat_labels(true, sequences, "y_true")
    flat_pred = _flat_labels(predicted, sequences, "y_pred")
    if sequences.form == "padded" and lengths is None:
        is_auto = isinstance(padding_label, str) and padding_label == "auto"
        _check_contradictions(flat_true, flat_pred, sequences, label, is_auto)
    if flat_true.ndim == 1:
        check_complete(flat_true, sequences)
    flat_true, flat_pred = of_one_type(flat_true), of_one_type(flat_pred)
    if flat_true.dtype == bool and flat_pred.dtype.kind in "iu":
        # Padded predictions of boolean classes are integers.
        flat_pred = flat_pred.astype(bool)
    weights = None
    if sample_weight is not None:
        weights = check_weights(sample_weight, sequences)
    return Steps(flat_true, flat_pred, weights, sequences.lengths, sequences.form)


def _as_array(values: Any, name: str) -> Array:
    """Return a padded array, an object array of arrays, or one label for each row."""
    reject_masked(values, name, "padding_label")
    if values is None:
        raise ValueError(f"{name} is None")
    try:
        array = np.asarray(values)
    except ValueError:  # sequences of several lengths
        return objects(_labels_of(item) for item in values)
    if array.ndim == 0:
        raise ValueError(f"{name} is the single label {values!r}; wrap it in a list")
    if array.dtype.kind == "U" and not isinstance(values, np.ndarray):
        # Strings must not turn numbers beside them into strings.
        array = np.asarray(values, dtype=object)
    if _is_ragged(array):
        return objects(_labels_of(item) for item in array)
    return array


def _labels_of(item: Any) -> Array:
    return np.asarray(list(item) if isinstance(item, str) else item)


def _is_ragged(array: Array) -> bool:
    """Tell sequences of any length from an array of single labels."""
    return (
        array.dtype == object
        and array.ndim == 1
        and any(isinstance(item, list | tuple) or np.ndim(item) > 0 for item in array)
    )


def _is_flat(array: Array) -> bool:
    return array.ndim == 1 and not _is_ragged(array)


def _characters(true: Array, predicted: Array) -> tuple[Array, Array]:
    """Take strings apart that stand for sequences of one label per character."""

    def is_text(array: Array) -> bool:
        return _is_flat(array) and all(isinstance(item, str) for item in array)

    if is_text(true) and not _is_flat(predicted) and predicted.dtype.kind in "UO":
        true = objects(map(_labels_of, true))
    if is_text(predicted) and not _is_flat(true):
        predicted = objects(map(_labels_of, predicted))
    return true, predicted


def _padding_label(predicted: Array, padding_label: Any) -> Any:
    if not (isinstance(padding_label, str) and padding_label == "auto"):
        return padding_label
    if predicted.dtype.kind == "f":
        return np.nan
    is_text = predicted.dtype.kind == "U" or (
        predicted.dtype == object and any(isinstance(v, str) for v in predicted.flat)
    )
    return "" if is_text else -1


def _sequences_of(
    predicted: Array, true: Array, label: Any, lengths: ArrayLike | None
) -> Sequences:
    """Find the valid steps of predictions."""
    form: Literal["padded", "ragged", "rows"]
    if _is_ragged(predicted):
        form, n_valid = "ragged", np.array([len(item) for item in predicted], np.intp)
    elif _is_flat(predicted) or _is_rows_of_numbers(predicted, true):
        form, n_valid = "rows", np.ones(len(predicted), np.intp)
    elif lengths is None:
        form, n_valid = "padded", lengths_from_marks(_is_padding(predicted, label))
    else:
        n_steps = np.full(len(predicted), predicted.shape[1])
        form, n_valid = "padded", check_lengths(lengths, n_steps)
    if form != "padded" and lengths is not None:
        raise ValueError("lengths go with padded predictions; y_pred has no padding")
    return Sequences(form, predicted, n_valid, 0, np.dtype(np.float64))


def _is_rows_of_numbers(predicted: Array, true: Array) -> bool:
    """Tell probabilities of one step for each sequence from labels of many."""
    return predicted.ndim == 2 and predicted.dtype.kind == "f" and _is_flat(true)


def lengths_from_marks(is_padding: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the lengths of sequences whose padding is marked."""
    return padded_lengths(is_padding[..., None], padding_value=True)


def _is_padding(predicted: Array, label: Any) -> NDArray[np.bool_]:
    if predicted.ndim > 2:
        return np.asarray(np.isnan(predicted).all(axis=2))
    return _equals(predicted, label)


def _equals(array: Array, label: Any) -> NDArray[np.bool_]:
    is_nan = isinstance(label, float) and np.isnan(label)
    equal: NDArray[np.bool_] = np.asarray(array != array if is_nan else array == label)
    return equal


def _flat_labels(values: Array, sequences: Sequences, name: str) -> Array:
    """Return the values at valid steps."""
    if sequences.form == "rows":
        return column_or_1d(values) if name == "y_true" else values
    lengths = sequences.lengths
    if _is_ragged(values):
        shapes = {np.shape(item) for item in values}
        if sequences.form == "padded" and len(shapes) == 1:
            values = np.stack(list(values))
        else:
            return _concatenate(values, lengths, name)
    if values.ndim < 2 or values.shape[1] < lengths.max():
        raise ValueError(
            f"{name} has shape {values.shape} but the longest sequence of y_pred has "
            f"{lengths.max()} valid steps; give every valid step one label"
        )
    flat: Array = values[np.arange(values.shape[1]) < lengths[:, None]]
    return flat


def _concatenate(values: Array, lengths: NDArray[np.intp], name: str) -> Array:
    for i, (item, n) in enumerate(zip(values, lengths.tolist(), strict=True)):
        if np.ndim(item) == 0 or len(item) != n:
            raise ValueError(
                f"{name}[{i}] has {np.size(item)} labels but y_pred[{i}] has {n} valid "
                "steps; give every valid step one label"
            )
    parts = [item for item in values if len(item)]
    if len({part.dtype.kind == "U" for part in parts}) > 1:
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def _check_contradictions(
    true: Array, predicted: Array, sequences: Sequences, label: Any, is_auto: bool
) -> None:
    """Raise where the padding label may be a class."""
    if predicted.ndim > 1 or (isinstance(label, float) and np.isnan(label)):
        return
    for name, flat in (("y_true", true), ("y_pred", predicted)):
        wrong = _equals(flat, label)
        if is_auto and name == "y_pred" and flat.dtype.kind == "i":
            wrong |= flat < -1
        if wrong.any():
            step = int(wrong.argmax())
            raise ValueError(
                f"{name}{sequences.name(step)} is {flat[step]!r}, and {label!r} is "
                "taken for padding; pass padding_label, the padding_label_ of the "
                "model, or the lengths of the sequences"
            )
