"""Peak memory of `fit` beyond what X itself takes.

Each fit runs in a process of its own, which notes its peak of resident memory when X
and y are made, and again when three iterations are done. X is a float32 array of
sequences of 50 steps, of 64 dense features or one-hot with 95. Prints a Markdown
table, writes JSON.

    python benchmarks/memory.py [--steps 10000 100000 1000000] [--hidden 32 256]
"""

import argparse
import json
import resource
import subprocess
import sys
import warnings

import numpy as np
from _common import head, row, save
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier

SEQUENCE_STEPS = 50
N_CLASSES = 10


def main() -> None:
    """Measure every size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="*", default=[10**4, 10**5, 10**6])
    parser.add_argument("--hidden", type=int, nargs="*", default=[32, 256])
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, n_steps, n_hidden = options.child
        print(json.dumps(measure(kind, int(n_steps), int(n_hidden))))
        return
    results = {}
    head("X", "steps", "hidden", "X, MB", "beyond, MB", "bar, MB", "beyond / X")
    for kind in ("dense", "one-hot"):
        for n_steps in options.steps:
            for n_hidden in options.hidden:
                arguments = [kind, str(n_steps), str(n_hidden)]
                child = [sys.executable, __file__, "--child", *arguments]
                output = subprocess.run(child, check=True, stdout=subprocess.PIPE)
                size, beyond = json.loads(output.stdout)
                bar = 1.25 * size + 100 if kind == "dense" else 0.35 * size
                results[" ".join(arguments)] = {
                    "X": size,
                    "beyond": beyond,
                    "bar": bar,
                }
                megabytes = [f"{value:.1f}" for value in (size, beyond, bar)]
                row(kind, n_steps, n_hidden, *megabytes, f"{beyond / size:.2f}")
    save("memory", results)


def measure(kind: str, n_steps: int, n_hidden: int) -> tuple[float, float]:
    """Fit once; return the megabytes of X and those beyond."""
    rng = np.random.default_rng(0)
    n_sequences = n_steps // SEQUENCE_STEPS
    # Nothing here may leave a peak behind that hides the one of fit.
    if kind == "dense":
        X = np.empty((n_sequences, SEQUENCE_STEPS, 64), np.float32)
        rng.standard_normal(out=X, dtype=np.float32)
    else:
        X = np.zeros((n_sequences, SEQUENCE_STEPS, 95), np.float32)
        for sequence in X:
            symbols = rng.integers(95, size=SEQUENCE_STEPS)
            sequence[np.arange(SEQUENCE_STEPS), symbols] = 1
    y = rng.integers(N_CLASSES, size=X.shape[:2])
    model = VanillaRNNClassifier((n_hidden,), max_iter=3, random_state=0)
    before = peak()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # three iterations
        model.fit(X, y)
    return X.nbytes / 1e6, peak() - before


def peak() -> float:
    """Return the peak of resident memory so far, in megabytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main()
