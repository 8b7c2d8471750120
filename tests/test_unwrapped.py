"""One sequence that is not wrapped is refused, and never read as many of one step."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline

from skrnn import (
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    WindowTransformer,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 5, 2))
Y = (X[..., 0] > 0).astype(int)
SHORT = {"alpha": 1, "tol": 10.0, "random_state": 0}
WRAP = (
    r"X has shape \(5, 2\), but Vanilla.* was fitted on sequences; .*X\[None\] or \[x\]"
)


def classifier(**parameters):
    return VanillaRNNClassifier(2, **SHORT, **parameters)


def padded():
    result = X.copy()
    result[1, 3:] = np.nan
    return result


CLASSIFIERS = {
    "full": classifier().fit(X, Y),
    "padded": classifier().fit(padded(), Y),
    "ragged": classifier().fit([X[0, :1], *X[1:]], [Y[0, :1], *Y[1:]]),
}
REGRESSOR = VanillaRNNRegressor(2, **SHORT).fit(X[:, :-1], X[:, 1:])
TABLES = {
    "array": X[0],
    "list": X[0].tolist(),
    "frame": pd.DataFrame(X[0]),
    "sparse": sparse.csr_array(X[0]),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("form", CLASSIFIERS)
@pytest.mark.parametrize(
    "method",
    [
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "hidden_states",
        "score",
    ],
)
def test_a_classifier_of_sequences_refuses_a_table(method, form, table):
    y = [Y[0]] if method == "score" else []
    with pytest.raises(ValueError, match=WRAP):
        getattr(CLASSIFIERS[form], method)(TABLES[table], *y)


@pytest.mark.parametrize("method", ["predict", "hidden_states", "score", "forecast"])
def test_a_regressor_of_sequences_refuses_a_table(method):
    more = {"score": [X[0]], "forecast": [3]}.get(method, [])
    with pytest.raises(ValueError, match=WRAP):
        getattr(REGRESSOR, method)(X[0], *more)


def test_windows_of_sequences_refuse_a_table():
    windows = WindowTransformer().fit(X)
    with pytest.raises(ValueError, match=r"WindowTransformer was fitted on sequences"):
        windows.transform(X[0])


def test_wrapped_sequences_and_rows_of_one_step_are_taken():
    model = CLASSIFIERS["full"]
    assert model.predict(X[0][None]).shape == (1, 5)
    assert [len(labels) for labels in model.predict([X[0]])] == [5]
    assert model.predict(X[0][:, None, :]).shape == (5, 1)


def test_another_number_of_features_is_said_first():
    with pytest.raises(ValueError, match=r"X has 5 features, but Vanilla.*expecting 2"):
        CLASSIFIERS["full"].predict(np.ones((3, 5)))


@pytest.mark.parametrize(
    ("one_step", "labels"),
    [(X[:, :1], Y[:, :1]), (list(X[:, :1]), list(Y[:, :1])), (X[:, 0], Y[:, 0])],
    ids=["padded", "ragged", "rows"],
)
def test_a_model_of_single_steps_takes_tables_and_sequences(one_step, labels):
    model = classifier().fit(one_step, labels)
    assert model.predict(X[0]).shape == (5,)
    assert model.predict(X).shape == (8, 5)
    assert 0 <= model.score(X[0], Y[0]) <= 1


def test_one_list_of_dicts_in_a_pipeline_is_to_be_wrapped():
    sentences = [[{"w": "a"}, {"w": "b"}], [{"w": "b"}, {"w": "a"}, {"w": "a"}]]
    model = make_pipeline(StepwiseTransformer(DictVectorizer()), classifier())
    model.fit(sentences, [[0, 1], [1, 0, 0]])
    with pytest.raises(ValueError, match=r"fitted on sequences; .*\[x\]"):
        model.predict(sentences[0])
    assert [len(labels) for labels in model.predict([sentences[0]])] == [2]


@pytest.mark.parametrize("change", ["pickle", "skops"])
def test_a_stored_model_still_refuses_a_table(change):
    model = CLASSIFIERS["full"]
    if change == "pickle":
        again = pickle.loads(pickle.dumps(model))
    else:
        content = skops.io.dumps(model)
        trusted = skops.io.get_untrusted_types(data=content)
        again = skops.io.loads(content, trusted=trusted)
    with pytest.raises(ValueError, match=WRAP):
        again.predict(X[0])


def test_a_model_stored_before_the_form_was_noted_takes_both():
    model = classifier().fit(X, Y)
    del model._fitted_on_sequences
    assert model.predict(X[0]).shape == (5,)
    assert model.predict(X).shape == (8, 5)


def test_a_warm_start_of_a_model_of_sequences_refuses_a_table():
    model = classifier(warm_start=True).fit(X, Y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=r"X is 2-D, but .* on sequences; .*X\[None\]"):
        model.fit(X[0], Y[0])
    assert vars(model) == before
    model.fit(X[:, :1], Y[:, :1])
    with pytest.raises(ValueError, match=WRAP):
        model.predict(X[0])


def test_a_warm_start_on_sequences_makes_a_model_of_sequences():
    model = classifier(warm_start=True).fit(X[:, 0], Y[:, 0]).fit(X, Y)
    with pytest.raises(ValueError, match=WRAP):
        model.predict(X[0])


def test_a_new_fit_and_a_clone_forget_the_form():
    model = classifier().fit(X, Y).fit(X[:, 0], Y[:, 0])
    assert model.predict(X[0]).shape == (5,)


def test_a_failing_fit_leaves_the_form_as_it_was():
    model = classifier().fit(X, Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X[:, 0], Y[:3, 0])
    with pytest.raises(ValueError, match=WRAP):
        model.predict(X[0])


@pytest.mark.parametrize(
    "form",
    [np.asarray, np.ndarray.tolist, pd.DataFrame],
    ids=["array", "list", "frame"],
)
def test_univariate_series_as_a_table_warn(form):
    series = X[..., 0]
    model = VanillaRNNRegressor(2, **SHORT)
    with pytest.warns(
        UserWarning, match=r"4 wide: .*series pass X\[\.\.\., None\]"
    ) as w:
        model.fit(form(series[:, :-1]), series[:, 1:])
    assert [warning.filename for warning in w] == [__file__] * len(w)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (X[:, 0], X[:, 1, :1]),
        (X[:, 0, :1], X[:, 1, :1]),
        (X[..., :1], X[..., 0]),
        (X[:, 0], X[:, 1, 0]),
        (X, X),
    ],
    ids=["narrow y", "width 1", "sequences", "1-D y", "3-D"],
)
def test_other_targets_do_not_warn(X, y):
    assert VanillaRNNRegressor(2, **SHORT).fit(X, y).n_layers_ == 3
