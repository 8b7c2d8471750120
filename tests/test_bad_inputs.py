"""Bad and odd inputs, and what each gets: the whole table, row by row."""

import copy
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from samples import fingerprint, make_sequences
from scipy import sparse
from sklearn.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    InconsistentVersionWarning,
    NotFittedError,
)
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_info

from skrnn import (
    OneHotSequenceEncoder,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    unpad,
    valid_steps,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_sequences()
VALID = valid_steps(X)
RAGGED, RAGGED_Y = unpad(X, y)
ROWS, ROWS_Y = X[:, 0], y[:, 0]
FULL, FULL_Y = np.nan_to_num(X), np.abs(y)

classifier = partial(VanillaRNNClassifier, 4, alpha=1, max_iter=3, random_state=0)


def expectation(outcome):
    if outcome is None:
        return nullcontext()
    kind, message = outcome
    expect = pytest.warns if issubclass(kind, Warning) else pytest.raises
    return expect(kind, match=message)


class Case(NamedTuple):
    """A row of the table: what is called, with what, and what comes of it."""

    row: int
    name: str
    outcome: tuple[type, str] | None  # error or warning, its message; None: accepted
    call: Any  # model -> result
    inputs: Any = None
    model: Any = None  # fitted before; a classifier if None
    check: Any = None  # (model, result) -> None, for what is accepted


def with_value(array, index, value):
    changed = array.copy()
    changed[index] = value
    return changed


def fit(row, name, X, y, *outcome, check=None, weight=None, **parameters):
    def call(model):
        return model.set_params(**parameters).fit(X, y, weight)

    return Case(row, name, outcome or None, call, (X, y, weight), None, check)


def predict(row, name, X, *outcome, method="predict_proba", check=None):
    return Case(
        row, name, outcome or None, lambda m: getattr(m, method)(X), X, None, check
    )


def encode(row, name, method, X, *outcome, fitted=("ab",), check=None, **parameters):
    encoder = OneHotSequenceEncoder(**parameters).fit(list(fitted))
    return Case(
        row, name, outcome or None, lambda e: getattr(e, method)(X), X, encoder, check
    )


def like_the_clean_one(X_clean, y_clean, X_odd):
    """Check that an odd array gave the model and answers of the plain one."""

    def check(model, result):
        plain = classifier().fit(X_clean, y_clean)
        single = np.asarray(X_odd).dtype.itemsize < 8
        assert_allclose(
            np.asarray(model.predict_proba(X_odd)),
            plain.predict_proba(X_clean),
            rtol=1e-3 if single else 1e-7,  # float32 trains in float32
        )

    return check


def returns(expected):
    def check(model, result):
        assert_array_equal(np.concatenate(list(result)), np.concatenate(expected))

    return check


def labels_keep_type(expected):
    def check(model, result):
        (labels,) = {model.predict(form).dtype for form in (ROWS[:3], ROWS[3:4])}
        assert labels == expected
        assert model.classes_.dtype == expected

    return check


def like_dense(model, result):
    expected = classifier().fit(sparse.csr_matrix(ROWS), ROWS_Y)
    assert_array_equal(model.output_coef_, expected.output_coef_)
    assert_allclose(
        model.predict_proba(sparse.csr_array(ROWS)),
        model.predict_proba(ROWS),
        rtol=1e-12,
    )


def one_class(model, result):
    assert_array_equal(model.predict_proba(X)[VALID], np.ones((VALID.sum(), 1)))


def same_without_padding(model, result):
    expected = classifier().fit(RAGGED, RAGGED_Y)
    assert_array_equal(model.classes_, expected.classes_)
    assert_array_equal(model.output_coef_, expected.output_coef_)


def taken_as_sequences(model, result):
    assert model.predict(FULL[:2].tolist()).dtype == object


def taken_as_rows(model, result):
    assert model.predict([[1.0, 2.0, 3.0]]).shape == (1,)


def padding_comes_out(model, result):
    assert_array_equal(result, [[-1, -1]])


def interrupted(model):
    n_threads = [lib["num_threads"] for lib in threadpool_info()]
    try:
        with mock.patch("builtins.print", side_effect=KeyboardInterrupt):
            model.set_params(verbose=1).fit(X, y)
    finally:
        model.set_params(verbose=0)
        assert [lib["num_threads"] for lib in threadpool_info()] == n_threads


def fit_in_two_threads(model):
    before = [lib["num_threads"] for lib in threadpool_info()]
    models = [classifier(activation=a, max_iter=20) for a in ("tanh", "relu")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda m: m.fit(X, y), models))
    assert [lib["num_threads"] for lib in threadpool_info()] == before
    return models


def both_are_correct(model, models):
    for fitted in models:
        alone = classifier(activation=fitted.activation, max_iter=20).fit(X, y)
        assert_array_equal(fitted.output_coef_, alone.output_coef_)


def unpickle_of_another_version(model):
    with mock.patch("skrnn._validation.persistence.__version__", "0.0.1"):
        state = pickle.dumps(model)
    return pickle.loads(state)


def go_on(row, name, X, y, message, **parameters):
    def call(model):
        return model.set_params(warm_start=True, **parameters).fit(X, y)

    return Case(row, name, (ValueError, message), call, (X, y))


def stepping(row, name, X_t, state, *outcome, **parameters):
    def call(model):
        model.set_params(**parameters)
        try:
            return model.step(X_t, state)
        except AttributeError as error:  # the reason is in what caused it
            raise error.__cause__ from None

    return Case(row, name, outcome, call, X_t)


NO_FLOAT = r"could not convert string to float.*OneHotSequenceEncoder"
NOT_A_NUMBER = "argument must be a string or a real number"
MIXED = r"mixed types: y holds (str and int|int and str)"
STATE = (np.zeros((2, 4)),)
MULTI = pd.DataFrame(
    FULL.reshape(-1, 3), index=pd.MultiIndex.from_product([range(12), range(6)])
)

CASES = [
    fit(1, "4 axes", X[None], y, ValueError, r"Expected 3D array .*got 4D array"),
    fit(1, "2-D lists of 2-D", [X, X], y, ValueError, "got 4D array"),
    fit(1, "1 axis", ROWS[0], y, ValueError, "Expected 2D array, got 1D(?s:.*)Reshape"),
    fit(1, "number", 3.0, y, ValueError, "Expected 2D array, got scalar"),
    predict(1, "predict 4 axes", X[None], ValueError, "got 4D array"),
    predict(1, "predict 1 axis", ROWS[0], ValueError, "Expected 2D(?s:.*)Reshape"),
    fit(2, "no sequences", X[:0], y[:0], ValueError, r"0 sample\(s\).*minimum of 1"),
    fit(2, "no steps", X[:, :0], y, ValueError, r"0 step\(s\).*minimum of 1"),
    fit(2, "no features", X[..., :0], y, ValueError, r"0 feature\(s\) \(shape=\(12, 6"),
    fit(2, "no rows", ROWS[:0], y[:0], ValueError, r"0 sample\(s\)"),
    fit(2, "no columns", ROWS[:, :0], ROWS_Y, ValueError, r"0 feature.*\(12, 0\)\)"),
    fit(2, "empty list", [], [], ValueError, r"Found array with 0 sample\(s\)"),
    fit(2, "ragged without features", [X[0, :, :0]], [[]], ValueError, r"0 feature"),
    predict(2, "predict empty list", [], ValueError, r"0 sample\(s\)"),
    fit(
        3,
        "ragged of unequal features",
        [X[0], X[0], X[0, :, :2]],
        y[:3],
        ValueError,
        r"X\[2\] has 2 features but X\[0\] has 3",
    ),
    fit(4, "2-D items", FULL.tolist(), FULL_Y.tolist(), check=taken_as_sequences),
    fit(4, "1-D items", ROWS.tolist(), ROWS_Y.tolist(), check=taken_as_rows),
    fit(4, "unequal rows", [[1.0], [1.0, 2]], [0, 1], ValueError, r"x\[:, None\]"),
    fit(4, "symbols", [[1], [1, 2]], [[0], [0, 1]], ValueError, "OneHotSequenceEnc"),
    fit(4, "a single axis", [[1.0], ROWS], [0, 1], ValueError, r"X\[0\] has 1 axes"),
    fit(
        5,
        "inf",
        with_value(X, (2, 1, 0), np.inf),
        y,
        ValueError,
        r"contains infinity: X\[2\] at step 1",
    ),
    fit(
        5,
        "inf in rows",
        with_value(ROWS, (3, 1), -np.inf),
        ROWS_Y,
        ValueError,
        r"contains infinity: X\[3\]",
    ),
    fit(
        5,
        "NaN in rows",
        with_value(ROWS, (3, 1), np.nan),
        ROWS_Y,
        ValueError,
        r"contains NaN: X\[3\]",
    ),
    fit(
        5,
        "NaN in sparse rows",
        sparse.csr_array([[0, 1], [0, np.nan]]),
        [0, 1],
        ValueError,
        r"contains NaN: X\[1\]",
    ),
    fit(
        5,
        "NaN in ragged",
        [RAGGED[0], with_value(RAGGED[1], 1, np.nan)],
        RAGGED_Y[:2],
        ValueError,
        r"contains NaN: X\[1\] at step 1",
    ),
    predict(
        5,
        "inf in ragged sparse",
        [sparse.csr_array([[0, 1, 1], [0, 0, -np.inf]])],
        ValueError,
        r"contains infinity: X\[0\] at step 1",
    ),
    fit(
        6,
        "partly NaN",
        with_value(X, (0, 2, 1), np.nan),
        y,
        ValueError,
        r"contains NaN: X\[0\] at step 2 is partly NaN.*pad at the end",
    ),
    fit(
        6,
        "NaN before a valid step",
        with_value(X, (0, 0), np.nan),
        y,
        ValueError,
        r"contains NaN: X\[0\] at step 0 is padding before .*pad at the end",
    ),
    fit(7, "all padding", with_value(X, 3, np.nan), y, ValueError, r"X\[3\] has no va"),
    predict(
        7,
        "predict all padding",
        np.full((1, 2, 3), np.nan),
        method="predict",
        check=padding_comes_out,
    ),
    fit(
        8, "length 0", [X[0], X[0, :0]], [y[0], []], ValueError, r"X\[1\] has no valid"
    ),
    predict(
        8,
        "predict length 0",
        [[], RAGGED[0], X[0, :0]],
        method="predict",
        check=lambda model, result: assert_array_equal(
            [len(labels) for labels in result], [0, 6, 0]
        ),
    ),
    fit(9, "99", X, np.where(VALID, y, 99), check=same_without_padding),
    fit(9, "NaN", X, np.where(VALID, y, np.nan), check=same_without_padding),
    fit(
        9,
        "None and more",
        X,
        np.where(VALID, y.astype(object), np.array([None, "a", 7, 0, 0.5, -1])),
        check=same_without_padding,
    ),
    fit(
        9,
        "strings",
        X,
        np.where(VALID, y.astype(object), "-"),
        check=same_without_padding,
    ),
    fit(10, "1e200", FULL * 1e200, FULL_Y, ValueError, "standardize the valid steps"),
    fit(
        10,
        "1e300, relu",
        FULL * 1e300,
        FULL_Y,
        ValueError,
        "standardize the valid steps",
        activation="relu",
    ),
    fit(11, "complex", X + 1j, y, ValueError, "Complex data not supported"),
    fit(11, "complex rows", ROWS + 1j, ROWS_Y, ValueError, "Complex data not supp"),
    fit(11, "complex item", [X[0] + 1j], y[:1], ValueError, "Complex data not supp"),
    fit(
        11,
        "complex sparse item",
        [sparse.csr_array(X[0] + 1j)],
        y[:1],
        ValueError,
        "Complex data not supported",
    ),
    *[
        fit(
            12,
            f"sparse {form}",
            getattr(sparse, f"{form}_array")(ROWS),
            ROWS_Y,
            check=like_dense,
        )
        for form in ("csr", "csc", "coo", "lil", "dok")
    ],
    fit(13, "text", np.array([[["a"]]]), [[0]], ValueError, NO_FLOAT),
    fit(13, "text in rows", np.array([["a"]]), [0], ValueError, NO_FLOAT),
    fit(13, "text in items", [[["a"], ["b"]]], [[0, 1]], ValueError, NO_FLOAT),
    fit(13, "strings", ["ab", "c"], [[0, 1], [0]], ValueError, NO_FLOAT),
    fit(13, "tokens", [["a", "b"], ["c"]], [[0, 1], [0]], ValueError, NO_FLOAT),
    fit(13, "dicts", np.array([[[{}]]]), [[0]], TypeError, NOT_A_NUMBER),
    fit(13, "rows of dicts", [[{}], [{}, {}]], [[0], [0]], TypeError, NOT_A_NUMBER),
    fit(
        13,
        "objects",
        X.astype(object),
        y,
        check=same_without_padding,
    ),
    fit(14, "datetime64", X.astype("M8[s]"), y, TypeError, "datetime64"),
    fit(14, "timedelta64", X.astype("m8[s]"), y, TypeError, "timedelta64"),
    fit(14, "datetime64 rows", ROWS.astype("M8[s]"), ROWS_Y, TypeError, "datetime64"),
    fit(14, "item", [X[0].astype("m8[s]")], y[:1], TypeError, "timedelta64"),
    fit(
        14,
        "frame",
        pd.DataFrame(ROWS.astype("M8[s]")),
        ROWS_Y,
        TypeError,
        "datetime64",
    ),
    fit(15, "masked", np.ma.array(X), y, TypeError, r"X is a masked.*\.filled\(np.nan"),
    fit(
        15, "masked item", [np.ma.array(X[0])], y[:1], TypeError, r"X\[0\] is a masked"
    ),
    fit(15, "masked y", X, np.ma.array(y), TypeError, r"y is a masked.*\.filled\(-1\)"),
    fit(15, "masked weights", X, y, TypeError, "masked", weight=np.ma.array(VALID)),
    predict(15, "predict masked", np.ma.array(X), TypeError, "masked"),
    fit(16, "np.matrix", np.matrix(ROWS), ROWS_Y, TypeError, "np.matrix is not supp"),
    fit(16, "dict", {"a": X}, y, TypeError, "X is a dict; pass an array"),
    fit(16, "None", None, y, ValueError, "Expected 2D array"),
    fit(16, "a frame for 3-D", MULTI, y, ValueError, r"X\[\.\.\., None\]"),
    fit(
        16,
        "sparse with 3 axes",
        sparse.coo_array(FULL),
        y,
        ValueError,
        "got 3D sparse array",
    ),
    *[
        fit(
            17,
            f"dtype {dtype}",
            FULL.astype(dtype),
            FULL_Y,
            check=like_the_clean_one(
                FULL.astype(dtype).astype(float), FULL_Y, FULL.astype(dtype)
            ),
        )
        for dtype in ("?", "i1", "u1", "i8", "f2", "f4", "g", ">f8", ">i4", ">f4")
    ],
    *[
        fit(17, name, odd, FULL_Y, check=like_the_clean_one(odd.copy(), FULL_Y, odd))
        for name, odd in {
            "Fortran order": np.asfortranarray(FULL),
            "negative strides": FULL[::-1, ::-1, ::-1],
            "broadcast": np.broadcast_to(FULL[:1], FULL.shape),
            "strided": np.repeat(FULL, 2, axis=2)[..., ::2],
        }.items()
    ],
    fit(18, "too few columns", X, y[:, :5], ValueError, r"\(12, 5\) .*has 6 valid ste"),
    fit(18, "too few rows", X, y[:5], ValueError, r"numbers of samples: \[12, 5\]"),
    fit(18, "rows", ROWS, ROWS_Y[:5], ValueError, r"numbers of samples: \[12, 5\]"),
    fit(
        18,
        "another length",
        RAGGED,
        [*RAGGED_Y[:1], RAGGED_Y[1][1:], *RAGGED_Y[2:]],
        ValueError,
        rf"y\[1\] has {len(RAGGED_Y[1]) - 1} labels but X\[1\] has {len(RAGGED_Y[1])}",
    ),
    fit(18, "one label each", X, ROWS_Y, ValueError, r"y\[0\] is a single label"),
    fit(
        19, "2-D X and y", ROWS, y, ValueError, r"univariate series pass X\[\.\.\., No"
    ),
    Case(
        19,
        "a regressor",
        (UserWarning, r"for univariate series pass X\[\.\.\., None\]"),
        lambda model: VanillaRNNRegressor(2, alpha=1, max_iter=1).fit(
            FULL[..., 0], FULL[..., 1]
        ),
        FULL,
    ),
    fit(19, "a column", ROWS, y[:, :1], DataConversionWarning, "column-vector"),
    *[
        fit(
            20,
            "None",
            form,
            None,
            ValueError,
            "requires y to be passed, but the target",
        )
        for form in (X, RAGGED, ROWS)
    ],
    fit(21, "one-hot", X, np.eye(3)[y], ValueError, r"y\.argmax\(axis=-1\)"),
    fit(21, "ragged", RAGGED, [np.eye(3)[i] for i in RAGGED_Y], ValueError, "y.argmax"),
    fit(22, "continuous", X, y + 0.5, ValueError, "Unknown label type: continuous"),
    fit(22, "rows", ROWS, ROWS_Y + 0.5, ValueError, "Unknown label type: continuous"),
    fit(
        23,
        "NaN",
        X,
        with_value(y.astype(float), (0, 3), np.nan),
        ValueError,
        r"y contains NaN: y\[0\] at step 3",
    ),
    fit(
        23,
        "inf",
        X,
        with_value(y.astype(float), (0, 3), np.inf),
        ValueError,
        r"y contains infinity: y\[0\] at step 3",
    ),
    fit(
        23,
        "None",
        X,
        with_value(y.astype(object), (0, 3), None),
        ValueError,
        r"y contains None: y\[0\] at step 3",
    ),
    fit(
        23, "rows", ROWS, [*ROWS_Y[:-1], None], ValueError, r"y contains None: y\[11\]"
    ),
    fit(23, "pandas.NA", ROWS, [*ROWS_Y[:-1], pd.NA], ValueError, r"<NA>: y\[11\]"),
    fit(24, "object array", X, np.where(y, y.astype(object), "a"), TypeError, MIXED),
    fit(24, "list", [X[0]], [["a", 1, 2, 0, 1, 2]], TypeError, MIXED),
    fit(24, "items", [X[0], X[0]], [y[0], "abcabc"], TypeError, MIXED),
    fit(24, "rows", ROWS, ["a", 1] * 6, TypeError, MIXED),
    *[
        fit(25, str(dtype), ROWS, labels, check=labels_keep_type(dtype))
        for dtype, labels in {
            np.dtype("<U3"): np.array(["one", "a", "b"])[ROWS_Y],
            np.dtype(object): pd.Categorical.from_codes(ROWS_Y, ["x", "y", "z"]),
            np.dtype(bool): ROWS_Y == 1,
            np.dtype(np.int16): ROWS_Y.astype(np.int16),
            np.dtype(np.uint8): ROWS_Y.astype(np.uint8),
        }.items()
    ],
    fit(26, "one class", X, np.where(VALID, 7, -1), check=one_class),
    fit(27, "-1", FULL, y, UserWarning, "padding_value"),
    fit(
        27, "empty strings", FULL, np.where(y < 0, "", "a"), UserWarning, "padding_val"
    ),
    fit(27, "lists", FULL, y.tolist(), UserWarning, "padding_value"),
    fit(27, "ragged", list(FULL), y.tolist()),
    fit(27, "a class", FULL, FULL_Y - 1),
    fit(27, "single steps", FULL[:, :1], FULL_Y[:, :1] * 2 - 1),
    fit(
        28,
        "a class",
        X,
        y,
        ValueError,
        r"padding_label=1 is one .*\[0 1 2\]",
        **{"padding_label": 1},
    ),
    fit(28, "a list", X, y, ValueError, "not a single label", padding_label=[1]),
    *[
        fit(29, name, X, y, ValueError, message, weight=weight)
        for name, weight, message in [
            ("rows", np.ones(5), r"sample_weight.shape == \(5,\), expected \(12,\)!"),
            ("columns", np.ones((12, 5)), r"sample_weight has shape \(12, 5\)"),
            ("axes", np.ones((12, 6, 1)), "give every step one weight"),
            ("negative", -np.ones(12), "Negative values in data"),
            ("NaN", np.full(12, np.nan), "sample_weight contains NaN"),
            ("inf", np.full((12, 6), np.inf), "sample_weight contains infinity"),
            ("zero", np.zeros(12), "at least one non-zero number"),
            ("zero at valid steps", ~VALID, "at least one non-zero number"),
            ("lengths", [[1.0]] * 12, r"sample_weight\[0\] has 1 weights but X\[0\]"),
            ("complex", np.ones(12) + 1j, "Complex data not supported"),
            ("complex objects", np.full(12, 1j, object), "Complex data not supported"),
            ("text", ["a"] * 12, "could not convert string to float: 'a', in sample_w"),
            ("None", [1.0] * 11 + [None], "sample_weight contains NaN"),
            ("NA", [1.0] * 11 + [pd.NA], "sample_weight contains NaN"),
            (
                "NA in a Series",
                pd.Series([1] * 11 + [pd.NA], dtype="Int64"),
                "sample_weight contains NaN",
            ),
            (
                "mixed",
                [1.0] * 11 + [[1.0]],
                r"sample_weight\[11\] is not a single weight",
            ),
        ]
    ],
    *[
        fit(29, name, X, y, TypeError, message, weight=weight)
        for name, weight, message in [
            ("datetimes", np.ones(12, "M8[s]"), r"has dtype datetime64\[s\]; pass num"),
            (
                "durations",
                np.ones(12, "m8[s]"),
                r"has dtype timedelta64\[s\]; pass num",
            ),
            ("durations of steps", np.ones((12, 6), "m8[s]"), "has dtype timedelta64"),
            ("one duration", np.timedelta64(1, "s"), "has dtype timedelta64"),
            ("a Series", pd.Series(np.ones(12, "M8[ns]")), "has dtype datetime64"),
            ("objects", [object()] * 12, "not 'object', in sample_weight"),
        ]
    ],
    *[
        fit(
            30,
            str(sizes),
            X,
            y,
            InvalidParameterError,
            "'hidden_layer_sizes' param",
            **{"hidden_layer_sizes": sizes},
        )
        for sizes in ((), 0, (4, 0), -1, 3.0, (4, 3.0), True, (4, True), "64", None)
    ],
    *[
        fit(
            31,
            f"{name}={value}",
            X,
            y,
            InvalidParameterError,
            f"'{name}' parameter",
            **{name: value},
        )
        for name, value in [
            ("alpha", -1),
            ("alpha", np.nan),
            ("alpha", np.inf),
            ("tol", 0),
            ("max_iter", 0),
            ("max_fun", 0),
            ("activation", "sigmoid"),
            ("n_init", 0),
            ("validation_fraction", 1.0),
            ("padding_value", "0"),
            ("verbose", -1),
        ]
    ],
    fit(
        32,
        "unknown class",
        X,
        y,
        ValueError,
        "The classes, .*, are not in class_weight|classes.*7",
        class_weight={7: 2.0},
    ),
    *[
        Case(
            33,
            method,
            (NotFittedError, "VanillaRNNClassifier"),
            lambda model, method=method, arguments=arguments: getattr(
                classifier(), method
            )(*arguments),
        )
        for method, arguments in {
            "predict": (X,),
            "predict_proba": (X,),
            "predict_log_proba": (X,),
            "decision_function": (X,),
            "hidden_states": (X,),
            "score": (X, y),
            "initial_state": (),
            "step": (ROWS, STATE),
        }.items()
    ],
    *[
        predict(
            34,
            name,
            five,
            ValueError,
            "X has 5 features, but VanillaRNNClassifier is expecting 3 features",
        )
        for name, five in {
            "padded": np.ones((2, 4, 5)),
            "ragged": [np.ones((2, 5))],
            "rows": np.ones((2, 5)),
        }.items()
    ],
    predict(35, "more steps", np.tile(FULL, (1, 3, 1))),
    predict(35, "one step", X[:, :1]),
    go_on(36, "classes", X, y == 1, r"continues with the classes \[0 1 2\]"),
    go_on(
        36, "features", X[..., :2], y, "continues with n_features=3, but it is now 2"
    ),
    go_on(36, "layers", X, y, "hidden_layer_sizes=", hidden_layer_sizes=(4, 4)),
    go_on(36, "activation", X, y, "activation=tanh, but it is", activation="relu"),
    go_on(36, "direction", X, y, "n_directions=1", bidirectional=True),
    fit(
        37,
        "max_iter",
        X,
        y,
        ConvergenceWarning,
        r"max_iter .*2 iterations, \d+ evaluations, .*gradient .* > tol=0.0001",
        max_iter=2,
    ),
    fit(37, "max_fun", X, y, ConvergenceWarning, "2 evaluations", max_fun=2),
    Case(38, "interrupt", (KeyboardInterrupt, "^$"), interrupted),
    fit(
        39,
        "1 sequence",
        X[:1],
        y[:1],
        ValueError,
        "early stopping holds out 1 of 1",
        **{"early_stopping": True},
    ),
    stepping(40, "two-way", ROWS, STATE, AttributeError, "bidir", bidirectional=True),
    stepping(
        41, "sequences", ROWS, STATE, ValueError, r"state has .*\(2, 4\).*\(12, 4\)"
    ),
    stepping(41, "layers", ROWS[:2], STATE * 2, ValueError, r"expected \[\(2, 4\)\]"),
    stepping(41, "features", ROWS[:2, :2], STATE, ValueError, r"\(n_sequences, 3\)"),
    Case(42, "two threads", None, fit_in_two_threads, check=both_are_correct),
    encode(
        43, "error", "transform", ["ab", "ac"], ValueError, r"\['c'\].*X\[1\] at st"
    ),
    encode(
        43,
        "warn",
        "transform",
        ["ac"],
        UserWarning,
        r"Found unknown categories \['c'\]",
        handle_unknown="warn",
    ),
    encode(
        43,
        "ignore",
        "transform",
        ["ac"],
        handle_unknown="ignore",
        check=returns([[[1, 0], [0, 0]]]),
    ),
    encode(
        43,
        "infrequent_if_exist",
        "transform",
        ["abz"],
        fitted=["aaabc"],
        handle_unknown="infrequent_if_exist",
        min_frequency=2,
        check=returns([[[1, 0], [0, 1], [0, 1]]]),
    ),
    encode(44, "fit", "fit", "hello", ValueError, "wrap it in a list"),
    encode(44, "transform", "transform", "ab", ValueError, "wrap it in a list"),
    encode(45, "unhashable", "fit", [["a"], [["b"]]], TypeError, r"X\[1\] at step 0"),
    encode(45, "mixed", "fit", [["a", 1]], TypeError, r"X\[0\] at step 1"),
    encode(45, "None", "fit", [["a", None]], ValueError, r"X\[0\] at step 1"),
    encode(45, "NaN", "fit", [[1.0], [np.nan]], ValueError, r"NaN: X\[1\] at step 0"),
    encode(45, "NaN array", "fit", [[1.0, np.nan]], ValueError, r"X\[0\] at step 1"),
    encode(
        46,
        "fit",
        "fit",
        ["", "ba"],
        check=lambda encoder, result: assert_array_equal(
            encoder.categories_, ["a", "b"]
        ),
    ),
    encode(46, "transform", "transform", [""], check=returns([[[np.nan, np.nan]]])),
    *[
        Case(
            47,
            ascii(text),
            None,
            lambda encoder, text=text: encoder.inverse_transform(
                encoder.fit_transform([text])
            ),
            model=OneHotSequenceEncoder(),
            check=lambda encoder, result, text=text: assert_array_equal(result, [text]),
        )
        for text in (
            "\ud83d\ude00",
            "e\u0301",
            "\U0001f468\u200d\U0001f469",
            "\u05e9ab",
        )
    ],
    *[
        Case(
            48,
            library,
            (ValueError, "a frame has two axes"),
            lambda encoder, library=library: encoder.set_output(transform=library),
            model=OneHotSequenceEncoder().fit(["ab"]),
        )
        for library in ("pandas", "polars")
    ],
    *[
        Case(
            49,
            type(model or classifier()).__name__,
            (InconsistentVersionWarning, "0.0.1"),
            unpickle_of_another_version,
            model=model,
        )
        for model in (None, OneHotSequenceEncoder().fit(["ab"]))
    ],
    *[
        Case(
            55,
            f"{name} columns of {library.__name__}",
            (ValueError, message),
            lambda model, library=library, columns=columns: (
                classifier()
                .fit(
                    [library(dict(zip("abc", x.T, strict=True))) for x in RAGGED],
                    RAGGED_Y,
                )
                .predict([library(dict(zip(columns, RAGGED[0].T, strict=True)))])
            ),
        )
        for library in (pd.DataFrame, pl.DataFrame)
        for name, columns, message in [
            ("swapped", "bac", "must be in the same order as they were in fit"),
            ("other", "abd", r"unseen at fit time:\n- d\n"),
        ]
    ],
    *[
        predict(
            50,
            f"{method} {name}",
            table,
            ValueError,
            r"fitted on sequences; pass one sequence as X\[None\] or \[x\]",
            method=method,
        )
        for method in ("predict", "predict_proba", "hidden_states")
        for name, table in {"array": ROWS, "list": ROWS.tolist()}.items()
    ],
]


@pytest.fixture(scope="module")
def fitted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return classifier().fit(X, y)


def test_the_table_is_whole():
    assert {case.row for case in CASES} == {*range(1, 51), 55}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.row}: {case.name}")
def test_what_a_bad_or_odd_input_gets(case, fitted):
    model = copy.deepcopy(case.model or fitted)
    attributes, content = fingerprint(vars(model)), fingerprint(case.inputs)
    with expectation(case.outcome):
        result = case.call(model)
        if case.check:
            case.check(model, result)
    assert fingerprint(case.inputs) == content
    if case.outcome and not issubclass(case.outcome[0], Warning):
        learned = {k: v for k, v in vars(model).items() if k.endswith("_")}
        assert fingerprint(learned).items() <= attributes.items()


@pytest.mark.parametrize(
    "tokens",
    [
        np.full((2, 1), "f(x)"),
        np.full((2, 3, 1), "f(x)"),
        [np.array([["f(x)"]]), np.array([["f(x)"], ["b"]])],
    ],
    ids=["rows", "padded", "ragged"],
)
def test_strings_are_shown_as_plain_values(tokens):
    message = r"could not convert string to float: 'f\(x\)'.*OneHotSequenceEncoder"
    with pytest.raises(ValueError, match=message):
        VanillaRNNClassifier().fit(tokens, y)


# Groups of sequences

GROUPS = np.arange(12) // 2
GOOD_GROUPS = {
    "list": GROUPS.tolist(),
    "strings": [f"page {i}" for i in GROUPS],
    "bytes": GROUPS.astype("S"),
    "numbers": GROUPS / 7,
    "pandas Series": pd.Series(GROUPS, index=range(12, 0, -1)),
    "categories": pd.Series(GROUPS).astype(str).astype("category"),
    "polars Series": pl.Series(GROUPS),
    "one column": pd.DataFrame({"page": GROUPS}),
    "column vector": GROUPS[:, None],
    "dates": pd.to_datetime(GROUPS, unit="D"),
    "other numbers": 7 - GROUPS,
}
SORTED = "groups cannot be sorted .* without missing values"
BAD_GROUPS = {
    "too few": (GROUPS[:5], ValueError, r"shape \(5,\) but X has 12 sequences"),
    "none": ([], ValueError, r"groups has shape \(0,\) but X has 12 sequences"),
    "a scalar": (1, ValueError, r"groups has shape \(\) but X has 12 sequences"),
    "two columns": (
        pd.DataFrame({"a": GROUPS, "b": GROUPS}),
        ValueError,
        r"shape \(12, 2\) but X has 12 sequences; pass one group for each",
    ),
    "a row": (GROUPS[None], ValueError, r"groups has shape \(1, 12\)"),
    "NaN": ([np.nan, *GROUPS[1:]], ValueError, "Input groups contains NaN"),
    "infinity": ([np.inf, *GROUPS[1:]], ValueError, "groups contains infinity"),
    "None": ([None, *GROUPS[1:]], TypeError, SORTED),
    "None and strings": ([None, *GROUPS[1:].astype(str)], TypeError, SORTED),
    "pandas.NA": (pd.Series([None, *GROUPS[1:]], dtype="Int64"), TypeError, SORTED),
    "several types": (np.array(["a", 1] * 6, dtype=object), TypeError, SORTED),
    "a string": ("a" * 12, ValueError, "groups is the string 'aaaaaaaaaaaa'"),
    "a dict": (dict(enumerate(GROUPS)), TypeError, "groups is of type dict"),
    "a set": (set(range(12)), TypeError, "groups is of type set"),
    "a generator": (
        (i for i in range(12)),
        TypeError,
        r"pass a list, .*list\(groups\)",
    ),
}


@pytest.mark.parametrize("form", GOOD_GROUPS)
def test_groups_have_any_form_and_any_names(form):
    expected = classifier(alpha="auto").fit(X, y, groups=GROUPS)
    found = classifier(alpha="auto").fit(X, y, groups=GOOD_GROUPS[form])
    assert expected.alphas_ is not None
    assert_array_equal(found.alpha_scores_, expected.alpha_scores_)


@pytest.mark.parametrize("model", [VanillaRNNClassifier, VanillaRNNRegressor])
@pytest.mark.parametrize("alpha", ["auto", 1])
@pytest.mark.parametrize("name", BAD_GROUPS)
def test_bad_groups_are_an_error(name, alpha, model):
    groups, error, message = BAD_GROUPS[name]
    with pytest.raises(error, match=message):
        model(4, alpha=alpha, max_iter=3).fit(X, y, groups=groups)
