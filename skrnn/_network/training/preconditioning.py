r"""The variables in which L-BFGS works: theta = s * z.

L-BFGS starts from the identity as its picture of curvature, so it wastes iterations
where one weight matters a thousand times more than another. Near the optimum the
curvature of the objective is close to its Fisher information, whose diagonal is

    H_j = 1/W sum_i w_i g_ij^2 + alpha / W * precision_j

with g_i the gradient of a sequence's -log p for labels *drawn from the model*, and
the prior's share exact. In z = theta / s with s_j = H_j^(-1/2) all diagonal elements
would be 1; because the estimate is made at the start, where the model knows nothing
yet, a power a little nearer to zero is safer. The objective, and so its optimum, is
unchanged.

A training that has stages (see ``warm_up``) has variables for each. Its estimates are
averaged, for a model that is certain of all labels shows no curvature.

The estimate uses a sample of the sequences. s is scaled so that the largest component
of the gradient is the same in both variables at the start: a tolerance keeps its
meaning. All this is done with the weights of a feature multiplied by its size, or the
units of the features would change the run.
"""

import numpy as np
from numpy.typing import NDArray

from skrnn._network.model import network
from skrnn._network.model.loss import LOSSES
from skrnn._network.model.parameters import Architecture

from .objective import Objective
from .subsample import PRECISE, Subsample

_POWER = 0.4


class Preconditioner:
    """The variables of one training, as often as it asks for them.

    Parameters
    ----------
    feature_scale : ndarray of shape (n_features,)
        Size of the features, as `regularization.FeatureStats` has it.
    sample : Sample
        Sequences to look at.
    rng : RandomState
        Draws the labels.
    """

    def __init__(
        self,
        feature_scale: NDArray[np.float64],
        sample: Subsample,
        rng: np.random.RandomState,
    ) -> None:
        self.feature_scale = feature_scale
        self.sample = sample
        self.rng = rng
        self.fisher: NDArray[np.float64] | float = 0.0  # mean of the estimates
        self.n_estimates = 0

    def diagonal(
        self, objective: Objective, theta: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return s for a run that starts at theta."""
        architecture = objective.architecture
        estimate = fisher_diagonal(architecture, theta, self.sample, self.rng)
        self.n_estimates += 1
        self.fisher += (estimate - self.fisher) / self.n_estimates
        unit = np.ones_like(theta)
        architecture.unflatten(unit).layers[0].W_xh[...] = self.feature_scale[:, None]
        curvature = (self.fisher + objective.penalty) / unit**2
        # A bias that no gradient reached has no curvature to go by.
        curvature[curvature == 0] = 1.0
        s: NDArray[np.float64] = curvature**-_POWER / unit
        _, gradient = objective.loss_and_gradient(theta)
        largest = np.abs(gradient / unit).max(), np.abs(s * gradient).max()
        if largest[1] > 0:
            s *= largest[0] / largest[1]
        return s


def fisher_diagonal(
    architecture: Architecture,
    theta: NDArray[np.float64],
    sample: Subsample,
    rng: np.random.RandomState,
) -> NDArray[np.float64]:
    """Return the mean, per unit of weight, of squared gradients of sequences."""
    parameters = architecture.unflatten(theta)
    loss = LOSSES[architecture.output]
    space = network.Workspace(PRECISE)
    slope = np.empty_like(theta)
    total, total_weight = np.zeros(len(theta)), 0.0
    for batch in sample.batches(architecture):
        states, L = network.forward(parameters, batch, architecture.activation, space)
        number = batch.sequence_of_row
        # One sequence after another, so that nothing depends on the batches.
        order = np.argsort(number, kind="stable")
        y = loss.draw(L[order], rng)[np.argsort(order)]
        # Weights within a sequence shape its gradient; the sequence's own weight
        # says how many such sequences there are.
        weights = np.bincount(number, batch.w) / np.bincount(number)
        loss.evaluate(L, y, batch.w / weights[number])
        inputs = network.backward_states(
            parameters, batch, architecture.activation, space, states, L
        )
        for i, weight in enumerate(weights):
            rows = batch.rows_of(i)
            network.weight_gradients(
                batch.select_rows(rows),
                [H[rows] for H in states],
                [dA[rows] for dA in inputs],
                L[rows],
                architecture.unflatten(slope),
            )
            np.square(slope, out=slope)
            slope *= weight
            total += slope
        total_weight += float(batch.w.sum())
    return total / total_weight
