"""Targets that are numbers, in units of their own: mean 0 and variance 1.

    y = mean + scale * (y in its own unit)

So the penalty, the loss and the tolerance mean the same whatever y is measured in. The
network is trained in these units; then they are folded into its last weights:

    mean + scale * (H W_hy + b_y) = H (W_hy * scale) + (b_y * scale + mean)
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.model.parameters import Architecture

Array = NDArray[Any]
Vector = NDArray[np.float64]


class Unit(NamedTuple):
    """Where zero and one of every output lie among the numbers of y."""

    mean: Vector  # (n_outputs,)
    scale: Vector  # (n_outputs,)

    def standardize(self, y: Array) -> Vector:
        """Return targets of shape (n_steps, n_outputs) in their own units."""
        return (y - self.mean) / self.scale

    def fold(self, architecture: Architecture, theta: Vector) -> Vector:
        """Return parameters that predict y, from those that predict it in its unit."""
        theta = theta.copy()
        _, W_hy, b_y = architecture.unflatten(theta)
        W_hy *= self.scale
        b_y *= self.scale
        b_y += self.mean
        return theta

    def unfold(self, architecture: Architecture, theta: Vector) -> Vector:
        """Undo `fold`."""
        theta = theta.copy()
        _, W_hy, b_y = architecture.unflatten(theta)
        W_hy /= self.scale
        b_y -= self.mean
        b_y /= self.scale
        return theta


def no_unit(n_outputs: int) -> Unit:
    """Return the unit of outputs that are what they are, such as logits."""
    return Unit(np.zeros(n_outputs), np.ones(n_outputs))


def unit_of(y: Vector, w: Vector) -> Unit:
    """Return the weighted mean and standard deviation of every output.

    One that is constant has its own size as scale.

    Parameters
    ----------
    y : ndarray of shape (n_steps, n_outputs)
    w : ndarray of shape (n_steps,)
        Weights; steps of weight 0 have no say.
    """
    y, w = y[w > 0], w[w > 0]
    size = np.abs(y).max(axis=0)
    size[size == 0] = 1.0
    y = y / size  # or squares could overflow, or vanish
    mean = np.average(y, axis=0, weights=w)
    variance = np.average(np.square(y - mean), axis=0, weights=w)
    # Rounding of the mean would give a constant a deviation of almost 0.
    deviation = np.where(np.ptp(y, axis=0) > 0, np.sqrt(variance), 1.0)
    return Unit(mean * size, deviation * size)
