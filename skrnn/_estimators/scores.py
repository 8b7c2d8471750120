"""Scores of estimators, summed over parts of the data, as on a cluster.

    accuracy = sum w [label is right] / sum w
    R² = 1 - sum w (y - p)² / sum w (y - mean)²

As in `sklearn.metrics.r2_score`, R² is 1 for constant targets that are predicted
exactly, 0 for other constant targets, and NaN for fewer than two steps.
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from skrnn._validation.arrays import Array, Vector
from skrnn._validation.targets import require_weight


def accuracy(parts: Sequence[tuple[float, float]]) -> float:
    """Return the weighted fraction of correct labels over all parts."""
    hits, weight = np.sum(parts, axis=0)
    require_weight(weight)
    return float(hits / weight)


class Moments(NamedTuple):
    """Statistics of some steps for R²; the arrays have shape (n_outputs,)."""

    n_steps: int
    weight: float
    mean: Vector  # of the targets
    spread: Vector  # weighted sum of squared deviations from the mean
    error: Vector  # weighted sum of squared errors
    lowest: Vector  # of the targets with nonzero weight
    highest: Vector


def check_outputs(y: Array, n_outputs: int) -> None:
    """Raise if the number of outputs differs from that of the model."""
    if y.shape[1] != n_outputs:
        raise ValueError(
            f"y has a different number of outputs than in fit: {y.shape[1]} instead of "
            f"{n_outputs}"
        )


def moments_of(y: Array, predictions: Array, w: Vector) -> Moments:
    """Return the moments of targets and predictions of shape (n_steps, n_outputs)."""
    n_steps = len(y)
    error = w @ np.square(predictions - y)
    y, w = y[w > 0], w[w > 0]
    mean = np.average(y, axis=0, weights=w) if len(y) else np.zeros(y.shape[1])
    lowest, highest = y.min(axis=0, initial=np.inf), y.max(axis=0, initial=-np.inf)
    spread = w @ np.square(y - mean)
    return Moments(n_steps, float(w.sum()), mean, spread, error, lowest, highest)


def r2(parts: Sequence[Moments]) -> float:
    """Return R² of all parts together, the mean over the outputs."""
    require_weight(any(part.weight for part in parts))
    if sum(part.n_steps for part in parts) < 2:
        warnings.warn(
            "R^2 score is not well-defined with less than two samples.",
            UndefinedMetricWarning,
            stacklevel=3,
        )
        return float("nan")
    _, weight, means, spreads, errors, lowest, highest = map(
        np.array, zip(*parts, strict=True)
    )
    mean = weight @ means / weight.sum()
    spread = spreads.sum(axis=0) + weight @ np.square(means - mean)
    error = errors.sum(axis=0)
    # The mean of equal numbers is rounded, so their spread may not be exactly zero.
    is_constant = lowest.min(axis=0) == highest.max(axis=0)
    scores = np.where(error == 0, 1.0, 0.0)
    varies = ~is_constant & (spread > 0)
    scores[varies] = 1 - error[varies] / spread[varies]
    return float(scores.mean())
