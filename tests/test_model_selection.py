"""Cross-validated predictions, folds of like sequences, importances."""

import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from samples import SEQUENCE_FORMS, as_form, make_sequences, step_values
from sklearn import model_selection
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from skrnn import (
    OneHotSequenceEncoder,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
    VanillaRNNRegressor,
    as_ragged,
    pad_labels,
    pad_sequences,
    valid_steps,
)
from skrnn.datasets import make_recall
from skrnn.model_selection import (
    StratifiedSequenceKFold,
    cross_val_predict,
    permutation_importance,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "hidden_states",
)
X, y = make_sequences(12)
WORDS = ["banana", "panama", "cab", "havana", "go", "savanna", "ox", "at"]
VOWELS = as_ragged([["-v"[c in "aeiou"] for c in word] for word in WORDS])

methods = pytest.mark.parametrize("method", METHODS)
forms = pytest.mark.parametrize("form", SEQUENCE_FORMS)


def classifier(**parameters):
    parameters = {"alpha": 1, "max_iter": 5, "random_state": 0, **parameters}
    return VanillaRNNClassifier(4, **parameters)


def speller(**parameters):
    encoder = OneHotSequenceEncoder(handle_unknown="ignore")
    return make_pipeline(encoder, classifier(**parameters))


def take(data, ids):
    """Index arrays, and lists as scikit-learn does."""
    return data[ids] if isinstance(data, np.ndarray) else [data[i] for i in ids]


# Predictions --------------------------------------------------------------------------


@methods
@forms
def test_each_prediction_is_by_a_model_that_never_saw_the_sequence(form, method):
    data, labels = as_form(form, X, y)
    labels = labels if form == "padded" else as_ragged(labels)
    result = cross_val_predict(classifier(), data, labels, cv=KFold(3), method=method)
    for train, test in KFold(3).split(data):
        model = classifier().fit(take(data, train), take(labels, train))
        expected = getattr(model, method)(take(data, test))
        found = step_values(form, result[test], X[test])
        assert_array_equal(found, step_values(form, expected, X[test]))


@methods
def test_padding_is_nan_or_the_padding_label(method):
    result = cross_val_predict(classifier(), X, y, cv=3, method=method)
    padding = result[~valid_steps(X)]
    assert len(padding)
    assert (padding == -1).all() if method == "predict" else np.isnan(padding).all()


@methods
def test_forms_agree(method):
    results = [
        cross_val_predict(classifier(), data, as_ragged(labels), cv=3, method=method)
        for data, labels in (as_form(form, X, y) for form in ("ragged", "lists"))
    ]
    padded = cross_val_predict(classifier(), X, y, cv=3, method=method)
    for result in results:
        assert result.dtype == object
        assert_array_equal(np.concatenate(list(result)), padded[valid_steps(X)])


def test_predicted_labels_are_those_of_scikit_learn():
    expected = model_selection.cross_val_predict(classifier(), X, y, cv=KFold(4))
    result = cross_val_predict(classifier(), X, y, cv=KFold(4))
    assert_array_equal(result, expected)
    assert result.dtype == expected.dtype


@methods
def test_folds_of_several_widths_are_padded_to_one(method):
    labels = pad_labels(VOWELS)
    result = cross_val_predict(speller(), WORDS, labels, cv=KFold(4), method=method)
    lengths = np.array([len(word) for word in WORDS])
    valid = np.arange(result.shape[1]) < lengths[:, None]
    assert result.shape[:2] == (8, 7)
    if method == "predict":
        assert_array_equal(result != "", valid)
    else:
        finite = np.isfinite(result).reshape(8, 7, -1)
        assert_array_equal(finite.all(axis=2), valid)
        assert_array_equal(finite.any(axis=2), valid)


def test_a_chosen_padding_label_is_kept_where_no_fold_is_padded():
    words, labels = ["abc", "cab", "ab", "ba"], as_ragged(["abc", "cab", "ab", "ba"])
    result = cross_val_predict(speller(padding_label="?"), words, labels, cv=KFold(2))
    assert_array_equal(result[2:, 2], ["?", "?"])
    assert "?" not in result[:2]


def test_the_padding_label_is_no_class_of_any_fold():
    labels = np.where(y == 2, -1, y)
    cv = PredefinedSplit(np.arange(12) % 2)
    rare = labels.copy()
    rare[1::2][labels[1::2] == -1] = 0
    result = cross_val_predict(classifier(), X, rare, cv=cv)
    assert set(result[~valid_steps(X)]) == {-2}
    assert -2 not in result[valid_steps(X)]


CLASSES = ("a", "b", "c")
UNSEEN = {
    "predict_proba": 0.0,
    "predict_log_proba": -np.inf,
    "decision_function": -np.inf,
}


def one_class_of_three_in_the_first_half_only():
    labels = np.array(CLASSES)[np.where(valid_steps(X), y, 0)]
    labels[6:][labels[6:] == "c"] = "a"
    labels[~valid_steps(X)] = "nonsense"
    return labels


@pytest.mark.parametrize("method", UNSEEN)
def test_a_class_that_a_fold_has_not_seen_gets_no_probability(method):
    labels = one_class_of_three_in_the_first_half_only()
    with pytest.warns(RuntimeWarning, match=r"\[\['c'\], \[\]\]"):
        result = cross_val_predict(classifier(), X, labels, cv=KFold(2), method=method)
    valid = valid_steps(X)
    first, second = result[:6][valid[:6]], result[6:][valid[6:]]
    assert result.shape == (12, 6, 3)
    assert (first[:, 2] == UNSEEN[method]).all()
    assert (first[:, :2] != UNSEEN[method]).all()
    assert (second != UNSEEN[method]).all()


@pytest.mark.filterwarnings("ignore:some training sets lack classes")
def test_decisions_of_two_seen_classes_have_their_probabilities():
    labels = one_class_of_three_in_the_first_half_only()
    proba, decision = (
        cross_val_predict(classifier(), X, labels, cv=KFold(2), method=method)
        for method in ("predict_proba", "decision_function")
    )
    odds = np.exp(decision)
    assert_allclose(odds / odds.sum(axis=2, keepdims=True), proba, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:some training sets lack classes")
def test_columns_follow_all_labels_those_that_no_fold_trains_on_included():
    labels = one_class_of_three_in_the_first_half_only()
    half = np.arange(6)
    cv = [(half + 6, half), (half + 6, half + 6)]
    result = cross_val_predict(classifier(), X, labels, cv=cv, method="predict_proba")
    assert result.shape == (12, 6, 3)
    assert (result[valid_steps(X)][:, 2] == 0).all()


@pytest.mark.filterwarnings("ignore:some training sets lack classes")
@pytest.mark.parametrize("lacking", [0, 1, 2])
def test_every_class_keeps_its_column_where_a_fold_lacks_another(lacking):
    labels = np.where(y == lacking, (lacking + 1) % 3, y)
    labels[6:] = y[6:]
    result = cross_val_predict(
        classifier(), X, labels, cv=KFold(2), method="predict_proba"
    )
    model = classifier().fit(X[:6], labels[:6])
    expected = model.predict_proba(X[6:])[valid_steps(X[6:])]
    columns = result[6:][valid_steps(X[6:])]
    assert_array_equal(columns[:, model.classes_], expected)
    assert (columns[:, lacking] == 0).all()


@pytest.mark.filterwarnings("ignore:some training sets lack classes")
def test_decisions_on_a_class_that_a_fold_has_not_seen_are_infinite():
    labels = np.zeros((12, 6), dtype=int)
    labels[:6] = np.where(valid_steps(X[:6]), np.minimum(y[:6], 1), 7)
    result = cross_val_predict(
        classifier(), X, labels, cv=KFold(2), method="decision_function"
    )
    assert result.shape == (12, 6)
    assert (result[:6][valid_steps(X[:6])] == -np.inf).all()
    assert np.isfinite(result[6:][valid_steps(X[6:])]).all()


def test_predictions_come_in_the_order_of_the_sequences():
    order = np.random.default_rng(0).permutation(12)
    folds = [(np.setdiff1d(order, part), part) for part in np.split(order, 3)]
    shuffled = cross_val_predict(classifier(), X, y, cv=folds, method="predict_proba")
    train, test = folds[1]
    expected = classifier().fit(X[train], y[train]).predict_proba(X[test])
    assert_array_equal(shuffled[test], expected)


@pytest.mark.parametrize("method", METHODS[:4])
def test_rows_are_answered_as_by_scikit_learn(method):
    rows, labels = as_form("rows", *make_sequences(30))
    model = LogisticRegression()
    expected = model_selection.cross_val_predict(model, rows, labels, method=method)
    result = cross_val_predict(model, rows, labels, method=method)
    assert_array_equal(result, expected)


def test_numbers_per_row_are_answered_as_by_scikit_learn():
    rows = X[:, 0]
    targets = rows @ np.ones((3, 2))
    model = LinearRegression()
    expected = model_selection.cross_val_predict(model, rows, targets)
    assert_array_equal(cross_val_predict(model, rows, targets), expected)


@forms
@pytest.mark.parametrize("n_outputs", [None, 1, 2])
def test_numbers_per_step_are_cross_validated(n_outputs, form):
    shape = y.shape if n_outputs is None else (*y.shape, n_outputs)
    targets = np.nan_to_num(X[..., : n_outputs or 1]).reshape(shape)
    data, labels = as_form(form, X, targets)
    labels = labels if form == "padded" else as_ragged(labels)
    model = VanillaRNNRegressor(4, alpha=1, max_iter=5, random_state=0)
    result = cross_val_predict(model, data, labels, cv=KFold(2))
    expected = clone(model).fit(data[6:], labels[6:]).predict(data[:6])
    assert_array_equal(
        step_values(form, result[:6], X[:6]), step_values(form, expected, X[:6])
    )
    assert form != "padded" or np.isnan(result[~valid_steps(X)]).all()


def test_one_number_per_sequence_is_cross_validated():
    texts = ["abab", "bba", "aab", "ba"]
    model = VanillaRNNLanguageModel(classifier())
    result = cross_val_predict(model, texts, cv=2, method="score_samples")
    expected = clone(model).fit(texts[2:]).score_samples(texts[:2])
    assert_array_equal(result[:2], expected)


@pytest.mark.parametrize("method", ["predict_proba", "hidden_states"])
def test_a_search_is_cross_validated_with_the_rest(method):
    search = GridSearchCV(speller(), {"vanillarnnclassifier__alpha": [1]}, cv=2)
    result = cross_val_predict(search, WORDS, VOWELS, cv=2, method=method)
    expected = cross_val_predict(speller(), WORDS, VOWELS, cv=2, method=method)
    assert_array_equal(result, expected)


def test_workers_change_nothing():
    with joblib.parallel_config("threading"):
        one, two = (
            cross_val_predict(classifier(), X, y, n_jobs=n, method="predict_proba")
            for n in (None, 2)
        )
    assert_array_equal(one, two)


def test_weights_go_with_their_sequences():
    weights = np.where(valid_steps(X), np.arange(1, 7), 0.0)
    result = cross_val_predict(
        classifier(), X, y, cv=2, params={"sample_weight": weights}
    )
    model = classifier().fit(X[6:], y[6:], weights[6:])
    assert_array_equal(result[:6], model.predict(X[:6]))


def test_metadata_is_routed_through_a_pipeline():
    with sklearn.config_context(enable_metadata_routing=True):
        weights = np.arange(1.0, 9.0)
        model = speller()
        model[-1].set_fit_request(sample_weight=True, groups=False)
        params = {"sample_weight": weights, "groups": np.arange(8) // 2}
        result = cross_val_predict(
            model, WORDS, VOWELS, cv=GroupKFold(2), params=params
        )
        (train, test), _ = GroupKFold(2).split(WORDS, groups=params["groups"])
        model = clone(model).fit(
            take(WORDS, train), VOWELS[train], sample_weight=weights[train]
        )
        expected = model.predict(take(WORDS, test))
        assert_array_equal(result[test][:, : expected.shape[1]], expected)


def test_groups_reach_the_splitter():
    groups = np.arange(12) % 3
    by_groups = cross_val_predict(classifier(), X, y, groups=groups, cv=GroupKFold(3))
    train = groups != 0
    expected = classifier().fit(X[train], y[train]).predict(X[~train])
    assert_array_equal(by_groups[~train], expected)


def test_test_sets_must_be_a_partition():
    with pytest.raises(ValueError, match="only works for partitions"):
        cross_val_predict(classifier(), X, y, cv=ShuffleSplit(2, random_state=0))


def test_a_missing_method_is_named():
    with pytest.raises(AttributeError, match="transform"):
        cross_val_predict(classifier(), X, y, cv=2, method="transform")


# Folds --------------------------------------------------------------------------------


@st.composite
def labeled(draw):
    """Draw label sequences of up to four classes."""
    sequence = st.lists(st.sampled_from("abcd"), min_size=1, max_size=9)
    return as_ragged(draw(st.lists(sequence, min_size=4, max_size=30)))


def members(splitter, *args, **kwargs):
    return [test for _, test in splitter.split(*args, **kwargs)]


def spread(labels, folds):
    """Return how far shares of steps per class and of sequences are from equal."""
    flat = np.concatenate(list(labels))
    total = np.array([np.sum(flat == c) for c in np.unique(flat)] + [len(labels)])
    counts = np.array(
        [
            [np.sum(np.concatenate(labels[f]) == c) for c in np.unique(flat)] + [len(f)]
            for f in folds
        ]
    )
    return np.std(counts / total, axis=0).mean()


@given(labeled(), st.booleans(), st.integers(0, 3))
def test_folds_are_a_partition_and_none_is_empty(labels, shuffle, seed):
    splitter = StratifiedSequenceKFold(
        4, shuffle=shuffle, random_state=seed if shuffle else None
    )
    X = np.zeros(len(labels))
    for train, test in splitter.split(X, labels):
        assert_array_equal(np.sort(np.append(train, test)), np.arange(len(labels)))
        assert len(test)
        assert (np.diff(train) > 0).all()
        assert (np.diff(test) > 0).all()
    every = np.concatenate(members(splitter, X, labels))
    assert_array_equal(np.sort(every), np.arange(len(labels)))


@given(labeled(), st.randoms(use_true_random=False))
def test_no_group_is_in_two_folds(labels, random):
    groups = [random.randrange(4) for _ in labels]
    groups[:4] = range(4)
    folds = members(StratifiedSequenceKFold(3), labels, labels, groups)
    assert sum(len(np.unique(np.take(groups, fold))) for fold in folds) == 4


def skewed_labels(n_sequences=200, seed=0):
    """Make sequences of very unequal lengths, in which classes c and d are rare."""
    rng = np.random.default_rng(seed)
    lengths = rng.geometric(0.1, size=n_sequences)
    rarity = rng.dirichlet([0.3, 0.2, 0.02, 0.01], size=n_sequences)
    return as_ragged(
        [
            rng.choice(list("abcd"), size=n, p=p)
            for n, p in zip(lengths, rarity, strict=True)
        ]
    )


def test_labels_and_lengths_are_better_balanced_than_by_chance():
    labels = skewed_labels()
    lengths = np.array([len(item) for item in labels])
    folds = members(StratifiedSequenceKFold(5), labels, labels)
    by_chance = members(KFold(5, shuffle=True, random_state=0), labels)
    assert spread(labels, folds) < spread(labels, by_chance) / 3
    medians = [np.median(lengths[fold]) for fold in folds]
    others = [np.median(lengths[fold]) for fold in by_chance]
    assert np.ptp(medians) <= 2 < np.ptp(others)
    assert np.ptp([len(fold) for fold in folds]) <= 4


def test_short_and_long_sequences_are_spread_over_the_folds():
    lengths = np.repeat([5, 1, 9], [40, 20, 20])
    labels = as_ragged([np.zeros(n, dtype=int) for n in lengths])
    for fold in members(StratifiedSequenceKFold(4), labels, labels):
        assert_array_equal(np.bincount(lengths[fold])[[1, 5, 9]], [5, 10, 5])


def test_shuffled_folds_differ_and_are_balanced():
    labels = skewed_labels()
    folds = [
        members(
            StratifiedSequenceKFold(5, shuffle=True, random_state=seed), labels, labels
        )
        for seed in (0, 0, 1)
    ]
    by_chance = members(KFold(5, shuffle=True, random_state=0), labels)
    for first, again, other in zip(*folds, strict=True):
        assert_array_equal(first, again)
        assert len(np.intersect1d(first, other)) < 0.5 * len(first)
    assert spread(labels, folds[2]) < spread(labels, by_chance) / 3


def test_names_of_classes_change_nothing():
    labels = skewed_labels(40)
    renamed = as_ragged([["dcab".index(c) for c in item] for item in labels])
    for one, other in zip(
        members(StratifiedSequenceKFold(), labels, labels),
        members(StratifiedSequenceKFold(), labels, renamed),
        strict=True,
    ):
        assert_array_equal(one, other)


def test_forms_of_sequences_give_the_same_folds():
    labels = skewed_labels(40)
    sequences = [np.ones((len(item), 2)) for item in labels]
    padded, nonsense = pad_sequences(sequences), pad_labels(labels).astype("<U9")
    nonsense[~valid_steps(padded)] = "nonsense"
    words = ["".join(item) for item in labels]
    zeros = np.zeros(len(labels))
    codes = pad_labels([["abcd".index(c) for c in item] for item in labels])
    expected = members(StratifiedSequenceKFold(), labels, labels)
    for X_form, y_form in (
        (padded, nonsense),
        (padded, labels),
        (sequences, labels),
        (sequences, nonsense),
        (words, nonsense),
        (words, words),
        (words, [item.tolist() for item in labels]),
        (zeros, labels),
        (zeros, pad_labels(labels)),
        (zeros, codes),
        (padded, codes),
        (np.nan_to_num(padded), codes),
    ):
        folds = members(StratifiedSequenceKFold(), X_form, y_form)
        assert [fold.tolist() for fold in folds] == [f.tolist() for f in expected]


def test_rows_are_stratified_as_by_scikit_learn():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    rows = np.zeros((100, 2))
    ours = members(StratifiedSequenceKFold(), rows, labels)
    theirs = members(StratifiedKFold(), rows, labels)
    for one, other in zip(ours, theirs, strict=True):
        assert_array_equal(np.bincount(labels[one]), np.bincount(labels[other]))


def test_more_folds_than_sequences_or_groups_are_an_error():
    with pytest.raises(ValueError, match="number of sequences: 12"):
        members(StratifiedSequenceKFold(13), X, y)
    with pytest.raises(ValueError, match="number of groups: 4"):
        members(StratifiedSequenceKFold(5), X, y, np.arange(12) // 3)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "'y' parameter should not be None"),
        (np.full(y.shape, np.nan), "contains NaN"),
        (X[..., 0], "Unknown label type: continuous"),
        (y[:, :3], "longest sequence of X has 6 valid steps"),
        (y[:5], "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_stratified_is_an_error(labels, message):
    with pytest.raises(ValueError, match=message):
        members(StratifiedSequenceKFold(), X, labels)


def test_scikit_learn_takes_it_as_cv():
    cv = StratifiedSequenceKFold(3, shuffle=True, random_state=0)
    groups = np.arange(12) // 2
    assert cv.get_n_splits() == 3
    assert (
        repr(cv) == "StratifiedSequenceKFold(n_splits=3, random_state=0, shuffle=True)"
    )
    result = cross_validate(classifier(), X, y, cv=cv, groups=groups)
    assert result["test_score"].shape == (3,)
    search = GridSearchCV(speller(), {"vanillarnnclassifier__alpha": [0.1, 1]}, cv=cv)
    assert search.fit(WORDS, VOWELS).n_splits_ == 3
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(groups=True)
        result = cross_validate(model, X, y, cv=cv, params={"groups": groups})
    assert result["test_score"].shape == (3,)


# Importances --------------------------------------------------------------------------

RECALLED, RECALL = make_recall(60, n_steps=10, lag=2, random_state=0, return_X_y=True)
RECALLED[30:, 7:], RECALL[30:, 7:] = np.nan, -1


@pytest.fixture(scope="module")
def recaller():
    """Return a model that labels each step by the input two steps before."""
    model = VanillaRNNClassifier(16, alpha=1, max_iter=1000, random_state=0)
    return model.fit(RECALLED, RECALL)


@pytest.fixture(scope="module")
def labeler():
    """Return a model whose labels depend on features 0 and 1, and not on 2."""
    steps, labels = make_sequences(100)
    model = VanillaRNNClassifier(8, alpha=1, max_iter=200, random_state=0)
    return model.fit(steps, labels)


def copied_from(values, originals):
    """Tell whether values are those of other steps, in another order."""
    assert_array_equal(np.sort(values, axis=0), np.sort(originals, axis=0))
    return not np.array_equal(values, originals)


def test_features_that_labels_depend_on_are_important(labeler):
    steps, labels = make_sequences(50, seed=1)
    result = permutation_importance(labeler, steps, labels, random_state=0)
    assert result.importances.shape == (3, 5)
    assert (result.importances_mean[:2] > 0.1).all()
    assert abs(result.importances_mean[2]) < 0.05
    assert_allclose(result.importances_mean, result.importances.mean(axis=1))
    assert_allclose(result.importances_std, result.importances.std(axis=1))


def test_the_lag_that_labels_recall_is_important(recaller):
    result = permutation_importance(
        recaller, RECALLED, RECALL, over="lags", lags=[-1, 0, 1, 2, 3], random_state=0
    )
    assert_array_equal(result.lags, [-1, 0, 1, 2, 3])
    others = np.delete(result.importances, 3, axis=0)
    assert result.importances_mean[3] > 0.5
    assert (np.abs(others) < 0.1).all()


def test_what_is_ahead_changes_nothing_for_a_one_way_model(labeler):
    result = permutation_importance(
        labeler, X, y, over="lags", lags=[-1, -2], random_state=0
    )
    assert (result.importances == 0).all()


def test_a_two_way_model_reads_ahead():
    steps, labels = make_recall(60, n_steps=10, lag=1, random_state=0, return_X_y=True)
    steps, labels = steps[:, ::-1], labels[:, ::-1]
    model = classifier(bidirectional=True, max_iter=500, alpha=0.1).fit(steps, labels)
    result = permutation_importance(
        model, steps, labels, over="lags", lags=[1, 0, -1], random_state=0
    )
    assert result.importances_mean.argmax() == 2
    assert result.importances_mean[2] > 0.3


@pytest.mark.parametrize("over", ["features", "lags"])
@pytest.mark.parametrize("form", ["ragged", "sparse", "lists"])
def test_importances_are_the_same_in_every_form(labeler, form, over):
    expected = permutation_importance(labeler, X, y, over=over, random_state=0)
    data, labels = as_form(form, X, y)
    result = permutation_importance(labeler, data, labels, over=over, random_state=0)
    assert_allclose(result.importances, expected.importances, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("over", ["features", "lags"])
def test_importances_are_reproducible_and_change_no_input(labeler, over, n_jobs):
    steps, labels = X.copy(), y.copy()
    steps.flags.writeable = labels.flags.writeable = False
    with joblib.parallel_config("threading"):
        first, again = (
            permutation_importance(
                labeler, steps, labels, over=over, n_jobs=n, random_state=0
            )
            for n in (None, n_jobs)
        )
    assert_array_equal(first.importances, again.importances)


class Recorder:
    """A model that keeps what it is asked to score; it scores 1 at labels of 1."""

    padding_value = np.nan

    def __init__(self):
        self.asked = []

    def fit(self, X, y):
        return self

    def score(self, X, y, sample_weight=None):
        self.asked.append((X, sample_weight))
        return 0.0


@pytest.mark.parametrize("lag", [0, 2, -3])
def test_one_input_at_the_lag_of_a_counted_label_is_exchanged(lag):
    recorder = Recorder()
    permutation_importance(recorder, X, y, over="lags", lags=[lag], random_state=0)
    lengths = valid_steps(X).sum(axis=1)
    for (before, weights), (exchanged, again) in zip(
        recorder.asked[::2], recorder.asked[1::2], strict=True
    ):
        assert before is X
        assert_array_equal(again, weights)
        counted = np.argwhere(weights)
        assert_array_equal(counted[:, 0], np.flatnonzero(lengths > abs(lag)))
        assert_array_equal(weights.sum(axis=1), np.maximum(lengths - abs(lag), 0))
        changed = (exchanged != X).any(axis=2) & valid_steps(X)
        assert_array_equal(np.argwhere(changed), counted - [0, lag])
        pool = X[valid_steps(X)].tolist()
        assert all(step in pool for step in exchanged[changed].tolist())
        assert_array_equal(valid_steps(exchanged), valid_steps(X))


def test_one_feature_is_permuted_and_padding_stays():
    recorder = Recorder()
    permutation_importance(recorder, X, y, n_repeats=2, random_state=0)
    valid = valid_steps(X)
    original, *others = (asked[0] for asked in recorder.asked)
    assert original is X
    for i, exchanged in enumerate(others):
        assert_array_equal(valid_steps(exchanged), valid)
        same = (exchanged[valid] == X[valid]).all(axis=0)
        assert_array_equal(same, np.arange(3) != i // 2)
        assert copied_from(exchanged[valid], X[valid])


def test_labels_of_weight_zero_are_never_drawn():
    recorder = Recorder()
    weights = np.where(valid_steps(X), np.arange(6) % 2, 0)
    permutation_importance(
        recorder, X, y, over="lags", lags=[1], sample_weight=weights, random_state=0
    )
    for _, drawn in recorder.asked:
        assert (drawn[:, ::2] == 0).all()
        assert_array_equal(drawn.sum(axis=1), weights[:, 1:].sum(axis=1))


def test_tokens_are_exchanged_too():
    model = speller(max_iter=200).fit(WORDS, VOWELS)
    result = permutation_importance(model, WORDS, VOWELS, random_state=0)
    assert result.importances_mean.shape == (1,)
    assert result.importances_mean > 0.2
    lists = [list(word) for word in WORDS]
    for words in (WORDS, lists):
        model.fit(words, VOWELS)
        lags = permutation_importance(
            model, words, VOWELS, over="lags", lags=3, random_state=0
        )
        assert lags.importances_mean.argmax() == 0


@pytest.mark.parametrize("over", ["features", "lags"])
def test_exchanged_strings_are_strings_of_the_same_lengths(over):
    recorder = Recorder()
    permutation_importance(recorder, WORDS, VOWELS, over=over, lags=1, random_state=0)
    for words, _ in recorder.asked:
        assert [len(word) for word in words] == [len(word) for word in WORDS]
        assert all(isinstance(word, str) for word in words)
    assert any(list(words) != WORDS for words, _ in recorder.asked)


def test_a_scorer_may_be_named(labeler):
    for over in ("features", "lags"):
        expected = permutation_importance(labeler, X, y, over=over, random_state=0)
        result = permutation_importance(
            labeler, X, y, over=over, scoring="accuracy", random_state=0
        )
        assert_allclose(result.importances, expected.importances, atol=1e-12)


def test_a_scorer_may_be_given(labeler):
    def negative_error(model, X, y, sample_weight=None):
        return model.score(X, y, sample_weight=sample_weight) - 1

    for over in ("features", "lags"):
        expected = permutation_importance(labeler, X, y, over=over, random_state=0)
        result = permutation_importance(
            labeler, X, y, over=over, scoring=negative_error, random_state=0
        )
        assert_allclose(result.importances, expected.importances, atol=1e-12)


@pytest.mark.parametrize(
    ("data", "parameters", "message"),
    [
        (X, {"over": "steps"}, "'over' parameter"),
        (X, {"over": "lags", "lags": 0}, "'lags' parameter"),
        (X, {"over": "lags", "lags": []}, "pass an integer or a list of integers"),
        (X, {"over": "lags", "lags": [0.5]}, "pass an integer or a list of integers"),
        (X, {"over": "lags", "lags": [6]}, "longest sequence has 6 valid steps"),
        (X[:1, :1], {"over": "lags", "lags": 1}, "X has one valid step"),
        (X, {"n_repeats": 0}, "'n_repeats' parameter"),
        (X[:, 0], {}, "X is 2-D, a table"),
    ],
)
def test_what_has_no_importance_is_an_error(labeler, data, parameters, message):
    with pytest.raises(ValueError, match=message):
        permutation_importance(labeler, data, y, **parameters)
