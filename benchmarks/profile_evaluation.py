"""Where the time of one loss and gradient goes, by size of the network.

One thread, float32, as many features and classes as hidden units, 256 sequences of 100
steps. Each share is the own time of functions that do one thing; products that a
machine at the speed of a large one would need are set beside it. Prints a Markdown
table, writes JSON.

    python benchmarks/profile_evaluation.py [--repeats 5]
"""

import argparse
import cProfile
import pstats
from contextlib import closing

from _common import Workload, data, evaluate, head, ours, row, save
from evaluation import peak, useful

from skrnn._network.parallel import one_blas_thread

PARTS = {
    "recurrence": ["forward", "backward", "iter_steps"],
    "activation": ["activate", "slope"],
    "products outside the loop": [
        "affine",
        "transposed_product",
        "iter_deltas",
        "add_layer_gradient",
        "output_gradient",
    ],
    "softmax and loss": ["cross_entropy", "_shift_logits", "_exp_and_sum", "reduce"],
}


def shares(n_hidden: int, repeats: int) -> dict[str, float]:
    """Return the share of each part, and of products at full speed."""
    work = Workload(256, 100, n_hidden, n_hidden, n_hidden)
    X, y = data(work, "float32")
    objective, theta = ours(work, X, y, "float32", n_cores=1)
    profile = cProfile.Profile()
    with closing(objective.loss_sum), one_blas_thread():
        evaluate(objective, theta)
        profile.enable()
        for _ in range(repeats):
            evaluate(objective, theta)
        profile.disable()
    # Statistics of a function: calls, primitive calls, own time, time with callees.
    own = {key: entry[2] for key, entry in pstats.Stats(profile).stats.items()}
    total = sum(own.values())
    result = {
        part: sum(t for (_, _, name), t in own.items() if name in names) / total
        for part, names in PARTS.items()
    }
    result["all else"] = 1 - sum(result.values())
    needed = useful(work, sum(map(len, X))) / peak("float32", 1)
    return result | {"products at peak": repeats * needed / total}


def main() -> None:
    """Profile all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    results = {n: shares(n, options.repeats) for n in (16, 32, 64, 128, 256)}
    head("hidden units", *results[16])
    for n_hidden, result in results.items():
        row(n_hidden, *(f"{share:.0%}" for share in result.values()))
    save("profile_evaluation", results)


if __name__ == "__main__":
    main()
