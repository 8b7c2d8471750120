"""Data frames of steps to sequences, and back."""

import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from samples import make_sequences
from scipy import sparse
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skrnn import (
    OneHotSequenceEncoder,
    VanillaRNNClassifier,
    as_ragged,
    frame_from_sequences,
    sequences_from_frame,
    unpad,
)

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame}
libraries = pytest.mark.parametrize("library", FRAMES)
X, y = make_sequences()
NAMES = [f"sequence {i}" for i in "cabdefghijkl"]
FEATURES = ["left", "middle", "right"]
ROWS = {
    "day": ["mon", "mon", "tue", "mon", "tue"],
    "hour": [9, 8, 8, 10, 7],
    "load": [0.7, 0.2, 0.3, 0.9, 0.1],
    "level": [3, 1, 1, 3, 2],
    "state": ["on", "off", "off", "on", "on"],
}


def read(library, rows=ROWS, **parameters):
    parameters = {"sequence": "day", "order": "hour", "label": "state", **parameters}
    return sequences_from_frame(FRAMES[library](rows), **parameters)


@libraries
def test_rows_become_padded_sequences(library):
    result = read(library)
    assert_array_equal(result.data[0], [[0.2, 1], [0.7, 3], [0.9, 3]])
    assert_array_equal(result.data[1], [[0.1, 2], [0.3, 1], [np.nan, np.nan]])
    assert_array_equal(result.target, [["off", "on", "on"], ["on", "off", ""]])
    assert_array_equal(result.sequence_names, ["mon", "tue"])
    assert result.feature_names == ["load", "level"]


@libraries
def test_rows_become_ragged_sequences(library):
    padded, ragged = (read(library, ragged=flag) for flag in (False, True))
    for name in ("data", "target"):
        assert ragged[name].dtype == object
    data, target = unpad(padded.data, padded.target)
    for i in range(2):
        assert_array_equal(ragged.data[i], data[i])
        assert_array_equal(ragged.target[i], target[i])


@libraries
def test_without_order_steps_stand_as_rows_do(library):
    result = read(library, order=None, features=["load"])
    assert_array_equal(result.data[..., 0], [[0.7, 0.2, 0.9], [0.3, 0.1, np.nan]])


def test_the_order_of_many_rows_is_kept():
    rows = {"name": np.arange(1000) % 3, "x": np.arange(1000.0)}
    result = sequences_from_frame(pd.DataFrame(rows), sequence="name", ragged=True)
    for i, steps in enumerate(result.data):
        assert_array_equal(steps[:, 0], np.arange(i, 1000, 3))


@libraries
@pytest.mark.parametrize("ragged", [False, True])
def test_a_single_name_makes_sequences_of_tokens(library, ragged):
    result = read(library, features="state", label=None, ragged=ragged)
    assert [tokens.tolist() for tokens in result.data] == [
        ["off", "on", "on"],
        ["on", "off"],
    ]
    assert result.target is None
    assert OneHotSequenceEncoder().fit_transform(result.data).shape == (2, 3, 2)


@libraries
def test_several_labels_become_an_axis_of_outputs(library):
    result = read(library, features=["level"], label=["load", "level"])
    assert result.target.shape == (2, 3, 2)
    assert np.isnan(result.target[1, 2]).all()


@libraries
def test_types_of_columns_are_kept(library):
    rows = ROWS | {"load": np.array(ROWS["load"], np.float32)}
    assert read(library, rows, features=["load"]).data.dtype == np.float32
    assert read(library).data.dtype == np.float64
    levels, loads = (
        read(library, label=label, features="state").target
        for label in ("level", "load")
    )
    assert_array_equal(levels[1], [2, 1, -1])
    assert_array_equal(loads[1], [0.1, 0.3, np.nan])


@pytest.mark.parametrize(
    "df",
    [
        pd.DataFrame(ROWS).convert_dtypes(),
        pd.DataFrame(ROWS).astype({"day": "category", "state": "category"}),
        pl.DataFrame(ROWS).with_columns(pl.col("day", "state").cast(pl.Categorical)),
        pd.DataFrame(ROWS).set_index(np.array([7, 7, 3, 1, 0])),
    ],
)
def test_every_kind_of_column_gives_the_same(df):
    result = sequences_from_frame(df, sequence="day", order="hour", label="state")
    expected = read("pandas")
    assert_array_equal(result.data, expected.data)
    assert_array_equal(result.target, expected.target)
    assert result.target.dtype == expected.target.dtype


@libraries
def test_times_order_steps(library):
    times = np.datetime64("2024-01-01") + np.array(ROWS["hour"])
    result = read(library, ROWS | {"hour": times})
    assert_array_equal(result.data, read(library).data)


@libraries
@pytest.mark.parametrize(
    ("rows", "parameters", "message"),
    [
        ({}, {"features": ["lode"]}, "no column 'lode'; it has .*'load'"),
        ({}, {"features": []}, "no columns of features"),
        ({}, {"features": ["state"]}, "pass features='state', not in a list"),
        ({"load": [0.7, None, 0.3, 0.9, 0.1]}, {}, "row 1 of column 'load'"),
        ({"level": [1, 2, 3, None, 1]}, {}, "row 3 of column 'level'"),
        ({"state": ["on", "off", None, "on", "on"]}, {}, "row 2 of column 'state'"),
        ({"day": [None, *ROWS["day"][1:]]}, {}, "row 0 of column 'day'"),
        ({"hour": [9, 8, 8, 9, 7]}, {}, "sequence 'mon' has two steps with 'hour' 9;"),
        ({}, {"sequence": []}, "sequence names no column"),
        ({name: [] for name in ROWS}, {}, "df has no rows"),
    ],
)
def test_frames_without_sequences_are_errors(library, rows, parameters, message):
    with pytest.raises(ValueError, match=message):
        read(library, ROWS | rows, **parameters)


@pytest.mark.parametrize(
    ("df", "message"),
    [
        (X, "ndarray; pass a data frame"),
        (pl.LazyFrame(ROWS), r"LazyFrame; pass what its collect\(\) returns"),
        (pa.table(ROWS), r"Table; pass what its to_pandas\(\) returns"),
    ],
)
def test_only_a_frame_is_a_frame(df, message):
    with pytest.raises(TypeError, match=message):
        sequences_from_frame(df, sequence="day")


@libraries
def test_several_columns_name_a_sequence_together(library):
    rows = ROWS | {"week": [2, 1, 1, 1, 1]}
    result = read(library, rows, sequence=["day", "week"], features=["load"])
    names = [("mon", 2), ("mon", 1), ("tue", 1)]
    assert result.sequence_names.tolist() == names
    assert_array_equal(result.data[..., 0], [[0.7, np.nan], [0.2, 0.9], [0.1, 0.3]])
    features = read(library, rows, sequence=["week", "day"]).feature_names
    assert features == ["load", "level"]


@libraries
def test_several_columns_order_the_steps(library):
    rows = ROWS | {"day": ["mon"] * 5, "week": [2, 1, 2, 1, 1]}
    result = read(library, rows, order=["week", "hour"], features=["load"])
    assert_array_equal(result.data[0, :, 0], [0.1, 0.2, 0.9, 0.3, 0.7])
    result = read(library, rows, order=("hour", "week"), features=["load"])
    assert_array_equal(result.data[0, :, 0], [0.1, 0.2, 0.3, 0.7, 0.9])
    assert [*result.order_values] == ["hour", "week"]
    assert result.order_values["hour"][0].tolist() == [7, 8, 8, 9, 10]
    assert read(library, order=None).order_values == {}
    assert read(library, order="hour", ragged=True).feature_names == ["load", "level"]
    with pytest.raises(
        ValueError, match="'mon' has two steps with 'week' 1 and 'level' 1;"
    ):
        read(library, rows | {"level": [1, 1, 2, 3, 1]}, order=["week", "level"])


@libraries
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.integers(-2, 2),
            st.sampled_from(["x", "y", "z"]),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=12,
        unique=True,
    )
)
def test_several_columns_of_names_and_places_come_back(library, rows):
    names = ["group", "id", "part", "place"]
    table = {
        name: list(column)
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    table["x"] = [float(i) for i in range(len(rows))]
    result = sequences_from_frame(
        FRAMES[library](table), sequence=names[:2], order=names[2:], ragged=True
    )
    df = frame_from_sequences(
        result.data,
        result.order_values,
        sequence_names=result.sequence_names,
        feature_names=result.feature_names,
        sequence=names[:2],
        order=None,
        library=library,
    )
    assert list(df.columns) == ["group", "id", "x", "part", "place"]
    found = list(zip(*(df[name].to_list() for name in names), strict=True))
    first = [row[:2] for row in rows]
    assert found == sorted(rows, key=lambda row: (first.index(row[:2]), *row[2:]))
    assert df["x"].to_list() == [rows.index(row) for row in found]


@pytest.mark.parametrize("names", [None, ["a", "b"], [("a",), ("b",)]])
def test_several_columns_of_names_need_tuples(names):
    message = r"sequence_names\[0\] is .*pass tuples"
    if names is None:
        message = "pass sequence_names, tuples"
    with pytest.raises(ValueError, match=message):
        frame_from_sequences(ITEMS, sequence_names=names, sequence=["g", "id"])


@libraries
@pytest.mark.parametrize("unit", ["ns", "us"])
def test_times_name_and_order_sequences_in_any_unit(library, unit):
    days = np.array(["2020-01-03", "2020-01-01", "2020-01-02"], f"M8[{unit}]")
    rows = {"id": ["x", "y", "x"], "day": days, "n": [1, 0, 0], "x": [1.0, 2.0, 3.0]}
    result = sequences_from_frame(
        FRAMES[library](rows), sequence=["id", "day"], features=["x"]
    )
    assert [name[1] for name in result.sequence_names] == [*days]
    df = frame_from_sequences(
        result.data,
        sequence_names=result.sequence_names,
        sequence=["id", "day"],
        library=library,
    )
    assert_array_equal(df["day"].to_numpy(), days)


@pytest.mark.parametrize(
    "column",
    [
        pd.Categorical(["mid", "high", "low"], ["low", "mid", "high"], ordered=True),
        pl.Series(["mid", "high", "low"], dtype=pl.Enum(["low", "mid", "high"])),
    ],
    ids=["pandas", "polars"],
)
def test_categories_order_steps_as_they_are_ordered(column):
    library = pl if isinstance(column, pl.Series) else pd
    df = library.DataFrame({"id": [0, 0, 0], "at": column, "x": [1.0, 2.0, 0.0]})
    result = sequences_from_frame(df, sequence="id", order="at")
    assert result.data.ravel().tolist() == [0, 1, 2]
    assert result.order_values["at"][0].tolist() == ["low", "mid", "high"]


@libraries
def test_times_keep_their_zone(library):
    zone = ZoneInfo("Europe/Paris")
    times = [datetime(2020, 1, 2, hour, tzinfo=zone) for hour in (1, 0)]
    df = FRAMES[library]({"id": [0, 0], "at": times, "x": [1.0, 0.0]})
    expected = df["at"].to_list()[::-1]  # old versions of polars convert them to UTC
    result = sequences_from_frame(df, sequence="id", order="at")
    assert result.data.ravel().tolist() == [0, 1]
    found = result.order_values["at"][0].tolist()
    assert found == expected
    assert [t.utcoffset() for t in found] == [t.utcoffset() for t in expected]


@libraries
def test_names_of_columns_may_come_from_a_generator(library):
    def names(*listed):
        return (name for name in listed)

    result = read(library, sequence=names("day"), order=names("level", "hour"))
    expected = read(library, sequence=["day"], order=["level", "hour"])
    assert_array_equal(result.data, expected.data)
    with pytest.raises(ValueError, match="order names the column 'hour' twice"):
        read(library, order=["hour", "hour"])


@pytest.mark.parametrize("column", ["day", "hour", "state"])
def test_a_column_of_several_types_is_named(column):
    df = pd.DataFrame(ROWS | {column: [1, "1", "b", 2, 3]})
    message = rf"column '{column}' mixes types: it holds int and str; .*astype\(str\)"
    with pytest.raises(TypeError, match=message):
        sequences_from_frame(df, sequence="day", order="hour", label="state")
    df[column] = df[column].astype(str)
    if column == "day":
        result = sequences_from_frame(df, sequence="day", features=["load"])
        assert result.sequence_names.tolist() == ["1", "b", "2", "3"]


@pytest.mark.parametrize("column", ["day", "hour"])
def test_a_column_without_order_is_named(column):
    df = pd.DataFrame(ROWS | {column: [{"a": 1}] * 4 + [{"b": 1}]})
    with pytest.raises(TypeError, match=f"values of column '{column}' have no order"):
        sequences_from_frame(df, sequence="day", order="hour")


@pytest.mark.parametrize("column", ["day", "hour", "load", "state"])
def test_a_column_that_is_there_twice_is_named(column):
    df = pd.DataFrame(ROWS)
    df = pd.concat([df, df[[column]]], axis=1)
    message = f"df has 2 columns '{column}'; drop or rename"
    with pytest.raises(ValueError, match=message):
        sequences_from_frame(df, sequence="day", order="hour", label="state")


@libraries
def test_messages_name_values_as_python_does(library):
    rows = ROWS | {"hour": np.array(["2024-01-01"] * 5, "M8[ns]")}
    with pytest.raises(
        ValueError, match=r"'mon' has two steps with 'hour' '2024-01-01T"
    ):
        read(library, rows)


@libraries
@pytest.mark.parametrize("form", ["padded", "ragged", "sparse"])
def test_back_and_forth_changes_nothing(library, form):
    data, labels = (X, y) if form == "padded" else unpad(X, y)
    if form == "sparse":
        data = [sparse.csr_array(x) for x in data]
    df = frame_from_sequences(
        data,
        {"label": labels},
        sequence_names=NAMES,
        feature_names=FEATURES,
        library=library,
    )
    assert isinstance(df, FRAMES[library])
    assert list(df.columns) == ["sequence", "step", *FEATURES, "label"]
    result = sequences_from_frame(df, sequence="sequence", order="step", label="label")
    assert_array_equal(result.data, X)
    assert_array_equal(result.target, y)
    assert_array_equal(result.sequence_names, NAMES)
    assert result.feature_names == FEATURES


@given(
    st.lists(st.text("aβ✓", min_size=1), min_size=1), st.randoms(use_true_random=False)
)
def test_tokens_come_back_from_shuffled_rows(words, random):
    df = frame_from_sequences(words, library="polars")
    rows = random.sample(range(len(df)), len(df))
    result = sequences_from_frame(
        df[rows], sequence="sequence", order="step", features="token"
    )
    found = dict(zip(result.sequence_names.tolist(), result.data, strict=True))
    assert ["".join(found[i]) for i in range(len(words))] == words


@libraries
def test_predictions_and_probabilities_become_columns(library):
    model = VanillaRNNClassifier(4, alpha=30, random_state=0).fit(X, y)
    proba = model.predict_proba(X)
    df = frame_from_sequences(
        X,
        {
            "prediction": model.predict(X),
            ("p_low", "p_mid", "p_high"): proba,
            "states": model.hidden_states(X),
        },
        feature_names=[],
        library=library,
    )
    states = [f"states_{i}" for i in range(4)]
    classes = ["p_low", "p_mid", "p_high"]
    assert list(df.columns) == ["sequence", "step", "prediction", *classes, *states]
    assert not np.isnan(df[classes].to_numpy()).any()
    assert_array_equal(df[classes].to_numpy(), np.concatenate(list(unpad(X, proba)[1])))


def test_names_are_made_where_none_are_given():
    assert list(frame_from_sequences(X).columns) == [
        "sequence",
        "step",
        "x0",
        "x1",
        "x2",
    ]
    assert list(frame_from_sequences(["ab"]).columns) == ["sequence", "step", "token"]


def test_columns_of_tokens_have_a_type():
    for tokens, dtype in (([["ab"], ["c"]], pl.String), ([[3, 1], [4]], pl.Int64)):
        df = frame_from_sequences(tokens, library="polars")
        assert df["token"].dtype == dtype


@pytest.mark.parametrize(
    ("values", "parameters", "message"),
    [
        ({"y": y[:3]}, {}, r"values\['y'\] has 3 sequences but X has 12"),
        ({"y": y[:, :4]}, {}, r"values\['y'\] has 4 steps .* has 6 valid"),
        ({"y": [[1]] * 12}, {}, r"values\['y'\]\[0\] has 1 steps but X\[0\] has 6"),
        ({("a", "b"): X}, {}, "for 2 columns but there are 3"),
        ({"step": y}, {}, "two columns have one name"),
        (None, {"sequence_names": ["a"]}, "has 1 names but X has 12 sequences"),
        (None, {"feature_names": ["a"]}, "for 1 columns but there are 3"),
    ],
)
def test_values_that_do_not_go_with_the_steps_are_errors(values, parameters, message):
    with pytest.raises(ValueError, match=message):
        frame_from_sequences(X, values, **parameters)


def test_the_package_needs_no_data_frame_library():
    code = "import sys; sys.modules.update(pandas=None, polars=None); import skrnn"
    finished = subprocess.run([sys.executable, "-c", code], check=False)
    assert finished.returncode == 0


# Series of strings and lists ----------------------------------------------------------

WORDS = ["banana", "panama", "cab", "havana", "go", "savanna", "ox", "at"]
VOWELS = as_ragged([["-v"[c in "aeiou"] for c in word] for word in WORDS])
SERIES = {
    "pandas strings": pd.Series(WORDS, index=range(8, 0, -1)),
    "pandas objects": pd.Series(WORDS, dtype=object),
    "pandas lists": pd.Series([list(word) for word in WORDS]),
    "polars strings": pl.Series(WORDS),
    "polars lists": pl.Series([list(word) for word in WORDS]),
    "polars categories": pl.Series(WORDS, dtype=pl.Categorical),
}


@pytest.mark.parametrize("kind", SERIES)
def test_a_series_of_sequences_is_encoded(kind):
    expected = OneHotSequenceEncoder().fit_transform(WORDS)
    encoder = OneHotSequenceEncoder()
    assert_array_equal(encoder.fit_transform(SERIES[kind]), expected)
    words = ["".join(word) for word in encoder.inverse_transform(expected)]
    assert words == WORDS


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", SERIES)
@pytest.mark.parametrize("labels", ["arrays", "pandas"])
def test_a_series_of_sequences_goes_through_a_search(kind, labels):
    model = make_pipeline(
        OneHotSequenceEncoder(handle_unknown="ignore"),
        VanillaRNNClassifier(4, alpha=1, max_iter=5, random_state=0),
    )
    search = GridSearchCV(model, {"vanillarnnclassifier__alpha": [0.1, 1]}, cv=2)
    y_form = VOWELS if labels == "arrays" else pd.Series(VOWELS)
    expected = search.fit(WORDS, VOWELS).cv_results_["mean_test_score"]
    result = search.fit(SERIES[kind], y_form).cv_results_["mean_test_score"]
    assert_array_equal(result, expected)


NESTED = {
    "lists": pd.DataFrame({"id": [0, 1], "x": [["a", "b"], ["c"]]}),
    "arrays": pd.DataFrame(
        {"id": [0, 1], "x": [np.array(["a", "b"]), np.array(["c"])]}
    ),
    "Arrow": pd.DataFrame(
        {
            "id": [0, 1],
            "x": pd.Series(
                [["a", "b"], ["c"]], dtype=pd.ArrowDtype(pa.list_(pa.string()))
            ),
        }
    ),
    "polars": pl.DataFrame({"id": [0, 1], "x": [["a", "b"], ["c"]]}),
    "polars arrays": pl.DataFrame(
        {"id": [0, 1], "x": [[1, 2], [3, 4]]},
        schema={"id": pl.Int64, "x": pl.Array(pl.Int64, 2)},
    ),
}


@pytest.mark.parametrize("features", ["x", ["x"]])
@pytest.mark.parametrize("kind", NESTED)
def test_cells_that_are_sequences_are_refused(kind, features):
    message = r"column 'x' of df holds a sequence in row 0.*df\.explode\('x'\)"
    with pytest.raises(ValueError, match=message):
        sequences_from_frame(NESTED[kind], sequence="id", features=features)


@pytest.mark.parametrize("kind", ["lists", "arrays", "polars"])
def test_exploded_columns_are_sequences(kind):
    df = NESTED[kind].explode("x")
    result = sequences_from_frame(df, sequence="id", features="x")
    assert [tokens.tolist() for tokens in result.data] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sequence": 0}, r"sequence=0 is of type int; .*, or a list of names"),
        ({"sequence": "id", "order": 2}, r"order=2 is of type int; .*string"),
        ({"sequence": "id", "label": 1}, "label=1 is of type int"),
        ({"sequence": "id", "features": 1.5}, "features=1.5 is of type float"),
    ],
)
def test_columns_are_named_by_strings(parameters, message):
    df = pd.DataFrame({"id": [0], "x": [1.0]})
    with pytest.raises(TypeError, match=message):
        sequences_from_frame(df, **parameters)


ITEMS = [np.array([[0.1], [0.9]]), np.array([[0.8]])]


@pytest.mark.parametrize(
    "names",
    ["load", ["load"], np.array(["load"]), pa.array(["load"]), pl.Series(["load"])],
)
def test_features_are_named_from_any_container(names):
    df = frame_from_sequences(ITEMS, feature_names=names)
    assert list(map(repr, df.columns)) == ["'sequence'", "'step'", "'load'"]


@pytest.mark.parametrize(
    "names",
    [
        [(1, "a"), (1, "b")],
        ["a", "b"],
        [3, 4],
        [0.5, 1.0],
        pa.array(["a", "b"]),
        pd.Series(["a", "b"], dtype="category"),
        [datetime(2020, 1, 1), datetime(2021, 1, 1)],
    ],
)
def test_names_of_sequences_keep_their_types(names):
    column = frame_from_sequences(ITEMS, sequence_names=names)["sequence"].tolist()
    expected = names.to_pylist() if hasattr(names, "to_pylist") else list(names)
    assert column == [expected[0], expected[0], expected[1]]
    assert type(column[0]) is type(pd.Series(expected).tolist()[0])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"sequence_names": [1, "a"]},
            TypeError,
            "sequence_names mixes types: it holds int and str",
        ),
        (
            {"sequence_names": np.zeros((2, 2))},
            ValueError,
            r"sequence_names has shape \(2, 2\)",
        ),
        (
            {"values": [["a", "b"], ["c"]]},
            TypeError,
            "values is of type list; pass a d",
        ),
        (
            {"values": {"y": None}},
            ValueError,
            r"values\['y'\] is None; give every step",
        ),
        ({"values": {"y": 3}}, ValueError, r"values\['y'\] is 3; give every step"),
    ],
)
def test_what_names_no_sequence_or_value_is_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        frame_from_sequences(ITEMS, **parameters)
