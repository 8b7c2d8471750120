"""Fit on a file four times larger than the private memory of the process may be.

X is a float32 array of sequences of 100 steps with 256 features, in a file. Each fit
runs in a process of its own. The limit (RLIMIT_DATA, as `ulimit -d` sets it) holds from
the start of Python on, for all that the process does. Prints a Markdown table, writes
JSON; fails if the fit on the map is not the fit in memory, bit for bit. Linux only.

    python benchmarks/beyond_memory.py [--megabytes 2400] [--iterations 5]
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from _common import head, row, save
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier

N_STEPS, N_FEATURES, N_CLASSES = 100, 256, 5
KINDS = ("memory", "memory, limited", "map", "map, limited")


def main() -> None:
    """Fit in every way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2400)
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, directory = options.child
        measure(kind, Path(directory), options.iterations)
        return
    limit = options.megabytes // 4
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        make(Path(directory), options.megabytes)
        head(
            "X in", "X, MB", "limit, MB", "fit, s", "predict, s", "private, MB", "loss"
        )
        for kind in KINDS:
            child = [sys.executable, __file__, "--child", kind, directory]
            child += ["--iterations", str(options.iterations)]
            if "limited" in kind:
                child = ["prlimit", f"--data={limit * 10**6}", *child]
            output = subprocess.run(child, check=True, stdout=subprocess.PIPE)
            found = results[kind] = json.loads(output.stdout)
            shown = limit if "limited" in kind else "none"
            row(kind.split(",")[0], options.megabytes, shown, *found["cells"])
    save("beyond_memory", results)
    fits = [results[kind]["digest"] for kind in ("memory", "map", "map, limited")]
    assert len(set(fits)) == 1, "the fits differ"
    assert results["memory, limited"]["digest"] is None, "the limit does not hold"


def make(directory: Path, megabytes: int) -> None:
    """Write X and y, a part at a time."""
    rng = np.random.default_rng(0)
    n_sequences = megabytes * 10**6 // (4 * N_STEPS * N_FEATURES)
    shape = (n_sequences, N_STEPS, N_FEATURES)
    X = np.lib.format.open_memmap(directory / "X.npy", "w+", np.float32, shape)
    for i in range(0, n_sequences, 100):
        X[i : i + 100] = rng.standard_normal(X[i : i + 100].shape, dtype=np.float32)
    y = np.digitize(X[..., 0] + X[..., 1], np.linspace(-1.5, 1.5, N_CLASSES - 1))
    np.save(directory / "y.npy", y.astype(np.int8))


def measure(kind: str, directory: Path, n_iter: int) -> None:
    """Fit and predict once; print what came of it."""
    try:
        X = np.load(directory / "X.npy", mmap_mode="r" if "map" in kind else None)
        y = np.load(directory / "y.npy")
        model = VanillaRNNClassifier(16, max_iter=n_iter, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # few iterations
            began = time.perf_counter()
            model.fit(X, y)
        fitted = time.perf_counter()
        answers = model.predict(X)
        predicted = time.perf_counter()
    except MemoryError:
        print(json.dumps({"digest": None, "cells": ["MemoryError", "", "", ""]}))
        return
    parts = [*model.input_coefs_, *model.recurrent_coefs_, model.output_coef_, answers]
    content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
    times = [f"{fitted - began:.1f}", f"{predicted - fitted:.1f}"]
    cells = [*times, f"{private():.0f}", f"{model.loss_:.6f}"]
    digest = hashlib.sha256(content).hexdigest()
    print(json.dumps({"digest": digest, "cells": cells}))


def private() -> float:
    """Return the private memory of the process at its end, in megabytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmData:")[1].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main()
