"""Adding and removing padding, and ragged labels that scikit-learn accepts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_consistent_length

from skrnn._validation.arrays import Array, Ids, Mask
from skrnn._validation.containers import evenly_nested, objects, plain, reject_iterators
from skrnn._validation.persistence import set_module
from skrnn._validation.sequences import list_items, mask_of_steps, padded_lengths
from skrnn._validation.tables import common_columns
from skrnn._validation.targets import (
    LABEL,
    known_labels,
    labels_of,
    padding_label_for,
    with_padding_label,
)


@set_module("skrnn")
def pad_sequences(
    sequences: Sequence[Any] | Array,
    lengths: ArrayLike | None = None,
    padding_value: float = np.nan,
) -> Array:
    """Pad sequences of different lengths to one array.

    Parameters
    ----------
    sequences : sequence of array-like or sparse array of shape (n_steps_i, n_features)
        Lists of sequences, or an array of shape (n_sequences, n_steps, n_features) with
        any other padding.
    lengths : array-like of shape (n_sequences,), default=None
        Number of valid steps of each sequence; later steps become padding. If None, all
        steps are valid.
    padding_value : float, default=nan
        Value of every feature at padding.

    Returns
    -------
    ndarray of shape (n_sequences, n_steps, n_features)
        A new array. Its type is that of the sequences if this can represent the padding
        value, otherwise float64.

    Raises
    ------
    ValueError
        If sequences are not two-dimensional, differ in the number of features, or are
        shorter than their entry in `lengths`.
    TypeError
        If `sequences` is a generator or another iterable without indices.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import pad_sequences
    >>> pad_sequences([[[1.0], [2.0]], [[3.0]]])[..., 0]
    array([[ 1.,  2.],
           [ 3., nan]])
    >>> zero_padded = np.array([[[1], [2]], [[3], [0]]])
    >>> pad_sequences(zero_padded, lengths=[2, 1])[..., 0]
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    reject_iterators(sequences, "sequences")
    listed = list_items(sequences, "sequences")
    common_columns(listed or [], "sequences")
    sequences = plain(sequences if listed is None else listed, "sequences")
    items = [
        x.toarray() if sparse.issparse(x) else evenly_nested(x, f"sequences[{i}]")
        for i, x in enumerate(sequences)
    ]
    n_features = next((item.shape[1] for item in items if item.ndim == 2), 0)
    # An empty list has neither steps nor features.
    items = [x if x.size or any(x.shape) else x.reshape(0, n_features) for x in items]
    for i, item in enumerate(items):
        if item.ndim != 2 or item.shape[1] != n_features:
            raise ValueError(
                f"sequences[{i}] has shape {item.shape}; every sequence needs shape "
                "(n_steps, n_features), with the same features"
            )
    n_valid = np.array([len(item) for item in items], dtype=np.intp)
    if lengths is not None:
        n_valid = check_lengths(lengths, n_valid)
    n_steps = int(n_valid.max(initial=0))
    if isinstance(sequences, np.ndarray) and sequences.ndim == 3:
        n_steps = sequences.shape[1]
    dtype = np.result_type(*[item for item in items if item.size] or [np.float64])
    if not np.can_cast(np.min_scalar_type(padding_value), dtype):
        dtype = np.dtype(np.float64)
    result = np.full((len(items), n_steps, n_features), padding_value, dtype)
    for row, item, n in zip(result, items, n_valid, strict=True):
        row[:n] = item[:n]
    return result


@set_module("skrnn")
def pad_labels(sequences: Sequence[Any], padding_label: Any = "auto") -> Array:
    """Pad label sequences of different lengths to one array.

    Parameters
    ----------
    sequences : sequence of array-like of shape (n_steps_i,), or of str
        The labels of each sequence; a string has one label per character.
    padding_label : object, default="auto"
        Label at padding. "auto" is -1 for integers (one below the smallest label if -1
        is a label), one below the smallest label for floats, and '' for strings.

    Returns
    -------
    ndarray of shape (n_sequences, n_steps)
        A new array. Missing labels (None, NaN or `pandas.NA`) become NaN; unless the
        other labels are floats, the array then has dtype object.

    Raises
    ------
    ValueError
        If `padding_label` is one of the labels, or a step has several labels.
    TypeError
        If labels are of mixed types, or `sequences` is a generator or another iterable
        without indices.

    Examples
    --------
    >>> from skrnn import pad_labels
    >>> pad_labels([[3, 1, 2], [2]])
    array([[ 3,  1,  2],
           [ 2, -1, -1]])
    """
    items, lengths = _ragged(sequences, "sequences")
    for i, item in enumerate(items):
        if item.ndim > 1:
            raise ValueError(
                f"sequences[{i}] has {item.ndim} axes; give every step one label"
                + LABEL.hint
            )
    known, missing = known_labels(list(items))
    with np.errstate(over="ignore"):  # of 1e300 beside an object that is a float32
        label = padding_label_for(np.unique(known), padding_label)
    flat = with_padding_label(known, label)
    if missing.any():
        known = flat
        dtype = known.dtype if known.dtype.kind == "f" else object
        flat = np.full(missing.shape, np.nan, dtype)
        flat[~missing] = known
    result = np.full((len(items), int(lengths.max(initial=0))), label, flat.dtype)
    result[mask_of_steps(lengths, result.shape[1])] = flat
    return result


@set_module("skrnn")
def unpad(X: ArrayLike, *arrays: ArrayLike, padding_value: float = np.nan) -> Any:
    """Remove padding from X and from arrays with values for its steps.

    Parameters
    ----------
    X : array-like of shape (n_sequences, n_steps, n_features)
        Sequences, padded at the end.
    *arrays : array-like of shape (n_sequences, n_steps, ...)
        Labels, probabilities or other values for every step of X.
    padding_value : float, default=nan
        Trailing steps whose features all equal this value are padding.

    Returns
    -------
    ndarray of object of shape (n_sequences,), or tuple of them
        Copies of the valid steps of each sequence: for X only, or for X and each of
        `arrays`.

    Raises
    ------
    ValueError
        If X has not three axes, or an array does not go with it.
    TypeError
        If X is a generator or another iterable without indices.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import unpad
    >>> X = np.array([[[1.0], [2.0]], [[3.0], [np.nan]]])
    >>> sequences, labels = unpad(X, [["a", "b"], ["c", ""]])
    >>> labels.tolist()
    [array(['a', 'b'], dtype='<U1'), array(['c'], dtype='<U1')]
    """
    X, lengths = _padded(X, padding_value)
    check_consistent_length(X, *arrays)
    arrays = tuple(evenly_nested(a, f"arrays[{i}]") for i, a in enumerate(arrays))
    for a in arrays:
        if np.ndim(a) < 2 or np.shape(a)[1] < lengths.max(initial=0):
            raise ValueError(
                f"an array of shape {np.shape(a)} does not match X of shape "
                f"{X.shape}, whose longest sequence has {lengths.max()} valid steps"
            )
    results = tuple(
        objects(row[:n].copy() for row, n in zip(np.asarray(a), lengths, strict=True))
        for a in (X, *arrays)
    )
    return results if arrays else results[0]


def _padded(X: Any, padding_value: float) -> tuple[Array, Ids]:
    """Return a padded array and its lengths; lists of sequences have no padding."""
    reject_iterators(X, "X")
    try:
        array = np.asarray(X)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype == object and array.ndim < 3:
        raise ValueError(
            "Expected 3D array (n_sequences, n_steps, n_features), got a list of "
            "sequences, which has no padding; pad_sequences(X) makes an array of it"
        )
    return array, padded_lengths(array, padding_value)


@set_module("skrnn")
def as_ragged(y: Any) -> NDArray[np.object_]:
    """Convert labels to an object array, which scikit-learn's splitters accept.

    scikit-learn checks y before any estimator does. It rejects lists of lists, and
    treats a list of strings as one label per sequence. It accepts an object array of
    arrays.

    Parameters
    ----------
    y : sequence of array-like of shape (n_steps_i,), or of str
        The labels of each sequence; a string has one label per character.

    Returns
    -------
    ndarray of object of shape (n_sequences,)
        The labels of each sequence as an array: an object array where labels are
        missing beside strings or integers, or of mixed types.

    Raises
    ------
    ValueError
        If a sequence is a single label, or its steps differ in shape.
    TypeError
        If y is a generator or another iterable without indices.

    Examples
    --------
    >>> from skrnn import as_ragged
    >>> as_ragged(["ab", "c"]).tolist()
    [array(['a', 'b'], dtype='<U1'), array(['c'], dtype='<U1')]
    """
    return _ragged(y, "y")[0]


def _ragged(y: Any, name: str) -> tuple[NDArray[np.object_], Ids]:
    """Return an array for each sequence of labels, and their lengths."""
    y = plain(y, name)
    items = [labels_of(labels, f"{name}[{i}]") for i, labels in enumerate(y)]
    return objects(items), lengths_of_labels(items, name)


def lengths_of_labels(items: Any, name: str) -> Ids:  # numpydoc ignore=PR01,RT01
    """Return the number of labels of each sequence; raise for single labels."""
    for i, item in enumerate(items):
        if np.ndim(item) == 0:
            raise ValueError(
                f"{name}[{i}] is a single label; give every sequence a list of labels"
            )
    return np.array([len(item) for item in items], dtype=np.intp)


@set_module("skrnn")
def valid_steps(X: ArrayLike, padding_value: float = np.nan) -> Mask:
    """Return a mask of the steps that are not padding.

    Parameters
    ----------
    X : array-like of shape (n_sequences, n_steps, n_features)
        Sequences, padded at the end.
    padding_value : float, default=nan
        Trailing steps whose features all equal this value are padding.

    Returns
    -------
    ndarray of bool of shape (n_sequences, n_steps)
        True at valid steps.

    Raises
    ------
    ValueError
        If X has not three axes.
    TypeError
        If X is a generator or another iterable without indices.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import valid_steps
    >>> valid_steps([[[1.0], [2.0]], [[3.0], [np.nan]]])
    array([[ True,  True],
           [ True, False]])
    """
    X, lengths = _padded(X, padding_value)
    return mask_of_steps(lengths, X.shape[1])


def check_lengths(  # numpydoc ignore=PR01,RT01
    lengths: ArrayLike, n_steps: Ids
) -> Ids:
    """Check that the lengths are integers between 0 and `n_steps`; return them."""
    lengths = np.asarray(lengths)
    if lengths.shape != n_steps.shape:
        raise ValueError(
            f"lengths has shape {lengths.shape}; pass one length for each of the "
            f"{len(n_steps)} sequences"
        )
    if lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths are of type {lengths.dtype}; pass integers")
    wrong = (lengths < 0) | (lengths > n_steps)
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(
            f"lengths[{i}] is {lengths[i]} but sequences[{i}] has {n_steps[i]} steps"
        )
    return lengths.astype(np.intp)
