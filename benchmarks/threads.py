"""One loss and gradient on one core and on all.

skrnn cuts the data for as many threads as it would itself in `fit`; both runs hold
BLAS to one thread. Prints a Markdown table, writes JSON.

    python benchmarks/threads.py [--steps 10000 100000 1000000] [--repeats 3]
"""

import argparse
from collections.abc import Callable
from contextlib import closing

from _common import N_CORES, Workload, best_of, data, head, ours, row, save

from skrnn._network.objective import Objective
from skrnn._network.threads import one_blas_thread


def compare(work: Workload, repeats: int) -> dict[str, float]:
    """Time both in turn, in milliseconds."""
    X, y = data(work, "float32")
    one, theta = ours(work, X, y, "float32", n_cores=1)
    several, _ = ours(work, X, y, "float32", n_cores=N_CORES)

    def evaluation(objective: Objective) -> Callable[[], float]:
        return lambda: objective.loss_and_gradient(theta)[0]

    with closing(one.team), closing(several.team), one_blas_thread():
        best = best_of(repeats, {"one": evaluation(one), "all": evaluation(several)})
    return {name: 1e3 * time for name, time in best.items()}


def main() -> None:
    """Run all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="*", default=[10**4, 10**5, 10**6])
    parser.add_argument("--hidden", type=int, nargs="*", default=[16, 64, 256])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    results = {}
    head("steps", "hidden units", "one core, ms", f"{N_CORES} cores, ms", "speed-up")
    for n_steps in options.steps:
        for n_hidden in options.hidden:
            work = Workload(n_steps // 50, 50, 32, n_hidden, 10)
            result = compare(work, options.repeats)
            results[f"{n_steps} {n_hidden}"] = result
            one, several = result["one"], result["all"]
            speed_up = f"{one / several:.2f}"
            row(n_steps, n_hidden, f"{one:.2f}", f"{several:.2f}", speed_up)
    save("threads", results)


if __name__ == "__main__":
    main()
