"""The search for the strength of the penalty on a cluster, against the local one."""

import gc
from unittest import mock

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster
from numpy.testing import assert_allclose, assert_array_equal
from samples import make_sequences
from strategies import theta_of

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn._network.training import train
from skrnn.dask import DaskVanillaRNNClassifier, DaskVanillaRNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_sequences(20)
GROUPS = np.arange(20) // 2
FEW = {"hidden_layer_sizes": (2,), "max_iter": 2, "random_state": 0}


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def chunks(values):
    """Return values in three chunks of different sizes."""
    return [dask.delayed(values[i:j]) for i, j in ((0, 9), (9, 10), (10, len(values)))]


EARLY = {"early_stopping": True, "validation_fraction": 0.3}


@pytest.mark.parametrize(
    ("model", "local_model", "options", "grouped"),
    [
        (DaskVanillaRNNClassifier, VanillaRNNClassifier, {}, False),
        (DaskVanillaRNNClassifier, VanillaRNNClassifier, EARLY, True),
        (DaskVanillaRNNRegressor, VanillaRNNRegressor, {}, True),
        (DaskVanillaRNNRegressor, VanillaRNNRegressor, EARLY, False),
    ],
)
def test_a_cluster_finds_the_local_strength(
    client, model, local_model, options, grouped
):
    parameters = FEW | {"max_iter": 10} | options
    order = np.random.default_rng(0).permutation(20)
    groups = GROUPS[order] if grouped else None
    remote = model(**parameters).fit(
        chunks(X[order]),
        chunks(y[order]),
        groups=None if groups is None else chunks(groups),
    )
    local = local_model(**parameters).fit(X[order], y[order], groups=groups)
    assert remote.alpha_ == local.alpha_
    assert_array_equal(remote.alphas_, local.alphas_)
    assert_allclose(remote.alpha_scores_, local.alpha_scores_, rtol=1e-6)
    assert remote.n_fun_ == local.n_fun_
    assert_allclose(theta_of(remote), theta_of(local), rtol=0, atol=1e-6)
    assert remote.to_local().alpha_ == local.alpha_


def test_a_cluster_cuts_long_sequences_in_time(client):
    rng = np.random.default_rng(0)
    long = rng.normal(size=(3, 120, 2))
    long[2, 60:] = np.nan
    labels = (np.nan_to_num(long[..., 0]).cumsum(axis=1) > 0).astype(int)
    parameters = FEW | {"max_iter": 5}
    remote = DaskVanillaRNNClassifier(**parameters).fit(
        [dask.delayed(long[:1]), dask.delayed(long[1:])],
        [dask.delayed(labels[:1]), dask.delayed(labels[1:])],
    )
    local = VanillaRNNClassifier(**parameters).fit(long, labels)
    assert local.alphas_ is not None
    assert remote.alpha_ == local.alpha_
    assert_allclose(remote.alpha_scores_, local.alpha_scores_, rtol=1e-6)


def test_groups_with_copies_on_a_cluster_stay_together(client):
    twice, labels = np.concatenate([X[:12], X[:2]]), np.concatenate([y[:12], y[:2]])
    groups = np.array([*np.arange(12) // 2, 5, 5])  # joins the first and the last
    parameters = FEW | {"max_iter": 5}
    remote = DaskVanillaRNNClassifier(**parameters).fit(
        chunks(twice), chunks(labels), groups=chunks(groups)
    )
    local = VanillaRNNClassifier(**parameters).fit(twice, labels, groups=groups)
    assert local.alphas_ is not None
    assert_allclose(remote.alpha_scores_, local.alpha_scores_, rtol=1e-6)


def test_groups_on_a_cluster_are_checked(client):
    model = DaskVanillaRNNClassifier(**FEW)
    with pytest.raises(TypeError, match="groups is of type ndarray"):
        model.fit(chunks(X), chunks(y), groups=GROUPS)
    with pytest.raises(ValueError, match="groups has 1 chunks but X has 3"):
        model.fit(chunks(X), chunks(y), groups=[dask.delayed(GROUPS)])
    parts = [dask.delayed(GROUPS[:n]) for n in (9, 2, 10)]
    with pytest.raises(ValueError, match=r"chunk 1.*groups has shape \(2,\)"):
        model.fit(chunks(X), chunks(y), groups=parts)


def test_what_a_search_packs_is_released_before_the_fit(client):
    plain, n_futures = train._Run.minimize, []

    def minimize(self, theta):
        gc.collect()
        n_futures.append(len(client.futures))
        return plain(self, theta)

    with mock.patch.object(train._Run, "minimize", minimize):
        for alpha in ("auto", 1):
            model = DaskVanillaRNNClassifier(**FEW, alpha=alpha)
            model.fit(chunks(X), chunks(y))
    assert n_futures[0] == n_futures[1] > 0
