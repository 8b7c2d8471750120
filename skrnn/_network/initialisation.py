"""Weights to start from.

Recurrent matrices are orthogonal times a gain, so that states neither die out nor
blow up; input weights are scaled by the size of the features, so that their units do
not matter, and all others by the number of states they read; biases are zero.
``benchmarks/initialisation.py`` is the scan that chose the constants.
"""

import numpy as np
from numpy.typing import NDArray

from .parameters import Architecture, Array

_INPUT_SCALE = 0.5
_RECURRENT_GAIN = 0.8
_OUTPUT_SCALE = 1.0


def initial(
    architecture: Architecture,
    scale: NDArray[np.float64],
    rng: np.random.RandomState,
) -> NDArray[np.float64]:
    """Draw a flat vector to start from.

    Parameters
    ----------
    architecture : Architecture
    scale : ndarray of shape (n_features,)
        Size of the features, as `prior.Features` has it.
    rng : RandomState
    """
    theta = np.zeros(architecture.n_parameters)
    layers, W_hy, _ = architecture.unflatten(theta)
    for i, (W_xh, W_hh, _) in enumerate(layers):
        size = scale[:, None] / _INPUT_SCALE if i == 0 else np.sqrt(len(W_xh))
        W_xh[...] = rng.normal(size=W_xh.shape) / size
        for direction in W_hh:
            direction[...] = _RECURRENT_GAIN * _orthogonal(len(direction), rng)
    W_hy[...] = rng.normal(0, _OUTPUT_SCALE / np.sqrt(len(W_hy)), W_hy.shape)
    return theta


def _orthogonal(n: int, rng: np.random.RandomState) -> Array:
    Q, R = np.linalg.qr(rng.normal(size=(n, n)))
    Q *= np.where(np.diag(R) < 0, -1.0, 1.0)  # else not uniform over rotations
    return Q
