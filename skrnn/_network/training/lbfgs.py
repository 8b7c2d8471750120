"""SciPy's L-BFGS-B with guards; returns the best point and a stop reason.

    z = x / s,   dz = s dx

SciPy minimizes over z, where the curvature is more uniform (see ``preconditioning``).

With a non-finite value, SciPy's line search accepts a bad point; with a value of 1e300
it reports success there. So a non-finite value ends the run through an exception, and
"converged" means that the gradient is small, whatever SciPy reports. If L-BFGS stops
far from a minimum, it restarts at the best point with empty memory and smaller s: the
first trial of a run is a step of length 1 in z, and a trial that was too long once
would be too long again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Vector = NDArray[np.float64]

# Factor on s for a restart, applied again after each consecutive run that did not lower
# the loss. Maximum number of such runs: a step of 8**-12 is too short to help.
_SHRINK = 0.125
_MAX_STUCK = {"overflow": 12, "line_search": 1, "ftol": 1}
# A gradient up to this many times the tolerance is close enough to a minimum.
NEAR_TOL = 100.0
# Relative to max(loss, 1), so absolute for a mean loss below 1.
_FTOL = 64 * np.finfo(np.float64).eps


class Progress(NamedTuple):
    """State of the minimization after an iteration."""

    x: Vector
    loss: float
    gradient_norm: float  # largest absolute component, with respect to z
    n_iter: int
    n_fun: int


class Solution(NamedTuple):
    """Result of the minimization."""

    x: Vector
    loss: float
    gradient_norm: float
    n_iter: int
    n_fun: int
    loss_curve: list[float]
    stop_reason: str


class Stop(Exception):
    """Raised by ``on_iteration`` to end the run, with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _NonFiniteError(Exception):
    pass


@dataclass
class _Recorder:
    """The function passed to SciPy: scales, counts, guards and records."""

    loss_and_gradient: Callable[[Vector], tuple[float, Vector]]
    on_iteration: Callable[[Progress], None]
    s: Vector
    max_iter: int
    max_fun: int
    tol: float
    max_corrections: int
    best: tuple[float, Vector, float]  # loss, x, gradient norm
    origin: Vector
    shrink: float = 1.0
    last_norm: float = np.inf
    loss_curve: list[float] = field(default_factory=list)
    n_fun: int = 0

    def restart(self, shrink: float) -> Vector:
        """Move the origin to the best point, shorten steps, return z of the point."""
        # With another origin, z would be too large to represent short steps.
        self.origin, self.shrink = self.best[1], shrink
        return np.zeros_like(self.origin)

    def x_of(self, z: Vector) -> Vector:
        return self.origin + self.s * self.shrink * z

    def evaluate(self, z: Vector) -> tuple[float, Vector]:
        if self.n_fun >= self.max_fun:
            raise Stop("max_fun")
        self.n_fun += 1
        x = self.x_of(z)
        loss, slope = self.loss_and_gradient(x)
        gradient = self.s * slope
        norm = float(np.abs(gradient).max())
        if not (np.isfinite(loss) and np.isfinite(norm)):
            raise _NonFiniteError
        if loss < self.best[0]:
            self.best = (loss, x, norm)
        self.last_norm = norm
        return loss, self.shrink * gradient

    def iterate(self, intermediate_result: Any) -> None:
        # SciPy passes its live buffer. It accepts only the last evaluated point.
        x, loss = self.x_of(intermediate_result.x), float(intermediate_result.fun)
        self.loss_curve.append(loss)
        norm, n_iter = self.last_norm, len(self.loss_curve)
        self.on_iteration(Progress(x, loss, norm, n_iter, self.n_fun))


def minimize(
    loss_and_gradient: Callable[[Vector], tuple[float, Vector]],
    x0: Vector,
    *,
    max_iter: int,
    max_fun: int,
    tol: float,
    max_corrections: int,
    s: Vector | None = None,
    on_iteration: Callable[[Progress], None] = lambda progress: None,
) -> Solution:
    """Minimize and return the best point evaluated.

    Parameters
    ----------
    loss_and_gradient : callable
        Maps a vector to the loss and its gradient, both float64.
    x0 : ndarray of shape (n_parameters,)
    max_iter, max_fun : int
        Maximum number of iterations and of evaluations.
    tol : float
        The run has converged if no component of the gradient with respect to z is
        larger.
    max_corrections : int
        Number of past steps from which L-BFGS estimates curvature.
    s : ndarray of shape (n_parameters,), optional
        Scale of the variables; ones by default.
    on_iteration : callable
        Called with `Progress` after each iteration; may raise `Stop`.

    Raises
    ------
    FloatingPointError
        If loss or gradient is not finite at `x0`.
    """
    s = np.ones_like(x0) if s is None else s
    recorder = _Recorder(
        loss_and_gradient,
        on_iteration,
        s,
        max_iter,
        max_fun,
        tol,
        max_corrections,
        best=(np.inf, x0, np.inf),
        origin=x0,
    )
    reason = _minimize_with_restarts(recorder)
    loss, x, norm = recorder.best
    return Solution(
        x,
        loss,
        norm,
        len(recorder.loss_curve),
        recorder.n_fun,
        recorder.loss_curve,
        reason,
    )


def _minimize_with_restarts(recorder: _Recorder) -> str:
    """Run, and restart from the best point as long as that helps."""
    z, n_stuck, tol = np.zeros_like(recorder.origin), 0, recorder.tol
    while True:
        before = recorder.best[0]
        try:
            reason = _run(recorder, z)
        except _NonFiniteError:
            if recorder.best[0] == np.inf:
                raise FloatingPointError(
                    "the loss or its gradient is not finite at the start"
                ) from None
            reason = "overflow"
        except Stop as stop:
            return stop.reason
        loss, _, norm = recorder.best
        if norm <= tol:
            return "converged"
        if reason == "max_iter" or (reason != "overflow" and norm <= NEAR_TOL * tol):
            return reason
        is_lower = before - loss > _FTOL * max(abs(before), 1) or before == np.inf
        n_stuck = 1 if is_lower else n_stuck + 1
        if n_stuck > _MAX_STUCK[reason]:
            return reason
        z = recorder.restart(_SHRINK**n_stuck)


def _run(recorder: _Recorder, z: Vector) -> str:
    max_iter = recorder.max_iter - len(recorder.loss_curve)
    result = optimize.minimize(
        recorder.evaluate,
        z,
        method="L-BFGS-B",
        jac=True,
        callback=recorder.iterate,
        options={
            "maxiter": max_iter,
            # Counted by the recorder, which can stop inside a line search.
            "maxfun": np.iinfo(np.int32).max,
            "maxcor": recorder.max_corrections,
            "gtol": recorder.tol * recorder.shrink,
            "ftol": _FTOL,
            "maxls": 50,
        },
    )
    if result.status == 0:
        return "ftol"  # or converged; the caller checks the gradient
    return "max_iter" if result.nit >= max_iter else "line_search"
