"""Seconds of training until the held-out accuracy first reaches each of some targets.

skrnn fits as it comes, but for the number of iterations; every iterate is kept with
its time since the call of `fit`, and scored when the fit is over. Torch has Adam on
minibatches of 32 packed sequences, three learning rates, the faster of one thread and
all, and a limit of seconds; scoring stops its clock. At each target the rate that
reaches it first counts. The targets are the same for all workloads, so that none of
them can be chosen to suit one side. Where steps are symbols, sklearn-crfsuite reads
the symbols up to three steps away. Both networks have the same sizes and float32;
torch's best accuracy is the highest ever seen on the held-out sequences. Needs torch;
prints a Markdown table, writes JSON.

    python benchmarks/time_to_accuracy.py [--quick] [--full] [--limit 40]

--quick limits torch to 10 seconds a rate; --full adds the large workloads.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import sklearn_crfsuite
import torch
from _common import (
    N_CORES,
    Array,
    Workload,
    head,
    row,
    save,
    seconds,
    spelled_codes,
    torch_modules,
)
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier
from skrnn._network import inference
from skrnn._network.training import train, warm_up
from skrnn._network.training.lbfgs import Progress
from skrnn._validation.sequences import Sequences
from skrnn.datasets import load_python_source, make_digit_strings, make_hmm_sequences

RATES = (1e-3, 3e-3, 1e-2)
BATCH = 32
BATCHES_BETWEEN_SCORES = 16
TARGETS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99)


class Task(NamedTuple):
    """Ragged sequences to learn from and to test on, labels 0 to n - 1."""

    name: str
    n_hidden: int
    max_iter: int
    X: list[Array]
    y: list[NDArray[np.intp]]
    X_test: list[Array]
    y_test: list[NDArray[np.intp]]
    symbols: bool = False
    alpha: float | str = "auto"


class Run(NamedTuple):
    """Seconds and held-out accuracies of one training."""

    times: list[float]
    accuracies: list[float]

    def reached(self, target: float) -> float | None:
        """Return the time of the first accuracy as high as the target."""
        hits = zip(self.times, self.accuracies, strict=True)
        return next((t for t, accuracy in hits if accuracy >= target), None)


def source(n_lines: int, n_hidden: int, max_iter: int) -> Task:
    """Load characters of Python source."""
    lines = load_python_source(n_lines=n_lines + 1000, random_state=0)
    encoder = OneHotSequenceEncoder(handle_unknown="ignore", dtype=np.float32)
    encoder.fit(lines.data[:n_lines])
    padded = encoder.transform(lines.data)
    X = [x[: len(line)] for x, line in zip(padded, lines.data, strict=True)]
    classes = np.unique(np.concatenate(list(lines.target)))
    y = [np.searchsorted(classes, labels) for labels in lines.target]
    name = f"source characters, {n_lines:,} lines"
    return Task(name, n_hidden, max_iter, *split(X, y, n_lines), symbols=True)


def digits(n_strings: int, n_hidden: int, max_iter: int) -> Task:
    """Make noisy digits that spell one of 200 codes."""

    def part(n: int, subset: str, seed: int) -> tuple[Any, Any]:
        bunch = make_digit_strings(n, rule="lexicon", subset=subset, random_state=seed)
        return unpadded(bunch)

    name = f"digit strings, {n_strings:,}"
    parts = (*part(n_strings, "train", 0), *part(600, "test", 1))
    return Task(name, n_hidden, max_iter, *parts)


def codes(
    n_strings: int, n_hidden: int, max_iter: int, alpha: float | str = "auto"
) -> Task:
    """Make noisy digits that spell codes, some of them often."""
    parts = (
        *unpadded(spelled_codes(n_strings, "train", 0)),
        *unpadded(spelled_codes(1000, "test", 1)),
    )
    name = f"frequent codes, {n_strings:,}"
    if alpha != "auto":
        name = f"{name}, alpha={alpha}"
    return Task(name, n_hidden, max_iter, *parts, alpha=alpha)


def hmm(n_sequences: int, n_hidden: int, max_iter: int) -> Task:
    """Make observations of a hidden Markov chain, labeled with its states."""
    bunch = make_hmm_sequences(n_sequences + 500, random_state=0)
    parts = split(*unpadded(bunch), n_sequences)
    return Task(f"HMM, {n_sequences:,}", n_hidden, max_iter, *parts)


def unpadded(bunch: Any) -> tuple[list[Array], list[NDArray[np.intp]]]:
    """Cut padding off."""
    X = [
        x[:n].astype(np.float32) for x, n in zip(bunch.data, bunch.lengths, strict=True)
    ]
    return X, [y[:n] for y, n in zip(bunch.target, bunch.lengths, strict=True)]


def split(X: list[Any], y: list[Any], n: int) -> tuple[Any, Any, Any, Any]:
    """Return the first n sequences and the others."""
    return X[:n], y[:n], X[n:], y[n:]


def skrnn_run(task: Task, seed: int = 0) -> Run:
    """Fit once, keep every iterate, score them afterwards."""
    iterates: list[Array] = []
    times: list[float] = []

    def note(progress: Progress) -> None:
        times.append(time.perf_counter())
        iterates.append(progress.x)

    class Recorded(train._Run):
        def _on_iteration(self, progress: Progress) -> None:
            note(progress)
            super()._on_iteration(progress)

    model = VanillaRNNClassifier(
        task.n_hidden,
        bidirectional=True,
        max_iter=task.max_iter,
        random_state=seed,
        alpha=task.alpha,
    )
    with (
        mock.patch.object(train, "_Run", Recorded),
        mock.patch.object(
            warm_up, "warm_up", partial(warm_up.warm_up, on_iteration=note)
        ),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is a limit
        began = time.perf_counter()
        model.fit(task.X, task.y)
    lengths = np.array([len(x) for x in task.X_test])
    dtype = np.dtype(np.float32)
    n_features = task.X[0].shape[1]
    test = Sequences("ragged", task.X_test, lengths, n_features, dtype)
    truth = np.concatenate(task.y_test)
    architecture = model._architecture()

    def accuracy(theta: Array) -> float:
        parameters = architecture.unflatten(theta)
        logits = inference.evaluate(
            architecture, parameters, test, dtype, inference.logits
        )
        return float(np.mean(model.classes_[logits.argmax(axis=1)] == truth))

    return Run([t - began for t in times], [accuracy(theta) for theta in iterates])


def torch_run(task: Task, rate: float, limit: float) -> Run:
    """Train with Adam until the limit, score between minibatches."""
    torch.manual_seed(0)
    n_features, n_classes = task.X[0].shape[1], 1 + max(map(np.max, task.y))
    work = Workload(0, 0, n_features, task.n_hidden, int(n_classes), two_way=True)
    rnn, linear = torch_modules(work, "float32")
    optimizer = torch.optim.Adam([*rnn.parameters(), *linear.parameters()], lr=rate)
    X, y = ([torch.tensor(a) for a in part] for part in (task.X, task.y))
    X_test, y_test = (
        pack([torch.tensor(a) for a in part]) for part in (task.X_test, task.y_test)
    )

    def step(ids: NDArray[np.intp]) -> None:
        optimizer.zero_grad()
        states, _ = rnn(pack([X[i] for i in ids]))
        labels = pack([y[i] for i in ids]).data
        torch.nn.functional.cross_entropy(linear(states.data), labels).backward()
        optimizer.step()

    def score() -> float:
        with torch.inference_mode():
            states, _ = rnn(X_test)
            found = linear(states.data).argmax(dim=1)
            return (found == y_test.data).double().mean().item()

    run = Run([], [])
    clock = 0.0
    for i, ids in enumerate(minibatches(len(X)), start=1):
        clock += seconds(lambda ids=ids: step(ids))
        if i % BATCHES_BETWEEN_SCORES == 0 or clock >= limit:
            run.times.append(clock)
            run.accuracies.append(score())
        if clock >= limit:
            return run
    raise AssertionError("there are always more minibatches")


def pack(tensors: list[Any]) -> Any:
    """Pack sequences of any lengths."""
    return torch.nn.utils.rnn.pack_sequence(tensors, enforce_sorted=False)


def minibatches(n: int) -> Any:
    """Yield indices of minibatches, shuffled anew in each pass, without end."""
    rng = np.random.default_rng(0)
    while True:
        yield from np.array_split(rng.permutation(n), -(-n // BATCH))


def torch_runs(task: Task, limit: float) -> dict[float, Run]:
    """Train at each rate, with the faster of one thread and all."""
    speeds = {}
    for n in (1, N_CORES):
        torch.set_num_threads(n)
        speeds[n] = len(torch_run(task, RATES[0], min(1.0, limit)).times)
    torch.set_num_threads(max(speeds, key=lambda n: speeds[n]))
    return {rate: torch_run(task, rate, limit) for rate in RATES}


def crf_run(task: Task) -> Run:
    """Fit a linear chain to the symbols near each step."""
    kinds = range(-3, 4)

    def features(X: list[Array]) -> list[list[dict[str, str]]]:
        result = []
        for x in X:
            symbols = dict(enumerate(map(str, x.argmax(axis=1))))
            result.append(
                [
                    {str(k): symbols.get(t + k, "none") for k in kinds}
                    for t in range(len(x))
                ]
            )
        return result

    labels = [list(map(str, y)) for y in task.y]
    model = sklearn_crfsuite.CRF(max_iterations=100)
    duration = seconds(lambda: model.fit(features(task.X), labels))
    found = np.concatenate(model.predict(features(task.X_test))).astype(int)
    return Run([duration], [float(np.mean(found == np.concatenate(task.y_test)))])


def compare(task: Task, limit: float) -> dict[str, Any]:
    """Train with everything and print a row for each target that anything reached."""
    own = skrnn_run(task)
    others = torch_runs(task, limit)
    crf = crf_run(task) if task.symbols else None
    for target in TARGETS:
        ours = own.reached(target)
        times = [run.reached(target) for run in others.values()]
        theirs = min((t for t in times if t is not None), default=None)
        if ours is None and theirs is None:
            break
        chain = crf.reached(target) if crf else None
        row(
            task.name,
            f"{target:.0%}",
            clock(ours),
            clock(theirs),
            ratio(theirs, ours),
            clock(chain) if crf else "",
        )
    highest = max(max(run.accuracies) for run in others.values())
    row(
        task.name,
        "best; last",
        f"{max(own.accuracies):.1%}; {own.accuracies[-1]:.1%}",
        f"{highest:.1%}",
        "",
        f"{crf.accuracies[0]:.1%}" if crf else "",
    )
    return {"skrnn": own, "torch": others, "crf": crf}


def clock(duration: float | None) -> str:
    """Write seconds."""
    return "not reached" if duration is None else f"{duration:.2f}"


def ratio(theirs: float | None, ours: float | None) -> str:
    """Write how many times longer torch takes, where both reach the target."""
    return f"{theirs / ours:.2f}" if theirs and ours else ""


TASKS: list[Callable[[], Task]] = [
    lambda: source(1500, 32, 100),
    lambda: digits(600, 64, 100),
    lambda: codes(600, 128, 200),
    lambda: hmm(500, 32, 60),
]
LARGE_TASKS: list[Callable[[], Task]] = [
    lambda: source(15000, 64, 200),
    lambda: digits(6000, 128, 200),
    lambda: codes(6000, 128, 200),
    lambda: codes(6000, 128, 60, alpha=0.05),
]


def main() -> None:
    """Run all workloads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--limit", type=float, default=40)
    options = parser.parse_args()
    limit = min(options.limit, 10) if options.quick else options.limit
    head("workload", "accuracy", "skrnn, s", "torch, s", "torch / skrnn", "CRF, s")
    tasks = TASKS + LARGE_TASKS if options.full else TASKS
    save("time_to_accuracy", [compare(task(), limit) for task in tasks])


if __name__ == "__main__":
    main()
