"""Scan of the constants that training starts from.

Each constant of the prior, the starting weights and the change of variables is moved
by itself, on five kinds of sequences, for networks of one and of two directions, with
five seeds.
Prints a Markdown table: objective after training, and log-loss and accuracy on
sequences held out, each the mean over seeds.

    python benchmarks/initialization.py [--seeds 5] [--jobs 2] [--task NAME ...]
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _common import spelled_codes
from joblib import Parallel, delayed

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier
from skrnn._network.training import (
    initialization,
    preconditioning,
    regularization,
    subsample,
)
from skrnn.datasets import (
    load_python_source,
    make_digit_strings,
    make_hmm_sequences,
    make_recall,
)


class Task(NamedTuple):
    """Sequences to learn from and to test on."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any
    n_hidden: int
    max_iter: int


def source() -> Task:
    """Characters of Python source, 600 lines."""
    lines = load_python_source(n_lines=1200, random_state=0)
    encoder = OneHotSequenceEncoder(handle_unknown="ignore", sparse_output=True)
    X = encoder.fit_transform(lines.data)
    return Task(X[:600], lines.target[:600], X[600:], lines.target[600:], 32, 60)


def digits() -> Task:
    """Noisy digits that spell one of 200 codes, 600 strings."""
    X, y = make_digit_strings(
        600, rule="lexicon", subset="train", random_state=0, return_X_y=True
    )
    X_test, y_test = make_digit_strings(
        600, rule="lexicon", subset="test", random_state=1, return_X_y=True
    )
    return Task(X, y, X_test, y_test, 64, 100)


def codes() -> Task:
    """Noisy digits that spell one of 100 codes, some of them often, 600 strings."""
    train, test = spelled_codes(600, "train", 0), spelled_codes(1000, "test", 1)
    return Task(train.data, train.target, test.data, test.target, 128, 200)


def hmm() -> Task:
    """States of a hidden Markov chain, 500 sequences."""
    X, y = make_hmm_sequences(1000, random_state=0, return_X_y=True)
    return Task(X[:500], y[:500], X[500:], y[500:], 32, 60)


def recall() -> Task:
    """Symbols seen 20 steps before, 400 sequences."""
    X, y = make_recall(800, n_steps=40, lag=20, random_state=0, return_X_y=True)
    return Task(X[:400], y[:400], X[400:], y[400:], 32, 60)


TASKS: dict[str, Callable[[], Task]] = {
    "source": source,
    "digits": digits,
    "codes": codes,
    "hmm": hmm,
    "recall": recall,
}

# Name of the variant -> module, constant, value.
VARIANTS: dict[str, tuple[Any, str, Any]] = {
    "as shipped": (regularization, "INPUT_DEVIATION", regularization.INPUT_DEVIATION),
    **{f"input scale {v}": (initialization, "_INPUT_SCALE", v) for v in (0.3, 3.0)},
    "as large where features are shared": (initialization, "_SHARED_POWER", 0.0),
    "as large where features are rare": (initialization, "_RARE", 0.0),
    **{
        f"recurrent gain {v}": (initialization, "_RECURRENT_GAIN", v)
        for v in (0.4, 1.0)
    },
    **{f"output scale {v}": (initialization, "_OUTPUT_SCALE", v) for v in (0.1,)},
    **{f"power {v}": (preconditioning, "_POWER", v) for v in (0, 0.5)},
    **{f"sample {v}": (subsample, "_N_SEQUENCES", v) for v in (40,)},
    **{
        f"input deviation {v}": (regularization, "INPUT_DEVIATION", v)
        for v in (1.0, 4.0)
    },
    "nothing shared": (
        regularization.FeatureStats,
        "penalty_scale",
        property(lambda self: self.scale),
    ),
    **{
        f"state deviation {v}": (regularization, "STATE_DEVIATION", v)
        for v in (1.0, 2.0, 6.0)
    },
    **{
        f"logit deviation {v}": (regularization, "LOGIT_DEVIATION", v)
        for v in (3.0, 30.0)
    },
    "plain penalty": (
        regularization,
        "precision",
        lambda architecture, features: (
            prior_precision(architecture, features) > 0
        ).astype(float),
    ),
}
prior_precision = regularization.precision


@contextmanager
def varied(variant: str) -> Iterator[None]:
    """Give one constant another value."""
    module, name, value = VARIANTS[variant]
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def measure(task: str, variant: str, seed: int, bidirectional: bool) -> list[float]:
    """Train once; return objective, held-out log-loss and accuracy, evaluations."""
    data = TASKS[task]()
    model = VanillaRNNClassifier(
        (data.n_hidden,),
        bidirectional=bidirectional,
        max_iter=data.max_iter,
        random_state=seed,
    )
    with varied(variant), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 100 iterations are not meant to converge
        model.fit(data.X, data.y)
    n_correct = n_steps = 0
    loss = 0.0
    for p, y in zip(model.predict_log_proba(data.X_test), data.y_test, strict=True):
        n = int((~np.isnan(p[:, 0])).sum())
        columns = np.searchsorted(model.classes_, y[:n])
        loss -= float(p[np.arange(n), columns].sum())
        n_correct += int((p[:n].argmax(axis=1) == columns).sum())
        n_steps += n
    return [model.loss_, loss / n_steps, n_correct / n_steps, model.n_fun_]


WAYS = ("unidirectional", "bidirectional")


def main() -> None:
    """Run the scan and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--task", nargs="*", default=list(TASKS))
    parser.add_argument("--variant", nargs="*", default=list(VARIANTS))
    options = parser.parse_args()
    results: dict[str, dict[str, list[float]]] = {}
    began = time.perf_counter()
    columns = [(t, way) for t in options.task for way in WAYS]
    print("| variant |" + "".join(f" {t}, {way} |" for t, way in columns))
    print("| --- |" + " --- |" * len(columns))
    for variant in options.variant:
        cells = []
        for task, way in columns:
            runs = Parallel(n_jobs=options.jobs)(
                delayed(measure)(task, variant, seed, way == "bidirectional")
                for seed in range(options.seeds)
            )
            objective, log_loss, accuracy, n_fun = np.mean(runs, axis=0)
            cells.append(f"{objective:.3f} / {log_loss:.3f} / {100 * accuracy:.1f}")
            results.setdefault(variant, {})[f"{task}, {way}"] = [
                objective,
                log_loss,
                accuracy,
                n_fun,
            ]
        print(f"| {variant} | " + " | ".join(cells) + " |", flush=True)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    path = Path("build/benchmarks/initialization.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
