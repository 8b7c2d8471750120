"""One loss and gradient on one core and on all.

skrnn cuts the data for as many threads as it would itself in `fit`, which may be one;
both runs hold BLAS to one thread. Prints a Markdown table, writes JSON.

    python benchmarks/threads.py [--hidden 16 64 256] [--repeats 3]
"""

import argparse
from collections.abc import Callable
from contextlib import closing

from _common import N_CORES, Workload, best_of, data, evaluate, head, ours, row, save

from skrnn._network.parallel import one_blas_thread
from skrnn._network.training.objective import Objective

# Numbers of sequences and of their steps; few and long ones leave little to share.
SHAPES = (
    *((10, 1000), (64, 1000), (400, 1000)),
    *((100, 50), (200, 50), (2_000, 50), (20_000, 50)),
    *((500, 10), (1_000, 10), (10_000, 10)),
)


def compare(work: Workload, repeats: int) -> dict[str, float]:
    """Time both in turn, in milliseconds; tell on how many threads."""
    X, y = data(work, "float32")
    one, theta = ours(work, X, y, "float32", n_cores=1)
    several, _ = ours(work, X, y, "float32", n_cores=N_CORES)

    def evaluation(objective: Objective) -> Callable[[], float]:
        return lambda: evaluate(objective, theta)

    with closing(one.loss_sum), closing(several.loss_sum), one_blas_thread():
        best = best_of(repeats, {"one": evaluation(one), "all": evaluation(several)})
    times = {name: 1e3 * time for name, time in best.items()}
    return {"threads": len(several.loss_sum.shares), **times}


def main() -> None:
    """Run all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, nargs="*", default=[16, 64, 256])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    results = {}
    columns = ("one core, ms", f"{N_CORES} cores, ms", "threads", "speed-up")
    head("sequences x steps", "hidden units", *columns)
    for n_sequences, n_steps in SHAPES:
        for n_hidden in options.hidden:
            work = Workload(n_sequences, n_steps, 32, n_hidden, 10)
            result = compare(work, options.repeats)
            shape = f"{n_sequences} x {n_steps}"
            results[f"{shape} {n_hidden}"] = result
            one, several = result["one"], result["all"]
            figures = f"{one:.2f}", f"{several:.2f}", result["threads"]
            row(shape, n_hidden, *figures, f"{one / several:.2f}")
    save("threads", results)


if __name__ == "__main__":
    main()
