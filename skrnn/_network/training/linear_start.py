"""The start of training with direct weights: they and the transitions alone.

Without hidden layers the objective is convex, and a few iterations learn most of what
there is to learn. Hidden layers that begin beside such weights improve on them; trained
together from random weights, both would end worse than the direct weights alone.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from . import lbfgs
from .objective import Objective
from .preconditioning import Preconditioner
from .problem import Settings, TrainingProblem
from .strength import Choice, Progress, linear_iterations

Vector = NDArray[np.float64]


def linear_start(
    problem: TrainingProblem,
    settings: Settings,
    choice: Choice,
    rng: np.random.RandomState,
    on_iteration: Callable[[Progress], None],
) -> tuple[Vector, Choice]:
    """Train the network without hidden layers, with the penalty of the objective.

    Parameters
    ----------
    problem : TrainingProblem
    settings : Settings
    choice : Choice
    rng : RandomState
    on_iteration : callable
        Called with `Progress` after each iteration; may raise `lbfgs.Stop`.

    Returns
    -------
    linear_part : ndarray
        The parameters of the network without hidden layers.
    choice : Choice
        With the evaluations added, and where the user stopped the fit, if so.
    """
    architecture, features = problem.objective.architecture, problem.features
    linear = architecture.without_hidden
    objective = Objective(linear, problem.objective.loss_sum)
    objective.penalty = architecture.linear_part(problem.objective.penalty)
    theta = np.zeros(linear.n_parameters)
    preconditioner = Preconditioner(features.scale, problem.sample, rng)
    n_before = choice.n_fun
    max_iter = linear_iterations(has_ngrams=architecture.n_pairs > 0)

    def report(progress: lbfgs.Progress) -> None:
        on_iteration(
            Progress(
                "skip_alpha",
                choice.skip_alpha,
                progress.x,
                progress.loss,
                progress.gradient_norm,
                progress.n_iter,
                n_before + progress.n_fun,
            )
        )

    solution = lbfgs.minimize(
        objective.loss_and_gradient,
        theta,
        s=preconditioner.diagonal(objective, theta),
        max_iter=min(max_iter, settings.max_iter),
        # Half of what is left: the fit of all weights needs evaluations, too.
        max_fun=max(1, (settings.max_fun - n_before) // 2),
        tol=settings.tol,
        max_corrections=settings.max_corrections,
        on_iteration=report,
    )
    found = choice._replace(n_fun=n_before + solution.n_fun)
    if solution.stop_reason == "callback":
        hidden = np.zeros(architecture.n_parameters)
        stopped_at = architecture.with_linear_part(hidden, solution.x)
        found = found._replace(stopped_at=stopped_at)
    return solution.x, found
