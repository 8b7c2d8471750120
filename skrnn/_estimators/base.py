"""Base class of classifier and regressor: parameters, fit, states and streaming.

A subclass defines its targets, and how outputs of the network become predictions.
"""

import math
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state, check_scalar
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn._network import inference
from skrnn._network.model.parameters import Architecture, Layer, Parameters
from skrnn._network.training.checkpoint import Checkpoint
from skrnn._network.training.lbfgs import NEAR_TOL
from skrnn._network.training.train import (
    InMemoryData,
    Report,
    Result,
    Settings,
    TrainingData,
    train,
)
from skrnn._sklearn_compat import (
    Interval,
    InvalidParameterError,
    StrOptions,
    check_feature_names,
)
from skrnn._validation.persistence import VersionedState
from skrnn._validation.sequences import Form, Sequences, check_sequences, reject_table
from skrnn._version import __version__

from .callbacks import CallbackSupport, FitTask, printing

Array = NDArray[Any]


class Targets(NamedTuple):
    """The targets and weights of the valid steps."""

    y: Array  # (n_steps,) classes, or (n_steps, n_outputs) numbers
    weights: NDArray[np.float64]  # (n_steps,)
    n_outputs: int


class TrainingInput(NamedTuple):
    """The training data, and the sizes that they imply for the network."""

    data: TrainingData
    n_features: int
    n_outputs: int
    dtype: np.dtype[Any]


def _check_unidirectional(estimator: "BaseVanillaRNN") -> bool:
    # The fitted weights count, even if the parameter was changed since.
    fitted = vars(estimator).get("recurrent_coefs_")
    if estimator.bidirectional or (fitted and len(fitted[0]) == 2):
        raise AttributeError(
            "a bidirectional model reads each sequence from both ends and cannot be "
            "stepped; fit with bidirectional=False"
        )
    return True


# The parameters are documented in the public subclasses.
class BaseVanillaRNN(  # numpydoc ignore=PR01
    VersionedState, CallbackSupport, BaseEstimator, metaclass=ABCMeta
):
    """Recurrent network with an output at every step; subclasses define the targets."""

    _output: ClassVar[str]  # one of the losses of the network

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions({"tanh", "relu"})],
        "bidirectional": ["boolean"],
        "alpha": [Interval(Real, 0, np.inf, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, np.inf, closed="neither")],
        "max_corrections": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "padding_value": [Real],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "checkpoint": [str, PathLike, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (64,),
        *,
        activation: str = "tanh",
        bidirectional: bool = False,
        alpha: float = 1.0,
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
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.bidirectional = bidirectional
        self.alpha = alpha
        self.max_iter = max_iter
        self.max_fun = max_fun
        self.tol = tol
        self.max_corrections = max_corrections
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.padding_value = padding_value
        self.n_init = n_init
        self.random_state = random_state
        self.verbose = verbose
        self.checkpoint = checkpoint

    def _training_input(self, X: Any, y: Any, sample_weight: Any) -> TrainingInput:
        """Check the arguments of `fit`; store what they imply on self."""
        previous = self._previous_form()
        sequences = check_sequences(
            self, X, padding_value=self.padding_value, fitting=True
        )
        self._update_form(previous, Form.of(sequences))
        targets = self._targets(y, sequences, sample_weight)
        _check_total(targets.weights, sequences.dtype)
        return TrainingInput(
            InMemoryData(sequences, targets.y, targets.weights, sequences.on_disk),
            sequences.n_features,
            targets.n_outputs,
            sequences.dtype,
        )

    @abstractmethod
    def _targets(self, y: Any, sequences: Sequences, sample_weight: Any) -> Targets:
        """Check y and the weights; store properties of y on self."""

    @abstractmethod
    def _format_output(self, outputs: Array) -> Array:
        """Turn outputs of the network into what `step` returns."""

    def _is_warm_start(self) -> bool:
        return bool(self.warm_start) and hasattr(self, "output_coef_")

    def _previous_form(self) -> Form | None:
        """Return the form of X in the previous fit if this is a warm start."""
        if not self._is_warm_start():
            return None
        has_several_steps = vars(self).get("_fitted_on_sequences", False)
        return Form(False, has_several_steps, vars(self).get("feature_names_in_"))

    def _update_form(self, previous: Form | None, form: Form) -> None:
        """Store the form of X; raise if a warm start cannot continue with it."""
        names, has_several_steps = form.feature_names, form.has_several_steps
        if previous is not None:
            if previous.has_several_steps and form.is_table:
                reject_table(self, "is 2-D")
            before = previous.feature_names
            if before is not None and names is not None and [*before] != [*names]:
                raise ValueError(
                    f"warm_start continues with features {[*map(str, before)]}, but "
                    f"X has {[*map(str, names)]}; set warm_start=False to start again"
                )
            if names is None and before is not None:
                warnings.warn(
                    "X does not have valid feature names, but "
                    f"{type(self).__name__} was fitted with feature names",
                    UserWarning,
                    stacklevel=6,
                )
            names = before if names is None else names
            has_several_steps |= previous.has_several_steps
        self._fitted_on_sequences = has_several_steps
        if names is None:
            self.__dict__.pop("feature_names_in_", None)
        else:
            self.feature_names_in_ = names

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        data = {"X": X, "y": y, "metadata": metadata}
        n_runs = 1 if self._is_warm_start() else self.n_init
        task = FitTask(self, n_runs * self.max_iter, data)
        with _unchanged_on_error(self):
            sizes = _check_sizes(self.hidden_layer_sizes, type(self).__name__)
            previous = self._architecture() if self._is_warm_start() else None
            training_input = self._training_input(X, y, sample_weight)
            architecture = Architecture(
                n_features=training_input.n_features,
                hidden_layer_sizes=sizes,
                n_directions=2 if self.bidirectional else 1,
                n_outputs=training_input.n_outputs,
                activation=self.activation,
                output=self._output,
            )
            if previous is not None:
                _check_continuation(previous, architecture)
            task.begin()
            result = self._train(
                training_input.data, architecture, training_input.dtype, task
            )
            self._store(result, architecture, training_input.dtype)
            task.end()
        return self

    def _train(
        self,
        data: TrainingData,
        architecture: Architecture,
        dtype: np.dtype[Any],
        task: FitTask,
    ) -> Result:
        start = (
            architecture.flatten(self._parameters()) if self._is_warm_start() else None
        )
        try:
            with (
                printing(self.verbose) as show,
                self._rng_and_checkpoint(architecture, dtype) as (rng, checkpoint),
            ):

                def report(report: Report) -> None:
                    show(report)
                    task.next_iteration(
                        lambda: _fitted_arrays(architecture, report.theta, dtype)
                    )

                result = train(
                    data,
                    architecture,
                    dtype,
                    self._settings(),
                    rng,
                    start=start,
                    report=report,
                    checkpoint=checkpoint,
                )
        except FloatingPointError as error:
            raise ValueError(
                f"{error}: X is too large for the network; standardize the valid steps"
            ) from error
        _warn_of_early_end(result, self.tol)
        return result

    @contextmanager
    def _rng_and_checkpoint(
        self, architecture: Architecture, dtype: np.dtype[Any]
    ) -> Iterator[tuple[np.random.RandomState, Checkpoint | None]]:
        """Open the checkpoint, if any, which also stores the random state."""
        rng = check_random_state(self.random_state)
        if self.checkpoint is None:
            yield rng, None
            return
        if self.random_state is None:
            # The global generator must not be reset.
            rng = np.random.RandomState(rng.randint(2**31))
        # A resumed fit may ask for more iterations.
        settings = self._settings()._replace(max_iter=0, max_fun=0)
        fit = repr((__version__, architecture, str(dtype), settings))
        seeded = self.random_state is not None
        with Checkpoint(self.checkpoint, rng, fit, seeded=seeded) as checkpoint:
            yield rng, checkpoint

    def _settings(self) -> Settings:
        return Settings(
            alpha=self.alpha,
            max_iter=self.max_iter,
            max_fun=self.max_fun,
            tol=self.tol,
            max_corrections=self.max_corrections,
            n_init=self.n_init,
            validation_fraction=self.validation_fraction if self.early_stopping else 0,
            n_iter_no_change=self.n_iter_no_change,
        )

    def _store(
        self, result: Result, architecture: Architecture, dtype: np.dtype[Any]
    ) -> None:
        arrays = _fitted_arrays(architecture, result.theta, dtype)
        for name, value in arrays.items():
            setattr(self, name, value)
        self.feature_scale_ = result.features.penalty_scale
        self._activation = architecture.activation
        self.n_layers_ = len(architecture.hidden_layer_sizes) + 2
        self.n_outputs_ = architecture.n_outputs
        self.out_activation_ = architecture.output
        self.n_iter_ = result.n_iter
        self.n_fun_ = result.n_fun
        self.loss_ = result.loss
        self.best_loss_ = result.best_loss
        self.loss_curve_ = result.loss_curve
        self.stop_reason_ = result.stop_reason
        scores = result.validation_scores
        self.validation_scores_ = scores if self.early_stopping else None
        self.best_validation_score_ = max(scores, default=None)

    def _architecture(self) -> Architecture:
        return Architecture(
            n_features=self.input_coefs_[0].shape[1],
            hidden_layer_sizes=tuple(W.shape[-1] for W in self.recurrent_coefs_),
            n_directions=len(self.recurrent_coefs_[0]),
            n_outputs=len(self.output_intercept_),
            activation=self._fitted_activation,
            output=self._output,
        )

    @property
    def _fitted_activation(self) -> str:
        # The fitted activation counts, even if the parameter was changed since. Models
        # of versions that did not store it fall back to the parameter.
        return str(vars(self).get("_activation", self.activation))

    def _parameters(self) -> Parameters:
        layers = zip(
            self.input_coefs_,
            self.recurrent_coefs_,
            self.hidden_intercepts_,
            strict=True,
        )
        return Parameters(
            tuple(
                Layer(
                    W_xh.transpose(1, 0, 2).reshape(W_xh.shape[1], -1), W_hh, b.ravel()
                )
                for W_xh, W_hh, b in layers
            ),
            self.output_coef_,
            self.output_intercept_,
        )

    def _evaluate(
        self, X: Any, output_fn: Callable[..., Array]
    ) -> tuple[Sequences, Array]:
        """Run the network over X; return ``output_fn`` of valid steps."""
        sequences = self._check_sequences(X)
        with raise_on_overflow():
            values = inference.evaluate(
                self._architecture(),
                self._parameters(),
                sequences,
                sequences.dtype,
                output_fn,
            )
        return sequences, values

    def _check_sequences(self, X: Any) -> Sequences:
        check_is_fitted(self)
        return check_sequences(self, X, padding_value=self.padding_value, fitting=False)

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

    @available_if(_check_unidirectional)
    def initial_state(self, n_sequences: int = 1) -> tuple[Array, ...]:
        """Return the state before the first step: zeros.

        Only available if `bidirectional=False`.

        Parameters
        ----------
        n_sequences : int, default=1
            Number of sequences to process in parallel.

        Returns
        -------
        tuple of ndarray of shape (n_sequences, n_hidden)
            The states of each layer.

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
        return tuple(
            np.zeros((n_sequences, W.shape[-1]), W.dtype) for W in self.recurrent_coefs_
        )

    @available_if(_check_unidirectional)
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
            regressor.
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
            found = "NaN" if np.isnan(X_t).any() else "infinity"
            raise ValueError(f"Input X_t contains {found}.")
        dtype = X_t.dtype
        states = [np.asarray(h, dtype) for h in state]
        expected = [(len(X_t), W.shape[-1]) for W in self.recurrent_coefs_]
        if [h.shape for h in states] != expected:
            raise ValueError(
                f"state has arrays of shape {[h.shape for h in states]}; expected "
                f"{expected}, as initial_state({len(X_t)}) returns"
            )
        layers = [
            Layer(W_xh[0], W_hh, b_h[0])
            for W_xh, W_hh, b_h in zip(
                self.input_coefs_,
                self.recurrent_coefs_,
                self.hidden_intercepts_,
                strict=True,
            )
        ]
        parameters = Parameters((*layers,), self.output_coef_, self.output_intercept_)
        outputs, state = inference.step(
            parameters, self._fitted_activation, X_t, (*states,)
        )
        return self._format_output(outputs), state

    def __sklearn_tags__(self) -> Tags:
        """Describe the estimator to scikit-learn."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        return tags


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


@contextmanager
def _unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Restore the attributes if fit fails."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def _fitted_arrays(
    architecture: Architecture, theta: NDArray[np.float64], dtype: np.dtype[Any]
) -> dict[str, Any]:
    """Return the parameters as a dict of fitted attributes."""
    parameters = architecture.unflatten(theta.astype(dtype))
    layers, n_directions = parameters.layers, architecture.n_directions
    return {
        "input_coefs_": [
            layer.W_xh.reshape(len(layer.W_xh), n_directions, -1).transpose(1, 0, 2)
            for layer in layers
        ],
        "recurrent_coefs_": [layer.W_hh for layer in layers],
        "hidden_intercepts_": [layer.b_h.reshape(n_directions, -1) for layer in layers],
        "output_coef_": parameters.W_hy,
        "output_intercept_": parameters.b_y,
    }


def _check_sizes(hidden_layer_sizes: Any, estimator_name: str) -> tuple[int, ...]:
    """Return the sizes of the hidden layers as a tuple."""
    is_number = isinstance(hidden_layer_sizes, Real)
    sizes: list[Any] = [hidden_layer_sizes] if is_number else [*hidden_layer_sizes]
    valid = all(
        isinstance(n, Integral) and not isinstance(n, bool | np.bool_) and int(n) > 0
        for n in sizes
    )
    if not (sizes and valid):
        raise InvalidParameterError(
            f"The 'hidden_layer_sizes' parameter of {estimator_name} must be one or "
            "several integers of at least 1, one for each hidden layer. Got "
            f"{hidden_layer_sizes!r} instead."
        )
    return tuple(int(n) for n in sizes)


def _warn_of_early_end(result: Result, tol: float) -> None:
    """Warn if training stopped far from a minimum, unless the user requested it."""
    advice = {
        "max_iter": "Raise max_iter, or scale the data.",
        "max_fun": "Raise max_fun, or scale the data.",
        "line_search": "Scale the data, or pass X as float64.",
        "ftol": "Scale the data, or pass X as float64.",
        "overflow": (
            "The network overflows nearby: scale the data, raise alpha, or use "
            "activation='tanh'."
        ),
    }
    reason = result.stop_reason
    near = tol * (NEAR_TOL if result.n_iter else 1)
    gave_up = reason in ("line_search", "ftol", "overflow")
    if reason not in advice or (gave_up and result.gradient_norm <= near):
        return
    warnings.warn(
        f"L-BFGS stopped at {reason} before it converged: {result.n_iter} iterations, "
        f"{result.n_fun} evaluations, largest component of the gradient "
        f"{result.gradient_norm:.2g} > tol={tol:g}. {advice[reason]}",
        ConvergenceWarning,
        stacklevel=6,
    )


def _check_total(weights: NDArray[np.float64], dtype: np.dtype[Any]) -> None:
    """Raise if the weights of all steps underflow or overflow in training."""
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not (weights.max() >= np.finfo(dtype).tiny and total <= np.finfo(dtype).max):
        raise ValueError(
            f"the weights of all steps add up to {total:.2g}, which is out of the "
            f"range of {dtype}; scale sample_weight and class_weight"
        )


def _check_continuation(previous: Architecture, architecture: Architecture) -> None:
    for name in Architecture._fields:
        before, now = getattr(previous, name), getattr(architecture, name)
        if before != now:
            raise ValueError(
                f"warm_start continues with {name}={before}, but it is now {now}; "
                "set warm_start=False to start again"
            )
