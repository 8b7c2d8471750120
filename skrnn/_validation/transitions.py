"""Which labels may follow each other, and checks of labeled sequences.

A table of shape (n_classes + 1, n_classes + 1) has True at [j, k] if class j may be
followed by class k; its last row is the start of a sequence, its last column the end.
"""

from typing import Any

import numpy as np

from .arrays import Array, Ids, Mask, Vector
from .containers import shown
from .label_schemes import find_scheme, split_labels
from .sequences import Sequences


def allowed_transitions(label_scheme: Any, classes: Array) -> Mask | None:
    """Return the table of a scheme, or None if everything is allowed.

    Parameters
    ----------
    label_scheme : str, array-like of bool or None
        The parameter of the classifier.
    classes : ndarray of shape (n_classes,)
        The labels, sorted.
    """
    if label_scheme is None:
        return None
    if isinstance(label_scheme, str):
        table = _table_of(label_scheme, classes.tolist())
    else:
        table = _checked_table(label_scheme, classes)
    return None if table.all() else table


def _checked_table(label_scheme: Any, classes: Array) -> Mask:
    table, n = np.asarray(label_scheme), len(classes) + 1
    if table.dtype != bool or table.shape != (n, n):
        raise ValueError(
            f"label_scheme is an array of {table.dtype} and shape {table.shape}; for "
            f"the {n - 1} classes in y pass bools of shape {(n, n)}: "
            "the last row is the start of a sequence, the last column its end"
        )
    return table


def _table_of(name: str, labels: list[Any]) -> Mask:
    scheme = find_scheme(name)
    prefixes, types = split_labels(labels, scheme)
    # The start and the end of a sequence are outside of any span, as "O" is.
    prefix, kind = np.array([*prefixes, "O"]), np.array([*types, ""], object)
    same = kind[:, None] == kind
    follows = same & np.isin(prefix, ["B", "I"])[:, None]
    precedes = same & np.isin(prefix, ["I", "E"])
    table: Mask = (follows | ~np.isin(prefix, [*scheme.after])) & (
        precedes | ~np.isin(prefix, [*scheme.before])[:, None]
    )
    return table


def check_possible(sequences: Sequences, allowed: Mask) -> None:
    """Raise if no labeling of a sequence of some length is allowed."""
    n_classes = len(allowed) - 1
    start, follow, end = (
        allowed[n_classes, :n_classes],
        allowed[:n_classes, :n_classes],
        allowed[:n_classes, n_classes],
    )
    possible, n_steps = start, 1  # labels of step n_steps
    for length in np.unique(sequences.lengths[sequences.lengths > 0]).tolist():
        while n_steps < length:
            following: Mask = np.any(follow[possible], axis=0)
            if (following == possible).all():
                break  # and so for all later steps
            possible, n_steps = following, n_steps + 1
        if not (possible & end).any():
            i = int((sequences.lengths == length).argmax())
            raise ValueError(
                f"label_scheme allows no labeling of X[{i}], which has {length} steps; "
                "allow more transitions, or pass sequences of other lengths"
            )


def check_weights_of_chains(weights: Vector, sequences: Sequences) -> None:
    """Raise unless all labeled steps of each sequence have the same weight."""
    number = np.repeat(np.arange(len(sequences.lengths)), sequences.lengths)
    highest = np.zeros(len(sequences.lengths))
    np.maximum.at(highest, number, weights)
    differs = (weights > 0) & (weights != highest[number])
    if differs.any():
        i = number[differs.argmax()]
        raise ValueError(
            "with transitions=True the labels of a sequence have a common probability "
            "and need equal weights (sample_weight times class_weight), but those of "
            f"X[{i}] differ; give each sequence one weight, and weight 0 to unlabeled "
            "steps"
        )


def check_labelings(
    codes: Ids, weights: Vector, sequences: Sequences, allowed: Mask, classes: Array
) -> None:
    """Raise if the labels of a sequence break the rules.

    Parameters
    ----------
    codes : ndarray of shape (n_steps,)
        The class of each step; ignored at steps of weight 0, which may have any label.
    weights : ndarray of shape (n_steps,)
    sequences : Sequences
    allowed : ndarray of shape (n_classes + 1, n_classes + 1)
    classes : ndarray of shape (n_classes,)
    """
    ends = np.cumsum(sequences.lengths)
    is_first, is_last = np.zeros((2, len(codes)), dtype=bool)
    is_first[(ends - sequences.lengths)[sequences.lengths > 0]] = True
    is_last[ends[sequences.lengths > 0] - 1] = True
    outside = len(classes)
    labeled = weights > 0
    left = np.where(is_first, outside, np.roll(codes, 1))
    wrong = labeled & (np.roll(labeled, 1) | is_first) & ~allowed[left, codes]
    if wrong.any():
        step = int(wrong.argmax())
        where = "the start" if is_first[step] else shown(classes[left[step]])
        raise ValueError(
            f"y{sequences.name(step)} is {shown(classes[codes[step]])}, which "
            f"label_scheme does not allow after {where}; correct the label, or allow "
            "it"
        )
    wrong = labeled & is_last & ~allowed[codes, outside]
    if wrong.any():
        step = int(wrong.argmax())
        raise ValueError(
            f"y{sequences.name(step)} is {shown(classes[codes[step]])}, which "
            "label_scheme does not allow at the end; correct the label, or allow it"
        )
    _check_gaps(codes, labeled, sequences, allowed)


def _check_gaps(codes: Ids, labeled: Mask, sequences: Sequences, allowed: Mask) -> None:
    """Raise if no labels of the unlabeled steps of a sequence would be allowed."""
    n_classes = len(allowed) - 1
    for i, end in enumerate(np.cumsum(sequences.lengths).tolist()):
        steps = slice(end - int(sequences.lengths[i]), end)
        if labeled[steps].all() or not labeled[steps].any():
            continue
        possible = allowed[n_classes].copy()
        for step in range(steps.start, end):
            if labeled[step]:
                possible = possible & (np.arange(n_classes + 1) == codes[step])
            else:
                possible[n_classes] = False
            if not possible[:n_classes].any():
                break
            possible = allowed[possible].any(axis=0)
        else:
            if possible[n_classes]:
                continue
        raise ValueError(
            f"y{sequences.name(step)}: label_scheme allows no labels of the unlabeled "
            "steps before it; correct the labels of the sequence, or allow them"
        )
