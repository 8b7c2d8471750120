"""The classifier of steps: validate, build the problem, minimise, store."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state, compute_class_weight
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    StrOptions,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._network import inference
from ._network.loss import log_softmax, softmax
from ._network.parameters import Architecture, Layer, Parameters
from ._network.training import Data, Report, Result, Settings, train
from ._persistence import VersionedState
from ._sequences import Sequences, check_sequences
from ._targets import (
    check_labels,
    check_weights,
    encode_labels,
    padding_label_for,
    with_padding_label,
)

Array = NDArray[Any]


def _is_unidirectional(estimator: "VanillaRNNClassifier") -> bool:
    if estimator.bidirectional:
        raise AttributeError(
            "a bidirectional model reads each sequence from both ends and cannot be "
            "stepped; fit with bidirectional=False"
        )
    return True


class VanillaRNNClassifier(VersionedState, ClassifierMixin, BaseEstimator):
    r"""Recurrent network that labels every step of a sequence.

    DOC
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"tanh", "relu"})],
        "bidirectional": ["boolean"],
        "alpha": [Interval(Real, 0, np.inf, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, np.inf, closed="neither")],
        "max_corrections": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "padding_value": [Real],
        "padding_label": "no_validation",
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (64,),
        *,
        activation: str = "tanh",
        bidirectional: bool = False,
        alpha: float = 1.0,
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
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.bidirectional = bidirectional
        self.alpha = alpha
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.max_fun = max_fun
        self.tol = tol
        self.max_corrections = max_corrections
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.padding_value = padding_value
        self.padding_label = padding_label
        self.n_init = n_init
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on labelled sequences."""
        with _unchanged_on_error(self):
            sizes = _check_sizes(self.hidden_layer_sizes)
            goes_on = self.warm_start and hasattr(self, "output_coef_")
            known = (self.classes_, self._architecture()) if goes_on else None
            sequences = check_sequences(
                self, X, padding_value=self.padding_value, fitting=True
            )
            labels = check_labels(y, sequences, type(self).__name__)
            classes, codes = encode_labels(labels)
            weights = check_weights(sample_weight, sequences)
            padding_label = padding_label_for(classes, self.padding_label)
            architecture = Architecture(
                n_features=sequences.n_features,
                hidden_layer_sizes=sizes,
                n_directions=2 if self.bidirectional else 1,
                n_outputs=len(classes),
                activation=self.activation,
            )
            if known is not None:
                _check_continuation(*known, classes, architecture)
            weights *= _class_weights(self.class_weight, classes, codes, weights)[codes]
            result = self._train(Data(sequences, codes, weights), architecture)
            self.classes_ = classes
            self.padding_label_ = padding_label
            return self._store(result, architecture, sequences.dtype)

    def _train(self, data: Data, architecture: Architecture) -> Result:
        goes_on = self.warm_start and hasattr(self, "output_coef_")
        try:
            result = train(
                data,
                architecture,
                data.source.dtype,
                self._settings(),
                check_random_state(self.random_state),
                start=architecture.flatten(self._parameters()) if goes_on else None,
                report=_print_report if self.verbose else lambda report: None,
            )
        except FloatingPointError as error:
            raise ValueError(
                f"{error}: X is too large for the network; standardise the valid steps"
            ) from error
        if result.stop_reason in ("max_iter", "max_fun"):
            warnings.warn(
                f"L-BFGS stopped at {result.stop_reason} before it converged: "
                f"{result.n_iter} iterations, {result.n_fun} evaluations, largest "
                f"component of the gradient {result.gradient_norm:.2g} > "
                f"tol={self.tol:g}. Raise max_iter or max_fun, or scale the data.",
                ConvergenceWarning,
                stacklevel=4,
            )
        return result

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
    ) -> Self:
        layers, W_hy, b_y = architecture.unflatten(result.theta.astype(dtype))
        n_directions = architecture.n_directions
        self.input_coefs_ = [
            layer.W_xh.reshape(len(layer.W_xh), n_directions, -1).transpose(1, 0, 2)
            for layer in layers
        ]
        self.recurrent_coefs_ = [layer.W_hh for layer in layers]
        self.hidden_intercepts_ = [
            layer.b_h.reshape(n_directions, -1) for layer in layers
        ]
        self.output_coef_ = W_hy
        self.output_intercept_ = b_y
        self.feature_scale_ = result.feature_scale
        self.n_layers_ = len(layers) + 2
        self.n_outputs_ = architecture.n_outputs
        self.out_activation_ = "softmax"
        self.n_iter_ = result.n_iter
        self.n_fun_ = result.n_fun
        self.loss_ = result.loss
        self.best_loss_ = result.best_loss
        self.loss_curve_ = result.loss_curve
        self.stop_reason_ = result.stop_reason
        scores = result.validation_scores
        self.validation_scores_ = scores if self.early_stopping else None
        self.best_validation_score_ = max(scores) if self.early_stopping else None
        return self

    def _architecture(self) -> Architecture:
        return Architecture(
            n_features=self.input_coefs_[0].shape[1],
            hidden_layer_sizes=tuple(W.shape[-1] for W in self.recurrent_coefs_),
            n_directions=len(self.recurrent_coefs_[0]),
            n_outputs=len(self.output_intercept_),
            activation=self.activation,
        )

    def _parameters(self) -> Parameters:
        layers = zip(
            self.input_coefs_,
            self.recurrent_coefs_,
            self.hidden_intercepts_,
            strict=True,
        )
        return Parameters(
            tuple(
                Layer(W_xh.transpose(1, 0, 2).reshape(W_xh.shape[1], -1), W_hh, b.ravel())
                for W_xh, W_hh, b in layers
            ),
            self.output_coef_,
            self.output_intercept_,
        )

    def _evaluate(self, X: Any, choose: Callable[..., Array]) -> tuple[Sequences, Array]:
        """Run the network over X; return what ``choose`` picks for valid steps."""
        check_is_fitted(self)
        sequences = check_sequences(
            self, X, padding_value=self.padding_value, fitting=False
        )
        values = inference.evaluate(
            self._architecture(),
            self._parameters(),
            sequences,
            sequences.dtype,
            choose,
        )
        return sequences, values

    def predict(self, X: Any) -> Array:
        """Predict the label of every step."""
        sequences, L = self._evaluate(X, inference.logits)
        labels = self.classes_[L.argmax(axis=1)]
        if sequences.form == "padded":
            labels = with_padding_label(labels, self.padding_label_)
        return sequences.restore(labels, self.padding_label_)

    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of every class at every step."""
        sequences, L = self._evaluate(X, inference.logits)
        return sequences.restore(softmax(L), np.nan)

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithm of every class's probability at every step."""
        sequences, L = self._evaluate(X, inference.logits)
        return sequences.restore(log_softmax(L), np.nan)

    def decision_function(self, X: Any) -> Array:
        """Compute the logits of every step."""
        sequences, L = self._evaluate(X, inference.logits)
        return sequences.restore(L[:, 1] - L[:, 0] if L.shape[1] == 2 else L, np.nan)

    def hidden_states(self, X: Any) -> Array:
        """Compute the states of the last hidden layer at every step."""
        sequences, H = self._evaluate(X, inference.last_states)
        return sequences.restore(H, np.nan)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the weighted share of valid steps that are labelled correctly."""
        sequences, L = self._evaluate(X, inference.logits)
        labels = check_labels(y, sequences, type(self).__name__)
        weights = check_weights(sample_weight, sequences)
        correct = np.asarray(self.classes_[L.argmax(axis=1)] == labels)
        return float(np.average(np.broadcast_to(correct, weights.shape), weights=weights))

    @available_if(_is_unidirectional)
    def initial_state(self, n_sequences: int = 1) -> tuple[Array, ...]:
        """Return the state before the first step: zeros."""
        check_is_fitted(self)
        return tuple(
            np.zeros((n_sequences, W.shape[-1]), W.dtype) for W in self.recurrent_coefs_
        )

    @available_if(_is_unidirectional)
    def step(
        self, X_t: Any, state: tuple[Array, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """Read one step of several sequences, at a cost independent of history."""
        check_is_fitted(self)
        X_t = np.asarray(X_t, dtype=self.output_coef_.dtype)
        if X_t.ndim != 2 or X_t.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X_t has shape {X_t.shape}; pass one step of each sequence, shape "
                f"(n_sequences, {self.n_features_in_})"
            )
        expected = [(len(X_t), W.shape[-1]) for W in self.recurrent_coefs_]
        if [np.shape(h) for h in state] != expected:
            raise ValueError(
                f"state has arrays of shape {[np.shape(h) for h in state]}; expected "
                f"{expected}, as initial_state({len(X_t)}) returns"
            )
        L, state = inference.step(self._parameters(), self.activation, X_t, state)
        return softmax(L), state

    def __sklearn_tags__(self) -> Tags:
        """Describe the estimator to scikit-learn."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        return tags


@contextmanager
def _unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Undo what a failing fit has set."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def _check_sizes(hidden_layer_sizes: Any) -> tuple[int, ...]:
    """Return the sizes of the hidden layers as a tuple."""
    is_number = isinstance(hidden_layer_sizes, Real)
    sizes = [hidden_layer_sizes] if is_number else list(hidden_layer_sizes)
    valid = all(
        isinstance(n, Integral) and not isinstance(n, bool | np.bool_) and n > 0
        for n in sizes
    )
    if not (sizes and valid):
        raise InvalidParameterError(
            "The 'hidden_layer_sizes' parameter of VanillaRNNClassifier must be one or "
            "several integers of at least 1, one for each hidden layer. Got "
            f"{hidden_layer_sizes!r} instead."
        )
    return tuple(int(n) for n in sizes)


def _class_weights(
    class_weight: Any, classes: Array, codes: NDArray[np.intp], weights: Array
) -> Array:
    """Return the weight of every class; "balanced" counts weighted steps."""
    if isinstance(class_weight, str):
        counts = np.bincount(codes, weights, minlength=len(classes))
        n_present = np.count_nonzero(counts)
        balanced = np.full(len(classes), weights.sum() / n_present)
        return np.divide(balanced, counts, out=np.ones_like(counts), where=counts > 0)
    result: Array = compute_class_weight(
        class_weight, classes=classes, y=classes[codes]
    )
    return result


def _check_continuation(
    known_classes: Array,
    known: Architecture,
    classes: Array,
    architecture: Architecture,
) -> None:
    if not np.array_equal(known_classes, classes):
        raise ValueError(
            f"warm_start goes on with the classes {known_classes}, but y has {classes}"
        )
    for name in ("n_features", "hidden_layer_sizes", "n_directions"):
        before, now = getattr(known, name), getattr(architecture, name)
        if before != now:
            raise ValueError(
                f"warm_start goes on with {name}={before}, but it is now {now}; "
                "set warm_start=False to start anew"
            )


def _print_report(report: Report) -> None:
    line = (
        f"Iteration {report.n_iter:4d}, loss = {report.loss:.6f}, "
        f"gradient = {report.gradient_norm:.2e}, evaluations = {report.n_fun}, "
        f"seconds = {report.seconds:.1f}"
    )
    if report.validation_score is not None:
        line += f", validation score = {report.validation_score:.6f}"
    print(line, flush=True)
