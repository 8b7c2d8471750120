"""What users ask other packages for: one test for each row of docs/elsewhere.md.

The docstring of a test names the thread in which they ask.
"""

import pickle
import re
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from samples import make_sequences
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_regression
from sklearn.feature_extraction import DictVectorizer
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skrnn import (
    OneHotSequenceEncoder,
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    WindowTransformer,
    as_ragged,
    unpad,
    valid_steps,
)
from skrnn.datasets import make_hmm_sequences
from skrnn.metrics import (
    get_step_scorer,
    span_f1_score,
    span_precision_recall_fscore_support,
    step_accuracy_score,
    step_confusion_matrix,
    step_f1_score,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAGE = Path(__file__).parents[1] / "docs" / "elsewhere.md"
X, y = make_sequences(24)
VALID = valid_steps(X)
RAGGED, LABELS = unpad(X, y)
MANY = make_sequences(400, 60)  # enough for two threads

SENTENCES = [["to", "be", "or"], ["not"], ["to", "be"], ["or", "not", "to", "be"]] * 2
DICTS = [[{"word": w, "length": len(w)} for w in words] for words in SENTENCES]
TAGS = [["verb" if w == "be" else "other" for w in words] for words in SENTENCES]


def network(n_hidden=4, **parameters):
    parameters = {"alpha": 1, "max_iter": 10, "random_state": 0, **parameters}
    return VanillaRNNClassifier(n_hidden, **parameters)


def same_fit(one, other):
    """Hold that two models answer alike."""
    assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=1e-6)


# scikit-learn


def test_a_class_weight_is_a_factor_on_the_steps_of_the_class():
    """scikit-learn#9113"""
    by_class = network(class_weight={0: 1, 1: 5, 2: 1}).fit(X, y)
    by_step = network().fit(X, y, sample_weight=np.where(y == 1, 5.0, 1.0))
    same_fit(by_class, by_step)


def test_training_and_validation_loss_are_kept_for_every_iteration():
    """scikit-learn#18507"""
    model = network(early_stopping=True).fit(X, y)
    assert len(model.loss_curve_) == len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_progress_is_one_line_on_a_terminal(capsys, monkeypatch):
    """scikit-learn#6021"""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    model = network(verbose=1).fit(X, y)
    out = capsys.readouterr().out
    assert out.count("\rIteration") == model.n_iter_
    assert out.count("\n") == 1


def test_verbose_prints_every_iteration(capsys):
    """scikit-learn#10236"""
    model = network(verbose=2).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_
    assert all("loss = " in line for line in lines)


def test_iterations_and_evaluations_have_limits_of_their_own():
    """scikit-learn#9273"""
    few_iterations = network(max_iter=3).fit(X, y)
    assert (few_iterations.stop_reason_, few_iterations.n_iter_) == ("max_iter", 3)
    few_evaluations = network(max_iter=1000, max_fun=5).fit(X, y)
    assert few_evaluations.stop_reason_ == "max_fun"
    assert few_evaluations.n_iter_ < 5 <= few_evaluations.n_fun_


def test_searches_take_labels_with_two_axes():
    """scikit-learn#9742"""
    search = GridSearchCV(network(), {"alpha": [0.1, 1]}, cv=3).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_accuracy_of_labels_with_two_axes_is_the_share_of_right_steps():
    """scikit-learn#9414"""
    truth, prediction = np.array([[0, 1, 1], [2, 0, 1]]), np.array([[0, 1, 2]] * 2)
    with pytest.raises(ValueError, match="multiclass-multioutput is not supported"):
        accuracy_score(truth, prediction)
    assert step_accuracy_score(truth, prediction) == 2 / 6
    # Two classes are taken for sets of labels, which are all right or wrong.
    assert accuracy_score(truth == 1, prediction == 1) == 0
    assert step_accuracy_score(truth == 1, prediction == 1) == 3 / 6


def test_searches_take_the_metrics_of_scikit_learn():
    """scikit-learn#3681"""
    names = ["balanced_accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr"]
    scoring = {name: get_step_scorer(name) for name in names}
    search = GridSearchCV(network(), {}, scoring=scoring, refit="f1_macro", cv=3)
    results = search.fit(X, y).cv_results_
    assert all(np.isfinite(results[f"mean_test_{name}"][0]) for name in names)


def test_lists_of_labels_go_through_searches_by_as_ragged():
    """scikit-learn#7767"""
    labels = [row.tolist() for row in LABELS]
    search = GridSearchCV(network(), {"alpha": [0.1, 1]}, cv=3)
    with pytest.raises(ValueError, match=r"[Ss]equence of sequences"):
        search.fit(RAGGED, labels)
    assert search.fit(RAGGED, as_ragged(labels)).score(RAGGED, labels) > 0.5


# sklearn-crfsuite, crfsuite, seqlearn


def test_cross_validation_takes_feature_dicts_and_an_f_score():
    """sklearn-crfsuite#20"""
    model = make_pipeline(StepwiseTransformer(DictVectorizer()), network())
    scorer = get_step_scorer("f1_macro")
    result = cross_validate(model, DICTS, as_ragged(TAGS), scoring=scorer, cv=2)
    assert np.isfinite(result["test_score"]).all()


@pytest.mark.parametrize("copy", [clone, lambda m: pickle.loads(pickle.dumps(m))])
def test_models_have_a_repr_and_copies(copy):
    """sklearn-crfsuite#60"""
    model = network(alpha=0.5)
    assert repr(copy(model)) == repr(model)
    assert "alpha=0.5" in repr(model)
    same_fit(copy(model).fit(X, y), model.fit(X, y))


def test_a_confusion_matrix_takes_labels_and_predictions_as_they_are():
    """sklearn-crfsuite#49"""
    model = network().fit(RAGGED, LABELS)
    counts = step_confusion_matrix(LABELS, model.predict(RAGGED))
    assert counts.sum() == VALID.sum()
    assert_array_equal(counts.sum(axis=1), np.bincount(np.concatenate(LABELS)))


def test_training_goes_on_with_other_sequences():
    """sklearn-crfsuite#15"""
    model = network(warm_start=True).fit(X[:12], y[:12])
    before = model.n_iter_, model.score(X[12:], y[12:])
    model.set_params(max_iter=1).fit(X[12:], y[12:])
    afresh = network(max_iter=1).fit(X[12:], y[12:])
    assert before[0] == 10
    assert model.loss_ < afresh.loss_


def test_training_uses_more_threads_than_one(monkeypatch):
    """sklearn-crfsuite#25"""
    counts, count = [], threading.active_count
    monkeypatch.setattr("builtins.print", lambda *_, **__: counts.append(count()))
    before = count()
    with threadpool_limits(2, user_api="blas"):
        network(64, max_iter=2, verbose=2).fit(*MANY)
    assert counts == [before + 1] * 2


def test_a_gradient_from_several_threads_is_that_of_one():
    """crfsuite#67"""
    losses = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            losses.append(network(64, max_iter=3).fit(*MANY).loss_curve_)
    assert_allclose(*losses, rtol=1e-8)


def test_folds_of_sequences_need_no_lengths():
    """seqlearn#2"""
    for train, test in KFold(3).split(X):
        model = network().fit(X[train], y[train])
        assert model.predict(X[test]).shape == y[test].shape


# seqeval, simpletransformers, biotrainer


def test_a_scheme_decides_whether_a_span_may_start_with_i():
    """seqeval#23"""
    true, predicted = [["B-Phone", "I-Phone"]], [["I-Phone", "I-Phone"]]
    assert span_f1_score(true, predicted) == 1
    assert span_f1_score(true, predicted, scheme="BIO", zero_division=0) == 0
    assert span_f1_score(true, predicted, scheme="IOB1") == 1


def test_iobes_and_bilou_give_the_same_scores():
    """seqeval#71"""
    true = [["B-LOC", "E-LOC", "O", "S-LOC"], ["B-LOC", "I-LOC", "E-LOC"]]
    predicted = [["B-LOC", "I-LOC", "E-LOC", "S-LOC"], ["B-LOC", "O", "E-LOC"]]
    scores = []
    for scheme, names in (("IOBES", "BIES"), ("BILOU", "BILU")):
        table = str.maketrans(dict(zip("BIES", names, strict=True)))
        rows = (
            [[label[0].translate(table) + label[1:] for label in row] for row in y]
            for y in (true, predicted)
        )
        scores.append(span_precision_recall_fscore_support(*rows, scheme=scheme))
    assert scores[0] == scores[1]
    assert scores[0][0] == [0.5]


def test_labels_cut_short_are_an_error():
    """simpletransformers#1279"""
    with pytest.raises(ValueError, match=r"y_true\[0\] has 3 labels but y_pred\[0\] h"):
        span_f1_score([["B-X", "O", "B-X"]], [["B-X", "O"]])


def test_steps_of_weight_zero_count_in_no_metric():
    """biotrainer#16"""
    true, predicted = [["H", None], ["E", "H"]], [["H", "X"], ["E", "H"]]
    weights = [[1, 0], [1, 1]]
    assert step_f1_score(true, predicted, sample_weight=weights) == 1


# hmmlearn


def test_sequences_and_labels_are_all_that_scikit_learn_needs():
    """hmmlearn#29"""
    model = make_pipeline(StepwiseTransformer(StandardScaler()), network())
    assert is_classifier(model)
    assert cross_val_score(model, X, y, cv=3).shape == (3,)


def test_missing_values_are_named_and_can_be_imputed():
    """hmmlearn#327"""
    holes = X.copy()
    holes[2, 1, 0] = np.nan
    with pytest.raises(ValueError, match=r"X\[2\] at step 1"):
        network().fit(holes, y)
    imputer = StepwiseTransformer(SimpleImputer(add_indicator=True))
    model = make_pipeline(imputer, network()).fit(holes, y)
    assert_array_equal(model.predict(holes) == -1, ~VALID)


def test_labels_of_hidden_states_are_learned():
    """hmmlearn#123"""
    data = make_hmm_sequences(60, random_state=0)
    model = network(alpha=100, max_iter=50).fit(data.data[:40], data.target[:40])
    most_frequent = np.bincount(data.target[data.target >= 0]).max()
    share = most_frequent / (data.target >= 0).sum()
    assert model.score(data.data[40:], data.target[40:]) > share + 0.1


# PyTorch


def test_predictions_come_in_the_order_of_the_sequences():
    """pytorch#3584"""
    model, order = network().fit(X, y), np.random.default_rng(0).permutation(len(X))
    assert_allclose(model.predict_proba(X[order]), model.predict_proba(X)[order])
    shuffled = model.predict_proba([RAGGED[i] for i in order])
    for proba, i in zip(shuffled, order, strict=True):
        assert_allclose(proba, model.predict_proba(X)[i, VALID[i]])


def test_results_are_as_wide_as_the_input():
    """pytorch#6299"""
    short = VALID.sum(axis=1) < X.shape[1]
    model = network().fit(X, y)
    assert model.predict(X[short]).shape == X[short].shape[:2]
    assert model.hidden_states(X[short]).shape[:2] == X[short].shape[:2]


def test_any_order_of_the_sequences_gives_the_same_fit():
    """pytorch#33602"""
    order = np.random.default_rng(0).permutation(len(X))
    same_fit(network().fit(X, y), network().fit(X[order], y[order]))


# Keras


def test_weights_may_be_one_for_each_step():
    """keras#1537"""
    of_sequences = np.linspace(1, 2, len(X))
    of_steps = np.repeat(of_sequences[:, None], X.shape[1], axis=1)
    model = network().fit(X, y, of_steps)
    same_fit(model, network().fit(X, y, of_sequences))
    of_steps[:, 1] = 0
    right = (model.predict(X) == y)[VALID]
    expected = np.average(right, weights=of_steps[VALID])
    assert_allclose(model.score(X, y, of_steps), expected, rtol=1e-12)


def test_a_weight_of_two_at_every_step_is_the_sequence_twice():
    """keras#1199"""
    weights = np.ones(y.shape)
    weights[3] = 2
    twice = np.append(np.arange(len(X)), 3)
    same_fit(network().fit(X, y, weights), network().fit(X[twice], y[twice]))


def test_padded_and_ragged_sequences_give_the_same_model_and_score():
    """keras#4594"""
    padded, ragged = network().fit(X, y), network().fit(RAGGED, LABELS)
    same_fit(padded, ragged)
    assert padded.score(X, y) == ragged.score(RAGGED, LABELS)
    assert padded.score(X, y) == (padded.predict(X) == y)[VALID].mean()


def test_weights_of_padding_are_never_read():
    """keras#2216"""
    weights = np.where(VALID, 1.0, 1000.0)
    model = network().fit(X, y)
    same_fit(network().fit(X, y, weights), model)
    assert model.score(X, y, weights) == model.score(X, y)


def test_balanced_classes_do_not_count_padding():
    """keras#7595"""
    padded = network(class_weight="balanced").fit(X, y)
    same_fit(padded, network(class_weight="balanced").fit(RAGGED, LABELS))
    assert_array_equal(padded.classes_, [0, 1, 2])


def test_a_state_is_kept_from_one_character_to_the_next():
    """keras#1128"""
    encoder = OneHotSequenceEncoder()
    text = encoder.fit_transform(["hello hello"])
    model = network().fit(text[:, :-1], text.argmax(axis=-1)[:, 1:])
    state = model.initial_state()
    for t, expected in enumerate(model.predict_proba(text)[0]):
        proba, state = model.step(text[:, t], state)
        assert_allclose(proba[0], expected, rtol=1e-5)


def test_a_classifier_takes_a_label_for_every_word():
    """keras#13840"""
    tags = np.array(["noun", "verb", "other"])[y]
    assert cross_val_score(network(), X, tags, cv=3).shape == (3,)
    one_hot = np.eye(3)[y]
    with pytest.raises(ValueError, match=r"use y.argmax\(axis=-1\)"):
        network().fit(X, one_hot)


# skorch


def test_a_grid_search_keeps_groups_of_ragged_sequences_together():
    """skorch#1083"""
    groups = np.arange(len(RAGGED)) // 2
    search = GridSearchCV(network(), {"alpha": [0.1, 1]}, cv=GroupKFold(3))
    search.fit(RAGGED, LABELS, groups=groups)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_lists_of_identifiers_of_any_length_are_sequences():
    """skorch#605"""
    identifiers = [[1, 12, 3], [6, 22], [12, 12, 1, 3]]
    large = [[i > 10 for i in row] for row in identifiers]
    model = make_pipeline(OneHotSequenceEncoder(), network(max_iter=100))
    assert model.fit(identifiers, large).score(identifiers, large) == 1


def test_a_recurrent_regressor_fits_rows_of_a_table():
    """skorch#632"""
    rows, targets = make_regression(200, 20, n_informative=10, random_state=0)
    targets = targets.astype(np.float32) / 100
    model = VanillaRNNRegressor(10, alpha=1, max_iter=100, random_state=0)
    assert model.fit(rows.astype(np.float32), targets).score(rows, targets) > 0.9


# tslearn, aeon, sktime, tsai


def test_classifiers_take_nan_padded_sequences():
    """tslearn#94"""
    assert np.isnan(X).any()
    prediction = network().fit(X, y).predict(X)
    assert_array_equal(prediction == -1, np.isnan(X).all(axis=-1))


def test_every_method_takes_lists_of_arrays_of_several_lengths():
    """aeon#1130"""
    model = network().fit(RAGGED, LABELS)
    assert model.score(RAGGED, LABELS) > 0.5
    for method in ("predict", "predict_proba", "decision_function", "hidden_states"):
        answers = getattr(model, method)(RAGGED)
        assert [len(a) for a in answers] == [len(x) for x in RAGGED]


@pytest.mark.parametrize(
    "transformer", [StepwiseTransformer(StandardScaler()), WindowTransformer()]
)
def test_transformers_take_lists_of_arrays_of_several_lengths(transformer):
    """aeon#2444"""
    rows = transformer.fit_transform(RAGGED)
    assert [len(a) for a in rows] == [len(x) for x in RAGGED]
    assert_allclose(np.concatenate(list(rows)), transformer.fit_transform(X)[VALID])


@pytest.mark.parametrize("sequences", [(X, y), (RAGGED, LABELS)])
def test_searches_of_scikit_learn_tune_classifiers_of_sequences(sequences):
    """sktime#2116"""
    search = RandomizedSearchCV(
        network(), {"alpha": [0.01, 0.1, 1, 10]}, n_iter=2, cv=2, random_state=0
    )
    assert search.fit(*sequences).best_score_ > 0.4


def test_predictions_have_a_label_for_every_step():
    """tsai#299"""
    predicted = network().fit(RAGGED, LABELS).predict(RAGGED)
    assert [len(labels) for labels in predicted] == [len(x) for x in RAGGED]


# The page


def test_every_test_has_a_row_and_every_row_a_test():
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([^]]+)\].*\| `(\w+)` \|$", text, re.MULTILINE)
    tests = {
        function.__doc__: name
        for name, function in globals().items()
        if name.startswith("test_") and function.__doc__
    }
    assert dict(rows) == tests
    assert len(rows) == len(tests)
