"""Base class of classifier and regressor: parameters and fit.

    X, y  ->  TrainingInput  ->  Result  ->  fitted attributes

A subclass defines its targets, and how outputs of the network become predictions.
"""

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state

from skrnn._network.data.ngrams import Ngrams
from skrnn._network.model.parameters import Architecture
from skrnn._network.training import strength
from skrnn._network.training.checkpoint import Checkpoint
from skrnn._network.training.problem import Settings
from skrnn._network.training.train import InMemoryData, Result, TrainingData, train
from skrnn._sklearn_compat import Interval, StrOptions
from skrnn._validation.persistence import VersionedState
from skrnn._validation.sequences import (
    Form,
    Sequences,
    check_sequences,
    reject_table,
    set_fitted,
)
from skrnn._validation.targets import check_groups
from skrnn._version import __version__

from .callbacks import CallbackSupport, FitTask
from .checks import check_continuation, check_sizes, check_total, warn_of_early_end
from .fitted import FittedNetwork

Array = NDArray[Any]

_COUNT = Interval(Integral, 1, None, closed="left")


class Targets(NamedTuple):
    """The targets and weights of the valid steps."""

    y: Array  # (n_steps,) classes, or (n_steps, n_outputs) numbers
    weights: NDArray[np.float64]  # (n_steps,)
    n_outputs: int
    attributes: dict[str, Any]  # those of the fitted estimator that y determines
    allowed: bytes = b""  # transitions, see `Architecture`


class TrainingInput(NamedTuple):
    """The training data, and what they determine before training."""

    data: TrainingData
    n_features: int
    n_outputs: int
    dtype: np.dtype[Any]
    attributes: dict[str, Any]  # of the fitted estimator
    allowed: bytes = b""

    def with_ngrams(self, ngrams: Ngrams) -> "TrainingInput":
        """Add the n-grams of all steps."""
        assert isinstance(self.data, InMemoryData)
        return self._replace(data=self.data._replace(ngrams=ngrams))


# The parameters are documented in the public subclasses.
class BaseVanillaRNN(  # numpydoc ignore=PR01
    VersionedState, CallbackSupport, FittedNetwork, BaseEstimator
):
    """Recurrent network with an output at every step; subclasses define the targets."""

    transitions: bool = False  # a parameter of the classifier

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", _COUNT],
        "activation": [StrOptions({"tanh", "relu"})],
        "bidirectional": ["boolean"],
        "skip_connection": ["boolean"],
        "alpha": [Interval(Real, 0, np.inf, closed="left"), StrOptions({"auto"})],
        "skip_alpha": [Interval(Real, 0, np.inf, closed="left"), StrOptions({"auto"})],
        "max_iter": [_COUNT],
        "max_fun": [_COUNT],
        "tol": [Interval(Real, 0, np.inf, closed="neither")],
        "max_corrections": [_COUNT],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [_COUNT],
        "warm_start": ["boolean"],
        "padding_value": [Real],
        "n_init": [_COUNT],
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
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.bidirectional = bidirectional
        self.skip_connection = skip_connection
        self.alpha = alpha
        self.skip_alpha = skip_alpha
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

    def _set_parameters(self, arguments: dict[str, Any]) -> None:
        """Store the arguments of a subclass's `__init__`, its locals, by name."""
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        groups: Any,
        ngrams: Ngrams | None = None,
    ) -> Self:
        """Check, train and store; nothing else changes the estimator.

        With n-grams, the estimator is only the part of a model that reads X; the
        weights of the other part are `_ngram_weights`.
        """
        given = {"sample_weight": sample_weight, "groups": groups}
        metadata = {name: v for name, v in given.items() if v is not None} or None
        data = {"X": X, "y": y, "metadata": metadata}
        n_iterations = self._max_iterations(has_ngrams=ngrams is not None)
        task = FitTask(self, n_iterations, data)
        with _unchanged_on_error(self):
            sizes = check_sizes(
                self.hidden_layer_sizes, self.skip_connection, type(self).__name__
            )
            training_input = self._training_input(X, y, sample_weight, groups)
            if ngrams is not None:
                training_input = training_input.with_ngrams(ngrams)
            architecture = Architecture(
                n_features=training_input.n_features,
                hidden_layer_sizes=sizes,
                n_directions=2 if self.bidirectional and sizes else 1,
                n_outputs=training_input.n_outputs,
                activation=self.activation,
                output=self._output,
                skip_connection=bool(self.skip_connection),
                transitions=bool(self.transitions),
                allowed=training_input.allowed,
                n_pairs=0 if ngrams is None else ngrams.n_pairs,
            )
            if self._is_warm_start():
                check_continuation(self._architecture(), architecture)
            result = self._train(training_input, architecture, task)
            self._store(training_input, architecture, result)
            task.end()
        return self

    def _max_iterations(self, *, has_ngrams: bool = False) -> int:
        n_runs = 1 if self._is_warm_start() else self.n_init
        before = strength.max_iterations(
            self._settings(),
            skip_connection=bool(self.skip_connection),
            has_ngrams=has_ngrams,
        )
        return before + n_runs * self.max_iter

    def _training_input(
        self, X: Any, y: Any, sample_weight: Any, groups: Any
    ) -> TrainingInput:
        """Check the arguments of `fit`."""
        sequences = check_sequences(
            self, X, padding_value=self.padding_value, fitting=True
        )
        form = self._continued(Form.of(sequences))
        targets = self._targets(y, sequences, sample_weight)
        check_total(targets.weights, sequences.dtype)
        data = InMemoryData(
            sequences,
            targets.y,
            targets.weights,
            sequences.on_disk,
            check_groups(groups, sequences),
            # A fit that continues keeps the weights of every feature.
            shares_weights=not self._is_warm_start(),
        )
        return TrainingInput(
            data,
            sequences.n_features,
            targets.n_outputs,
            sequences.dtype,
            {**form.attributes(sequences.n_features), **targets.attributes},
            targets.allowed,
        )

    @abstractmethod
    def _targets(self, y: Any, sequences: Sequences, sample_weight: Any) -> Targets:
        """Check y and the weights."""

    def _is_warm_start(self) -> bool:
        return bool(self.warm_start) and hasattr(self, "output_coef_")

    def _continued(self, form: Form) -> Form:
        """Return the form of X in this fit and in the one that it continues."""
        if not self._is_warm_start():
            return form
        had_steps = vars(self).get("_fitted_on_sequences", False)
        if had_steps and form.is_table:
            reject_table(self, "is 2-D")
        before, names = vars(self).get("feature_names_in_"), form.feature_names
        if before is not None and names is not None and [*before] != [*names]:
            raise ValueError(
                f"warm_start continues with features {[*map(str, before)]}, but X "
                f"has {[*map(str, names)]}; set warm_start=False to start again"
            )
        if before is not None and names is None:
            warnings.warn(
                "X does not have valid feature names, but "
                f"{type(self).__name__} was fitted with feature names",
                UserWarning,
                stacklevel=6,
            )
        names = before if names is None else names
        return Form(form.is_table, form.has_several_steps or had_steps, names)

    def _train(
        self, training_input: TrainingInput, architecture: Architecture, task: FitTask
    ) -> Result:
        dtype, start = training_input.dtype, None
        if self._is_warm_start():
            start = architecture.flatten(self._parameters())

        def attributes(theta: NDArray[np.float64]) -> dict[str, Any]:
            arrays = self._fitted_arrays(architecture, theta, dtype)
            return {**training_input.attributes, **arrays}

        try:
            with (
                task.reporting(self.verbose, attributes) as report,
                self._rng_and_checkpoint(architecture, dtype) as (rng, checkpoint),
            ):
                result = train(
                    training_input.data,
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
        warn_of_early_end(result, self.tol)
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
        settings = Settings(**{name: getattr(self, name) for name in Settings._fields})
        if not self.early_stopping:
            settings = settings._replace(validation_fraction=0)
        return settings._replace(
            alpha=self._strength("alpha"), skip_alpha=self._strength("skip_alpha")
        )

    def _strength(self, name: str) -> float | None:
        """Return the value of a strength, or None to search for it."""
        value = getattr(self, f"{name}_" if self._keeps(name) else name)
        return None if value == "auto" else value

    def _keeps(self, name: str) -> bool:
        """Return whether a warm start continues with a strength that was found."""
        # A model of an earlier version has none.
        is_known = self._is_warm_start() and vars(self).get(f"{name}_") is not None
        return getattr(self, name) == "auto" and is_known

    def _store(
        self, training_input: TrainingInput, architecture: Architecture, result: Result
    ) -> None:
        """Set the fitted attributes."""
        dtype, scores = training_input.dtype, result.validation_scores
        set_fitted(
            self,
            {
                **training_input.attributes,
                **self._fitted_arrays(architecture, result.theta, dtype),
                "feature_scale_": result.features.penalty_scale,
                "_activation": architecture.activation,
                **self._found_strengths(result.strength, architecture),
                "n_layers_": len(architecture.hidden_layer_sizes) + 2,
                "n_outputs_": architecture.n_outputs,
                "out_activation_": architecture.output,
                "n_iter_": result.n_iter,
                "n_fun_": result.n_fun,
                "loss_": result.loss,
                "best_loss_": result.best_loss,
                "loss_curve_": result.loss_curve,
                "stop_reason_": result.stop_reason,
                "validation_scores_": scores if self.early_stopping else None,
                "best_validation_score_": max(scores, default=None),
            },
        )

    def _found_strengths(
        self, choice: strength.Choice, architecture: Architecture
    ) -> dict[str, Any]:
        found = {"alphas_": choice.alphas, "alpha_scores_": choice.scores}
        if self._keeps("alpha"):
            found = {name: vars(self).get(name) for name in found}
        is_used = architecture.has_direct_weights or architecture.transitions
        skip_alpha = choice.skip_alpha if is_used else None
        return {"alpha_": choice.alpha, "skip_alpha_": skip_alpha, **found}

    def __sklearn_tags__(self) -> Tags:
        """Describe the estimator to scikit-learn."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        return tags


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
