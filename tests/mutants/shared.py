"""Faults in shared weights and rare features, in samples, and in what is reused."""

from _mutant import Mutant

SHARED = "_network/training/shared_weights"

MUTANTS = [
    Mutant(
        "the value of a variable is the sum of its features",
        SHARED,
        "n_equal[columns] ** -0.5",
        "n_equal[columns] ** 0.0",
        "shared_weights",
    ),
    Mutant(
        "variables without hidden weights come first",
        SHARED,
        "~has_hidden[chosen]",
        "has_hidden[chosen]",
        "shared_weights",
    ),
    Mutant(
        "occurrences are counted by weight",
        SHARED,
        "np.bincount(X.indices[X.data != 0], minlength=n_features)",
        "(X != 0).T @ w[steps].astype(int)",
        "shared_weights",
    ),
    Mutant(
        "features without direct weights share theirs",
        SHARED,
        "n_features <= MAX_FEATURES or not architecture.skip_connection:",
        "n_features <= MAX_FEATURES:",
        "shared_weights",
    ),
    Mutant(
        "the prior is that of the variables alone",
        SHARED,
        "return self.features._replace(\n            scale=",
        "return FeatureStats.of(\n            scale=",
        "shared_weights",
    ),
    Mutant(
        "rare features lose their direct weights, too",
        SHARED,
        "chosen = np.flatnonzero(n_seen)",
        "chosen = np.flatnonzero(has_hidden)",
        "shared_weights",
    ),
    Mutant(
        "direct weights of a network without hidden layers read the frequent features",
        "_network/model/network",
        "inputs.affine(batch.X, parameters.W_xy",
        "inputs.affine(X, parameters.W_xy",
        "shared_weights",
    ),
    Mutant(
        "a fit that continues shares weights",
        "_estimators/base",
        "shares_weights=not self._is_warm_start()",
        "shares_weights=True",
        "shared_weights",
    ),
    Mutant(
        "very long sequences keep the labels of others",
        "_network/training/subsample",
        "self.y[steps], self.w[steps], ngrams)",
        "self.y, self.w, ngrams)",
        "subsample",
    ),
    Mutant(
        "an objective evaluated elsewhere is taken for the last one",
        "_network/training/objective",
        "if self._last is None or not np.array_equal(theta, self._last[0]):",
        "if self._last is None:",
        "objective train gradient",
    ),
]
