"""Try the public API at random until the time is over, or something is found.

Every round is a new process, and a new sequence of examples for each of the tests. What
is found is kept in .hypothesis, so that the same tests under `make test` find it again.

    python tests/fuzz.py [seconds]
"""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = sorted(map(str, HERE.glob("test_fuzz*.py")))


def main(seconds: float) -> int:
    """Run rounds; return what `make` is to make of it."""
    began = time.monotonic()
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "fuzz"}
    n_rounds = 0
    while time.monotonic() - began < seconds:
        n_rounds += 1
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "--quiet", "--tb=short", *TESTS],
            cwd=HERE.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            print(run.stdout, run.stderr, sep="\n")
        verdict = "a finding" if run.returncode else "nothing found"
        print(
            f"round {n_rounds}, {time.monotonic() - began:.0f} s: {verdict}", flush=True
        )
        if run.returncode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600))
