"""The search for the strength of the penalty: what it holds out, tries and takes."""

import copy
import warnings
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from samples import as_form, make_sequences
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils._param_validation import InvalidParameterError
from strategies import (
    SETTINGS,
    Problem,
    batches_of,
    fixed_problem,
    theta_of,
    threads_for_little,
)

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn._network.model.parameters import Architecture
from skrnn._network.training import lbfgs, objective, regularization, strength
from skrnn._network.training.initialization import initial_parameters, within_prior
from skrnn._network.training.objective import Subset
from skrnn._network.training.train import InMemoryData, train

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_sequences(20)
both = pytest.mark.parametrize("model", [VanillaRNNClassifier, VanillaRNNRegressor])
ALPHAS = strength.ALPHAS.tolist()


def auto(X=X, y=y, sample_weight=None, *, groups=None, model=None, **parameters):
    """Fit a small network that searches its strength."""
    parameters = {
        "hidden_layer_sizes": (5,),
        "max_iter": 15,
        "random_state": 0,
        "tol": 1e-10,
    } | parameters
    model = (model or VanillaRNNClassifier)(**parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, sample_weight, groups=groups)


def same(one, other):
    """Compare two searches and fits, bit by bit."""
    assert one.alpha_ == other.alpha_
    assert_array_equal(one.alphas_, other.alphas_)
    assert_array_equal(one.alpha_scores_, other.alpha_scores_)
    assert_array_equal(theta_of(one), theta_of(other))
    assert one.n_fun_ == other.n_fun_


def numbered(lengths, copies=()):
    """Return sequences whose steps all hold their number, and copies of some."""
    net = Architecture(1, (2,), 1, 2, "tanh")
    numbers = [*range(2, len(lengths) + 2), *copies]
    lengths = [lengths[i - 2] for i in numbers]
    return Problem(
        net,
        theta=np.zeros(net.n_parameters),
        sequences=[
            np.full((n, 1), float(i)) for i, n in zip(numbers, lengths, strict=True)
        ],
        labels=[np.arange(n) % 2 for n in lengths],
        weights=[np.ones(n) for n in lengths],
    )


@contextmanager
def folds_of(problem, *, groups=None, fraction=0.0, seed=0):
    """Divide the sequences of a problem as a search does."""
    data = InMemoryData(problem.source, problem.y, problem.w, groups=groups)
    rng = np.random.RandomState(seed)
    with data.problem(problem.net, np.dtype(np.float64), fraction, rng) as found:
        yield strength._folds(found, rng)


def numbers_in(objective):
    """Return the numbers of the sequences of an objective."""
    return {int(x) for batch in objective.loss_sum.batches for x in features(batch)}


def features(batch):
    """Return the only feature of every step of a batch."""
    return batch.X @ np.ones(1)


def division(problem, **options):
    """Return the numbers of the sequences of both parts, for every fold."""
    with folds_of(problem, **options) as folds:
        return [(numbers_in(f.training), numbers_in(f.held_out)) for f in folds]


def run(problem, *, seed=0, groups=None, **settings):
    """Train on a problem and search the strength."""
    return train(
        InMemoryData(problem.source, problem.y, problem.w, groups=groups),
        problem.net,
        np.dtype(np.float64),
        SETTINGS._replace(alpha=None)._replace(**settings),
        np.random.RandomState(seed),
    )


# What is held out


def test_with_few_sequences_each_half_is_held_out_in_turn():
    (one, other), again = division(numbered([3] * 5 + [1] * 4))
    assert one | other == set(range(2, 11))
    assert not one & other
    assert {len(one), len(other)} == {4, 5}
    assert again == (other, one)


def test_with_many_sequences_a_fifth_is_held_out(monkeypatch):
    monkeypatch.setattr(strength, "_FEW_GROUPS", 20)
    [(one, other)] = division(numbered([3] * 20))
    assert (len(one), len(other)) == (16, 4)
    assert not one & other
    assert len(division(numbered([3] * 19))) == 2


def test_copies_are_never_in_both_parts():
    problem = numbered([4] * 8, copies=[*range(2, 10)] * 3)
    for seed in range(5):
        for one, other in division(problem, seed=seed):
            assert not one & other
            assert len(one) == len(other) == 4


def test_groups_stay_together():
    groups = np.array([5, 3, 3, 1, 5, 2, 4, 2, 1, 4, 5])
    of_number = dict(zip(range(2, 13), groups, strict=True))
    divisions = set()
    for seed in range(5):
        for one, other in division(numbered([4] * 11), groups=groups, seed=seed):
            names = [{of_number[i] for i in part} for part in (one, other)]
            assert not names[0] & names[1]
            assert len(one) + len(other) == 11
            divisions.add(frozenset(other))
    assert len(divisions) > 2


def test_groups_with_copies_of_a_sequence_stay_together():
    # The last three are copies of 2, 4 and 6, and belong to other groups.
    problem = numbered([4] * 12, copies=[2, 4, 6])
    groups = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 1, 6, 6])
    joined = [{2, 3, 4, 5, 6, 7}, {8, 9}, {10, 11}, {12, 13}]
    with folds_of(problem, groups=groups) as folds:
        assert folds == []  # four groups are left
    groups[-3:] = 1, 6, 7
    joined = [{2, 3, 4, 5}, {6, 7}, {8, 9}, {10, 11}, {12, 13}]
    for seed in range(5):
        for _, other in division(problem, groups=groups, seed=seed):
            assert all(group <= other or not group & other for group in joined)


def test_sequences_without_weight_join_no_groups():
    problem = numbered([4] * 10, copies=[2])
    problem.weights[-1][:] = 0
    groups = np.repeat([0, 1, 2, 3, 4, 1], [2, 2, 2, 2, 2, 1])
    with folds_of(problem, groups=groups) as folds:
        assert len(folds) == 2
        # Of the groups with weight, none has been joined to another.
        sizes = [len(np.unique(fold.groups)) for fold in folds]
        assert sorted(sizes) == [2, 3]


def test_labels_that_were_not_trained_do_not_count():
    problem = numbered([3] * 10)
    problem = problem.replace(net=problem.net._replace(n_outputs=3))
    problem.labels[4][1] = 2
    problem.weights[7][0] = 0
    with folds_of(problem) as folds:
        totals = [
            (fold.training.total_weight, fold.held_out.total_weight) for fold in folds
        ]
        seen = [fold.training.loss_sum.class_weights(3)[2] for fold in folds]
        counted = [fold.held_out.loss_sum.class_weights(3)[2] for fold in folds]
    assert sorted(seen) == [0, 1]
    assert counted == [0, 0]
    # Of the 29 labels, all but the rare one are held out once.
    assert sum(training for training, _ in totals) == 29
    assert sum(held_out for _, held_out in totals) == 28


def test_losses_are_added_within_groups():
    groups = np.repeat(np.arange(5), 3)
    with folds_of(numbered([2] * 15), groups=groups) as folds:
        for fold in folds:
            names, counts = np.unique(fold.groups, return_counts=True)
            assert len(names) in (2, 3)
            assert set(counts) == {3}


def test_early_stopping_holds_out_for_the_search_too():
    problem = numbered([3] * 20)
    groups = np.arange(20) // 2
    for seed in range(3):
        [(one, other)] = division(problem, groups=groups, fraction=0.3, seed=seed)
        assert (len(one), len(other)) == (14, 6)
        assert not one & other
        assert not {i // 2 for i in one} & {i // 2 for i in other}


def test_a_search_on_many_sequences_takes_half_of_them(monkeypatch):
    monkeypatch.setattr(strength, "_MANY_SEQUENCES", 10)
    sizes = {10: 10, 11: 10, 19: 10, 30: 15, 40: 20}
    for n, expected in sizes.items():
        one, other = division(numbered([2] * n))[0]
        assert len(one) + len(other) == expected
    problem = numbered([2] * 40)
    taken = [set.union(*division(problem, seed=seed)[0]) for seed in range(2)]
    assert taken[0] != taken[1]
    groups = np.arange(40) // 4
    one, other = division(problem, groups=groups)[0]
    chosen = {(i - 2) // 4 for i in one | other}
    assert len(chosen) * 4 == len(one | other) == 20


def test_a_sample_has_at_least_five_groups(monkeypatch):
    monkeypatch.setattr(strength, "_MANY_SEQUENCES", 2)
    one, other = division(numbered([2] * 12), groups=np.arange(12) // 2)[0]
    assert len({(i - 2) // 2 for i in one | other}) == 5


@pytest.mark.parametrize("lengths", [[99] * 4, [1], [5, 99, 3]])
def test_with_hardly_any_short_sequences_nothing_is_held_out(lengths):
    with folds_of(numbered(lengths)) as folds:
        assert folds == []
    result = run(numbered(lengths), max_iter=2)
    expected = strength.Choice(1.0, skip_alpha=SETTINGS.skip_alpha)
    assert result.strength == expected


def test_of_hardly_any_long_sequences_the_end_is_held_out():
    problem = numbered([100, 99, 121, 7])
    with folds_of(problem) as [fold]:
        parts = fold.training.loss_sum, fold.held_out.loss_sum
        early, late = (weights_of(part, number=4) for part in parts)
        assert [part.total_weight for part in parts] == [80 + 99 + 97 + 7, 20 + 24]
        assert fold.share == 1
    assert_array_equal(early, np.arange(121) < 97)
    assert_array_equal(late, np.arange(121) >= 97)


def weights_of(loss_sum, number):
    """Return the weights of the steps of a sequence."""
    return np.concatenate([b.w[features(b) == number] for b in loss_sum.batches])


def test_an_end_without_labels_cannot_judge():
    problem = numbered([100, 100])
    for w in problem.weights:
        w[80:] = 0
    with folds_of(problem) as folds:
        assert folds == []
    for w in problem.weights:
        w[:] = np.arange(100) >= 80
    with folds_of(problem) as folds:
        assert folds == []


def test_parts_whose_weights_vanish_in_float32_are_dropped():
    w = np.full(20, 1e-60)
    w[3] = 1
    model = auto(X.astype(np.float32), y, w)
    assert (model.alpha_, model.alphas_) == (1, None)
    assert model.n_iter_ > 0


def test_the_steps_of_a_subset_keep_their_weights():
    lengths = np.array([100, 4, 121])
    w = np.arange(1.0, 226)
    parts = [
        Subset(np.arange(3), labels).weights(w, lengths, w)
        for labels in ("all", "early", "late")
    ]
    assert_array_equal(parts[0], w)
    assert_array_equal(parts[1] + parts[2], w)
    late = np.flatnonzero(parts[2])
    assert_array_equal(late, [*range(80, 100), *range(225 - 24, 225)])


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("output", ["softmax", "identity"])
def test_losses_of_sequences_add_up_to_the_loss(output, n_threads):
    problem = fixed_problem(lengths=[5, 4, 4, 2, 1, 1], output=output)
    problem.weights[1][:2] = 0
    with problem.replace(batch_size=2).objective(n_threads=n_threads) as all_of_them:
        found = all_of_them.loss_sum.sequence_losses(problem.net, problem.theta)
        total = all_of_them.loss_sum.loss(problem.net, problem.theta)
    assert_allclose(found.sum(axis=1), [total, problem.w.sum()], rtol=1e-12)
    for i in range(6):
        one = problem.replace(
            sequences=[problem.sequences[i]],
            labels=[problem.labels[i]],
            weights=[problem.weights[i]],
        )
        with one.objective() as alone:
            loss = alone.loss_sum.loss(problem.net, problem.theta)
        assert_allclose(found[:, i], [loss, problem.weights[i].sum()], rtol=1e-12)


def test_an_output_of_an_unlabeled_step_may_be_anything():
    problem = fixed_problem(lengths=[3, 2], activation="relu", output="identity")
    problem.weights[0][2] = 0
    with problem.objective() as both_sequences:
        for batch in both_sequences.loss_sum.batches:
            batch.y[batch.w == 0] = np.nan
        found = both_sequences.loss_sum.sequence_losses(problem.net, problem.theta)
    assert np.isfinite(found).all()


# What is tried, and what is taken


def judged(alpha, n_iter, *losses, spread=0.0, n_groups=10):
    """Return a trial whose groups had the given mean losses."""
    trial = strength._Trial(alpha, [], n_iter)
    rough = spread * np.where(np.arange(n_groups) % 2, 1, -1)
    for loss in losses:
        trial.judge(np.stack([loss + rough, np.ones(n_groups)]))
    return trial


def test_a_loss_that_rose_counts_twice():
    assert judged(1, 20, 0.5, 0.4).loss == 0.4
    assert judged(1, 50, 0.5, 0.4, 0.45).loss == pytest.approx(0.5)
    assert judged(1, 20, 0.5, 0.4).score == -0.4


def test_a_loss_that_is_not_finite_is_the_worst():
    bad = judged(1, 20, 0.5, np.nan)
    assert bad.score == -np.inf
    assert bad.loss > judged(1, 8, 1e9).loss
    assert not bad.is_close_to(judged(1, 20, 0.5, 0.4))
    assert judged(1, 20, np.inf).loss == judged(1, 20, np.nan).loss
    assert judged(1, 20, np.inf, 0.5).score == -0.5


def test_the_strongest_that_is_nearly_as_good_is_taken():
    def chosen(*losses, spread, n_groups=10):
        spreads = [0, *[spread] * (len(losses) - 1)]
        trials = [
            judged(alpha, 8, loss, spread=d, n_groups=n_groups)
            for alpha, loss, d in zip(ALPHAS, losses, spreads, strict=False)
        ]
        return strength._chosen(trials).alpha

    # The error of a mean of n differences of +-spread is spread / sqrt(n).
    for n_groups in (10, 100):
        for n_errors, expected in ((1.9, 0.3), (2.1, 0.1)):
            loss = 0.5 + n_errors / n_groups**0.5
            assert chosen(0.5, loss, 2, spread=1, n_groups=n_groups) == expected
    assert chosen(0.5, 0.4, 0.6, spread=0) == 0.3
    # Beyond one that is worse, no other is considered.
    assert chosen(0.5, 9, 0.5, spread=1) == 0.1


@pytest.mark.parametrize(("before", "expected"), [(0.79, 3), (0.81, 1)])
def test_the_best_itself_is_taken_if_its_loss_has_halved(before, expected):
    best = judged(1, 50, 0.9, before, 0.4)
    stronger = judged(3, 50, 0.9, before, 0.41, spread=1)
    assert stronger.is_close_to(best)
    assert strength._chosen([best, stronger]).alpha == expected


def test_a_stronger_one_that_has_halved_does_not_matter():
    best = judged(1, 50, 0.9, 0.5, 0.4)
    stronger = judged(3, 50, 0.9, 0.9, 0.41, spread=1)
    assert strength._chosen([best, stronger]).alpha == 3


def test_trials_of_different_lengths_are_compared():
    one, other = judged(1, 20, 0.5, spread=1), judged(3, 50, 0.51, spread=0)
    assert other.is_close_to(one)
    assert not judged(3, 50, 0.51, spread=1).is_close_to(one)


def test_weights_of_groups_count_in_the_comparison():
    best, other = judged(1, 8, 0.5), judged(3, 8, 0.5)
    best.sums = np.array([[10.0, 1.0], [10.0, 1.0]])
    other.sums = np.array([[12.0, 1.2], [10.0, 1.0]])  # .2 per step, in both groups
    other.losses = [1.2]
    best.losses = [1.0]
    assert not other.is_close_to(best)
    other.sums[0] = [13.2, 0.0]
    assert other.is_close_to(best)


def planted(noise, n_sequences=60, n_features=3, seed=0):
    """Return sequences whose labels are those of the step before, or chance."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_sequences, 12, n_features))
    before = np.pad(X[:, :-1, 0], ((0, 0), (1, 0)))
    labels = np.where(
        rng.uniform(size=before.shape) < noise,
        rng.integers(2, size=before.shape),
        before > 0,
    )
    return X, labels.astype(int)


@pytest.mark.parametrize(
    ("noise", "n_sequences", "n_features", "weakest", "strongest"),
    [(0.0, 200, 3, 0.1, 3), (0.9, 60, 20, 30, 300)],
    ids=["no noise", "mostly noise"],
)
def test_noise_needs_a_strong_penalty(
    noise, n_sequences, n_features, weakest, strongest
):
    X, y = planted(noise, n_sequences, n_features)
    model = auto(X, y, hidden_layer_sizes=(8,), max_iter=30)
    assert weakest <= model.alpha_ <= strongest
    X_test, y_test = planted(noise, 300, n_features, seed=1)

    def loss(alpha):
        model = auto(X, y, hidden_layer_sizes=(8,), max_iter=30, alpha=alpha)
        proba = model.predict_proba(X_test)
        return -np.log(np.take_along_axis(proba, y_test[..., None], axis=2)).mean()

    other = 300 if model.alpha_ < 10 else 0.1
    assert loss(model.alpha_) < loss(other)


def test_numbers_with_noise_need_a_strong_penalty():
    X, labels = planted(0, 200)
    rng = np.random.default_rng(1)
    exact = labels + X[..., 1]
    noisy = rng.normal(size=exact.shape) + 0.1 * exact
    options = {"model": VanillaRNNRegressor, "max_iter": 30}
    clear, vague = (auto(X[:60], t[:60], **options) for t in (exact, noisy))
    assert clear.alpha_ < vague.alpha_


@both
def test_what_was_tried_is_ascending_and_has_scores(model):
    found = auto(model=model, max_iter=60)
    assert are_neighbors(found.alphas_)
    assert found.alpha_scores_.shape == found.alphas_.shape
    assert np.isfinite(found.alpha_scores_).all()
    best = np.argmax(found.alpha_scores_)
    assert found.alpha_ in found.alphas_[best:]
    assert isinstance(found.alpha_, float)


def test_scores_are_held_out_losses_of_fits_with_their_strength(monkeypatch):
    monkeypatch.setattr(strength, "ALPHAS", np.array([3.0]))
    problem = fixed_problem(lengths=[5] * 8)
    net = problem.net
    result = run(problem, max_iter=4)
    losses = np.zeros(2)
    with folds_of(problem) as folds:
        precision = regularization.precision(net, result.features)
        data = InMemoryData(problem.source, problem.y, problem.w)
        rng = np.random.RandomState(0)
        with data.problem(net, np.dtype(np.float64), 0.0, rng) as found:
            training = strength._folds(found, rng)
            start = initial_parameters(net, result.features, rng)
            search = strength.Search(
                training,
                [start] * len(training),
                strength.ALPHAS,
                precision,
                np.zeros_like(precision),
                found,
                SETTINGS._replace(max_iter=4),
                rng,
                strength._Tally(),
                lambda _: None,
            )
            assert search.run().alpha == 3
            [trial] = search.trials
            for theta, fold in zip(trial.thetas, folds, strict=True):
                w = fold.held_out.total_weight
                losses += fold.held_out.data_loss(theta) * w, w
    assert_allclose(result.strength.scores, [-losses[0] / losses[1]], rtol=1e-9)


def are_neighbors(alphas):
    """Return whether strengths are a run of the grid with the first of a search."""
    i = ALPHAS.index(alphas[0])
    return 3 in alphas and [*alphas] == ALPHAS[i : i + len(alphas)]


def trials_of(model):
    """Fit, and return the strengths of all iterations of the search."""
    alphas = []
    plain = strength.Search._fit

    def noted(self, trial, k, n_iter):
        before = self.tally.n_iter
        plain(self, trial, k, n_iter)
        assert 0 <= self.tally.n_iter - before <= n_iter  # fewer if it converged
        alphas.append((trial.alpha, k, n_iter))

    with mock.patch.object(strength.Search, "_fit", noted):
        model()
    return alphas


@pytest.mark.parametrize("max_iter", [1, 5, 8, 12, 30, 200])
def test_no_fit_is_longer_than_max_iter(max_iter):
    alphas = trials_of(lambda: auto(max_iter=max_iter))
    lengths = {}
    for alpha, k, n_iter in alphas:
        lengths[alpha, k] = lengths.get((alpha, k), 0) + n_iter
    tried = sorted({alpha for alpha, _ in lengths})
    assert are_neighbors(tried)
    assert set(lengths) == {(alpha, k) for alpha in tried for k in (0, 1)}
    assert max(lengths.values()) == min(max_iter, 50)
    assert min(lengths.values()) == min(max_iter, 7)
    assert sum(lengths.values()) <= strength.max_iterations(
        SETTINGS._replace(alpha=None, max_iter=max_iter), skip_connection=False
    )


def test_a_fit_that_is_continued_goes_on_where_it_was(monkeypatch):
    ended, n_continued = {}, 0
    plain = strength.Search._fit

    def noted(self, trial, k, n_iter):
        nonlocal n_continued
        theta = trial.thetas[k]
        plain(self, trial, k, n_iter)
        objective = self.folds[k].training
        losses = [objective.loss_and_gradient(v)[0] for v in (theta, trial.thetas[k])]
        # A strong penalty leaves so little to learn that a fit may have converged.
        assert losses[1] < losses[0] or (trial.alpha >= 100 and losses[1] == losses[0])
        if (trial.alpha, k) in ended:
            assert_array_equal(theta, ended[trial.alpha, k])
            n_continued += 1
        ended[trial.alpha, k] = trial.thetas[k]

    monkeypatch.setattr(strength.Search, "_fit", noted)
    auto(max_iter=30)
    assert n_continued >= 4


@contextmanager
def losses_at(tried, losses):
    """Replace held-out losses by those of a table; note what is tried, how long."""

    def judge(self, trial):
        trial.n_iter = min(n for n in self.lengths if n > trial.n_iter)
        tried.append((trial.alpha, trial.n_iter))
        loss = losses(trial.alpha, trial.n_iter)
        trial.judge(np.array([[loss] * 5, [1.0] * 5]))

    with mock.patch.object(strength.Search, "_continue", judge):
        yield


def test_a_search_goes_outward_until_two_are_worse_on_either_side():
    for best, expected in (
        (3, [3, 10, 30, 1, 0.3]),
        (30, [3, 10, 30, 100, 300]),
        (0.1, [3, 10, 30, 1, 0.3, 0.1]),
        (300, [3, 10, 30, 100, 300]),
    ):
        tried = []
        far = {alpha: abs(np.log(alpha / best)) for alpha in ALPHAS}
        with losses_at(tried, lambda alpha, n, far=far: 1 + far[alpha]):
            assert auto(max_iter=100).alpha_ == best
        assert [alpha for alpha, n in tried if n == 7] == expected
        i = ALPHAS.index(best)
        neighbors = {ALPHAS[j] for j in (i - 1, i, i + 1) if 0 <= j < len(ALPHAS)}
        assert {alpha for alpha, n in tried if n == 16} == neighbors
        assert {a for a, n in tried if n == 50} == {a for a in neighbors if a >= best}


def test_a_strength_that_gets_worse_gives_way_to_its_neighbor():
    tried = []
    table = {(0.3, 7): 1.0, (0.3, 16): 1.1, (1, 16): 1.15, (1, 50): 1.0}
    with losses_at(tried, lambda alpha, n: table.get((alpha, n), 1.2 + alpha / 1e3)):
        model = auto(max_iter=100)
    assert model.alpha_ == 1
    at = dict(zip(model.alphas_, model.alpha_scores_, strict=True))
    assert_allclose(at[0.3], -1.2)  # risen by .1, twice
    assert (1, 50) in tried
    assert (0.3, 50) not in tried


def test_while_fits_are_learning_weaker_ones_are_tried():
    for final, expected in (
        ({10: 0.3, 3: 0.2, 1: 0.1, 0.3: 0.11}, [10, 3, 1, 0.3]),
        ({10: 0.3, 3: 0.31}, [10, 3]),
        ({10: 0.5, 30: 0.5, 100: 0.6}, [10, 30, 100]),  # only 30 has halved
    ):
        tried = []

        def losses(alpha, n, final=final):
            return 1 + abs(np.log(alpha / 10)) if n < 50 else final[alpha]

        with losses_at(tried, losses):
            model = auto(max_iter=100)
        assert [alpha for alpha, n in tried if n == 50] == expected
        best = min(final.values())
        assert model.alpha_ == max(a for a, loss in final.items() if loss == best)


# What stays the same


@both
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"n_init": 2},
        {"bidirectional": True, "hidden_layer_sizes": (4, 3)},
    ],
)
def test_the_fit_is_that_of_the_strength_that_was_found(model, parameters):
    found = auto(model=model, **parameters)
    fixed = auto(model=model, alpha=found.alpha_, **parameters)
    assert found.alpha_ in ALPHAS
    assert_array_equal(theta_of(found), theta_of(fixed))
    for name in ("loss_curve_", "n_iter_", "validation_scores_", "stop_reason_"):
        assert getattr(found, name) == getattr(fixed, name)
    assert (fixed.alphas_, fixed.alpha_scores_) == (None, None)
    assert fixed.alpha_ == found.alpha_
    assert found.n_fun_ > fixed.n_fun_


def test_a_generator_is_left_as_by_a_fit_with_the_strength():
    rngs = [np.random.RandomState(3) for _ in range(2)]
    found = auto(random_state=rngs[0])
    auto(random_state=rngs[1], alpha=found.alpha_)
    assert rngs[0].randint(2**31) == rngs[1].randint(2**31)


def test_random_state_decides_what_is_held_out():
    same(auto(random_state=5), auto(random_state=5))
    one, other = auto(random_state=5), auto(random_state=6)
    assert (one.alpha_scores_ != other.alpha_scores_).all()


@both
def test_the_order_of_sequences_changes_nothing(model):
    order = np.random.default_rng(0).permutation(len(X))
    same(auto(X[order], y[order], model=model), auto(model=model))
    groups = np.arange(20) // 3
    one, other = (
        auto(X[i], y[i], groups=groups[i], model=model) for i in (order, slice(None))
    )
    same(one, other)


@both
def test_data_twice_with_half_the_weight_change_nothing(model):
    w = np.random.default_rng(0).uniform(0.5, 2, len(X))
    twice, half = np.concatenate([X, X]), np.concatenate([w, w]) / 2
    groups = np.arange(20) // 2
    for given in (None, groups):
        doubled = None if given is None else np.concatenate([given, given])
        same(
            auto(twice, np.concatenate([y, y]), half, groups=doubled, model=model),
            auto(X, y, w, groups=given, model=model),
        )


def test_names_of_groups_change_nothing():
    groups = np.arange(20) // 3
    names = np.array([f"speaker {9 - i}" for i in groups])
    same(auto(groups=groups), auto(groups=names))
    alone = auto()
    same(auto(groups=np.arange(20)[::-1]), alone)
    grouped = auto(groups=groups)
    scores = [
        dict(zip(m.alphas_, m.alpha_scores_, strict=True)) for m in (grouped, alone)
    ]
    assert scores[0][3] != scores[1][3]


def test_sequences_without_weight_change_nothing():
    w = np.where(np.arange(20) < 14, 1.0, 0.0)
    same(
        auto(X, y, w, groups=np.arange(20) // 2),
        auto(X[:14], y[:14], groups=np.arange(14) // 2),
    )


@pytest.mark.parametrize("form", ["ragged", "sparse", "lists"])
def test_the_form_of_X_changes_nothing(form):
    same(auto(*as_form(form, X, y)), auto())


def test_a_memory_map_changes_nothing(tmp_path):
    full, labels = planted(0.2, 20)
    np.save(tmp_path / "X.npy", full)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    same(auto(mapped, labels), auto(full, labels))


def test_more_padding_changes_nothing():
    wider = np.pad(X, ((0, 0), (0, 3), (0, 0)), constant_values=np.nan)
    same(auto(wider, np.pad(y, ((0, 0), (0, 3)))), auto())


@pytest.mark.parametrize("groups", [None, np.arange(20) // 2])
def test_threads_and_batches_give_the_same_strength(groups):
    alone = auto(groups=groups)
    with threads_for_little(), batches_of(3):
        together = auto(groups=groups)
    assert together.alpha_ == alone.alpha_
    assert_allclose(together.alpha_scores_, alone.alpha_scores_, rtol=1e-6)


def test_float32_gives_nearly_the_same_scores():
    rounded = X.astype(np.float32)
    single, double = auto(rounded), auto(rounded.astype(np.float64))
    assert_allclose(single.alpha_scores_, double.alpha_scores_, rtol=0.05)
    assert (single.alpha_scores_ != double.alpha_scores_).any()


def test_units_of_features_and_targets_change_little():
    one = auto(model=VanillaRNNRegressor)
    other = auto(X * [1024, 0.125, 2], 64.0 * y, model=VanillaRNNRegressor)
    assert one.alpha_ == other.alpha_
    assert_allclose(one.alpha_scores_, other.alpha_scores_, rtol=1e-6)


# Beside other parameters


def test_early_stopping_judges_by_the_sequences_it_holds_out():
    found = auto(early_stopping=True, validation_fraction=0.4, n_iter_no_change=99)
    fixed = auto(
        alpha=found.alpha_,
        early_stopping=True,
        validation_fraction=0.4,
        n_iter_no_change=99,
    )
    assert found.validation_scores_ == fixed.validation_scores_
    # The search of early stopping trains from the start of the fit itself.
    i = ALPHAS.index(found.alpha_)
    assert_allclose(found.alpha_scores_[i], max(found.validation_scores_), rtol=0.2)


def test_a_search_runs_once_for_all_starts():
    searches = [trials_of(lambda n=n: auto(n_init=n)) for n in (1, 3)]
    assert searches[0] == searches[1]


def counted(call):
    """Return the result of a fit, and its evaluations as `lbfgs` counts them."""
    plain, found = lbfgs.minimize, []

    def minimize(loss_and_gradient, *args, **options):
        solution = plain(loss_and_gradient, *args, **options)
        found.append((loss_and_gradient.__self__.total_weight, solution.n_fun))
        return solution

    with mock.patch.object(lbfgs, "minimize", minimize):
        return call(), found


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}])
def test_evaluations_of_the_search_count_in_those_of_all_data(parameters):
    full, labels = planted(0.2, 21)  # halves of 11 and 10
    model, found = counted(lambda: auto(full, labels, **parameters))
    *search, (total, n_fun) = found
    assert model.n_fun_ == n_fun + np.ceil(sum(w / total * n for w, n in search))
    assert len(model.loss_curve_) == model.n_iter_ <= 15


@pytest.mark.parametrize("max_fun", [1, 2, 8, 40, 90, 200])
def test_max_fun_limits_search_and_fit_together(max_fun):
    model = auto(max_fun=max_fun)
    assert model.n_fun_ <= max_fun
    search = model.n_fun_ - auto(alpha=model.alpha_, max_fun=max_fun).n_fun_
    assert search <= max_fun // 2 + 1
    if max_fun > 8:
        assert model.n_iter_ > 0
        assert model.alpha_ in model.alphas_
        assert are_neighbors(model.alphas_)
    else:
        assert (model.alpha_, model.alphas_, model.alpha_scores_) == (1, None, None)


@both
def test_a_warm_start_keeps_what_was_found(model):
    first = auto(model=model, warm_start=True, max_iter=5)
    before = first.alpha_, first.alphas_, first.alpha_scores_
    reference = copy.deepcopy(first).set_params(alpha=first.alpha_).fit(X, y)
    with mock.patch.object(strength, "Search", side_effect=AssertionError):
        first.fit(X, y)
    assert (first.alpha_, first.alphas_, first.alpha_scores_) == before
    assert_array_equal(theta_of(first), theta_of(reference))
    assert first.n_fun_ == reference.n_fun_
    assert (reference.alpha_, reference.alphas_) == (first.alpha_, None)


def test_a_warm_start_takes_the_strength_that_is_set():
    model = auto(warm_start=True, max_iter=5)
    model.set_params(alpha=7).fit(X, y)
    assert (model.alpha_, model.alphas_, model.alpha_scores_) == (7, None, None)
    model.set_params(alpha="auto").fit(X, y)
    assert (model.alpha_, model.alphas_) == (7, None)
    model.set_params(warm_start=False).fit(X, y)
    same(model, auto(max_iter=5))


def test_a_warm_start_of_an_older_model_searches():
    model = auto(alpha=1, warm_start=True, max_iter=5)
    for name in ("alpha_", "alphas_", "alpha_scores_"):
        delattr(model, name)
    model.set_params(alpha="auto").fit(X, y)
    assert_array_equal(model.alpha_scores_, auto(max_iter=5).alpha_scores_)


def test_a_fit_without_a_search_forgets_an_earlier_one():
    model = auto()
    model.set_params(alpha=2).fit(X, y)
    assert (model.alpha_, model.alphas_, model.alpha_scores_) == (2, None, None)


def test_reports_name_search_and_fit(capsys):
    model = auto(verbose=2)
    lines = capsys.readouterr().out.splitlines()
    trials = [line for line in lines if line.startswith("alpha = ")]
    others = lines[len(trials) :]
    assert all(line.startswith("Iteration ") for line in others)
    assert len(others) == model.n_iter_
    for n_iter, line in enumerate(trials, start=1):
        assert f": Iteration {n_iter:4d}, loss = " in line
    assert {float(line.split()[2][:-1]) for line in trials} == set(model.alphas_)
    assert f"evaluations = {model.n_fun_}," in others[-1]


def test_reports_of_the_search_have_parameters_for_the_data_as_they_are():
    reports = []
    problem = fixed_problem(lengths=[4] * 8, n_outputs=2, output="identity")
    problem = problem.replace(labels=[y * [100.0, 0.01] + 7 for y in problem.labels])
    result = train(
        InMemoryData(problem.source, problem.y, problem.w),
        problem.net,
        np.dtype(np.float64),
        SETTINGS._replace(alpha=None, max_iter=3),
        np.random.RandomState(0),
        report=reports.append,
    )
    search = [report for report in reports if report.is_trial]
    assert [report.n_iter for report in search] == list(range(1, len(search) + 1))
    assert [r.is_trial for r in reports] == [True] * len(search) + [False] * 3
    assert np.all(np.diff([report.n_fun for report in reports]) >= 0)
    assert {report.alpha for report in reports[-3:]} == {result.strength.alpha}
    # Outputs for random inputs are in the units of the targets.
    for report in search:
        b_y = problem.net.unflatten(report.get_theta()).b_y
        assert_allclose(b_y, [7, 7], atol=500)
        assert abs(b_y[1] - 7) < 0.1


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("n", [1, 30, 60])
def test_a_stop_in_the_search_gives_a_usable_model(n, early):
    problem = fixed_problem(lengths=[4] * 12)
    seen = []

    def report(report):
        seen.append(report)
        if len(seen) == n:
            raise lbfgs.Stop("callback")

    result = train(
        InMemoryData(problem.source, problem.y, problem.w),
        problem.net,
        np.dtype(np.float64),
        SETTINGS._replace(alpha=None, validation_fraction=0.3 * early),
        np.random.RandomState(0),
        report=report,
    )
    assert len(seen) == n
    assert seen[-1].is_trial
    assert result.stop_reason == "callback"
    assert result.strength.alpha == seen[-1].alpha
    assert np.isfinite(result.loss)
    assert np.isfinite(result.theta).all()
    assert result.n_fun >= seen[-1].n_fun
    assert bool(result.validation_scores) == early


# A fit that is interrupted


def interrupted(path, at, **parameters):
    """Interrupt a fit at one of its evaluations; return whether it got there."""
    plain, n = objective.batch_loss_and_gradient, 0

    def evaluate(*arguments):
        nonlocal n
        n += 1
        if n == at:
            raise KeyboardInterrupt
        return plain(*arguments)

    with mock.patch.object(objective, "batch_loss_and_gradient", evaluate):
        if at == np.inf:
            auto(**parameters)
            return n
        with pytest.raises(KeyboardInterrupt):
            auto(checkpoint=path, **parameters)
    return n


@both
@pytest.mark.parametrize(
    "parameters", [{}, {"early_stopping": True, "validation_fraction": 0.3}]
)
def test_a_search_that_was_interrupted_goes_on(model, parameters, tmp_path):
    parameters = {"model": model, "max_iter": 10, **parameters}
    expected = auto(**parameters)
    n_all = interrupted(tmp_path / "fit", np.inf, **parameters)
    for at in (2, n_all // 3, n_all - 12, n_all - 3):
        path = tmp_path / f"fit {at}"
        interrupted(path, at, **parameters)
        plain = mock.Mock(side_effect=objective.batch_loss_and_gradient)
        with mock.patch.object(objective, "batch_loss_and_gradient", plain):
            same(auto(checkpoint=path, **parameters), expected)
        assert plain.call_count == n_all - at + 2
        assert not path.exists()


def test_a_search_may_be_interrupted_often(tmp_path):
    path = tmp_path / "fit"
    for _ in range(6):
        interrupted(path, 25, max_iter=8)
    same(auto(checkpoint=path, max_iter=8), auto(max_iter=8))


@pytest.mark.parametrize("n", [20, 60, 100])
def test_a_search_that_resumes_may_have_a_higher_limit(n, tmp_path):
    path = tmp_path / "fit"
    interrupted(path, n, max_iter=6)
    same(auto(checkpoint=path, max_iter=12), auto(max_iter=12))


@pytest.mark.parametrize("changed", range(0, 20, 3))
def test_a_search_on_other_data_does_not_resume(changed, tmp_path):
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(n, 3)) for n in range(3, 23)]
    labels = [(x[:, 0] > 0).astype(int) for x in sequences]
    path = tmp_path / "fit"
    interrupted(path, 12, X=sequences, y=labels, max_iter=3)
    content = path.read_bytes()
    labels[changed][0] = 1 - labels[changed][0]
    with pytest.raises(ValueError, match="other data"):
        auto(sequences, labels, checkpoint=path, max_iter=3)
    assert path.read_bytes() == content


# Fits that fail


def test_a_strength_whose_fit_overflows_is_not_taken(monkeypatch):
    plain = strength.Search._penalty
    best = auto().alpha_

    def penalty(self, alpha, fold):
        return np.where(alpha == best, np.nan, 1) * plain(self, alpha, fold)

    monkeypatch.setattr(strength.Search, "_penalty", penalty)
    model = auto()
    assert model.alpha_scores_[[*model.alphas_].index(best)] == -np.inf
    assert np.isfinite(model.alpha_scores_).sum() == len(model.alphas_) - 1
    assert model.alpha_ != best


def test_without_any_finite_loss_the_strength_is_1(monkeypatch):
    plain = strength.Search._penalty
    monkeypatch.setattr(
        strength.Search, "_penalty", lambda *args: np.nan * plain(*args)
    )
    model = auto()
    assert model.alpha_ == 1
    assert (model.alpha_scores_ == -np.inf).all()
    assert_array_equal(theta_of(model), theta_of(auto(alpha=1)))


def test_features_that_are_too_large_are_an_error_as_ever():
    with pytest.raises(ValueError, match="X is too large for the network"):
        auto(X * 1e300)


# Where a fit begins


def test_matrices_are_reduced_to_what_the_prior_allows():
    net = Architecture(4, (6, 5), 2, 3, "tanh")
    features = regularization.FeatureStats.of(np.array([1, 2, 0.1, 5]), np.full(4, 0.5))
    theta = initial_parameters(net, features, np.random.RandomState(0))
    theta[theta == 0] = 0.1  # biases
    precision = regularization.precision(net, features)
    before = theta.copy()

    def costs(theta, penalty):
        found = net.unflatten(0.5 * penalty * theta**2)
        matrices = [W for layer in found.layers for W in (layer.W_xh, layer.W_hh)]
        return np.array([W.sum() for W in (*matrices, found.W_hy)])

    for penalty in (1e-4 * precision, 0.03 * precision, 1e3 * precision):
        reduced = within_prior(net, theta, penalty)
        assert_allclose(
            costs(reduced, penalty), np.minimum(costs(theta, penalty), 0.1), rtol=1e-12
        )
        layers, _, b_y, *_ = net.unflatten(reduced)
        for b in (*(layer.b_h for layer in layers), b_y):
            assert_array_equal(b, 0.1)
        # Every matrix keeps its direction.
        ratio = net.unflatten(reduced / theta).W_hy
        assert_allclose(ratio, ratio.flat[0], rtol=1e-12)
    assert_array_equal(theta, before)


def test_a_weak_strength_leaves_the_start_as_it_was():
    net = Architecture(4, (6,), 1, 3, "tanh")
    features = regularization.FeatureStats.of(np.ones(4), np.ones(4))
    theta = initial_parameters(net, features, np.random.RandomState(0))
    penalty = 1e-3 * regularization.precision(net, features)
    assert_array_equal(within_prior(net, theta, penalty), theta)


def test_an_infinite_penalty_leaves_no_weights():
    net = Architecture(2, (3,), 1, 3, "tanh")
    theta = np.ones(net.n_parameters)
    penalty = np.where(theta > 0, np.inf, 0)
    assert not net.unflatten(within_prior(net, theta, penalty)).W_hy.any()


def test_a_fit_starts_within_its_prior():
    starts = []
    plain = lbfgs.minimize

    def noted(loss_and_gradient, theta, **options):
        starts.append((loss_and_gradient.__self__, theta))
        return plain(loss_and_gradient, theta, **options)

    with mock.patch.object(lbfgs, "minimize", noted):
        auto(alpha=1e4)
    [(of_fit, theta)] = starts
    assert 0.5 * (of_fit.penalty * theta) @ theta <= 0.3 * (1 + 1e-12)


# In scikit-learn


@pytest.mark.parametrize("alpha", ["Auto", None, -1, np.nan, np.inf, "1", [1], b"auto"])
@both
def test_a_strength_is_a_number_or_auto(model, alpha):
    with pytest.raises(InvalidParameterError, match="The 'alpha' parameter"):
        model(alpha=alpha).fit(X, y)


@both
def test_auto_is_the_default_and_is_copied(model):
    assert model().get_params()["alpha"] == "auto"
    found = auto(model=model)
    assert clone(found).get_params()["alpha"] == "auto"
    assert not hasattr(clone(found), "alpha_")
    assert "alpha" not in repr(found)
    assert "alpha=2" in repr(model(alpha=2))


def test_auto_may_be_one_of_a_grid():
    grid = {"alpha": ["auto", 0.1, 300]}
    search = GridSearchCV(clone(auto()), grid, cv=2).fit(X, y)
    assert search.cv_results_["param_alpha"].tolist() == ["auto", 0.1, 300]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_params_["alpha"]
    assert search.best_estimator_.alpha_ in (ALPHAS if best == "auto" else [best])


def groups_seen(call):
    """Return the groups of all fits of a call."""
    plain, seen = InMemoryData.problem, []

    def noted(self, *arguments):
        seen.append(None if self.groups is None else self.groups.tolist())
        return plain(self, *arguments)

    with mock.patch.object(InMemoryData, "problem", noted):
        call()
    return seen


GROUPS = np.arange(20) // 2
FEW = {"hidden_layer_sizes": (2,), "max_iter": 2, "random_state": 0}


def test_groups_are_routed_through_a_pipeline():
    with config_context(enable_metadata_routing=True):
        last = VanillaRNNClassifier(**FEW).set_fit_request(groups=True)
        pipeline = make_pipeline(FunctionTransformer(), last)
        seen = groups_seen(lambda: pipeline.fit(X, y, groups=GROUPS))
    assert seen == [GROUPS.tolist()]
    expected = VanillaRNNClassifier(**FEW).fit(X, y, groups=GROUPS)
    assert_array_equal(pipeline[-1].alpha_scores_, expected.alpha_scores_)


@both
def test_groups_are_routed_through_searches(model):
    with config_context(enable_metadata_routing=True):
        few = model(**FEW).set_fit_request(groups=True)
        search = GridSearchCV(few, {"max_iter": [1]}, cv=GroupKFold(2))
        seen = groups_seen(lambda: search.fit(X, y, groups=GROUPS))
    assert [len(groups) for groups in seen] == [10, 10, 20]
    assert not set(seen[0]) & set(seen[1])


def test_groups_are_routed_through_cross_validation():
    with config_context(enable_metadata_routing=True):
        few = VanillaRNNClassifier(**FEW).set_fit_request(groups=True)
        seen = groups_seen(
            lambda: cross_validate(
                few, X, y, cv=GroupKFold(2), params={"groups": GROUPS}
            )
        )
    assert [len(groups) for groups in seen] == [10, 10]


def test_groups_are_not_routed_unless_requested():
    with config_context(enable_metadata_routing=True):
        few = VanillaRNNClassifier(**FEW).set_fit_request(groups=False)
        search = GridSearchCV(few, {"max_iter": [1]}, cv=GroupKFold(2))
        seen = groups_seen(lambda: search.fit(X, y, groups=GROUPS))
    assert seen == [None] * 3
