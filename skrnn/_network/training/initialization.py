"""Random initialization of the weights.

Recurrent matrices are orthogonal times a gain, so that states neither vanish nor
explode. Input weights are scaled by the size of the features, so that their units do
not matter, and all other weights by the number of states they read. Biases are zero,
and so are direct weights and transitions, whose part of the objective is convex. They
are trained first (see ``linear_start``), and the states begin with little influence
beside them: otherwise the joint fit ends worse than either of its parts.

A strong penalty would make such weights far more expensive than all the data; the first
iterations would only shrink them, which takes long where there are many. So the weights
of each matrix are reduced until they cost at most a tenth of a nat per step.

Input weights are reduced further where the prior demands it: for features that most
steps share, and for rare features, which are often so numerous that their weights would
dominate the objective. ``benchmarks/initialization.py`` is the scan that selected the
constants.
"""

import numpy as np
from numpy.typing import NDArray

from skrnn._network.model.parameters import Architecture, Array

from .regularization import FeatureStats

_INPUT_SCALE = 1.0
_SHARED_POWER = 1 / 6
_RARE = 1e-3  # fraction of the steps
_RECURRENT_GAIN = 0.8
_OUTPUT_SCALE = 1.0
_OUTPUT_SCALE_BESIDE_DIRECT = 0.3  # with direct weights
_MAX_PENALTY = 0.1  # of a matrix, per step


def initial_parameters(
    architecture: Architecture,
    features: FeatureStats,
    rng: np.random.RandomState,
) -> NDArray[np.float64]:
    """Draw the flat vector of initial parameters."""
    theta = np.zeros(architecture.n_parameters)
    layers, W_hy, *_ = architecture.unflatten(theta)
    for i, (W_xh, W_hh, _) in enumerate(layers):
        W_xh[...] = rng.normal(size=W_xh.shape)
        if i == 0:
            W_xh *= _input_deviation(features)[: len(W_xh), None]
        else:
            W_xh /= np.sqrt(len(W_xh))
        for direction in W_hh:
            direction[...] = _RECURRENT_GAIN * _orthogonal(len(direction), rng)
    has_direct = architecture.has_direct_weights
    scale = _OUTPUT_SCALE_BESIDE_DIRECT if has_direct else _OUTPUT_SCALE
    W_hy[...] = rng.normal(0, scale / np.sqrt(max(1, len(W_hy))), W_hy.shape)
    return theta


def within_prior(
    architecture: Architecture,
    theta: NDArray[np.float64],
    penalty: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return theta with every matrix of a layer reduced to a moderate penalty.

    Parameters
    ----------
    architecture : Architecture
    theta : ndarray of shape (n_parameters,)
    penalty : ndarray of shape (n_parameters,)
        That of the objective, per step.
    """
    theta = theta.copy()
    costs = architecture.unflatten(0.5 * penalty * np.square(theta))
    layers, W_hy, *_ = architecture.unflatten(theta)
    pairs = [(W_hy, costs.W_hy)]
    for layer, of_layer in zip(layers, costs.layers, strict=True):
        pairs += [(layer.W_xh, of_layer.W_xh), (layer.W_hh, of_layer.W_hh)]
    for W, cost in pairs:
        W *= np.sqrt(_MAX_PENALTY / max(float(cost.sum()), _MAX_PENALTY))
    return theta


def _input_deviation(features: FeatureStats) -> NDArray[np.float64]:
    deviation = _INPUT_SCALE / features.expected_overlap**_SHARED_POWER / features.scale
    frequency = features.frequency
    result: NDArray[np.float64] = deviation * np.sqrt(frequency / (frequency + _RARE))
    return result


def _orthogonal(n: int, rng: np.random.RandomState) -> Array:
    Q, R = np.linalg.qr(rng.normal(size=(n, n)))
    Q *= np.where(np.diag(R) < 0, -1.0, 1.0)  # otherwise Q is not uniformly distributed
    return Q
