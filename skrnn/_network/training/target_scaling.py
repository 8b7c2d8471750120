"""Standardization of real-valued targets to mean 0 and variance 1.

    y = mean + scale * (standardized y)

So the penalty, the loss and the tolerance do not depend on the units of y. The network
is trained on standardized targets; then mean and scale are folded into its last layer:

    mean + scale * (H W_hy + b_y) = H (W_hy * scale) + (b_y * scale + mean)

and the same for direct weights W_xy.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skrnn._network.model.parameters import Architecture, Parameters

Array = NDArray[Any]
Vector = NDArray[np.float64]


class TargetScaler(NamedTuple):
    """Mean and scale of every output, to standardize targets and back."""

    mean: Vector  # (n_outputs,)
    scale: Vector  # (n_outputs,)

    @classmethod
    def identity(cls, n_outputs: int) -> Self:
        """Return the scaler of outputs that are not scaled, such as logits."""
        return cls(np.zeros(n_outputs), np.ones(n_outputs))

    @classmethod
    def fit(cls, y: Vector, w: Vector) -> Self:
        """Compute the weighted mean and standard deviation of every output.

        The scale of a constant output is its absolute value, or 1.

        Parameters
        ----------
        y : ndarray of shape (n_steps, n_outputs)
        w : ndarray of shape (n_steps,)
            Weights; steps with zero weight are ignored.
        """
        y, w = y[w > 0], w[w > 0]
        size = np.abs(y).max(axis=0)
        size[size == 0] = 1.0
        y = y / size  # otherwise squares could overflow or underflow
        mean = np.average(y, axis=0, weights=w)
        variance = np.average(np.square(y - mean), axis=0, weights=w)
        # Rounding of the mean would give a constant output a tiny nonzero deviation.
        deviation = np.where(np.ptp(y, axis=0) > 0, np.sqrt(variance), 1.0)
        return cls(mean * size, deviation * size)

    def standardize(self, y: Array) -> Vector:
        """Return targets of shape (n_steps, n_outputs) with mean 0 and variance 1."""
        return (y - self.mean) / self.scale

    def to_original(self, architecture: Architecture, theta: Vector) -> Vector:
        """Return parameters that predict y, from those that predict standardized y."""
        theta = theta.copy()
        parameters = architecture.unflatten(theta)
        for array in self._scaled(parameters):
            array *= self.scale
        parameters.b_y[...] += self.mean
        return theta

    def from_original(self, architecture: Architecture, theta: Vector) -> Vector:
        """Undo `to_original`."""
        theta = theta.copy()
        parameters = architecture.unflatten(theta)
        parameters.b_y[...] -= self.mean
        for array in self._scaled(parameters):
            array /= self.scale
        return theta

    @staticmethod
    def _scaled(parameters: Parameters) -> list[Array]:
        """Return the parameters of the outputs, all of shape (..., n_outputs)."""
        direct = [] if parameters.W_xy is None else [parameters.W_xy]
        return [parameters.W_hy, parameters.b_y, *direct]
