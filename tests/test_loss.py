"""Softmax and cross-entropy: the laws of probability, and no overflow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from strategies import SEEDS

from skrnn._network.model.loss import (
    LOSSES,
    cross_entropy,
    log_softmax,
    softmax,
    softmax_small,
    squared_error,
)

LOGITS = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2), elements=st.floats(-900, 900)
)


@given(LOGITS)
def test_probabilities_are_those_of_logsumexp(L):
    expected = L - logsumexp(L, axis=1, keepdims=True)
    assert_allclose(softmax(L.copy()), np.exp(expected), rtol=1e-11, atol=1e-300)
    assert_allclose(log_softmax(L), expected, rtol=1e-11, atol=1e-12)


@given(LOGITS)
def test_softmax_of_few_is_softmax(L):
    assert_allclose(softmax_small(L.copy()), softmax(L), rtol=1e-11, atol=1e-300)


@given(LOGITS, st.floats(-1e4, 1e4))
def test_adding_a_constant_to_a_row_changes_nothing(L, constant):
    shifted = softmax(L + constant)
    assert_allclose(shifted, softmax(L.copy()), rtol=1e-9, atol=1e-300)
    assert_allclose(shifted.sum(axis=1), 1, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [39.0, 41.0, 100.0, 1e30])
def test_large_logits_neither_overflow_nor_vanish(dtype, size):
    for sign in (1, -1):
        L = np.array([[sign * size, 0, 0], [0, 0, 0]], dtype=dtype)
        p = softmax(L.copy())
        assert p.dtype == dtype
        assert np.isfinite(p).all()
        assert_allclose(p[1], 1 / 3, rtol=1e-6)
        loss = cross_entropy(L, np.array([0, 0]), np.ones(2, dtype))
        assert_allclose(
            loss, np.log(3) + (0 if sign > 0 else size + np.log(2)), rtol=1e-6
        )


@given(LOGITS, SEEDS)
def test_cross_entropy_is_the_weighted_sum_of_minus_log_p(L, seed):
    rng = np.random.default_rng(seed)
    y, w = rng.integers(L.shape[1], size=len(L)), rng.uniform(size=len(L))
    expected = -(w * log_softmax(L)[np.arange(len(L)), y]).sum()
    assert_allclose(cross_entropy(L.copy(), y, w), expected, rtol=1e-11, atol=1e-12)


@given(LOGITS, SEEDS)
def test_gradient_is_weighted_p_less_the_label(L, seed):
    rng = np.random.default_rng(seed)
    y, w = rng.integers(L.shape[1], size=len(L)), rng.uniform(size=len(L))
    expected = w[:, None] * (softmax(L.copy()) - np.eye(L.shape[1])[y])
    dL = L.copy()
    cross_entropy(dL, y, w)
    assert_allclose(dL, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("logit", [8.3, 9.7, 10.9, 11.4, 12.0])
def test_a_small_loss_keeps_its_digits_in_float32(logit):
    L = np.array([[logit, 0.0]], dtype=np.float32)
    expected = np.log1p(np.exp(-np.float64(L[0, 0])))
    loss = cross_entropy(L, np.array([0]), np.ones(1, np.float32))
    assert_allclose(loss, expected, rtol=0.02)


@given(LOGITS, SEEDS)
def test_squared_error_is_half_the_weighted_sum_of_squares(L, seed):
    rng = np.random.default_rng(seed)
    y, w = rng.normal(size=L.shape), rng.uniform(size=len(L))
    dL = L.copy()
    loss = squared_error(dL, y, w)
    assert_allclose(loss, (w[:, None] * (L - y) ** 2).sum() / 2, rtol=1e-12)
    assert_allclose(dL, w[:, None] * (L - y), rtol=1e-12)


def test_squares_do_not_overflow_in_float32():
    L = np.full((2, 1), 1e25, np.float32)
    loss = squared_error(L, np.zeros((2, 1)), np.ones(2, np.float32))
    assert_allclose(loss, 1e50, rtol=1e-6)
    assert L.dtype == np.float32


@pytest.mark.parametrize("output", LOSSES)
def test_on_average_the_gradient_vanishes_at_targets_drawn_from_the_model(output):
    rng = np.random.RandomState(0)
    L = np.tile([0.5, -1.0, 2.0], (20_000, 1))
    y = LOSSES[output].draw(L.copy(), rng)
    LOSSES[output].evaluate(L, y, np.ones(len(L)))
    # The mean of n draws is off by about 1 / sqrt(n).
    assert_allclose(L.mean(axis=0), 0, atol=0.03)
    assert_allclose(
        L.var(axis=0).sum(), {"softmax": 0.35, "identity": 3.0}[output], rtol=0.05
    )


def test_log_softmax_writes_to_nothing_it_is_given():
    L = np.array([[1.0, 2.0]])
    log_softmax(L)
    assert_array_equal(L, [[1.0, 2.0]])


def test_a_single_class_has_probability_one():
    L = np.array([[3.0], [-50.0]])
    assert_array_equal(softmax(L.copy()), 1.0)
    assert cross_entropy(L, np.zeros(2, int), np.ones(2)) == 0.0
    assert_array_equal(L, 0.0)


def test_no_rows_are_no_error():
    assert softmax(np.empty((0, 3))).shape == (0, 3)
