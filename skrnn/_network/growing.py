"""A start that a part of the sequences finds, where there are many.

What the first iterations learn, every 32nd sequence can teach as well, at 1/32 of the
price; then every 8th, then all. The objective of a part has the mean loss of its own
steps and the penalty of all data. Parts are taken in the canonical order, which runs
through all lengths. Where they end the variables are scaled anew: the curvature there
is nearer to that of the optimum.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import lbfgs
from .objective import Objective

Vector = NDArray[np.float64]
Part = Callable[[int], Objective]  # of every k-th sequence

# So many sequences, or fewer, are a part already.
MANY = 1000
_STAGES = ((32, 25), (8, 25))  # every k-th sequence, so many iterations


def grow(
    part: Part,
    penalty: Vector,
    theta: Vector,
    s: Vector,
    max_fun: int,
    **options: Any,
) -> tuple[Vector, int]:
    """Return a better point than theta, and what it cost.

    Parameters
    ----------
    part : callable
        Returns the objective of every k-th sequence.
    penalty : ndarray of shape (n_parameters,)
        That of the objective of all data.
    theta, s : ndarray of shape (n_parameters,)
        Where to start, and the variables to work in.
    max_fun : int
        Largest number of evaluations, in those of all data.
    **options
        Others of `lbfgs.minimise`.

    Returns
    -------
    theta : ndarray of shape (n_parameters,)
    n_fun : int
        Evaluations, in those of all data.
    """
    cost = 0.0
    for k, n_iter in _STAGES:
        limit = int((max_fun - cost) * k)
        if limit == 0:
            break
        objective = part(k)
        objective.penalty = penalty
        solution = lbfgs.minimise(
            objective.scaled(s),
            theta / s,
            max_iter=n_iter,
            max_fun=limit,
            **options,
        )
        theta = s * solution.x
        cost += solution.n_fun / k
    return theta, int(np.ceil(cost))
