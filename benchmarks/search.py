"""A grid search with one job, with two, and with one held to one thread.

Four strengths of the penalty on two folds, eight fits of about a second. With one job
each fit uses all cores; the workers of several jobs share them. The first round starts
the workers and is the slower one; the best of all rounds counts. Prints a Markdown
table, writes JSON.

    python benchmarks/search.py [--rounds 3]
"""

import argparse
import os
import warnings
from collections.abc import Callable

import numpy as np
from _common import Workload, data, head, row, save, seconds
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from skrnn import VanillaRNNClassifier

N_JOBS = 2


def main() -> None:
    """Search in all three ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=50)
    options = parser.parse_args()
    sequences, labels = data(Workload(2000, 20, 32, 64, 10), "float32")
    X, y = np.stack(sequences), np.stack(labels)

    def search(n_jobs: int) -> None:
        model = VanillaRNNClassifier(64, max_iter=options.iterations, random_state=0)
        grid = {"alpha": [0.1, 0.3, 1.0, 3.0]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # few iterations
            GridSearchCV(model, grid, cv=2, n_jobs=n_jobs, refit=False).fit(X, y)

    def on_one_thread() -> None:
        with threadpool_limits(1):
            search(1)

    ways: dict[str, Callable[[], None]] = {
        "n_jobs=1": lambda: search(1),
        f"n_jobs={N_JOBS}": lambda: search(N_JOBS),
        "n_jobs=1, one thread": on_one_thread,
    }
    best = dict.fromkeys(ways, np.inf)
    for _ in range(options.rounds):
        for name, way in ways.items():
            best[name] = min(best[name], seconds(way))
    head("search", "seconds", f"of that with n_jobs={N_JOBS}")
    for name, time in best.items():
        row(name, f"{time:.2f}", f"{time / best[f'n_jobs={N_JOBS}']:.2f}")
    save("search", best)


if __name__ == "__main__":
    os.environ["PYTHONWARNINGS"] = "ignore"  # reaches the workers, too
    main()
