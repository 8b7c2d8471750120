"""Speed of prediction, against torch.nn.RNN and against onnxruntime.

Steps per second of `predict_proba` on a grid of sizes, checks of the input included:
from a padded array to a padded array, or, where lengths differ, from a list of
sequences to probabilities per sequence. Torch, under inference_mode, has the best of
its ways: packed or padded, on one thread and on all. onnxruntime runs the graph that
`to_onnx` exports, on one thread and on all, and needs padding. Beside them stands what
the arithmetic of these predictions would allow if nothing else took time: the forward
pass and softmax of batches that are packed already, as `predict_proba` cuts them,
nothing checked and nothing put back into place, on one thread or all, whichever is
faster. Then the latency of reading one step of one sequence, against torch's RNNCell,
Linear and softmax. Needs torch and onnxruntime; prints two Markdown tables, writes
JSON.

    python benchmarks/prediction.py [--repeats 5] [--dtype float32]
"""

import argparse
import warnings
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import onnxruntime
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
    on_every_number_of_threads,
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
from skrnn._network.workspace import Workspace
from skrnn.export import to_onnx
from skrnn.preprocessing import pad_sequences

N_LATENCY_STEPS = 1000
RATIOS = ("ratio", "onnxruntime / skrnn", "bare")


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


def torch_ways(work: Workload, X: Any, dtype: str) -> dict[str, Callable[[], Any]]:
    """Return functions that make torch predict probabilities, one for each way."""
    rnn, linear = torch_modules(work, dtype)
    rnn.batch_first = True
    utils = torch.nn.utils.rnn
    tensors = [torch.tensor(x) for x in X] if work.ragged else torch.tensor(X)

    def plain() -> Any:
        with torch.inference_mode():
            steps = tensors
            if work.ragged:
                steps = utils.pad_sequence(tensors, batch_first=True)
            return torch.softmax(linear(rnn(steps)[0]), dim=-1)

    def packed() -> Any:
        with torch.inference_mode():
            states, _ = rnn(utils.pack_sequence(tensors, enforce_sorted=False))
            proba = torch.softmax(linear(states.data), dim=-1)
            return utils.pad_packed_sequence(
                states._replace(data=proba), batch_first=True
            )

    return {"padded": plain, "packed": packed} if work.ragged else {"plain": plain}


def onnx_ways(
    model: VanillaRNNClassifier, sequences: list[Array]
) -> dict[str, Callable[[], Any]]:
    """Return functions that run the exported graph, on one thread and on all."""
    graph = to_onnx(model).SerializeToString()
    lengths = np.array([len(x) for x in sequences], np.int32)
    X = pad_sequences(sequences, padding_value=0.0).astype(np.float32)

    def on(n_threads: int) -> Callable[[], Any]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        return lambda: session.run(["probabilities"], {"X": X, "lengths": lengths})

    return {f"onnxruntime, {n}": on(n) for n in sorted({1, N_CORES})}


def throughput(work: Workload, dtype: str, repeats: int) -> dict[str, float]:
    """Count steps per second."""
    sequences, _ = data(work, dtype)
    n_rows = sum(map(len, sequences))
    X = sequences if work.ragged else np.stack(sequences)
    model = fitted(work, dtype)
    peers = {
        "torch": on_every_number_of_threads(torch_ways(work, X, dtype)),
        "onnxruntime": onnx_ways(model, sequences),
        "bare": {
            f"bare, {n}": kernels(work, sequences, dtype, n)
            for n in sorted({1, N_CORES})
        },
    }
    every = {name: f for ways in peers.values() for name, f in ways.items()}
    best = best_of(repeats, {"skrnn": lambda: model.predict_proba(X), **every})
    least = {peer: min(best[name] for name in ways) for peer, ways in peers.items()}
    return {
        "bare": least["torch"] / least["bare"],
        "skrnn": n_rows / best["skrnn"],
        "torch": n_rows / least["torch"],
        "onnxruntime": n_rows / least["onnxruntime"],
        "ratio": least["torch"] / best["skrnn"],
        "onnxruntime / skrnn": least["onnxruntime"] / best["skrnn"],
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
        space = Workspace(np.dtype(dtype))
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
        "onnxruntime, steps/s",
        "skrnn / torch",
        "skrnn / onnxruntime",
        "at most, / torch",
    )
    for work in GRID:
        result = throughput(work, options.dtype, options.repeats)
        results[work.name] = result
        speeds = [f"{result[n]:,.0f}" for n in ("skrnn", "torch", "onnxruntime")]
        row(work.name, *speeds, *(f"{result[name]:.2f}" for name in RATIOS))
    means = [
        geometric_mean(result[name] for result in results.values()) for name in RATIOS
    ]
    row("geometric mean", "", "", "", *(f"{mean:.2f}" for mean in means))
    print()
    head("hidden units", "skrnn, us per step", "torch, us per step", "torch / skrnn")
    for n_hidden in (16, 64, 256):
        result = latency(n_hidden, options.dtype, options.repeats)
        results[f"one step, {n_hidden}"] = result
        row(n_hidden, *(f"{result[name]:.2f}" for name in ("skrnn", "torch", "ratio")))
    save("prediction", results)


if __name__ == "__main__":
    main()
