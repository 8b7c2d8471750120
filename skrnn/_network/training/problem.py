"""What is to be trained, and how: the data's objectives, and the settings."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .objective import Objective, SubsetObjective
from .regularization import FeatureStats
from .shared_weights import SharedWeights
from .subsample import Subsample
from .target_scaling import TargetScaler

Vector = NDArray[np.float64]


class TrainingProblem(NamedTuple):
    """The objectives and statistics of the data, wherever the data are."""

    objective: Objective
    validation: Objective | None
    features: FeatureStats
    target_scaler: TargetScaler  # of the targets
    sample: Subsample
    lengths: NDArray[np.intp]  # of the training sequences, longest first
    groups: NDArray[np.intp]  # of the training sequences: held out together
    subset_objective: SubsetObjective
    shared: SharedWeights | None = None  # variables in place of features

    @property
    def original_features(self) -> FeatureStats:
        """Statistics of the features of X."""
        return self.features if self.shared is None else self.shared.features

    def to_original(self, theta: Vector) -> Vector:
        """Return parameters that predict y from X, from those of this problem."""
        architecture = self.objective.architecture
        if self.shared is not None:
            theta = self.shared.to_features(architecture, theta)
            architecture = self.shared.of_features(architecture)
        return self.target_scaler.to_original(architecture, theta)


class Settings(NamedTuple):
    """Hyperparameters of training, named as in the estimators."""

    alpha: float | None  # None to choose it by held-out sequences
    skip_alpha: float | None
    max_iter: int
    max_fun: int
    tol: float
    max_corrections: int
    n_init: int
    validation_fraction: float  # 0 for no early stopping
    n_iter_no_change: int
