r"""Output weights to start from: what can be read from the states of random weights.

States that random weights make are features like any others, and the output weights
that suit them need not be found step by step. Where the outputs are the same at every
step, one Newton step of the loss towards better ones is a ridge regression,

    (S + r I) W_hy = cov(h, y) g'(mean y) + r W_0      b_y = g(mean y) - (mean h) W_hy

where S is the covariance of the states, W_0 the weights that were drawn, r a share of
the mean variance of a state, and g the function that makes outputs of means of targets.
Numbers are outputs themselves: g' = 1. A class counts as the unit vector of its place,
whose mean is the frequency p of the class, the outputs are log p, and g' = 1/p.

In directions in which states differ the data decide, in all others the weights stay as
they were drawn. They matter: what hidden units are to learn reaches them through
W_hy, and least squares alone would have it be what they know already.

Where steps share features, as those of images do, what they tell at first sight is for
a good part noise, and a training that starts from it goes on to learn the noise by
heart. There only a part of the way is gone: one over the number of shared features.
"""

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import inputs
from skrnn._network.model import network
from skrnn._network.model.loss import LOSSES
from skrnn._network.model.parameters import Architecture

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
    """Return theta with output weights that suit its states better.

    Parameters
    ----------
    architecture : Architecture
    theta : ndarray of shape (n_parameters,)
    features : Features
    sample : Sample
        Sequences on which states are looked at.
    """
    theta = theta.copy()
    parameters = architecture.unflatten(theta)
    loss = LOSSES[architecture.output]
    space = network.Workspace(PRECISE)
    n_steps = 0
    n, n_outputs = 1 + architecture.n_states, architecture.n_outputs
    hh, yh, part = np.zeros((n, n)), np.zeros((n_outputs, n)), np.empty((n_outputs, n))
    for batch in sample.batches(architecture):
        states, _ = network.forward(parameters, batch, architecture.activation, space)
        # With a state that is always 1, sums of products hold the plain sums too.
        H = np.column_stack([np.ones(len(batch.w)), states[-1]])
        wH = batch.w[:, None] * H
        hh += H.T @ wH
        inputs.input_weight_grad(loss.encode(batch.y, n_outputs), wH, out=part)
        yh += part
        n_steps += int(np.count_nonzero(batch.w))
    hh, yh = hh / hh[0, 0], yh / hh[0, 0]
    mean_h, mean_y = hh[0, 1:], yh[:, 0]
    S = hh[1:, 1:] - np.outer(mean_h, mean_h)
    covariance = yh[:, 1:] - np.outer(mean_y, mean_h)
    if S.trace() > _ROUNDING * hh.trace():  # else all states are the same
        ridge = _RIDGE * S.trace() / len(S)
        S[np.diag_indices_from(S)] += ridge
        constant, slope = loss.link(mean_y, n_steps)
        W_hy = np.linalg.solve(S, covariance.T * slope + ridge * parameters.W_hy)
        b_y = constant - mean_h @ W_hy
        parameters.W_hy[...] += (W_hy - parameters.W_hy) / features.expected_overlap
        parameters.b_y[...] += (b_y - parameters.b_y) / features.expected_overlap
    return theta
