"""The regressor on a cluster."""

from os import PathLike
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.metaestimators import available_if

from skrnn._estimators.fitted import check_unidirectional
from skrnn._estimators.regressor import VanillaRNNRegressor, _warn_of_series
from skrnn._estimators.scores import r2
from skrnn._validation.persistence import set_module
from skrnn._validation.targets import check_targets

from . import _chunks
from ._collections import reject_collections
from ._estimators import DaskEstimator


# All parameters except one are those of the regressor for data in memory.
@set_module("skrnn.dask")
class DaskVanillaRNNRegressor(  # numpydoc ignore=PR01
    DaskEstimator, VanillaRNNRegressor
):
    """`VanillaRNNRegressor` for sequences distributed over a cluster.

    Each thread of the cluster keeps a part of the sequences and computes its loss and
    gradient. L-BFGS runs in the process that calls `fit`. With the same `random_state`,
    the result is that of `VanillaRNNRegressor` on the same data, up to rounding.

    All parameters and fitted attributes except `client` are those of
    `VanillaRNNRegressor`.

    Parameters
    ----------
    client : distributed.Client, default=None
        The client of the cluster; None takes the one connected last.

    See Also
    --------
    skrnn.VanillaRNNRegressor : The regressor for data in memory.
    DaskVanillaRNNClassifier : The classifier; its notes apply to both.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from distributed import Client
    >>> from skrnn.dask import DaskVanillaRNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(50, 10, 1))
    >>> y = X[..., 0].cumsum(axis=1)
    >>> with Client(n_workers=1, processes=False, dashboard_address=":0"):
    ...     X, y = da.from_array(X, (25, 10, 1)), da.from_array(y, (25, 10))
    ...     model = DaskVanillaRNNRegressor(16, alpha=1, tol=0.01, random_state=0)
    ...     model.fit(X, y).score(X, y) > 0.98
    True
    """

    _local = VanillaRNNRegressor

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **VanillaRNNRegressor._parameter_constraints,
        "client": "no_validation",
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (64,),
        *,
        activation: str = "tanh",
        bidirectional: bool = False,
        skip_connection: bool = False,
        alpha: float | str = "auto",
        skip_alpha: float | str = "auto",
        max_iter: int = 200,
        max_fun: int = 15000,
        tol: float = 1e-4,
        max_corrections: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        padding_value: float = np.nan,
        n_init: int = 1,
        random_state: Any = None,
        verbose: int = 0,
        checkpoint: str | PathLike[str] | None = None,
        client: Any = None,
    ) -> None:
        self._set_parameters(locals())

    _read = staticmethod(check_targets)

    def _describe_targets(self, found: _chunks.Description) -> _chunks.DescribedTargets:
        attributes = {"_has_axis_of_outputs": len(found.shape) == 1}
        if found.form.is_table:
            _warn_of_series(found.n_features, found.shape)
        n_outputs = int(np.prod(found.shape))
        return _chunks.DescribedTargets(_chunks.NumericTargets(), n_outputs, attributes)

    @available_if(check_unidirectional)
    def forecast(self, X: Any, n_steps: int) -> Any:
        """Continue sequences in memory; for others call `to_local().forecast`.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that :class:`~skrnn.VanillaRNNRegressor`
            takes.
        n_steps : int
            Number of steps to forecast, at least 1.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps) or (n_sequences, n_steps, n_features)
            What `to_local().forecast` returns.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        TypeError
            If X is a collection of Dask, or `n_steps` is not an integer.
        ValueError
            Where `to_local().forecast` raises it.
        """
        reject_collections(X, "forecast")
        return super().forecast(X, n_steps)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the coefficient of determination over valid steps immediately.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            Sequences in any of the forms that `fit` takes, with any number of steps.
        y : dask array, dask bag, or list of dask delayed or futures
            The numbers of every step, in as many chunks as X.
        sample_weight : dask array, dask bag, or list of dask delayed or futures, \
default=None
            Weight of each sequence, or of each step, in as many chunks as X.

        Returns
        -------
        float
            R², at most 1, averaged over several outputs. For constant targets it is 1
            if they are predicted exactly and 0 otherwise.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        TypeError
            If X, y or `sample_weight` is not a Dask collection.
        ValueError
            If a chunk is invalid, or y does not have `n_outputs_` outputs.

        Warns
        -----
        UndefinedMetricWarning
            If there is only one step; the score is then NaN.
        """
        return r2(self._scored("_moments", X, y, sample_weight))
