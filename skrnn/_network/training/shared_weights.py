r"""Fewer weights for thousands of sparse features, such as the words of a text.

Features that are equal at every training step can share their weights. If k of them
have the weight w each, their contribution and their penalty are

    k w x = v (sqrt(k) x)        k c w^2 = c v^2        with  v = sqrt(k) w

so they are one *variable*, with the weight v and the value sum_j x_j / sqrt(k), also at
other steps. By symmetry, the optimum has equal weights.

Features that fewer than four steps have get no hidden weights: beside direct weights
these gain nothing.

Without direct weights every feature has weights of its own. A network that cannot learn
single words by their own features learns them by all others, and the more iterations
it has, the worse it is on new texts; held-out sentences of the same texts do not show
it. And L-BFGS gains less from each iteration if equal features are one variable.

L-BFGS needs a few dozen vectors of all weights. With up to a thousand features there is
little to gain, and every feature has weights of its own.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skrnn._network.data import inputs, packing
from skrnn._network.data.packing import Source
from skrnn._network.data.steps import first_steps, ranges
from skrnn._network.model.parameters import Architecture
from skrnn._network.workspace import Memory

from .regularization import NO_MOMENTS, FeatureStats, add_moments, stats_from_moments

Ids = NDArray[np.intp]
Vector = NDArray[np.float64]

MAX_FEATURES = 1000  # that all have weights of their own
MIN_STEPS = 4  # of a feature with hidden weights


class SharedWeights(NamedTuple):
    """The variables that stand for features in training."""

    matrix: sparse.csr_array  # (n_features, n_variables), 1 / sqrt(k) or 0
    n_hidden: int  # variables with hidden weights; they come first
    first: Ids  # (n_variables,), one of the features of each
    features: FeatureStats  # of all features

    @property
    def variables(self) -> FeatureStats:
        """Statistics of variables: those of one of their features.

        The prior of a weight depends on all features, as if there were no variables.
        """
        return self.features._replace(
            scale=self.features.scale[self.first],
            frequency=self.features.frequency[self.first],
        )

    def architecture(self, architecture: Architecture) -> Architecture:
        """Return the network of the variables."""
        n_variables = self.matrix.shape[1]
        n_hidden = self.n_hidden if self.n_hidden < n_variables else 0
        return architecture._replace(n_features=n_variables, n_hidden_features=n_hidden)

    def of_features(self, architecture: Architecture) -> Architecture:
        """Return the network of the features, given that of the variables."""
        n_features = self.matrix.shape[0]
        return architecture._replace(n_features=n_features, n_hidden_features=0)

    def source(self, source: Source) -> "VariableSource":
        """Return the variables of steps."""
        return VariableSource(source, self.matrix)

    def to_features(self, architecture: Architecture, theta: Vector) -> Vector:
        """Return the parameters of the features from those of the variables."""
        given = architecture.unflatten(theta)
        layers = list(given.layers)
        if layers:
            W_xh = self.matrix[:, : self.n_hidden] @ layers[0].W_xh
            layers[0] = layers[0]._replace(W_xh=W_xh)
        W_xy = None if given.W_xy is None else self.matrix @ given.W_xy
        full = self.of_features(architecture)
        return full.flatten(given._replace(layers=tuple(layers), W_xy=W_xy))


class VariableSource(NamedTuple):
    """Sequences whose steps have variables in place of features."""

    source: Source
    matrix: sparse.csr_array

    @property
    def lengths(self) -> Ids:
        """Numbers of steps."""
        return self.source.lengths

    def take(self, ids: Ids, dtype: np.dtype[Any], memory: Memory | None = None) -> Any:
        """Return the steps of the given sequences, concatenated."""
        X = inputs.compress(self.source.take(ids, dtype, memory))
        return (inputs.as_csr(X) @ self.matrix).astype(dtype)


def share_weights(
    source: Source, ids: Ids, w: Vector, architecture: Architecture
) -> SharedWeights | None:
    """Find the variables of training sequences; None if all features are needed.

    Parameters
    ----------
    source : Source
    ids : ndarray of shape (n_sequences,)
        The training sequences, in canonical order and without copies: whatever the
        weights, each is one occurrence of its features.
    w : ndarray of shape (n_valid_steps,)
        Weights of the steps of the source.
    architecture : Architecture
    """
    n_features, lengths = architecture.n_features, source.lengths
    if n_features <= MAX_FEATURES or not architecture.skip_connection:
        return None
    starts, n_before = first_steps(lengths), 0
    counts = np.zeros(n_features, np.intp)
    words = np.zeros((n_features, 2), np.uint64)
    moments = NO_MOMENTS
    for chunk in packing.split_into_batches(ids, lengths, min_sequences=1):
        X = inputs.compress(source.take(chunk, np.dtype(np.float64)))
        if isinstance(X, np.ndarray):
            return None
        X = inputs.as_csr(X)
        if not X.has_canonical_format:
            X = X.copy()  # it may be the user's
            X.sum_duplicates()
        steps = ranges(starts[chunk], lengths[chunk])
        counts += np.bincount(X.indices[X.data != 0], minlength=n_features)
        words += packing.column_words(X, n_before)
        n_before += len(steps)
        moments = add_moments(moments, X, w[steps])
    _, first, variable = np.unique(
        words.view("S16").ravel(), return_index=True, return_inverse=True
    )
    n_seen = counts[first]
    has_hidden = n_seen >= MIN_STEPS
    n_hidden = int(has_hidden.sum())
    if n_hidden == 0:
        return None
    # Those with hidden weights first; otherwise in the order of the features.
    chosen = np.flatnonzero(n_seen)
    chosen = chosen[np.lexsort((first[chosen], ~has_hidden[chosen]))]
    place = np.full(len(first), -1)
    place[chosen] = np.arange(len(chosen))
    features = np.flatnonzero(place[variable] >= 0)
    columns = place[variable[features]]
    n_equal = np.bincount(columns)
    matrix = sparse.csr_array(
        (n_equal[columns] ** -0.5, (features, columns)),
        shape=(n_features, len(chosen)),
    )
    stats = stats_from_moments(moments)
    return SharedWeights(matrix, n_hidden, first[chosen], stats)
