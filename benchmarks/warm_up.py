"""Time to accuracy from three starts, where there are many sequences.

The same fits from random weights, from parts of the sequences, and as shipped: from
parts, with the output weights read from the states before the first of them. Seconds
until held-out labels first reach an accuracy, the accuracy at the end, and the seconds
of the whole fit. Prints a Markdown table, writes JSON.

    python benchmarks/warm_up.py [--seeds 2]
"""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest import mock

from _common import head, row, save
from time_to_accuracy import Task, clock, digits, skrnn_run, source

from skrnn._network.training import train, warm_up

TASKS: list[tuple[Callable[[], Task], tuple[float, ...]]] = [
    (lambda: source(1500, 32, 60), (0.95, 0.97, 0.98)),
    (lambda: source(5000, 64, 60), (0.95, 0.97, 0.98)),
    (lambda: digits(6000, 128, 80), (0.83, 0.84, 0.85)),
]


def drawn(architecture: Any, theta: Any, features: Any, sample: Any) -> Any:
    """Leave the output weights as they were drawn."""
    return theta


def start(name: str) -> AbstractContextManager[Any]:
    """Have a training start as the name says."""
    if name == "random":
        return mock.patch.object(warm_up, "_STAGES", ())
    if name == "parts":
        return mock.patch.object(train, "ridge_output_init", drawn)
    return nullcontext()


def main() -> None:
    """Train on every workload from every start and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    head("workload", "seed", "start", "seconds to the accuracies", "last", "seconds")
    results = []
    for make, targets in TASKS:
        task = make()
        for seed in range(options.seeds):
            for name in ("random", "parts", "as shipped"):
                with start(name):
                    run = skrnn_run(task, seed)
                times = [f"{clock(run.reached(t))} ({t:.0%})" for t in targets]
                last = run.accuracies[-1]
                row(
                    task.name,
                    seed,
                    name,
                    ", ".join(times),
                    f"{last:.2%}",
                    f"{run.times[-1]:.1f}",
                )
                results.append([task.name, seed, name, run])
    save("warm_up", results)


if __name__ == "__main__":
    main()
