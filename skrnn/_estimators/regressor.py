"""The regressor of steps: numbers in, a prediction of each step's numbers out."""

import warnings
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import Tags, check_scalar
from sklearn.utils.metaestimators import available_if

from skrnn._network import inference
from skrnn._network.forecast import forecast
from skrnn._network.model.parameters import Architecture
from skrnn._network.training.train import Result
from skrnn._sklearn_compat import fit_context
from skrnn._validation.persistence import set_module
from skrnn._validation.sequences import Sequences
from skrnn._validation.targets import check_targets, check_weights, weights_of_steps

from .base import BaseVanillaRNN, Targets, _check_unidirectional, raise_on_overflow
from .scores import Moments, check_outputs, moments_of, r2

Array = NDArray[Any]


# The parameters are those of the base's constructor.
@set_module("skrnn")
class VanillaRNNRegressor(RegressorMixin, BaseVanillaRNN):  # numpydoc ignore=PR02
    r"""Recurrent network that predicts numbers at every step of a sequence.

    A vanilla (Elman) network of one or several layers, one-way or two-way, with one or
    several real-valued outputs at every step. It minimizes the squared error of the
    steps and a penalty on the weights by L-BFGS. A one-way network trained on its own
    next step can forecast a series.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64,)
        Number of hidden units of each layer. With `bidirectional=True` each direction
        of a layer has as many.
    activation : {"tanh", "relu"}, default="tanh"
        Activation function of the hidden units.
    bidirectional : bool, default=False
        Whether every layer also reads each sequence from its last valid step to its
        first. If False, the prediction at a step depends on the steps up to it alone.
    alpha : float, default=1.0
        Strength of the L2 penalty on the weights (see Notes): the variance of the noise
        in y, as a share of the variance of y, for a Gaussian prior of precision 1 in
        units of what weights do. It has the same meaning for any amount of data and any
        unit of y and of the features. Where y is nearly free of noise, values far
        below 1 are the ones to try.
    max_iter : int, default=200
        Largest number of iterations of L-BFGS on all data.
    max_fun : int, default=15000
        Largest number of evaluations of the objective and its gradient.
    tol : float, default=1e-4
        Training has converged when no component of the gradient, taken in the scaled
        variables of the optimizer, is larger. With `early_stopping=True` it is also the
        least gain in validation score that counts as one.
    max_corrections : int, default=10
        Number of past steps from which L-BFGS estimates curvature.
    early_stopping : bool, default=False
        Whether to hold out whole sequences, stop when their squared error no longer
        falls, and keep the weights of the iteration at which it was lowest.
    validation_fraction : float, default=0.1
        Share of the sequences that are held out. Only used if `early_stopping` is True.
    n_iter_no_change : int, default=10
        Number of iterations in a row without gain in validation score that end the
        training. Only used if `early_stopping` is True.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the previous call. Outputs, features
        and layers must be the same; the number of steps may differ.
    padding_value : float, default=nan
        In a 3-D array a trailing step whose features all equal this value is padding.
    n_init : int, default=1
        Number of runs from different random weights; the one with the lowest objective
        is kept (with `early_stopping=True`, the one with the best validation score).
    random_state : int, RandomState instance or None, default=None
        Determines the weights to start from, the sequences that are held out, and the
        targets drawn to scale the variables.
    verbose : bool or int, default=0
        Whether to print, for every iteration, loss, gradient, evaluations and seconds:
        1 keeps to a single line on a terminal, 2 prints a line for each.
    checkpoint : str or path-like, default=None
        A file in which `fit` notes every evaluation of the objective, and which it
        removes at its end. Where it finds one, left behind by a fit of the same data
        and parameters that was interrupted, it goes on from there.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a step.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features. Only defined if X was a data frame, or a list of data
        frames, whose names are all strings.
    input_coefs_ : list of ndarray of shape (n_directions, n_in, n_hidden)
        Weights `W_xh` from the input of each layer to its hidden units; `n_in` is
        `n_features_in_` for the first layer and `n_directions * n_hidden` of the layer
        below for the others. Forward direction first.
    recurrent_coefs_ : list of ndarray of shape (n_directions, n_hidden, n_hidden)
        Weights `W_hh` of each layer, from the states of one step to those of the next.
    hidden_intercepts_ : list of ndarray of shape (n_directions, n_hidden)
        Biases `b_h` of each layer.
    output_coef_ : ndarray of shape (n_directions * n_hidden, n_outputs)
        Weights `W_hy` from the states of the last layer to the predictions, in units
        of y.
    output_intercept_ : ndarray of shape (n_outputs,)
        Biases `b_y` of the predictions, in units of y.
    feature_scale_ : ndarray of shape (n_features,)
        Size of each feature in the training data, the unit of its weights in the
        penalty (see Notes).
    target_scale_ : ndarray of shape (n_outputs,)
        Weighted standard deviation of each output in the training data, the unit of
        its errors in the objective; for an output that is constant, its size.
    loss_ : float
        The objective at the stored weights: over all training data, less what early
        stopping holds out.
    best_loss_ : float
        Lowest value that the objective took. Smaller than `loss_` where early stopping
        went back to earlier weights.
    loss_curve_ : list of float
        The objective after each of the `n_iter_` iterations.
    validation_scores_ : list of float, or None
        The negative of the objective's first term (see Notes) on the held-out
        sequences after each iteration. None unless `early_stopping` is True.
    best_validation_score_ : float or None
        The largest of `validation_scores_`, None if there is none.
    n_iter_ : int
        Number of iterations.
    n_fun_ : int
        Number of evaluations of the objective and its gradient, in those of all data:
        with more than a thousand sequences a part of them finds the start.
    stop_reason_ : str
        Why training ended: "converged" (no component of the gradient exceeds `tol`),
        "max_iter", "max_fun", "early_stopping", or "callback" (one of scikit-learn's
        callbacks asked for it). L-BFGS gave up by itself at "line_search" (no step
        along the search direction lowers the objective), "ftol" (the objective no
        longer changes) or "overflow" (the network overflows at every step tried).
        Near a minimum the first two mean that floating-point precision is exhausted.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Always "identity".

    See Also
    --------
    VanillaRNNClassifier : The same network for labels.
    sklearn.neural_network.MLPRegressor : A network for rows of a table.

    Notes
    -----
    X is one of

    - **padded**: an array of shape (n_sequences, n_steps, n_features), with padding
      behind the end of each sequence; y has shape (n_sequences, n_steps), or
      (n_sequences, n_steps, n_outputs), and is never read at padding;
    - **ragged**: a list or object array of arrays or sparse matrices of shape
      (n_steps_i, n_features); y is a list or object array of as many sequences, of
      shape (n_steps_i,) or (n_steps_i, n_outputs);
    - **2-D**: shape (n_sequences, n_features), sequences of one step; y has shape
      (n_sequences,) or (n_sequences, n_outputs).

    So it is the form of X that says what the second axis of a 2-D y is. Predictions
    come in the form of X, and have an axis of outputs if y had one. Nothing is computed
    at padding, and no score or loss counts it. Results are float32 where X is, and
    training then works in float32. Maps of files (`numpy.memmap`) are read a batch at a
    time; `fit` packs them into a temporary file, so that X may be larger than memory.

    A layer of the network computes

    .. math::

        h_t = f(x_t W_{xh} + h_{t-1} W_{hh} + b_h), \qquad h_0 = 0,

    a second direction the same from the last valid step backwards; the states of both
    are joined and are the input of the next layer. From those of the last layer

    .. math::

        \hat y_t = h_t W_{hy} + b_y.

    With :math:`w_{it}` the weight of step t of sequence i, :math:`W = \sum_{it}
    w_{it}` and :math:`s_m` the scale of output m (`target_scale_`), training minimizes

    .. math::

        J(\theta) = \frac{1}{W} \sum_{it} w_{it} \sum_m
            \frac{(\hat y_{itm} - y_{itm})^2}{2 s_m^2}
            + \frac{\alpha}{2 W} \sum_j c_j \theta_j^2

    which has no unit. With `alpha=1` it is the negative logarithm of a posterior, over
    W: errors are normal with the variance of y itself, and weight j has a Gaussian
    prior of the precision :math:`c_j`. If errors have a share v of the variance of y,
    ``alpha=v`` stands for the same prior. The precisions are such that the input and
    the states add to a hidden unit with standard deviations 2 (less where features are
    dense, see below) and 3, and the states to a prediction with :math:`10 s_m`, when
    features are of their usual size and states of size 1:

    ==========================================  ============================
    weight                                      :math:`c_j`
    ==========================================  ============================
    from feature d                              `feature_scale_[d]**2 / 4`
    from the states of the layer below          `n_in / 9`
    recurrent                                   `n_hidden / 9`
    from the last states to a prediction        `n_directions * n_hidden /`
                                                `(100 * target_scale_[m]**2)`
    biases                                      0
    ==========================================  ============================

    where `feature_scale_[d]` is the root mean square of the feature over the steps at
    which it is not 0, times the square root of the mean number of features that are
    not 0 in a step, times that of the number (1 or more) that two steps, taken at
    random, have both. For one-hot steps it is 1, for D standardized features D.
    Features are best standardized: a mean far from 0 makes slow training.

    A sequence of weight k, k copies of it, and any order of the sequences give the
    same fit.

    scikit-learn's callbacks (`set_callbacks`, from its version 1.9 on) see a task for
    every iteration, out of at most `max_iter` for each of `n_init` runs, and may stop
    the training, which keeps the best weights so far. `ProgressBar` needs the package
    rich; `ScoringMonitor` takes sequences if `scoring` is a function of estimator, X, y
    and `sample_weight=None` that returns a dict of scores. An interrupt from the
    keyboard ends `fit` as an error does: the regressor is what it was before, threads
    have ended and BLAS has its own back.

    Examples
    --------
    The sum of what was read so far, at every step:

    >>> import numpy as np
    >>> from skrnn import VanillaRNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(50, 10, 1))
    >>> y = X[..., 0].cumsum(axis=1)
    >>> model = VanillaRNNRegressor(16, tol=0.01, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.98
    True
    >>> model.predict(X[:2]).shape
    (2, 10)

    A model that is trained on the next value of a series can go on with it:

    >>> series = np.sin(0.3 * np.arange(200))[None, :, None]
    >>> model = VanillaRNNRegressor(16, alpha=0.001, max_iter=1000, random_state=0)
    >>> model = model.fit(series[:, :-1], series[:, 1:])
    >>> ahead = model.forecast(series, n_steps=50)
    >>> ahead.shape
    (1, 50, 1)
    >>> bool(abs(ahead[0, :, 0] - np.sin(0.3 * np.arange(200, 250))).max() < 0.1)
    True
    """

    _output = "identity"

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on sequences with numbers at every step.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), list or object \
array of n_sequences {array-like, sparse matrix} of shape (n_steps_i, n_features), or \
{array-like, sparse matrix} of shape (n_sequences, n_features)
            The sequences: padded, ragged or of one step each.
        y : array-like of shape (n_sequences, n_steps) or (n_sequences, n_steps, \
n_outputs), list or object array of n_sequences array-like of shape (n_steps_i,) or \
(n_steps_i, n_outputs), or array-like of shape (n_sequences,) or (n_sequences, \
n_outputs)
            The numbers to predict at every step. What stands at padding is never read.
        sample_weight : array-like of shape (n_sequences,), or one weight for each \
step in the form of a y with a single output, default=None
            Weight of each sequence, or of each step. Steps with zero weight are still
            processed; their targets are ignored and may be NaN.

        Returns
        -------
        VanillaRNNRegressor
            The fitted regressor itself.

        Raises
        ------
        ValueError
            If X, y or `sample_weight` is not as described: NaN or infinity at a valid
            step, a sequence without valid steps, targets that do not go with the steps
            of X, numbers too large for the network; if early stopping finds too few
            sequences; if `checkpoint` was left by another fit; if `warm_start=True`
            meets other outputs, features or layers. A parameter out of its range raises
            scikit-learn's ``InvalidParameterError``, which is a ValueError.
        OSError
            If there is no room for the temporary file of a memory-mapped X, or for the
            checkpoint.
        TypeError
            If X or y is of a type that cannot be a sequence of numbers, such as dates,
            masked arrays or strings.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` or `max_fun` ended training, or L-BFGS gave up by itself (see
            `stop_reason_`) with a component of the gradient above ``100 * tol``, or
            above `tol` before its first iteration.
        UserWarning
            If X and y are 2-D and equally wide, as univariate series without an axis of
            features are.
        """
        return self._fit(X, y, sample_weight)

    def _targets(self, y: Any, sequences: Sequences, sample_weight: Any) -> Targets:
        weights = check_weights(sample_weight, sequences)
        targets = check_targets(y, sequences, type(self).__name__, weights)
        self._has_axis_of_outputs = targets.ndim == 2
        if sequences.form == "rows":
            _warn_of_series(sequences.n_features, targets.shape[1:])
        targets = targets.reshape(len(targets), -1)
        return Targets(targets, weights, targets.shape[1])

    def _store(
        self, result: Result, architecture: Architecture, dtype: np.dtype[Any]
    ) -> None:
        try:
            architecture.cast(architecture.unflatten(result.theta), dtype)
        except OverflowError as error:
            raise ValueError(
                f"y is too large for a network of {dtype}, the type of X; scale y"
            ) from error
        super()._store(result, architecture, dtype)
        self.target_scale_ = result.target_scaler.scale

    def _format_output(self, outputs: Array) -> Array:
        return outputs if self._has_axis_of_outputs else outputs[..., 0]

    def predict(self, X: Any) -> Array:
        """Predict the numbers of every step.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps) or (n_sequences, n_steps, n_outputs), \
or of shape (n_sequences,) or (n_sequences, n_outputs)
            The predictions, and NaN at padding; with an axis of outputs if y had one in
            `fit`. For ragged X an object array of n_sequences arrays of shape
            (n_steps_i,) or (n_steps_i, n_outputs); for 2-D X one row for each row.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If X is not as described or has not `n_features_in_` features.
        """
        sequences, outputs = self._evaluate(X, inference.logits)
        return sequences.restore(self._format_output(outputs), np.nan)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination over valid steps.

        It is 1 less the weighted sum of squared errors, over that of a constant
        prediction of the mean; with several outputs the mean over them. For constant
        targets it is 1 if they are predicted exactly and 0 otherwise.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.
        y : array-like or list
            The numbers of every step, in any of the forms that `fit` takes. What stands
            at padding is never read.
        sample_weight : array-like of shape (n_sequences,), or one weight for each \
step in the form of a y with a single output, default=None
            Weight of each sequence, or of each step.

        Returns
        -------
        float
            R², at most 1.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If X, y or `sample_weight` is not as described, X has not
            `n_features_in_` features, or y has not `n_outputs_` outputs.

        Warns
        -----
        UndefinedMetricWarning
            If there is a single step; the score is NaN then.
        """
        return r2([self._moments(X, y, sample_weight)])

    def _moments(self, X: Any, y: Any, sample_weight: Any) -> Moments:
        sequences, outputs = self._evaluate(X, inference.logits)
        weights = weights_of_steps(sample_weight, sequences)
        targets = check_targets(y, sequences, type(self).__name__, weights)
        targets = targets.reshape(len(targets), -1)
        check_outputs(targets, outputs.shape[1])
        # R² has no unit, and squares of very large or small numbers have no place.
        # Powers of 2 lose no digits, so a copy in a callback, which has no scale yet,
        # scores as the fitted regressor does.
        scale = np.exp2(np.rint(np.log2(vars(self).get("target_scale_", 1.0))))
        return moments_of(targets / scale, outputs / scale, weights)

    @available_if(_check_unidirectional)
    def forecast(self, X: Any, n_steps: int) -> Array:
        """Go on with every sequence by reading predictions as the next steps.

        Only there if `bidirectional=False`. The model has to be one of the next step,
        such as ``fit(X[:, :-1], X[:, 1:])`` makes it.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, as far as they are known.
        n_steps : int
            How many steps to go on, at least 1.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps) or (n_sequences, n_steps, n_features)
            The steps behind the last valid step of each sequence, whatever the form of
            X; with an axis of features if y had one in `fit`. The first is what
            `predict` says at the last valid step.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If X is not as described, has not `n_features_in_` features, or holds a
            sequence without valid steps; if the model does not predict as many numbers
            as a step has features, or predictions grow beyond all numbers; if `n_steps`
            is below 1.
        TypeError
            If `n_steps` is no integer.
        """
        sequences = self._check_sequences(X)
        check_scalar(n_steps, "n_steps", Integral, min_val=1)
        if self.n_outputs_ != self.n_features_in_:
            raise ValueError(
                "forecast reads predictions as the next step, so a model must predict "
                f"all features; this one has {self.n_features_in_} features and "
                f"predicts {self.n_outputs_}"
            )
        empty = np.flatnonzero(sequences.lengths == 0)
        if empty.size:
            raise ValueError(f"X[{empty[0]}] has no valid step to go on from")
        with raise_on_overflow():
            steps = forecast(
                self._architecture(),
                self._parameters(),
                sequences,
                sequences.dtype,
                int(n_steps),
            )
        return self._format_output(steps)

    def __sklearn_tags__(self) -> Tags:
        """Describe the estimator to scikit-learn."""
        tags: Tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _warn_of_series(n_features: int, shape: tuple[int, ...]) -> None:
    """Warn where the targets of a table look like the next values of series."""
    if n_features > 1 and shape == (n_features,):
        warnings.warn(
            f"X and y are 2-D and {n_features} wide: each row is a sequence of one "
            f"step, of {n_features} features and as many targets, so nothing is "
            "learned of an order; for univariate series pass X[..., None]",
            UserWarning,
            stacklevel=7,
        )
