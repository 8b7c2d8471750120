"""The fitted network: its weights as attributes, run over sequences or step by step.

The weights of a layer have an axis of directions, which the network's own lack.
"""

import math
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn._network import inference
from skrnn._network.model.parameters import (
    Architecture,
    Chain,
    Layer,
    Parameters,
    allowed_of,
)
from skrnn._sklearn_compat import check_feature_names
from skrnn._validation.arrays import Array, Vector
from skrnn._validation.sequences import (
    CheckedWhenRead,
    Sequences,
    check_sequences,
    nonfinite,
    require_finite,
)

# The parameters of a chain, in its order.
_CHAIN = ("transition_coef_", "start_coef_", "end_coef_")


@contextmanager
def raise_on_overflow() -> Iterator[None]:
    """Raise a helpful error if weights or outputs of the network are not finite."""
    try:
        yield
    except OverflowError as error:
        raise ValueError(
            f"the model has learned from {error}, the type of X; pass X as float64"
        ) from error
    except FloatingPointError as error:
        raise ValueError(f"{error}: X is too large; scale X as in fit") from error


def check_unidirectional(estimator: "FittedNetwork") -> bool:
    # The fitted weights count, even if the parameter was changed since.
    fitted = vars(estimator).get("recurrent_coefs_")
    if estimator.bidirectional or (fitted and len(fitted[0]) == 2):
        raise AttributeError(
            "a bidirectional model reads each sequence from both ends and cannot be "
            "stepped; fit with bidirectional=False"
        )
    return True


class FittedNetwork(metaclass=ABCMeta):
    """Estimator whose fitted attributes are the weights of a network."""

    activation: str
    bidirectional: bool
    padding_value: float
    n_features_in_: int
    input_coefs_: list[Array]
    recurrent_coefs_: list[Array]
    hidden_intercepts_: list[Array]
    output_coef_: Array
    output_intercept_: Array
    skip_coef_: Array | None
    transition_coef_: Array | None
    start_coef_: Array | None
    end_coef_: Array | None

    _output: ClassVar[str]  # one of the losses of the network

    @abstractmethod
    def _format_output(self, outputs: Array) -> Array:
        """Turn outputs of the network into what `step` returns."""

    @staticmethod
    def _fitted_arrays(
        architecture: Architecture, theta: Vector, dtype: np.dtype[Any]
    ) -> dict[str, Any]:
        """Return the parameters as a dict of fitted attributes."""
        parameters = architecture.parameters(theta.astype(dtype))
        layers, n = parameters.layers, architecture.n_directions
        chain = dict(zip(_CHAIN, parameters.chain or [None] * 3, strict=True))
        # Only the language model has these; it makes them an attribute of its own.
        pairs = parameters.pairs
        ngrams = {} if pairs is None else {"_ngram_weights": pairs}
        return {
            "input_coefs_": [
                W_xh.reshape(len(W_xh), n, -1).transpose(1, 0, 2)
                for W_xh, _, _ in layers
            ],
            "recurrent_coefs_": [W_hh for _, W_hh, _ in layers],
            "hidden_intercepts_": [b_h.reshape(n, -1) for _, _, b_h in layers],
            "output_coef_": parameters.W_hy,
            "output_intercept_": parameters.b_y,
            "skip_coef_": parameters.W_xy,
            **chain,
            **ngrams,
        }

    def _architecture(self) -> Architecture:
        chain = self._chain()
        return Architecture(
            n_features=self.n_features_in_,
            hidden_layer_sizes=tuple(W.shape[-1] for W in self.recurrent_coefs_),
            n_directions=len(self.recurrent_coefs_[0]) if self.recurrent_coefs_ else 1,
            n_outputs=len(self.output_intercept_),
            activation=self._fitted_activation,
            output=self._output,
            skip_connection=self._direct_weights() is not None,
            transitions=chain is not None,
            allowed=b"" if chain is None else allowed_of(chain),
        )

    # Models of versions without direct weights and chains lack the attributes.
    def _direct_weights(self) -> Array | None:
        return vars(self).get("skip_coef_")

    def _chain(self) -> Chain | None:
        if vars(self).get(_CHAIN[0]) is None:
            return None
        return Chain(*(vars(self)[name] for name in _CHAIN))

    @property
    def _fitted_activation(self) -> str:
        # The fitted activation counts, even if the parameter was changed since. Models
        # of versions that did not store it fall back to the parameter.
        return str(vars(self).get("_activation", self.activation))

    def _parameters(self) -> Parameters:
        input_coefs = [
            W_xh.transpose(1, 0, 2).reshape(W_xh.shape[1], -1)
            for W_xh in self.input_coefs_
        ]
        intercepts = [b_h.ravel() for b_h in self.hidden_intercepts_]
        layers = map(Layer, input_coefs, self.recurrent_coefs_, intercepts)
        return Parameters(
            tuple(layers),
            self.output_coef_,
            self.output_intercept_,
            self._direct_weights(),
            self._chain(),
        )

    def _evaluate(
        self, X: Any, output_fn: Callable[..., Array]
    ) -> tuple[Sequences, Array]:
        """Run the network over X; return ``output_fn`` of valid steps."""
        sequences = self._check_sequences(X, check_values=False)
        with raise_on_overflow():
            try:
                values = inference.evaluate(
                    self._architecture(),
                    self._parameters(),
                    CheckedWhenRead(sequences),
                    sequences.dtype,
                    output_fn,
                )
            except (OverflowError, FloatingPointError):
                require_finite(sequences)  # what is not finite in X comes first
                raise
        return sequences, values

    def _check_sequences(self, X: Any, *, check_values: bool = True) -> Sequences:
        check_is_fitted(self)
        return check_sequences(
            self,
            X,
            padding_value=self.padding_value,
            fitting=False,
            check_values=check_values,
        )

    def hidden_states(self, X: Any) -> Array:
        """Compute the states of the last hidden layer at every step.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps, n_directions * n_hidden), or of shape \
(n_sequences,)
            The states, those of the forward direction first, in the form of
            `predict_proba`: NaN at padding.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is invalid or does not have `n_features_in_` features.
        """
        sequences, states = self._evaluate(X, inference.last_states)
        return sequences.restore(states, np.nan)

    @available_if(check_unidirectional)
    def initial_state(self, n_sequences: int = 1) -> tuple[Array, ...]:
        """Return the state before the first step: hidden states of zero.

        Only available if `bidirectional=False`.

        Parameters
        ----------
        n_sequences : int, default=1
            Number of sequences to process in parallel.

        Returns
        -------
        tuple of ndarray of shape (n_sequences, n_hidden)
            The states of each layer. With `transitions=True`, followed by the scores of
            the next label given the past, of shape (n_sequences, n_classes):
            `start_coef_`.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If `n_sequences` is negative.
        TypeError
            If `n_sequences` is not an integer.
        """
        check_is_fitted(self)
        check_scalar(n_sequences, "n_sequences", Integral, min_val=0)
        states = [
            np.zeros((n_sequences, W.shape[-1]), W.dtype) for W in self.recurrent_coefs_
        ]
        chain = self._chain()
        if chain is not None:
            states.append(np.tile(chain.start, (n_sequences, 1)))
        return tuple(states)

    def _step(
        self, X_t: Array, state: tuple[Array, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """Return the network's outputs of a step that was checked, and the states."""
        return inference.step(self._parameters(), self._fitted_activation, X_t, state)

    @available_if(check_unidirectional)
    def step(
        self, X_t: Any, state: tuple[Array, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """Process one step of several sequences, at a cost independent of history.

        Only available if `bidirectional=False`.

        Parameters
        ----------
        X_t : array-like of shape (n_sequences, n_features)
            The next step of each sequence.
        state : tuple of ndarray of shape (n_sequences, n_hidden)
            The result of `initial_state` or of the previous call.

        Returns
        -------
        output : ndarray of shape (n_sequences, n_outputs), or (n_sequences,)
            The probabilities of the classes at this step, or the predictions of a
            regressor. With `transitions=True`, given the steps so far: later steps and
            `end_coef_` are left out, so they differ from `predict_proba`.
        state : tuple of ndarray of shape (n_sequences, n_hidden)
            The state to pass with the next step; the argument is not modified.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X_t or state has a wrong shape, or X_t contains NaN or infinity.
        """
        # check_is_fitted alone takes as long as the step.
        if "output_coef_" not in vars(self):
            check_is_fitted(self)
        if hasattr(X_t, "columns"):
            check_feature_names(self, X_t, reset=False)
        X_t = np.asarray(X_t, dtype=self.output_coef_.dtype)
        if X_t.ndim != 2 or X_t.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X_t has shape {X_t.shape}; pass one step of each sequence, shape "
                f"(n_sequences, {self.n_features_in_})"
            )
        # The product is a fast check; it also overflows for large finite X_t.
        if not math.isfinite(np.vdot(X_t, X_t)) and not np.isfinite(X_t).all():
            raise ValueError(f"Input X_t contains {nonfinite(X_t)}.")
        dtype = X_t.dtype
        states = [np.asarray(h, dtype) for h in state]
        chain = self._chain()
        sizes = [W.shape[-1] for W in self.recurrent_coefs_]
        sizes += [] if chain is None else [len(chain.start)]
        expected = [(len(X_t), size) for size in sizes]
        if [h.shape for h in states] != expected:
            raise ValueError(
                f"state has arrays of shape {[h.shape for h in states]}; expected "
                f"{expected}, as initial_state({len(X_t)}) returns"
            )
        outputs, state = self._step(X_t, (*states,))
        if chain is None:
            return self._format_output(outputs), state
        proba, predicted = inference.filtered(outputs, states[-1], chain)
        return proba, (*state, predicted)
