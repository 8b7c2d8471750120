"""Folds of sequences with similar labels and lengths.

A unit is a group, or a single sequence without groups. Its shares are the fractions of
the steps of each class, and of the sequences, that it contains:

    minimize  sum_k |S_k|^2,   S_k = sum of the shares of the units in fold k

The sum is smallest if all folds are equal. Units are assigned greedily, largest first,
each to the fold where the sum increases least: adding v to S_k adds 2 S_k . v + |v|^2.
So short and long units are also spread over the folds.
"""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils import check_array, check_random_state, indexable

from skrnn._validation.arrays import Array, Ids, Mask
from skrnn._validation.containers import plain, reject_iterators
from skrnn._validation.persistence import set_module
from skrnn._validation.sequences import (
    Sequences,
    lengths_to_last,
    list_items,
    padded_lengths,
)
from skrnn._validation.targets import encode_labels, read_labels


@set_module("skrnn.model_selection")
class StratifiedSequenceKFold(StratifiedGroupKFold):
    """K folds with similar step labels and sequence lengths.

    Scikit-learn's stratified splitters require one label per sample. This splitter uses
    the labels of all steps, and balances the steps of each class and the number of
    sequences, short and long, over the folds. With `groups`, all sequences of a group
    are in the same fold.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether to shuffle sequences (or groups) of similar size. The folds then depend
        on `random_state`, and are almost as well balanced.
    random_state : int, RandomState instance or None, default=None
        Seed or generator if `shuffle` is True.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : The same for one label per sample.
    cross_val_predict : Predicts every sequence with a model trained without it.

    Notes
    -----
    Valid steps are determined from X if possible: a 3-D array with NaN as padding, or a
    list or Series of sequences. Otherwise they are determined from y: all labels of
    ragged y, and in a padded array all labels before trailing -1 or `''`. Wrongly
    counted steps affect only the balance: the folds are always a partition of the
    sequences.

    A class that occurs in fewer sequences than there are folds is spread over as many
    folds as possible.

    Examples
    --------
    >>> from skrnn.model_selection import StratifiedSequenceKFold
    >>> words = ["aab", "b", "abab", "bb", "aaab", "ab", "baa", "a"]
    >>> splitter = StratifiedSequenceKFold(n_splits=2)
    >>> for train, test in splitter.split(words, [list(word) for word in words]):
    ...     print([words[i] for i in test])
    ['b', 'bb', 'aaab', 'baa']
    ['aab', 'abab', 'ab', 'a']
    """

    def __init__(
        self, n_splits: int = 5, *, shuffle: bool = False, random_state: Any = None
    ) -> None:
        super().__init__(n_splits=n_splits, shuffle=shuffle, random_state=random_state)

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[tuple[Ids, Ids]]:
        """Generate the indices of the training and test set of every fold.

        Parameters
        ----------
        X : array-like of n_sequences sequences
            Sequences in any form, or an array of zeros of the same length.
        y : array-like of n_sequences label sequences
            The labels of the steps, padded or ragged, or one label per row of 2-D X.
        groups : array-like of shape (n_sequences,), default=None
            The group of each sequence. None puts every sequence in its own group.

        Yields
        ------
        train : ndarray of int
            The sequences of all other folds, in the order of X.
        test : ndarray of int
            The sequences of the fold, in the order of X.

        Raises
        ------
        ValueError
            If there are fewer sequences or groups than folds, or y does not contain
            labels.
        TypeError
            If X, y or `groups` is a generator or another iterable without indices.
        """
        reject_iterators(X, "X")
        items = list_items(X)
        if items is not None:
            X = items
            for i, item in enumerate(items):
                reject_iterators(item, f"X[{i}]")
        y = None if y is None else plain(y, "y")
        groups = None if groups is None else plain(groups, "groups")
        X, y, groups = indexable(X, y, groups)
        fold_of = self._fold_of_sequences(X, y, groups)
        for fold in range(self.n_splits):
            yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)

    def _fold_of_sequences(self, X: Any, y: Any, groups: Any) -> Ids:
        lengths, labels, missing = _valid_labels(X, y)
        unit_of, what = np.arange(len(lengths)), "sequences"
        if groups is not None:
            groups = check_array(
                groups, input_name="groups", ensure_2d=False, dtype=None
            )
            unit_of, what = np.unique(groups, return_inverse=True)[1], "groups"
        n_units = int(unit_of.max()) + 1
        if self.n_splits > n_units:
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than "
                f"the number of {what}: {n_units}."
            )
        shares = _shares(
            unit_of, np.repeat(unit_of, lengths)[~missing], encode_labels(labels)[1]
        )
        rng = check_random_state(self.random_state) if self.shuffle else None
        return _fold_of_units(shares, self.n_splits, rng)[unit_of]


def _shares(unit_of: Ids, unit_of_labels: Ids, codes: Ids) -> NDArray[np.float64]:
    """Return each unit's share of the steps of each class, and of the sequences."""
    n_units, n_classes = int(unit_of.max()) + 1, int(codes.max()) + 1
    cells = unit_of_labels * n_classes + codes
    steps = np.bincount(cells, minlength=n_units * n_classes)
    counts = np.column_stack([steps.reshape(n_units, -1), np.bincount(unit_of)])
    return np.asarray(counts / counts.sum(axis=0))


def _fold_of_units(
    shares: NDArray[np.float64], n_folds: int, rng: np.random.RandomState | None
) -> Ids:
    sizes = np.linalg.norm(shares, axis=1)
    order = np.argsort(-sizes, kind="stable")
    if rng is not None:
        # Within a factor of two, the order is random.
        shuffled = rng.permutation(len(sizes))
        order = shuffled[np.argsort(-np.floor(np.log2(sizes[shuffled])), kind="stable")]
    fold_of = np.empty(len(shares), dtype=np.intp)
    totals = np.zeros((n_folds, shares.shape[1]))
    for unit in order:
        # The increase is smallest for an empty fold, so no fold stays empty.
        fold_of[unit] = fold = (totals @ shares[unit]).argmin()
        totals[fold] += shares[unit]
    return fold_of


def _valid_labels(X: Any, y: Any) -> tuple[Ids, Array, Mask]:
    """Return the number of valid steps of each sequence, and their labels.

    The last array marks steps with missing labels. `fit`, which has the weights, checks
    whether they may be missing.
    """
    if y is None:
        raise ValueError("The 'y' parameter should not be None.")
    lengths = _lengths_seen(X)
    form: Literal["padded", "ragged", "rows"]
    if _is_flat(y, lengths):
        form, lengths = "rows", np.ones(len(y), dtype=np.intp)
    else:
        form = "padded" if getattr(X, "ndim", 0) == 3 else "ragged"
        lengths = _lengths_of_labels(y) if lengths is None else lengths
    sequences = Sequences(form, X, lengths, 1, np.dtype(np.float64))
    unlabeled = np.zeros(lengths.sum())
    name = StratifiedSequenceKFold.__name__
    labels, missing = read_labels(y, sequences, name, unlabeled)
    if missing.all():
        raise ValueError("Input y contains NaN: no step has a label")
    return lengths, labels, missing


def _is_flat(y: Any, lengths: Ids | None) -> bool:
    """Tell whether y has one label per sequence; a string may be a label or several."""
    first: Any = next(iter(y), None)
    if not isinstance(first, str) or lengths is None:
        return bool(np.ndim(first) == 0)
    return bool(lengths.tolist() != [len(labels) for labels in y])


def _lengths_seen(X: Any) -> Ids | None:
    """Return the lengths of the sequences in X, None if X does not determine them."""
    if getattr(X, "ndim", 0) == 3:
        lengths = padded_lengths(np.asarray(X), np.nan)
        return lengths if (lengths < X.shape[1]).any() else None
    if hasattr(X, "columns") or sparse.issparse(X) or getattr(X, "ndim", 1) > 1:
        return None
    if not all(hasattr(item, "__len__") or sparse.issparse(item) for item in X):
        return None
    # Sparse arrays have no len().
    sizes = [item.shape[0] if sparse.issparse(item) else len(item) for item in X]
    return np.array(sizes, dtype=np.intp)


def _lengths_of_labels(y: Any) -> Ids:
    if getattr(y, "ndim", 1) == 1:
        return np.array([len(labels) for labels in y], dtype=np.intp)
    y = np.asarray(y)
    return lengths_to_last(y != ("" if isinstance(y.flat[0], str) else -1))
