"""Scores of parts are those of all data in one place."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, r2_score

from skrnn._estimators.scores import accuracy, moments_of, r2

rng = np.random.default_rng(0)
Y = rng.normal(size=(50, 2)) + np.array([3, -100])
PREDICTIONS = Y + rng.normal(size=(50, 2)) / 2
W = rng.integers(3, size=50).astype(float)
W[20:30] = 0
CUTS = pytest.mark.parametrize("cuts", [[], [25], [1, 2], [20, 30]], ids=str)


def parts_of(cuts, *arrays):
    return zip(*(np.split(array, cuts) for array in arrays), strict=True)


@CUTS
def test_r2_of_parts_is_that_of_the_whole(cuts):
    parts = [moments_of(*part) for part in parts_of(cuts, Y, PREDICTIONS, W)]
    assert_allclose(r2(parts), r2_score(Y, PREDICTIONS, sample_weight=W), rtol=1e-12)


@CUTS
@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 / 3])
def test_r2_of_a_constant_output_is_zero_or_one(cuts, value):
    constant = np.full((50, 1), value)
    constant[W == 0] = 7
    for predictions, expected in [(PREDICTIONS[:, :1], 0), (constant, 1)]:
        parts = [moments_of(*part) for part in parts_of(cuts, constant, predictions, W)]
        assert r2(parts) == expected


def test_r2_of_a_single_step_is_undefined():
    part = moments_of(Y[:1], PREDICTIONS[:1], np.ones(1))
    with pytest.warns(UndefinedMetricWarning, match="less than two samples"):
        assert np.isnan(r2([part]))
    assert np.isfinite(r2([part, part]))


def test_accuracy_of_parts_is_that_of_the_whole():
    right = rng.integers(2, size=50)
    parts = [(v @ w, w.sum()) for v, w in parts_of([20, 30], right, W)]
    expected = accuracy_score(right, np.ones(50), sample_weight=W)
    assert_allclose(accuracy(parts), expected, rtol=1e-12)


def test_without_weight_there_is_no_score():
    with pytest.raises(ValueError, match="at least one non-zero"):
        accuracy([(0.0, 0.0), (0.0, 0.0)])
    with pytest.raises(ValueError, match="at least one non-zero"):
        r2([moments_of(Y, PREDICTIONS, 0 * W)])
