"""Time of `import skrnn` beyond that of the parts of scikit-learn that it needs.

Each import runs in a fresh process; the median counts. Prints a Markdown table, writes
JSON.

    python benchmarks/import_time.py [--repeats 15]
"""

import argparse
import statistics
import subprocess
import sys

from _common import head, row, save

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
    child = [sys.executable, "-c", CODE]
    times = [
        [float(part) for part in subprocess.check_output(child).split()]
        for _ in range(1 + options.repeats)
    ][1:]  # the first may read from disk and compile
    before, beyond = (statistics.median(part) for part in zip(*times, strict=True))
    head("import", "ms")
    row("sklearn.base, sklearn.model_selection", f"{before:.0f}")
    row("skrnn after these", f"{beyond:.1f}")
    save("import_time", {"scikit-learn": before, "skrnn": beyond})


if __name__ == "__main__":
    main()
