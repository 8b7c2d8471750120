"""What is to be trained, and how: the data's objectives, and the settings."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .objective import Objective, SubsetObjective
from .regularization import FeatureStats
from .subsample import Subsample
from .target_scaling import TargetScaler


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
