"""Containers of lists, strings and numbers, by the place where they go in."""

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from samples import fingerprint
from sklearn.preprocessing import StandardScaler

from skrnn import (
    OneHotSequenceEncoder,
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
    VanillaRNNRegressor,
    as_ragged,
    frame_from_sequences,
    pad_labels,
    pad_sequences,
)
from skrnn._validation.containers import objects
from skrnn.metrics import flatten_steps, step_accuracy_score
from skrnn.model_selection import StratifiedSequenceKFold

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STRINGS = np.dtypes.StringDType()
X = [np.array([[0.1], [0.9], [0.2]]), np.array([[0.8], [0.3]])]
LABELS = [list("ABA"), list("BA")]
NUMBERS = [[0.5, 2.0, 1.0], [0.0, 1.5]]
FEATURES = [[[0.1, 2.0], [0.9, 1.0], [0.2, 3.0]], [[0.8, 1.0], [0.3, 0.0]]]


def each(make):
    return lambda nested: [make(item) for item in nested]


NESTED = {
    "lists": list,
    "tuples": lambda nested: tuple(map(tuple, nested)),
    "list of arrays": each(np.array),
    "object array of lists": objects,
    "object array of arrays": lambda nested: objects(map(np.array, nested)),
    "pandas Series of lists": pd.Series,
    "pandas Series of arrays": lambda nested: pd.Series([np.array(i) for i in nested]),
    "pandas Series of Arrow lists": lambda nested: pd.Series(
        pa.array(nested), dtype=pd.ArrowDtype(pa.array(nested).type)
    ),
    "pandas Series read from parquet": lambda nested: pa.array(nested).to_pandas(),
    "polars Series of lists": pl.Series,
    "Arrow Array": pa.array,
    "Arrow ChunkedArray": lambda nested: pa.chunked_array([nested[:1], nested[1:]]),
    "list of Arrow scalars": lambda nested: list(pa.array(nested)),
    "awkward Array": ak.Array,
}
# pandas makes object arrays of the rows that it reads from Arrow.
SEQUENCES = {
    "list of pandas Series": each(pd.Series),
    "list of polars Series": each(pl.Series),
    "list of Arrow arrays": each(pa.array),
    "list of lists of Arrow scalars": each(lambda item: list(pa.array(item))),
    "list of awkward arrays": each(ak.Array),
}
TEXTS = {
    "pandas categorical": each(lambda item: pd.Series(item, dtype="category")),
    "pandas string": each(lambda item: pd.array(item, dtype="string")),
    "pandas string[pyarrow]": each(
        lambda item: pd.Series(item, dtype="string[pyarrow]")
    ),
    "StringDType": each(lambda item: np.array(item, dtype=STRINGS)),
}
WORDS = {
    "strings": list,
    "object array of strings": lambda words: np.array(words, dtype=object),
    "StringDType array of strings": lambda words: np.array(words, dtype=STRINGS),
    "pandas Series of strings": pd.Series,
    "polars Series of strings": pl.Series,
    "Arrow Array of strings": pa.array,
    "awkward Array of strings": ak.Array,
}
REFUSED = {
    "generator": (lambda nested: (i for i in nested), TypeError, "generator.*a list"),
    "map": (lambda nested: map(list, nested), TypeError, "map.*pass a list"),
    "dict": (lambda nested: dict(enumerate(nested)), TypeError, "dict.*pass a list"),
    "dict.values()": (
        lambda nested: dict(enumerate(nested)).values(),
        TypeError,
        "dict_values.*pass a list",
    ),
    "set": (lambda nested: {str(i) for i in nested}, TypeError, "set.*pass a list"),
    "list of sets": (
        each(lambda item: set(map(str, item))),
        TypeError,
        r"\[0\] is of type set.*pass a list",
    ),
    "list of generators": (each(iter), TypeError, r"\[0\] .*iterator.*pass a list"),
    "string": (lambda nested: "ab", ValueError, "ab'.*wrap it in a list"),
    "polars LazyFrame": (
        lambda nested: pl.LazyFrame({"a": [1, 2]}),
        TypeError,
        r"LazyFrame; pass what its collect\(\) returns",
    ),
}


def theta(model):
    return [model.output_coef_, model.output_intercept_, *model.input_coefs_]


def fitted_labels(y):
    model = VanillaRNNClassifier(2, alpha=1, max_iter=3, random_state=0).fit(X, y)
    return [model.classes_.tolist(), *theta(model)]


def split(y):
    splitter = StratifiedSequenceKFold(2)
    return [test.tolist() for _, test in splitter.split(X, y)]


MODEL = VanillaRNNClassifier(2, alpha=0.01, max_iter=500, random_state=0).fit(X, LABELS)
LABEL_PLACES = {
    "y of fit": fitted_labels,
    "y of score": lambda y: MODEL.score(X, y),
    "y of a split": split,
    "as_ragged": lambda y: [labels.tolist() for labels in as_ragged(y)],
    "y_true of a metric": lambda y: step_accuracy_score(y, LABELS),
    "y_pred of a metric": lambda y: step_accuracy_score(LABELS, y),
    "flattened labels": lambda y: [a.tolist() for a in flatten_steps(y, LABELS)[:2]],
    "pad_labels": lambda y: pad_labels(y).tolist(),
    "values of a frame": lambda y: frame_from_sequences(X, {"y": y})["y"].tolist(),
}


def language_model(texts):
    model = VanillaRNNLanguageModel(
        classifier=VanillaRNNClassifier(2, alpha=1, max_iter=3, random_state=0)
    )
    return [model.fit(texts).tokens_, model.score(texts)]


TOKEN_PLACES = {
    "tokens of the language model": language_model,
    "tokens of the encoder": lambda X: OneHotSequenceEncoder().fit(X).transform(X),
    "tokens of a frame": lambda X: frame_from_sequences(X)["token"].tolist(),
}


def fitted_targets(y):
    return theta(VanillaRNNRegressor(2, alpha=1, max_iter=3, random_state=0).fit(X, y))


def weighted(weights):
    model = VanillaRNNClassifier(2, alpha=1, max_iter=3, random_state=0)
    return [*theta(model.fit(X, LABELS, weights)), model.score(X, LABELS, weights)]


def fitted_features(X):
    model = VanillaRNNClassifier(2, alpha=1, max_iter=3, random_state=0).fit(X, LABELS)
    return [*theta(model), model.predict_proba(X)]


def scaled(X):
    return StepwiseTransformer(StandardScaler()).fit_transform(X)


GROUPS = {
    "Arrow Array": pa.array,
    "Arrow scalars": lambda values: [*map(pa.scalar, values)],
    "awkward Array": ak.Array,
    "StringDType": lambda values: np.array(values, dtype=STRINGS),
}


@pytest.mark.parametrize("form", GROUPS)
def test_groups_come_in_any_container(form):
    words, groups = ["ab", "b", "aab", "ba", "bb"], ["x", "y", "x", "z", "y"]

    def folds(groups):
        splits = StratifiedSequenceKFold(2).split(words, words, groups)
        return [test.tolist() for _, test in splits]

    assert folds(GROUPS[form](groups)) == folds(groups)


def split_of_features(X):
    splitter = StratifiedSequenceKFold(2)
    return [test.tolist() for _, test in splitter.split(X, LABELS)]


FEATURE_PLACES = {
    "X of a split": split_of_features,
    "X of fit": fitted_features,
    "X of a transformer": scaled,
    "X of a frame": lambda X: frame_from_sequences(X).to_numpy(),
    "pad_sequences": pad_sequences,
}


def metric_weights(weights):
    return step_accuracy_score(LABELS, [["A"] * 3, ["A"] * 2], sample_weight=weights)


NUMBER_PLACES = {
    "weights of a metric": metric_weights,
    "targets of fit": fitted_targets,
    "weights": weighted,
}
CELLS = [
    *[
        pytest.param(place, make, nested, id=f"{name}: {kind}")
        for places, kinds, nested in (
            (LABEL_PLACES, NESTED | SEQUENCES | TEXTS, LABELS),
            (TOKEN_PLACES, NESTED | SEQUENCES | TEXTS, LABELS),
            (LABEL_PLACES | TOKEN_PLACES, WORDS, ["ABA", "BA"]),
            (NUMBER_PLACES, NESTED | SEQUENCES, NUMBERS),
            (FEATURE_PLACES, NESTED, FEATURES),
        )
        for name, place in places.items()
        for kind, make in kinds.items()
    ],
]


@pytest.mark.parametrize(("place", "make", "nested"), CELLS)
def test_a_container_is_read_as_the_list_of_its_items(place, make, nested):
    assert fingerprint(place(make(nested))) == fingerprint(place(list(nested)))


# What transformers take steps to be, and estimators name in other words.
OWN_ERRORS = {"dict", "string", "list of sets"}
REFUSALS = [
    pytest.param(place, nested, kind, id=f"{name}: {kind}")
    for places, nested in (
        (LABEL_PLACES | TOKEN_PLACES, LABELS),
        (NUMBER_PLACES, NUMBERS),
        (FEATURE_PLACES, FEATURES),
    )
    for name, place in places.items()
    for kind in REFUSED
    if places is not FEATURE_PLACES or name == "pad_sequences" or kind not in OWN_ERRORS
]


@pytest.mark.parametrize(("place", "nested", "kind"), REFUSALS)
def test_what_is_no_list_of_sequences_is_refused(place, nested, kind):
    make, error, message = REFUSED[kind]
    with pytest.raises(error, match=message):
        place(make(nested))
