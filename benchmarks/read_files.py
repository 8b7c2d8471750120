"""Files of a hundred megabytes: time and memory of `read_conll` and `read_conllu`.

Words are drawn from a vocabulary of 100,000 with the frequencies of a Zipf law, in
sentences of 20. The least that any reader has to do is a loop that splits the lines
and keeps the fields in lists. Each reader runs in a process of its own, which notes its
peak of resident memory before and after. Prints a Markdown table, writes JSON.

    python benchmarks/read_files.py [--megabytes 100]
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _common import head, row, save
from memory import peak

from skrnn.datasets import read_conll, read_conllu


def plain(path: str) -> list[list[list[str]]]:
    """Split lines at tabs, and keep all fields."""
    sentences: list[list[list[str]]] = [[]]
    with Path(path).open(encoding="utf-8") as file:
        for line in file:
            text = line.rstrip("\n")
            if text:
                sentences[-1].append(text.split("\t"))
            else:
                sentences.append([])
    return sentences


READERS = {"plain loop": plain, "read_conll": read_conll, "read_conllu": read_conllu}


def write(path: Path, megabytes: float, *, is_conllu: bool) -> None:
    """Write sentences of 20 words."""
    rng = np.random.default_rng(0)
    vocabulary = [f"word{i:x}" for i in range(100_000)]
    kinds = ["NOUN", "VERB", "ADJ", "DET"]
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < megabytes * 1e6:
            words = np.minimum(rng.zipf(1.3, size=(1000, 20)), 100_000) - 1
            for sentence in words.tolist():
                for i, k in enumerate(sentence, 1):
                    line = f"{vocabulary[k]}\t{kinds[k % 4]}"
                    if is_conllu:
                        line = f"{i}\t{vocabulary[k]}\t{line}" + "\t_" * 6
                    file.write(f"{line}\n")
                file.write("\n")


def measure(reader: str, path: str) -> dict[str, float]:
    """Read once."""
    before, start = peak(), time.perf_counter()
    found = READERS[reader](path)
    seconds = time.perf_counter() - start
    assert len(found)
    return {"seconds": seconds, "megabytes": peak() - before}


def main() -> None:
    """Read both files in all ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(*options.child)))
        return
    results = {}
    head("file", "reader", "s", "memory, MB")
    with TemporaryDirectory() as folder:
        for name in ("conll", "conllu"):
            path = Path(folder, name)
            write(path, options.megabytes, is_conllu=name == "conllu")
            for reader in ("plain loop", f"read_{name}"):
                child = [sys.executable, __file__, "--child", reader, str(path)]
                output = subprocess.run(child, check=True, stdout=subprocess.PIPE)
                found = json.loads(output.stdout)
                results[f"{name}, {reader}"] = found
                row(
                    name, reader, f"{found['seconds']:.1f}", f"{found['megabytes']:.0f}"
                )
    save("read_files", results)


if __name__ == "__main__":
    main()
