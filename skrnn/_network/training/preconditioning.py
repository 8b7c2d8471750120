r"""Diagonal preconditioning: L-BFGS works in the variables z, theta = s * z.

L-BFGS starts with the identity as its estimate of curvature, so it wastes iterations if
one weight matters a thousand times more than another. Near the optimum the curvature of
the objective is close to its Fisher information, whose diagonal is

    H_j = 1/W sum_i w_i g_ij^2 + alpha / W * precision_j

with g_i the gradient of a sequence's -log p for labels *drawn from the model*; the term
of the prior is exact. In z = theta / s with s_j = H_j^(-1/2), all diagonal elements
would be 1. Because the estimate is made at the start, before the model has learned
anything, a power slightly closer to zero is safer. The objective and its optimum are
unchanged.

Every stage of training (see ``warm_up``) has its own variables. The estimates are
averaged, because a model that is certain of all labels shows no curvature.

The estimate uses a sample of the sequences. s is scaled so that the largest component
of the gradient at the start is the same in both variables, so the tolerance keeps its
meaning. All computations use the weights of a feature multiplied by its size, so the
units of the features do not matter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import inputs
from skrnn._network.data.packing import Batch
from skrnn._network.model import chain, network
from skrnn._network.model.loss import LOSSES
from skrnn._network.model.parameters import Architecture, Chain, Parameters
from skrnn._network.workspace import Workspace

from .objective import Objective
from .subsample import PRECISE, Subsample

Vector = NDArray[np.float64]

_POWER = 0.4


@dataclass
class Preconditioner:
    """Computes the scale of the variables for each run of a training."""

    feature_scale: Vector  # (n_features,), `scale` of `FeatureStats`
    sample: Subsample  # sequences for the estimate
    rng: np.random.RandomState  # draws the labels
    fisher: Vector | float = 0.0  # mean of the estimates
    n_estimates: int = 0

    def diagonal(self, objective: Objective, theta: Vector) -> Vector:
        """Return s for a run that starts at theta, with an estimate made there."""
        self.estimate(objective.architecture, theta)
        return self.scale(objective, theta)

    def estimate(self, architecture: Architecture, theta: Vector) -> None:
        """Add an estimate of the curvature at theta."""
        estimate = fisher_diagonal(architecture, theta, self.sample, self.rng)
        self.n_estimates += 1
        self.fisher += (estimate - self.fisher) / self.n_estimates

    def scale(self, objective: Objective, theta: Vector) -> Vector:
        """Return s for a run that starts at theta, with the estimates made so far."""
        architecture = objective.architecture
        unit = np.ones_like(theta)
        parameters = architecture.unflatten(unit)
        for W in self._input_weights(parameters):
            W[...] = self.feature_scale[: len(W), None]
        curvature = (self.fisher + objective.penalty) / unit**2
        # A bias without any gradient has no estimate of curvature.
        curvature[curvature == 0] = 1.0
        s: Vector = curvature**-_POWER / unit
        _, gradient = objective.loss_and_gradient(theta)
        largest = np.abs(gradient / unit).max(), np.abs(s * gradient).max()
        if largest[1] > 0:
            s *= largest[0] / largest[1]
        return s

    @staticmethod
    def _input_weights(parameters: Parameters) -> list[Vector]:
        direct = [] if parameters.W_xy is None else [parameters.W_xy]
        return [*(layer.W_xh for layer in parameters.layers[:1]), *direct]


def fisher_diagonal(
    architecture: Architecture,
    theta: Vector,
    sample: Subsample,
    rng: np.random.RandomState,
) -> Vector:
    """Return the weighted mean of squared gradients of sequences."""
    parameters = architecture.parameters(theta)
    space = Workspace(PRECISE)
    total, total_weight = np.zeros(len(theta)), 0.0
    of_parameters = architecture.unflatten(total)
    for batch in sample.batches(architecture):
        states, L = network.forward(parameters, batch, architecture.activation, space)
        y = _draw(architecture, parameters, batch, L, rng)
        # Relative weights within a sequence affect its gradient; the mean weight of the
        # sequence counts how many such sequences there are.
        number = batch.sequence_of_row
        weights = np.bincount(number, batch.w) / np.bincount(number)
        drawn = batch._replace(y=y, w=batch.w / weights[number])
        of_chains = _replace_by_gradients(architecture, parameters, drawn, L)
        d_states = [np.empty_like(H) for H in states]
        for deltas in network.iter_deltas(
            parameters, batch, architecture.activation, space, states, L
        ):
            d_states[deltas.layer][deltas.rows, deltas.part] = deltas.array
        for i, weight in enumerate(weights):
            rows = batch.rows_of(i)
            _add_squares(
                batch.select_rows(rows),
                [H[rows] for H in states],
                [dA[rows] for dA in d_states],
                L[rows],
                weight,
                of_parameters,
            )
        for gradient, weight in zip(of_chains, weights, strict=False):
            assert of_parameters.chain is not None
            for scores, slope in zip(of_parameters.chain, gradient, strict=True):
                scores += weight * slope**2
        total_weight += float(batch.w.sum())
    if of_parameters.pairs is not None and sample.ngrams is not None:
        # Most n-grams are too rare for a sample.
        of_parameters.pairs[...] = sample.ngrams.curvature * total_weight
    return total / total_weight


def _add_squares(
    sequence: Batch,
    states: list[Vector],
    d_states: list[Vector],
    dL: Vector,
    weight: float,
    total: Parameters,
) -> None:
    """Add the weighted squares of a sequence's gradients.

    Parameters
    ----------
    sequence : Batch
    states, d_states : list of ndarray of shape (n_steps, n_states)
        States of each layer, and gradients with respect to their inputs.
    dL : ndarray of shape (n_steps, n_outputs)
    weight : float
    total : Parameters
        The sums, without those of n-grams and of a chain.
    """
    # Most features of sparse steps do not occur in a sequence.
    features, X = inputs.filled_columns(sequence.X)
    read, X_of_hidden = features, X
    if sequence.X_of_hidden is not None:
        read, X_of_hidden = inputs.filled_columns(sequence.X_of_hidden)
    for i, (dA, layer) in enumerate(zip(d_states, total.layers, strict=True)):
        if i:
            layer.W_xh[...] += weight * (states[i - 1].T @ dA) ** 2
        else:
            layer.W_xh[read] += weight * (X_of_hidden.T @ dA) ** 2
        layer.b_h[...] += weight * dA.sum(axis=0) ** 2
        for d, part in enumerate(network.directions(layer.W_hh)):
            before, after = slice(None, -1), slice(1, None)
            if d == 1:
                before, after = after, before
            product = states[i][before, part].T @ dA[after, part]
            layer.W_hh[d] += weight * product**2
    if states:
        total.W_hy[...] += weight * (states[-1].T @ dL) ** 2
    if total.W_xy is not None:
        total.W_xy[features] += weight * (X.T @ dL) ** 2
    total.b_y[...] += weight * dL.sum(axis=0) ** 2


def _draw(
    architecture: Architecture,
    parameters: Parameters,
    batch: Batch,
    L: Vector,
    rng: np.random.RandomState,
) -> Any:
    """Draw targets of all rows, sequence by sequence: independent of the batches."""
    order = np.argsort(batch.sequence_of_row, kind="stable")
    place = np.argsort(order)
    if parameters.chain is None:
        return LOSSES[architecture.output].draw(L[order], rng)[place]
    u = rng.uniform(size=len(L))[place]
    return chain.draw(L, batch.offsets, parameters.chain, u)


def _replace_by_gradients(
    architecture: Architecture, parameters: Parameters, batch: Batch, L: Vector
) -> list[Chain]:
    """Replace outputs by their gradients; return those of the chain by sequence."""
    if parameters.chain is None:
        LOSSES[architecture.output].evaluate(L, batch.y, batch.w)
        return []
    gradients = []
    for i in range(batch.offsets[1]):
        rows = batch.rows_of(i)
        dL, gradient = L[rows], Chain(*map(np.empty_like, parameters.chain))
        chain.cross_entropy(dL, batch.select_rows(rows), parameters.chain, gradient)
        L[rows] = dL
        gradients.append(gradient)
    return gradients
