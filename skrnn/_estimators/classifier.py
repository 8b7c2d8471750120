"""Classifier of steps: trained on labels, predicts the most probable label."""

from numbers import Integral
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import check_scalar, compute_class_weight
from sklearn.utils.metaestimators import available_if

from skrnn._network import inference
from skrnn._network.data.ngrams import Ngrams
from skrnn._network.model.loss import softmax_small
from skrnn._network.model.parameters import allowed_as_bytes
from skrnn._sklearn_compat import StrOptions, fit_context
from skrnn._validation.arrays import Array, Ids, Mask, Vector
from skrnn._validation.containers import objects
from skrnn._validation.label_schemes import SCHEME_NAMES
from skrnn._validation.persistence import set_module
from skrnn._validation.sequences import Sequences
from skrnn._validation.targets import (
    check_labels,
    check_weights,
    encode_labels,
    padding_label_for,
    read_labels,
    weights_of_steps,
    with_padding_label,
)
from skrnn._validation.transitions import (
    allowed_transitions,
    check_labelings,
    check_possible,
    check_weights_of_chains,
)

from .base import BaseVanillaRNN, Targets
from .scores import accuracy


def _check_transitions(estimator: "VanillaRNNClassifier") -> bool:
    fitted = vars(estimator).get("transition_coef_") is not None
    if not (fitted or estimator.transitions):
        raise AttributeError(
            "without a chain of labels, the steps of a labeling are independent; fit "
            "with transitions=True"
        )
    return True


@set_module("skrnn")
class VanillaRNNClassifier(ClassifierMixin, BaseVanillaRNN):
    r"""Recurrent network that labels every step of a sequence.

    A vanilla (Elman) network with one or more layers, unidirectional or bidirectional,
    and a softmax output at every step. L-BFGS minimizes the log-loss of the steps plus
    an L2 penalty on the weights.

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
        first. If False, the label of a step depends only on this step and earlier ones.
    skip_connection : bool, default=False
        Whether the features of a step also have direct weights to its logits, as in a
        linear model. With it, `hidden_layer_sizes` may be empty.
    transitions : bool, default=False
        Whether the labels of a sequence form a linear chain: a conditional random field
        on top of the network. `predict` then returns the most probable labeling of each
        sequence as a whole, and `predict_proba` the marginal probabilities of its
        steps.
    label_scheme : str, array-like of bool or None, default=None
        Rules for labels that follow each other, in training and prediction; labelings
        that break them have probability 0. "IOB2" (or "BIO"), "IOBES" ("BIOES"),
        "BILOU", "BMES", "IOB1", "IOE1" and "IOE2" are schemes of span labels (see
        :func:`~skrnn.metrics.span_f1_score`). In an array of shape (n_classes + 1,
        n_classes + 1), in the order of sorted labels, [j, k] is whether label k may
        follow label j; the last row is the start of a sequence and the last column its
        end. Needs `transitions=True`.
    alpha : "auto" or float, default="auto"
        L2 strength, relative to each weight's typical contribution: the precision of a
        Gaussian prior (see Notes). Its meaning does not depend on the amount of data,
        the scale of the features or the number of hidden units. "auto" compares
        strengths from 0.1 to 300 by short fits and the log-loss of held-out sequences.
    skip_alpha : "auto" or float, default="auto"
        L2 strength for direct weights and transitions, whose meaning is that of `alpha`
        (see Notes): for binary features, 1 / C of a logistic regression. "auto" is 0.1
        for sparse features; for others it compares strengths from 0.03 to 300 by the
        log-loss of held-out sequences without hidden layers. Not used without
        `skip_connection` or `transitions`.
    class_weight : dict, "balanced" or None, default=None
        Factor on the weight of the steps of each class, as `{label: factor}`.
        "balanced" gives all classes the same total weight.
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
        Whether to hold out whole sequences, stop when their log-loss no longer
        decreases, and keep the weights of the iteration with the lowest one.
    validation_fraction : float, default=0.1
        Fraction of the sequences (of the groups, if given) to hold out. Only used if
        `early_stopping` is True.
    n_iter_no_change : int, default=10
        Training stops after this number of consecutive iterations without improvement
        of the validation score. Only used if `early_stopping` is True.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call, and with its
        strength if `alpha="auto"`. Classes, features and layers must be the same; the
        number of steps may differ.
    padding_value : float, default=nan
        In a 3-D array, trailing steps whose features all equal this value are padding.
    padding_label : object, default="auto"
        Value of `predict` at padded steps; it must not be a class. "auto" is -1 for
        integers and booleans (one below the smallest class if -1 is a class), the empty
        string for strings, and one below the smallest class for floats.
    n_init : int, default=1
        Number of runs from different random weights. The run with the lowest objective
        is kept (with `early_stopping=True`, the one with the best validation score).
    random_state : int, RandomState instance or None, default=None
        Seed for the initial weights, the choice of held-out sequences, and the labels
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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, including those of steps with zero weight.
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
    output_coef_ : ndarray of shape (n_directions * n_hidden, n_classes)
        Weights `W_hy` from the states of the last layer to the logits.
    output_intercept_ : ndarray of shape (n_classes,)
        Biases `b_y` of the logits.
    skip_coef_ : ndarray of shape (n_features, n_classes), or None
        Direct weights `W_xy` from the features to the logits. None without
        `skip_connection`.
    transition_coef_ : ndarray of shape (n_classes, n_classes), or None
        Score `A` of a label (column) that follows another (row); -inf if
        `label_scheme` forbids it. None without `transitions`.
    start_coef_, end_coef_ : ndarray of shape (n_classes,), or None
        Score of the first and of the last label of a sequence.
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
        The L2 strength used for direct weights and transitions: `skip_alpha`, or the
        one that "auto" found; 0.1 if features are sparse, if there were too few
        sequences to hold some out, or without direct weights. None without
        `skip_connection` and `transitions`.
    feature_scale_ : ndarray of shape (n_features,)
        Scale of each feature in the training data, used in the penalty on its weights
        (see Notes).
    padding_label_ : object
        Value of `predict` at padded steps.
    loss_ : float
        Objective at the stored weights, in nats per unit of weight, over the training
        data without the sequences held out by early stopping.
    best_loss_ : float
        Lowest value of the objective during training. Smaller than `loss_` if early
        stopping restored earlier weights.
    loss_curve_ : list of float
        Objective after each of the `n_iter_` iterations.
    validation_scores_ : list of float, or None
        Negative log-loss of the held-out sequences after each iteration, in nats per
        unit of weight. None unless `early_stopping` is True.
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
        Number of outputs, `n_classes`.
    out_activation_ : str
        Always "softmax".

    See Also
    --------
    OneHotSequenceEncoder : Encodes strings and other tokens as steps.
    sklearn.neural_network.MLPClassifier : A network for the rows of a table.

    Notes
    -----
    X is one of

    - **padded**: an array of shape (n_sequences, n_steps, n_features), with padding
      after the end of each sequence; y has shape (n_sequences, n_steps), and its
      values at padded steps are ignored;
    - **ragged**: a list or object array of arrays or sparse matrices of shape
      (n_steps_i, n_features); y is a list or object array of label sequences of shape
      (n_steps_i,);
    - **2-D**: shape (n_sequences, n_features), sequences of one step; y has shape
      (n_sequences,).

    Results have the form of X. Padded steps are not computed and do not count in scores
    or the loss. If X is float32, training and results are float32, too. Memory-mapped
    arrays (`numpy.memmap`) are read in batches; `fit` packs them into a temporary file,
    so that X may be larger than memory.

    Each layer of the network computes

    .. math::

        h_t = f(x_t W_{xh} + h_{t-1} W_{hh} + b_h), \qquad h_0 = 0,

    The second direction computes the same from the last valid step to the first. The
    states of both directions are concatenated and are the input of the next layer. The
    output is computed from the states of the last layer:

    .. math::

        p_t = \mathrm{softmax}(h_t W_{hy} + b_y).

    `skip_connection=True` adds :math:`x_t W_{xy}` to the logits. With
    `transitions=True`, the labels of a sequence depend on each other, and only a whole
    labeling has a probability:

    .. math::

        p(y) \propto \exp \left( s_{y_1} + \sum_t L_t[y_t]
            + \sum_{t>1} A_{y_{t-1}, y_t} + e_{y_T} \right)

    with the logits :math:`L_t`, `transition_coef_` A, `start_coef_` s and `end_coef_`
    e.

    With :math:`w_{it}` the weight of step t of sequence i (`sample_weight` times
    `class_weight`) and :math:`W = \sum_{it} w_{it}`, training minimizes

    .. math::

        J(\theta) = \frac{1}{W} \sum_{it} w_{it} (-\log p_{it}[y_{it}])
            + \frac{\alpha}{2 W} \sum_j c_j \theta_j^2

    in nats per unit of weight; for direct weights and transitions, :math:`\alpha` is
    `skip_alpha`. With `transitions=True` the first sum is :math:`\sum_i w_i (-\log
    p(y_i))`, where :math:`w_i` is the weight of every labeled step of sequence i:
    weights must be equal within a sequence, except for weight 0, which makes a step
    unlabeled: its label is summed over.

    With `alpha=1` the second term is a Gaussian prior with precision :math:`c_j` for
    weight j. The precisions are chosen so that, for features of typical scale and
    states of size 1, the input contributes to a hidden unit with standard deviation 2
    (less for dense features, see below), the states with 1, and the states contribute
    to a logit with 10:

    ==================================  ==========================
    weight                              :math:`c_j`
    ==================================  ==========================
    from feature d                      `feature_scale_[d]**2 / 4`
    from the states of the layer below  `n_in`
    recurrent                           `n_hidden`
    from the last states to a logit     `n_directions * n_hidden / 100`
    from feature d to a logit           :math:`m_d^2`
    transition, start or end            1
    biases                              0
    ==================================  ==========================

    where :math:`m_d` is the root mean square of the feature over the steps at which it
    is nonzero, and `feature_scale_[d]` is the product of three factors: :math:`m_d`,
    the square root of the mean number of nonzero features per step, and the square root
    of the expected number (at least 1) of nonzero features that two random steps share.
    It is 1 for one-hot steps, and D for D standardized features. For binary features,
    `skip_alpha` is therefore 1 / C of scikit-learn's LogisticRegression, and twice the
    c2 of CRFsuite.

    With a skip connection, direct weights and transitions are trained first, without
    hidden layers, for up to 100 iterations; then all weights, from small `W_hy`.

    `alpha="auto"` compares strengths from 0.1, 0.3, 1, ..., 300 by the log-loss of
    held-out sequences after 7 iterations: around 3, until there are two on either side
    of the best, or the end of the grid. The choice is the strongest whose log-loss
    exceeds the lowest by at most two standard errors of the difference. It and its two
    neighbors go on to 16 iterations, and it and the next stronger one to 50. An
    increase of the log-loss between two comparisons counts twice, because the final fit
    is longer. If the lowest log-loss has halved since the comparison before, the choice
    is its strength alone, and the next weaker one goes on to 50 iterations instead.

    A fifth of the sequences is held out; of fewer than 200, each half in turn. Above
    1,000 sequences a random half takes part, but at least 1,000. Copies of a sequence
    are held out together, and so are the sequences of a group; 200 and five then are
    numbers of groups. With `early_stopping=True` the sequences that it holds out are
    used. With fewer than five different sequences, the labels of the last fifth of
    those of 100 steps or more are held out; if none is so long, `alpha_` is 1. The
    final fit is that of `alpha=alpha_` with the same `random_state`. The search takes
    about as many evaluations as 80 to 170 iterations.

    `skip_alpha="auto"` is 0.1 if less than a tenth of the values in X are nonzero.
    Otherwise it is found before `alpha`, by such fits on the same sequences: the
    strength among 0.03, 0.1, ..., 300 with the lowest log-loss, searched from 0.3 in
    the direction that lowers it. Beside direct weights, the strengths of `alpha="auto"`
    are searched in the same way from 3, by fits of 50 iterations; the choice is again
    the strongest that is not significantly worse.

    A sequence with weight k is equivalent to k copies of it. The order of the sequences
    does not change the fit.

    scikit-learn's callbacks (`set_callbacks`, scikit-learn 1.9 or later) receive one
    task per iteration, at most `max_iter` for each of the `n_init` runs, 800 for
    `alpha="auto"`, and 1,900 with a skip connection. They can stop training, which
    keeps the best weights so far. `ProgressBar` needs the package rich.
    `ScoringMonitor` supports sequences if `scoring` is a function of estimator, X, y
    and `sample_weight=None` that returns a dict of scores. A keyboard interrupt ends
    `fit` like an error: the classifier is unchanged, worker threads are stopped and
    BLAS limits restored.

    References
    ----------
    .. [1] J. L. Elman. "Finding structure in time." Cognitive Science 14(2), 1990.
    .. [2] D. E. Rumelhart, G. E. Hinton and R. J. Williams. "Learning representations
       by back-propagating errors." Nature 323, 1986.
    .. [3] M. Schuster and K. K. Paliwal. "Bidirectional recurrent neural networks."
       IEEE Transactions on Signal Processing 45(11), 1997.
    .. [4] D. C. Liu and J. Nocedal. "On the limited memory BFGS method for large scale
       optimization." Mathematical Programming 45, 1989.
    .. [5] Y. Bengio, R. Ducharme, P. Vincent and C. Jauvin. "A neural probabilistic
       language model." Journal of Machine Learning Research 3, 2003.
    .. [6] J. Lafferty, A. McCallum and F. Pereira. "Conditional random fields:
       probabilistic models for segmenting and labeling sequence data." ICML, 2001.
    .. [7] Z. Huang, W. Xu and K. Yu. "Bidirectional LSTM-CRF models for sequence
       tagging." arXiv:1508.01991, 2015.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.datasets import load_hello, make_recall
    >>> hello = load_hello()
    >>> model = VanillaRNNClassifier(hidden_layer_sizes=3, alpha=0.001, random_state=0)
    >>> model.fit(hello.data, hello.target).predict(hello.data)
    array([['e', 'l', 'l', 'o']], dtype='<U1')

    The label of each step is the symbol two steps before, and -1 at padding:

    >>> X, y = make_recall(100, n_steps=12, lag=2, random_state=0, return_X_y=True)
    >>> X[50:, 8:], y[50:, 8:] = float("nan"), -1
    >>> model = VanillaRNNClassifier(16, max_iter=1000, random_state=0).fit(X, y)
    >>> model.score(X, y)
    1.0
    >>> model.predict(X)[50:, 8:].max()
    np.int64(-1)

    A unidirectional model can process sequences step by step:

    >>> state = model.initial_state(n_sequences=len(X))
    >>> for t in range(3):
    ...     proba, state = model.step(X[:, t], state)
    >>> bool(abs(proba - model.predict_proba(X)[:, 2]).max() < 1e-12)
    True
    """

    label_scheme: Any
    class_weight: Any
    padding_label: Any
    classes_: Array
    padding_label_: Any

    _output = "softmax"

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseVanillaRNN._parameter_constraints,
        "transitions": ["boolean"],
        "label_scheme": [StrOptions({*SCHEME_NAMES}), "array-like", None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "padding_label": "no_validation",
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
    ) -> None:
        self._set_parameters(locals())

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None
    ) -> Self:
        """Train on labeled sequences.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), list or object \
array of n_sequences {array-like, sparse matrix} of shape (n_steps_i, n_features), or \
{array-like, sparse matrix} of shape (n_sequences, n_features)
            The sequences: padded, ragged or of one step each.
        y : array-like of shape (n_sequences, n_steps), list or object array of \
n_sequences array-like of shape (n_steps_i,), or array-like of shape (n_sequences,)
            The label of every step. Values at padded positions are ignored.
        sample_weight : array-like of shape (n_sequences,) or of the form of y, \
default=None
            Weight of each sequence, or of each step. Steps with zero weight are
            excluded from the loss but still processed; their labels may be missing:
            None, NaN or ``pandas.NA``.
        groups : array-like of shape (n_sequences,), default=None
            Group of each sequence, such as the speaker or the file that it is from.
            Sequences of a group are held out together, by `alpha="auto"` and by
            `early_stopping`.

        Returns
        -------
        VanillaRNNClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y or `sample_weight` is invalid: NaN or infinity at a valid step, a
            missing label at a step with nonzero weight, a sequence without valid steps,
            labels that do not match the steps of X, numbers too large for the network;
            if `padding_label` is a class; if there are too few sequences for early
            stopping; if `checkpoint` belongs to another fit; if classes, features or
            layers differ from the previous fit with `warm_start=True`. A parameter out
            of range raises scikit-learn's ``InvalidParameterError``, a ValueError.
        OSError
            If there is no disk space for the temporary file of a memory-mapped X, or
            for the checkpoint.
        TypeError
            If X or y has an unsupported type, such as dates, masked arrays, or labels
            of mixed types.

        Warns
        -----
        ConvergenceWarning
            If training stopped at `max_iter` or `max_fun`, or L-BFGS itself stopped
            (see `stop_reason_`) with a component of the gradient above ``100 * tol``,
            or above `tol` before its first iteration.
        UserWarning
            If y seems to be padded but X has no padding.
        """
        return self._fit(X, y, sample_weight, groups)

    @fit_context(prefer_skip_nested_validation=True)
    def _fit_with_ngrams(
        self, X: Any, y: Any, sample_weight: Any, groups: Any, ngrams: Ngrams
    ) -> Self:
        """Train beside direct weights of n-grams, for the language model."""
        return self._fit(X, y, sample_weight, groups, ngrams)

    def _targets(self, y: Any, sequences: Sequences, sample_weight: Any) -> Targets:
        weights = check_weights(sample_weight, sequences)
        labels = check_labels(y, sequences, type(self).__name__, weights)
        classes, codes = encode_labels(labels)
        counts = _class_counts(codes, weights, len(classes))
        class_weights, attributes = self._check_classes(classes, counts)
        weights *= class_weights[codes]
        if self.transitions:
            check_weights_of_chains(weights, sequences)
        allowed = self._allowed(classes)
        if allowed is None:
            return Targets(codes, weights, len(classes), attributes)
        check_labelings(codes, weights, sequences, allowed, classes)
        return Targets(
            codes, weights, len(classes), attributes, allowed_as_bytes(allowed)
        )

    def _allowed(self, classes: Array) -> Mask | None:
        """Return which classes may follow each other, or None if all may."""
        if self.label_scheme is not None and not self.transitions:
            raise ValueError(
                "label_scheme restricts the transitions between labels; it needs "
                "transitions=True"
            )
        return allowed_transitions(self.label_scheme, classes)

    def _check_classes(
        self, classes: Array, counts: Array
    ) -> tuple[Array, dict[str, Any]]:
        """Return the weights of classes with these counts, and fitted attributes."""
        padding_label = padding_label_for(classes, self.padding_label)
        if self._is_warm_start() and not np.array_equal(self.classes_, classes):
            raise ValueError(
                f"warm_start continues with the classes {self.classes_}, but y has "
                f"{classes}"
            )
        class_weights = _class_weights(self.class_weight, classes, counts)
        if not (counts * class_weights).any():
            raise ValueError("class_weight leaves no step of weight above zero")
        return class_weights, {"classes_": classes, "padding_label_": padding_label}

    def _evaluate_labels(
        self, X: Any, output_fn: inference.OutputFn
    ) -> tuple[Sequences, Array]:
        """Run the network over X, whose sequences must have an allowed labeling."""
        sequences, values = self._evaluate(X, output_fn)
        allowed = self._architecture().allowed_table
        if allowed is not None:
            check_possible(sequences, allowed)
        return sequences, values

    def _format_output(self, outputs: Array) -> Array:
        return softmax_small(outputs)

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
            For ragged X, an object array of n_sequences arrays of shape (n_steps_i,);
            for 2-D X, one label per row.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is invalid or does not have `n_features_in_` features, or
            `label_scheme` allows no labeling of a sequence.
        """
        sequences, codes = self._evaluate_labels(X, inference.most_probable)
        classes = self.classes_
        if sequences.form == "padded":
            classes = with_padding_label(classes, self.padding_label_)
        return sequences.restore(classes[codes], self.padding_label_)

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
            ragged X, an object array of n_sequences arrays of shape (n_steps_i,
            n_classes); for 2-D X, shape (n_sequences, n_classes).

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is invalid or does not have `n_features_in_` features, or
            `label_scheme` allows no labeling of a sequence.
        """
        sequences, proba = self._evaluate_labels(X, inference.probabilities)
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
            The logarithms of the probabilities, in the form of `predict_proba`; exact
            even where a probability rounds to 0.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is invalid or does not have `n_features_in_` features, or
            `label_scheme` allows no labeling of a sequence.
        """
        sequences, log_proba = self._evaluate_labels(X, inference.log_probabilities)
        return sequences.restore(log_proba, np.nan)

    def decision_function(self, X: Any) -> Array:
        """Compute the logits of every step, or the logarithms of its marginals.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps, n_classes), or of shape (n_sequences,)
            The logits, in the form of `predict_proba`; with `transitions=True`, the
            logarithms of the marginal probabilities. For two classes, the value of the
            second minus that of the first, without the axis of classes.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is invalid or does not have `n_features_in_` features, or
            `label_scheme` allows no labeling of a sequence.
        """
        has_chain = vars(self).get("transition_coef_") is not None
        output_fn = inference.log_probabilities if has_chain else inference.logits
        sequences, values = self._evaluate_labels(X, output_fn)
        if values.shape[1] == 2:
            values = values[:, 1] - values[:, 0]
        return sequences.restore(values, np.nan)

    def sequence_log_proba(self, X: Any, y: Any) -> Array:
        """Compute the log-probability of the labels of every sequence together.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.
        y : array-like or list
            The label of every step, in any of the forms that `fit` takes. Missing
            labels (None, NaN or ``pandas.NA``) are summed over; values at padded
            positions are ignored.

        Returns
        -------
        ndarray of shape (n_sequences,)
            The logarithm of the probability of all labels of a sequence, in nats: -inf
            if a label is unknown or `label_scheme` forbids it. Without `transitions`,
            it is the sum over the steps.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X or y is invalid, or X does not have `n_features_in_` features.
        """
        sequences, logits = self._evaluate(X, inference.logits)
        if not len(logits):  # there are no labels to check
            return np.zeros(len(sequences.lengths))
        unlabeled = np.zeros(len(logits))  # weights of 0: labels may be missing
        known, missing = read_labels(y, sequences, type(self).__name__, unlabeled)
        codes, is_class = np.zeros(len(logits), np.intp), np.ones(len(logits), bool)
        places, is_known = self._codes(known)
        codes[~missing], is_class[~missing] = places, is_known
        log_proba = inference.sequence_log_probabilities(
            logits, sequences.lengths, codes, ~missing, self._chain()
        )
        number = np.repeat(np.arange(len(log_proba)), sequences.lengths)
        log_proba[number[~is_class]] = -np.inf
        return log_proba

    def _codes(self, labels: Array) -> tuple[Ids, Mask]:
        """Return the class index of each label, and whether it is a class."""
        numbers = {label: i for i, label in enumerate(self.classes_.tolist())}
        codes = np.array([numbers.get(label, -1) for label in labels.tolist()], np.intp)
        return np.maximum(codes, 0), codes >= 0

    @available_if(_check_transitions)
    def predict_n_best(self, X: Any, n: int = 10) -> tuple[Array, Array]:
        """Predict the most probable labelings of every sequence.

        Only available if `transitions=True`.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.
        n : int, default=10
            Number of labelings of each sequence.

        Returns
        -------
        labels : ndarray of shape (n_sequences, n, n_steps), or of shape (n_sequences,)
            Different labelings, the most probable first, with `padding_label_` at
            padding, and in all steps where a sequence has fewer than n. For ragged X,
            an object array of n_sequences arrays of shape (n_i, n_steps_i); for 2-D X,
            shape (n_sequences, n).
        log_proba : ndarray of shape (n_sequences, n), or of shape (n_sequences,)
            The logarithm of the probability of each, in nats; -inf where there are
            fewer. For ragged X, an object array of n_sequences arrays of shape (n_i,).

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is invalid or does not have `n_features_in_` features; if `n` is below
            1.
        TypeError
            If `n` is not an integer.
        """
        check_scalar(n, "n", Integral, min_val=1)
        sequences, logits = self._evaluate(X, inference.logits)
        found = inference.n_best(logits, sequences.lengths, self._chain(), int(n))
        if sequences.form == "ragged":
            labels = objects(self.classes_[codes] for codes, _ in found)
            return labels, objects(log_proba for _, log_proba in found)
        classes = with_padding_label(self.classes_, self.padding_label_)
        n_steps = 1 if sequences.form == "rows" else sequences.data.shape[1]
        shape = (len(found), int(n), n_steps)
        padded = np.full(shape, self.padding_label_, classes.dtype)
        scores = np.full(shape[:2], -np.inf)
        for i, (codes, log_proba) in enumerate(found):
            padded[i, : len(codes), : codes.shape[1]] = classes[codes]
            scores[i, : len(codes)] = log_proba
        return (padded[..., 0] if sequences.form == "rows" else padded), scores

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy over valid steps.

        Parameters
        ----------
        X : array-like or list
            Sequences in any of the forms that `fit` takes, with any number of steps.
        y : array-like or list
            The label of every step, in any of the forms that `fit` takes. Unknown
            labels count as errors; values at padded positions are ignored.
        sample_weight : array-like of shape (n_sequences,) or of the form of y, \
default=None
            Weight of each sequence, or of each step.

        Returns
        -------
        float
            The weighted fraction of correctly labeled steps, between 0 and 1.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X, y or `sample_weight` is invalid, or X does not have `n_features_in_`
            features.
        """
        return accuracy([self._hits(X, y, sample_weight)])

    def _hits(self, X: Any, y: Any, sample_weight: Any) -> tuple[float, float]:
        """Return the weight of correctly labeled steps, and that of all steps."""
        sequences, codes = self._evaluate_labels(X, inference.most_probable)
        weights = weights_of_steps(sample_weight, sequences)
        labels = check_labels(y, sequences, type(self).__name__, weights)
        if not labels.size:
            return 0.0, 0.0
        correct = np.asarray(self.classes_[codes] == labels)
        return float((weights * correct).sum()), float(weights.sum())


def _class_counts(codes: Ids, weights: Vector, n_classes: int) -> Vector:
    """Sum the weights of each class, independently of their order."""
    if (weights % 1).any():  # sums of whole numbers are exact
        order = np.lexsort((weights, codes))
        codes, weights = codes[order], weights[order]
    counts: Array = np.bincount(codes, weights, minlength=n_classes)
    return counts


def _class_weights(class_weight: Any, classes: Array, counts: Array) -> Array:
    """Return the weight of every class; "balanced" uses weighted counts."""
    if isinstance(class_weight, str):
        n_present = np.count_nonzero(counts)
        balanced = np.full(len(classes), counts.sum() / n_present)
        np.divide(balanced, counts, out=balanced, where=counts > 0)
        return balanced
    result: Array = compute_class_weight(class_weight, classes=classes, y=classes)
    return result
