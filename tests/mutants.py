"""Faults in the numerical floor, each of which the tests must notice.

Every fault is one replacement in a copy of the package; the tests that guard the place
run on the copy and have to fail. A fault that they let pass, or whose text is no longer
found exactly once, makes the whole run fail.

    python tests/mutants.py [part of a fault's name]
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
N_WORKERS = 2
TIMEOUT = 180  # seconds; a fault that makes an endless loop is noticed, too


class Mutant(NamedTuple):
    """One fault."""

    name: str
    module: str  # in skrnn/_network
    old: str
    new: str
    tests: str  # names of test files, without test_


MUTANTS = [
    # Where training starts
    Mutant(
        "the mean state is read as if it were spread",
        "readout",
        "S = hh[1:, 1:] - np.outer(mean_h, mean_h)",
        "S = hh[1:, 1:].copy()",
        "readout",
    ),
    Mutant(
        "the drawn output weights are forgotten",
        "readout",
        "covariance.T * slope + ridge * parameters.W_hy",
        "covariance.T * slope",
        "readout",
    ),
    Mutant(
        "a frequent class pulls as a rare one does",
        "loss",
        "return np.log(p), 1 / p",
        "return np.log(p), np.ones_like(p)",
        "readout",
    ),
    Mutant(
        "a class that is not there has the frequency 0",
        "loss",
        "p = (mean * n_steps + 1) / (n_steps + len(mean))",
        "p = np.maximum(mean, 1e-300)",
        "readout",
    ),
    Mutant(
        "weights of steps left out of the readout",
        "readout",
        "wH = batch.w[:, None] * H",
        "wH = 1.0 * H",
        "readout",
    ),
    # The recurrence
    Mutant(
        "tanh's slope without the square",
        "recurrence",
        "np.multiply(H, H, out=out)",
        "np.copyto(out, H)",
        "gradient",
    ),
    Mutant(
        "relu's slope is 1 at negative sums",
        "recurrence",
        "return np.greater(H, 0,",
        "return np.greater_equal(H, 0,",
        "gradient",
    ),
    Mutant(
        "recurrent weights not transposed on the way back",
        "recurrence",
        "np.matmul(dA[shared], W_hh.T,",
        "np.matmul(dA[shared], W_hh,",
        "gradient",
    ),
    Mutant(
        "recurrent weights transposed on the way forward",
        "recurrence",
        "np.matmul(H[before], W_hh,",
        "np.matmul(H[before], W_hh.T,",
        "gradient",
    ),
    Mutant(
        "the state reached by the backward sweep is overwritten",
        "recurrence",
        "dH[before] += np.matmul",
        "dH[before] = np.matmul",
        "gradient",
    ),
    Mutant(
        "slopes of relu in place of tanh's",
        "recurrence",
        'def slope(H: Array, activation: str, out: Array) -> Array:\n    """Compute '
        'f\'(a) from h = f(a)."""\n    if activation == "tanh":',
        'def slope(H: Array, activation: str, out: Array) -> Array:\n    """Compute '
        'f\'(a) from h = f(a)."""\n    if activation != "tanh":',
        "gradient",
    ),
    # The network
    Mutant(
        "both directions read forward",
        "network",
        "activation=activation,\n                from_end=d == 1,",
        "activation=activation,\n                from_end=False,",
        "gradient",
    ),
    Mutant(
        "the gradient of the backward direction is swept forward",
        "network",
        "scratch,\n                from_end=d == 1,",
        "scratch,\n                from_end=False,",
        "gradient",
    ),
    Mutant(
        "earlier and later rows swapped",
        "network",
        "[:: -1 if d == 1 else 1]",
        "[:: 1 if d == 1 else -1]",
        "gradient",
    ),
    Mutant(
        "the backward direction's recurrent gradient misaligned",
        "network",
        "[:: -1 if d == 1 else 1]",
        "",
        "gradient",
    ),
    Mutant(
        "the gradient of b_h is missing",
        "network",
        "np.sum(dA, axis=0, out=db_h)",
        "db_h[...] = 0",
        "gradient",
    ),
    Mutant(
        "the gradient of b_y is a mean",
        "network",
        "np.sum(dL, axis=0, out=gradient.b_y)",
        "np.mean(dL, axis=0, out=gradient.b_y)",
        "gradient",
    ),
    Mutant(
        "all layers learn from the input",
        "network",
        "X = states[i - 1] if i else batch.X",
        "X = states[i - 1] if i > 1 else batch.X",
        "gradient",
    ),
    Mutant(
        "directions share the columns of the first",
        "network",
        "slice(d * n_hidden, (d + 1) * n_hidden)",
        "slice(0, n_hidden)",
        "gradient",
    ),
    # The loss
    Mutant(
        "softmax without its shift",
        "loss",
        "if L.size and max(L.max(), -L.min()) > _SAFE_LOGIT:",
        "if False:",
        "loss",
    ),
    Mutant(
        "a shift that looks at the largest logit only",
        "loss",
        "max(L.max(), -L.min()) > _SAFE_LOGIT",
        "L.max() > _SAFE_LOGIT",
        "loss",
    ),
    Mutant(
        "weights forgotten in the loss",
        "loss",
        "float(w.astype(np.float64) @ (",
        "float(np.ones(len(w)) @ (",
        "loss",
    ),
    Mutant(
        "weights forgotten in the gradient",
        "loss",
        "L[rows, y] -= w",
        "L[rows, y] -= 1",
        "loss",
    ),
    Mutant(
        "the logarithm in single precision",
        "loss",
        "(np.log(total, dtype=np.float64) - chosen)",
        "(np.log(total) - chosen)",
        "loss",
    ),
    Mutant(
        "squared errors twice as large",
        "loss",
        "loss = 0.5 * float(w.astype(np.float64) @",
        "loss = float(w.astype(np.float64) @",
        "gradient",
    ),
    Mutant(
        "weights forgotten in the gradient of squared errors",
        "loss",
        "L *= w[:, None]",
        "L *= 1",
        "gradient",
    ),
    Mutant(
        "numbers drawn without noise",
        "loss",
        "L + rng.normal(size=L.shape)",
        "L.copy()",
        "scaling",
    ),
    # The units of numbers
    Mutant(
        "the unit not folded into the weights",
        "units",
        "W_hy *= self.scale",
        "W_hy *= 1",
        "units",
    ),
    Mutant(
        "steps of weight 0 have a say in the unit",
        "units",
        "y, w = y[w > 0], w[w > 0]",
        "w = np.ones_like(w)",
        "units",
    ),
    Mutant(
        "the start taken for one in standard units",
        "training",
        "theta, n_spent = unit.unfold(architecture, start), 0",
        "theta, n_spent = start, 0",
        "training",
    ),
    Mutant(
        "units learnt from sequences that are held out",
        "training",
        "steps = _steps(self.source.lengths, ids)",
        "steps = np.arange(len(y))",
        "training",
    ),
    Mutant(
        "a callback stops one run of several",
        "training",
        'if result.stop_reason == "callback":',
        "if False:",
        "callbacks",
    ),
    Mutant(
        "forecasts that start at the first step",
        "forecast",
        "source.lengths[run] - 1",
        "source.lengths[run] * 0",
        "forecast",
    ),
    # The objective
    Mutant(
        "sequences counted instead of weights",
        "objective",
        "float(batch.w.sum(dtype=np.float64)) for batch",
        "float(len(batch.w)) for batch",
        "objective gradient",
    ),
    Mutant(
        "the penalty twice as large",
        "objective",
        "+ 0.5 * float(penalty_slope @ theta)",
        "+ float(penalty_slope @ theta)",
        "gradient",
    ),
    Mutant(
        "the penalty missing from the gradient",
        "objective",
        "gradient / self.total_weight + penalty_slope",
        "gradient / self.total_weight",
        "gradient",
    ),
    Mutant(
        "the penalty not divided by the weight",
        "objective",
        "strengths / self.total_weight",
        "strengths",
        "gradient",
    ),
    Mutant(
        "only the first thread's gradient is used",
        "objective",
        "np.sum([slope for _, slope in parts], axis=0)",
        "parts[0][1]",
        "laws",
    ),
    Mutant(
        "only the last batch's gradient is used",
        "objective",
        "gradient += slope",
        "gradient = slope.copy()",
        "gradient",
    ),
    # The prior
    Mutant(
        "biases penalised",
        "prior",
        "flat = np.zeros(architecture.n_parameters)",
        "flat = np.ones(architecture.n_parameters)",
        "prior gradient",
    ),
    Mutant(
        "feature scale not squared in the penalty",
        "prior",
        "np.square(features.unit / INPUT_DEVIATION)",
        "(features.unit / INPUT_DEVIATION)",
        "prior gradient",
    ),
    Mutant(
        "feature scale counts steps of weight 0",
        "steps",
        "return w @ np.square(X, dtype=np.float64), w @ (X != 0)",
        "return w @ np.square(X, dtype=np.float64), (X != 0).sum(axis=0)",
        "prior",
    ),
    Mutant(
        "shared features counted as if steps had them for certain",
        "prior",
        "float(self.share @ self.share)",
        "float(self.share.sum())",
        "prior",
    ),
    Mutant(
        "one-hot steps share less than one feature",
        "prior",
        "max(1.0, float(self.share @ self.share))",
        "float(self.share @ self.share)",
        "prior",
    ),
    # The order of the flat vector
    Mutant(
        "a layer's input is one direction of the layer below",
        "parameters",
        "n_in = n_out",
        "n_in = n_hidden",
        "parameters",
    ),
    # Packing
    Mutant(
        "padding leaks into the rows",
        "packing",
        "live = t < lengths",
        "live = t <= lengths",
        "packing",
    ),
    Mutant(
        "the backward direction starts at the longest sequence's end",
        "packing",
        "n_shared = min(stop - start, n_before)",
        "n_shared = stop - start if n_before else 0",
        "packing",
    ),
    Mutant(
        "labels off by one step",
        "packing",
        "else _narrow(y[steps])",
        "else _narrow(y[steps - 1])",
        "packing",
    ),
    Mutant(
        "weights of copies replaced instead of added",
        "packing",
        " + n] += w[",
        " + n] = w[",
        "packing",
    ),
    Mutant(
        "sequences of weight 0 kept",
        "packing",
        "np.add.reduceat(w, starts) > 0",
        "np.add.reduceat(w, starts) >= 0",
        "packing",
    ),
    Mutant(
        "copies recognised by their features alone",
        "packing",
        "for part in (y, *content):",
        "for part in content:",
        "packing",
    ),
    Mutant(
        "where a sequence stands counts in its content",
        "packing",
        "yield places[i:j] - begin * X.shape[1], numbers[i:j]",
        "yield places[i:j], numbers[i:j]",
        "packing",
    ),
    Mutant(
        "zeros count in the content of sparse steps",
        "packing",
        "order = order[X.data[order] != 0]",
        "order = order[X.data[order] != np.inf]",
        "packing",
    ),
    # Steps
    Mutant(
        "any single number taken for a one",
        "steps",
        "and (rows.data == 1).all()",
        "and rows.nnz",
        "steps",
    ),
    Mutant(
        "the bias forgotten for one-hot steps",
        "steps",
        "np.take(W + b,",
        "np.take(W,",
        "steps",
    ),
    # The scales
    Mutant(
        "the scale forgotten in the gradient",
        "lbfgs",
        "gradient = self.s * slope",
        "gradient = slope",
        "lbfgs",
    ),
    Mutant(
        "the best point left in scaled variables",
        "lbfgs",
        "self.best = (loss, x, norm)",
        "self.best = (loss, z.copy(), norm)",
        "lbfgs",
    ),
    Mutant(
        "Fisher labels taken from the most likely class",
        "loss",
        "> rng.uniform(size=(len(L), 1))",
        "> 0.5",
        "scaling",
    ),
    Mutant(
        "units of features change the run",
        "scaling",
        "np.abs(gradient / unit).max()",
        "np.abs(gradient).max()",
        "laws",
    ),
    Mutant(
        "the last estimate of curvature alone counts",
        "scaling",
        "(estimate - self.fisher) / self.n_estimates",
        "estimate - self.fisher",
        "scaling",
    ),
    # The optimiser
    Mutant(
        "the last point returned, not the best",
        "lbfgs",
        "if loss < self.best[0]:",
        "if True:",
        "lbfgs",
    ),
    Mutant(
        "reports hold SciPy's live buffer, in scaled variables",
        "lbfgs",
        "self.s * intermediate_result.x, float",
        "intermediate_result.x, float",
        "lbfgs",
    ),
    Mutant(
        "a part penalised like all data",
        "growing",
        "np.sqrt(k) * penalty",
        "penalty",
        "growing",
    ),
    Mutant(
        "every part starts where the first one did",
        "growing",
        "theta = solution.x",
        "pass",
        "growing",
    ),
    Mutant(
        "a gradient that is not finite let through",
        "lbfgs",
        "np.isfinite(loss) and np.isfinite(norm)",
        "np.isfinite(loss)",
        "lbfgs",
    ),
    Mutant(
        "the weights of the last score kept",
        "training",
        "if score > self.best_score or self.best is None:",
        "if True:",
        "training",
    ),
    # Threads and inference
    Mutant(
        "the first fit out lifts the limits of the others",
        "threads",
        "if _n_users == 0 and _limit is not None:",
        "if _limit is not None:",
        "threads",
    ),
    Mutant(
        "threads for sequences too few to share",
        "threads",
        "min(work // _LEAST_PER_THREAD, per_call // _LEAST_PER_CALL)",
        "work // _LEAST_PER_THREAD",
        "threads",
    ),
    Mutant(
        "threads for work too little to share",
        "threads",
        "min(work // _LEAST_PER_THREAD, per_call // _LEAST_PER_CALL)",
        "per_call // _LEAST_PER_CALL",
        "threads",
    ),
    Mutant(
        "results of the caller's own share last",
        "threads",
        "[work(*own), *(future.result() for future in futures)]",
        "[*(future.result() for future in futures), work(*own)]",
        "threads",
    ),
    Mutant(
        "results in the order of packing",
        "inference",
        "out[batch.steps] = choose(states, L)",
        "out[np.sort(batch.steps)] = choose(states, L)",
        "inference",
    ),
    Mutant(
        "a stream that forgets its state",
        "inference",
        "H += before.dot(W_hh[0])",
        "H += 0 * before.dot(W_hh[0])",
        "inference",
    ),
]


def main() -> int:
    """Apply every fault, print a table, return 1 if any was not noticed."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    mutants = [mutant for mutant in MUTANTS if wanted in mutant.name]
    if not mutants:
        print(f"no fault has {wanted!r} in its name")
        return 1
    began = time.perf_counter()
    everything = " ".join(sorted({name for m in mutants for name in m.tests.split()}))
    if outcome(Mutant("none", "loss", "", "", everything)) != "SURVIVED":
        print(f"the tests of {everything} fail on the package as it is")
        return 1
    width = max(len(mutant.name) for mutant in mutants)
    n_unnoticed = 0
    with ThreadPoolExecutor(N_WORKERS) as pool:
        for mutant, result in zip(mutants, pool.map(outcome, mutants), strict=True):
            print(f"{mutant.module:<12} {mutant.name:<{width}} {result}", flush=True)
            n_unnoticed += result not in ("killed", "killed (endless)")
    seconds = time.perf_counter() - began
    print(f"{len(mutants) - n_unnoticed} of {len(mutants)} killed in {seconds:.0f} s")
    return int(n_unnoticed > 0)


def outcome(mutant: Mutant) -> str:
    """Run the tests on a copy of the tree with the fault in it."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for part in ("skrnn", "tests"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, tree / part, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", tree)
        module = tree / "skrnn" / "_network" / f"{mutant.module}.py"
        source = module.read_text(encoding="utf-8")
        if mutant.old and source.count(mutant.old) != 1:
            return f"NOT APPLIED: found {source.count(mutant.old)} times"
        faulty = source.replace(mutant.old, mutant.new) if mutant.old else source
        module.write_text(faulty, encoding="utf-8")
        return run_tests(tree, mutant.tests.split())


def run_tests(tree: Path, names: list[str]) -> str:
    """Say how the tests of the tree end."""
    # The package is taken from the working directory, installed or not.
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    files = [f"tests/test_{name}.py" for name in names]
    # Examples drawn anew in every run could miss a fault in one of them.
    settings = {"HYPOTHESIS_PROFILE": "ci", "OMP_NUM_THREADS": "1"}
    try:
        run = subprocess.run(
            [*command, *files],
            cwd=tree,
            env=os.environ | settings | {"PYTHONPATH": str(tree)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "killed (endless)"
    if run.returncode > 1:
        return f"BROKEN:\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
    return "killed" if run.returncode else "SURVIVED"


if __name__ == "__main__":
    sys.exit(main())
