"""The cost of a chain of labels, and the time of a pure conditional random field.

First, evaluations of loss and gradient with and without a chain on the same batches,
on one thread; the ratio of the minima of alternating runs. Then the CRF of
sklearn-crfsuite (all states and transitions, c2 = .1, its own end of training) against
a network without hidden layers: the CPU seconds of a fit of as many iterations as it
takes to reach the other's penalized log-likelihood to four digits. The network also has
intercepts and scores of the ends, so it can get below.

Files are those of ``tagger.py``; without them the words are characters of the standard
library's source. Needs sklearn-crfsuite; prints Markdown tables, writes JSON.

    python benchmarks/chain.py [TRAIN] [--neighbors 0]
"""

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _common import GRID, Workload, data, evaluate, head, ours, row, save
from defaults import sentences
from sklearn.exceptions import ConvergenceWarning
from sklearn_crfsuite import CRF
from tagger import Part, cpu_seconds, described, source

from skrnn import VanillaRNNClassifier
from skrnn._network.training.objective import Objective

N_REPEATS = 15
SHAPES = [
    Workload(164, 50, 64, 64, 20),
    Workload(250, 60, 64, 64, 20, ragged=True),
    Workload(250, 60, 64, 64, 20, ragged=True, two_way=True),
    GRID[3],
]
C2 = 0.1
MAX_ITER = 1000


def cost_of_chain(work: Workload) -> tuple[float, float]:
    """Return the seconds of an evaluation without and with a chain."""
    X, y = data(work, "float32")
    plain, theta = ours(work, X, y, "float32", n_cores=1)
    architecture = plain.architecture._replace(transitions=True)
    chained = Objective(architecture, plain.loss_sum)
    # Those of the chain come last.
    n_more = architecture.n_parameters - len(theta)
    thetas = theta, np.concatenate([theta, np.zeros(n_more)])
    best = [np.inf, np.inf]
    for _ in range(N_REPEATS):
        for i, objective in enumerate((plain, chained)):
            began = time.process_time()
            evaluate(objective, thetas[i])
            best[i] = min(best[i], time.process_time() - began)
    return best[0], best[1]


def crf_of(part: Part) -> tuple[float, float]:
    """Return the CPU seconds of crfsuite, and its penalized log-likelihood."""
    model = CRF(
        c1=0,
        c2=C2,
        max_iterations=MAX_ITER,
        all_possible_states=True,
        all_possible_transitions=True,
    )
    y = [labels.tolist() for labels in part.y]
    seconds = cpu_seconds(lambda: model.fit(part.names, y))
    return seconds, float(model.training_log_.last_iteration["loss"])


def network_of(part: Part, max_iter: int) -> tuple[float, Any]:
    """Return the CPU seconds of a fit, and the network."""
    model = VanillaRNNClassifier(
        (),
        skip_connection=True,
        transitions=True,
        skip_alpha=2 * C2,
        max_iter=max_iter,
        tol=1e-9,
    )
    return cpu_seconds(lambda: model.fit(part.X, part.y)), model


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--neighbors", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    results: dict[str, Any] = {}
    head("sequences x steps x features x hidden x classes", "ms", "with chain", "ratio")
    for work in SHAPES:
        plain, chained = cost_of_chain(work)
        results[work.name] = plain, chained
        row(
            work.name,
            *(f"{1e3 * t:.1f}" for t in (plain, chained)),
            f"{chained / plain:.2f}",
        )

    train = sentences(options.file) if options.file else source()[0]
    part = described(train, train[:1], neighbors=bool(options.neighbors))[0]
    theirs, target = crf_of(part)
    _, model = network_of(part, MAX_ITER)
    losses = np.array(model.loss_curve_) * sum(map(len, part.y))
    n_iter = int(np.argmax(losses <= target * 1.0001)) + 1
    if losses[-1] > target * 1.0001:
        raise SystemExit(f"ended at {losses[-1]}, above {target}")
    seconds, _ = network_of(part, n_iter)
    results["crf"] = {"crfsuite": theirs, "skrnn": seconds, "n_iter": n_iter}
    print()
    head("model", "penalized -log p", "iterations", "CPU s", "ratio")
    row("sklearn-crfsuite", f"{target:.1f}", "", f"{theirs:.1f}", 1.0)
    row(
        "skrnn",
        f"{losses[n_iter - 1]:.1f}",
        n_iter,
        f"{seconds:.1f}",
        f"{seconds / theirs:.2f}",
    )
    save("chain", results)


if __name__ == "__main__":
    main()
