"""Predictions, folds and importances for labeled steps of sequences.

Equivalents, for sequences, of scikit-learn's functions for rows of a table. Everything
else in :mod:`sklearn.model_selection` accepts sequences unchanged.
"""

from ._importance import permutation_importance
from ._prediction import cross_val_predict
from ._splits import StratifiedSequenceKFold

__all__ = [
    "StratifiedSequenceKFold",
    "cross_val_predict",
    "permutation_importance",
]
