"""Time of one loss and gradient per step, as data and network grow.

First from 1e4 steps to the largest number asked for, then with the hidden units at
1e5 steps; float32, sequences of 50 steps, on all cores. Prints a Markdown table,
writes JSON.

    python benchmarks/growth.py [--largest 1000000] [--repeats 5]
"""

import argparse
from contextlib import closing

from _common import Workload, best_of, data, evaluate, head, ours, row, save

from skrnn._network.parallel import one_blas_thread


def nanoseconds(work: Workload, repeats: int) -> float:
    """Return the time of an evaluation per step."""
    X, y = data(work, "float32")
    objective, theta = ours(work, X, y, "float32")
    n_rows = sum(map(len, X))
    # Small problems need many repeats; large ones take long enough by themselves.
    repeats *= max(1, round(3e7 / (n_rows * work.n_hidden)))
    with closing(objective.loss_sum), one_blas_thread():
        best = best_of(repeats, {"skrnn": lambda: evaluate(objective, theta)})
    return 1e9 * best["skrnn"] / n_rows


def main() -> None:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=float, default=1e6)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    steps = [n for n in (10**4, 10**5, 10**6, 10**7) if n <= options.largest]
    sizes = [(n, 32) for n in steps] + [(10**5, n) for n in (16, 64, 128, 256)]
    results = {}
    head("steps", "hidden units", "ns per step", "of that at 1e5 steps and 32 units")
    for n_steps, n_hidden in sizes:
        work = Workload(n_steps // 50, 50, 16, n_hidden, 10)
        results[f"{n_steps} {n_hidden}"] = nanoseconds(work, options.repeats)
    reference = results["100000 32"]
    for n_steps, n_hidden in sizes:
        time = results[f"{n_steps} {n_hidden}"]
        row(n_steps, n_hidden, f"{time:.0f}", f"{time / reference:.2f}")
    save("growth", results)


if __name__ == "__main__":
    main()
