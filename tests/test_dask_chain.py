"""Direct weights and chains of labels on a cluster, against data in memory.

The cluster is of threads, which start at once; test_dask.py has real processes.
"""

import dask
import dask.array as da
import dask.bag as db
import numpy as np
import pytest
from distributed import Client
from numpy.testing import assert_allclose, assert_array_equal
from samples import make_sequences
from sklearn.exceptions import NotFittedError
from strategies import theta_of

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn._validation.containers import objects
from skrnn.dask import DaskVanillaRNNClassifier, DaskVanillaRNNRegressor
from skrnn.preprocessing import unpad

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CHUNK = 7
X, y = make_sequences(20)
X[3], y[3] = X[16], y[16]  # copies in different chunks
FIT = {
    "hidden_layer_sizes": 3,
    "alpha": 1,
    "skip_alpha": 1,
    "max_iter": 4,
    "random_state": 0,
}
DIRECT, CHAIN = {"skip_connection": True}, {"transitions": True}
BOTH = DIRECT | CHAIN
LINEAR = {"hidden_layer_sizes": ()}
# The class 2 may not follow the class 0, and no sequence ends with the class 1.
TABLE = np.ones((4, 4), dtype=bool)
TABLE[0, 2] = TABLE[1, 3] = False


@pytest.fixture(scope="module")
def client():
    options = {"threads_per_worker": 2, "processes": False, "dashboard_address": ":0"}
    with Client(n_workers=1, **options) as client:
        yield client


def chunked(array):
    return da.from_array(array, (CHUNK, *array.shape[1:]))


def parts(values):
    return [dask.delayed(values[i : i + CHUNK]) for i in range(0, len(values), CHUNK)]


def in_turn(X):
    """Return labels that follow the table: 1, 2, 0, 1, ..., never 1 at the end."""
    valid = ~np.isnan(X[..., 0])
    labels = (np.arange(X.shape[1]) + 1) % 3 + np.zeros((len(X), 1), dtype=int)
    last = valid.sum(axis=1) - 1
    rows = np.arange(len(X))
    labels[rows, last] = np.where(labels[rows, last] == 1, 0, labels[rows, last])
    return np.where(valid, labels, -1)


def weights(kind):
    """Return weights that are equal at all labeled steps of a sequence."""
    rng = np.random.default_rng(1)
    w = rng.integers(1, 4, size=len(X)).astype(float)
    w[3] = w[16]
    if kind == "of sequences":
        w[:CHUNK] = 0  # a chunk without labels
        return w
    w = np.repeat(w[:, None], X.shape[1], axis=1)
    w[:CHUNK][rng.uniform(size=w[:CHUNK].shape) < 0.5] = 0
    w[CHUNK, 1:] = 0
    return w


def assert_same_fit(remote, local):
    assert remote.n_fun_ == local.n_fun_
    assert remote.alpha_ == local.alpha_
    assert remote.skip_alpha_ == local.skip_alpha_
    assert_allclose(remote.loss_curve_, local.loss_curve_, rtol=1e-9)
    assert_allclose(theta_of(remote), theta_of(local), rtol=0, atol=1e-6)


# The fit


@pytest.mark.parametrize("options", [DIRECT, CHAIN, BOTH, DIRECT | LINEAR], ids=str)
@pytest.mark.parametrize(
    ("search", "weighting"),
    [
        ({}, None),
        ({}, "of steps"),
        ({"early_stopping": True, "validation_fraction": 0.3}, "of sequences"),
        ({"alpha": "auto", "skip_alpha": "auto"}, None),
        ({"skip_alpha": "auto", "n_init": 2}, "of steps"),
    ],
    ids=str,
)
def test_the_fit_is_that_of_all_data_in_one_place(client, options, search, weighting):
    parameters = FIT | search | options
    w = None if weighting is None else weights(weighting)
    local = VanillaRNNClassifier(**parameters).fit(X, y, w)
    remote = DaskVanillaRNNClassifier(**parameters).fit(
        chunked(X), chunked(y), None if w is None else chunked(w)
    )
    assert_same_fit(remote, local)


@pytest.mark.parametrize("options", [CHAIN, BOTH], ids=str)
def test_a_scheme_is_that_of_all_data_in_one_place(client, options):
    labels, w = in_turn(X), weights("of steps")
    parameters = FIT | options | {"label_scheme": TABLE}
    local = VanillaRNNClassifier(**parameters).fit(X, labels, w)
    remote = DaskVanillaRNNClassifier(**parameters)
    remote.fit(*map(chunked, (X, labels, w)))
    assert remote.transition_coef_[0, 2] == remote.end_coef_[1] == -np.inf
    assert_same_fit(remote, local)
    before = remote.loss_
    remote.set_params(warm_start=True).fit(*map(chunked, (X, labels, w)))
    assert remote.loss_ < before


def test_labels_may_be_missing_where_the_weight_is_0(client):
    w = weights("of steps")
    odd = np.where(w > 0, y.astype(object), None)
    local = VanillaRNNClassifier(**FIT, **CHAIN).fit(X, odd, w)
    remote = DaskVanillaRNNClassifier(**FIT, **CHAIN)
    assert_same_fit(remote.fit(*map(chunked, (X, odd, w))), local)
    w[:CHUNK], odd[:CHUNK] = 0, None
    local.fit(X, odd, w)
    assert_same_fit(remote.fit(*map(chunked, (X, odd, w))), local)


def test_class_weights_of_zero_leave_steps_unlabeled(client):
    parameters = FIT | CHAIN | {"class_weight": {2: 0}}
    local = VanillaRNNClassifier(**parameters).fit(X, y)
    remote = DaskVanillaRNNClassifier(**parameters).fit(chunked(X), chunked(y))
    assert_same_fit(remote, local)


@pytest.mark.parametrize("options", [{}, LINEAR, {"skip_alpha": "auto"}], ids=str)
def test_targets_may_be_numbers(client, options):
    targets = np.nan_to_num(X[..., 0]).cumsum(axis=1) * 100 + 7
    parameters = FIT | DIRECT | options
    local = VanillaRNNRegressor(**parameters).fit(X, targets)
    remote = DaskVanillaRNNRegressor(**parameters).fit(chunked(X), chunked(targets))
    assert_allclose(remote.skip_coef_, local.skip_coef_, rtol=1e-6)
    assert remote.skip_alpha_ == local.skip_alpha_
    assert_allclose(remote.loss_curve_, local.loss_curve_, rtol=1e-9)


def test_long_sequences_are_cut_in_time(client):
    rng = np.random.default_rng(0)
    long = rng.normal(size=(3, 120, 2))
    long[2, 60:] = np.nan
    labels = (np.nan_to_num(long[..., 0]).cumsum(axis=1) > 0).astype(int)
    parameters = FIT | BOTH | {"alpha": "auto", "skip_alpha": "auto", "max_iter": 4}
    local = VanillaRNNClassifier(**parameters).fit(long, labels)
    assert local.alphas_ is not None
    remote = DaskVanillaRNNClassifier(**parameters)
    remote.fit(parts_of_one(long), parts_of_one(labels))
    assert_same_fit(remote, local)
    assert_allclose(remote.alpha_scores_, local.alpha_scores_, rtol=1e-6)


def parts_of_one(values):
    return [dask.delayed(values[i : i + 1]) for i in range(len(values))]


# Errors name the chunk


def refused(remote, *arrays):
    with pytest.raises(ValueError, match=r".") as caught:
        remote.fit(*map(chunked, arrays))
    assert not hasattr(remote, "output_coef_")
    return str(caught.value)


def test_unequal_weights_are_an_error_that_names_the_chunk(client):
    w = np.ones(y.shape)
    w[CHUNK + 2, 0] = 2
    message = refused(DaskVanillaRNNClassifier(**FIT, **CHAIN), X, y, w)
    assert message.startswith("chunk 1 of the data: with transitions=True")
    assert "X[2]" in message
    weighted = DaskVanillaRNNClassifier(**FIT, **CHAIN, class_weight={2: 3})
    assert "sample_weight times class_weight" in refused(weighted, X, y)
    balanced = DaskVanillaRNNClassifier(**FIT, **CHAIN, class_weight="balanced")
    # In a chunk without the class, all of its labels have the weight of the others.
    assert "chunk 2 of the data" in refused(
        balanced, X, np.where(np.arange(20)[:, None] < 14, 0, y)
    )


@pytest.mark.parametrize("empty", [0, 2])
def test_forbidden_labels_are_an_error_that_names_the_chunk(client, empty):
    labels = in_turn(X)
    labels[2 * CHUNK, :2] = 0, 2
    remote = DaskVanillaRNNClassifier(**FIT, **CHAIN, label_scheme=TABLE)
    nothing = [dask.delayed(values[:0]) for values in (X, labels)] * empty
    arrays = [nothing[i::2] + parts(v) for i, v in enumerate((X, labels))]
    message = rf"chunk {2 + empty} of the data: y\[0\] at step 1 is 2.* after 0"
    with pytest.raises(ValueError, match=message):
        remote.fit(*arrays)


def test_classes_of_other_chunks_matter_for_a_scheme(client):
    # Without the labels of other chunks, 2 would be the second class.
    labels = in_turn(X)
    labels[:CHUNK] = np.where(labels[:CHUNK] == 1, 2, labels[:CHUNK])
    remote = DaskVanillaRNNClassifier(**FIT, **CHAIN, label_scheme=TABLE)
    assert refused(remote, X, labels).startswith("chunk 0 of the data: y[")
    labels[:CHUNK] = np.where(labels[:CHUNK] == -1, -1, 2)
    remote.fit(chunked(X), chunked(labels))
    local = VanillaRNNClassifier(**remote.to_local().get_params()).fit(X, labels)
    assert_same_fit(remote, local)


def test_gaps_that_no_labels_fill_are_an_error_that_names_the_chunk(client):
    table = np.ones((4, 4), dtype=bool)
    table[0, 1:3] = table[1:3, 0] = False  # 0 is followed by 0 alone
    labels, w = np.where(in_turn(X) == 0, 1, in_turn(X)), np.ones(y.shape)
    labels[:CHUNK] = 0
    i = 8 + np.isfinite(X[8:14, 2, 0]).argmax()
    labels[i, :3], w[i, 1] = (0, 0, 1), 0
    remote = DaskVanillaRNNClassifier(**FIT, **CHAIN, label_scheme=table)
    message = refused(remote, X, labels, w)
    assert message.startswith("chunk 1 of the data: y[")
    assert "unlabeled steps" in message


def test_what_concerns_all_chunks_is_an_error_without_a_number(client):
    remote = DaskVanillaRNNClassifier(**FIT, label_scheme="BIO")
    assert refused(remote, X, y).startswith("label_scheme restricts")
    remote.set_params(transitions=True)
    assert "is not a label of BIO" in refused(remote, X, y)
    remote.set_params(label_scheme=TABLE[1:, 1:])
    assert refused(remote, X, y).startswith("label_scheme is an array of bool")


# Answers


@pytest.fixture(scope="module")
def fitted(client):
    return DaskVanillaRNNClassifier(**FIT, **BOTH).fit(chunked(X), chunked(y))


def test_log_probabilities_are_a_lazy_array_of_the_local_ones(fitted):
    labels = np.where(y == 2, None, y.astype(object))
    lazy = fitted.sequence_log_proba(chunked(X), chunked(labels))
    assert isinstance(lazy, da.Array)
    assert (lazy.shape, lazy.dtype) == ((20,), np.float64)
    assert lazy.chunks == ((7, 7, 6),)
    expected = fitted.to_local().sequence_log_proba(X, labels)
    assert_allclose(lazy.compute(), expected, rtol=1e-9)


def test_log_probabilities_have_the_collection_of_the_sequences(fitted):
    steps, labels = unpad(X, y)
    expected = fitted.to_local().sequence_log_proba(steps, labels)
    bags = [db.from_sequence(items, partition_size=CHUNK) for items in (steps, labels)]
    bag = fitted.sequence_log_proba(*bags)
    assert isinstance(bag, db.Bag)
    assert_allclose(bag.compute(), expected, rtol=1e-9)
    nothing = [dask.delayed([])]
    lazy = fitted.sequence_log_proba(nothing + parts(steps), nothing + parts(labels))
    assert isinstance(lazy, list)
    assert_allclose(np.concatenate(dask.compute(*lazy)), expected, rtol=1e-9)


def test_without_a_chain_log_probabilities_are_those_of_steps(client):
    remote = DaskVanillaRNNClassifier(**FIT).fit(chunked(X), chunked(y))
    expected = remote.to_local().sequence_log_proba(X, y)
    lazy = remote.sequence_log_proba(chunked(X), chunked(y))
    assert_allclose(lazy.compute(), expected, rtol=1e-9)
    assert not hasattr(remote, "predict_n_best")
    with pytest.raises(AttributeError, match="predict_n_best"):
        remote.predict_n_best(chunked(X))


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("form", ["padded", "rows"])
def test_the_n_best_are_lazy_arrays_of_the_local_ones(client, fitted, form, n):
    steps, labels = (X, y) if form == "padded" else (X[:, 0], y[:, 0])
    remote = fitted
    if form == "rows":
        remote = DaskVanillaRNNClassifier(**FIT, **CHAIN)
        remote.fit(chunked(steps), chunked(labels))
    lazy = remote.predict_n_best(chunked(steps), n)
    expected = remote.to_local().predict_n_best(steps, n)
    for one, other, computed in zip(lazy, expected, dask.compute(*lazy), strict=True):
        assert isinstance(one, da.Array)
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        assert one.chunks[0] == (7, 7, 6)
        assert_allclose(computed, other, rtol=1e-9)


def test_the_n_best_have_the_collection_of_the_sequences(fitted):
    steps, _ = unpad(X, y)
    expected = fitted.to_local().predict_n_best(steps, 3)
    array = da.from_array(objects(steps), CHUNK)
    bag = db.from_sequence(steps, partition_size=CHUNK)
    shards = [dask.delayed([]), *parts(steps)]
    for collection, kind in ((array, da.Array), (bag, db.Bag), (shards, list)):
        lazy = fitted.predict_n_best(collection, 3)
        assert all(isinstance(part, kind) for part in lazy)
        computed = [
            [item for shard in dask.compute(*part) for item in shard]
            if kind is list
            else part.compute()
            for part in lazy
        ]
        for one, other in zip(computed, expected, strict=True):
            for found, value in zip(one, other, strict=True):
                assert_allclose(found, value, rtol=1e-9)


def test_chunks_without_sequences_or_steps_have_answers(fitted):
    steps, labels = X.copy(), y.copy()
    steps[:CHUNK], labels[:CHUNK] = np.nan, -1
    lazy = fitted.sequence_log_proba(chunked(steps), chunked(labels))
    assert_array_equal(lazy[:CHUNK].compute(), 0)
    _, log_proba = fitted.predict_n_best(chunked(steps), 2)
    assert_array_equal(log_proba[:CHUNK].compute(), [[0, -np.inf]] * CHUNK)
    labels, log_proba = fitted.predict_n_best(chunked(steps[:0]), 2)
    assert labels.compute().shape == (0, 2, 6)
    assert log_proba.compute().shape == (0, 2)
    empty = chunked(steps[:0]), chunked(y[:0])
    assert fitted.sequence_log_proba(*empty).compute().shape == (0,)


def test_invalid_chunks_are_errors_of_answers_that_name_them(fitted):
    steps = X.copy()
    steps[CHUNK + 1, 0, 0] = np.inf
    with pytest.raises(ValueError, match=r"chunk 1 of the data: .*X\[1\]"):
        fitted.sequence_log_proba(chunked(steps), chunked(y)).compute()
    for part in fitted.predict_n_best(chunked(steps)):
        with pytest.raises(ValueError, match=r"chunk 1 of the data: .*X\[1\]"):
            part.compute()


def test_wrong_arguments_are_errors_before_anything_is_computed(client, fitted):
    steps, labels = chunked(X), chunked(y)
    with pytest.raises(ValueError, match="n == 0, must be >= 1"):
        fitted.predict_n_best(steps, 0)
    with pytest.raises(TypeError, match="n must be an instance"):
        fitted.predict_n_best(steps, 1.5)
    with pytest.raises(ValueError, match="y has 1 chunks but X has 3"):
        fitted.sequence_log_proba(parts(X), [dask.delayed(y)])
    with pytest.raises(TypeError, match="y is of type ndarray"):
        fitted.sequence_log_proba(steps, y)
    with pytest.raises(ValueError, match="requires y"):
        fitted.sequence_log_proba(steps, None)
    for method, others in (("predict_n_best", ()), ("sequence_log_proba", (labels,))):
        with pytest.raises(TypeError, match=r"to_local\(\)"):
            getattr(fitted, method)(X, *others)
        with pytest.raises(ValueError, match="got 4D array"):
            getattr(fitted, method)(chunked(X[..., None]), *others)
        with pytest.raises(ValueError, match="was fitted on sequences"):
            getattr(fitted, method)(chunked(X[:, 0]), *others)
        unfitted = DaskVanillaRNNClassifier(**CHAIN)
        with pytest.raises(NotFittedError):
            getattr(unfitted, method)(steps, *others)
