"""Transformers of scikit-learn at the steps of sequences."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from samples import FORMS, SEQUENCE_FORMS, as_form, make_sequences, step_values
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from skrnn import (
    StepwiseTransformer,
    VanillaRNNClassifier,
    as_ragged,
    pad_labels,
    pad_sequences,
    valid_steps,
)
from skrnn.metrics import make_step_scorer, span_f1_score

X, y = make_sequences()
VALID = valid_steps(X)
STEPS, LABELS = X[VALID], y[VALID]

WORDS = [["to", "be", "or"], ["not"], ["to", "be"]]
DICTS = [[{"word": w, "length": len(w)} for w in words] for words in WORDS]
LABEL_OF = {"to": "B-go", "be": "I-go", "or": "O", "not": "B-no"}

TRANSFORMERS = (
    StandardScaler(),
    PCA(2),
    PolynomialFeatures(2),
    KBinsDiscretizer(3, encode="ordinal", strategy="uniform"),
    KBinsDiscretizer(3, encode="onehot", strategy="uniform"),
    ColumnTransformer([("one", MinMaxScaler(), [2]), ("other", "passthrough", [0])]),
    make_pipeline(StandardScaler(), PCA(1)),
)
transformers = pytest.mark.parametrize(
    "transformer", TRANSFORMERS, ids=lambda t: type(t).__name__
)
sequence_forms = pytest.mark.parametrize("form", SEQUENCE_FORMS)
dense_forms = pytest.mark.parametrize("form", ["padded", "ragged", "lists", "rows"])


def dense(steps):
    return steps.toarray() if sparse.issparse(steps) else np.asarray(steps)


def flat(sequences):
    """Return the steps of ragged sequences, dense or sparse, end to end."""
    return np.concatenate([dense(steps) for steps in sequences])


def steps_of(form, result):
    """Return the transformed steps of X, end to end."""
    if form in ("padded", "rows"):
        return dense(step_values(form, result, X))
    return flat(result)


def make_dicts(n_sequences, seed=0):
    """Return sequences of feature dicts, and spans that follow from them."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 6, size=n_sequences)
    words = [rng.choice([*LABEL_OF], size=size).tolist() for size in sizes]
    steps = [[{"word": word, "bias": 1.0} for word in row] for row in words]
    return steps, as_ragged([[LABEL_OF[word] for word in row] for row in words])


SMALL = {
    "hidden_layer_sizes": 4,
    "alpha": 1,
    "max_iter": 200,
    "tol": 1e-2,
    "random_state": 0,
}


def pipeline(transformer, **parameters):
    parameters = {**SMALL, **parameters}
    model = VanillaRNNClassifier(**parameters)
    return make_pipeline(StepwiseTransformer(transformer), model)


# Forms in are forms out


@dense_forms
@transformers
def test_the_transformer_sees_the_valid_steps_as_its_samples(transformer, form):
    X_form, _ = as_form(form, X, y)
    samples = X[:, 0] if form == "rows" else STEPS
    expected = clone(transformer).fit_transform(samples)
    stepwise = StepwiseTransformer(transformer)
    for result in (stepwise.fit_transform(X_form), stepwise.transform(X_form)):
        assert_allclose(steps_of(form, result), dense(expected), rtol=1e-12, atol=1e-14)


@sequence_forms
def test_sequences_keep_their_order_and_lengths(form):
    X_form, _ = as_form(form, X, y)
    result = StepwiseTransformer(MaxAbsScaler()).fit(X_form).transform(X_form)
    if form == "padded":
        assert_array_equal(valid_steps(result), VALID)
    else:
        assert result.shape == (len(X),)
        assert [steps.shape for steps in result] == [(n, 3) for n in VALID.sum(axis=1)]


@given(
    st.lists(
        hnp.arrays(
            st.sampled_from([np.float32, np.float64]),
            st.tuples(st.integers(0, 4), st.just(2)),
            elements=st.floats(-9, 9, width=32),
        ),
        min_size=1,
        max_size=6,
    ).filter(lambda sequences: any(map(len, sequences)))
)
def test_what_changes_no_step_changes_nothing(sequences):
    identity = StepwiseTransformer(FunctionTransformer())
    for one, other in zip(identity.fit_transform(sequences), sequences, strict=True):
        assert_array_equal(one, other)
    padded = pad_sequences(sequences)
    assert_array_equal(identity.fit_transform(padded), padded)
    as_sparse = [sparse.csr_array(steps) for steps in sequences]
    for one, other in zip(identity.fit_transform(as_sparse), sequences, strict=True):
        assert_array_equal(one.toarray(), other)


@pytest.mark.parametrize("transformer", [MaxAbsScaler(), TruncatedSVD(2)])
def test_sparse_steps_come_back_as_the_transformer_returns_them(transformer):
    X_sparse, _ = as_form("sparse", X, y)
    result = StepwiseTransformer(transformer).fit(X_sparse).transform(X_sparse)
    expected = clone(transformer).fit(sparse.csr_array(STEPS)).transform(STEPS)
    is_sparse = isinstance(transformer, MaxAbsScaler)
    assert all(isinstance(steps, sparse.csr_array) == is_sparse for steps in result)
    assert_allclose(flat(result), dense(expected), rtol=1e-12, atol=1e-14)


def test_sparse_rows_of_padded_sequences_are_made_dense():
    transformer = KBinsDiscretizer(2, encode="onehot", strategy="uniform")
    result = StepwiseTransformer(transformer).fit_transform(X)
    assert result.shape == (*X.shape[:2], 6)
    assert np.isnan(result[~VALID]).all()


def test_a_finite_padding_value_is_kept():
    padded = np.nan_to_num(X, nan=-7.0)
    result = StepwiseTransformer(StandardScaler(), padding_value=-7).fit_transform(
        padded
    )
    assert_array_equal(result[~VALID], -7.0)
    assert_array_equal(result[VALID], StandardScaler().fit_transform(STEPS))


@dense_forms
def test_the_type_of_the_numbers_is_kept(form):
    X_form, _ = as_form(form, X.astype(np.float32), y)
    if form == "lists":
        X_form = as_ragged(X_form)
        X_form = [steps.astype(np.float32) for steps in X_form]
    result = StepwiseTransformer(StandardScaler()).fit_transform(X_form)
    first = result if form in ("padded", "rows") else result[0]
    assert first.dtype == np.float32


def test_numbers_that_cannot_be_padding_get_another_type():
    integers = StepwiseTransformer(FunctionTransformer(np.int64))
    assert integers.fit_transform(X[:1]).dtype == np.int64  # has no padding
    assert integers.fit_transform(X).dtype == np.float64
    words = StepwiseTransformer(FunctionTransformer(lambda rows: rows.astype("U4")))
    assert words.fit_transform(X).dtype == object


def test_X_is_not_written_to():
    before, full = X.copy(), X[:1].copy()
    in_place = StepwiseTransformer(StandardScaler(copy=False))
    in_place.fit_transform(X)
    in_place.fit_transform(full)
    in_place.fit_transform([full[0]])
    assert_array_equal(X, before)
    assert_array_equal(full, before[:1])


def test_padding_is_found_among_objects():
    result = StepwiseTransformer(StandardScaler()).fit_transform(X.astype(object))
    assert_array_equal(result, StepwiseTransformer(StandardScaler()).fit_transform(X))


def test_missing_values_within_steps_are_the_transformers_concern():
    holes = X.copy()
    holes[3, 0, 1] = np.nan
    filled = StepwiseTransformer(SimpleImputer()).fit_transform(holes)
    assert filled[3, 0, 1] == pytest.approx(np.nanmean(holes[VALID][:, 1]), rel=1e-12)
    assert np.isnan(filled[~VALID]).all()


# Steps that are no rows of numbers


@pytest.mark.parametrize("container", [list, tuple, as_ragged, pd.Series, pl.Series])
def test_steps_may_be_dicts(container):
    vectorizer = DictVectorizer()
    expected = vectorizer.fit_transform([step for steps in DICTS for step in steps])
    result = StepwiseTransformer(DictVectorizer()).fit_transform(container(DICTS))
    assert all(isinstance(steps, sparse.csr_array) for steps in result)
    assert {steps.indices.dtype for steps in result} == {np.dtype(np.int32)}
    assert [steps.shape[0] for steps in result] == [3, 1, 2]
    assert_array_equal(flat(result), expected.toarray())


def test_sequences_of_dicts_of_one_length_are_no_rows():
    equal = [steps[:1] for steps in DICTS]
    for X_equal in (equal, as_ragged(equal), np.array(equal)):
        result = StepwiseTransformer(DictVectorizer()).fit_transform(X_equal)
        assert [steps.shape for steps in result] == [(1, 3)] * 3


def test_dicts_without_sequences_are_rows():
    result = StepwiseTransformer(DictVectorizer()).fit_transform(DICTS[0])
    assert result.shape == (3, 4)
    assert sparse.issparse(result)


@pytest.mark.parametrize(
    ("transformer", "sequences"),
    [
        (FeatureHasher(16), DICTS),
        (FeatureHasher(16, input_type="string"), [[w.split("o") for w in WORDS[0]]]),
        (TfidfVectorizer(analyzer="char"), WORDS),
        (CountVectorizer(analyzer=lambda tokens: tokens), [WORDS, WORDS[:2]]),
        (make_pipeline(DictVectorizer(), MaxAbsScaler()), DICTS),
        (DictVectorizer(sparse=False), DICTS),
    ],
    ids=["dicts", "lists", "strings", "tokens", "pipeline", "dense"],
)
def test_steps_may_be_what_the_transformer_takes(transformer, sequences):
    result = StepwiseTransformer(transformer).fit(sequences).transform(sequences)
    steps = [step for steps in sequences for step in steps]
    expected = clone(transformer).fit(steps).transform(steps)
    assert_array_equal(flat(result), dense(expected))
    assert [len(dense(steps)) for steps in result] == [
        len(steps) for steps in sequences
    ]


def test_columns_may_be_of_several_types():
    sequences = [np.array([["a", 1], ["b", 3]], object), np.array([["a", 5]], object)]
    encoder = OneHotEncoder(sparse_output=False)
    columns = ColumnTransformer([("word", encoder, [0]), ("n", MinMaxScaler(), [1])])
    result = StepwiseTransformer(columns).fit_transform(sequences)
    assert flat(result).tolist() == [[1, 0, 0], [0, 1, 0.5], [1, 0, 1]]


def test_rows_of_strings_are_an_array():
    rows = np.array([["a", "b"], ["c", "b"]])
    result = StepwiseTransformer(OneHotEncoder()).fit_transform(rows)
    assert result.toarray().tolist() == [[1, 0, 1], [0, 1, 1]]


# Empty sequences


def test_empty_sequences_have_no_say_and_stay_empty():
    stepwise = StepwiseTransformer(StandardScaler())
    expected = stepwise.fit_transform([X[0], X[1, :2]])
    for empty in ([], np.empty((0, 3))):
        first, none, second = stepwise.fit_transform([X[0], empty, X[1, :2]])
        assert_array_equal(first, expected[0])
        assert_array_equal(second, expected[1])
        assert none.shape == (0, 3)
    first, none = StepwiseTransformer(DictVectorizer()).fit_transform([DICTS[0], []])
    assert none.shape == (0, first.shape[1])


def test_sequences_that_are_all_padding_come_back_as_padding():
    stepwise = StepwiseTransformer(PCA(2)).fit(X)
    nothing = np.full_like(X[:2], np.nan)
    result = stepwise.transform(nothing)
    assert_array_equal(result, np.full((2, X.shape[1], 2), np.nan))
    (empty,) = StepwiseTransformer(DictVectorizer()).fit(DICTS).transform([[]])
    assert empty.shape == (0, 5)


# y, weights and metadata


@sequence_forms
def test_y_goes_to_the_transformer_step_by_step(form):
    X_form, y_form = as_form(form, X, y)
    stepwise = StepwiseTransformer(SelectKBest(k=1)).fit(X_form, y_form)
    expected = SelectKBest(k=1).fit(STEPS, LABELS)
    assert_allclose(stepwise.transformer_.scores_, expected.scores_, rtol=1e-12)


def test_y_may_be_numbers_several_for_a_step():
    seen = []

    class Seeing(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            seen.append(y)
            return self

        def transform(self, X):
            return X

    targets = np.stack([X[..., 0], X[..., 1]], axis=-1)
    StepwiseTransformer(Seeing()).fit(X, targets)
    assert_array_equal(seen[0], STEPS[:, :2])


def test_transforming_in_fit_is_the_transformers_own():
    class Peculiar(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def fit_transform(self, X, y=None):
            return X + 1

        def transform(self, X):
            return X

    stepwise = StepwiseTransformer(Peculiar())
    assert_array_equal(stepwise.fit_transform(X), X + 1)
    assert_array_equal(stepwise.transform(X), X)


@sequence_forms
def test_weights_go_to_the_transformer_step_by_step(form):
    rng = np.random.default_rng(0)
    per_sequence = rng.uniform(1, 2, size=len(X))
    per_step = rng.uniform(1, 2, size=y.shape)
    scaler = StandardScaler(with_mean=False)
    for weights in (per_sequence, as_form(form, X, per_step)[1]):
        weight = np.repeat(per_sequence, VALID.sum(axis=1))
        if weights is not per_sequence:
            weight = per_step[VALID]
        X_form, _ = as_form(form, X, y)
        stepwise = StepwiseTransformer(scaler).fit(X_form, sample_weight=weights)
        expected = clone(scaler).fit(STEPS, sample_weight=weight)
        assert_allclose(stepwise.transformer_.var_, expected.var_, rtol=1e-12)


def test_weights_reach_the_transformer_through_pipelines():
    weight = np.arange(1.0, len(X) + 1)
    expected = StandardScaler().fit(STEPS, None, np.repeat(weight, VALID.sum(axis=1)))
    inner = StepwiseTransformer(make_pipeline(StandardScaler()))
    inner.fit(X, standardscaler__sample_weight=weight)
    assert_array_equal(inner.transformer_[0].mean_, expected.mean_)
    outer = make_pipeline(StepwiseTransformer(StandardScaler()))
    outer.fit_transform(X, stepwisetransformer__sample_weight=weight)
    assert_array_equal(outer[0].transformer_.mean_, expected.mean_)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_transform"])
def test_metadata_are_routed(method):
    weight = np.arange(1.0, len(X) + 1)
    expected = StandardScaler().fit(STEPS, None, np.repeat(weight, VALID.sum(axis=1)))
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight="importance")
        scaler.set_partial_fit_request(sample_weight="importance")
        stepwise = StepwiseTransformer(scaler)
        getattr(stepwise, method)(X, importance=weight)
        assert_allclose(stepwise.transformer_.mean_, expected.mean_, rtol=1e-12)
        with pytest.raises(TypeError, match="unexpected"):
            stepwise.fit(X, other=weight)


def test_metadata_are_routed_through_pipelines():
    weight = np.arange(1.0, len(X) + 1)
    expected = StandardScaler().fit(STEPS, None, np.repeat(weight, VALID.sum(axis=1)))
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        model = pipeline(scaler)
        model[1].set_fit_request(sample_weight=False)
        model.fit(X, y, sample_weight=weight)
    assert_allclose(model[0].transformer_.mean_, expected.mean_, rtol=1e-12)


# Other methods


def test_partial_fit_goes_on():
    stepwise = StepwiseTransformer(StandardScaler())
    for part in (X[:5], X[5:]):
        stepwise.partial_fit(part)
    expected = StandardScaler().fit(STEPS)
    assert_allclose(stepwise.transformer_.mean_, expected.mean_, rtol=1e-12)
    assert_array_equal(stepwise.transformer_.n_samples_seen_, VALID.sum())
    stepwise.fit(X)
    assert_array_equal(stepwise.transformer_.n_samples_seen_, VALID.sum())


@pytest.mark.parametrize("form", FORMS)
def test_inverse_transform_undoes_transform(form):
    X_form, _ = as_form(form, X, y)
    stepwise = StepwiseTransformer(StandardScaler(with_mean=form != "sparse"))
    back = stepwise.inverse_transform(stepwise.fit_transform(X_form))
    expected = X[:, 0] if form == "rows" else STEPS
    assert_allclose(steps_of(form, back), expected, rtol=1e-12, atol=1e-14)


def test_inverse_transform_gives_dicts_back():
    stepwise = StepwiseTransformer(DictVectorizer())
    back = stepwise.inverse_transform(stepwise.fit_transform(DICTS))
    first = {"length": 2.0, "word=to": 1.0}
    assert back[0].tolist()[0] == first
    assert [len(steps) for steps in back] == [3, 1, 2]
    assert_array_equal(
        flat(StepwiseTransformer(DictVectorizer()).fit_transform(back)),
        flat(stepwise.transform(DICTS)),
    )


@pytest.mark.parametrize(
    ("name", "transformer"),
    [
        ("partial_fit", PCA()),
        ("inverse_transform", Binarizer()),
        ("get_feature_names_out", FeatureHasher()),
        ("set_output", FeatureHasher()),
    ],
)
def test_methods_are_those_of_the_transformer(name, transformer):
    assert not hasattr(StepwiseTransformer(transformer), name)
    assert hasattr(StepwiseTransformer(StandardScaler()), name)


def test_transformers_without_fit_transform_are_enough():
    class Doubling(BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return 2 * X

    assert_array_equal(StepwiseTransformer(Doubling()).fit_transform(X), 2 * X)


def test_feature_names_are_those_of_the_transformer():
    stepwise = StepwiseTransformer(PolynomialFeatures(2, include_bias=False)).fit(X)
    names = stepwise.get_feature_names_out(["a", "b", "c"])
    assert names.tolist() == ["a", "b", "c", "a^2", "a b", "a c", "b^2", "b c", "c^2"]
    pipeline = make_pipeline(StepwiseTransformer(DictVectorizer()), stepwise)
    names = pipeline.fit(DICTS).get_feature_names_out()
    assert "length word=to" in names


def test_frames_of_rows_keep_their_names():
    frame = pd.DataFrame(X[:, 0], columns=["a", "b", "c"])
    by_name = ColumnTransformer([("scaled", StandardScaler(), ["c", "a"])])
    stepwise = StepwiseTransformer(by_name).set_output(transform="pandas").fit(frame)
    assert stepwise.feature_names_in_.tolist() == ["a", "b", "c"]
    assert stepwise.n_features_in_ == 3
    assert stepwise.transform(frame).columns.tolist() == ["scaled__c", "scaled__a"]
    stepwise.set_output(transform="default")
    assert isinstance(stepwise.transform(frame), np.ndarray)


@sequence_forms
def test_sequences_do_not_become_frames(form):
    X_form, _ = as_form(form, X, y)
    stepwise = StepwiseTransformer(StandardScaler(with_mean=False))
    if form == "sparse":  # the transformer itself refuses
        message = "sparse"
    else:
        message = r"cannot be a data frame.*set_output\(transform='default'\)"
    with config_context(transform_output="pandas"):
        with pytest.raises(ValueError, match=message):
            stepwise.fit_transform(X_form)
        stepwise.set_output(transform="default").fit_transform(X_form)
    with pytest.raises(ValueError, match=message):
        stepwise.set_output(transform="polars").fit_transform(X_form)


def test_parameters_of_the_transformer_are_within_reach():
    stepwise = StepwiseTransformer(PCA(1), padding_value=0.0)
    copied = clone(stepwise).set_params(transformer__n_components=2)
    assert copied.fit(X[:1]).transformer_.n_components_ == 2
    assert stepwise.get_params()["transformer__n_components"] == 1
    assert copied.padding_value == 0.0


def test_fit_leaves_the_transformer_it_was_given_alone():
    scaler = StandardScaler()
    stepwise = StepwiseTransformer(scaler).fit(X)
    assert not hasattr(scaler, "mean_")
    assert not hasattr(clone(stepwise), "transformer_")


def test_a_failed_fit_leaves_the_one_before_whole():
    stepwise = StepwiseTransformer(PCA(2)).fit(X)
    before = stepwise.transformer_
    with pytest.raises(ValueError, match="NaN"):
        stepwise.fit([np.full((3, 3), np.nan)])
    assert stepwise.transformer_ is before


def test_pickles_transform_alike():
    stepwise = StepwiseTransformer(StandardScaler()).fit(X)
    copied = pickle.loads(pickle.dumps(stepwise))
    assert_array_equal(copied.transform(X), stepwise.transform(X))


def test_tags_are_those_of_the_transformer():
    for transformer in (StandardScaler(), PCA(), TargetEncoder(), DictVectorizer()):
        tags, inner = get_tags(StepwiseTransformer(transformer)), get_tags(transformer)
        assert tags.input_tags.three_d_array
        for name in ("sparse", "allow_nan", "dict", "two_d_array"):
            assert getattr(tags.input_tags, name) == getattr(inner.input_tags, name)
        assert tags.target_tags.required == inner.target_tags.required
        assert tags.transformer_tags == inner.transformer_tags


@pytest.mark.parametrize("transformer", [StandardScaler(), PCA()])
def test_scikit_learns_checks_pass(transformer):
    results = check_estimator(StepwiseTransformer(transformer), on_skip=None)
    assert sum(result["status"] == "passed" for result in results) > 40


# Errors


@pytest.mark.parametrize(
    ("X_bad", "message"),
    [
        (np.full((2, 3, 1), np.nan), "X has no valid step"),
        ([[], []], "X has no valid step"),
        (np.empty((0, 3, 1)), r"Found array with 0 sample\(s\)"),
        (np.zeros((1, 2, 3, 4)), "Expected 3D array .* got 4D array instead"),
        ([np.ones((2, 3)), np.ones((1, 2))], r"X\[1\] has shape \(1, 2\) but X\[0\]"),
        ([np.ones((2, 3)), np.ones(3)], r"X\[1\] has shape \(3,\) but X\[0\]"),
        ([X[0], sparse.eye_array(2)], r"X\[1\] has shape \(2, 2\) but X\[0\]"),
        ([X[0], [[0, 0, 0], [np.inf, 0, 0]]], r"infinity(.|\n)*is X\[1\] at step 1"),
        (np.array([[["a"]], [["b"]]], object), "could not convert string to float"),
        ([np.ones(2), np.ones(3)], r"single feature as x\[:, None\]"),
    ],
)
def test_bad_sequences_are_errors(X_bad, message):
    with pytest.raises(ValueError, match=message):
        StepwiseTransformer(StandardScaler()).fit(X_bad)


def test_no_steps_cannot_be_transformed_back():
    stepwise = StepwiseTransformer(StandardScaler()).fit(X)
    with pytest.raises(ValueError, match="X has no valid step to transform back"):
        stepwise.inverse_transform([X[0, :0]])


def test_masked_arrays_are_errors():
    with pytest.raises(TypeError, match="masked array"):
        StepwiseTransformer(StandardScaler()).fit(np.ma.masked_invalid(X))


def test_a_step_that_the_transformer_rejects_is_named():
    holes = X.copy()
    holes[3, 1, 2] = np.nan
    stepwise = StepwiseTransformer(PCA(1))
    with pytest.raises(ValueError, match=r"NaN(.|\n)*is X\[3\] at step 1"):
        stepwise.fit(holes)
    with pytest.raises(ValueError, match=r"NaN(.|\n)*is X\[3\] at step 1"):
        stepwise.fit(X).transform(holes)


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        ([[{"a": 1}, None]], r"X\[0\] at step 1: None"),
        ([[{"a": 1}], [None, {"a": 1}]], r"X\[1\] at step 0: None"),
        ([[{"a": 1}], [{"b": 2}, np.nan]], r"X\[1\] at step 1: nan"),
        ([[{"a": 1}], [{"a": {"b": 1}}]], r"X\[1\] at step 0: {'a': {'b': 1}}"),
        ([[{"a": 1}], None], r"X\[1\] is None, but other items"),
    ],
)
def test_what_is_no_dict_is_named(steps, place):
    stepwise = StepwiseTransformer(DictVectorizer())
    with pytest.raises(TypeError, match=place):
        stepwise.fit(steps)
    with pytest.raises(TypeError, match=place):
        stepwise.fit([[{"a": 1}]]).transform(steps)


def test_errors_of_transformers_that_take_all_steps_stay_as_they_are():
    def fail(steps):
        raise AttributeError("of its own")

    stepwise = StepwiseTransformer(FunctionTransformer(fail))
    with pytest.raises(AttributeError, match=r"^of its own$"):
        stepwise.fit_transform([["a", "b"]])


def test_a_step_that_would_become_padding_is_an_error():
    zero_padded = np.array([[[1.0], [2.0], [4.0]], [[1.0], [2.0], [0.0]]])
    scaler = StepwiseTransformer(StandardScaler(with_std=False), padding_value=0.0)
    with pytest.raises(ValueError, match=r"X\[1\] at step 1 .* become 0.0"):
        scaler.fit_transform(zero_padded)


def test_a_transformer_has_to_return_a_row_for_each_step():
    halves = StepwiseTransformer(FunctionTransformer(lambda rows: rows[::2]))
    with pytest.raises(ValueError, match=r"returns 2 rows for 4 steps"):
        halves.fit_transform([np.ones((4, 1))])


@pytest.mark.parametrize("form", SEQUENCE_FORMS)
def test_a_transformer_has_to_return_rows(form):
    sums = FunctionTransformer(lambda rows: np.ravel(rows.sum(axis=1)))
    with pytest.raises(ValueError, match=r"has to return rows, of shape"):
        StepwiseTransformer(sums).fit_transform(as_form(form, X, y)[0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (y[:, :2], "longest sequence of X has 6 valid steps"),
        (y[:5], "inconsistent numbers of samples"),
    ],
)
def test_y_has_to_go_with_the_steps(labels, message):
    with pytest.raises(ValueError, match=message):
        StepwiseTransformer(StandardScaler()).fit(X, labels)


def test_parameters_that_are_no_transformers_are_errors():
    for parameters in ({"transformer": VanillaRNNClassifier()}, {"padding_value": "0"}):
        parameters = {"transformer": PCA(), **parameters}
        with pytest.raises(ValueError, match="parameter of StepwiseTransformer"):
            StepwiseTransformer(**parameters).fit(X)


def test_transform_needs_fit():
    with pytest.raises(NotFittedError):
        StepwiseTransformer(StandardScaler()).transform(X)
    assert not hasattr(StepwiseTransformer(StandardScaler()), "n_features_in_")


# In pipelines


def test_padded_and_ragged_data_get_the_same_scores():
    big, labels = make_sequences(30)
    big = 100 + 50 * big
    ragged, ragged_labels = as_form("ragged", big, labels)
    cv = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(pipeline(StandardScaler()), big, labels, cv=cv)
    others = cross_val_score(pipeline(StandardScaler()), ragged, ragged_labels, cv=cv)
    assert_allclose(scores, others, rtol=1e-12)
    assert scores.min() > 0.7


def test_feature_dicts_are_searched_with_a_score_of_spans():
    steps, spans = make_dicts(40)
    search = GridSearchCV(
        pipeline(DictVectorizer()),
        {
            "vanillarnnclassifier__alpha": [1e-3, 1000.0],
            "stepwisetransformer__transformer__dtype": [np.float32, np.float64],
        },
        scoring=make_step_scorer(span_f1_score),
        cv=2,
    )
    search.fit(steps, spans)
    assert search.best_params_["vanillarnnclassifier__alpha"] == 1e-3
    assert search.best_score_ > 0.95
    assert search.predict(steps[:2])[1].tolist() == spans[1].tolist()


def test_nothing_dense_is_made_of_sparse_features():
    n_sequences, n_steps = 250, 8
    steps = [
        [{"word": f"{i} {t}", "odd": t % 2} for t in range(n_steps)]
        for i in range(n_sequences)
    ]
    labels = as_ragged([[str(t % 2) for t in range(n_steps)]] * n_sequences)
    n_features = n_sequences * n_steps + 1
    model = pipeline(DictVectorizer(), hidden_layer_sizes=2, max_iter=100)
    tracemalloc.start()
    try:
        model.fit(steps, labels).predict(steps)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(model[0].get_feature_names_out()) == n_features
    dense_bytes = n_sequences * n_steps * n_features * 4
    assert peak < dense_bytes / 4


def test_padded_labels_go_with_ragged_dicts():
    steps, spans = make_dicts(30)
    model = pipeline(DictVectorizer())
    expected = model.fit(steps, spans).predict(steps)
    other = clone(model).fit(steps, pad_labels(spans)).predict(steps)
    assert [row.tolist() for row in other] == [row.tolist() for row in expected]


def test_y_is_not_called_targets_in_front_of_a_classifier():
    network = VanillaRNNClassifier(2, tol=10.0, random_state=0)
    model = make_pipeline(StepwiseTransformer(StandardScaler()), network)
    with pytest.raises(ValueError, match=r"y\[1\] has 1 values but X\[1\] has 2 valid"):
        model.fit([[[1.0], [2.0]], [[3.0], [4.0]]], [["a", "b"], ["a"]])
