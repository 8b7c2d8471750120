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
from sklearn.preprocessing import StandardScaler

from skrnn import (
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    WindowTransformer,
    pad_sequences,
)

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
    "predict": VanillaRNNRegressor(2, tol=10.0, random_state=0)
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
    VanillaRNNRegressor(2, tol=10.0).fit(column, SEQUENCES["unequal"])
    for item, rows in zip(column, before, strict=True):
        assert item.dtype == object
        assert_array_equal(np.stack(list(item)), np.stack(rows))
