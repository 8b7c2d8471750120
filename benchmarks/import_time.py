"""Time of `import skrnn` beyond that of the parts of scikit-learn that it needs.

Each import runs in a fresh process, with compiled bytecode as an installed package has
it, kept in a folder of its own whatever the environment says of bytecode; the median
counts. Prints a Markdown table, writes JSON.

    python benchmarks/import_time.py [--repeats 15]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from _common import head, row, save

NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
CODE = """
from time import perf_counter
began = perf_counter()
import sklearn.base, sklearn.model_selection
middle = perf_counter()
import skrnn
print(1e3 * (middle - began), 1e3 * (perf_counter() - middle))
"""


def main() -> None:
    """Import many times and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        child = [sys.executable, "-X", f"pycache_prefix={folder}", "-c", CODE]
        environment = {k: v for k, v in os.environ.items() if k != NO_BYTECODE}
        times = [
            [
                float(part)
                for part in subprocess.check_output(child, env=environment).split()
            ]
            for _ in range(1 + options.repeats)
        ][1:]  # the first compiles
    before, beyond = (statistics.median(part) for part in zip(*times, strict=True))
    head("import", "ms")
    row("sklearn.base, sklearn.model_selection", f"{before:.0f}")
    row("skrnn after these", f"{beyond:.1f}")
    save("import_time", {"scikit-learn": before, "skrnn": beyond})


if __name__ == "__main__":
    main()
