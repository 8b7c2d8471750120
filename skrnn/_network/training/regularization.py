r"""L2 regularization, relative to each weight's typical contribution.

A penalty on raw weights would depend on the units of the features and on the number of
hidden units. So the penalty is a Gaussian prior on contributions: with ``alpha=1``,
the contribution of

    the input to a hidden unit      has standard deviation  2 / sqrt(expected_overlap)
    the states to a hidden unit     has standard deviation  1
    the states to a logit           has standard deviation  10

for inputs of typical size and states of the maximum size of tanh. A weight of feature j
then has the prior variance 4 / (expected_overlap n_active m_j^2), where m_j is the root
mean square of the feature over the steps where it is nonzero, and n_active the mean
number of nonzero features per step: for one-hot steps both are 1, for standardized
features 1 and n_features. A weight of n states has the prior variance 1 / n or 100 / n.

expected_overlap is the mean number of nonzero features that two random steps share: for
one-hot steps at most 1, which counts as 1; for dense steps n_features. Features that
are always nonzero, such as the pixels of an image, are mostly redundant. With an
independent prior for each, it would be cheaper to overfit the noise of every single
step than to learn what steps have in common.

Weights from state to state have the narrowest prior. With a wide one a network would
learn training steps by heart: recurrent weights are few, so it costs little to tell
steps apart by anything that came before them.

Multiplying a feature by a constant therefore changes only its weights.

Direct weights of the input to the output, and the scores of a chain of labels, have a
strength of their own. With ``skip_alpha=1``, the contribution of a *single* feature of
typical size m_j, or of a transition, has standard deviation 1: the prior variance of
the weight is 1 / m_j^2. For binary features that is the penalty of other linear models:
1 / C of logistic regression, and 2 c2 of a conditional random field.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import inputs
from skrnn._network.data.packing import Batch
from skrnn._network.model.parameters import Architecture

Vector = NDArray[np.float64]

INPUT_DEVIATION = 2.0
STATE_DEVIATION = 1.0
LOGIT_DEVIATION = 10.0


class FeatureStats(NamedTuple):
    """Statistics of the features for the prior and the initialization."""

    scale: Vector  # (n_features,), sqrt(n_active) m_j
    frequency: Vector  # (n_features,), fraction of steps with the feature
    n_active: float  # mean number of nonzero features per step, or 1 if there are none
    expected_overlap: float  # mean number that two random steps share; at least 1
    density: float  # fraction of the values that are not zero
    pair_precision: Vector | None = None  # (n_pairs,), see ``ngrams``

    @classmethod
    def of(cls, scale: Vector, frequency: Vector) -> Self:
        """Return the statistics of features of these sizes and frequencies."""
        return cls(
            scale,
            frequency,
            float(frequency.sum()) or 1.0,
            max(1.0, float(frequency @ frequency)),
            float(frequency.mean()),
        )

    @property
    def mean_square(self) -> Vector:
        """Mean square of each feature over the steps where it is nonzero, m_j^2."""
        result: Vector = np.square(self.scale) / self.n_active
        return result

    @property
    def penalty_scale(self) -> Vector:
        """Factor that gives weights the same prior as those of one-hot steps."""
        scale: Vector = self.scale * np.sqrt(self.expected_overlap)
        return scale


class FeatureMoments(NamedTuple):
    """Weighted sums over steps that determine the size of the features."""

    squares: Any  # (n_features,)
    present: Any  # (n_features,), weight of the steps where a feature is nonzero
    total: float  # weight of all steps


NO_MOMENTS = FeatureMoments(0.0, 0.0, 0.0)


def add_moments(moments: FeatureMoments, X: Any, w: Vector) -> FeatureMoments:
    """Add the moments of weighted rows, in one of the forms of ``inputs``."""
    parts = (*inputs.moments(X, w), float(w.sum()))
    return FeatureMoments(*(a + b for a, b in zip(moments, parts, strict=True)))


def feature_moments(batches: Iterable[Batch]) -> FeatureMoments:
    """Add up the moments of all features."""
    moments = NO_MOMENTS
    for batch in batches:
        moments = add_moments(moments, batch.X, batch.w.astype(np.float64))
    return moments


def feature_stats(batches: Iterable[Batch]) -> FeatureStats:
    """Return the feature statistics of weighted steps."""
    return stats_from_moments(feature_moments(batches))


def stats_from_moments(moments: FeatureMoments) -> FeatureStats:
    """Return the feature statistics from weighted sums over steps.

    A feature that is always zero gets the size 1.
    """
    squares, present, total = moments
    n_active = float(present.sum()) / total
    seen = present > 0
    mean_square = np.divide(squares, present, out=np.ones_like(squares), where=seen)
    return FeatureStats.of(np.sqrt((n_active or 1.0) * mean_square), present / total)


def precision(architecture: Architecture, features: FeatureStats) -> Vector:
    """Return the inverse prior variance of the weights of hidden and output layers.

    It is 0 for all other parameters.
    """
    flat = np.zeros(architecture.n_parameters)
    layers, W_hy, *_ = architecture.unflatten(flat)
    for i, (W_xh, W_hh, _) in enumerate(layers):
        if i == 0:
            scale = features.penalty_scale[: len(W_xh), None]
            W_xh[...] = np.square(scale / INPUT_DEVIATION)
        else:
            W_xh[...] = len(W_xh) / STATE_DEVIATION**2
        W_hh[...] = W_hh.shape[-1] / STATE_DEVIATION**2
    W_hy[...] = len(W_hy) / LOGIT_DEVIATION**2
    return flat


def skip_precision(architecture: Architecture, features: FeatureStats) -> Vector:
    """Return the inverse prior variance of direct weights and transitions.

    It is 0 for all other parameters.
    """
    flat = np.zeros(architecture.n_parameters)
    parameters = architecture.unflatten(flat)
    if parameters.W_xy is not None:
        parameters.W_xy[...] = features.mean_square[:, None]
    if parameters.pairs is not None:
        assert features.pair_precision is not None
        parameters.pairs[...] = features.pair_precision
    for scores in parameters.chain or ():
        scores[...] = 1.0
    return flat
