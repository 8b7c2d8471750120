"""The estimators on a cluster: data that are spread over many machines.

They need the extra ``dask``. The classes are named and behave as those of
``xgboost.dask`` and ``lightgbm.dask``.
"""

from ._classifier import DaskVanillaRNNClassifier
from ._regressor import DaskVanillaRNNRegressor

__all__ = ["DaskVanillaRNNClassifier", "DaskVanillaRNNRegressor"]
