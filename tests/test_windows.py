"""Each step with its neighbors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from samples import SEQUENCE_FORMS, as_form, make_sequences, step_values
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from skrnn import (
    StepwiseTransformer,
    VanillaRNNClassifier,
    WindowTransformer,
    pad_sequences,
    valid_steps,
)

X, y = make_sequences()
SEQUENCES = st.integers(1, 3).flatmap(
    lambda n_features: st.lists(
        hnp.arrays(
            float,
            st.tuples(st.integers(1, 5), st.just(n_features)),
            elements=st.floats(-9, 9),
        ),
        min_size=1,
        max_size=5,
    )
)
WIDTHS = st.integers(0, 6)
EDGES = st.sampled_from(["zero", "nearest"])


def windows_by_hand(sequence, before, after, edge):
    """Look every neighbor up by itself."""
    n = len(sequence)
    return [
        [
            value
            for t in range(at - before, at + after + 1)
            for value in (
                sequence[min(max(t, 0), n - 1)]
                if 0 <= t < n or edge == "nearest"
                else np.zeros_like(sequence[0])
            )
        ]
        for at in range(n)
    ]


@given(SEQUENCES, WIDTHS, WIDTHS, EDGES)
def test_windows_hold_the_neighbors_of_every_step(sequences, before, after, edge):
    windows = WindowTransformer(before, after, edge=edge).fit_transform(sequences)
    for window, sequence in zip(windows, sequences, strict=True):
        assert_array_equal(window, windows_by_hand(sequence, before, after, edge))


@given(SEQUENCES, WIDTHS, WIDTHS, EDGES)
def test_padding_stays_padding_and_leaks_nowhere(sequences, before, after, edge):
    transformer = WindowTransformer(before, after, edge=edge)
    expected = pad_sequences(transformer.fit_transform(sequences))
    assert_array_equal(transformer.fit_transform(pad_sequences(sequences)), expected)


@given(SEQUENCES, WIDTHS, WIDTHS, EDGES)
def test_a_sequence_is_transformed_as_it_is_alone(sequences, before, after, edge):
    transformer = WindowTransformer(before, after, edge=edge).fit(sequences)
    together = transformer.transform(sequences)
    for window, sequence in zip(together, sequences, strict=True):
        assert_array_equal(window, transformer.transform([sequence])[0])


@pytest.mark.parametrize("edge", ["zero", "nearest"])
@pytest.mark.parametrize("form", SEQUENCE_FORMS)
def test_every_form_gets_the_same_windows(form, edge):
    transformer = WindowTransformer(2, 1, edge=edge)
    expected = transformer.fit_transform(X)[valid_steps(X)]
    result = transformer.fit_transform(as_form(form, X, y)[0])
    if form == "sparse":
        assert all(isinstance(x, sparse.csr_array) for x in result)
        result = [x.toarray() for x in result]
    assert_array_equal(step_values(form, result, X), expected)


def test_sequences_of_one_step_have_no_neighbors():
    rows = X[:, 0]
    expected = np.hstack([np.zeros_like(rows), rows, np.zeros_like(rows)])
    assert_array_equal(WindowTransformer().fit_transform(rows), expected)
    windows = WindowTransformer().fit_transform(sparse.csr_array(rows))
    assert_array_equal(windows.toarray(), expected)


def test_a_finite_padding_value_is_kept():
    transformer = WindowTransformer(padding_value=-7.0)
    padded = np.nan_to_num(X, nan=-7.0)
    expected = np.nan_to_num(WindowTransformer().fit_transform(X), nan=-7.0)
    assert_array_equal(transformer.fit_transform(padded), expected)


def test_a_window_of_one_step_is_the_step():
    assert_array_equal(WindowTransformer(0, 0).fit_transform(X), X)


@pytest.mark.parametrize("edge", ["zero", "nearest"])
def test_sequences_that_are_all_padding_come_back_as_padding(edge):
    transformer = WindowTransformer(edge=edge).fit(X)
    nothing = np.full_like(X[:2], np.nan)
    assert_array_equal(
        transformer.transform(nothing), np.full((2, X.shape[1], 9), np.nan)
    )
    (empty,) = transformer.transform([X[0, :0]])
    assert empty.shape == (0, 9)


@pytest.mark.parametrize("form", ["padded", "ragged", "sparse", "rows"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_of_the_numbers_is_kept(form, dtype):
    X_form, _ = as_form(form, X.astype(dtype), y)
    windows = WindowTransformer().fit_transform(X_form)
    first = windows[0] if form in ("ragged", "sparse") else windows
    assert first.dtype == dtype


def test_X_is_not_written_to():
    before = X.copy()
    WindowTransformer().fit_transform(X)[:] = 0
    assert_array_equal(X, before)


def test_names_say_which_step_a_feature_is_of():
    transformer = WindowTransformer(2, 1).fit(X[..., :2])
    names = ["x0[-2]", "x1[-2]", "x0[-1]", "x1[-1]", "x0", "x1", "x0[+1]", "x1[+1]"]
    assert transformer.get_feature_names_out().tolist() == names
    names = transformer.get_feature_names_out(["a", "b"])
    assert names[-1] == "b[+1]"
    with pytest.raises(ValueError, match="should have length equal to number of"):
        transformer.get_feature_names_out(["a"])


def test_windows_of_feature_dicts_stay_sparse():
    words = [[{"word": "to"}, {"word": "be"}], [{"word": "or"}]]
    vectorizer = StepwiseTransformer(DictVectorizer())
    pipeline = make_pipeline(vectorizer, WindowTransformer(1, 0))
    first, second = pipeline.fit_transform(words)
    names = pipeline.get_feature_names_out()
    assert isinstance(first, sparse.csr_array)
    seen = [names[row.nonzero()[0]].tolist() for row in first.toarray()]
    assert seen == [["word=to"], ["word=to[-1]", "word=be"]]
    assert names[second.toarray()[0].nonzero()[0]].tolist() == ["word=or"]


def test_a_classifier_reads_windows():
    model = VanillaRNNClassifier(4, alpha=1, max_iter=200, tol=1e-2, random_state=0)
    model = make_pipeline(WindowTransformer(), model).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.predict(X).shape == y.shape


def test_frames_hold_rows_only():
    transformer = WindowTransformer().fit(X[:, 0])
    with config_context(transform_output="pandas"):
        frame = transformer.transform(X[:, 0])
        assert frame.columns.tolist() == transformer.get_feature_names_out().tolist()
        with pytest.raises(ValueError, match="cannot be a data frame"):
            transformer.transform(X)
    with pytest.raises(ValueError, match="cannot be a data frame"):
        clone(transformer).set_output(transform="pandas").fit_transform(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"before": -1}, "'before' parameter"),
        ({"after": 1.5}, "'after' parameter"),
        ({"edge": "reflect"}, "'edge' parameter"),
    ],
)
def test_parameters_out_of_range_are_errors(parameters, message):
    with pytest.raises(ValueError, match=message):
        WindowTransformer(**parameters).fit(X)


def test_other_features_than_in_fit_are_an_error():
    with pytest.raises(ValueError, match="X has 2 features, but WindowTransformer is"):
        WindowTransformer().fit(X).transform(X[..., :2])


def test_tags_say_what_goes_in():
    inputs = get_tags(WindowTransformer()).input_tags
    assert inputs.three_d_array
    assert inputs.sparse


@pytest.mark.parametrize("edge", ["zero", "nearest"])
def test_scikit_learns_checks_pass(edge):
    results = check_estimator(WindowTransformer(edge=edge), on_skip=None)
    assert sum(result["status"] == "passed" for result in results) > 40
