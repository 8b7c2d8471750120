"""One sequence of a million steps: time and memory of `fit` and `predict`.

X is a float32 array of 16 features, standardized; y is the state of a hidden Markov
model with three states. Each fit runs in a process of its own, which notes its peak of
resident memory before and after three iterations, and then before and after `predict`.
With the strength "auto", iterations are limited to three as well, after the search. Cut
into sequences of a thousand steps, the same data take less. Prints a Markdown table,
writes JSON.

    python benchmarks/long_sequence.py [--steps 1000000] [--hidden 64]
        [--alpha 1 auto] [--two-way]
"""

import argparse
import json
import subprocess
import sys
import time
import warnings

import numpy as np
from _common import head, row, save
from memory import peak
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier

N_FEATURES = 16
PIECE = 1000


def main() -> None:
    """Measure every way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10**6)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--alpha", nargs="*", default=["1", "auto"])
    parser.add_argument("--two-way", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        alpha, form = options.child
        print(json.dumps(measure(options, alpha, whole=form == "whole")))
        return
    results = {}
    titles = ("fit, s", "predict, s", "X, MB", "states, MB", "fit, MB", "predict, MB")
    head("alpha", "sequences", *titles)
    for alpha in options.alpha:
        for form in ("whole", "pieces"):
            child = [sys.executable, __file__, *sys.argv[1:], "--child", alpha, form]
            output = subprocess.run(child, check=True, stdout=subprocess.PIPE)
            found = json.loads(output.stdout)
            results[f"{alpha}, {form}"] = found
            row(alpha, form, *(f"{found[title]:.1f}" for title in titles))
    save("long_sequence", results)


def measure(
    options: argparse.Namespace, alpha: str, *, whole: bool
) -> dict[str, float]:
    """Fit and predict once."""
    n, rng = options.steps, np.random.default_rng(0)
    y = np.cumsum(rng.random(n) < 0.05) % 3
    X = np.empty((1, n, N_FEATURES), np.float32)
    rng.standard_normal(out=X[0], dtype=np.float32)
    X[0, np.arange(n), y] += 1
    n_sequences = 1 if whole else n // PIECE
    X, y = X.reshape(n_sequences, -1, N_FEATURES), y.reshape(n_sequences, -1)
    model = VanillaRNNClassifier(
        (options.hidden,),
        bidirectional=options.two_way,
        alpha=alpha if alpha == "auto" else float(alpha),
        max_iter=3,
        random_state=0,
    )
    before, began = peak(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # three iterations
        model.fit(X, y)
    fitted, after = time.perf_counter(), peak()
    model.predict(X)
    return {
        "fit, s": fitted - began,
        "predict, s": time.perf_counter() - fitted,
        "X, MB": X.nbytes / 1e6,
        "states, MB": n * options.hidden * (1 + options.two_way) * 4 / 1e6,
        "fit, MB": after - before,
        "predict, MB": peak() - before,
    }


if __name__ == "__main__":
    main()
