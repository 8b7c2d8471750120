"""Checks of a fit that need more than one parameter: sizes, weights, convergence."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn._network.model.parameters import Architecture
from skrnn._network.training.lbfgs import NEAR_TOL
from skrnn._network.training.train import Result
from skrnn._sklearn_compat import InvalidParameterError
from skrnn._validation.arrays import Vector


def check_sizes(
    hidden_layer_sizes: Any, skip_connection: bool, estimator_name: str
) -> tuple[int, ...]:
    """Return the sizes of the hidden layers as a tuple."""
    is_number = isinstance(hidden_layer_sizes, Real)
    sizes: list[Any] = [hidden_layer_sizes] if is_number else [*hidden_layer_sizes]
    valid = all(
        isinstance(n, Integral) and not isinstance(n, bool | np.bool_) and int(n) > 0
        for n in sizes
    )
    if not (valid and (sizes or skip_connection)):
        raise InvalidParameterError(
            f"The 'hidden_layer_sizes' parameter of {estimator_name} must be one or "
            "several integers of at least 1, one for each hidden layer, or empty if "
            f"skip_connection=True. Got {hidden_layer_sizes!r} instead."
        )
    return tuple(int(n) for n in sizes)


def warn_of_early_end(result: Result, tol: float) -> None:
    """Warn if training stopped far from a minimum, unless the user requested it."""
    advice = {
        "max_iter": "Raise max_iter, or scale the data.",
        "max_fun": "Raise max_fun, or scale the data.",
        "line_search": "Scale the data, or pass X as float64.",
        "ftol": "Scale the data, or pass X as float64.",
        "overflow": (
            "The network overflows nearby: scale the data, raise alpha, or use "
            "activation='tanh'."
        ),
    }
    reason = result.stop_reason
    near = tol * (NEAR_TOL if result.n_iter else 1)
    gave_up = reason in ("line_search", "ftol", "overflow")
    if reason not in advice or (gave_up and result.gradient_norm <= near):
        return
    warnings.warn(
        f"L-BFGS stopped at {reason} before it converged: {result.n_iter} iterations, "
        f"{result.n_fun} evaluations, largest component of the gradient "
        f"{result.gradient_norm:.2g} > tol={tol:g}. {advice[reason]}",
        ConvergenceWarning,
        stacklevel=6,
    )


def check_total(weights: Vector, dtype: np.dtype[Any]) -> None:
    """Raise if the weights of all steps underflow or overflow in training."""
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not (weights.max() >= np.finfo(dtype).tiny and total <= np.finfo(dtype).max):
        raise ValueError(
            f"the weights of all steps add up to {total:.2g}, which is out of the "
            f"range of {dtype}; scale sample_weight and class_weight"
        )


def check_continuation(previous: Architecture, architecture: Architecture) -> None:
    has_chain = previous.transitions and architecture.transitions
    if has_chain and previous.allowed != architecture.allowed:
        raise ValueError(
            "warm_start continues with the transitions that label_scheme allowed in "
            "the previous fit, but it now allows others; set warm_start=False to start "
            "again"
        )
    for name in Architecture._fields:
        before, now = getattr(previous, name), getattr(architecture, name)
        if before != now:
            raise ValueError(
                f"warm_start continues with {name}={before}, but it is now {now}; "
                "set warm_start=False to start again"
            )
