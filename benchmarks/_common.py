"""What the benchmarks share: workloads, skrnn and torch on them, clocks and tables."""

import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skrnn._network.data import packing
from skrnn._network.model.parameters import Architecture
from skrnn._network.parallel import effective_n_threads
from skrnn._network.training import initialization, regularization
from skrnn._network.training.objective import Objective, ThreadedSum
from skrnn._network.workspace import Memory
from skrnn.datasets import make_digit_strings

Array = NDArray[Any]
N_CORES = os.cpu_count() or 1
N_CALLS = 5  # of a function in one turn


class Workload(NamedTuple):
    """Sizes of a problem."""

    n_sequences: int
    n_steps: int
    n_features: int
    n_hidden: int
    n_classes: int
    one_hot: bool = False
    ragged: bool = False
    two_way: bool = False

    @property
    def name(self) -> str:
        """Sizes and kinds in a few words."""
        kinds = [kind for kind in self._fields[5:] if getattr(self, kind)]
        return " ".join(["x".join(map(str, self[:5])), *kinds])


EVEN = [
    Workload(200, 20, 8, 16, 8),
    Workload(1000, 20, 32, 32, 32),
    Workload(256, 100, 128, 128, 128),
    Workload(256, 100, 65, 256, 65),
    Workload(256, 100, 256, 256, 256),
    Workload(5000, 14, 128, 64, 26),
    Workload(1000, 50, 27, 32, 27, one_hot=True),
]
RAGGED = [
    Workload(1000, 40, 64, 64, 10, ragged=True),
    Workload(1500, 40, 95, 32, 7, one_hot=True, ragged=True, two_way=True),
    Workload(600, 9, 64, 128, 10, ragged=True, two_way=True),
]
GRID = [*EVEN, *RAGGED]


class Ragged:
    """Sequences as the numerical floor wants them."""

    def __init__(self, sequences: list[Array]) -> None:
        self.sequences = sequences
        self.lengths = np.array([len(x) for x in sequences])

    def take(
        self, ids: NDArray[np.intp], dtype: np.dtype[Any], memory: Memory | None = None
    ) -> Array:
        """Return the steps of some sequences, one after another."""
        parts = [self.sequences[i] for i in ids]
        return np.concatenate(parts).astype(dtype)


def data(work: Workload, dtype: str) -> tuple[list[Array], list[Array]]:
    """Draw sequences and labels."""
    rng = np.random.default_rng(0)
    shortest = max(1, work.n_steps // 4) if work.ragged else work.n_steps
    lengths = rng.integers(shortest, work.n_steps, work.n_sequences, endpoint=True)
    if work.one_hot:
        eye = np.eye(work.n_features, dtype=dtype)
        X = [eye[rng.integers(work.n_features, size=n)] for n in lengths]
    else:
        X = [rng.normal(size=(n, work.n_features)).astype(dtype) for n in lengths]
    return X, [rng.integers(work.n_classes, size=n) for n in lengths]


def ours(
    work: Workload,
    X: list[Array],
    y: list[Array],
    dtype: str,
    n_cores: int = N_CORES,
) -> tuple[Objective, NDArray[np.float64]]:
    """Return the objective, and the parameters at which to evaluate it."""
    architecture = Architecture(
        work.n_features, (work.n_hidden,), 1 + work.two_way, work.n_classes, "tanh"
    )
    source = Ragged(X)
    codes = np.concatenate(y)
    ids = packing.by_length(source.lengths)
    n_threads = effective_n_threads(architecture, source.lengths, n_cores)
    weights = np.ones(len(codes))
    batches = packing.batches(
        source,
        ids,
        np.dtype(dtype),
        codes,
        weights,
        n_threads,
        architecture.n_states,
    )
    loss_sum = ThreadedSum(batches, np.dtype(dtype), n_threads)
    theta = initialization.initial_parameters(
        architecture,
        regularization.FeatureStats.of(
            np.ones(work.n_features), np.ones(work.n_features)
        ),
        np.random.RandomState(0),
    )
    return Objective(architecture, loss_sum), theta


def evaluate(objective: Objective, theta: NDArray[np.float64]) -> float:
    """Compute loss and gradient, even where the objective was evaluated last."""
    loss_sum = objective.loss_sum
    return loss_sum.loss_and_gradient(objective.architecture, theta)[0]


def torch_modules(work: Workload, dtype: str) -> tuple[Any, Any]:
    """Return torch's recurrent and output layers, time-major."""
    import torch  # not every benchmark needs it

    n_ways = 1 + work.two_way
    rnn = torch.nn.RNN(work.n_features, work.n_hidden, bidirectional=work.two_way)
    linear = torch.nn.Linear(n_ways * work.n_hidden, work.n_classes)
    kind = getattr(torch, dtype)
    return rnn.to(kind), linear.to(kind)


def theirs(
    work: Workload, X: list[Array], y: list[Array], dtype: str
) -> dict[str, Callable[[], float]]:
    """Return functions that make torch compute loss and gradient, one for each way.

    Packed sequences, or a time-major array: where lengths differ, with padding whose
    targets are ignored.
    """
    import torch

    rnn, linear = torch_modules(work, dtype)
    parameters = [*rnn.parameters(), *linear.parameters()]
    steps, labels = [torch.tensor(x) for x in X], [torch.tensor(part) for part in y]
    pack, pad = torch.nn.utils.rnn.pack_sequence, torch.nn.utils.rnn.pad_sequence

    def evaluate(steps: Any, labels: Any) -> float:
        for parameter in parameters:
            parameter.grad = None
        states, _ = rnn(steps)
        rows = states.flatten(0, 1) if isinstance(states, torch.Tensor) else states.data
        loss = torch.nn.functional.cross_entropy(linear(rows), labels)
        loss.backward()
        return loss.item()

    packed = pack(steps, enforce_sorted=False)
    packed_labels = pack(labels, enforce_sorted=False).data
    # -100 is what cross_entropy ignores.
    padded, padded_labels = pad(steps), pad(labels, padding_value=-100).flatten()
    return {
        "packed": lambda: evaluate(packed, packed_labels),
        "padded" if work.ragged else "plain": lambda: evaluate(padded, padded_labels),
    }


def on_every_number_of_threads(
    ways: dict[str, Callable[[], Any]],
) -> dict[str, Callable[[], Any]]:
    """Return torch's ways on one thread and on all."""
    return {
        f"{way}, {n} thread{'s' * (n > 1)}": on_torch_threads(n, function)
        for way, function in ways.items()
        for n in sorted({1, N_CORES})
    }


def jax_evaluation(
    work: Workload, X: list[Array], y: list[Array]
) -> Callable[[], float]:
    """Return a function that makes JAX compute loss and gradient, compiled.

    The products with inputs and outputs are outside of the scan; threads are JAX's own
    choice. All lengths must be equal, the type is float32, and the direction one.
    """
    import jax
    from jax import numpy as jnp

    rng = np.random.default_rng(0)
    f, h, k = work.n_features, work.n_hidden, work.n_classes
    shapes = [(f, h), (h, h), (h,), (h, k), (k,)]
    weights = [
        jnp.asarray(rng.normal(size=shape).astype(np.float32) / 10) for shape in shapes
    ]
    steps = jnp.asarray(np.stack(X, axis=1))
    labels = jnp.asarray(np.stack(y, axis=1))

    def loss(weights: list[Any]) -> Any:
        of_input, recurrent, b_h, of_output, b_y = weights
        inputs = steps @ of_input + b_h

        def step(state: Any, row: Any) -> tuple[Any, Any]:
            state = jnp.tanh(row + state @ recurrent)
            return state, state

        start = jnp.zeros((inputs.shape[1], h), inputs.dtype)
        _, states = jax.lax.scan(step, start, inputs)
        log_proba = jax.nn.log_softmax(states @ of_output + b_y)
        return -jnp.take_along_axis(log_proba, labels[..., None], axis=-1).mean()

    evaluate = jax.jit(jax.value_and_grad(loss))
    jax.block_until_ready(evaluate(weights))
    return lambda: float(jax.block_until_ready(evaluate(weights))[0])


def spelled_codes(n: int, subset: str, seed: int) -> Bunch:
    """Draw strings of noisy digits that spell codes, the k-th with frequency 1 / k."""
    bunch = make_digit_strings(
        20 * n,
        rule="lexicon",
        n_codes=100,
        noise=0.44,
        subset=subset,
        random_state=seed,
    )
    rank = {code: k for k, code in enumerate(bunch.lexicon.tolist(), start=1)}
    spelled = [
        "".join(map(str, labels[:length]))
        for labels, length in zip(bunch.target, bunch.lengths, strict=True)
    ]
    frequency = np.array([1 / rank[code] for code in spelled])
    share = frequency / frequency.sum()
    chosen = np.random.default_rng(seed).choice(20 * n, n, replace=False, p=share)
    return Bunch(**{k: bunch[k][chosen] for k in ("data", "target", "lengths")})


def seconds(function: Callable[[], Any]) -> float:
    """Time one call."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def on_torch_threads(n: int, function: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that first gives torch so many threads."""
    import torch

    def run() -> Any:
        torch.set_num_threads(n)
        return function()

    return run


def best_of(repeats: int, functions: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Time functions in turn; return the shortest time of each.

    A turn is several calls. Whatever ran before has emptied the caches, and the threads
    of onnxruntime and torch keep a core busy for a while after a call.
    """
    best = dict.fromkeys(functions, np.inf)
    for _ in range(repeats):
        for name, function in functions.items():
            durations = (seconds(function) for _ in range(N_CALLS))
            best[name] = min(best[name], *durations)
    return best


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.mean(np.log(list(values)))))


def row(*cells: object) -> None:
    """Print a row of a Markdown table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*cells: str) -> None:
    """Print the head of a Markdown table."""
    row(*cells)
    row(*["---"] * len(cells))


def save(name: str, results: object) -> None:
    """Write results under ``build/benchmarks``."""
    path = Path("build/benchmarks", f"{name}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2))
