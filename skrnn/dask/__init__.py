"""The estimators for data distributed over a cluster.

They need the extra ``dask``. Names and behavior follow ``xgboost.dask`` and
``lightgbm.dask``.
"""

from ._classifier import DaskVanillaRNNClassifier
from ._regressor import DaskVanillaRNNRegressor

__all__ = ["DaskVanillaRNNClassifier", "DaskVanillaRNNRegressor"]
