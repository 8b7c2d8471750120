"""Displays in scikit-learn's convention: `from_estimator`, `plot`, `ax_`, `figure_`.

Displays require matplotlib, the extra ``plot``, which is imported lazily. Color maps
are monotonic in lightness, and marks differ in shape, so all figures are readable in
grayscale and by color-blind readers.

For confusion matrices, use scikit-learn's display:

>>> from sklearn.metrics import ConfusionMatrixDisplay
>>> from skrnn.metrics import step_confusion_matrix
>>> y_true, y_pred = [["e", "l", "l", "o"]], [["e", "l", "o", "o"]]
>>> classes = ["e", "l", "o"]
>>> matrix = step_confusion_matrix(y_true, y_pred, labels=classes)
>>> ConfusionMatrixDisplay(matrix, display_labels=classes).plot(cmap="Greys")
<...>
"""

from ._alpha_curve import AlphaCurveDisplay
from ._hidden_state import HiddenStateDisplay
from ._loss_curve import LossCurveDisplay
from ._step_prediction import StepPredictionDisplay
from ._transition import TransitionDisplay
from ._unrolled import UnrolledDisplay

__all__ = [
    "AlphaCurveDisplay",
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "StepPredictionDisplay",
    "TransitionDisplay",
    "UnrolledDisplay",
]
