"""The estimators on a cluster of real processes, against those for data in memory."""

import asyncio
import copy
import os
import pickle
import signal
from functools import partial

import dask
import dask.array as da
import dask.bag as db
import numpy as np
import pandas as pd
import pytest
from dask.sizeof import sizeof
from distributed import Client, LocalCluster
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import (
    ConvergenceWarning,
    NotFittedError,
)

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn._network.data import packing
from skrnn._network.model import network
from skrnn._network.model.parameters import Architecture
from skrnn._network.training import strength, warm_up
from skrnn._validation.sequences import Sequences
from skrnn._validation.targets import check_labels
from skrnn.dask import (
    DaskVanillaRNNClassifier,
    DaskVanillaRNNRegressor,
    _chunks,
    _cluster,
    _shards,
)

N, T, D = 60, 7, 3
CHUNK = 17  # the last chunk is shorter
FIT = {
    "hidden_layer_sizes": 5,
    "alpha": 1,
    "max_iter": 20,
    "tol": 1e-9,
    "random_state": 0,
}

pytestmark = pytest.mark.filterwarnings("ignore:L-BFGS stopped at max_iter")


def start(n_workers):
    return LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
    )


@pytest.fixture(scope="module")
def cluster():
    with start(2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def client(cluster):
    with Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, T, D))
    X[40:, 4:] = np.nan
    y = np.array(["a", "b", "c"])[rng.integers(3, size=(N, T))]
    y[:, 1:] = np.where(X[:, :-1, 0] > 0, y[:, 1:], "a")
    X[5], y[5] = X[50], y[50]  # copies in different chunks
    return X, y


def chunked(array):
    return da.from_array(array, (CHUNK, *array.shape[1:]))


def ragged(X, y):
    """Return sequences of different lengths and their labels."""
    lengths = (~np.isnan(X[..., 0])).sum(axis=1)
    return (
        [x[:n] for x, n in zip(X, lengths, strict=True)],
        [labels[:n] for labels, n in zip(y, lengths, strict=True)],
    )


def delayed_parts(items):
    return [dask.delayed(items[i : i + CHUNK]) for i in range(0, len(items), CHUNK)]


def assert_same_fit(remote, local):
    assert remote.n_fun_ == local.n_fun_
    assert remote.alpha_ == local.alpha_
    if local.alphas_ is not None:
        assert_array_equal(remote.alphas_, local.alphas_)
        assert_allclose(remote.alpha_scores_, local.alpha_scores_, rtol=1e-6)
    assert_allclose(remote.loss_, local.loss_, rtol=0, atol=1e-9)
    for name in ("recurrent_coefs_", "input_coefs_", "hidden_intercepts_"):
        for a, b in zip(getattr(remote, name), getattr(local, name), strict=True):
            assert_allclose(a, b, rtol=0, atol=1e-6)
    assert_allclose(remote.output_coef_, local.output_coef_, rtol=0, atol=1e-6)
    assert_allclose(remote.feature_scale_, local.feature_scale_, rtol=1e-12)


# The fit is the local one


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, "none"),
        ({"early_stopping": True, "class_weight": "balanced"}, "sequences"),
        ({"bidirectional": True, "hidden_layer_sizes": (4, 3), "n_init": 2}, "steps"),
        ({"alpha": "auto"}, "steps"),
        ({"alpha": "auto", "early_stopping": True}, "sequences"),
    ],
    ids=["plain", "early stopping", "deep", "automatic", "automatic with stopping"],
)
def test_the_fit_is_that_of_all_data_in_one_place(client, data, options, weights):
    X, y = data
    rng = np.random.default_rng(1)
    w = {
        "none": None,
        "sequences": rng.integers(3, size=N).astype(float),
        "steps": rng.uniform(size=(N, T)),
    }[weights]
    local = VanillaRNNClassifier(**FIT | options).fit(X, y, w)
    remote = DaskVanillaRNNClassifier(**FIT | options).fit(
        chunked(X), chunked(y), None if w is None else chunked(w)
    )
    assert_same_fit(remote, local)
    assert remote.validation_scores_ is None or len(remote.validation_scores_) > 0


def test_the_same_fit_twice_is_the_same_bit_for_bit(client, data):
    X, y = map(chunked, data)
    one, two = (DaskVanillaRNNClassifier(**FIT).fit(X, y) for _ in range(2))
    assert one.loss_curve_ == two.loss_curve_


def test_targets_may_be_numbers(client, data):
    X, _ = data
    y = np.stack([np.nan_to_num(X[..., 0]).cumsum(axis=1), 100 + X[..., 1]], axis=-1)
    w = np.random.default_rng(1).integers(2, size=N)
    local = VanillaRNNRegressor(**FIT).fit(X, y, w)
    remote = DaskVanillaRNNRegressor(**FIT).fit(chunked(X), chunked(y), chunked(w))
    assert_same_fit(remote, local)
    assert_allclose(remote.target_scale_, local.target_scale_, rtol=1e-12)
    assert_allclose(remote.score(chunked(X), chunked(y)), local.score(X, y), rtol=1e-9)
    assert remote.predict(chunked(X)).shape == (N, T, 2)


def test_a_model_of_sequences_refuses_a_table(client, data):
    X, y = data
    few = {**FIT, "max_iter": 1}
    remote = DaskVanillaRNNClassifier(**few, warm_start=True)
    remote.fit(chunked(X), chunked(y))
    table, labels = chunked(X[:, 0]), chunked(y[:, 0])
    for model, steps in ((remote, table), (remote.to_local(), X[:, 0])):
        with pytest.raises(ValueError, match=r"fitted on sequences; .*X\[None\] or"):
            model.predict(steps)
    with pytest.raises(ValueError, match=r"X is 2-D, but Dask.* on sequences"):
        remote.fit(table, labels)
    rows = DaskVanillaRNNClassifier(**few).fit(table, labels)
    assert rows.predict(table).compute().shape == (N,)
    assert rows.to_local().predict(X[:, 0]).shape == (N,)


def test_chunks_of_frames_note_their_columns(client, data):
    X, y = ragged(*data)
    frames = [pd.DataFrame(x, columns=["a", "b", "c"]) for x in X]
    few = {**FIT, "max_iter": 1}

    def shards(items):
        return [dask.delayed(items[:30]), dask.delayed(items[30:])]

    model = DaskVanillaRNNClassifier(**few, warm_start=True)
    model.fit(shards(frames), shards(list(y)))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    swapped = [frame[["b", "a", "c"]] for frame in frames]
    with pytest.raises(ValueError, match="same order as they were in fit"):
        model.to_local().predict(swapped)
    with pytest.raises(ValueError, match=r"continues with features \['a', 'b', 'c'\]"):
        model.fit(shards(swapped), shards(list(y)))
    with pytest.raises(ValueError, match="chunks differ in the columns of X"):
        model.fit(shards([*frames[:30], *swapped[30:]]), shards(list(y)))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.fit(shards(list(X)), shards(list(y)))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    again = DaskVanillaRNNClassifier(**few).fit(shards(list(X)), shards(list(y)))
    assert not hasattr(again, "feature_names_in_")


def test_one_long_chunk_makes_a_model_of_sequences(client, data):
    X, y = ([part[:3, :1], part[3:6]] for part in data)
    shards = [[dask.delayed(part) for part in parts] for parts in (X, y)]
    model = DaskVanillaRNNClassifier(**{**FIT, "max_iter": 1}).fit(*shards)
    with pytest.raises(ValueError, match="was fitted on sequences"):
        model.to_local().predict(data[0][0])


def test_univariate_series_as_a_table_warn(client):
    series = np.random.default_rng(0).normal(size=(8, 5))
    model = DaskVanillaRNNRegressor(**{**FIT, "max_iter": 1})
    with pytest.warns(UserWarning, match=r"for univariate series") as found:
        model.fit(chunked(series[:, :-1]), chunked(series[:, 1:]))
    assert {warning.filename for warning in found} == {__file__}


def test_a_warm_start_goes_on(client, data):
    X, y = data
    local = VanillaRNNClassifier(**FIT, warm_start=True).fit(X, y).fit(X, y)
    remote = DaskVanillaRNNClassifier(**FIT, warm_start=True)
    remote.fit(chunked(X), chunked(y)).fit(chunked(X), chunked(y))
    assert_same_fit(remote, local)


def test_copies_may_differ_in_labels_without_weight(client, data):
    X, y = data[0], data[1].copy()
    w = np.ones((N, T))
    (y[5, 0], w[5, 0]), y[50, 0] = ("b", 0), "a"
    options = FIT | {"class_weight": {"a": 0}}
    local = VanillaRNNClassifier(**options).fit(X, y, w)
    remote = DaskVanillaRNNClassifier(**options).fit(*map(chunked, (X, y, w)))
    assert_same_fit(remote, local)


def test_a_part_of_many_sequences_finds_the_start(client, monkeypatch, data):
    monkeypatch.setattr(warm_up, "MIN_SEQUENCES", N // 2)
    # Short: every iteration enlarges the differences of rounding.
    monkeypatch.setattr(warm_up, "_STAGES", ((32, 5), (4, 5)))
    X, y = data
    local = VanillaRNNClassifier(**FIT).fit(X, y)
    assert local.n_fun_ > local.n_iter_ + 2  # the start has cost something
    assert_same_fit(DaskVanillaRNNClassifier(**FIT).fit(*map(chunked, data)), local)


def test_a_search_on_a_sample_takes_the_local_one(client, data, monkeypatch):
    monkeypatch.setattr(strength, "_MANY_SEQUENCES", 20)
    X, y = data
    groups = np.random.default_rng(2).integers(12, size=N)
    options = {**FIT, "alpha": "auto", "max_iter": 5}
    judged, plain = [], strength._Trial.judge

    def judge(trial, sums):
        judged.append(sums)
        plain(trial, sums)

    monkeypatch.setattr(strength._Trial, "judge", judge)
    local = VanillaRNNClassifier(**options).fit(X, y, groups=groups)
    n = len(judged)
    remote = DaskVanillaRNNClassifier(**options)
    remote.fit(chunked(X), chunked(y), groups=chunked(groups))
    assert_same_fit(remote, local)
    for of_local, of_remote in zip(judged[:n], judged[n:], strict=True):
        assert_allclose(of_remote, of_local, rtol=1e-6)  # by group
    monkeypatch.setattr(strength, "_MANY_SEQUENCES", N)
    on_all = VanillaRNNClassifier(**options).fit(X, y, groups=groups)
    assert not np.array_equal(local.alpha_scores_, on_all.alpha_scores_)


def test_a_generator_is_left_where_the_local_fit_leaves_it(client, data):
    X, y = data
    here, there = np.random.RandomState(3), np.random.RandomState(3)
    options = {**FIT, "max_iter": 1, "early_stopping": True}
    VanillaRNNClassifier(**options | {"random_state": here}).fit(X, y)
    DaskVanillaRNNClassifier(**options | {"random_state": there}).fit(
        chunked(X), chunked(y)
    )
    assert here.uniform() == there.uniform()


# Forms of data


def test_bags_and_shards_hold_ragged_sequences(client, data):
    X, y = ragged(*data)
    local = VanillaRNNClassifier(**FIT).fit(X, y)
    bags = [db.from_sequence(items, partition_size=CHUNK) for items in (X, y)]
    from_bags = DaskVanillaRNNClassifier(**FIT).fit(*bags)
    from_shards = DaskVanillaRNNClassifier(**FIT).fit(
        delayed_parts(X), delayed_parts(y)
    )
    futures = [client.compute(delayed_parts(items)) for items in (X, y)]
    from_futures = DaskVanillaRNNClassifier(**FIT).fit(*futures)
    for model in (from_bags, from_shards, from_futures):
        assert_same_fit(model, local)
    expected = local.predict(X)
    for i, labels in enumerate(from_bags.predict(bags[0]).compute()):
        assert_array_equal(labels, expected[i])
    shards = dask.compute(*from_shards.predict(delayed_parts(X)))
    assert_array_equal(shards[1][2], expected[CHUNK + 2])


def test_sparse_sequences_and_empty_chunks_are_taken(client, data):
    X, y = ragged(*data)
    X = [sparse.csr_array(np.where(x > 0.5, x, 0)) for x in X]
    local = VanillaRNNClassifier(**FIT).fit(X, y)
    empty = [dask.delayed([])]
    remote = DaskVanillaRNNClassifier(**FIT).fit(
        empty + delayed_parts(X), empty + delayed_parts(y)
    )
    assert_same_fit(remote, local)


def test_rows_are_sequences_of_one_step(client, data):
    X, y = data[0][:, 0], data[1][:, 0]
    local = VanillaRNNClassifier(**FIT).fit(X, y)
    remote = DaskVanillaRNNClassifier(**FIT).fit(chunked(X), chunked(y))
    assert_same_fit(remote, local)
    assert_array_equal(remote.predict(chunked(X)).compute(), local.predict(X))
    assert remote.predict_proba(chunked(X)).shape == (N, 3)


def test_single_precision_stays_single(client, data):
    X, y = data
    remote = DaskVanillaRNNClassifier(**FIT).fit(
        chunked(X.astype(np.float32)), chunked(y)
    )
    assert remote.output_coef_.dtype == np.float32
    assert remote.predict_proba(chunked(X.astype(np.float32))).dtype == np.float32


def test_the_scheduler_is_told_how_large_chunks_and_shards_are(data):
    X, y = ragged(*data)
    X = [np.eye(D)[np.abs(x).argmax(axis=1)] for x in X]
    check = _chunks.ChunkReader(VanillaRNNClassifier(), check_labels)
    (chunk,) = _chunks.load(check, [(X, y, None, None)], 0)
    n_steps = len(chunk.y)
    assert sizeof(chunk) >= n_steps * D * 8 + chunk.y.nbytes + n_steps * 8
    batches = packing.batches(
        chunk.sequences, packing.by_length(chunk.sequences.lengths), np.dtype(float)
    )
    assert (
        sizeof(_shards.Shard(batches, [], np.arange(1), np.dtype(float))) >= n_steps * 8
    )


@pytest.mark.parametrize(
    "work", [_shards.gradients, partial(_shards.losses, part="held_out")]
)
def test_weights_are_aligned_wherever_they_lay(data, work, monkeypatch):
    net = Architecture(D, (3,), 1, 2, "tanh")
    theta = np.random.default_rng(0).normal(size=net.n_parameters)
    received = np.frombuffer(b"-" + theta.tobytes(), offset=1)
    assert not received.flags.aligned
    x = data[0][0]
    source = Sequences("ragged", [x], np.array([len(x)]), D, x.dtype)
    labels = np.zeros(len(x), dtype=int)
    batches = packing.batches(source, np.array([0]), x.dtype, labels, np.ones(len(x)))
    shard = _shards.Shard(batches, batches, np.arange(len(batches)), theta.dtype)
    expected = np.concatenate([np.ravel(part) for part in work(shard, net, theta)])
    forward, met = network.forward, []

    def note(parameters, *others):
        met.append(parameters.layers[0].W_hh.flags.aligned)
        return forward(parameters, *others)

    monkeypatch.setattr(network, "forward", note)
    result = np.concatenate([np.ravel(part) for part in work(shard, net, received)])
    assert met == [True]
    assert_array_equal(result, expected)


# Answers


@pytest.fixture(scope="module")
def fitted(client, data):
    return DaskVanillaRNNClassifier(**FIT).fit(*map(chunked, data))


@pytest.mark.parametrize(
    "method",
    [
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "hidden_states",
    ],
)
def test_answers_are_collections_of_the_local_ones(fitted, data, method):
    X = data[0]
    lazy = getattr(fitted, method)(chunked(X))
    expected = getattr(fitted.to_local(), method)(X)
    assert isinstance(lazy, da.Array)
    assert lazy.shape == expected.shape
    assert lazy.dtype == expected.dtype
    assert lazy.chunks[0] == chunked(X).chunks[0]
    assert_array_equal(lazy.compute(), expected)


def test_the_score_is_the_local_one(fitted, data):
    X, y = data
    w = np.zeros(N)
    w[:5] = 1, 2, 3, 4, 5  # other chunks have no weight at all
    score = fitted.score(chunked(X), chunked(y), chunked(w))
    assert_allclose(score, fitted.to_local().score(X, y, w), rtol=1e-12)


def test_the_local_estimator_knows_nothing_of_dask(fitted):
    local = fitted.to_local()
    assert type(local) is VanillaRNNClassifier
    assert "client" not in vars(local)
    for name, value in local.get_params().items():
        assert value is getattr(fitted, name)


def test_clones_keep_the_client_and_pickles_do_not(client, fitted):
    model = clone(fitted).set_params(client=client)
    assert clone(model).client is client
    assert model.client_ is client
    assert not hasattr(model, "output_coef_")
    assert pickle.loads(pickle.dumps(fitted.set_params(client=client))).client is None


# What is wrong with data is said with the number of the chunk


def test_errors_name_the_chunk(client, data):
    X, y = data[0].copy(), data[1]
    X[CHUNK + 1, 2, 0] = np.inf
    with pytest.raises(ValueError, match=r"chunk 1 of the data: .*X\[1\] at step 2"):
        DaskVanillaRNNClassifier(**FIT).fit(chunked(X), chunked(y))


def test_labels_of_different_types_do_not_mix_across_chunks(client, data):
    X, y = ragged(*data)
    labels = delayed_parts(y)
    labels[1] = dask.delayed([np.ones(len(part), int) for part in y[CHUNK : 2 * CHUNK]])
    with pytest.raises(TypeError, match="mixed types"):
        DaskVanillaRNNClassifier(**FIT).fit(delayed_parts(X), labels)


def test_chunks_have_to_go_together(client, data):
    X, y = ragged(*data)
    with pytest.raises(ValueError, match="y has 3 chunks but X has 4"):
        DaskVanillaRNNClassifier(**FIT).fit(delayed_parts(X), delayed_parts(y)[1:])
    shards = delayed_parts(X)
    shards[2] = dask.delayed([x[:, :2] for x in X[2 * CHUNK : 3 * CHUNK]])
    with pytest.raises(ValueError, match=r"features of X: \[2, 3\]"):
        DaskVanillaRNNClassifier(**FIT).fit(shards, delayed_parts(y))


def test_data_in_memory_are_for_the_other_estimators(fitted, data):
    with pytest.raises(TypeError, match="to_local"):
        fitted.fit(*data)
    with pytest.raises(TypeError, match="to_local"):
        fitted.predict(data[0])
    with pytest.raises(NotFittedError):
        DaskVanillaRNNClassifier().predict(chunked(data[0]))


def test_weights_must_not_all_be_zero(client, data):
    X, y = map(chunked, data)
    with pytest.raises(ValueError, match="at least one non-zero"):
        DaskVanillaRNNClassifier(**FIT).fit(X, y, da.zeros(N, chunks=CHUNK))


def test_to_stop_early_is_to_be_told(client, data):
    X, y = map(chunked, data)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        DaskVanillaRNNClassifier(**FIT).fit(X, y)


# Faults


def at_evaluation(monkeypatch, number, act):
    """Do something at the start of an evaluation; return where they all were."""
    original = _cluster.DaskLossSum.loss_and_gradient
    evaluations = []

    def loss_and_gradient(loss_sum, architecture, theta):
        evaluations.append(theta)
        if len(evaluations) == number:
            act()
        return original(loss_sum, architecture, theta)

    monkeypatch.setattr(_cluster.DaskLossSum, "loss_and_gradient", loss_and_gradient)
    return evaluations


def test_a_lost_worker_changes_nothing(client, monkeypatch, fitted, data):
    victim = client.run(os.getpid).popitem()[1]
    at_evaluation(monkeypatch, 6, lambda: os.kill(victim, signal.SIGKILL))
    model = clone(fitted).fit(*map(chunked, data))
    assert model.loss_curve_ == fitted.loss_curve_
    assert_array_equal(model.output_coef_, fitted.output_coef_)
    client.wait_for_workers(2)


def test_a_worker_that_joins_changes_nothing_before_the_next_fit(
    cluster, client, monkeypatch, fitted, data
):
    def join():
        cluster.scale(3)
        client.wait_for_workers(3)

    at_evaluation(monkeypatch, 6, join)
    model = clone(fitted).fit(*map(chunked, data))
    assert model.loss_curve_ == fitted.loss_curve_
    assert_same_fit(model.fit(*map(chunked, data)), fitted)
    cluster.scale(2)


def test_a_lost_connection_is_an_error_that_says_so(cluster, monkeypatch, fitted, data):
    client = Client(cluster, set_as_default=False)
    model = copy.deepcopy(fitted).set_params(client=client)
    at_evaluation(monkeypatch, 3, client.close)
    with pytest.raises(ConnectionError, match="connection to Dask's scheduler"):
        model.fit(*map(chunked, data))
    assert_array_equal(model.output_coef_, fitted.output_coef_)


def test_an_interrupted_fit_goes_on_from_its_checkpoint(
    client, monkeypatch, fitted, data, tmp_path
):
    def interrupt():
        raise KeyboardInterrupt

    evaluations = at_evaluation(monkeypatch, 9, interrupt)
    model = clone(fitted).set_params(checkpoint=tmp_path / "fit")
    with pytest.raises(KeyboardInterrupt):
        model.fit(*map(chunked, data))
    model.fit(*map(chunked, data))
    assert model.loss_curve_ == fitted.loss_curve_
    # One is for the scales; the first and the interrupted one are made twice.
    assert len(evaluations) <= fitted.n_fun_ + 3


def test_there_has_to_be_a_worker(data):
    with start(0) as cluster, Client(cluster, set_as_default=False) as client:
        model = DaskVanillaRNNClassifier(**FIT, client=client)
        with pytest.raises(RuntimeError, match="has no workers"):
            model.fit(*map(chunked, data))


def test_workers_forget_everything_after_a_fit(cluster, client, data):
    before = set(cluster.scheduler.tasks)
    DaskVanillaRNNClassifier(**FIT).fit(*map(chunked, data))
    with pytest.raises(ValueError, match="at least one non-zero"):
        DaskVanillaRNNClassifier().fit(*map(chunked, data), da.zeros(N, chunks=CHUNK))

    async def forgotten():
        while set(cluster.scheduler.tasks) - before:
            await asyncio.sleep(0.01)
        return True

    assert client.sync(forgotten, callback_timeout=30)


def test_labels_may_be_missing_where_the_weight_is_0(client, data):
    X, y = data[0], data[1].astype(object)
    w = np.ones((N, T))
    w[:CHUNK] = w[20:30, 2] = 0  # a whole chunk, and single steps
    odd = np.where(w > 0, y, None)
    remote = DaskVanillaRNNClassifier(**FIT).fit(*map(chunked, (X, odd, w)))
    local = VanillaRNNClassifier(**FIT).fit(X, odd, w)
    assert_same_fit(remote, local)
    assert_array_equal(remote.classes_, ["a", "b", "c"])
    score = remote.score(*map(chunked, (X, odd, w)))
    assert_allclose(score, local.score(X, odd, w), rtol=1e-12)
    with pytest.raises(ValueError, match=r"chunk 0 .*None: y\[0\] at step 0"):
        DaskVanillaRNNClassifier(**FIT).fit(*map(chunked, (X, odd)))


def test_targets_may_be_missing_where_the_weight_is_0(client, data):
    X = data[0]
    y, w = np.nan_to_num(X[..., 0]).cumsum(axis=1), np.ones((N, T))
    w[:CHUNK] = w[20:30, 2] = 0
    odd = np.where(w > 0, y, np.nan)
    remote = DaskVanillaRNNRegressor(**FIT).fit(*map(chunked, (X, odd, w)))
    local = VanillaRNNRegressor(**FIT).fit(X, odd, w)
    assert_same_fit(remote, local)
    score = remote.score(*map(chunked, (X, odd, w)))
    assert_allclose(score, local.score(X, y, w), rtol=1e-9)
