"""A fit with thousands of sparse features: its time, memory and accuracy.

64 units in both directions learn the labels of words from binary features of each word
alone, with a fixed strength, in 30 iterations. Each fit runs in a process of its own,
which notes its peak of resident memory before and after. Times are the shortest and the
median of several fits, on all cores, and the CPU seconds of all threads. Seeds are 0,
1, ..., one for each repeat. To compare two versions, run them in turn.

Files as those of ``tagger.py``. Prints a Markdown table, writes JSON.

    python benchmarks/sparse_fit.py TRAIN TEST [--repeats 3] [--alpha 3] [--one-thread]
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from _common import head, row, save
from defaults import sentences
from memory import peak
from sklearn.exceptions import ConvergenceWarning
from tagger import described
from threadpoolctl import threadpool_limits

from skrnn import VanillaRNNClassifier


def main() -> None:
    """Repeat the fit and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs=2, type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alpha", type=float, default=3.0)
    parser.add_argument("--one-thread", action="store_true")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        with threadpool_limits(1 if options.one_thread else None, user_api="blas"):
            print(json.dumps(measure(*options.files, options.alpha, options.child)))
        return
    found = []
    for seed in range(options.repeats):
        child = [sys.executable, __file__, *sys.argv[1:], "--child", str(seed)]
        output = subprocess.run(child, check=True, stdout=subprocess.PIPE)
        found.append(json.loads(output.stdout))
    table = {name: [result[name] for result in found] for name in found[0]}
    head("what", "minimum", "median")
    for name, values in table.items():
        row(name, f"{min(values):.4g}", f"{np.median(values):.4g}")
    save("sparse_fit", table)


def measure(train: Path, test: Path, alpha: float, seed: int) -> dict[str, float]:
    """Fit once."""
    known, held_out = described(sentences(train), sentences(test), neighbors=False)
    model = VanillaRNNClassifier(
        (64,), bidirectional=True, alpha=alpha, max_iter=30, random_state=seed
    )
    before, began, cpu = peak(), time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 30 iterations
        model.fit(known.X, known.y)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "wall seconds": seconds,
        "CPU seconds": cpu,
        "memory beyond X, MB": peak() - before,
        "accuracy held out": float(model.score(held_out.X, held_out.y)),
        "evaluations": model.n_fun_,
    }


if __name__ == "__main__":
    main()
