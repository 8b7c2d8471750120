r"""How large weights are expected to be, in the units of what they multiply.

A penalty on raw weights would depend on the units of the features and on the number
of hidden units. So the penalty is a Gaussian prior on what weights do: with
``alpha=1`` the contribution of

    the input to a hidden unit      has standard deviation  2 / sqrt(expected_overlap)
    the states to a hidden unit     has standard deviation  3
    the states to a logit           has standard deviation  10

when the input is as large as it typically is and states are as large as tanh lets
them be. A weight of feature j then has the prior variance 4 / (expected_overlap
n_active m_j^2), where m_j is the root mean square of the feature over the steps at
which it is not zero and n_active the mean number of features that are not zero in a
step: for one-hot steps both are 1, for standardized features 1 and n_features. A weight
of n states has the prior variance 9 / n or 100 / n.

expected_overlap is the mean number of features that two steps, taken at random, have
both: 1 for one-hot steps, or less, which counts as 1, and n_features for dense ones.
Features that are always there, such as the pixels of an image, mostly speak of the same
few things. Were each free to speak for itself, it would be cheaper to learn the noise
of every single step by heart than to learn what the other steps tell of it.

Multiplying a feature by a constant therefore changes nothing but its weights.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data import inputs
from skrnn._network.data.packing import Batch
from skrnn._network.model.parameters import Architecture

INPUT_DEVIATION = 2.0
STATE_DEVIATION = 3.0
LOGIT_DEVIATION = 10.0


class FeatureStats(NamedTuple):
    """What the prior and the first weights need to know of the features."""

    scale: NDArray[np.float64]  # (n_features,), sqrt(n_active) m_j
    frequency: NDArray[np.float64]  # (n_features,), of the steps that have the feature

    @property
    def expected_overlap(self) -> float:
        """How many features two steps have both, in the mean; at least 1."""
        return max(1.0, float(self.frequency @ self.frequency))

    @property
    def penalty_scale(self) -> NDArray[np.float64]:
        """Factor that gives weights the prior of those of one-hot steps."""
        scale: NDArray[np.float64] = self.scale * np.sqrt(self.expected_overlap)
        return scale


class FeatureMoments(NamedTuple):
    """Sums over weighted steps that tell how large features are."""

    squares: Any  # (n_features,)
    present: Any  # (n_features,), weight of the steps at which a feature is not zero
    total: float  # weight of all steps


def feature_moments(batches: Iterable[Batch]) -> FeatureMoments:
    """Add up the moments of all features."""
    result = FeatureMoments(0.0, 0.0, 0.0)
    for batch in batches:
        w = batch.w.astype(np.float64)
        result = add_moments(
            result, FeatureMoments(*inputs.moments(batch.X, w), float(w.sum()))
        )
    return result


def add_moments(one: FeatureMoments, other: FeatureMoments) -> FeatureMoments:
    """Return the moments over both sets of steps."""
    return FeatureMoments(*(a + b for a, b in zip(one, other, strict=True)))


def feature_stats(batches: Iterable[Batch]) -> FeatureStats:
    """Return what weighted steps tell of their features."""
    return stats_from_moments(feature_moments(batches))


def stats_from_moments(moments: FeatureMoments) -> FeatureStats:
    """Return what sums over weighted steps tell of their features.

    A feature that is never anything but zero counts as one of size 1.
    """
    squares, present, total = moments
    n_active = float(present.sum()) / total
    seen = present > 0
    mean_square = np.divide(squares, present, out=np.ones_like(squares), where=seen)
    return FeatureStats(np.sqrt((n_active or 1.0) * mean_square), present / total)


def precision(
    architecture: Architecture, features: FeatureStats
) -> NDArray[np.float64]:
    """Return the inverse prior variance of every parameter, 0 for biases."""
    flat = np.zeros(architecture.n_parameters)
    layers, W_hy, _ = architecture.unflatten(flat)
    for i, (W_xh, W_hh, _) in enumerate(layers):
        if i == 0:
            W_xh[...] = np.square(features.penalty_scale / INPUT_DEVIATION)[:, None]
        else:
            W_xh[...] = len(W_xh) / STATE_DEVIATION**2
        W_hh[...] = W_hh.shape[-1] / STATE_DEVIATION**2
    W_hy[...] = len(W_hy) / LOGIT_DEVIATION**2
    return flat
