"""The estimators on a cluster answer and refuse as those for data in memory.

The cluster is of threads, which start at once; test_dask.py has real processes.
"""

import re
import warnings

import dask
import dask.array as da
import dask.bag as db
import numpy as np
import pandas as pd
import pytest
from distributed import Client
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    NotFittedError,
)

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn.dask import DaskVanillaRNNClassifier, DaskVanillaRNNRegressor, _order

N, T, D = 60, 7, 3
CHUNK = 17  # the last chunk is shorter
FIT = {"hidden_layer_sizes": 5, "alpha": 1, "max_iter": 5, "random_state": 0}


@pytest.fixture(scope="module")
def client():
    options = {"threads_per_worker": 2, "processes": False, "dashboard_address": ":0"}
    with Client(n_workers=1, **options) as client:
        yield client


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, T, D))
    X[40:, 4:] = np.nan
    return X, np.array(["a", "b", "c"])[rng.integers(3, size=(N, T))]


def chunked(array):
    return da.from_array(array, (CHUNK, *array.shape[1:]))


def _marked(values, place, value):
    values = np.array(values)
    values[place] = value
    return values


def _cases(X, y):
    """Return X, y and weights of each case."""
    N, ones = len(X), np.ones(len(X))
    steps = np.random.default_rng(2).uniform(size=X.shape[:2])
    first = np.arange(N) < CHUNK
    padded = _marked(X, first, np.nan)
    flat = y.reshape(*y.shape[:2], -1)
    return {
        "as fitted": (X, y, None),
        "weights of sequences": (X, y, ones * 3),
        "weights of steps": (X, y, steps),
        "a chunk without weight": (X, y, np.where(first, 0, 1)),
        "one weight": (X, y, np.arange(N) == 3),
        "no weight": (X, y, ones * 0),
        "a negative weight": (X, y, _marked(ones, 20, -1)),
        "a weight of NaN": (X, y, _marked(ones, 20, np.nan)),
        "a negative weight in a chunk of padding": (padded, y, _marked(ones, 20, -1)),
        "complex weights": (X, y, ones + 1j),
        "weights for fewer steps": (X, y, steps[:, :5]),
        "float32": (X.astype(np.float32), y, None),
        "strings of digits": (X.astype(str), y, None),
        "integers": (np.nan_to_num(9 * X).astype(int), y, None),
        "rows": (X[:, 0], y[:, 0], None),
        "one sequence": (X[:1], y[:1], None),
        "one step": (X[:1, :1], y[:1, :1], None),
        "a chunk of padding": (padded, y, None),
        "padding alone": (X * np.nan, y, None),
        "other features": (X[..., :2], y, None),
        "NaN in a step": (_marked(X, (20, 1, 1), np.nan), y, None),
        "infinity": (_marked(X, (20, 1, 1), np.inf), y, None),
        "four axes": (X[..., None], y, None),
        "complex": (X + 1j, y, None),
        "no steps": (X[:, :0], y, None),
        "constant targets": (X, np.full_like(y, y[0, 0]), None),
        "fewer columns": (X, y[:, :5], None),
        "two outputs": (X, np.stack([y, y], axis=2) if y.ndim == 2 else flat, None),
        "three outputs": (X, np.concatenate([flat] * 3, axis=2), None),
        "one output with an axis": (X, flat[..., :1], None),
        "one column for rows": (X[:, 0], flat[:, 0, :1], None),
        "no targets": (X, None, None),
    }


CASES = list(_cases(np.zeros((N, T, D)), np.zeros((N, T))))
METHODS = {
    "classifier": [
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "hidden_states",
        "score",
    ],
    "classifier of chains": [
        "predict",
        "predict_proba",
        "decision_function",
        "sequence_log_proba",
        "score",
    ],
    "regressor": ["predict", "hidden_states", "score"],
    "regressor of two": ["predict", "score"],
    "regressor with an axis": ["predict", "score"],
}
TABLE = [(kind, method) for kind, names in METHODS.items() for method in names]


@pytest.fixture(scope="module")
def pairs(client, data):
    """Return fitted estimators on the cluster, with what they were fitted on."""
    X, labels = data
    y = np.nan_to_num(X[..., 0]).cumsum(axis=1)
    pairs = {
        "classifier": (DaskVanillaRNNClassifier(**FIT), labels),
        "classifier of chains": (
            DaskVanillaRNNClassifier(
                **FIT, skip_connection=True, skip_alpha=1, transitions=True
            ),
            labels,
        ),
    }
    for kind, targets in [
        ("regressor", y),
        ("regressor of two", np.stack([y, y**2], axis=2)),
        ("regressor with an axis", y[..., None]),
    ]:
        pairs[kind] = (DaskVanillaRNNRegressor(**FIT), targets)
    for model, targets in pairs.values():
        with pytest.warns(ConvergenceWarning):
            model.fit(chunked(X), chunked(targets))
    return pairs


def outcome(act):
    """Return an answer, or an error's type and text; and kinds of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = act()
            answer = answer.compute() if hasattr(answer, "compute") else answer
        except (TypeError, ValueError) as error:
            answer = type(error), str(error).replace("Dask", "")
    return answer, {warning.category for warning in caught}


def assert_same_error(error, arrays, local):
    """Check that all data are refused, and what is said is true of the chunk named."""
    kind, message = error
    assert isinstance(outcome(lambda: local(*arrays))[0], tuple)
    number, text = re.fullmatch(
        r"(?:chunk (\d+) of the data: )?(.*)", message, re.DOTALL
    ).groups()
    if number:
        here = slice(int(number) * CHUNK, (int(number) + 1) * CHUNK)
        arrays = [array if array is None else array[here] for array in arrays]
    assert (kind, text) == outcome(lambda: local(*arrays))[0]


def test_an_empty_collection_has_no_score(pairs, data):
    for remote, y in pairs.values():
        with pytest.raises(ValueError, match=r"^Found array with 0 sample\(s\)"):
            remote.score(chunked(data[0][:0]), chunked(y[:0]))


def test_constant_targets_in_several_chunks_have_the_score_of_one(pairs, data):
    remote, _ = pairs["regressor"]
    y = np.full((N, T), 0.1)  # whose mean is rounded
    assert remote.score(chunked(data[0]), chunked(y)) == 0
    w = np.zeros((N, T))
    w[:, 1], y[:, 0] = 1, 7
    assert remote.score(chunked(data[0]), chunked(y), chunked(w)) == 0


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")
def test_fit_refuses_what_the_local_one_refuses(client, data, kind, case):
    X, y = data
    local, remote = VanillaRNNClassifier(**FIT), DaskVanillaRNNClassifier(**FIT)
    if kind == "regressor":
        y = np.nan_to_num(X[..., 0]).cumsum(axis=1)
        local, remote = VanillaRNNRegressor(**FIT), DaskVanillaRNNRegressor(**FIT)
    arrays = _cases(X, y)[case]
    expected, _ = outcome(lambda: local.fit(*arrays))
    if isinstance(expected, tuple):
        chunks = [None if array is None else chunked(array) for array in arrays]
        answer, _ = outcome(lambda: remote.fit(*chunks))
        assert_same_error(answer, arrays, local.fit)
        assert not hasattr(remote, "output_coef_")


@pytest.mark.parametrize("n_columns", [None, 1, 2])
@pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")
def test_the_axis_of_outputs_is_noted(client, data, n_columns):
    X = data[0][:, :2]
    y = X[..., 0] if n_columns is None else X[..., :n_columns]
    remote = DaskVanillaRNNRegressor(**FIT).fit(chunked(X), chunked(y))
    assert remote.predict(chunked(X)).compute().shape == y.shape
    local = VanillaRNNRegressor(**FIT).fit(X, y)
    assert vars(remote.to_local()).keys() == vars(local).keys()


@pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")
def test_arrays_may_have_chunks_of_different_sizes(client, data):
    X, y = data
    w = np.random.default_rng(0).uniform(size=N)
    local = VanillaRNNClassifier(**FIT).fit(X, y, w)
    arrays = [da.from_array(a, (n, *a.shape[1:])) for a, n in [(X, 17), (y, 25)]]
    arrays.append(da.from_array(w, 40))
    remote = DaskVanillaRNNClassifier(**FIT).fit(*arrays)
    assert_allclose(remote.loss_, local.loss_, rtol=1e-9)
    assert_allclose(remote.score(*arrays), local.score(X, y, w), rtol=1e-9)


@pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")
@pytest.mark.parametrize("order", [1, -1])
def test_precision_is_single_where_all_chunks_are(client, data, order):
    X, y = (array[:34] for array in data)
    chunks = [X[:17].astype(np.float32), X[17:]][::order]
    labels = list(map(dask.delayed, [y[:17], y[17:]][::order]))
    model = DaskVanillaRNNClassifier(**FIT)
    model.fit(list(map(dask.delayed, chunks)), labels)
    assert model.output_coef_.dtype == np.float64
    singles = [dask.delayed(chunk.astype(np.float32)) for chunk in chunks]
    assert model.fit(singles, labels).output_coef_.dtype == np.float32


def test_labels_of_chunks_are_of_one_type(client):
    X, (y, _) = frames(["p", "q"], ["p", "q"])
    with pytest.raises(TypeError, match="mixed types"):
        DaskVanillaRNNClassifier(**FIT).fit(X, [y, dask.delayed([1] * 9)])


@pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")
@pytest.mark.parametrize("options", [{}, {"class_weight": "balanced"}], ids=str)
def test_weights_of_copies_add_up(client, data, options):
    X, y = (array.copy() for array in data)
    X[5], y[5] = X[50], y[50]  # copies in different chunks
    X[6], y[6] = X[51], y[51]
    w = np.random.default_rng(0).uniform(size=(N, T))
    options = FIT | options | {"early_stopping": True}
    local = VanillaRNNClassifier(**options).fit(X, y, w)
    remote = DaskVanillaRNNClassifier(**options)
    remote.fit(chunked(X), chunked(y), chunked(w))
    assert_allclose(remote.loss_curve_, local.loss_curve_, rtol=1e-7)
    assert_allclose(remote.validation_scores_, local.validation_scores_, rtol=1e-7)


@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_weights_of_copies_have_the_same_sum_in_any_order(n_steps, seed):
    rng = np.random.default_rng(0)
    weights = [*rng.uniform(size=(29, n_steps)), np.full(n_steps, 0.1)]

    def added(order):
        # Weights that are the same at all steps are one number.
        given = [weights[i][: len(set(weights[i]))] for i in order]
        n_weights = np.array(list(map(len, given)))
        kinds = np.zeros(30, np.intp)
        return _order._add_weights(kinds, n_weights, np.concatenate(given))[1]

    order = np.random.default_rng(seed).permutation(30)
    assert_array_equal(added(order), added(range(30)))
    assert_allclose(added(order), np.sum(weights, axis=0), rtol=1e-14)


@pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")
def test_empty_chunks_change_nothing(client, data):
    X, y = data
    remote = DaskVanillaRNNClassifier(**FIT)
    parts = [slice(0), slice(30), slice(30, 30), slice(30, None)]
    arrays = [[dask.delayed(values[part]) for part in parts] for values in (X, y)]
    local = VanillaRNNClassifier(**FIT).fit(X, y)
    assert_allclose(remote.fit(*arrays).loss_, local.loss_, rtol=1e-9)
    assert_allclose(remote.score(*arrays), local.score(X, y), rtol=1e-9)


@pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")
def test_a_chunk_without_a_label_is_checked_and_changes_nothing(client, data):
    X, y = data[0], data[1].astype(object)
    w = np.ones(y.shape)
    y[17:34], w[17:34] = None, 0.0
    parts = [slice(17), slice(17, 34), slice(34, None)]

    def fit(chunks):
        delayed = [[dask.delayed(a[part]) for part in parts] for a in (y, w)]
        chunks = list(map(dask.delayed, chunks))
        return DaskVanillaRNNClassifier(**FIT).fit(chunks, *delayed)

    local = VanillaRNNClassifier(**FIT).fit(X, y, w)
    assert_allclose(fit([X[p] for p in parts]).loss_, local.loss_, rtol=1e-9)
    singles = [X[p].astype(np.float32) for p in parts]
    assert fit(singles).output_coef_.dtype == np.float32
    singles[1] = X[parts[1]]
    assert fit(singles).output_coef_.dtype == np.float64
    singles[1] = singles[1][..., :1]
    with pytest.raises(ValueError, match="features of X"):
        fit(singles)


def test_labels_that_are_all_missing_are_no_data(client, data):
    X, y, w = data[0], np.full((N, T), None), np.zeros((N, T))
    with pytest.raises(ValueError, match="at least one non-zero number"):
        VanillaRNNClassifier(**FIT).fit(X, y, w)
    arrays = [[dask.delayed(a[:9]), dask.delayed(a[9:])] for a in (X, y, w)]
    with pytest.raises(ValueError, match="at least one non-zero number"):
        DaskVanillaRNNClassifier(**FIT).fit(*arrays)


def frames(*columns):
    rng = np.random.default_rng(0)
    X = [pd.DataFrame(rng.normal(size=(9, 2)), columns=names) for names in columns]
    return list(map(dask.delayed, X)), [dask.delayed(list("aaaabbbbb"))] * len(X)


@pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")
def test_names_of_features_are_noted(client):
    X, y = frames(["p", "q"], ["p", "q"])
    remote = DaskVanillaRNNClassifier(**FIT).fit(X, y)
    assert_array_equal(remote.feature_names_in_, ["p", "q"])
    X, y = frames(["p", "q"], ["q", "p"])
    with pytest.raises(ValueError, match="chunk 1 of the data: The feature names"):
        dask.compute(*remote.predict(X))
    with pytest.raises(ValueError, match="chunk 1 of the data: The feature names"):
        remote.score(X, y)


def test_chunks_have_the_same_names_of_features(client):
    message = r"columns of X: \['p', 'q'\] and \['q', 'p'\]"
    with pytest.raises(ValueError, match=message):
        DaskVanillaRNNClassifier(**FIT).fit(*frames(["p", "q"], ["q", "p"]))


@pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")
def test_forecasts_are_of_sequences_in_memory(client, data):
    X = np.nan_to_num(data[0])
    remote = DaskVanillaRNNRegressor(**FIT).fit(chunked(X[:, :-1]), chunked(X[:, 1:]))
    expected = remote.to_local().forecast(X, 3)
    assert_array_equal(remote.forecast(X, 3), expected)
    bag = db.from_sequence(list(X), npartitions=2)
    for collection in (chunked(X), bag, [dask.delayed(X[:9]), dask.delayed(X[9:])]):
        with pytest.raises(TypeError, match=r"call to_local\(\)\.forecast"):
            remote.forecast(collection, 3)
    assert not hasattr(DaskVanillaRNNRegressor(bidirectional=True), "forecast")


@pytest.mark.parametrize("method", ["predict", "hidden_states", "score"])
def test_there_is_no_answer_before_fit(client, data, method):
    arguments = map(chunked, data if method == "score" else data[:1])
    with pytest.raises(NotFittedError):
        getattr(DaskVanillaRNNClassifier(), method)(*arguments)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("kind", "method"), TABLE)
def test_every_method_answers_or_refuses_as_the_local_one(
    pairs, data, kind, method, case
):
    remote, y = pairs[kind]
    n_arguments = {"score": 3, "sequence_log_proba": 2}.get(method, 1)
    arrays = _cases(data[0], y)[case][:n_arguments]
    local = getattr(remote.to_local(), method)
    chunks = [None if array is None else chunked(array) for array in arrays]
    answer, warned = outcome(lambda: getattr(remote, method)(*chunks))
    if isinstance(answer, tuple):
        assert_same_error(answer, arrays, local)
    else:
        expected, expected_warned = outcome(lambda: local(*arrays))
        assert not isinstance(expected, tuple)
        # Warnings about a chunk stay with the worker, which may be this process.
        assert warned - {DataConversionWarning} == expected_warned - {
            DataConversionWarning
        }
        dtype = np.asarray(expected).dtype
        if dtype.kind == "f":
            # A chunk is another batch, whose products round differently.
            rtol, atol = (1e-6, 1e-6) if dtype == np.float32 else (1e-9, 1e-12)
            assert_allclose(answer, expected, rtol=rtol, atol=atol)
        else:
            assert_array_equal(answer, expected)
