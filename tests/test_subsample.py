"""The sequences that speak for all."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from strategies import fixed_problem

from skrnn._network.training import subsample


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"_N_SEQUENCES": 3, "_MIN_SEQUENCES": 1}, [9, 7, 5]),
        ({"_N_STEPS": 9, "_MIN_SEQUENCES": 2}, [8, 6]),
        ({"_N_STEPS": 12, "_MIN_SEQUENCES": 1}, [9, 7, 5]),
        ({"_MIN_SEQUENCES": 16, "_N_STEPS": 1}, [9, 8, 7, 6, 5]),
    ],
    ids=["many", "long", "by mean length", "few"],
)
def test_the_sample_is_evenly_spaced(monkeypatch, limits, expected):
    for name, value in limits.items():
        monkeypatch.setattr(subsample, name, value)
    chosen = subsample.evenly_spaced(np.arange(9, 4, -1), np.array([6, 5, 4, 4, 1]))
    assert_array_equal(chosen, expected)


def test_the_longest_of_many_sequences_is_no_part_of_the_sample():
    lengths = np.r_[3000, np.full(1000, 30)]
    chosen = subsample.evenly_spaced(np.arange(1001), lengths)
    assert lengths[chosen].sum() == 30 * 150


def test_batches_hold_the_sequences_of_the_sample_and_no_others():
    problem = fixed_problem(lengths=(2, 5, 3))
    chosen = problem.sample._replace(ids=np.array([0, 2]))
    (batch,) = chosen.batches(problem.net)
    sequences = [problem.sequences[i] for i in (2, 0)]
    assert batch.offsets == [0, 2, 4, 5]
    for i, x in enumerate(sequences):
        assert_array_equal(batch.X[batch.rows_of(i)], x, strict=True)
    assert_array_equal(np.sort(batch.w), np.sort(np.r_[problem.w[:2], problem.w[7:]]))
