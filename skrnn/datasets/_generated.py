"""Generators with known optimal accuracy, and the textbook's letters."""

from typing import Any, Literal

import numpy as np
from scipy.special import softmax
from sklearn.utils import Bunch, check_random_state

from skrnn._validation.persistence import set_module

from ._common import Array, Rng, Seed, finish, validate


@set_module("skrnn.datasets")
def make_hmm_sequences(
    n_sequences: int = 200,
    *,
    n_states: int = 3,
    n_features: int = 4,
    emission: Literal["gaussian", "categorical"] = "gaussian",
    min_length: int = 10,
    max_length: int = 30,
    stay: float = 0.8,
    separation: float = 0.7,
    chain_seed: int = 0,
    random_state: Seed = None,
    return_X_y: bool = False,
) -> Any:
    """Generate observations of a hidden Markov model, labeled with its states.

    The parameters are known, so the exact posterior probabilities of the states are
    known too. Given the observations so far (filtering), they are the optimum for
    unidirectional models; given the whole sequence (smoothing), for all models.

    Parameters
    ----------
    n_sequences : int, default=200
        Number of sequences.
    n_states : int, default=3
        Number of hidden states, the classes.
    n_features : int, default=4
        Number of features of an observation; for categorical emissions, the number of
        symbols.
    emission : {"gaussian", "categorical"}, default="gaussian"
        Whether a state emits a Gaussian vector with unit covariance around its mean,
        or one of `n_features` symbols, one-hot encoded.
    min_length : int, default=10
        Minimum length of a sequence.
    max_length : int, default=30
        Maximum length of a sequence; lengths are distributed uniformly.
    stay : float, default=0.8
        Each row of the transition matrix is `stay` times the state itself plus
        `1 - stay` times a random distribution; in [0, 1).
    separation : float, default=0.7
        Separation of the states: scale of the normal variables that are the Gaussian
        means, or the logits of the symbol probabilities.
    chain_seed : int, default=0
        Seed of the parameters only, so that data sets with different `random_state`
        come from the same chain.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for lengths, states and observations.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_sequences, max_length, n_features)
            The observations, NaN as padding.
        target : ndarray of shape (n_sequences, max_length)
            The states, -1 as padding.
        target_names : ndarray of shape (n_states,)
            The states 0 to `n_states - 1`.
        lengths : ndarray of shape (n_sequences,)
            The number of steps of each sequence.
        filtering : ndarray of shape (n_sequences, max_length, n_states)
            Probabilities of the states given the observations up to and including this
            step, NaN as padding.
        smoothing : ndarray of shape (n_sequences, max_length, n_states)
            The same given the whole sequence.
        start : ndarray of shape (n_states,)
            Probabilities of the first state.
        transition : ndarray of shape (n_states, n_states)
            Entry (i, j) is the probability of j after i.
        emission_parameters : ndarray of shape (n_states, n_features)
            The means, or the probabilities of the symbols.

    (data, target) : tuple
        Only these two, if `return_X_y` is True.

    Notes
    -----
    With `x_{1:t}` the first t observations, filtering is a forward recursion and
    smoothing a backward recursion::

        p(s_t | x_{1:t-1}) = sum_i p(s_{t-1} = i | x_{1:t-1}) p(s_t | s_{t-1} = i)
        p(s_t | x_{1:t}) is proportional to p(s_t | x_{1:t-1}) p(x_t | s_t)
        p(s_t | x_{1:T}) = p(s_t | x_{1:t})
            sum_j p(s_{t+1} = j | s_t) p(s_{t+1} = j | x_{1:T})
                  / p(s_{t+1} = j | x_{1:t})

    References
    ----------
    L. R. Rabiner, "A tutorial on hidden Markov models and selected applications in
    speech recognition", Proceedings of the IEEE 77 (2), 1989.

    Examples
    --------
    >>> from skrnn.datasets import make_hmm_sequences
    >>> chain = make_hmm_sequences(400, random_state=0)
    >>> valid = chain.target >= 0
    >>> for posterior in (chain.filtering, chain.smoothing):
    ...     best = posterior[valid].argmax(axis=-1)
    ...     print(f"{(best == chain.target[valid]).mean():.2f}")
    0.84
    0.89
    """
    validate("make_hmm_sequences", locals())
    chain = check_random_state(chain_seed)
    start = chain.dirichlet(np.ones(n_states))
    transition = stay * np.eye(n_states)
    transition += (1 - stay) * chain.dirichlet(np.ones(n_states), size=n_states)
    look = separation * chain.standard_normal((n_states, n_features))
    if emission == "categorical":
        look = softmax(look, axis=1)
    rng = check_random_state(random_state)
    lengths = rng.randint(min_length, max_length + 1, size=n_sequences)
    valid = np.arange(max_length) < lengths[:, None]
    states = _walk(rng, start, transition, (n_sequences, max_length))
    if emission == "categorical":
        X = np.eye(n_features)[_draw(rng, look[states])]
        likelihood = X @ look.T
    else:
        X = look[states] + rng.standard_normal((*states.shape, n_features))
        scores = X @ look.T - (look**2).sum(axis=1) / 2
        # Factors common to all states cancel; removing them avoids underflow.
        likelihood = np.exp(scores - scores.max(axis=-1, keepdims=True))
    filtering, smoothing = _posteriors(likelihood, valid, start, transition)
    for padded in (X, filtering, smoothing):
        padded[~valid] = np.nan
    bunch = Bunch(
        data=X,
        target=np.where(valid, states, -1),
        target_names=np.arange(n_states),
        lengths=lengths,
        filtering=filtering,
        smoothing=smoothing,
        start=start,
        transition=transition,
        emission_parameters=look,
    )
    return finish(bunch, return_X_y)


def _draw(rng: Rng, proba: Array) -> Array:
    """Draw one index from each distribution along the last axis."""
    bounds = proba.cumsum(axis=-1)[..., :-1]
    drawn = rng.uniform(size=(*proba.shape[:-1], 1)) > bounds
    return np.asarray(drawn.sum(axis=-1))


def _walk(rng: Rng, start: Array, transition: Array, shape: tuple[int, int]) -> Array:
    """Draw hidden states of shape (n_sequences, n_steps)."""
    states = np.empty(shape, dtype=int)
    states[:, 0] = _draw(rng, np.tile(start, (shape[0], 1)))
    for t in range(1, shape[1]):
        states[:, t] = _draw(rng, transition[states[:, t - 1]])
    return states


def _posteriors(
    likelihood: Array, valid: Array, start: Array, transition: Array
) -> tuple[Array, Array]:
    """Return filtering and smoothing probabilities, both (N, T, K)."""
    predicted, filtering = np.empty((2, *likelihood.shape))
    predicted[:, 0] = start
    for t in range(likelihood.shape[1]):
        if t:
            predicted[:, t] = filtering[:, t - 1] @ transition
        joint = predicted[:, t] * likelihood[:, t]
        filtering[:, t] = joint / joint.sum(axis=1, keepdims=True)
    smoothing = filtering.copy()
    for t in reversed(range(likelihood.shape[1] - 1)):
        ahead = (smoothing[:, t + 1] / predicted[:, t + 1]) @ transition.T
        smoothing[:, t] *= np.where(valid[:, t + 1, None], ahead, 1)
    return filtering, smoothing


@set_module("skrnn.datasets")
def make_recall(
    n_sequences: int = 200,
    *,
    n_steps: int = 20,
    n_symbols: int = 4,
    lag: int = 5,
    random_state: Seed = None,
    return_X_y: bool = False,
) -> Any:
    """Generate random symbols, each labeled with the symbol `lag` steps earlier.

    A pure memory task. The first `lag` steps of every sequence, where there is nothing
    to recall, have a separate class, so an accuracy of 100% is possible.

    Parameters
    ----------
    n_sequences : int, default=200
        Number of sequences.
    n_steps : int, default=20
        Length of every sequence.
    n_symbols : int, default=4
        Number of symbols.
    lag : int, default=5
        Number of steps from the symbol to its label; less than `n_steps`.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for the symbols.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_sequences, n_steps, n_symbols)
            One-hot symbols; symbol k (from 1 on) is column k - 1.
        target : ndarray of shape (n_sequences, n_steps)
            The symbol `lag` steps earlier, 1 to `n_symbols`, or 0 if there is none.
        target_names : ndarray of shape (n_symbols + 1,)
            The labels 0 to `n_symbols`.

    (data, target) : tuple
        Only these two, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If `lag` is not less than `n_steps`.

    Examples
    --------
    >>> from skrnn.datasets import make_recall
    >>> X, y = make_recall(1, n_steps=6, lag=2, random_state=0, return_X_y=True)
    >>> X.argmax(axis=-1) + 1
    array([[1, 4, 2, 1, 4, 4]])
    >>> y
    array([[0, 0, 1, 4, 2, 1]])
    """
    validate("make_recall", locals())
    if lag >= n_steps:
        raise ValueError(
            f"lag={lag} reaches beyond sequences of n_steps={n_steps}; "
            "give sequences of more steps than the lag"
        )
    rng = check_random_state(random_state)
    symbols = rng.randint(n_symbols, size=(n_sequences, n_steps))
    target = np.zeros_like(symbols)
    target[:, lag:] = symbols[:, : n_steps - lag] + 1
    bunch = Bunch(
        data=np.eye(n_symbols)[symbols],
        target=target,
        target_names=np.arange(n_symbols + 1),
    )
    return finish(bunch, return_X_y)


@set_module("skrnn.datasets")
def load_hello(*, return_X_y: bool = False) -> Any:
    """Load the textbook example: the letters h, e, l, l, each labeled with the next.

    The letter l is followed once by l and once by o, so only a model with memory can
    label all four steps correctly.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (1, 4, 4)
            The letters h, e, l, l, one-hot.
        target : ndarray of shape (1, 4)
            The next letters: e, l, l, o.
        tokens : ndarray of shape (1, 4)
            The letters of `data` as str.
        feature_names : list of str
            The alphabet, in the order of the last axis of `data`: h, e, l, o.
        target_names : ndarray of shape (3,)
            The letters that occur as labels, sorted: e, l, o.

    (data, target) : tuple
        Only these two, if `return_X_y` is True.

    Examples
    --------
    >>> from skrnn.datasets import load_hello
    >>> hello = load_hello()
    >>> hello.data[0]
    array([[1., 0., 0., 0.],
           [0., 1., 0., 0.],
           [0., 0., 1., 0.],
           [0., 0., 1., 0.]])
    >>> hello.target
    array([['e', 'l', 'l', 'o']], dtype='<U1')
    """
    validate("load_hello", locals())
    alphabet = np.array(list("helo"))
    tokens, target = np.array([list("hell")]), np.array([list("ello")])
    bunch = Bunch(
        data=(tokens[..., None] == alphabet).astype(float),
        target=target,
        tokens=tokens,
        feature_names=alphabet.tolist(),
        target_names=np.unique(target),
    )
    return finish(bunch, return_X_y)
