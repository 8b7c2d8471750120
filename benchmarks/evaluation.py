"""One loss and gradient, against torch.nn.RNN and the machine's own matrix products.

For a grid of sizes, skrnn and torch (packed sequences, the better of one thread and
all) compute the same loss and gradient in turn; the best of several repeats counts.
The share of the peak compares useful multiplications per second with those of a large
matrix product in the same run. Needs torch; prints a Markdown table, writes JSON.

    python benchmarks/evaluation.py [--repeats 7] [--dtype float32 float64]
"""

import argparse
from contextlib import closing

import numpy as np
from _common import (
    GRID,
    N_CORES,
    Workload,
    best_of,
    data,
    geometric_mean,
    head,
    on_torch_threads,
    ours,
    row,
    save,
    seconds,
    theirs,
)
from threadpoolctl import threadpool_limits

from skrnn._network.parallel import one_blas_thread


def peak(dtype: str, n_cores: int) -> float:
    """Return multiplications and additions per second of a large matrix product."""
    n = 2048
    square = np.ones((n, n), dtype)
    with threadpool_limits(n_cores, user_api="blas"):
        return 2 * n**3 / min(seconds(lambda: square @ square) for _ in range(5))


def useful(work: Workload, n_rows: int) -> float:
    """Return the multiplications and additions that a dense evaluation needs."""
    n_ways = 1 + work.two_way
    per_row = work.n_hidden * n_ways * (work.n_hidden + work.n_classes)
    inputs = 0 if work.one_hot else work.n_features * work.n_hidden * n_ways
    # Forward once, backward twice; no gradient of the input is needed.
    return n_rows * (6.0 * per_row + 4.0 * inputs)


def compare(work: Workload, dtype: str, repeats: int) -> dict[str, float]:
    """Time both in turn."""
    X, y = data(work, dtype)
    objective, theta = ours(work, X, y, dtype)
    torch_evaluate = theirs(work, X, y, dtype)

    best = {"skrnn": np.inf, "torch, 1": np.inf, "torch, all": np.inf}
    torch_ways = {
        "torch, 1": on_torch_threads(1, torch_evaluate),
        "torch, all": on_torch_threads(N_CORES, torch_evaluate),
    }
    with closing(objective.loss_sum):
        for _ in range(repeats):
            with one_blas_thread():  # taken once per fit, so not on the clock
                once = best_of(1, {"skrnn": lambda: objective.loss_and_gradient(theta)})
            once |= best_of(1, torch_ways)
            best = {name: min(best[name], once[name]) for name in best}
    torch_best = min(best["torch, 1"], best["torch, all"])
    n_rows = sum(map(len, X))
    return {
        "milliseconds": 1e3 * best["skrnn"],
        "torch": 1e3 * torch_best,
        "ratio": torch_best / best["skrnn"],
        "share of peak": useful(work, n_rows) / best["skrnn"] / peak(dtype, N_CORES),
    }


def main() -> None:
    """Run the grid and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--dtype", nargs="*", default=["float32", "float64"])
    options = parser.parse_args()
    results = {}
    head(
        "sequences x steps x features x hidden x classes",
        "type",
        "skrnn, ms",
        "torch, ms",
        "torch / skrnn",
        "share of peak",
    )
    for dtype in options.dtype:
        ratios = []
        for work in GRID:
            result = compare(work, dtype, options.repeats)
            results[f"{work.name} {dtype}"] = result
            ratios.append(result["ratio"])
            row(
                work.name,
                dtype,
                f"{result['milliseconds']:.2f}",
                f"{result['torch']:.2f}",
                f"{result['ratio']:.2f}",
                f"{result['share of peak']:.0%}",
            )
        row("geometric mean", dtype, "", "", f"{geometric_mean(ratios):.2f}", "")
    save("evaluation", results)


if __name__ == "__main__":
    main()
