"""A start that parts of the sequences find, where there are many.

What the first iterations learn, a part can teach as well, at a part of the price: every
32nd sequence first, then every 12th, every 6th, then all. Before that a sample tells
what can be read from the states of random weights (``output_initialization``). Cost is
counted by steps: sequences are ordered by length, and of every k of them the middle one
is taken, so that a part has about 1/k of all steps. The first of every k would always
include the longest sequence, and an evaluation takes as many products as that has
steps.

The objective of a part has the mean loss of its own steps. Its penalty lies between
that of all data, under which so few sequences would be learned by heart, and that of
the part alone, under which the network would become too plain to recover from: the root
of their ratio. Parts are taken in the canonical order, which runs through all lengths.

Each stage has variables of its own, and so has the run on all data: the curvature where
a stage ends is nearer to that of the optimum than the curvature at random weights.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import lbfgs
from .objective import Objective

Vector = NDArray[np.float64]
SubsetObjective = Callable[[int], Objective]  # of one in k sequences


class Stage(NamedTuple):
    """A part, and for how long it serves."""

    stride: int  # k: one in k sequences
    n_iter: int


# So many sequences, or fewer, are a part already.
MIN_SEQUENCES = 1000
_STAGES = (Stage(32, 20), Stage(12, 20), Stage(6, 25))


def stages(n_sequences: int) -> tuple[Stage, ...]:
    """Return what comes before the run on all of the sequences."""
    return _STAGES if n_sequences > MIN_SEQUENCES else ()


def strided_subset(k: int) -> slice:
    """Return the places of a part among sequences that are ordered by length."""
    return slice(k // 2, None, k)


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
    """Return a better point than theta, and what it cost.

    Parameters
    ----------
    subset_objective : callable
        Returns the objective of one in k sequences.
    stages : tuple of Stage
    lengths : ndarray of shape (n_sequences,)
        Numbers of steps of all sequences, longest first.
    penalty : ndarray of shape (n_parameters,)
        That of the objective of all data.
    theta : ndarray of shape (n_parameters,)
        Where to start.
    preconditioner : callable
        Returns the variables for an objective and where it starts.
    max_fun : int
        Largest number of evaluations, in those of all data.
    **options
        Others of `lbfgs.minimize`.

    Returns
    -------
    theta : ndarray of shape (n_parameters,)
    n_fun : int
        Evaluations, in those of all data.
    """
    cost = 0.0
    for k, n_iter in stages:
        share = lengths[strided_subset(k)].sum() / lengths.sum()
        limit = int((max_fun - cost) / share)
        if limit == 0:
            break
        objective = subset_objective(k)
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
        del objective  # it holds its steps, and would until there is another
    return theta, int(np.ceil(cost))
