"""Nested lists of other libraries are read as lists are, whatever holds them."""

import io
from collections import UserList, deque

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal
from sklearn.feature_extraction import FeatureHasher
from sklearn.preprocessing import StandardScaler

from skrnn import (
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    WindowTransformer,
    as_ragged,
    frame_from_sequences,
    pad_sequences,
)
from skrnn._validation.containers import objects
from skrnn.metrics import flatten_steps, step_log_loss

rng = np.random.default_rng(0)
SEQUENCES = {
    "unequal": [rng.normal(size=(n, 2)) for n in (4, 2, 5)],
    "equal": [rng.normal(size=(3, 2)) for _ in range(3)],
    "one step": [rng.normal(size=(1, 2)) for _ in range(3)],
}


def parquet(lists, **options):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"x": lists}), buffer)
    buffer.seek(0)
    return pd.read_parquet(buffer, **options)["x"]


CONTAINERS = {
    "Arrow": pa.array,
    "Arrow, chunked": lambda x: pa.chunked_array([pa.array(x[:1]), pa.array(x[1:])]),
    "Arrow, fixed": lambda x: pa.array(x, pa.list_(pa.list_(pa.float64(), 2))),
    "Arrow in pandas": lambda x: pa.array(x).to_pandas(),
    "Arrow, listed": lambda x: [pa.array(item) for item in x],
    "Arrow's scalars": lambda x: list(pa.array(x)),
    "parquet": parquet,
    "parquet, of Arrow": lambda x: parquet(x, dtype_backend="pyarrow"),
    "parquet, values": lambda x: parquet(x).to_numpy(),
    "parquet, listed": lambda x: list(parquet(x)),
    "awkward": ak.Array,
    "awkward, listed": lambda x: [ak.Array(item) for item in x],
    "polars": pl.Series,
    "polars, fixed": lambda x: pl.Series(x, dtype=pl.List(pl.Array(pl.Float64, 2))),
    "polars, listed": lambda x: [pl.Series(item) for item in x],
    "pandas": lambda x: pd.Series(x, index=range(5, 5 + len(x))),
    "deque": deque,
    "UserList": UserList,
}
TAKERS = {
    "windows": WindowTransformer(0, 0).fit_transform,
    "stepwise": StepwiseTransformer(
        StandardScaler(with_mean=False, with_std=False)
    ).fit_transform,
    "pad_sequences": pad_sequences,
    "predict": VanillaRNNRegressor(2, alpha=1, tol=10.0, random_state=0)
    .fit(SEQUENCES["unequal"], SEQUENCES["unequal"])
    .predict,
}


@pytest.mark.parametrize("sequences", SEQUENCES)
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("taker", TAKERS)
def test_nested_lists_are_read_as_arrays_are(taker, container, sequences):
    arrays = SEQUENCES[sequences]
    nested = CONTAINERS[container]([x.tolist() for x in arrays])
    result, expected = TAKERS[taker](nested), TAKERS[taker](arrays)
    assert result.shape == expected.shape
    for found, wanted in zip(result, expected, strict=True):
        assert_array_equal(found, wanted)


@pytest.mark.parametrize("container", ["Arrow", "parquet", "awkward", "polars"])
@pytest.mark.parametrize("taker", TAKERS)
def test_the_sequence_of_uneven_steps_is_named(taker, container):
    nested = CONTAINERS[container]([[[1.0, 2.0]], [[1.0, 2.0], [3.0]]])
    message = r"(X|sequences)\[1\] has steps of unequal shape"
    with pytest.raises(ValueError, match=message):
        TAKERS[taker](nested)


@pytest.mark.parametrize("container", ["Arrow", "parquet", "awkward", "polars"])
def test_rows_of_one_length_are_a_table(container):
    rows = CONTAINERS[container]([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    model = VanillaRNNClassifier(2, tol=10.0, random_state=0).fit(rows, [0, 1, 0])
    assert model.n_features_in_ == 2
    assert model.predict(rows).shape == (3,)


def test_nothing_is_written_to():
    column = parquet([x.tolist() for x in SEQUENCES["unequal"]])
    before = [[row.copy() for row in item] for item in column]
    VanillaRNNRegressor(2, alpha=1, tol=10.0).fit(column, SEQUENCES["unequal"])
    for item, rows in zip(column, before, strict=True):
        assert item.dtype == object
        assert_array_equal(np.stack(list(item)), np.stack(rows))


TARGETS = [[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], [[0.7, 0.8], [0.9, 1.0]]]
FEATURES = [np.array([[0.1], [0.9], [0.2]]), np.array([[0.8], [0.3]])]
COLUMNS = {
    "Arrow in pandas": lambda nested: pa.array(nested).to_pandas(),
    "parquet": parquet,
    "object arrays of lists": lambda nested: objects(map(objects, nested)),
    "object arrays of arrays": lambda nested: [
        objects(map(np.array, x)) for x in nested
    ],
}
REGRESSOR = VanillaRNNRegressor(2, alpha=1, tol=10.0, random_state=0).fit(
    FEATURES, TARGETS
)
USES = {
    "score": lambda y: REGRESSOR.score(FEATURES, y),
    "as_ragged": lambda y: [x.tolist() for x in as_ragged(y)],
    "flatten_steps": lambda y: [
        a.tolist() for a in flatten_steps(y, REGRESSOR.predict(FEATURES))[:2]
    ],
    "flattened predictions": lambda y: flatten_steps(TARGETS, y)[1].tolist(),
    "frame": lambda y: frame_from_sequences(FEATURES, {"y": y}).to_dict(),
    "pad_sequences": lambda y: pad_sequences(y).tolist(),
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("use", USES)
def test_steps_of_several_values_are_read_as_lists_are(use, column):
    found, expected = USES[use](COLUMNS[column](TARGETS)), USES[use](TARGETS)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize("column", COLUMNS)
def test_probabilities_in_a_column_have_a_log_loss(column):
    rows = [[[0.5, 0.5], [0.25, 0.75]], [[0.5, 0.5]]]
    labels = [["a", "b"], ["a"]]
    expected = step_log_loss(labels, rows)
    assert step_log_loss(labels, COLUMNS[column](rows)) == expected


@pytest.mark.parametrize("column", [*COLUMNS, "arrays of strings"])
@pytest.mark.parametrize(
    "words", [[[["a", "b"], ["c"]], [["d"], []]], [[["a"], ["c"]], [["d"]]]]
)
def test_words_of_steps_may_be_of_any_number(column, words):
    make = COLUMNS.get(column, lambda x: [objects(map(np.array, y)) for y in x])
    hasher = StepwiseTransformer(FeatureHasher(16, input_type="string"))
    found, expected = hasher.fit_transform(make(words)), hasher.fit_transform(words)
    for one, other in zip(found, expected, strict=True):
        assert_array_equal(one.toarray(), other.toarray())


@pytest.mark.parametrize("container", ["Arrow", "Arrow in pandas", "polars", "awkward"])
def test_a_step_that_is_not_there_is_named(container):
    nested = CONTAINERS[container]([[[1.0], [2.0]], [[1.0], None]])
    message = r"X\[1\] has steps of unequal shape: \(1,\) at step 0 and None at step 1"
    with pytest.raises(ValueError, match=message):
        VanillaRNNClassifier().fit(nested, [[0, 1], [0, 1]])


FRAMES = {
    "pandas": lambda x: pd.DataFrame({"i": range(len(x)), "x": x}),
    "pandas of arrays": lambda x: pd.DataFrame({"x": pa.array(x).to_pandas()}),
    "polars": lambda x: pl.DataFrame({"i": range(len(x)), "x": x}),
    "Arrow": lambda x: pa.table({"x": x}),
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    "use",
    [
        lambda X: VanillaRNNClassifier().fit(X, [0, 1]),
        StepwiseTransformer(StandardScaler()).fit,
    ],
    ids=["fit", "stepwise"],
)
def test_a_frame_around_a_column_of_sequences_is_refused(use, frame):
    message = r"column 'x' of X holds sequences; pass the column alone, X\['x'\]"
    with pytest.raises(ValueError, match=message):
        use(FRAMES[frame]([x.tolist() for x in FEATURES]))


@pytest.mark.parametrize(
    "groups",
    [
        lambda x: list(pd.DataFrame(x).groupby("i")),
        lambda x: list(pl.DataFrame(x).group_by("i")),
    ],
    ids=["pandas", "polars"],
)
@pytest.mark.parametrize("taker", TAKERS)
def test_groups_are_no_frames(taker, groups):
    message = r"(X|sequences)\[0\] is a tuple with a data frame"
    with pytest.raises(ValueError, match=message):
        TAKERS[taker](groups({"i": [0, 0, 1], "x": [1.0, 2.0, 3.0]}))
