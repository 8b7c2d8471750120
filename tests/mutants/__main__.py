"""Faults in the package, each of which the tests must notice.

Every fault is one replacement in a copy of the package; the tests that guard the place
run on the copy and have to fail. A fault that they let pass, that keeps them busy
beyond the time limit, or whose text is no longer found exactly once, makes the whole
run fail.
The faults are in the modules beside this one, one for each part of the package.

    python tests/mutants [part of a fault's name or module] [--part 1/2]
        [--without-baseline]

With ``--part 1/2``, every second fault is applied, from the first on. The tests run
without a fault first, unless ``--without-baseline`` says that they do so elsewhere.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import repeat
from pathlib import Path

from _mutant import Mutant

ROOT = Path(__file__).resolve().parents[2]
N_WORKERS = 2
TIMEOUT = 180  # seconds; tests that hang have noticed nothing
BASELINE_TIMEOUT = 1800  # of all tests, none of which fails

MUTANTS = [
    mutant
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))
    for mutant in import_module(path.stem).MUTANTS
]


def main() -> int:
    """Apply every fault, print a table, return 1 if any was not noticed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wanted", nargs="?", default="")
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--without-baseline", action="store_true")
    options = parser.parse_args()
    wanted, (part, n_parts) = options.wanted, map(int, options.part.split("/"))
    lost = [m.name for m in MUTANTS if not is_found(m)]
    if lost:
        print("the text is not found exactly once:", *lost, sep="\n    ")
        return 1
    mutants = [m for m in MUTANTS if wanted in m.name or wanted in m.module]
    mutants = mutants[part - 1 :: n_parts]
    if not mutants:
        print(f"no fault has {wanted!r} in its name or module")
        return 1
    began = time.perf_counter()
    names = sorted({name for mutant in mutants for name in mutant.tests.split()})
    baseline = [
        Mutant("none", "_network/model/loss", "", "", " ".join(chosen))
        for i in range(N_WORKERS)
        if (chosen := names[i::N_WORKERS]) and not options.without_baseline
    ]
    width = max(len(mutant.name) for mutant in mutants)
    n_unnoticed = 0
    with ThreadPoolExecutor(N_WORKERS) as pool:
        outcomes = pool.map(outcome, baseline, repeat(BASELINE_TIMEOUT))
        for unchanged, result in zip(baseline, outcomes, strict=True):
            if result != "SURVIVED":
                print(f"without a fault, the tests of {unchanged.tests}: {result}")
                return 1
        for mutant, result in zip(mutants, pool.map(outcome, mutants), strict=True):
            print(f"{mutant.module:<24} {mutant.name:<{width}} {result}", flush=True)
            n_unnoticed += result != "killed"
    seconds = time.perf_counter() - began
    print(f"{len(mutants) - n_unnoticed} of {len(mutants)} killed in {seconds:.0f} s")
    return int(n_unnoticed > 0)


def is_found(mutant: Mutant) -> bool:
    """Return whether the text to be replaced is there exactly once."""
    module = ROOT / "skrnn" / f"{mutant.module}.py"
    return module.read_text(encoding="utf-8").count(mutant.old) == 1


def outcome(mutant: Mutant, timeout: float = TIMEOUT) -> str:
    """Run the tests on a copy of the tree with the fault in it."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for part in ("skrnn", "tests"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, tree / part, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", tree)
        module = tree / "skrnn" / f"{mutant.module}.py"
        source = module.read_text(encoding="utf-8")
        if mutant.old and source.count(mutant.old) != 1:
            return f"NOT APPLIED: found {source.count(mutant.old)} times"
        faulty = source.replace(mutant.old, mutant.new) if mutant.old else source
        module.write_text(faulty, encoding="utf-8")
        return run_tests(tree, mutant.tests.split(), timeout)


def run_tests(tree: Path, names: list[str], timeout: float) -> str:
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
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "TIMED OUT"
    if run.returncode > 1:
        return f"BROKEN:\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
    return "killed" if run.returncode else "SURVIVED"


if __name__ == "__main__":
    sys.exit(main())
