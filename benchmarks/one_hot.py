"""One loss and gradient on one-hot steps, against the same steps kept dense.

Both get the same one-hot arrays, as a user passes them; one of them is kept from
noticing. float32, all cores, best of several repeats. Prints a Markdown table, writes
JSON.

    python benchmarks/one_hot.py [--symbols 95] [--repeats 15]
"""

import argparse
from contextlib import closing
from unittest import mock

from _common import Workload, best_of, data, evaluate, head, ours, row, save

from skrnn._network.data import packing
from skrnn._network.parallel import one_blas_thread


def compare(work: Workload, repeats: int) -> dict[str, float]:
    """Time both in turn, in milliseconds."""
    X, y = data(work, "float32")
    noticed, theta = ours(work, X, y, "float32")
    with mock.patch.object(packing, "compress", lambda X: X):
        dense, _ = ours(work, X, y, "float32")
    with closing(noticed.loss_sum), closing(dense.loss_sum), one_blas_thread():
        best = best_of(
            repeats,
            {
                "one-hot": lambda: evaluate(noticed, theta),
                "dense": lambda: evaluate(dense, theta),
            },
        )
    return {name: 1e3 * time for name, time in best.items()}


def main() -> None:
    """Run all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=95)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    results = {}
    head("hidden units", "directions", "dense, ms", "one-hot, ms", "dense / one-hot")
    for n_hidden in (32, 64, 128):
        for two_way in (False, True):
            work = Workload(1500, 40, options.symbols, n_hidden, 7, True, True, two_way)
            result = compare(work, options.repeats)
            results[work.name] = result
            times = [f"{result[name]:.2f}" for name in ("dense", "one-hot")]
            ratio = result["dense"] / result["one-hot"]
            row(n_hidden, 1 + two_way, *times, f"{ratio:.2f}")
    save("one_hot", results)


if __name__ == "__main__":
    main()
