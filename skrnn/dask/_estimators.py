"""Base class of the classifier and the regressor on a cluster."""

import copy
from abc import abstractmethod
from contextlib import ExitStack
from typing import Any, ClassVar, Self

import distributed
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skrnn._estimators.base import BaseVanillaRNN, TrainingInput
from skrnn._estimators.checks import check_total
from skrnn._network.model.parameters import allowed_as_bytes
from skrnn._sklearn_compat import fit_context
from skrnn._validation.targets import NO_STEP, require_weight, require_y

from . import _chunks
from ._cluster import DaskData, Tasks, connected, persist_chunks
from ._collections import apply_method, chunks_of, map_chunks


class DaskEstimator(BaseVanillaRNN):
    """Recurrent network trained on data distributed over a cluster."""

    client: Any
    _local: ClassVar[type[BaseVanillaRNN]]  # the class for data in memory

    @property
    def client_(self) -> distributed.Client:
        """The client that the estimator uses.

        Returns
        -------
        distributed.Client
            The one passed as `client`, otherwise the one connected last.

        Raises
        ------
        ValueError
            If there is none, or it is asynchronous.
        """
        client = self.client or distributed.get_client()
        if client.asynchronous:
            raise ValueError(
                "the client is asynchronous; pass Client(address) without "
                "asynchronous=True"
            )
        return client

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None
    ) -> Self:
        """Train on labeled sequences distributed over a cluster.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            The sequences. An array has chunks along its first axis and is of shape
            (n_sequences, n_steps, n_features), or (n_sequences, n_features) for
            sequences of one step. The items of a bag are arrays or sparse matrices of
            shape (n_steps_i, n_features). The items of a list compute to anything that
            the estimator for data in memory accepts.
        y : dask array, dask bag, or list of dask delayed or futures
            The targets of every step, in as many chunks as X.
        sample_weight : dask array, dask bag, or list of dask delayed or futures, \
default=None
            Weight of each sequence, or of each step, in as many chunks as X.
        groups : dask array, dask bag, or list of dask delayed or futures, \
default=None
            Group of each sequence, in as many chunks as X. Sequences of a group are
            held out together.

        Returns
        -------
        estimator
            The fitted estimator.

        Raises
        ------
        TypeError
            If X, y or `sample_weight` is not a Dask collection, or a chunk has a type
            that the estimator for data in memory does not accept.
        ValueError
            If there is no client; if chunks do not match; and where the estimator for
            data in memory raises it, with the number of the chunk.
        RuntimeError
            If the cluster has no workers.
        ConnectionError
            If the connection to Dask's scheduler is lost. A previously fitted model is
            then unchanged.

        Warns
        -----
        ConvergenceWarning
            Where the estimator for data in memory warns.
        """
        return self._fit(X, y, sample_weight, groups)

    def _training_input(
        self, X: Any, y: Any, sample_weight: Any, groups: Any
    ) -> TrainingInput:
        require_y(y, type(self).__name__)
        tasks = Tasks(self.client_)
        check = _chunks.ChunkReader(
            self._local(padding_value=self.padding_value), self._read
        )
        has_labels = self._output == "softmax"
        with ExitStack() as stack:
            stack.enter_context(tasks)
            stack.enter_context(connected(tasks.client))
            given = chunks_of(X, y=y, sample_weight=sample_weight, groups=groups)
            chunks = persist_chunks(tasks, check, given)
            parts = tasks.map(_chunks.describe, chunks, has_labels)
            described = tasks.client.gather(parts)
            found = _chunks.describe_all([one for part in described for one in part])
            require_weight(found.counts.any())
            form = self._continued(found.form).attributes(found.n_features)
            targets, n_outputs, attributes, allowed = self._describe_targets(found)
            if self.transitions:
                work = tasks.map(_chunks.check_chains, chunks, targets, allowed)
                tasks.client.gather(work)
            dtype = np.dtype(np.float32 if found.is_single else np.float64)
            numbers = np.arange(len(found.counts))
            check_total(found.counts * targets.weights(numbers), dtype)
            stack.pop_all()  # keep the chunks for training
        data = DaskData(tasks, chunks, targets, found.n_features, not has_labels)
        return TrainingInput(
            data,
            found.n_features,
            n_outputs,
            dtype,
            {**form, **attributes},
            b"" if allowed is None else allowed_as_bytes(allowed),
        )

    @staticmethod
    @abstractmethod
    def _read(y: Any, sequences: Any, estimator_name: str, weights: Any) -> Any:
        """Check the targets of a chunk."""

    @abstractmethod
    def _describe_targets(self, found: _chunks.Description) -> _chunks.DescribedTargets:
        """Check what concerns the targets of all chunks together."""

    def to_local(self) -> Any:
        """Return the estimator for data in memory with the same fitted attributes.

        Returns
        -------
        VanillaRNNClassifier or VanillaRNNRegressor
            An estimator that needs neither Dask nor a cluster.
        """
        local = self._local()
        for name, value in vars(self).items():
            if name != "client":
                setattr(local, name, value)
        return local

    def predict(self, X: Any) -> Any:
        """Predict every step, lazily and chunk by chunk.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        dask array, dask bag, or list of dask delayed
            The result of `to_local().predict` for each chunk, not computed yet.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        TypeError
            If X is not a Dask collection.
        """
        return self._answers("predict", X)

    def hidden_states(self, X: Any) -> Any:
        """Compute the states of the last hidden layer, lazily.

        Parameters
        ----------
        X : dask array, dask bag, or list of dask delayed or futures
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        dask array, dask bag, or list of dask delayed
            The result of `to_local().hidden_states` for each chunk.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        TypeError
            If X is not a Dask collection.
        """
        return self._answers("hidden_states", X)

    def _answers(self, method: str, X: Any) -> Any:
        check_is_fitted(self)
        return apply_method(self.to_local(), method, X)

    def _scored(self, method: str, X: Any, y: Any, sample_weight: Any) -> list[Any]:
        """Return the results of a method of the local estimator for every chunk."""
        check_is_fitted(self)
        require_y(y, type(self).__name__)
        chunks = chunks_of(X, y=y, sample_weight=sample_weight)
        client = self.client_
        with connected(client):
            parts = client.compute(
                map_chunks(self.to_local(), method, chunks), sync=True
            )
        if all(part is None for part in parts):
            raise ValueError(_chunks.ALL_EMPTY)
        scored = [part for part in parts if part]
        if not scored:
            kind = "label" if self._output == "softmax" else "target"
            raise ValueError(NO_STEP.format(kind))
        return scored

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to pickle, without the client, which cannot be pickled."""
        return {**super().__getstate__(), "client": None}

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy that uses the same client."""
        duplicate: Self = BaseEstimator.__sklearn_clone__(copy.copy(self))
        duplicate.client = self.client
        return duplicate
