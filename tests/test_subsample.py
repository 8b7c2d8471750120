"""The sequences that speak for all."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from strategies import fixed_problem

from skrnn._network.data.ngrams import Ngrams, Pairs
from skrnn._network.training import subsample

PAIRS = Pairs(np.arange(17), np.zeros(16, np.intp), 3)  # one for each of 16 n-grams


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


@pytest.mark.parametrize("as_sparse", [False, True])
def test_of_very_long_sequences_the_first_steps_are_taken(monkeypatch, as_sparse):
    problem = fixed_problem(lengths=(2, 9, 5)).replace(as_sparse=as_sparse)
    monkeypatch.setattr(subsample, "_N_STEPS", 4)
    ngrams = Ngrams(np.arange(16)[:, None], PAIRS, np.ones(16), np.ones(16))
    sample = problem.sample._replace(ids=np.array([1, 0]), ngrams=ngrams)
    (batch,) = sample.cut().batches(problem.net)
    long, short = batch.rows_of(0), batch.rows_of(1)
    assert_array_equal(batch.X[long], problem.sequences[1][:4])
    assert_array_equal(batch.X[short], problem.sequences[0])
    assert_array_equal(batch.y[long], problem.labels[1][:4])
    assert_array_equal(batch.w[long], problem.weights[1][:4])
    assert_array_equal(batch.ngrams.ids[long, 0], [2, 3, 4, 5])
    assert_array_equal(batch.ngrams.ids[short, 0], [0, 1])
