"""The chain of labels against sums over all labelings, and its laws."""

from dataclasses import dataclass
from unittest import mock

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from strategies import SEEDS, ListSource

from skrnn._network.data import packing
from skrnn._network.model import chain, loss, messages, paths
from skrnn._network.model.parameters import Chain
from skrnn._network.workspace import Workspace


@dataclass(frozen=True)
class Case:
    """Logits, labels and weights of packed sequences, and the scores of a chain."""

    L: np.ndarray
    batch: packing.Batch
    scores: Chain

    @property
    def offsets(self):
        return self.batch.offsets

    @property
    def n_sequences(self):
        return self.offsets[1]

    @property
    def is_known(self):
        return self.batch.w > 0

    @property
    def rounding(self):
        """Error of a difference of scores, which are rounded one by one."""
        finite = [np.abs(s[np.isfinite(s)]).max(initial=1) for s in self.scores]
        n_steps = len(self.offsets) - 1
        return 4e-15 * n_steps * (np.abs(self.L).max() + max(finite))

    def each(self):
        """Return the rows of every sequence."""
        return [self.batch.rows_of(i) for i in range(self.n_sequences)]

    def log_proba(self, direction=None, h=0.0):
        """Return the log-probability of the known labels of every sequence."""
        L, arrays = self.L, self.scores
        if direction is not None:
            L, *arrays = (
                a + 1j * h * v for a, v in zip((L, *arrays), direction, strict=True)
            )
        return np.array(
            [
                reference.chain_log_proba(
                    L[rows], *arrays, self.batch.y[rows], self.is_known[rows]
                )
                for rows in self.each()
            ]
        )

    def weights(self):
        """Return the weight of every sequence."""
        return np.array([self.batch.w[rows].max() for rows in self.each()])

    def gradient(self, space=None):
        """Return the loss and all its derivatives: L, A, start, end."""
        dL, arrays = (
            self.L.copy(),
            Chain(*(np.full(s.shape, np.nan) for s in self.scores)),
        )
        value = chain.cross_entropy(dL, self.batch, self.scores, arrays, space)
        return value, (dL, *arrays)


def pack(logits, labels, weights):
    """Return logits by row, and the batch of labels and weights."""
    source = ListSource(logits)
    ids = packing.by_length(source.lengths)
    y, w = np.concatenate(labels), np.concatenate(weights)
    batch = packing.pack(source, ids, np.dtype(float), y, w)
    return np.concatenate(logits)[batch.steps], batch


def make_case(
    lengths, K=3, seed=0, *, size=1.0, forbids=False, partly=False, dtype=float
):
    rng = np.random.default_rng(seed)
    A, start, end = (size * rng.normal(size=s) for s in [(K, K), K, K])
    if forbids:  # label 0 remains possible everywhere, and can always be left
        A[1:][rng.random((K - 1, K)) < 0.4] = -np.inf
        A[:, 0] = rng.normal(size=K)
        start[1:][rng.random(K - 1) < 0.4] = -np.inf
        end[1:][rng.random(K - 1) < 0.4] = -np.inf
    logits = [(size * rng.normal(size=(n, K))).astype(dtype) for n in lengths]
    labels = [rng.integers(K, size=n) for n in lengths]
    known = [rng.random(n) < (0.5 if partly else 1) for n in lengths]
    weights = [rng.choice([0.5, 1, 3.7]) * k for k in known]
    return Case(*pack(logits, labels, weights), Chain(A, start, end))


CASES = st.builds(
    make_case,
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    K=st.integers(1, 3),
    seed=SEEDS,
    size=st.sampled_from([0.0, 1.0, 10.0, 60.0, 400.0]),
    forbids=st.booleans(),
    partly=st.booleans(),
)


def only_logs():
    """Find that products leave the range; to be used in a with statement."""
    return mock.patch.object(messages, "scaled", return_value=None)


# Sums over all labelings


@given(CASES)
def test_the_partition_function_sums_over_all_labelings(case):
    expected = [
        reference.log_sum_exp(reference.chain_scores(case.L[rows], *case.scores))
        for rows in case.each()
    ]
    found = chain.log_partition(case.L, case.offsets, case.scores)
    assert_allclose(found, expected, rtol=1e-12, atol=case.rounding)


@given(CASES)
def test_marginals_sum_over_the_labelings_with_a_label(case):
    p = chain.marginals(case.L, case.offsets, case.scores)
    log_p = chain.log_marginals(case.L, case.offsets, case.scores)
    for rows in case.each():
        all_labels = reference.labelings(len(rows), case.L.shape[1])
        scores = reference.chain_scores(case.L[rows], *case.scores)
        log_Z = reference.log_sum_exp(scores)
        for t, row in enumerate(rows):
            for k in range(case.L.shape[1]):
                expected = reference.log_sum_exp(scores[all_labels[:, t] == k]) - log_Z
                assert_allclose(log_p[row, k], expected, rtol=1e-12, atol=case.rounding)
                assert_allclose(
                    p[row, k], np.exp(expected), rtol=1e-11, atol=case.rounding
                )


@given(CASES)
def test_the_probability_of_labels_sums_over_those_that_are_unknown(case):
    known = case.is_known
    found = chain.log_proba_of(case.L, case.offsets, case.batch.y, known, case.scores)
    assert_allclose(found, case.log_proba(), rtol=1e-12, atol=case.rounding)


@given(CASES)
def test_the_loss_is_the_weighted_sum_of_minus_log_p(case):
    has_labels = case.weights() > 0
    expected = np.where(has_labels, -case.log_proba(), 0)
    found = chain.sequence_losses(case.L, case.batch, case.scores)
    assert_allclose(found, expected, rtol=1e-12, atol=case.rounding)
    total = case.weights()[has_labels] @ expected[has_labels]
    for value in (
        case.gradient()[0],
        chain.cross_entropy(case.L.copy(), case.batch, case.scores, None),
    ):
        assert_allclose(value, total, rtol=1e-12, atol=20 * case.rounding)


@given(CASES, SEEDS)
def test_the_gradient_is_the_slope_in_every_direction(case, seed):
    rng = np.random.default_rng(seed)
    places = (case.L, *case.scores)
    direction = [rng.normal(size=a.shape) * np.isfinite(a) for a in places]
    value, slopes = case.gradient()
    if np.isfinite(value):
        h = 1e-30
        w = case.weights()
        slope = -(w @ np.where(w > 0, case.log_proba(direction, h).imag, 0)) / h
        found = sum((d * v).sum() for d, v in zip(slopes, direction, strict=True))
        assert_allclose(found, slope, rtol=1e-12, atol=100 * case.rounding)


@given(CASES)
def test_the_best_labelings_are_the_first_when_sorted(case):
    best = chain.viterbi(case.L, case.offsets, case.scores)
    for rows in case.each():
        scores = reference.chain_scores(case.L[rows], *case.scores)
        log_p = np.sort(scores - reference.log_sum_exp(scores))[::-1]
        log_p = log_p[log_p > -np.inf]
        for n in (1, 5, 1000):
            labels, found = chain.n_best(case.L[rows], case.scores, n)
            assert_allclose(found, log_p[:n], rtol=1e-12, atol=case.rounding)
            assert len(np.unique(labels, axis=0)) == len(labels) == len(log_p[:n])
            of_labels = [
                reference.chain_log_proba(case.L[rows], *case.scores, y, y >= 0)
                for y in labels
            ]
            assert_allclose(of_labels, found, rtol=1e-12, atol=case.rounding)
        of_best = reference.chain_log_proba(
            case.L[rows], *case.scores, best[rows], rows >= 0
        )
        assert_allclose(of_best, log_p[0], rtol=1e-12, atol=case.rounding)


@given(CASES)
def test_filtering_sums_over_the_labels_so_far(case):
    scores = case.scores._replace(end=np.zeros_like(case.scores.end))
    rows = case.each()[0]
    predicted = scores.start[None]
    for t, row in enumerate(rows):
        log_p, predicted = chain.filtered(case.L[[row]], predicted, scores)
        so_far = chain.log_marginals(case.L[rows[: t + 1]], range(t + 2), scores)
        assert_allclose(log_p[0], so_far[-1], rtol=1e-12, atol=case.rounding)


# The loop in logarithms


@given(CASES)
def test_both_loops_agree(case):
    value, slopes = case.gradient()
    p = chain.marginals(case.L, case.offsets, case.scores)
    log_Z = chain.log_partition(case.L, case.offsets, case.scores)
    with only_logs():
        assert_allclose(
            chain.log_partition(case.L, case.offsets, case.scores),
            log_Z,
            rtol=1e-12,
            atol=case.rounding,
        )
        assert_allclose(
            chain.marginals(case.L, case.offsets, case.scores),
            p,
            rtol=1e-11,
            atol=case.rounding,
        )
        if np.isfinite(value):
            other_value, others = case.gradient()
            assert_allclose(other_value, value, rtol=1e-12, atol=20 * case.rounding)
            for slope, other in zip(slopes, others, strict=True):
                assert_allclose(other, slope, rtol=1e-11, atol=20 * case.rounding)


def contradiction(n_steps, evidence):
    """Return logits for one label, then for the other, of a chain that never changes.

    Only two labelings are allowed. One has ``evidence`` per step in the first half and
    none later; the other, which is a little more probable, the other way around.
    """
    half = n_steps // 2
    L = np.zeros((n_steps, 2))
    L[:half, 0] = L[half:, 1] = evidence
    L[-1, 1] += 0.3
    forbidden = [[0.0, -np.inf], [-np.inf, 0.0]]
    batch = pack([L], [np.ones(n_steps, int)], [np.full(n_steps, 2.0)])[1]
    return Case(L, batch, Chain(np.array(forbidden), np.zeros(2), np.zeros(2)))


@pytest.mark.parametrize(
    ("n_steps", "evidence"), [(4, 90.0), (4, 1000.0), (40, 60.0), (2000, 2.0)]
)
def test_evidence_that_contradicts_itself_is_weighed_exactly(n_steps, evidence):
    case = contradiction(n_steps, evidence)
    log_p = -np.log1p(np.exp([0.3, -0.3]))
    arguments = case.L, case.offsets, case.scores
    tolerance = {"rtol": 1e-12, "atol": case.rounding}
    assert_allclose(
        chain.log_partition(*arguments),
        n_steps // 2 * evidence + 0.3 - log_p[1],
        **tolerance,
    )
    assert_allclose(chain.log_marginals(*arguments) - log_p, 0, **tolerance)
    assert_allclose(chain.marginals(*arguments) - np.exp(log_p), 0, **tolerance)
    value, (dL, dA, d_start, d_end) = case.gradient()
    p = np.exp(log_p[0])
    assert_allclose(value, -2 * log_p[1], **tolerance)
    assert_allclose(dL - [2 * p, -2 * p], 0, **tolerance)
    assert_allclose(np.diag(dA), np.array([2, -2]) * p * (n_steps - 1), rtol=1e-11)
    assert_allclose([d_start, d_end], [[2 * p, -2 * p]] * 2, **tolerance)
    assert_array_equal(chain.viterbi(*arguments), 1)


def test_messages_that_get_lost_are_noticed():
    for case in (contradiction(2000, 2.0), contradiction(40, 60.0)):
        layout = messages.layout_of(case.offsets)
        with np.errstate(all="ignore"):
            found = messages.scaled(case.L, layout, case.scores, both=True)
        assert found is None


def test_evidence_shorter_than_the_range_stays_in_the_fast_loop():
    case = contradiction(100, 2.0)
    with mock.patch.object(messages, "logarithmic", wraps=messages.logarithmic) as slow:
        case.gradient()
        chain.marginals(case.L, case.offsets, case.scores)
        chain.log_partition(case.L, case.offsets, case.scores)
    assert slow.call_count == 0


@pytest.mark.parametrize("forbids", [False, True])
def test_long_sequences_stay_in_the_fast_loop(forbids):
    case = make_case([2000, 500], seed=2, size=2.0, forbids=forbids)
    with mock.patch.object(messages, "logarithmic", wraps=messages.logarithmic) as slow:
        chain.log_partition(case.L, case.offsets, case.scores)
        chain.marginals(case.L, case.offsets, case.scores)
    assert slow.call_count == 0


def test_constants_of_rows_do_not_leave_the_fast_loop():
    case = make_case([5, 4, 2], seed=3)
    shifted = case.L + 1e4 * np.arange(len(case.L))[:, None]
    expected = chain.marginals(case.L, case.offsets, case.scores)
    log_Z = chain.log_partition(case.L, case.offsets, case.scores)
    constants = [1e4 * rows.sum() for rows in case.each()]
    with mock.patch.object(messages, "logarithmic", side_effect=AssertionError):
        found = chain.marginals(shifted, case.offsets, case.scores)
        assert_allclose(found, expected, atol=1e-10)  # 1e5 has 11 decimals
        found = chain.log_partition(shifted, case.offsets, case.scores)
        assert_allclose(found, log_Z + constants, rtol=1e-12)


# Long, short, wide


def test_a_hundred_thousand_steps_are_summed_exactly():
    case = make_case([100_000], seed=1, size=2.0, forbids=True)
    log_f, log_Z = plain_recursion(case.L, *case.scores)
    A, start, end = case.scores
    log_g, same_log_Z = plain_recursion(case.L[::-1], A.T, end, start)
    assert_allclose(same_log_Z, log_Z, rtol=1e-12)
    p = np.exp(log_f + log_g[::-1] - case.L)
    p /= p.sum(axis=1, keepdims=True)
    arguments = case.L, case.offsets, case.scores
    assert_allclose(chain.log_partition(*arguments), log_Z, rtol=1e-12)
    assert_allclose(chain.marginals(*arguments), p, atol=1e-12)
    with only_logs():
        assert_allclose(chain.log_partition(*arguments), log_Z, rtol=1e-12)


def plain_recursion(L, A, start, end):
    """Return logarithms of messages, each row up to a constant, and of their sum."""
    log_f, total = [], 0.0
    predicted = start
    for row in L:
        f = predicted + row
        shift = f.max()
        total += shift
        log_f.append(f - shift)
        with np.errstate(divide="ignore"):
            terms = (f - shift)[:, None] + A
            shifts = terms.max(axis=0)
            predicted = shifts + np.log(np.exp(terms - shifts).sum(axis=0))
    return np.array(log_f), total + reference.log_sum_exp(log_f[-1] + end)


@pytest.mark.parametrize("K", [1, 2, 200])
@pytest.mark.parametrize("lengths", [[1], [1, 1, 1], [30, 7, 1]])
def test_any_number_of_classes_and_steps(K, lengths):
    case = make_case(lengths, K=K, seed=K)
    value, slopes = case.gradient()
    with only_logs():
        other_value, others = case.gradient()
    assert_allclose(other_value, value, rtol=1e-12, atol=1e-12)
    for slope, other in zip(slopes, others, strict=True):
        assert_allclose(other, slope, rtol=1e-10, atol=1e-12)
    best = chain.viterbi(case.L, case.offsets, case.scores)
    for rows in case.each():
        labels, _ = chain.n_best(case.L[rows], case.scores, 1)
        assert_array_equal(labels[0], best[rows])


def test_work_in_parts_is_the_same_work():
    case = make_case([5, 5, 4, 1], seed=5)
    best = chain.viterbi(case.L, case.offsets, case.scores)
    with mock.patch.object(paths, "_N_PAIRS", 1):
        assert_array_equal(chain.viterbi(case.L, case.offsets, case.scores), best)

    case = contradiction(40, 60.0)
    _, slopes = case.gradient()
    with mock.patch.object(chain, "_N_PAIRS", 1):
        for slope, other in zip(slopes, case.gradient()[1], strict=True):
            assert_allclose(other, slope, rtol=1e-13)


# Training


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_give_such_a_loss(bad):
    case = make_case([3, 2])
    case.L[1, 1] = bad
    case.batch.y[1] = 0
    assert not np.isfinite(case.gradient()[0])
    value = chain.cross_entropy(case.L.copy(), case.batch, case.scores, None)
    assert not np.isfinite(value)


def test_labels_that_are_forbidden_have_an_infinite_loss():
    for partly in (False, True):
        case = make_case([4, 3], seed=2, partly=partly)
        a, b = case.batch.y[case.each()[0][:2]]
        case.scores.A[a, b] = -np.inf
        case.batch.w[case.each()[0][:2]] = 1.0
        assert case.gradient()[0] == np.inf
        losses = chain.sequence_losses(case.L, case.batch, case.scores)
        assert losses[0] == np.inf
        assert np.isfinite(losses[1])


def test_sequences_without_labels_have_no_loss_and_no_gradient():
    case = make_case([4, 3, 3], seed=4)
    rows = case.each()[1]
    case.batch.w[rows] = 0.0
    case.batch.y[:] = 1 + np.arange(len(case.L)) % 2
    case.batch.y[rows] = -1  # not a class
    case.scores.A[0, 0] = -np.inf  # nor is the first class taken instead
    value, (dL, *_) = case.gradient()
    assert_array_equal(dL[rows], 0)
    losses = chain.sequence_losses(case.L, case.batch, case.scores)
    assert losses[1] == 0
    assert_allclose(value, case.weights() @ losses, rtol=1e-13)


def test_a_workspace_changes_nothing():
    space = Workspace(np.dtype(np.float32))
    for seed, partly in enumerate([False, True, True, False]):
        case = make_case([5, 3, 2 + seed], K=2 + seed, seed=seed, partly=partly)
        value, slopes = case.gradient()
        same_value, same = case.gradient(space)
        assert same_value == value
        for slope, other in zip(slopes, same, strict=True):
            assert_array_equal(other, slope)


def test_float32_logits_are_summed_in_float64():
    case = make_case([50, 40], K=4, seed=1, size=3.0, dtype=np.float32)
    wide = Case(case.L.astype(float), case.batch, case.scores)
    value, (dL, *arrays) = case.gradient()
    expected, (wide_dL, *wide_arrays) = wide.gradient()
    assert value == expected
    assert dL.dtype == np.float32
    assert_allclose(dL, wide_dL, rtol=1e-6, atol=1e-9)
    for array, other in zip(arrays, wide_arrays, strict=True):
        assert_array_equal(array, other)
    for function in (chain.marginals, chain.log_marginals):
        assert function(case.L, case.offsets, case.scores).dtype == np.float32
    assert chain.log_partition(case.L, case.offsets, case.scores).dtype == np.float64


# Draws


@pytest.mark.parametrize("forbids", [False, True])
def test_draws_are_as_frequent_as_probable(forbids):
    n, case = 20_000, make_case([3], seed=6, forbids=forbids)
    L = np.repeat(case.L, n, axis=0)
    u = np.random.default_rng(0).random(3 * n)
    drawn = chain.draw(L, [0, n, 2 * n, 3 * n], case.scores, u).reshape(3, n)
    counts = np.bincount([9, 3, 1] @ drawn, minlength=27)
    scores = reference.chain_scores(case.L, *case.scores)
    p = np.exp(scores - reference.log_sum_exp(scores))
    assert (counts[p == 0] == 0).all()
    assert (p == 0).any() == forbids
    counts, p = counts[p > 0], p[p > 0]
    distance = ((counts - n * p) ** 2 / (n * p)).sum()
    assert distance < stats.chi2(len(p) - 1).isf(1e-6)


@given(CASES, st.sampled_from([0.0, np.nextafter(1, 0)]))
def test_no_random_number_draws_what_is_forbidden(case, number):
    # Here the first label, instead of the last one, may be forbidden.
    scores = Chain(*(np.flip(s) for s in case.scores))
    L, u = case.L[:, ::-1], np.full(len(case.L), number)
    drawn = chain.draw(L, case.offsets, scores, u)
    every = np.ones(len(drawn), bool)
    log_p = chain.log_proba_of(L, case.offsets, drawn, every, scores)
    assert (log_p > -np.inf).all()


def test_draws_of_ragged_sequences_are_independent():
    case = make_case([4, 2, 1], seed=7)
    u = np.random.default_rng(1).random(len(case.L))
    drawn = chain.draw(case.L, case.offsets, case.scores, u)
    for rows in case.each():
        alone = chain.draw(case.L[rows], range(len(rows) + 1), case.scores, u[rows])
        assert_array_equal(drawn[rows], alone)


# Laws


@given(CASES, SEEDS)
def test_adding_a_constant_to_a_row_changes_nothing(case, seed):
    constants = np.random.default_rng(seed).uniform(-500, 500, size=(len(case.L), 1))
    shifted = Case(case.L + constants, case.batch, case.scores)
    rounding = 20 * shifted.rounding
    value, slopes = case.gradient()
    other_value, others = shifted.gradient()
    assert_allclose(other_value, value, rtol=1e-12, atol=rounding)
    if np.isfinite(value):
        for slope, other in zip(slopes, others, strict=True):
            assert_allclose(other, slope, rtol=1e-11, atol=rounding)


@given(CASES)
def test_a_sequence_may_be_read_from_its_end(case):
    A, start, end = case.scores
    rows = case.each()[0]
    p = chain.marginals(case.L[rows], range(len(rows) + 1), case.scores)
    reverse = Chain(A.T, end, start)
    other = chain.marginals(case.L[rows][::-1], range(len(rows) + 1), reverse)
    assert_allclose(other[::-1], p, rtol=1e-11, atol=case.rounding)


@given(CASES)
def test_without_transitions_labels_are_independent(case):
    case = Case(case.L, case.batch, Chain(*(np.zeros_like(s) for s in case.scores)))
    expected = loss.softmax(case.L.copy())
    found = chain.marginals(case.L, case.offsets, case.scores)
    assert_allclose(found, expected, rtol=1e-11, atol=case.rounding)
    w = case.weights()[messages.layout_of(case.offsets).numbers] * case.is_known
    dL = case.L.copy()
    total = loss.cross_entropy(dL, case.batch.y, w)
    value, (found, *_) = case.gradient()
    assert_allclose(value, total, rtol=1e-12, atol=20 * case.rounding)
    assert_allclose(found, dL, rtol=1e-11, atol=20 * case.rounding)
    assert_array_equal(
        chain.viterbi(case.L, case.offsets, case.scores), case.L.argmax(axis=1)
    )
