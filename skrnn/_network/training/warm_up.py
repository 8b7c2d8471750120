"""Warm-up: with many sequences, training starts on subsets.

A subset can teach what the first iterations learn at a fraction of the cost: first
every 32nd sequence, then every 12th, every 6th, then all. Before that, the output
weights are initialized on a sample (``output_initialization``). Cost is measured in
steps: sequences are sorted by length, and the middle one of every k is taken, so that a
subset has about 1/k of all steps. The first of every k would always include the longest
sequence, and an evaluation needs as many products as that has steps.

The objective of a subset is the mean loss of its own steps. Its penalty is the
geometric mean of two extremes: with the penalty of all data, so few sequences would be
overfit; with that of the subset alone, the network would become too simple to recover.
Subsets are taken in canonical order, which covers all lengths.

Each stage, and the run on all data, has its own preconditioner: the curvature at the
end of a stage is closer to that of the optimum than the curvature at random weights.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import lbfgs
from .objective import Objective, Subset, SubsetObjective

Vector = NDArray[np.float64]


class Stage(NamedTuple):
    """A subset, and the number of iterations on it."""

    stride: int  # k: one in k sequences
    n_iter: int


# With this many sequences or fewer, there is no warm-up.
MIN_SEQUENCES = 2000
_STAGES = (Stage(32, 20), Stage(12, 20), Stage(6, 25))


def stages(n_sequences: int) -> tuple[Stage, ...]:
    """Return the stages before the run on all sequences."""
    return _STAGES if n_sequences > MIN_SEQUENCES else ()


def strided_subset(n_sequences: int, k: int) -> Subset:
    """Return one in k of the sequences, which are sorted by length."""
    return Subset(np.arange(k // 2, n_sequences, k))


def warm_up(
    subset_objective: SubsetObjective,
    stages: tuple[Stage, ...],
    lengths: NDArray[np.intp],
    penalty: Vector,
    theta: Vector,
    preconditioner: Callable[[Objective, Vector], Vector],
    max_fun: int,
    **options: Any,
) -> tuple[Vector, int]:
    """Return a better point than theta, and its cost.

    Parameters
    ----------
    subset_objective : callable
        Returns the objective of a `Subset`.
    stages : tuple of Stage
    lengths : ndarray of shape (n_sequences,)
        Numbers of steps of all sequences, longest first.
    penalty : ndarray of shape (n_parameters,)
        Penalty of the objective of all data.
    theta : ndarray of shape (n_parameters,)
        Where to start.
    preconditioner : callable
        Returns the scale of the variables, given an objective and a starting point.
    max_fun : int
        Maximum number of evaluations, in units of full-data evaluations.
    **options
        Other options of `lbfgs.minimize`.

    Returns
    -------
    theta : ndarray of shape (n_parameters,)
    n_fun : int
        Evaluations, in units of full-data evaluations.
    """
    cost = 0.0
    for k, n_iter in stages:
        subset = strided_subset(len(lengths), k)
        share = lengths[subset.places].sum() / lengths.sum()
        limit = int((max_fun - cost) / share)
        if limit <= 0:
            break
        objective = subset_objective(subset)
        objective.penalty = np.sqrt(k) * penalty
        solution = lbfgs.minimize(
            objective.loss_and_gradient,
            theta,
            s=preconditioner(objective, theta),
            max_iter=n_iter,
            max_fun=limit,
            **options,
        )
        theta = solution.x
        cost += solution.n_fun * share
        del objective  # frees its steps before the next objective is built
    return theta, int(np.ceil(cost))
