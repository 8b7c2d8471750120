"""Data frames with one row per step, from sequences.

    padded or ragged X, values   ->   sequence  order  features...  values...

The library of the frame is imported when it is needed.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Literal

import numpy as np
from scipy import sparse

from skrnn._validation.arrays import Array
from skrnn._validation.containers import objects, plain, shown
from skrnn._validation.persistence import set_module
from skrnn._validation.reading import read_any_steps
from skrnn._validation.sequences import Sequences
from skrnn._validation.tables import column_names, is_frame
from skrnn._validation.targets import concatenated
from skrnn._validation.tokens import as_list

from ._from_frames import of_one_type, typed
from ._padding import as_ragged


@set_module("skrnn")
def frame_from_sequences(
    X: Any,
    values: Mapping[Any, Any] | None = None,
    *,
    sequence_names: Any = None,
    feature_names: str | Sequence[str] | None = None,
    sequence: str | Sequence[str] = "sequence",
    order: str | None = "step",
    padding_value: float = np.nan,
    library: Literal["pandas", "polars"] = "pandas",
) -> Any:
    """Convert sequences to a data frame with one row per valid step.

    Parameters
    ----------
    X : array-like of n_sequences sequences
        Padded or ragged sequences, or strings or lists of tokens. They determine which
        steps are valid.
    values : mapping of str or tuple of str to array-like, default=None
        Other values for each step, such as labels, predictions or probabilities: padded
        with a column for every step of X, or ragged. Several numbers per step, of shape
        (n_sequences, n_steps, n_columns), become columns named by a tuple of names, or
        by one name followed by `_0`, `_1`, ...
    sequence_names : array-like of shape (n_sequences,), default=None
        Names of the sequences; None numbers them. For several columns `sequence`,
        tuples with a value for each.
    feature_names : str or sequence of str, default=None
        Column names for the features of X. None takes those of data frames, `token` for
        tokens, and `x0`, `x1`, ... otherwise. An empty list leaves X out.
    sequence : str or sequence of str, default="sequence"
        Name of the column with the names of the sequences, or of several columns.
    order : str or None, default="step"
        Name of the column that numbers the steps of each sequence from 0. None leaves
        it out, as for `values` that hold the `order_values` of
        :func:`~skrnn.sequences_from_frame`.
    padding_value : float, default=nan
        In a 3-D array, trailing steps whose features all equal this value are padding.
    library : {"pandas", "polars"}, default="pandas"
        Library of the data frame. It must be installed.

    Returns
    -------
    pandas or polars DataFrame
        The columns `sequence` and `order`, those of X and those of `values`.

    Raises
    ------
    ValueError
        If values do not match the steps of X, or names are too few or not distinct.
    TypeError
        If `values` is not a mapping, or `sequence_names` have several types.

    See Also
    --------
    sequences_from_frame : The inverse conversion.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier, frame_from_sequences
    >>> from skrnn.datasets import load_hello
    >>> X, y = load_hello(return_X_y=True)
    >>> model = VanillaRNNClassifier(3, alpha=0.001, random_state=0).fit(X, y)
    >>> frame_from_sequences(
    ...     X,
    ...     {"label": y, "prediction": model.predict(X)},
    ...     feature_names=[],
    ... )
       sequence  step label prediction
    0         0     0     e          e
    1         0     1     l          l
    2         0     2     l          l
    3         0     3     o          o
    """
    steps, sequences, _ = read_any_steps(X, padding_value)
    lengths = sequences.lengths
    if sequence_names is None:
        if not isinstance(sequence, str):
            raise ValueError(
                "sequence names several columns; pass sequence_names, tuples with a "
                "value for each"
            )
        sequence_names = np.arange(len(lengths))
    sequence_names = _names_of_sequences(plain(sequence_names, "sequence_names"))
    if len(sequence_names) != len(lengths):
        raise ValueError(
            f"sequence_names has {len(sequence_names)} names but X has {len(lengths)} "
            "sequences"
        )
    parts = [
        (name, np.repeat(column, lengths))
        for name, column in _columns_of_names(sequence_names, sequence)
    ]
    if order is not None:
        starts = np.repeat(lengths.cumsum() - lengths, lengths)
        parts.append((order, np.arange(len(starts)) - starts))
    if feature_names is None:
        feature_names = _feature_names(steps)
    elif isinstance(feature_names, str):
        feature_names = [feature_names]
    feature_names = as_list(plain(feature_names, "feature_names"), "feature_names")
    if feature_names:
        steps = steps.toarray() if sparse.issparse(steps) else np.asarray(steps)
        parts += _named_columns(tuple(feature_names), steps)
    if not isinstance(values, Mapping | None):
        raise TypeError(
            f"values is of type {type(values).__name__}; pass a dict, {{name: values}}"
        )
    for name, per_step in (values or {}).items():
        what = f"values[{name!r}]"
        per_step = _flat(plain(per_step, what), sequences, what)
        parts += _named_columns(name, per_step)
    columns = dict(parts)
    if len(columns) < len(parts):
        raise ValueError(f"two columns have one name: {[name for name, _ in parts]}")
    return import_module(library).DataFrame(columns)


def _names_of_sequences(names: Any) -> Array:
    """Return one name for each sequence; names may be tuples."""
    if isinstance(names, list | tuple):
        names = objects(names)
    if np.ndim(names) != 1:
        raise ValueError(
            f"sequence_names has shape {np.shape(names)}; give every sequence one name"
        )
    return of_one_type(names, "sequence_names", "give all names one type")


def _columns_of_names(
    sequence_names: Array, sequence: str | Sequence[str]
) -> list[tuple[str, Array]]:
    """Return the columns that name the sequences: tuples make several."""
    if isinstance(sequence, str):
        return [(sequence, sequence_names)]
    sequence = list(sequence)
    n_columns = len(sequence)
    for i, name in enumerate(sequence_names):
        if not isinstance(name, tuple | list) or len(name) != n_columns:
            raise ValueError(
                f"sequence_names[{i}] is {shown(name)}; pass tuples with a value for "
                f"each of the {n_columns} columns of sequence"
            )
    columns = zip(*sequence_names, strict=True)
    return [
        (name, _names_of_sequences(column))
        for name, column in zip(sequence, columns, strict=True)
    ]


def _feature_names(steps: Any) -> list[str]:
    if is_frame(steps):
        return [str(name) for name in column_names(steps)]
    if steps.ndim == 1:
        return ["token"]
    return [f"x{i}" for i in range(steps.shape[1])]


def _named_columns(name: Any, values: Array) -> list[tuple[str, Array]]:
    """Return the columns of values, (M,) or (M, K), named by a name or K names."""
    if values.ndim == 1:
        values = values[:, None]
        name = (name,) if isinstance(name, str) else name
    n_columns = values.shape[1]
    names = [f"{name}_{i}" for i in range(n_columns)] if isinstance(name, str) else name
    if len(names) != n_columns:
        raise ValueError(
            f"the names {names} are for {len(names)} columns but there are {n_columns}"
        )
    return list(zip(names, map(typed, values.T), strict=True))


def _flat(per_step: Any, sequences: Sequences, what: str) -> Array:
    """Return the values at valid steps, of shape (M,) or (M, K)."""
    lengths = sequences.lengths
    if not hasattr(per_step, "__len__"):
        raise ValueError(f"{what} is {shown(per_step)}; give every step of X a value")
    if len(per_step) != len(lengths):
        raise ValueError(
            f"{what} has {len(per_step)} sequences but X has {len(lengths)}"
        )
    if getattr(per_step, "ndim", 1) > 1:
        n_steps, longest = np.shape(per_step)[1], int(lengths.max())
        if n_steps < longest:
            raise ValueError(
                f"{what} has {n_steps} steps but the longest sequence of X has "
                f"{longest} valid ones"
            )
        return sequences.of_valid_steps(np.asarray(per_step))
    items = as_ragged(per_step)
    for i, (item, n) in enumerate(zip(items, lengths.tolist(), strict=True)):
        if len(item) != n:
            raise ValueError(
                f"{what}[{i}] has {len(item)} steps but X[{i}] has {n} valid ones"
            )
    return concatenated(list(items))
