"""scikit-learn's contract, its own checks and their like for sequences."""

import copy
import inspect
import itertools
import pickle
from collections import Counter

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from samples import (
    FORMS,
    SEQUENCE_FORMS,
    as_form,
    make_sequences,
    step_values,
)
from sklearn import config_context
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

import skrnn
from skrnn import (
    OneHotSequenceEncoder,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    as_ragged,
    dask,
    valid_steps,
)
from skrnn.datasets import load_python_source

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "hidden_states",
)
X, y = make_sequences()
MANY, MANY_Y = make_sequences(30)
sequence_forms = pytest.mark.parametrize("form", SEQUENCE_FORMS)
searched_forms = pytest.mark.parametrize("form", ["padded", "ragged", "sparse"])


def classifier(**parameters):
    parameters = {"alpha": 1, "max_iter": 5, "random_state": 0, **parameters}
    return VanillaRNNClassifier(4, **parameters)


def take(data, ids):
    """Index arrays, and lists as scikit-learn does."""
    return data[ids] if isinstance(data, np.ndarray) else [data[i] for i in ids]


def test_scikit_learns_checks_pass():
    results = check_estimator(VanillaRNNClassifier(), on_skip=None, on_fail=None)
    statuses = Counter(result["status"] for result in results)
    failed = [r["check_name"] for r in results if r["status"] not in SOUND]
    assert failed == []
    assert statuses["passed"] >= 55


SOUND = ("passed", "skipped")


PUBLIC = [getattr(module, name) for module in (skrnn, dask) for name in module.__all__]
ESTIMATORS = [thing for thing in PUBLIC if hasattr(thing, "get_params")]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_constructor_stores_every_parameter(estimator):
    values = {name: object() for name in inspect.signature(estimator).parameters}
    model = estimator(**values)
    for name, value in values.items():
        assert getattr(model, name) is value


def test_scikit_learns_checks_pass_for_a_two_way_stack():
    model = VanillaRNNClassifier((4, 4), bidirectional=True, activation="relu", alpha=1)
    results = check_estimator(model, on_skip=None, on_fail=None)
    assert {r["status"] for r in results} <= {*SOUND}


COMBINATIONS = [
    {
        "skip_connection": skip_connection,
        "transitions": transitions,
        "hidden_layer_sizes": sizes,
        "bidirectional": bidirectional,
    }
    for skip_connection, transitions, sizes, bidirectional in itertools.product(
        [False, True], [False, True], [(), (4,)], [False, True]
    )
    if skip_connection or (sizes and transitions)
]


@pytest.mark.parametrize("parameters", COMBINATIONS, ids=str)
def test_scikit_learns_checks_pass_with_direct_weights_and_chains(parameters):
    model = VanillaRNNClassifier(alpha=1, skip_alpha=1, max_iter=20, **parameters)
    results = check_estimator(model, on_skip=None, on_fail=None)
    statuses = Counter(result["status"] for result in results)
    assert [r["check_name"] for r in results if r["status"] not in SOUND] == []
    assert statuses["passed"] >= 55


@pytest.mark.parametrize("sizes", [(), (4,)])
def test_scikit_learns_checks_pass_for_a_regressor_with_direct_weights(sizes):
    model = VanillaRNNRegressor(
        sizes, skip_connection=True, alpha=1, skip_alpha=1, max_iter=20
    )
    results = check_estimator(model, on_skip=None, on_fail=None)
    assert [r["check_name"] for r in results if r["status"] not in SOUND] == []


def test_tags_say_what_goes_in():
    tags = get_tags(classifier())
    assert tags.estimator_type == "classifier"
    assert tags.target_tags.required
    assert not tags.target_tags.multi_output
    inputs = tags.input_tags
    assert inputs.two_d_array
    assert inputs.three_d_array
    assert inputs.sparse
    assert not inputs.allow_nan


# One estimator


@pytest.mark.parametrize("form", FORMS)
def test_all_methods_answer_in_the_form_of_X(form):
    X_form, y_form = as_form(form, X, y)
    model = classifier().fit(X_form, y_form)
    sizes = {
        "predict": (),
        "predict_proba": (3,),
        "predict_log_proba": (3,),
        "decision_function": (3,),
        "hidden_states": (4,),
    }
    for method, size in sizes.items():
        result = getattr(model, method)(X_form)
        if form in ("padded", "rows"):
            expected = X.shape[: X.ndim - 1] if form == "padded" else X.shape[:1]
            assert result.shape == (*expected, *size)
        else:
            assert result.shape == (len(X),)
            assert result.dtype == object
            lengths = valid_steps(X).sum(axis=1)
            assert [r.shape for r in result] == [(n, *size) for n in lengths]


@pytest.mark.parametrize("form", ["ragged", "lists"])
def test_forms_of_the_same_sequences_give_the_same_model(form):
    expected = classifier().fit(X, y)
    X_form, y_form = as_form(form, X, y)
    model = classifier().fit(X_form, y_form)
    assert_array_equal(model.output_coef_, expected.output_coef_)
    for method in METHODS:
        assert_array_equal(
            step_values(form, getattr(model, method)(X_form), X),
            step_values("padded", getattr(expected, method)(X), X),
        )
    assert model.score(X_form, y_form) == expected.score(X, y)


def test_sparse_steps_get_the_answers_of_dense_ones():
    model = classifier().fit(X, y)
    X_sparse, _ = as_form("sparse", X, y)
    for method in METHODS:
        assert_allclose(
            step_values("sparse", getattr(model, method)(X_sparse), X),
            step_values("padded", getattr(model, method)(X), X),
            rtol=1e-12,
        )


def test_padding_is_nan_and_the_padding_label():
    model = classifier().fit(X, y)
    padding = ~valid_steps(X)
    assert (model.predict(X)[padding] == model.padding_label_).all()
    for method in METHODS[1:]:
        result = getattr(model, method)(X)
        assert_array_equal(np.isnan(result).all(axis=-1), padding)
        assert_array_equal(np.isnan(result).any(axis=-1), padding)


@sequence_forms
def test_a_second_fit_changes_nothing(form):
    X_form, y_form = as_form(form, X, y)
    model = classifier().fit(X_form, y_form)
    before = model.output_coef_.copy()
    assert model.fit(X_form, y_form) is model
    assert_array_equal(model.output_coef_, before)


@sequence_forms
def test_a_fit_forgets_the_one_before(form):
    X_form, y_form = as_form(form, X, y)
    model = classifier().fit(MANY[..., :2], MANY_Y == 1).fit(X_form, y_form)
    expected = classifier().fit(X_form, y_form)
    assert_array_equal(model.output_coef_, expected.output_coef_)
    assert vars(model).keys() == vars(expected).keys()


@sequence_forms
def test_parameters_stay_as_they_were_set(form):
    model = classifier().set_params(hidden_layer_sizes=[3, 2])
    before = model.get_params()
    model.fit(*as_form(form, X, y))
    assert all(model.get_params()[name] is value for name, value in before.items())


@pytest.mark.parametrize("form", ["padded", "ragged", "rows"])
def test_nothing_is_written_to(form):
    X_form, y_form = as_form(form, X.copy(), y.copy())
    weights = np.arange(1.0, 13)
    arrays = [weights, *X_form, *y_form] if form == "ragged" else [X_form, y_form]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    model = classifier(class_weight="balanced").fit(X_form, y_form, weights)
    model.score(X_form, y_form, weights)
    for method in METHODS:
        getattr(model, method)(X_form)
    for array, kept in zip(arrays, before, strict=True):
        assert_array_equal(array, kept)


def test_results_do_not_alias_the_model_or_each_other():
    model = classifier().fit(X, y)
    before = model.predict_proba(X)
    model.hidden_states(X)[...] = 0
    model.predict_proba(X)[...] = 0
    assert_array_equal(model.predict_proba(X), before)


@sequence_forms
def test_clones_learn_the_same(form):
    X_form, y_form = as_form(form, X, y)
    model = classifier(alpha=0.1, padding_label=-9).fit(X_form, y_form)
    duplicate = clone(model)
    assert not hasattr(duplicate, "classes_")
    assert_array_equal(duplicate.fit(X_form, y_form).output_coef_, model.output_coef_)


def dump_and_load(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


@sequence_forms
@pytest.mark.parametrize(
    "through",
    [
        lambda model, folder: pickle.loads(pickle.dumps(model)),
        lambda model, folder: copy.deepcopy(model),
        dump_and_load,
    ],
    ids=["pickle", "deepcopy", "joblib"],
)
def test_copies_answer_the_same(form, through, tmp_path):
    X_form, y_form = as_form(form, X, y)
    model = classifier().fit(X_form, y_form)
    duplicate = through(model, tmp_path)
    for method in METHODS:
        for one, other in zip(
            getattr(model, method)(X_form),
            getattr(duplicate, method)(X_form),
            strict=True,
        ):
            assert_array_equal(one, other)


@sequence_forms
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_answers_do_not_depend_on_the_company_of_other_sequences(
    form, method, bidirectional
):
    X_form, y_form = as_form(form, X, y)
    ask = getattr(classifier(bidirectional=bidirectional).fit(X_form, y_form), method)
    ids = np.random.default_rng(0).permutation(len(X))[:7]
    for one, i in zip(ask(take(X_form, ids)), ids, strict=True):
        assert_allclose(one, ask(X_form)[i], rtol=1e-7)


def test_the_order_of_sequences_does_not_matter_to_fit():
    order = np.random.default_rng(0).permutation(len(X))
    model = classifier().fit(X, y)
    assert_array_equal(
        classifier().fit(X[order], y[order]).output_coef_, model.output_coef_
    )


@sequence_forms
def test_weight_two_equals_two_copies(form):
    X_form, y_form = as_form(form, X, y)
    weights = np.where(np.arange(len(X)) < 4, 2, 1)
    twice = [*range(4), *range(len(X))]
    copies = classifier().fit(take(X_form, twice), take(y_form, twice))
    weighted = classifier().fit(X_form, y_form, weights)
    assert_array_equal(weighted.output_coef_, copies.output_coef_)


@sequence_forms
def test_weight_zero_equals_removal(form):
    X_form, y_form = as_form(form, X, y)
    weights = np.where(np.arange(len(X)) < 4, 0, 1)
    rest = range(4, len(X))
    removed = classifier().fit(take(X_form, rest), take(y_form, rest))
    weighted = classifier().fit(X_form, y_form, weights)
    assert_array_equal(weighted.output_coef_, removed.output_coef_)


@pytest.mark.parametrize("form", ["padded", "ragged", "sparse", "rows"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept(form, dtype):
    X_form, y_form = as_form(form, X.astype(dtype), y)
    model = classifier().fit(X_form, y_form)
    assert model.output_coef_.dtype == dtype
    for method in METHODS[1:]:
        assert step_values(form, getattr(model, method)(X_form), X).dtype == dtype
    other = as_form(form, X, y)[0]
    assert step_values(form, model.predict_proba(other), X).dtype == np.float64


def test_single_precision_is_close_to_double():
    single, double = X.astype(np.float32), X.astype(np.float32).astype(np.float64)
    assert_allclose(
        classifier().fit(single, y).predict_proba(single),
        classifier().fit(double, y).predict_proba(double),
        atol=1e-4,
    )


@pytest.mark.parametrize("form", ["padded", "ragged", "rows"])
def test_read_only_memory_maps_are_taken(form, tmp_path):
    X_form, y_form = as_form(form, X, y)
    joblib.dump((X_form, y_form), tmp_path / "data.joblib")
    X_map, y_map = joblib.load(tmp_path / "data.joblib", mmap_mode="r")
    model = classifier().fit(X_map, y_map)
    expected = classifier().fit(X_form, y_form)
    assert_array_equal(model.output_coef_, expected.output_coef_)
    assert model.score(X_map, y_map) == expected.score(X_form, y_form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", [*METHODS, "score"])
def test_another_number_of_features_is_an_error(form, method):
    X_form, y_form = as_form(form, X, y)
    model = classifier().fit(X_form, y_form)
    assert model.n_features_in_ == 3
    less, _ = as_form(form, X[..., :2], y)
    with pytest.raises(ValueError, match="X has 2 features, but VanillaRNNClassifier"):
        getattr(model, method)(less, *[y_form] * (method == "score"))


LABELS = {
    "strings": (np.array(["low", "mid", "high"]), "<U4", "", "<U4"),
    "objects": (np.array(["low", "mid", "high"], object), object, "", object),
    "-1 as a class": (np.array([-1, 0, 1]), np.int64, -2, np.int64),
    "smallest integers": (np.array([-128, -1, 5], np.int8), np.int8, -129, np.int16),
    "booleans": (np.array([False, True, True]), bool, -1, np.int8),
    "unsigned": (np.array([3, 0, 200], np.uint8), np.uint8, -1, np.int16),
    "floats": (np.array([0.0, 1.0, -5.0]), np.float64, -6, np.float64),
    "large floats": (np.array([0.0, 1.0, -1e17]), np.float64, -1e17 - 16, np.float64),
    "an empty string": (np.array(["", "a", "b"]), "<U1", "<padding>", "<U9"),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_come_back_in_their_type(name):
    labels, dtype, padding_label, padded_dtype = LABELS[name]
    y_any = labels[y]
    model = classifier().fit(X, y_any)
    assert_array_equal(model.classes_, np.unique(labels))
    assert model.classes_.dtype == dtype
    assert model.padding_label_ == padding_label
    assert model.padding_label_ not in model.classes_.tolist()
    padded = model.predict(X)
    assert padded.dtype == padded_dtype
    valid = valid_steps(X)
    assert (padded[~valid] == padding_label).all()
    ragged, ragged_y = as_form("ragged", X, y_any)
    assert all(labels.dtype == dtype for labels in model.predict(ragged))
    assert_array_equal(np.concatenate(list(model.predict(ragged))), padded[valid])
    rows = classifier().fit(X[:, 0], y_any[:, 0])
    assert rows.predict(X[:, 0]).dtype == dtype
    expected = np.mean(padded[valid] == y_any[valid])
    assert_allclose(model.score(X, y_any), expected)
    assert_allclose(model.score(ragged, ragged_y), expected)


@pytest.mark.parametrize(
    ("padding_label", "labels", "dtype"),
    [
        (-7, np.array([0, 1, 2]), np.int64),
        (-1000, np.array([0, 1, 2], np.int8), np.int16),
        (np.int64(-5), np.array([0, 1, 2], np.uint8), np.int16),
        (99, np.array([0, 1, 2], np.uint8), np.int8),
        (np.nan, np.array([0, 1, 2]), np.float64),
        ("none", np.array(["a", "b", "c"]), "<U4"),
        ("none", np.array([0, 1, 2]), object),
        (-1, np.array(["a", "b", "c"]), object),
        (None, np.array([0, 1, 2]), object),
    ],
)
def test_a_chosen_padding_label_leaves_the_labels_as_they_are(
    padding_label, labels, dtype
):
    model = classifier(padding_label=padding_label).fit(X, labels[y])
    padded = model.predict(X)
    assert padded.dtype == dtype
    valid = valid_steps(X)
    assert set(padded[valid].tolist()) <= set(labels.tolist())
    assert_array_equal(padded[~valid], np.full((~valid).sum(), padding_label, dtype))


def test_the_type_of_predictions_does_not_depend_on_what_is_predicted():
    labels = np.array([0, 1, 200], np.uint8)
    model = classifier().fit(X, labels[y])
    types = {model.predict(X[i : i + 1]).dtype for i in range(len(X))}
    assert types == {np.dtype(np.int16)}


# Model selection, without a line of the user's own


def searched(form):
    return as_form(form, MANY, MANY_Y)


GRID = {"alpha": [0.1, 10.0], "bidirectional": [False, True]}


@searched_forms
@pytest.mark.parametrize(
    "search",
    [
        lambda model: GridSearchCV(model, GRID, cv=2),
        lambda model: RandomizedSearchCV(model, GRID, n_iter=2, cv=2, random_state=0),
        lambda model: HalvingGridSearchCV(
            model, GRID, cv=2, min_resources=10, random_state=0
        ),
    ],
    ids=["grid", "randomized", "halving"],
)
def test_searches_take_sequences(form, search):
    X_form, y_form = searched(form)
    found = search(classifier()).fit(X_form, y_form)
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
    refitted = clone(found.best_estimator_).fit(X_form, y_form)
    assert found.score(X_form, y_form) == refitted.score(X_form, y_form)
    assert len(found.predict(X_form)) == len(MANY)


@searched_forms
def test_searches_take_sequences_in_parallel(form):
    X_form, y_form = searched(form)
    alone, shared = (
        GridSearchCV(classifier(tol=1.0), {"alpha": [0.1, "auto"]}, cv=2, n_jobs=n_jobs)
        .fit(X_form, y_form)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    )
    assert_allclose(shared, alone)


@searched_forms
def test_cross_val_predict_equals_predicting_each_fold(form):
    X_form, y_form = searched(form)
    folds = list(KFold(3).split(MANY))
    labels = cross_val_predict(classifier(), X_form, y_form, cv=folds)
    for train, test in folds:
        model = classifier().fit(take(X_form, train), take(y_form, train))
        for one, other in zip(
            model.predict(take(X_form, test)), labels[test], strict=True
        ):
            assert_array_equal(one, other)


@searched_forms
def test_curves_take_sequences(form):
    X_form, y_form = searched(form)
    sizes, _, scores = learning_curve(
        classifier(), X_form, y_form, train_sizes=[0.5, 1.0], cv=2
    )
    assert sizes.tolist() == [7, 15]
    assert np.isfinite(scores).all()
    train_scores, _ = validation_curve(
        classifier(max_iter=30),
        X_form,
        y_form,
        param_name="alpha",
        param_range=[1e-3, 1e3],
        cv=2,
    )
    assert train_scores.mean(axis=1)[0] > train_scores.mean(axis=1)[1]


@searched_forms
def test_splits_keep_labels_with_their_sequences(form):
    X_form, y_form = searched(form)
    split = train_test_split(X_form, y_form, range(30), random_state=0)
    X_train, X_test, y_train, y_test, ids_train, ids_test = split
    model = classifier().fit(X_train, y_train)
    duplicate = classifier().fit(take(X_form, ids_train), take(y_form, ids_train))
    assert model.score(X_test, y_test) == duplicate.score(
        take(X_form, ids_test), take(y_form, ids_test)
    )


@searched_forms
def test_groups_stay_together(form):
    X_form, y_form = searched(form)
    groups = np.arange(30) % 3
    scores = cross_val_score(
        classifier(), X_form, y_form, groups=groups, cv=GroupKFold(3)
    )
    for score, (train, test) in zip(
        scores, GroupKFold(3).split(MANY, groups=groups), strict=True
    ):
        model = classifier().fit(take(X_form, train), take(y_form, train))
        assert model.score(take(X_form, test), take(y_form, test)) == score


STEP_WEIGHTS = np.random.default_rng(1).uniform(0.1, 2, MANY.shape[:2])


@pytest.mark.parametrize("form", ["padded", "ragged"])
@pytest.mark.parametrize(
    "weights", [STEP_WEIGHTS[:, 0], STEP_WEIGHTS], ids=["per sequence", "per step"]
)
def test_weights_are_routed_to_fit_and_score(form, weights):
    X_form, y_form = searched(form)
    if weights.ndim == 2:
        _, weights = as_form(form, MANY, weights)
    folds = list(KFold(2).split(MANY))
    with config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        scores = cross_validate(
            model, X_form, y_form, cv=folds, params={"sample_weight": weights}
        )["test_score"]
    for score, (train, test) in zip(scores, folds, strict=True):
        model = classifier().fit(
            take(X_form, train), take(y_form, train), take(weights, train)
        )
        expected = model.score(
            take(X_form, test), take(y_form, test), take(weights, test)
        )
        assert score == expected


@pytest.mark.parametrize("sparse_output", [False, True])
def test_strings_go_through_a_pipeline(sparse_output):
    source = load_python_source(40, random_state=0)
    lines, labels = list(source.data), as_ragged(source.target)
    encoder = OneHotSequenceEncoder(
        handle_unknown="ignore", sparse_output=sparse_output
    )
    pipeline = make_pipeline(encoder, classifier())
    search = GridSearchCV(
        pipeline, {"vanillarnnclassifier__alpha": [0.1, 10.0]}, cv=3
    ).fit(lines, labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    accuracy = search.score(lines, labels)
    predicted = search.predict(lines)
    correct = [
        np.asarray(p)[: len(labels_i)] == labels_i
        for p, labels_i in zip(predicted, labels, strict=True)
    ]
    assert_allclose(accuracy, np.concatenate(correct).mean())


def test_the_pipeline_scores_folds_whose_longest_line_is_shorter():
    lines = ["abab", "ba", "a", "abababab"]
    labels = as_ragged(["xyxy", "yx", "x", "xyxyxyxy"])
    pipeline = make_pipeline(OneHotSequenceEncoder(), classifier(max_iter=50))
    pipeline.fit(lines, labels)
    assert pipeline.score(lines[:3], labels[:3]) == 1
    wide = np.array([list("xyxy----"), list("yx------"), list("x-------")])
    assert pipeline.score(lines[:3], wide) == 1
