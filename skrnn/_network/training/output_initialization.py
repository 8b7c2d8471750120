r"""Initialization of the output weights by ridge regression on random states.

The states of random weights are features like any others, and suitable output weights
for them need not be found iteratively. If the outputs are the same at every step, one
Newton step of the loss is a ridge regression,

    (S + r I) W_hy = cov(h, y) g'(mean y) + r W_0      b_y = g(mean y) - (mean h) W_hy

where S is the covariance of the states, W_0 the random output weights, r a fraction of
the mean variance of a state, and g the link function from means of targets to outputs.
For real-valued targets, g is the identity and g' = 1. Classes are encoded as unit
vectors, whose mean is the frequency p of each class; then the outputs are log p, and
g' = 1/p.

The data determine the weights in directions in which states vary; in all others the
random weights remain. They matter: hidden units receive gradients through W_hy, and
with least squares alone they would be taught only what they know already.

If steps share features, as images do, much of the first fit is noise, and training that
starts from it would overfit this noise. Then only a part of the step is taken: one over
the number of shared features.
"""

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import inputs
from skrnn._network.model import network
from skrnn._network.model.loss import LOSSES
from skrnn._network.model.parameters import Architecture
from skrnn._network.workspace import Workspace

from .regularization import FeatureStats
from .subsample import PRECISE, Subsample

_RIDGE = 0.3
_ROUNDING = 1e-12


def ridge_output_init(
    architecture: Architecture,
    theta: NDArray[np.float64],
    features: FeatureStats,
    sample: Subsample,
) -> NDArray[np.float64]:
    """Return theta with output weights fitted to its states.

    Parameters
    ----------
    architecture : Architecture
    theta : ndarray of shape (n_parameters,)
    features : FeatureStats
    sample : Subsample
        Sequences for the regression.
    """
    theta = theta.copy()
    parameters = architecture.unflatten(theta)
    loss = LOSSES[architecture.output]
    space = Workspace(PRECISE)
    n_steps = 0
    n, n_outputs = 1 + architecture.n_states, architecture.n_outputs
    hh, yh = np.zeros((n, n)), np.zeros((n_outputs, n))
    for batch in sample.batches(architecture):
        states, _ = network.forward(parameters, batch, architecture.activation, space)
        # With a constant state of 1, sums of products include the plain sums.
        H = np.column_stack([np.ones(len(batch.w)), states[-1]])
        wH = batch.w[:, None] * H
        hh += H.T @ wH
        yh += inputs.transposed_product(loss.encode(batch.y, n_outputs), wH)
        n_steps += int(np.count_nonzero(batch.w))
    hh, yh = hh / hh[0, 0], yh / hh[0, 0]
    mean_h, mean_y = hh[0, 1:], yh[:, 0]
    S = hh[1:, 1:] - np.outer(mean_h, mean_h)
    covariance = yh[:, 1:] - np.outer(mean_y, mean_h)
    if S.trace() > _ROUNDING * hh.trace():  # otherwise all states are equal
        ridge = _RIDGE * S.trace() / len(S)
        S[np.diag_indices_from(S)] += ridge
        constant, slope = loss.link(mean_y, n_steps)
        W_hy = np.linalg.solve(S, covariance.T * slope + ridge * parameters.W_hy)
        b_y = constant - mean_h @ W_hy
        parameters.W_hy[...] += (W_hy - parameters.W_hy) / features.expected_overlap
        parameters.b_y[...] += (b_y - parameters.b_y) / features.expected_overlap
    return theta
