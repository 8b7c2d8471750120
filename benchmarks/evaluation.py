"""One loss and gradient, against torch.nn.RNN and the machine's own matrix products.

For a grid of sizes, skrnn and torch (packed sequences, the better of one thread and
all) compute the same loss and gradient in turn; the best of several repeats counts.
The share of the peak compares useful multiplications per second with those of a large
matrix product in the same run. Needs torch; prints a Markdown table, writes JSON.

    python benchmarks/evaluation.py [--repeats 7] [--dtype float32 float64]
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from skrnn._network import initialisation, packing
from skrnn._network.objective import Objective, Team, sensible_threads
from skrnn._network.parameters import Architecture
from skrnn._network.threads import one_blas_thread

Array = NDArray[Any]


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


GRID = [
    Workload(200, 20, 8, 16, 8),
    Workload(1000, 20, 32, 32, 32),
    Workload(1000, 40, 64, 64, 10, ragged=True),
    Workload(1500, 40, 95, 32, 7, one_hot=True, ragged=True, two_way=True),
    Workload(600, 9, 64, 128, 10, ragged=True, two_way=True),
    Workload(256, 100, 128, 128, 128),
    Workload(256, 100, 65, 256, 65),
    Workload(256, 100, 256, 256, 256),
]


class Ragged:
    """Sequences as the numerical floor wants them."""

    def __init__(self, sequences: list[Array]) -> None:
        self.sequences = sequences
        self.lengths = np.array([len(x) for x in sequences])

    def take(self, ids: NDArray[np.intp], dtype: np.dtype[Any]) -> Array:
        """Return the steps of some sequences, one after another."""
        return np.concatenate([self.sequences[i] for i in ids]).astype(dtype)


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


def ours(work: Workload, X: list[Array], y: list[Array], dtype: str) -> Any:
    """Return the objective, and the parameters at which to evaluate it."""
    architecture = Architecture(
        work.n_features, (work.n_hidden,), 1 + work.two_way, work.n_classes, "tanh"
    )
    source = Ragged(X)
    codes = np.concatenate(y)
    ids = packing.by_length(source.lengths)
    n_threads = sensible_threads(architecture, len(codes), os.cpu_count() or 1)
    weights = np.ones(len(codes))
    batches = packing.batches(source, ids, np.dtype(dtype), codes, weights, n_threads)
    team = Team(batches, np.dtype(dtype), n_threads)
    theta = initialisation.initial(
        architecture, np.ones(work.n_features), np.random.RandomState(0)
    )
    return Objective(architecture, team), theta


def theirs(
    work: Workload, X: list[Array], y: list[Array], dtype: str
) -> Callable[[], float]:
    """Return a function that makes torch compute loss and gradient."""
    kind = getattr(torch, dtype)
    rnn = torch.nn.RNN(work.n_features, work.n_hidden, bidirectional=work.two_way)
    linear = torch.nn.Linear((1 + work.two_way) * work.n_hidden, work.n_classes)
    rnn, linear = rnn.to(kind), linear.to(kind)
    pack = torch.nn.utils.rnn.pack_sequence
    steps = pack([torch.tensor(x) for x in X], enforce_sorted=False)
    labels = pack([torch.tensor(labels) for labels in y], enforce_sorted=False).data

    def evaluate() -> float:
        for parameter in (*rnn.parameters(), *linear.parameters()):
            parameter.grad = None
        states, _ = rnn(steps)
        loss = torch.nn.functional.cross_entropy(linear(states.data), labels)
        loss.backward()
        return loss.item()

    return evaluate


def seconds(function: Callable[[], Any]) -> float:
    """Time one call."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def peak(dtype: str, n_cores: int) -> float:
    """Return multiplications and additions per second of a large matrix product."""
    n = 2048
    square = np.ones((n, n), dtype)
    with threadpool_limits(n_cores, user_api="blas"):
        return 2 * n**3 / min(seconds(lambda: square @ square) for _ in range(5))


def useful(work: Workload, n_rows: int) -> float:
    """Return the multiplications and additions that a dense evaluation needs."""
    n_ways = 1 + work.two_way
    per_row = work.n_hidden * n_ways * (work.n_hidden + work.n_classes)
    inputs = 0 if work.one_hot else work.n_features * work.n_hidden * n_ways
    # Forward once, backward twice; no gradient of the input is needed.
    return n_rows * (6.0 * per_row + 4.0 * inputs)


def compare(work: Workload, dtype: str, repeats: int) -> dict[str, float]:
    """Time both in turn."""
    X, y = data(work, dtype)
    objective, theta = ours(work, X, y, dtype)
    torch_evaluate = theirs(work, X, y, dtype)
    n_cores = os.cpu_count() or 1
    best = {"skrnn": np.inf, "torch, 1": np.inf, f"torch, {n_cores}": np.inf}
    with closing(objective.team):
        for _ in range(repeats):
            with one_blas_thread():
                best["skrnn"] = min(
                    best["skrnn"],
                    seconds(lambda: objective.loss_and_gradient(theta)),
                    seconds(lambda: objective.loss_and_gradient(theta)),
                )
            for n in (1, n_cores):
                torch.set_num_threads(n)
                name = f"torch, {n}"
                best[name] = min(
                    best[name], seconds(torch_evaluate), seconds(torch_evaluate)
                )
    torch_best = min(t for name, t in best.items() if name != "skrnn")
    n_rows = sum(map(len, X))
    return {
        "milliseconds": 1e3 * best["skrnn"],
        "torch": 1e3 * torch_best,
        "ratio": torch_best / best["skrnn"],
        "share of peak": useful(work, n_rows) / best["skrnn"] / peak(dtype, n_cores),
    }


def main() -> None:
    """Run the grid and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--dtype", nargs="*", default=["float32", "float64"])
    options = parser.parse_args()
    results = {}
    print("| sequences x steps x features x hidden x classes | type |", end="")
    print(" skrnn, ms | torch, ms | torch / skrnn | share of peak |")
    print("| --- | --- | --- | --- | --- | --- |")
    for dtype in options.dtype:
        for work in GRID:
            row = compare(work, dtype, options.repeats)
            results[f"{work.name} {dtype}"] = row
            print(
                f"| {work.name} | {dtype} | {row['milliseconds']:.2f} | "
                f"{row['torch']:.2f} | {row['ratio']:.2f} | "
                f"{row['share of peak']:.0%} |",
                flush=True,
            )
        ratios = [row["ratio"] for name, row in results.items() if dtype in name]
        mean = float(np.exp(np.mean(np.log(ratios))))
        print(f"| geometric mean | {dtype} | | | {mean:.2f} | |")
    path = Path("build/benchmarks/evaluation.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
