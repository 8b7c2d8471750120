"""Types of arrays, as signatures of the estimator layer name them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Ids = NDArray[np.intp]  # indices, and lengths
Mask = NDArray[np.bool_]
Vector = NDArray[np.float64]  # weights, and other numbers
