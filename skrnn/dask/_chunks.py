"""Chunks of labeled sequences, read and checked on their workers.

These functions run as tasks and do not depend on Dask. A task may run again after a
worker was lost, so none modifies its arguments.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._validation.containers import objects
from skrnn._validation.sequences import Form, Sequences, check_sequences
from skrnn._validation.targets import check_groups, of_one_type, weights_of_steps
from skrnn._validation.transitions import check_labelings, check_weights_of_chains

Array = NDArray[Any]
Ids = NDArray[np.intp]
Mask = NDArray[np.bool_]
Vector = NDArray[np.float64]

ALL_EMPTY = (
    "Found array with 0 sample(s) while a minimum of 1 is required: all chunks are "
    "empty"
)


class SizeofMixin:
    """Result that reports its size to Dask's scheduler."""

    def __sizeof__(self) -> int:
        """Return the approximate size of the arrays in bytes."""
        return _size(vars(self))


def _size(part: Any) -> int:
    if isinstance(part, np.ndarray):
        return part.nbytes
    if isinstance(part, dict):
        return _size(list(part.values()))
    if isinstance(part, list | tuple):
        return sum(map(_size, part))
    return _size(getattr(part, "__dict__", ()))


@dataclass
class Chunk(SizeofMixin):
    """Labeled sequences of one chunk, checked."""

    sequences: Sequences
    y: Array  # (n_steps,) labels, empty if all are missing, or (n_steps, ...) numbers
    w: Vector  # (n_steps,)
    groups: Array | None = None  # (n_sequences,)
    number: int = 0


class ClassTargets(NamedTuple):
    """Targets that are classes."""

    classes: Array
    class_weights: Vector

    def encode(self, chunk: "Chunk") -> Ids:
        """Return the class index of each label."""
        if not len(chunk.y):  # no step is labeled, and all weights are zero
            return np.zeros(len(chunk.w), np.intp)
        return np.searchsorted(self.classes, chunk.y).astype(np.intp, copy=False)

    def weights(self, y: Ids) -> Vector:
        """Return the factor on the weight of each step."""
        return self.class_weights[y]


class NumericTargets(NamedTuple):
    """Targets that are numbers."""

    def encode(self, chunk: "Chunk") -> Array:
        """Return one row of numbers for each step."""
        return chunk.y.reshape(len(chunk.y), -1)

    def weights(self, y: Array) -> Vector:
        """Return the factor on the weight of each step."""
        return np.ones(len(y))


Targets = ClassTargets | NumericTargets


class DescribedTargets(NamedTuple):
    """The targets of all chunks, and what they determine."""

    targets: Targets
    n_outputs: int
    attributes: dict[str, Any]  # of the fitted estimator
    allowed: Mask | None = None  # transitions; None if all are


class ChunkReader(NamedTuple):
    """How to read the arguments of `fit`."""

    estimator: Any  # for data in memory, with the parameters
    targets: Callable[[Any, Sequences, str, Vector], Array]


def load(
    check: ChunkReader, chunks: Sequence[tuple[Any, ...]], first: int
) -> list[Chunk]:
    """Check sequences, targets and weights of all chunks with sequences."""
    loaded = []
    for number, parts in enumerate(chunks, start=first):
        X, y, sample_weight, groups = map(sized, parts)
        if length(X):
            with name_chunk(number):
                chunk = _checked(check, X, y, sample_weight, groups)
            loaded.append(replace(chunk, number=number))
    return loaded


def _checked(
    check: ChunkReader, X: Any, y: Any, sample_weight: Any, groups: Any
) -> Chunk:
    estimator = check.estimator
    sequences = check_sequences(
        estimator, X, padding_value=estimator.padding_value, fitting=True
    )
    weights = weights_of_steps(sample_weight, sequences)
    targets = check.targets(y, sequences, type(estimator).__name__, weights)
    return Chunk(sequences, targets, weights, check_groups(groups, sequences))


def sized(part: Any) -> Any:
    """Return a part of a chunk as a collection with a length."""
    return part if part is None or hasattr(part, "shape") else list(part)


def length(X: Any) -> int:
    """Return the number of sequences of a chunk."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


@contextmanager
def name_chunk(number: int) -> Iterator[None]:
    """Add the number of the chunk to errors."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"chunk {number} of the data: {error}") from error


def check_chains(
    chunks: list[Chunk], targets: ClassTargets, allowed: Mask | None
) -> None:
    """Check the labels of each sequence together, as those of a chain."""
    for chunk in chunks:
        codes = targets.encode(chunk)
        weights = chunk.w * targets.weights(codes)
        with name_chunk(chunk.number):
            check_weights_of_chains(weights, chunk.sequences)
            if allowed is not None:
                check_labelings(
                    codes, weights, chunk.sequences, allowed, targets.classes
                )


class Description(NamedTuple):
    """Properties of one chunk that all workers need."""

    n_features: int
    is_single: bool  # whether it is of single precision
    form: Form
    shape: tuple[int, ...]  # of the targets of a step
    classes: Array  # only one if targets are numbers
    counts: Vector  # weight of the steps of each class


def describe(chunks: list[Chunk], has_labels: bool) -> list[Description]:
    """Describe every chunk."""
    return [_described(chunk, has_labels) for chunk in chunks]


def _described(chunk: Chunk, has_labels: bool) -> Description:
    sequences, y, w = chunk.sequences, chunk.y, chunk.w
    labels = y if has_labels else np.zeros(len(y))
    classes, codes = np.unique(labels, return_inverse=True)
    return Description(
        sequences.n_features,
        sequences.dtype == np.float32,
        Form.of(sequences),
        y.shape[1:],
        classes,
        sums(codes, w[: len(codes)], len(classes)),
    )


def describe_all(found: list[Description]) -> Description:
    """Describe all chunks together."""
    if not found:
        raise ValueError(ALL_EMPTY)
    for what in ("n_features", "shape"):
        values = sorted({getattr(one, what) for one in found})
        if len(values) > 1:
            name = "features of X" if what == "n_features" else "shapes of targets"
            raise ValueError(
                f"chunks differ in the {name}: {values}; give all chunks the same"
            )
    is_single = all(one.is_single for one in found)
    form = _common_form([one.form for one in found])
    found = [one for one in found if len(one.classes)] or found[:1]
    # Concatenation with strings would turn numbers of other chunks into strings.
    labels = [label for one in found for label in one.classes.tolist()]
    of_one_type(objects(labels))
    classes, codes = np.unique(
        np.concatenate([one.classes for one in found]), return_inverse=True
    )
    counts = sums(codes, np.concatenate([one.counts for one in found]), len(classes))
    return found[0]._replace(
        is_single=is_single, form=form, classes=classes, counts=counts
    )


def _common_form(forms: list[Form]) -> Form:
    """Return the form of all chunks; data frames must have the same columns."""
    names = [[*form.feature_names] for form in forms if form.feature_names is not None]
    other = next((found for found in names if found != names[0]), None)
    if other is not None:
        raise ValueError(
            f"chunks differ in the columns of X: {names[0]} and {other}; give all "
            "chunks the same columns in the same order"
        )
    return Form(
        any(form.is_table for form in forms),
        any(form.has_several_steps for form in forms),
        np.array(names[0], dtype=object) if names else None,
    )


def sums(numbers: Ids, values: Vector, n: int) -> Vector:
    """Sum the values for each of the numbers 0, ..., n - 1."""
    return np.bincount(numbers, values, n).astype(np.float64, copy=False)
