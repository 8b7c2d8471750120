"""Scorers of steps in scikit-learn's searches, for every form of sequences."""

import pickle
from functools import partial

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose
from samples import FORMS, as_form, make_sequences, step_values
from sklearn import metrics as sk
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import (
    OneHotSequenceEncoder,
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    as_ragged,
    valid_steps,
)
from skrnn.metrics import (
    flatten_steps,
    get_step_scorer,
    make_step_scorer,
    sequence_accuracy_score,
    span_f1_score,
    step_accuracy_score,
    step_log_loss,
)

X, Y = make_sequences()

# How the three classes of Y look in y, and what stands at padding there.
SPELLINGS = {
    "integers": np.array([0, 1, 2, 7]),
    "minus one a class": np.array([-1, 0, 1, -1]),
    "strings": np.array(["x", "yy", "z", ""]),
    "empty string a class": np.array(["", "a", "b", "a"]),
    "booleans": np.array([False, True, True, True]),
    "floats": np.array([1.0, 2.0, 3.0, np.nan]),
}
NAMES = ["accuracy", "balanced_accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr"]


def make_model(**parameters):
    """Return a small model that counts as converged at once."""
    defaults = {"alpha": 1, "tol": 10.0, "random_state": 0}
    return VanillaRNNClassifier(4, **defaults | parameters)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_scores_are_those_of_the_valid_steps(form, spelling):
    X_in, y_in = as_form(form, X, SPELLINGS[spelling][Y])
    labels = SPELLINGS[spelling][Y[:, 0] if form == "rows" else Y[valid_steps(X)]]
    model = make_model().fit(X_in, y_in)
    proba = step_values(form, model.predict_proba(X_in), X)
    predicted = model.classes_[proba.argmax(axis=1)]
    score = {name: get_step_scorer(name)(model, X_in, y_in) for name in NAMES[:4]}
    assert score["accuracy"] == model.score(X_in, y_in)
    assert score["balanced_accuracy"] == sk.balanced_accuracy_score(labels, predicted)
    assert score["f1_macro"] == sk.f1_score(labels, predicted, average="macro")
    assert_allclose(score["neg_log_loss"], -sk.log_loss(labels, proba), rtol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_on_rows_every_scorer_is_the_one_of_scikit_learn(n_classes):
    rows, labels = X[:, 0], Y[:, 0] if n_classes == 3 else (Y[:, 0] > 0).astype(int)
    model = make_model().fit(rows, labels)
    n_same = 0
    for name in sk.get_scorer_names():
        try:
            expected = sk.get_scorer(name)(model, rows, labels)
        except (ValueError, UndefinedMetricWarning):  # not of classes, or of as many
            continue
        assert_allclose(get_step_scorer(name)(model, rows, labels), expected)
        n_same += 1
    assert n_same > 30


@pytest.mark.parametrize("form", ["padded", "ragged"])
@pytest.mark.parametrize("pos_label", ["no", "yes"])
@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_the_positive_class_may_be_either(form, pos_label, method):
    X_in, y_in = as_form(form, X, np.where(Y > 0, "yes", "no"))
    model = make_model().fit(X_in, y_in)
    scorer = make_step_scorer(
        sk.average_precision_score, response_method=method, pos_label=pos_label
    )
    true = (Y[valid_steps(X)] > 0) == (pos_label == "yes")
    proba = step_values(form, model.predict_proba(X_in), X)
    expected = sk.average_precision_score(
        true, proba[:, ["no", "yes"].index(pos_label)]
    )
    assert scorer(model, X_in, y_in) == pytest.approx(expected, rel=1e-12)


def test_y_may_be_wider_than_x():
    model = make_model().fit(X, Y)
    wide = np.pad(Y, [(0, 0), (0, 3)], constant_values=1)
    for name in NAMES:
        scorer = get_step_scorer(name)
        assert scorer(model, X, wide) == scorer(model, X, Y)


@pytest.mark.parametrize("padding_label", ["auto", 99, "nothing", None])
def test_no_padding_label_counts(padding_label):
    model = make_model(padding_label=padding_label).fit(X, Y)
    assert get_step_scorer("accuracy")(model, X, Y) == model.score(X, Y)


@pytest.mark.parametrize("name", ["accuracy", "neg_log_loss", "sequence_accuracy"])
def test_weights_count_as_copies(name):
    model, counts = make_model().fit(X, Y), np.arange(len(X)) % 3
    scorer = get_step_scorer(name)
    expected = scorer(model, np.repeat(X, counts, axis=0), np.repeat(Y, counts, axis=0))
    assert scorer(model, X, Y, sample_weight=counts) == pytest.approx(expected)


def test_steps_have_weights_of_their_own():
    model, weights = make_model().fit(X, Y), np.random.default_rng(0).random(Y.shape)
    score = get_step_scorer("accuracy")(model, X, Y, sample_weight=weights)
    assert score == pytest.approx(model.score(X, Y, sample_weight=weights), rel=1e-14)


@pytest.mark.parametrize("form", ["padded", "ragged", "lists"])
@pytest.mark.parametrize(
    "name", ["accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "neg_log_loss"]
)
def test_no_scorer_counts_steps_of_weight_zero(form, name):
    model = make_model().fit(X, Y)
    weights = np.random.default_rng(0).random(Y.shape)
    weights[:, :2] = 0  # where labels are missing, or no classes
    y = np.where(weights > 0, Y, 9).astype(object)
    y[:, 0] = None
    counts = valid_steps(X) & (weights > 0)
    metric, answers = {
        "accuracy": (sk.accuracy_score, model.predict(X)),
        "balanced_accuracy": (sk.balanced_accuracy_score, model.predict(X)),
        "f1_macro": (partial(sk.f1_score, average="macro"), model.predict(X)),
        "f1_weighted": (partial(sk.f1_score, average="weighted"), model.predict(X)),
        "neg_log_loss": (partial(sk.log_loss, labels=[0, 1, 2]), None),
    }[name]
    if answers is None:
        answers = model.predict_proba(X)
    expected = metric(Y[counts], answers[counts], sample_weight=weights[counts])
    expected *= -1 if name == "neg_log_loss" else 1
    X_in, y_in = as_form(form, X, y)
    _, weights_in = as_form(form, X, weights)
    score = get_step_scorer(name)(model, X_in, y_in, sample_weight=weights_in)
    assert score == pytest.approx(expected, rel=1e-12)


def test_scores_of_probabilities_leave_out_steps_of_weight_zero():
    y = np.where(Y > 0, 1, 0)
    model = make_model().fit(X, y)
    weights = np.random.default_rng(0).integers(0, 2, size=Y.shape)
    counts = valid_steps(X) & (weights > 0)
    true, proba = y[counts], model.predict_proba(X)[counts][:, 1]
    expected = {
        "top_k_accuracy": sk.top_k_accuracy_score(true, proba, k=1),
        "roc_auc": sk.roc_auc_score(true, proba),
        "neg_brier_score": -sk.brier_score_loss(true, proba),
    }
    odd = np.where(weights > 0, y, -7)
    scorers = {name: get_step_scorer(name) for name in expected}
    scorers["top_k_accuracy"] = make_step_scorer(
        sk.top_k_accuracy_score, response_method="predict_proba", k=1
    )
    for name, scorer in scorers.items():
        score = scorer(model, X, odd, sample_weight=weights)
        assert score == pytest.approx(expected[name], rel=1e-12)


def test_ragged_answers_say_which_steps_of_an_array_are_valid():
    ragged, y = as_form("ragged", X, Y)
    model = make_model().fit(ragged, y)
    for name in (*NAMES, "sequence_accuracy"):
        scorer = get_step_scorer(name)
        filled = np.where(valid_steps(X), Y, 1)
        assert scorer(model, ragged, filled) == scorer(model, ragged, y)


SPANS = {"B": "B-X", "i": "I-X", "o": "O", "C": "B-Y"}
WORDS = ["oBio", "Bi", "oCBiio", "oooB", "Bioo", "CC", "oBi", "BioC", "o", "iiCo"]


def spans_of(words):
    """Return the BIO labels that letters stand for."""
    return as_ragged([[SPANS[letter] for letter in word] for word in words])


def make_reader():
    """Return a pipeline that reads letters."""
    encoder = OneHotSequenceEncoder(handle_unknown="ignore")
    return make_pipeline(encoder, make_model(alpha=0.01, max_iter=20))


def test_searches_take_spans_and_folds_of_several_widths():
    search = GridSearchCV(
        make_reader(),
        {"vanillarnnclassifier__alpha": [0.01, 100]},
        scoring=get_step_scorer("span_f1"),
        cv=KFold(3),
    )
    search.fit(WORDS, spans_of(WORDS))
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    y_pred = search.predict(WORDS)
    assert search.score(WORDS, spans_of(WORDS)) == span_f1_score(
        spans_of(WORDS), y_pred
    )


def test_classes_absent_from_a_part_leave_scores_finite():
    y = spans_of(WORDS)
    names = ["neg_log_loss", "f1_macro", "accuracy"]
    scoring = {name: get_step_scorer(name) for name in names}
    parts = [([1, 3, 4, 6], [0, 8]), ([5, 7, 9], [8])]
    result = cross_validate(
        make_reader(), WORDS, y, cv=parts, scoring=scoring, error_score="raise"
    )
    assert all(np.isfinite(result[f"test_{name}"]).all() for name in names)


def test_the_log_loss_of_an_absent_class_is_that_of_its_columns():
    model = make_model().fit(X, Y)
    y = np.where(Y == 1, 0, Y)
    expected = -step_log_loss(y, model.predict_proba(X), labels=[0, 1, 2])
    assert get_step_scorer("neg_log_loss")(model, X, y) == expected


SEARCHES = {
    "random": partial(RandomizedSearchCV, n_iter=2, random_state=0),
    "halving": partial(HalvingGridSearchCV, min_resources=6, random_state=0),
    "grid": GridSearchCV,
}


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("form", ["padded", "ragged"])
def test_every_search_takes_a_step_scorer(kind, form):
    X_in, y_in = as_form(form, X, Y)
    grid, scorer = {"alpha": [0.1, 1.0]}, get_step_scorer("neg_log_loss")
    search = SEARCHES[kind](make_model(), grid, scoring=scorer, cv=2)
    best = search.fit(np.array(X_in), y_in).best_score_
    assert -10 < best < 0


def test_curves_and_permutations_take_a_step_scorer():
    scorer = get_step_scorer("f1_macro")
    _, _, scores = learning_curve(
        make_model(), X, Y, cv=2, scoring=scorer, train_sizes=[3, 6]
    )
    assert np.isfinite(scores).all()
    _, permuted, _ = permutation_test_score(
        make_model(), X, Y, cv=2, scoring=scorer, n_permutations=2, random_state=0
    )
    assert np.isfinite(permuted).all()


def test_processes_agree_with_a_single_one():
    scoring = {name: get_step_scorer(name) for name in NAMES[:4]}
    one, two = (
        cross_validate(make_model(), X, Y, cv=2, scoring=scoring, n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )
    for name in scoring:
        assert_allclose(one[f"test_{name}"], two[f"test_{name}"], rtol=1e-12)


@pytest.mark.parametrize("name", [*NAMES, "span_f1", "sequence_accuracy"])
def test_scorers_survive_pickling(name):
    scorer = get_step_scorer(name)
    again = pickle.loads(pickle.dumps(scorer))
    assert repr(again) == repr(scorer)
    assert repr(scorer).startswith("make_step_scorer(")


def test_several_scorers_predict_once():
    class Counting(VanillaRNNClassifier):
        n_calls = 0

        def predict(self, X):
            Counting.n_calls += 1
            return super().predict(X)

    model = Counting(4, tol=10.0, random_state=0)
    scoring = {name: get_step_scorer(name) for name in NAMES[:3]}
    cross_validate(model, X, Y, cv=2, scoring=scoring)
    assert Counting.n_calls == 2


def test_weights_are_routed_to_scorers():
    weights = np.random.default_rng(0).random(Y.shape)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_model().set_fit_request(sample_weight=False)
        run = partial(cross_val_score, model, X, Y, cv=2)
        params = {"sample_weight": weights}
        scorer = get_step_scorer("accuracy")
        plain = run(scoring=scorer)
        weighted = run(
            scoring=scorer.set_score_request(sample_weight=True), params=params
        )
        by_model = (
            run(params=params, scoring=None)
            if model.set_score_request(sample_weight=True)
            else None
        )
    assert_allclose(weighted, by_model, rtol=1e-14)
    assert not np.allclose(weighted, plain)


def test_metrics_of_sequences_are_told_from_those_of_steps():
    model = make_model().fit(X, Y)
    expected = sequence_accuracy_score(Y, model.predict(X))
    assert expected != step_accuracy_score(Y, model.predict(X))
    for metric in (sequence_accuracy_score, partial(sequence_accuracy_score)):
        assert make_step_scorer(metric)(model, X, Y) == expected


def test_a_metric_may_ask_for_sequences():
    def longest(y_true, y_pred):
        return max(map(len, y_true)) + max(map(len, y_pred))

    model = make_model().fit(X, Y)
    assert make_step_scorer(longest, flatten=False)(model, X, Y) == 2 * X.shape[1]
    with pytest.raises(TypeError, match="len"):
        make_step_scorer(longest)(model, X, Y)


def test_a_loss_is_negated():
    model = make_model().fit(X, Y)
    scorer = make_step_scorer(sk.zero_one_loss, greater_is_better=False)
    assert scorer(model, X, Y) == pytest.approx(model.score(X, Y) - 1, rel=1e-14)


def test_the_first_method_that_a_model_has_is_taken():
    model = make_model().fit(X, Y)
    methods = ("no_such_method", "predict_proba")
    scorer = make_step_scorer(sk.log_loss, response_method=methods)
    proba = model.predict_proba(X)
    assert scorer(model, X, Y) == step_log_loss(Y, proba)


class NextValue(RegressorMixin, BaseEstimator):
    """Predict the last of the features, and NaN at padding."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.asarray(X)[..., -1]


def test_regressors_have_scorers_too():
    y = np.where(Y < 0, 1e9, Y)
    expected = sk.r2_score(*flatten_steps(y, X[..., -1])[:2])
    assert get_step_scorer("r2")(NextValue(), X, y) == expected
    assert expected > -10


@pytest.mark.parametrize("name", ["r2", "neg_root_mean_squared_error"])
def test_several_outputs_of_rows_are_not_steps(name):
    rows = X[:, 0]
    targets = rows[:, :2] * [10, 1]
    model = VanillaRNNRegressor(4, alpha=1, tol=10.0, random_state=0)
    model = make_pipeline(StandardScaler(), model).fit(rows, targets)
    expected = sk.get_scorer(name)(model, rows, targets)
    assert get_step_scorer(name)(model, rows, targets) == expected


def test_unknown_names_raise():
    with pytest.raises(ValueError, match="'f1_makro' is not a valid scoring value"):
        get_step_scorer("f1_makro")


def test_a_name_is_no_metric():
    with pytest.raises(TypeError, match="get_step_scorer takes names"):
        make_step_scorer("f1_macro")


# neg_sequence_log_loss


def sequence_models():
    X, y = make_sequences(16)
    options = {"alpha": 1.0, "skip_alpha": 1.0, "max_iter": 5, "random_state": 0}
    return X, y, VanillaRNNClassifier(3, **options)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", FORMS)
def test_without_a_chain_sequences_lose_what_their_steps_lose(form):
    X, y, model = sequence_models()
    X, y = as_form(form, X, y)
    scores = [
        get_step_scorer(name)(model.fit(X, y), X, y)
        for name in ("neg_sequence_log_loss", "neg_log_loss")
    ]
    assert_allclose(scores[0], scores[1], rtol=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_sequences_of_a_chain_lose_their_log_probability():
    X, y, model = sequence_models()
    X, y = as_form("ragged", X, y)
    scorer = get_step_scorer("neg_sequence_log_loss")
    model = model.set_params(transitions=True).fit(X, y)
    log_proba, lengths = model.sequence_log_proba(X, y), np.array([*map(len, y)])
    assert_allclose(scorer(model, X, y), log_proba.sum() / lengths.sum(), rtol=1e-12)
    weights = np.arange(len(X)) % 3.0
    expected = weights @ log_proba / (weights @ lengths)
    assert_allclose(scorer(model, X, y, sample_weight=weights), expected, rtol=1e-12)
    # A step of weight 0 is unlabeled.
    by_step = [np.ones(n) for n in lengths]
    by_step[0][1] = 0
    partly = [labels.astype(object) for labels in y]
    partly[0][1] = None
    expected = model.sequence_log_proba(X, partly).sum() / (lengths.sum() - 1)
    assert_allclose(scorer(model, X, y, sample_weight=by_step), expected, rtol=1e-12)
    by_step[2][0] = 2
    with pytest.raises(ValueError, match=r"sample_weight\[2\] differs"):
        scorer(model, X, y, sample_weight=by_step)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_impossible_labels_have_a_finite_loss():
    X, y, model = sequence_models()
    X, y = as_form("ragged", X, y)
    model = model.set_params(transitions=True).fit(X[1:], y[1:])
    scorer = get_step_scorer("neg_sequence_log_loss")
    unknown = [labels.copy() for labels in y[:2]]
    unknown[0][0] = 7
    partly = [labels.astype(object) for labels in unknown]
    partly[0][0] = None
    eps, n = np.log(np.finfo(float).eps), len(y[0]) + len(y[1])
    expected = (model.sequence_log_proba(X[:2], partly).sum() + eps) / n
    assert_allclose(scorer(model, X[:2], unknown), expected, rtol=1e-12)
    model.transition_coef_[...] = -np.inf  # no sequence of several steps is allowed
    one_step = [x[:1] for x in X[:2]]
    assert scorer(model, one_step, [labels[:1] for labels in y[:2]]) > eps
    model.start_coef_[y[0][0]] = -np.inf
    assert_allclose(scorer(model, one_step[:1], [y[0][:1]]), eps, rtol=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_searches_and_pipelines_compare_sequences():
    X, y, model = sequence_models()
    X, y = as_form("ragged", X, y)
    X, y = as_ragged(X), as_ragged(y)
    scoring = {
        name: get_step_scorer(name) for name in ("neg_sequence_log_loss", "accuracy")
    }
    pipeline = make_pipeline(StepwiseTransformer(StandardScaler()), model)
    search = GridSearchCV(
        pipeline,
        {"vanillarnnclassifier__transitions": [False, True]},
        scoring=scoring,
        refit="neg_sequence_log_loss",
        cv=2,
    ).fit(X, y)
    scaled, network = search.best_estimator_[0].transform(X), search.best_estimator_[1]
    expected = network.sequence_log_proba(scaled, y).sum() / sum(map(len, y))
    assert_allclose(scoring["neg_sequence_log_loss"](search, X, y), expected)
    assert np.isfinite(search.cv_results_["mean_test_neg_sequence_log_loss"]).all()
