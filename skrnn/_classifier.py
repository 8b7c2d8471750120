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
from ._network.loss import log_softmax, softmax_of_few
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

    A vanilla (Elman) network of one or several layers, one-way or two-way, whose
    softmax output gives a label to every step. It minimises the log-loss of the steps
    and a penalty on the weights by L-BFGS.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64,)
        Number of hidden units of each layer. With `bidirectional=True` each direction
        of a layer has as many.
    activation : {"tanh", "relu"}, default="tanh"
        Activation function of the hidden units.
    bidirectional : bool, default=False
        Whether every layer also reads each sequence from its last valid step to its
        first. If False, the label of a step depends on the steps up to it alone.
    alpha : float, default=1.0
        Strength of the L2 penalty on the weights, the precision of a Gaussian prior in
        units of what weights do (see Notes). It has the same meaning for any amount of
        data, size of the features and number of hidden units.
    class_weight : dict, "balanced" or None, default=None
        Factor on the weight of the steps of each class, as `{label: factor}`.
        "balanced" makes all classes weigh the same in total.
    max_iter : int, default=200
        Largest number of iterations of L-BFGS.
    max_fun : int, default=15000
        Largest number of evaluations of the objective and its gradient.
    tol : float, default=1e-4
        Training has converged when no component of the gradient, taken in the scaled
        variables of the optimiser, is larger. With `early_stopping=True` it is also the
        least gain in validation score that counts as one.
    max_corrections : int, default=10
        Number of past steps from which L-BFGS estimates curvature.
    early_stopping : bool, default=False
        Whether to hold out whole sequences, stop when their log-loss no longer falls,
        and keep the weights of the iteration at which it was lowest.
    validation_fraction : float, default=0.1
        Share of the sequences that are held out. Only used if `early_stopping` is True.
    n_iter_no_change : int, default=10
        Number of iterations in a row without gain in validation score that end the
        training. Only used if `early_stopping` is True.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the previous call. Classes, features
        and layers must be the same; the number of steps may differ.
    padding_value : float, default=nan
        In a 3-D array a trailing step whose features all equal this value is padding.
    padding_label : object, default="auto"
        What `predict` fills padded steps with; never a class. "auto" takes -1 for
        integers and booleans (one below the smallest class where -1 is a class), the
        empty string for strings, and one below the smallest class for floats.
    n_init : int, default=1
        Number of runs from different random weights; the one with the lowest objective
        is kept (with `early_stopping=True`, the one with the best validation score).
    random_state : int, RandomState instance or None, default=None
        Determines the weights to start from, the sequences that are held out, and the
        labels drawn to scale the variables.
    verbose : bool or int, default=0
        Whether to print a line for every iteration: loss, gradient, evaluations and
        seconds.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; those of steps of weight 0 included.
    n_features_in_ : int
        Number of features of a step.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features. Only defined if X was a 2-D data frame whose names are
        all strings.
    input_coefs_ : list of ndarray of shape (n_directions, n_in, n_hidden)
        Weights `W_xh` from the input of each layer to its hidden units; `n_in` is
        `n_features_in_` for the first layer and `n_directions * n_hidden` of the layer
        below for the others. Forward direction first.
    recurrent_coefs_ : list of ndarray of shape (n_directions, n_hidden, n_hidden)
        Weights `W_hh` of each layer, from the states of one step to those of the next.
    hidden_intercepts_ : list of ndarray of shape (n_directions, n_hidden)
        Biases `b_h` of each layer.
    output_coef_ : ndarray of shape (n_directions * n_hidden, n_classes)
        Weights `W_hy` from the states of the last layer to the logits.
    output_intercept_ : ndarray of shape (n_classes,)
        Biases `b_y` of the logits.
    feature_scale_ : ndarray of shape (n_features,)
        Size of each feature in the training data, the unit of its weights in the
        penalty (see Notes).
    padding_label_ : object
        What `predict` fills padded steps with.
    loss_ : float
        The objective at the stored weights, in nats per unit of weight: over all
        training data, less what early stopping holds out.
    best_loss_ : float
        Lowest value that the objective took. Smaller than `loss_` where early stopping
        went back to earlier weights.
    loss_curve_ : list of float
        The objective after each of the `n_iter_` iterations.
    validation_scores_ : list of float, or None
        Negative log-loss of the held-out sequences after each iteration, in nats per
        unit of weight. None unless `early_stopping` is True.
    best_validation_score_ : float or None
        The largest of `validation_scores_`.
    n_iter_ : int
        Number of iterations.
    n_fun_ : int
        Number of evaluations of the objective and its gradient.
    stop_reason_ : str
        Why the training ended: "converged", "max_iter", "max_fun", "early_stopping",
        or "line_search", where no step along the search direction lowers the objective
        any more, most often because the accuracy of the numbers is exhausted.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs, `n_classes`.
    out_activation_ : str
        Always "softmax".

    See Also
    --------
    OneHotSequenceEncoder : Turns strings and other tokens into steps.
    sklearn.neural_network.MLPClassifier : A network for rows of a table.

    Notes
    -----
    X is one of

    - **padded**: an array of shape (n_sequences, n_steps, n_features), with padding
      behind the end of each sequence; y has shape (n_sequences, n_steps) and is never
      read at padding;
    - **ragged**: a list or object array of arrays or sparse matrices of shape
      (n_steps_i, n_features); y is a list or object array of label sequences, of
      shape (n_steps_i,) each;
    - **2-D**: shape (n_sequences, n_features), sequences of one step; y has shape
      (n_sequences,).

    Results come in the form of X. Nothing is computed at padding, and no score or loss
    counts it. Results are float32 where X is, and training then works in float32.

    A layer of the network computes

    .. math::

        h_t = f(x_t W_{xh} + h_{t-1} W_{hh} + b_h), \qquad h_0 = 0,

    a second direction the same from the last valid step backwards; the states of both
    are joined and are the input of the next layer. From those of the last layer

    .. math::

        p_t = \mathrm{softmax}(h_t W_{hy} + b_y).

    With :math:`w_{it}` the weight of step t of sequence i (`sample_weight` times
    `class_weight`) and :math:`W = \sum_{it} w_{it}`, training minimises

    .. math::

        J(\theta) = \frac{1}{W} \sum_{it} w_{it} (-\log p_{it}[y_{it}])
            + \frac{\alpha}{2 W} \sum_j c_j \theta_j^2

    in nats per unit of weight. With `alpha=1` the second term is a Gaussian prior in
    which weight j has the precision :math:`c_j`: such that the input and the states add
    to a hidden unit with standard deviations 2 and 1, and the states to a logit with
    3, when features are of their usual size and states of size 1. So

    ==================================  ==========================
    weight                              :math:`c_j`
    ==================================  ==========================
    from feature d                      `feature_scale_[d]**2 / 4`
    from the states of the layer below  `n_in`
    recurrent                           `n_hidden`
    from the last states to a logit     `n_directions * n_hidden / 9`
    biases                              0
    ==================================  ==========================

    where `feature_scale_[d]` is the root mean square of the feature over the steps at
    which it is not 0, times the square root of the mean number of features that are
    not 0 in a step.

    A sequence of weight k, k copies of it, and any order of the sequences give the
    same fit.

    References
    ----------
    .. [1] J. L. Elman. "Finding structure in time." Cognitive Science 14(2), 1990.
    .. [2] D. E. Rumelhart, G. E. Hinton and R. J. Williams. "Learning representations
       by back-propagating errors." Nature 323, 1986.
    .. [3] M. Schuster and K. K. Paliwal. "Bidirectional recurrent neural networks."
       IEEE Transactions on Signal Processing 45(11), 1997.
    .. [4] D. C. Liu and J. Nocedal. "On the limited memory BFGS method for large scale
       optimization." Mathematical Programming 45, 1989.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.datasets import load_hello, make_recall
    >>> hello = load_hello()
    >>> model = VanillaRNNClassifier(hidden_layer_sizes=3, alpha=0.001, random_state=0)
    >>> model.fit(hello.data, hello.target).predict(hello.data)
    array([['e', 'l', 'l', 'o']], dtype='<U1')

    The label of each step is the symbol seen two steps before, and -1, padding, where
    a sequence has ended:

    >>> X, y = make_recall(100, n_steps=12, lag=2, random_state=0, return_X_y=True)
    >>> X[50:, 8:], y[50:, 8:] = float("nan"), -1
    >>> model = VanillaRNNClassifier(16, max_iter=1000, random_state=0).fit(X, y)
    >>> model.score(X, y)
    1.0
    >>> model.predict(X)[50:, 8:].max()
    np.int64(-1)

    A one-way model can be read step by step:

    >>> state = model.initial_state(n_sequences=len(X))
    >>> for t in range(3):
    ...     proba, state = model.step(X[:, t], state)
    >>> bool(abs(proba - model.predict_proba(X)[:, 2]).max() < 1e-12)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
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
        """Train on labelled sequences.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), list or object \
array of n_sequences {array-like, sparse matrix} of shape (n_steps_i, n_features), or \
{array-like, sparse matrix} of shape (n_sequences, n_features)
            The sequences: padded, ragged or of one step each.
        y : array-like of shape (n_sequences, n_steps), list or object array of \
n_sequences array-like of shape (n_steps_i,), or array-like of shape (n_sequences,)
            The label of every step. What stands at padding is never read.
        sample_weight : array-like of shape (n_sequences,) or of the form of y, \
default=None
            Weight of each sequence, or of each step. A step of weight 0 counts as
            unlabelled, while it is still read.

        Returns
        -------
        VanillaRNNClassifier
            The fitted classifier itself.

        Raises
        ------
        ValueError
            If X, y or `sample_weight` is not as described: NaN or infinity at a valid
            step, a sequence without valid steps, labels that do not go with the steps
            of X, numbers too large for the network; if `padding_label` is a class; if
            early stopping finds too few sequences; if `warm_start=True` meets other
            classes, features or layers. A parameter out of its range raises
            scikit-learn's ``InvalidParameterError``, which is a ValueError.
        TypeError
            If X or y is of a type that cannot be a sequence, such as dates, masked
            arrays, or labels of mixed types.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` or `max_fun` ended the training.
        UserWarning
            If y seems padded where X shows no padding.
        """
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
            if not weights.any():
                raise ValueError("class_weight leaves no step of weight above zero")
            data = Data(sequences, codes, weights)
            result = self._train(data, architecture, sequences.dtype)
            self.classes_: Array = classes
            self.padding_label_ = padding_label
            return self._store(result, architecture, sequences.dtype)

    def _train(
        self, data: Data, architecture: Architecture, dtype: np.dtype[Any]
    ) -> Result:
        goes_on = self.warm_start and hasattr(self, "output_coef_")
        try:
            result = train(
                data,
                architecture,
                dtype,
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
        parameters = architecture.unflatten(result.theta.astype(dtype))
        layers = parameters.layers
        n_directions = architecture.n_directions
        self.input_coefs_ = [
            layer.W_xh.reshape(len(layer.W_xh), n_directions, -1).transpose(1, 0, 2)
            for layer in layers
        ]
        self.recurrent_coefs_ = [layer.W_hh for layer in layers]
        self.hidden_intercepts_ = [
            layer.b_h.reshape(n_directions, -1) for layer in layers
        ]
        self.output_coef_ = parameters.W_hy
        self.output_intercept_ = parameters.b_y
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
                Layer(
                    W_xh.transpose(1, 0, 2).reshape(W_xh.shape[1], -1), W_hh, b.ravel()
                )
                for W_xh, W_hh, b in layers
            ),
            self.output_coef_,
            self.output_intercept_,
        )

    def _evaluate(
        self, X: Any, choose: Callable[..., Array]
    ) -> tuple[Sequences, Array]:
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
        if not np.isfinite(values).all():
            raise ValueError(
                "the network overflows: X is too large for it; scale X as in fit"
            )
        return sequences, values

    def predict(self, X: Any) -> Array:
        """Predict the label of every step.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps), or of shape (n_sequences,)
            The most probable label of every step, and `padding_label_` at padding.
            For ragged X an object array of n_sequences arrays of shape (n_steps_i,);
            for 2-D X one label for each row.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If X is not as described or has not `n_features_in_` features.
        """
        sequences, logits = self._evaluate(X, inference.logits)
        classes = self.classes_
        if sequences.form == "padded":
            classes = with_padding_label(classes, self.padding_label_)
        return sequences.restore(classes[logits.argmax(axis=1)], self.padding_label_)

    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of every class at every step.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps, n_classes), or of shape (n_sequences,)
            The probabilities, in the order of `classes_`, and NaN at padding. For
            ragged X an object array of n_sequences arrays of shape (n_steps_i,
            n_classes); for 2-D X shape (n_sequences, n_classes).

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If X is not as described or has not `n_features_in_` features.
        """
        sequences, proba = self._evaluate(X, inference.probabilities)
        return sequences.restore(proba, np.nan)

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithm of every class's probability at every step.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps, n_classes), or of shape (n_sequences,)
            The logarithms of what `predict_proba` returns, exact also where that
            rounds to 0.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If X is not as described or has not `n_features_in_` features.
        """
        sequences, logits = self._evaluate(X, inference.logits)
        return sequences.restore(log_softmax(logits), np.nan)

    def decision_function(self, X: Any) -> Array:
        """Compute the logits of every step.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps, n_classes), or of shape (n_sequences,)
            The logits, in the form of `predict_proba`. For two classes the logit of
            the second minus that of the first, without the axis of classes.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If X is not as described or has not `n_features_in_` features.
        """
        sequences, logits = self._evaluate(X, inference.logits)
        if logits.shape[1] == 2:
            logits = logits[:, 1] - logits[:, 0]
        return sequences.restore(logits, np.nan)

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
            If `fit` was not called before.
        ValueError
            If X is not as described or has not `n_features_in_` features.
        """
        sequences, states = self._evaluate(X, inference.last_states)
        return sequences.restore(states, np.nan)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the weighted share of valid steps that are labelled correctly.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.
        y : array-like or list
            The label of every step, in any of the forms that `fit` takes. A label that
            is no class counts as one not found; what stands at padding is never read.
        sample_weight : array-like of shape (n_sequences,) or of the form of y, \
default=None
            Weight of each sequence, or of each step.

        Returns
        -------
        float
            The accuracy, between 0 and 1.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If X, y or `sample_weight` is not as described, or X has not
            `n_features_in_` features.
        """
        sequences, logits = self._evaluate(X, inference.logits)
        labels = check_labels(y, sequences, type(self).__name__)
        weights = check_weights(sample_weight, sequences)
        correct = np.asarray(self.classes_[logits.argmax(axis=1)] == labels)
        return float(
            np.average(np.broadcast_to(correct, weights.shape), weights=weights)
        )

    @available_if(_is_unidirectional)
    def initial_state(self, n_sequences: int = 1) -> tuple[Array, ...]:
        """Return the state before the first step: zeros.

        Only there if `bidirectional=False`.

        Parameters
        ----------
        n_sequences : int, default=1
            How many sequences are to be read side by side.

        Returns
        -------
        tuple of ndarray of shape (n_sequences, n_hidden)
            The states of each layer.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        """
        check_is_fitted(self)
        return tuple(
            np.zeros((n_sequences, W.shape[-1]), W.dtype) for W in self.recurrent_coefs_
        )

    @available_if(_is_unidirectional)
    def step(
        self, X_t: Any, state: tuple[Array, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """Read one step of several sequences, at a cost independent of history.

        Only there if `bidirectional=False`.

        Parameters
        ----------
        X_t : array-like of shape (n_sequences, n_features)
            The step that comes next in each sequence.
        state : tuple of ndarray of shape (n_sequences, n_hidden)
            What `initial_state` or the previous call returned.

        Returns
        -------
        proba : ndarray of shape (n_sequences, n_classes)
            The probabilities of the classes at this step.
        state : tuple of ndarray of shape (n_sequences, n_hidden)
            What to pass with the step after this one; the one passed is unchanged.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If X_t or state has another shape.
        """
        # check_is_fitted alone takes as long as the step.
        if "output_coef_" not in vars(self):
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
        parameters = Parameters(
            tuple(
                Layer(W_xh[0], W_hh, b_h[0])
                for W_xh, W_hh, b_h in zip(
                    self.input_coefs_,
                    self.recurrent_coefs_,
                    self.hidden_intercepts_,
                    strict=True,
                )
            ),
            self.output_coef_,
            self.output_intercept_,
        )
        logits, state = inference.step(parameters, self.activation, X_t, state)
        return softmax_of_few(logits), state

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
    sizes: list[Any] = [hidden_layer_sizes] if is_number else [*hidden_layer_sizes]
    valid = all(
        isinstance(n, Integral) and not isinstance(n, bool | np.bool_) and int(n) > 0
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
        np.divide(balanced, counts, out=balanced, where=counts > 0)
        return balanced
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
