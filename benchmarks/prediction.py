"""Speed of prediction, against torch.nn.RNN under inference_mode.

Steps per second of `predict_proba` on a grid of sizes, checks of the input included:
from a padded array to a padded array, or, where lengths differ, from a list of
sequences to probabilities per sequence. Beside it stands what the arithmetic of these
predictions would allow if nothing else took time: the forward pass and softmax of
batches that are packed already, as `predict_proba` cuts them, nothing checked and
nothing put back into place, on one thread or all, whichever is faster. Then the
latency of reading one step of one sequence, against torch's RNNCell, Linear and
softmax. Torch has the better of one thread and all. Needs torch; prints two Markdown
tables, writes JSON.

    python benchmarks/prediction.py [--repeats 5] [--dtype float32]
"""

import argparse
import warnings
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import torch
from _common import (
    GRID,
    N_CORES,
    Array,
    Ragged,
    Workload,
    best_of,
    data,
    geometric_mean,
    head,
    on_torch_threads,
    row,
    save,
    torch_modules,
)
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier
from skrnn._network import inference
from skrnn._network.data import packing
from skrnn._network.model import loss, network
from skrnn._network.model.parameters import Architecture
from skrnn._network.parallel import ThreadGroup, one_blas_thread

N_LATENCY_STEPS = 1000


def fitted(work: Workload, dtype: str) -> VanillaRNNClassifier:
    """Return a classifier of the workload's sizes; few sequences fit it."""
    X, y = data(work._replace(n_sequences=20), dtype)
    y[0][0] = work.n_classes - 1
    every_class = np.arange(work.n_classes)
    X.append(np.resize(X[0], (work.n_classes, work.n_features)))
    model = VanillaRNNClassifier(
        (work.n_hidden,), bidirectional=work.two_way, max_iter=1, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # one iteration
        return model.fit(X, [*y, every_class])


def torch_predict(work: Workload, X: Any, dtype: str) -> Callable[[], Any]:
    """Return a function that makes torch predict probabilities."""
    rnn, linear = torch_modules(work, dtype)
    pad = torch.nn.utils.rnn.pad_packed_sequence
    pack = torch.nn.utils.rnn.pack_sequence
    tensors = [torch.tensor(x) for x in X] if work.ragged else torch.tensor(X)

    def predict() -> Any:
        with torch.inference_mode():
            if not work.ragged:
                return torch.softmax(linear(rnn(tensors)[0]), dim=-1)
            states, _ = rnn(pack(tensors, enforce_sorted=False))
            proba = torch.softmax(linear(states.data), dim=-1)
            return pad(states._replace(data=proba), batch_first=True)

    return predict


def throughput(work: Workload, dtype: str, repeats: int) -> dict[str, float]:
    """Count steps per second."""
    sequences, _ = data(work, dtype)
    n_rows = sum(map(len, sequences))
    X = sequences if work.ragged else np.stack(sequences)
    model = fitted(work, dtype)
    predict = torch_predict(work, X, dtype)
    best = best_of(
        repeats,
        {
            "skrnn": lambda: model.predict_proba(X),
            "torch, 1": on_torch_threads(1, predict),
            "torch, all": on_torch_threads(N_CORES, predict),
            "bare, 1": kernels(work, sequences, dtype, 1),
            "bare, all": kernels(work, sequences, dtype, N_CORES),
        },
    )
    torch_best = min(best["torch, 1"], best["torch, all"])
    least = min(best["bare, 1"], best["bare, all"])
    return {
        "bare": torch_best / least,
        "skrnn": n_rows / best["skrnn"],
        "torch": n_rows / torch_best,
        "ratio": torch_best / best["skrnn"],
    }


def kernels(
    work: Workload, sequences: list[Array], dtype: str, n: int
) -> Callable[[], object]:
    """Return a function that evaluates packed batches on n threads, and no more."""
    source = Ragged(sequences)
    net = Architecture(
        work.n_features, (work.n_hidden,), 1 + work.two_way, work.n_classes, "tanh"
    )
    theta = np.random.default_rng(0).normal(0, 0.1, net.n_parameters)
    parameters = net.unflatten(theta.astype(dtype))
    ids = packing.by_length(source.lengths)
    shares = [
        [packing.pack(source, run, np.dtype(dtype)) for run in part]
        for part in inference.split_for_threads(ids, source.lengths, net.n_states, n)
    ]

    def evaluate(share: list[packing.Batch]) -> None:
        space = network.Workspace(np.dtype(dtype))
        for batch in share:
            _, logits = network.forward(parameters, batch, "tanh", space)
            loss.softmax(logits)

    def run() -> None:
        with one_blas_thread(), closing(ThreadGroup(n)) as threads:
            threads.map(evaluate, shares)

    return run


def latency(n_hidden: int, dtype: str, repeats: int) -> dict[str, float]:
    """Time one step of one sequence, in microseconds."""
    work = Workload(1, N_LATENCY_STEPS, 32, n_hidden, 10)
    X = data(work, dtype)[0][0][:, None]
    model = fitted(work._replace(n_steps=40), dtype)
    kind = getattr(torch, dtype)
    cell = torch.nn.RNNCell(32, n_hidden).to(kind)
    linear = torch.nn.Linear(n_hidden, 10).to(kind)
    tensors = list(torch.tensor(X))

    def read() -> None:
        state = model.initial_state()
        for x in X:
            _, state = model.step(x, state)

    def torch_read() -> None:
        with torch.inference_mode():
            state = torch.zeros(1, n_hidden, dtype=kind)
            for x in tensors:
                state = cell(x, state)
                torch.softmax(linear(state), dim=1)

    best = best_of(
        repeats,
        {
            "skrnn": read,
            "torch, 1": on_torch_threads(1, torch_read),
            "torch, all": on_torch_threads(N_CORES, torch_read),
        },
    )
    torch_best = min(best["torch, 1"], best["torch, all"])
    return {
        "skrnn": 1e6 * best["skrnn"] / len(X),
        "torch": 1e6 * torch_best / len(X),
        "ratio": torch_best / best["skrnn"],
    }


def main() -> None:
    """Run both comparisons and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dtype", default="float32")
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    head(
        "sequences x steps x features x hidden x classes",
        "skrnn, steps/s",
        "torch, steps/s",
        "skrnn / torch",
        "at most",
    )
    for work in GRID:
        result = throughput(work, options.dtype, options.repeats)
        results[work.name] = result
        speeds = [f"{result[name]:,.0f}" for name in ("skrnn", "torch")]
        row(work.name, *speeds, f"{result['ratio']:.2f}", f"{result['bare']:.2f}")
    means = [
        geometric_mean(result[name] for result in results.values())
        for name in ("ratio", "bare")
    ]
    row("geometric mean", "", "", *(f"{mean:.2f}" for mean in means))
    print()
    head("hidden units", "skrnn, us per step", "torch, us per step", "torch / skrnn")
    for n_hidden in (16, 64, 256):
        result = latency(n_hidden, options.dtype, options.repeats)
        results[f"one step, {n_hidden}"] = result
        row(n_hidden, *(f"{result[name]:.2f}" for name in ("skrnn", "torch", "ratio")))
    save("prediction", results)


if __name__ == "__main__":
    main()
