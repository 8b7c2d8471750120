"""Displays in scikit-learn's convention: `from_estimator`, `plot`, `ax_`, `figure_`.

matplotlib is needed, the extra ``plot``, and imported when a display is drawn.
Colors get lighter or darker throughout, and marks differ in shape as well, so all
pictures can be read in gray and by color-blind eyes.

For a confusion matrix scikit-learn has a display already:

>>> from sklearn.metrics import ConfusionMatrixDisplay
>>> from skrnn.metrics import step_confusion_matrix
>>> y_true, y_pred = [["e", "l", "l", "o"]], [["e", "l", "o", "o"]]
>>> classes = ["e", "l", "o"]
>>> matrix = step_confusion_matrix(y_true, y_pred, labels=classes)
>>> ConfusionMatrixDisplay(matrix, display_labels=classes).plot(cmap="Greys")
<...>
"""

from ._hidden_state import HiddenStateDisplay
from ._loss_curve import LossCurveDisplay
from ._step_prediction import StepPredictionDisplay
from ._unrolled import UnrolledDisplay

__all__ = [
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "StepPredictionDisplay",
    "UnrolledDisplay",
]
