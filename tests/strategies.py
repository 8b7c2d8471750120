"""Problems of every shape for the laws of the numerical floor; ways to pose them."""

import warnings
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
import reference
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier
from skrnn._network import inference, parallel
from skrnn._network.data import packing
from skrnn._network.model.parameters import Architecture, allowed_as_bytes
from skrnn._network.training import regularization
from skrnn._network.training.objective import Objective, ThreadedSum
from skrnn._network.training.problem import Settings
from skrnn._network.training.subsample import Subsample

DEVIATIONS = (
    regularization.INPUT_DEVIATION,
    regularization.STATE_DEVIATION,
    regularization.LOGIT_DEVIATION,
)

CHAIN = ("transition_coef_", "start_coef_", "end_coef_")

SETTINGS = Settings(
    alpha=0.1,
    skip_alpha=0.1,
    max_iter=15,
    max_fun=1000,
    tol=1e-6,
    max_corrections=10,
    n_init=1,
    validation_fraction=0.0,
    n_iter_no_change=10,
)


class ListSource:
    """Sequences in a list, dense or sparse."""

    def __init__(self, sequences, *, as_sparse=False):
        self.sequences = sequences
        self.as_sparse = as_sparse
        self.lengths = np.array([len(x) for x in sequences], dtype=np.intp)

    def take(self, ids, dtype, memory=None):
        parts = [self.sequences[i] for i in ids]
        out = memory and memory(sum(map(len, parts)), parts[0].shape[1])
        steps = np.concatenate(parts, out=out, casting="unsafe").astype(dtype)
        return sparse.csr_array(steps) if self.as_sparse else steps


@dataclass(frozen=True)
class Problem:
    """Labeled, weighted sequences and a point at which to evaluate a network."""

    net: Architecture
    theta: np.ndarray
    sequences: list[np.ndarray]
    labels: list[np.ndarray]
    weights: list[np.ndarray]
    alpha: float = 0.0
    skip_alpha: float = 0.0
    as_sparse: bool = False
    batch_size: int = 1024  # in sequences, about

    @property
    def source(self):
        return ListSource(self.sequences, as_sparse=self.as_sparse)

    @property
    def y(self):
        return np.concatenate(self.labels)

    @property
    def w(self):
        return np.concatenate(self.weights)

    @property
    def sample(self):
        return Subsample(self.source, np.arange(len(self.sequences)), self.y, self.w)

    def replace(self, **changes: Any):
        return replace(self, **changes)

    def batches(self, dtype=np.float64):
        with batches_of(self.batch_size):
            ids = packing.by_length(self.source.lengths)
            return packing.batches(self.source, ids, np.dtype(dtype), self.y, self.w)

    @contextmanager
    def objective(self, dtype=np.float64, n_threads=1):
        batches = self.batches(dtype)
        with closing(ThreadedSum(batches, np.dtype(dtype), n_threads)) as loss_sum:
            objective = Objective(self.net, loss_sum)
            features = regularization.feature_stats(batches)
            objective.penalize(
                self.alpha * regularization.precision(self.net, features)
                + self.skip_alpha * regularization.skip_precision(self.net, features)
            )
            yield objective

    def loss_and_gradient(self, dtype=np.float64, n_threads=1):
        with self.objective(dtype, n_threads) as objective:
            return objective.loss_and_gradient(self.theta)

    def reference(self, theta):
        """Return the objective at theta by the reference network."""
        return reference.objective(
            theta,
            self.net,
            self.sequences,
            self.labels,
            self.weights,
            self.alpha,
            DEVIATIONS,
            self.skip_alpha,
        )


@contextmanager
def batches_of(n_sequences):
    """Make batches of about so many sequences; to be used in a with statement."""
    with (
        mock.patch.multiple(packing, _BATCH_ROWS=1, _MIN_SEQUENCES=n_sequences),
        mock.patch.object(inference, "_BATCH_ROWS", 1),
    ):
        yield


def threads_for_little():
    """Use all threads for any work; to be used in a with statement."""
    return mock.patch.multiple(
        parallel, _MIN_WORK_PER_CALL=1.0, _MIN_WORK_PER_THREAD=1.0
    )


@st.composite
def networks(draw, outputs=("softmax", "identity"), skips=(False, True), chains=None):
    """Draw an architecture; the one without hidden layers has a skip connection."""
    output = draw(st.sampled_from(outputs))
    skip_connection = draw(st.sampled_from(skips))
    sizes = st.lists(st.integers(1, 3), min_size=not skip_connection, max_size=3)
    if chains is None:
        chains = (False, True) if output == "softmax" else (False,)
    net = Architecture(
        n_features=draw(st.integers(1, 3)),
        hidden_layer_sizes=tuple(draw(sizes)),
        n_directions=draw(st.sampled_from([1, 2])),
        n_outputs=draw(st.integers(1, 4)),
        activation=draw(st.sampled_from(["tanh", "relu"])),
        output=output,
        skip_connection=skip_connection,
        transitions=draw(st.sampled_from(chains)),
    )
    if net.transitions and draw(st.booleans()):
        allowed = np.random.default_rng(draw(SEEDS)).random((net.n_outputs + 1,) * 2)
        allowed = allowed_as_bytes(with_a_way_out(allowed < 0.6))
        net = net._replace(allowed=allowed)
    return net


def with_a_way_out(allowed):
    """Return a table of transitions that allows the first class everywhere."""
    allowed = allowed.copy()
    allowed[0] = allowed[:, 0] = True
    return allowed


SEEDS = st.integers(0, 2**32 - 1)
NETS = networks()
LENGTHS = st.lists(st.integers(1, 5), min_size=1, max_size=6)


@st.composite
def problems(draw, nets=NETS, lengths=LENGTHS):
    """Draw shapes one by one, so that they shrink, and numbers by a seed."""
    net = draw(nets)
    lengths = draw(lengths)
    content = draw(st.sampled_from(["full", "sparse", "one-hot"]))
    levels = draw(st.sampled_from([(1.0,), (0.0, 0.5, 1.0, 3.7)]))
    rng = np.random.default_rng(draw(SEEDS))
    fill = {
        "full": lambda n: rng.normal(size=(n, net.n_features)) * units,
        "sparse": lambda n: rng.choice([0, 0, -3, 0.2], size=(n, net.n_features)),
        "one-hot": lambda n: np.eye(net.n_features)[
            rng.integers(net.n_features, size=n)
        ],
    }[content]
    units = 10.0 ** rng.uniform(-1, 1, net.n_features)
    problem = Problem(
        net,
        theta=rng.normal(scale=0.7, size=net.n_parameters),
        sequences=[fill(n) for n in lengths],
        labels=[targets(net, n, rng) for n in lengths],
        weights=[weights_of(net, n, levels, rng) for n in lengths],
        skip_alpha=draw(st.sampled_from([0.0, 0.3])),
        alpha=draw(st.sampled_from([0.0, 0.1, 1.0])),
        as_sparse=draw(st.booleans()),
        batch_size=draw(st.sampled_from([1, 2, 1024])),
    )
    first = problem.weights[0]
    first[1:] = np.where(first[1:] > 0, 2.0, 0.0) if net.transitions else first[1:]
    first[0] = 2.0
    return problem


def weights_of(net, n_steps, levels, rng):
    """Return weights of steps: those of a chain are equal, or 0 for no label."""
    if not net.transitions:
        return rng.choice(levels, size=n_steps)
    is_labeled = rng.random(n_steps) < (0.7 if 0.0 in levels else 1.0)
    return rng.choice(levels) * is_labeled


def targets(net, n_steps, rng):
    """Return classes or numbers, whatever the network is to predict."""
    if net.allowed:
        return allowed_labels(net, n_steps, rng)
    if net.output == "softmax":
        return rng.integers(net.n_outputs, size=n_steps)
    return rng.normal(size=(n_steps, net.n_outputs))


def allowed_labels(net, n_steps, rng):
    """Draw labels one by one among those that may follow; the last is the first."""
    may = np.frombuffer(net.allowed, bool).reshape((net.n_outputs + 1,) * 2)
    labels = [-1]
    for _ in range(n_steps - 1):
        labels.append(rng.choice(np.flatnonzero(may[labels[-1], :-1])))
    return np.array([*labels[1:], 0])


def fixed_problem(seed=0, lengths=(5, 3, 3, 1), **changes):
    """Return one problem, for tests of a single fact."""
    rng = np.random.default_rng(seed)
    net = Architecture(2, (3,), 1, 3, "tanh")._replace(**changes)
    return Problem(
        net,
        theta=rng.normal(scale=0.7, size=net.n_parameters),
        sequences=[rng.normal(size=(n, net.n_features)) for n in lengths],
        labels=[targets(net, n, rng) for n in lengths],
        weights=[
            np.full(n, rng.uniform(0.5, 2))
            if net.transitions
            else rng.uniform(0.5, 2, size=n)
            for n in lengths
        ],
        alpha=0.3,
        skip_alpha=0.2,
    )


def fit(X, y, sample_weight=None, *, model=VanillaRNNClassifier, **parameters):
    """Fit a small network for a few iterations, which are not meant to converge."""
    parameters = {
        "hidden_layer_sizes": (5,),
        "alpha": 1.0,
        "max_iter": 15,
        "random_state": 0,
        "tol": 1e-10,
    } | parameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model(**parameters).fit(X, y, sample_weight)


def theta_of(model):
    """Return all parameters of a fitted network as one vector."""
    arrays = (
        *model.input_coefs_,
        *model.recurrent_coefs_,
        *model.hidden_intercepts_,
        model.output_coef_,
        model.output_intercept_,
        *(getattr(model, name, None) for name in ("skip_coef_", *CHAIN)),
    )
    return np.concatenate([array.ravel() for array in arrays if array is not None])


def learned(model):
    """Return all parameters, and the scores of the strengths that were tried."""
    scores = [] if model.alpha_scores_ is None else model.alpha_scores_
    strengths = [model.alpha_, model.skip_alpha_ or 0.0]
    return np.concatenate([theta_of(model), scores, strengths])
