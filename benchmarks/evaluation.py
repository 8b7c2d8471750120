"""One loss and gradient, against torch, JAX, and the machine's own matrix products.

For a grid of sizes, skrnn, torch and JAX compute the same loss and gradient in turn;
the shortest of several repeats counts. Torch has the best of its ways: packed
sequences, or a time-major array (padded, with padding ignored, where lengths differ),
each on one thread and on all. JAX compiles a scan over arrays; it takes part where
lengths are equal, in float32. The share of the peak compares useful multiplications per
second with those of a large matrix product in the same run. Needs torch and JAX; prints
a Markdown table, writes JSON.

    python benchmarks/evaluation.py [--repeats 7] [--dtype float32 float64]
"""

import argparse
from contextlib import closing
from typing import Any

import numpy as np
from _common import (
    EVEN,
    GRID,
    N_CORES,
    RAGGED,
    Workload,
    best_of,
    data,
    evaluate,
    geometric_mean,
    head,
    jax_evaluation,
    on_every_number_of_threads,
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


def compare(work: Workload, dtype: str, repeats: int) -> dict[str, Any]:
    """Time all in turn."""
    X, y = data(work, dtype)
    objective, theta = ours(work, X, y, dtype)
    ways = on_every_number_of_threads(theirs(work, X, y, dtype))
    others = dict(ways)
    if work in EVEN and dtype == "float32":
        others["JAX"] = jax_evaluation(work, X, y)
    best = dict.fromkeys(["skrnn", *others], np.inf)

    with closing(objective.loss_sum):
        for _ in range(repeats):
            with one_blas_thread():  # taken once per fit, so not on the clock
                once = best_of(1, {"skrnn": lambda: evaluate(objective, theta)})
            once |= best_of(1, others)
            best = {name: min(best[name], once[name]) for name in best}
    way = min(ways, key=lambda name: best[name])
    n_rows = sum(map(len, X))
    return {
        "milliseconds": {name: 1e3 * time for name, time in best.items()},
        "way": way,
        "torch": best[way] / best["skrnn"],
        "JAX": best.get("JAX", np.nan) / best["skrnn"],
        "share of peak": useful(work, n_rows) / best["skrnn"] / peak(dtype, N_CORES),
    }


def cell(ratio: float) -> str:
    """Format a ratio, if there is one."""
    return "" if np.isnan(ratio) else f"{ratio:.2f}"


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
        "torch's best way",
        "torch / skrnn",
        "JAX / skrnn",
        "share of peak",
    )
    for dtype in options.dtype:
        found = {work: compare(work, dtype, options.repeats) for work in GRID}
        for work, result in found.items():
            results[f"{work.name} {dtype}"] = result
            times = result["milliseconds"]
            row(
                work.name,
                dtype,
                f"{times['skrnn']:.2f}",
                f"{times[result['way']]:.2f}",
                result["way"],
                cell(result["torch"]),
                cell(result["JAX"]),
                f"{result['share of peak']:.0%}",
            )
        for name, part in (("equal lengths", EVEN), ("ragged", RAGGED)):
            means = [
                geometric_mean(found[work][peer] for work in part)
                for peer in ("torch", "JAX")
            ]
            row(f"geometric mean, {name}", dtype, "", "", "", *map(cell, means), "")
    save("evaluation", results)


if __name__ == "__main__":
    main()
