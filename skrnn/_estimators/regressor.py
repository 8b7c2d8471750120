"""Regressor of steps: trained on numbers, predicts one or several at every step."""

import warnings
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import Tags, check_scalar
from sklearn.utils.metaestimators import available_if

from skrnn._network import inference
from skrnn._network.forecast import forecast
from skrnn._network.model.parameters import Architecture
from skrnn._network.training.train import Result
from skrnn._sklearn_compat import fit_context
from skrnn._validation.arrays import Array
from skrnn._validation.persistence import set_module
from skrnn._validation.sequences import Sequences
from skrnn._validation.targets import check_targets, check_weights, weights_of_steps

from .base import BaseVanillaRNN, Targets, TrainingInput
from .fitted import check_unidirectional, raise_on_overflow
from .scores import Moments, check_outputs, moments_of, r2


# The parameters are those of the base's constructor.
@set_module("skrnn")
class VanillaRNNRegressor(RegressorMixin, BaseVanillaRNN):  # numpydoc ignore=PR02
    r"""Recurrent network that predicts numbers at every step of a sequence.

    A vanilla (Elman) network with one or more layers, unidirectional or bidirectional,
    and one or more real-valued outputs at every step. L-BFGS minimizes the squared
    error of the steps plus an L2 penalty on the weights. A unidirectional network
    trained to predict the next step can forecast a series.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64,)
        Number of hidden units in each layer. With `bidirectional=True`, each direction
        has this number of units. ``()`` is a network without hidden layers; it needs
        `skip_connection=True`.
    activation : {"tanh", "relu"}, default="tanh"
        Activation function of the hidden units.
    bidirectional : bool, default=False
        Whether every layer also processes each sequence from its last valid step to its
        first. If False, a prediction depends only on its step and earlier ones.
    skip_connection : bool, default=False
        Whether the features of a step also have direct weights to its predictions, as
        in a linear model. With it, `hidden_layer_sizes` may be empty.
    alpha : "auto" or float, default="auto"
        L2 strength, relative to each weight's typical contribution (see Notes): with a
        unit Gaussian prior, the variance of the noise in y as a fraction of the
        variance of y. Its meaning does not depend on the amount of data or the units of
        y and the features. "auto" compares strengths from 0.1 to 300 by short fits and
        the squared error of held-out sequences. If y has almost no noise, set a value
        far below 0.1.
    skip_alpha : "auto" or float, default="auto"
        L2 strength for direct weights, whose meaning is that of `alpha` (see Notes).
        "auto" is 0.1 for sparse features; for others it compares strengths from 0.03 to
        300 by the squared error of held-out sequences without hidden layers. Not used
        without `skip_connection`.
    max_iter : int, default=200
        Maximum number of L-BFGS iterations on the full data.
    max_fun : int, default=15000
        Maximum number of evaluations of the objective and its gradient, including those
        of `alpha="auto"`, which takes at most half of them, in units of full-data
        evaluations.
    tol : float, default=1e-4
        Training stops when no component of the gradient, taken in the scaled variables
        of the optimizer, exceeds `tol`. With `early_stopping=True` it is also the
        minimum improvement of the validation score.
    max_corrections : int, default=10
        Number of past steps from which L-BFGS estimates curvature.
    early_stopping : bool, default=False
        Whether to hold out whole sequences, stop when their squared error no longer
        decreases, and keep the weights of the iteration with the lowest one.
    validation_fraction : float, default=0.1
        Fraction of the sequences (of the groups, if given) to hold out. Only used if
        `early_stopping` is True.
    n_iter_no_change : int, default=10
        Training stops after this number of consecutive iterations without improvement
        of the validation score. Only used if `early_stopping` is True.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call, and with its
        strength if `alpha="auto"`. Outputs, features and layers must be the same; the
        number of steps may differ.
    padding_value : float, default=nan
        In a 3-D array, trailing steps whose features all equal this value are padding.
    n_init : int, default=1
        Number of runs from different random weights. The run with the lowest objective
        is kept (with `early_stopping=True`, the one with the best validation score).
    random_state : int, RandomState instance or None, default=None
        Seed for the initial weights, the choice of held-out sequences, and the targets
        drawn to scale the variables of the optimizer.
    verbose : bool or int, default=0
        Whether to print loss, gradient, evaluations and seconds at every iteration. On
        a terminal, 1 updates a single line; 2 prints one line per iteration.
    checkpoint : str or path-like, default=None
        File in which `fit` saves every evaluation of the objective. If the file of an
        interrupted fit with the same data and parameters exists, `fit` resumes it. The
        file is deleted when `fit` finishes.

    Attributes
    ----------
    n_features_in_ : int
        Number of features per step.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features. Only defined if X was a data frame, or a list of data
        frames, with column names that are all strings.
    input_coefs_ : list of ndarray of shape (n_directions, n_in, n_hidden)
        Weights `W_xh` from the input of each layer to its hidden units, forward
        direction first. `n_in` is `n_features_in_` for the first layer, and
        `n_directions * n_hidden` of the layer below for the others.
    recurrent_coefs_ : list of ndarray of shape (n_directions, n_hidden, n_hidden)
        Weights `W_hh` of each layer, from the states of a step to those of the next.
    hidden_intercepts_ : list of ndarray of shape (n_directions, n_hidden)
        Biases `b_h` of each layer.
    output_coef_ : ndarray of shape (n_directions * n_hidden, n_outputs)
        Weights `W_hy` from the states of the last layer to the predictions, in units
        of y.
    output_intercept_ : ndarray of shape (n_outputs,)
        Biases `b_y` of the predictions, in units of y.
    skip_coef_ : ndarray of shape (n_features, n_outputs), or None
        Direct weights `W_xy` from the features to the predictions. None without
        `skip_connection`.
    alpha_ : float
        The L2 strength used: `alpha`, or the one that "auto" found. 1.0 if "auto" had
        too few sequences to hold some out (see Notes).
    alphas_ : ndarray of shape (n_alphas,), or None
        The strengths that "auto" tried, ascending. None if it tried none.
    alpha_scores_ : ndarray of shape (n_alphas,), or None
        Score of each of `alphas_` on held-out sequences, in the unit of
        `validation_scores_`, after as many iterations as its fit was continued for. A
        decrease since an earlier score is counted twice. `alpha_` is the strongest
        whose score is not significantly below the highest, or that of the highest
        itself (see Notes).
    skip_alpha_ : float or None
        The L2 strength used for direct weights: `skip_alpha`, or the one that "auto"
        found; 0.1 if features are sparse, or if there were too few sequences to hold
        some out. None without
        `skip_connection`.
    feature_scale_ : ndarray of shape (n_features,)
        Scale of each feature in the training data, used in the penalty on its weights
        (see Notes).
    target_scale_ : ndarray of shape (n_outputs,)
        Weighted standard deviation of each output in the training data, or the absolute
        value of a constant output. The objective divides errors by it.
    loss_ : float
        Objective at the stored weights, over the training data without the sequences
        held out by early stopping.
    best_loss_ : float
        Lowest value of the objective during training. Smaller than `loss_` if early
        stopping restored earlier weights.
    loss_curve_ : list of float
        Objective after each of the `n_iter_` iterations.
    validation_scores_ : list of float, or None
        Negative of the objective's first term (see Notes) on the held-out sequences
        after each iteration. None unless `early_stopping` is True.
    best_validation_score_ : float or None
        Maximum of `validation_scores_`, or None if there are none.
    n_iter_ : int
        Number of iterations.
    n_fun_ : int
        Number of evaluations of the objective and its gradient, in units of full-data
        evaluations. Includes those of `alpha="auto"` and, above 2,000 sequences, of the
        warm-up; both run on subsets.
    stop_reason_ : str
        Why training stopped: "converged" (no component of the gradient exceeds `tol`),
        "max_iter", "max_fun", "early_stopping", or "callback" (requested by one of
        scikit-learn's callbacks). L-BFGS itself stops with "line_search" (no step along
        the search direction lowers the objective), "ftol" (the objective no longer
        changes) or "overflow" (the network overflows at every step tried). Near a
        minimum, "line_search" and "ftol" mean that floating-point precision is
        exhausted.
    n_layers_ : int
        Number of layers, including input and output.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Always "identity".

    See Also
    --------
    VanillaRNNClassifier : The same network for labels.
    sklearn.neural_network.MLPRegressor : A network for the rows of a table.

    Notes
    -----
    X is one of

    - **padded**: an array of shape (n_sequences, n_steps, n_features), with padding
      after the end of each sequence; y has shape (n_sequences, n_steps) or
      (n_sequences, n_steps, n_outputs), and its values at padded steps are ignored;
    - **ragged**: a list or object array of arrays or sparse matrices of shape
      (n_steps_i, n_features); y is a list or object array of n_sequences arrays of
      shape (n_steps_i,) or (n_steps_i, n_outputs);
    - **2-D**: shape (n_sequences, n_features), sequences of one step; y has shape
      (n_sequences,) or (n_sequences, n_outputs).

    The form of X determines whether the second axis of a 2-D y contains steps or
    outputs. Predictions have the form of X, with an axis of outputs if y had one.
    Padded steps are not computed and do not count in scores or the loss. If X is
    float32, training and results are float32, too. Memory-mapped arrays
    (`numpy.memmap`) are read in batches; `fit` packs them into a temporary file, so
    that X may be larger than memory.

    Each layer of the network computes

    .. math::

        h_t = f(x_t W_{xh} + h_{t-1} W_{hh} + b_h), \qquad h_0 = 0,

    The second direction computes the same from the last valid step to the first. The
    states of both directions are concatenated and are the input of the next layer. The
    output is computed from the states of the last layer:

    .. math::

        \hat y_t = h_t W_{hy} + b_y.

    `skip_connection=True` adds :math:`x_t W_{xy}` to the predictions.

    With :math:`w_{it}` the weight of step t of sequence i, :math:`W = \sum_{it}
    w_{it}` and :math:`s_m` the scale of output m (`target_scale_`), training minimizes

    .. math::

        J(\theta) = \frac{1}{W} \sum_{it} w_{it} \sum_m
            \frac{(\hat y_{itm} - y_{itm})^2}{2 s_m^2}
            + \frac{\alpha}{2 W} \sum_j c_j \theta_j^2

    which has no unit; for direct weights, :math:`\alpha` is `skip_alpha`. With
    `alpha=1` it is a negative log-posterior divided by W, for
    normal errors with the variance of y itself and a Gaussian prior with precision
    :math:`c_j` for weight j. If the variance of the errors is a fraction v of the
    variance of y, ``alpha=v`` corresponds to the same prior. The precisions are chosen
    so that, for features of typical scale and states of size 1, the input contributes
    to a hidden unit with standard deviation 2 (less for dense features, see below), the
    states with 1, and the states contribute to a prediction with :math:`10 s_m`:

    ==========================================  ============================
    weight                                      :math:`c_j`
    ==========================================  ============================
    from feature d                              `feature_scale_[d]**2 / 4`
    from the states of the layer below          `n_in`
    recurrent                                   `n_hidden`
    from the last states to a prediction        `n_directions * n_hidden /`
                                                `(100 * target_scale_[m]**2)`
    from feature d to a prediction              :math:`m_d^2` `/`
                                                `target_scale_[m]**2`
    biases                                      0
    ==========================================  ============================

    where :math:`m_d` is the root mean square of the feature over the steps at which it
    is nonzero, and `feature_scale_[d]` is the product of three factors: :math:`m_d`,
    the square root of the mean number of nonzero features per step, and the square root
    of the expected number (at least 1) of nonzero features that two random steps share.
    It is 1 for one-hot steps, and D for D standardized features.
    Standardize the features: a mean far from 0 slows down training.

    `alpha="auto"` compares strengths from 0.1, 0.3, 1, ..., 300 by the error of
    held-out sequences after 7 iterations: around 3, until there are two on either side
    of the best, or the end of the grid. The choice is the strongest whose error exceeds
    the lowest by at most two standard errors of the difference. It and its two
    neighbors go on to 16 iterations, and it and the next stronger one to 50. An
    increase of the error between two comparisons counts twice, because the final fit is
    longer. If the lowest error has halved since the comparison before, the choice is
    its strength alone, and the next weaker one goes on to 50 iterations instead.

    A fifth of the sequences is held out; of fewer than 200, each half in turn. Above
    1,000 sequences a random half takes part, but at least 1,000. Copies of a sequence
    are held out together, and so are the sequences of a group; 200 and five then are
    numbers of groups. With `early_stopping=True` the sequences that it holds out are
    used. With fewer than five different sequences, the labels of the last fifth of
    those of 100 steps or more are held out; if none is so long, `alpha_` is 1. The
    final fit is that of `alpha=alpha_` with the same `random_state`. The search takes
    about as many evaluations as 80 to 170 iterations.

    With a skip connection, direct weights are trained first, without hidden layers, for
    up to 100 iterations; then all weights, from small `W_hy`. `skip_alpha="auto"` is
    0.1 if less than a tenth of the values in X are nonzero. Otherwise it is found
    before `alpha`, by such fits on the same sequences: the strength among 0.03, 0.1,
    ..., 300 with the lowest error, searched from 0.3 in the direction that lowers it.
    Beside direct weights, the strengths of `alpha="auto"` are searched in the same way
    from 3, by fits of 50 iterations; the choice is again the strongest that is not
    significantly worse.

    A sequence with weight k is equivalent to k copies of it. The order of the sequences
    does not change the fit.

    scikit-learn's callbacks (`set_callbacks`, scikit-learn 1.9 or later) receive one
    task per iteration, at most `max_iter` for each of the `n_init` runs, 800 for
    `alpha="auto"`, and 1,900 with a skip connection. They can stop training, which
    keeps the best weights so far. `ProgressBar` needs the package rich.
    `ScoringMonitor` supports sequences if `scoring` is a function of estimator, X, y
    and `sample_weight=None` that returns a dict of scores. A keyboard interrupt ends
    `fit` like an error: the regressor is unchanged, worker threads are stopped and BLAS
    limits restored.

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
    The cumulative sum at every step:

    >>> import numpy as np
    >>> from skrnn import VanillaRNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(50, 10, 1))
    >>> y = X[..., 0].cumsum(axis=1)
    >>> model = VanillaRNNRegressor(16, tol=0.01, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.98
    True
    >>> model.predict(X[:2]).shape
    (2, 10)

    A model trained to predict the next value of a series can forecast it:

    >>> series = np.sin(0.3 * np.arange(200))[None, :, None]
    >>> model = VanillaRNNRegressor(16, alpha=0.001, max_iter=1000, random_state=0)
    >>> model = model.fit(series[:, :-1], series[:, 1:])
    >>> ahead = model.forecast(series, n_steps=50)
    >>> ahead.shape
    (1, 50, 1)
    >>> bool(abs(ahead[0, :, 0] - np.sin(0.3 * np.arange(200, 250))).max() < 0.1)
    True
    """

    n_outputs_: int
    _has_axis_of_outputs: bool

    _output = "identity"

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None
    ) -> Self:
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
            The numbers to predict at every step. Values at padded positions are
            ignored.
        sample_weight : array-like of shape (n_sequences,), or one weight for each \
step in the form of a y with a single output, default=None
            Weight of each sequence, or of each step. Steps with zero weight are still
            processed; their targets are ignored and may be NaN.
        groups : array-like of shape (n_sequences,), default=None
            Group of each sequence, such as the speaker or the file that it is from.
            Sequences of a group are held out together, by `alpha="auto"` and by
            `early_stopping`.

        Returns
        -------
        VanillaRNNRegressor
            The fitted regressor.

        Raises
        ------
        ValueError
            If X, y or `sample_weight` is invalid: NaN or infinity at a valid step, a
            sequence without valid steps, targets that do not match the steps of X,
            numbers too large for the network; if there are too few sequences for early
            stopping; if `checkpoint` belongs to another fit; if outputs, features or
            layers differ from the previous fit with `warm_start=True`. A parameter out
            of range raises scikit-learn's ``InvalidParameterError``, a ValueError.
        OSError
            If there is no disk space for the temporary file of a memory-mapped X, or
            for the checkpoint.
        TypeError
            If X or y has an unsupported type, such as dates, masked arrays or strings.

        Warns
        -----
        ConvergenceWarning
            If training stopped at `max_iter` or `max_fun`, or L-BFGS itself stopped
            (see `stop_reason_`) with a component of the gradient above ``100 * tol``,
            or above `tol` before its first iteration.
        UserWarning
            If X and y are 2-D with the same number of columns, like univariate series
            without an axis of features.
        """
        return self._fit(X, y, sample_weight, groups)

    def _targets(self, y: Any, sequences: Sequences, sample_weight: Any) -> Targets:
        weights = check_weights(sample_weight, sequences)
        targets = check_targets(y, sequences, type(self).__name__, weights)
        has_axis_of_outputs = targets.ndim == 2
        if sequences.form == "rows":
            _warn_of_series(sequences.n_features, targets.shape[1:])
        targets = targets.reshape(len(targets), -1)
        attributes = {"_has_axis_of_outputs": has_axis_of_outputs}
        return Targets(targets, weights, targets.shape[1], attributes)

    def _store(
        self, training_input: TrainingInput, architecture: Architecture, result: Result
    ) -> None:
        dtype = training_input.dtype
        try:
            architecture.cast(architecture.unflatten(result.theta), dtype)
        except OverflowError as error:
            raise ValueError(
                f"y is too large for a network of {dtype}, the type of X; scale y"
            ) from error
        super()._store(training_input, architecture, result)
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
            `fit`. For ragged X, an object array of n_sequences arrays of shape
            (n_steps_i,) or (n_steps_i, n_outputs); for 2-D X, one prediction per row.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is invalid or does not have `n_features_in_` features.
        """
        sequences, outputs = self._evaluate(X, inference.logits)
        return sequences.restore(self._format_output(outputs), np.nan)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination over valid steps.

        R² is 1 minus the ratio of the weighted sum of squared errors to that of a
        constant prediction of the mean. With several outputs it is averaged over them.
        For constant targets it is 1 if they are predicted exactly and 0 otherwise.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.
        y : array-like or list
            The numbers of every step, in any of the forms that `fit` takes. Values at
            padded positions are ignored.
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
            If the model is not fitted.
        ValueError
            If X, y or `sample_weight` is invalid, X does not have `n_features_in_`
            features, or y does not have `n_outputs_` outputs.

        Warns
        -----
        UndefinedMetricWarning
            If there is only one step; the score is then NaN.
        """
        return r2([self._moments(X, y, sample_weight)])

    def _moments(self, X: Any, y: Any, sample_weight: Any) -> Moments:
        sequences, outputs = self._evaluate(X, inference.logits)
        weights = weights_of_steps(sample_weight, sequences)
        targets = check_targets(y, sequences, type(self).__name__, weights)
        targets = targets.reshape(len(targets), -1)
        check_outputs(targets, outputs.shape[1])
        # R² has no unit; scaling avoids overflow and underflow of squares. Powers of 2
        # are exact, so a copy in a callback, which has no scale yet, gives the same
        # score as the fitted regressor.
        scale = np.exp2(np.rint(np.log2(vars(self).get("target_scale_", 1.0))))
        return moments_of(targets / scale, outputs / scale, weights)

    @available_if(check_unidirectional)
    def forecast(self, X: Any, n_steps: int) -> Array:
        """Continue every sequence by feeding predictions back as inputs.

        Only available if `bidirectional=False`. The model must predict the next step,
        as after ``fit(X[:, :-1], X[:, 1:])``.

        Parameters
        ----------
        X : array-like or list
            The known steps of the sequences, in any of the forms that `fit` takes.
        n_steps : int
            Number of steps to forecast, at least 1.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps) or (n_sequences, n_steps, n_features)
            The steps after the last valid step of each sequence, for any form of X;
            with an axis of features if y had one in `fit`. The first is the prediction
            at the last valid step.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is invalid, does not have `n_features_in_` features, or contains a
            sequence without valid steps; if the number of outputs differs from the
            number of features; if predictions overflow; if `n_steps` is below 1.
        TypeError
            If `n_steps` is not an integer.
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
            raise ValueError(f"X[{empty[0]}] has no valid step to continue from")
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
    """Warn if the targets of a table look like the next values of series."""
    if n_features > 1 and shape == (n_features,):
        warnings.warn(
            f"X and y are 2-D and {n_features} wide: each row is a sequence of one "
            f"step, of {n_features} features and as many targets, so the "
            "order of steps is not learned; for univariate series pass X[..., None]",
            UserWarning,
            stacklevel=7,
        )
