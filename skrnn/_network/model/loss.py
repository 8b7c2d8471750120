"""Losses of weighted steps and their gradients: one for classes, one for numbers.

softmax     p = softmax(L)    loss = sum_i w_i (-log p_i[y_i])      dL = w (p - e_y)
identity                      loss = sum_i w_i ||L_i - y_i||^2 / 2  dL = w (L - y)

A row is a step, L the output of the network, w its weight, e_y the unit vector of its
class. Both losses are -log p(y), up to a constant, of a model of the target: a
categorical distribution with probabilities p, or a normal distribution with mean L and
variance 1.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skrnn._network.data.inputs import Array, OneHot

# exp of logits up to this size neither overflows nor vanishes in float32.
_SAFE_LOGIT = 40.0


def softmax(L: Array) -> Array:
    """Convert logits of shape (n_rows, n_outputs) to probabilities, in place."""
    _shift_logits(L)
    L /= _exp_and_sum(L)[:, None]
    return L


def softmax_small(L: Array) -> Array:
    """Convert a few logits to probabilities, in place, with minimal call overhead."""
    L -= np.maximum.reduce(L, axis=1, keepdims=True)
    np.exp(L, out=L)
    L /= np.add.reduce(L, axis=1, keepdims=True)
    return L


def log_softmax(L: Array) -> Array:
    """Return the logarithms of softmax."""
    L = L - L.max(axis=1, keepdims=True)
    log_total: Array = np.log(_exp_and_sum(L.copy()))
    return L - log_total[:, None]


def cross_entropy(L: Array, y: NDArray[np.intp], w: Array) -> float:
    """Return the loss and replace the logits by their gradient, in place.

    Parameters
    ----------
    L : ndarray of shape (n_rows, n_outputs)
    y : ndarray of shape (n_rows,)
        Class of each row.
    w : ndarray of shape (n_rows,)
        Weight of each row.
    """
    _shift_logits(L)
    # Places of the classes in memory: faster than rows and columns.
    values, places = L.reshape(-1), np.arange(0, L.size, L.shape[1]) + y
    chosen = values[places].astype(np.float64)
    total = _exp_and_sum(L)
    # The logarithm is taken in float64: if p is close to 1, the difference is much
    # smaller than both terms, and float32 would lose it.
    loss = float(w.astype(np.float64) @ (np.log(total, dtype=np.float64) - chosen))
    L *= (w / total)[:, None]
    values[places] -= w
    return loss


def squared_error(L: Array, y: Array, w: Array) -> float:
    """Return the loss and replace the outputs by their gradient, in place.

    Parameters
    ----------
    L : ndarray of shape (n_rows, n_outputs)
    y : ndarray of shape (n_rows, n_outputs)
        Target of each row.
    w : ndarray of shape (n_rows,)
        Weight of each row.
    """
    L -= y
    loss = 0.5 * float(w.astype(np.float64) @ np.square(L, dtype=np.float64).sum(1))
    L *= w[:, None]
    return loss


def _row_cross_entropy(L: Array, y: NDArray[np.intp]) -> Array:
    losses: Array = -log_softmax(L)[np.arange(len(L)), y]
    return losses


def _row_squared_error(L: Array, y: Array) -> Array:
    losses: Array = 0.5 * np.square(L - y, dtype=np.float64).sum(1)
    return losses


def _draw_classes(L: Array, rng: np.random.RandomState) -> Array:
    drawn = softmax(L).cumsum(axis=1) > rng.uniform(size=(len(L), 1))
    classes: Array = drawn.argmax(axis=1)
    return classes


def _draw_numbers(L: Array, rng: np.random.RandomState) -> Array:
    return L + rng.normal(size=L.shape)


def _unit_vectors(y: NDArray[np.int32], n_outputs: int) -> OneHot:
    return OneHot(y, n_outputs, np.dtype(np.float64))


def _identity(y: Array, n_outputs: int) -> Array:
    return y


def _log_link(mean: Array, n_steps: int) -> tuple[Array, Array]:
    # Add-one smoothing, so that no class has frequency 0.
    p = (mean * n_steps + 1) / (n_steps + len(mean))
    return np.log(p), 1 / p


def _identity_link(mean: Array, n_steps: int) -> tuple[Array, Array]:
    return mean, np.ones_like(mean)


class Loss(NamedTuple):
    """A loss, and the functions of its targets that training needs."""

    evaluate: Callable[[Array, Array, Array], float]  # as `cross_entropy`
    of_rows: Callable[[Array, Array], Array]  # outputs, targets -> unweighted losses
    draw: Callable[[Array, np.random.RandomState], Array]  # targets from the model
    encode: Callable[[Array, int], Any]  # targets as vectors, in a form of `inputs`
    # Mean of encoded targets, number of steps -> outputs with this mean, their slope.
    link: Callable[[Array, int], tuple[Array, Array]]


LOSSES = {
    "softmax": Loss(
        cross_entropy, _row_cross_entropy, _draw_classes, _unit_vectors, _log_link
    ),
    "identity": Loss(
        squared_error, _row_squared_error, _draw_numbers, _identity, _identity_link
    ),
}


def _shift_logits(L: Array) -> None:
    # A maximum along the short axis costs as much as a matrix product, so it is
    # computed only if exp could overflow.
    if L.size and max(L.max(), -L.min()) > _SAFE_LOGIT:
        L -= L.max(axis=1, keepdims=True)


def _exp_and_sum(L: Array) -> Array:
    np.exp(L, out=L)
    return L @ np.ones(L.shape[1], L.dtype)
