"""The classifier on a cluster."""

from numbers import Integral
from os import PathLike
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn._estimators.classifier import VanillaRNNClassifier, _check_transitions
from skrnn._estimators.scores import accuracy
from skrnn._validation.persistence import set_module
from skrnn._validation.targets import check_labels, require_y

from . import _chunks
from ._collections import apply_with_labels, apply_with_two_results
from ._estimators import DaskEstimator


# All parameters except one are those of the classifier for data in memory.
@set_module("skrnn.dask")
class DaskVanillaRNNClassifier(  # numpydoc ignore=PR01
    DaskEstimator, VanillaRNNClassifier
):
    """`VanillaRNNClassifier` for sequences distributed over a cluster.

    Each thread of the cluster keeps a part of the sequences and computes its loss and
    gradient. L-BFGS runs in the process that calls `fit`. With the same `random_state`,
    the result is that of `VanillaRNNClassifier` on the same data, up to rounding.

    All parameters and fitted attributes except `client` are those of
    `VanillaRNNClassifier`.

    Parameters
    ----------
    client : distributed.Client, default=None
        The client of the cluster; None takes the one connected last.

    See Also
    --------
    skrnn.VanillaRNNClassifier : The classifier for data in memory.

    Notes
    -----
    `fit` combines the chunks into one shard per thread of the cluster, so pass at least
    as many chunks of about equal size. With a fixed number of threads the result is
    identical bit for bit, whichever worker processes which shard; with another number
    it differs by rounding.

    If a worker is lost, Dask recomputes its shards on other workers from their chunks.
    It must be possible to compute the chunks again: read them from files, generate them
    by a function, or include them in the graph. Scattered data are lost with their
    worker, unless there are replicas. A worker that joins during a fit is used from the
    next fit on.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from skrnn.dask import DaskVanillaRNNClassifier
    >>> from skrnn.datasets import make_recall
    >>> X, y = make_recall(100, n_steps=12, lag=2, random_state=0, return_X_y=True)
    >>> with Client(n_workers=1, processes=False, dashboard_address=":0"):
    ...     X, y = da.from_array(X, (50, 12, 1)), da.from_array(y, (50, 12))
    ...     model = DaskVanillaRNNClassifier(16, alpha=1, max_iter=1000, random_state=0)
    ...     labels = model.fit(X, y).predict(X).compute()
    >>> labels.shape
    (100, 12)
    >>> type(model.to_local()).__name__
    'VanillaRNNClassifier'
    """

    _local = VanillaRNNClassifier

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **VanillaRNNClassifier._parameter_constraints,
        "client": "no_validation",
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (64,),
        *,
        activation: str = "tanh",
        bidirectional: bool = False,
        skip_connection: bool = False,
        transitions: bool = False,
        label_scheme: Any = None,
        alpha: float | str = "auto",
        skip_alpha: float | str = "auto",
        class_weight: Any = None,
        max_iter: int = 200,
        max_fun: int = 15000,
        tol: float = 1e-4,
        max_corrections: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        padding_value: float = np.nan,
        padding_label: Any = "auto",
        n_init: int = 1,
        random_state: Any = None,
        verbose: int = 0,
        checkpoint: str | PathLike[str] | None = None,
        client: Any = None,
    ) -> None:
        self._set_parameters(locals())

    _read = staticmethod(check_labels)

    def _describe_targets(self, found: _chunks.Description) -> _chunks.DescribedTargets:
        class_weights, attributes = self._check_classes(found.classes, found.counts)
        targets = _chunks.ClassTargets(found.classes, class_weights)
        return _chunks.DescribedTargets(
            targets, len(found.classes), attributes, self._allowed(found.classes)
        )

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of every class, lazily.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        dask array, dask bag, or list of dask delayed
            The result of `to_local().predict_proba` for each chunk.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        TypeError
            If X is not a Dask collection.
        """
        return self._answers("predict_proba", X)

    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithm of every class's probability, lazily.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        dask array, dask bag, or list of dask delayed
            The result of `to_local().predict_log_proba` for each chunk.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        TypeError
            If X is not a Dask collection.
        """
        return self._answers("predict_log_proba", X)

    def decision_function(self, X: Any) -> Any:
        """Compute the logits of every step, or log-marginals, lazily.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        dask array, dask bag, or list of dask delayed
            The result of `to_local().decision_function` for each chunk.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        TypeError
            If X is not a Dask collection.
        """
        return self._answers("decision_function", X)

    def sequence_log_proba(self, X: Any, y: Any) -> Any:
        """Compute the log-probability of the labels of every sequence, lazily.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            Sequences in any of the forms that `fit` takes, with any number of steps.
        y : dask array, dask bag, or list of dask delayed or futures
            The label of every step, in as many chunks as X. Missing labels are summed
            over.

        Returns
        -------
        dask array, dask bag, or list of dask delayed
            The result of `to_local().sequence_log_proba` for each chunk.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        TypeError
            If X or y is not a Dask collection.
        ValueError
            If y has another number of chunks than X.
        """
        check_is_fitted(self)
        require_y(y, type(self).__name__)
        return apply_with_labels(self.to_local(), "sequence_log_proba", X, y)

    @available_if(_check_transitions)
    def predict_n_best(self, X: Any, n: int = 10) -> tuple[Any, Any]:
        """Predict the most probable labelings of every sequence, lazily.

        Only available with `transitions=True`.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            Sequences in any of the forms that `fit` takes, with any number of steps.
        n : int, default=10
            Number of labelings, at least 1.

        Returns
        -------
        labels : dask array, dask bag, or list of dask delayed
            The labelings that `to_local().predict_n_best` returns for each chunk.
        log_proba : dask array, dask bag, or list of dask delayed
            Their log-probabilities. Both need the same computation: pass them to
            ``dask.compute`` together.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        TypeError
            If X is not a Dask collection, or `n` is not an integer.
        ValueError
            If `n` is below 1.
        """
        check_is_fitted(self)
        check_scalar(n, "n", Integral, min_val=1)
        return apply_with_two_results(self.to_local(), "predict_n_best", X, n)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy over valid steps immediately.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            Sequences in any of the forms that `fit` takes, with any number of steps.
        y : dask array, dask bag, or list of dask delayed or futures
            The label of every step, in as many chunks as X.
        sample_weight : dask array, dask bag, or list of dask delayed or futures, \
default=None
            Weight of each sequence, or of each step, in as many chunks as X.

        Returns
        -------
        float
            The weighted fraction of correctly labeled steps, between 0 and 1.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        TypeError
            If X, y or `sample_weight` is not a Dask collection.
        ValueError
            If a chunk is invalid.
        """
        return accuracy(self._scored("_hits", X, y, sample_weight))
