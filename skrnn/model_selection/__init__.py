"""Predictions, folds and importances for labeled steps of sequences.

What scikit-learn's own functions of these names do for rows of a table. All else of
:mod:`sklearn.model_selection` takes sequences as it is.
"""

from ._importance import permutation_importance
from ._prediction import cross_val_predict
from ._splits import StratifiedSequenceKFold

__all__ = [
    "StratifiedSequenceKFold",
    "cross_val_predict",
    "permutation_importance",
]
