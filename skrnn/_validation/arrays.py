"""Types of arrays, as signatures of the estimator layer name them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Ids = NDArray[np.intp]  # indices, and lengths
Mask = NDArray[np.bool_]
Vector = NDArray[np.float64]  # weights, and other numbers
Memory = Callable[[int, int], Array]  # from a shape to an uninitialized array
