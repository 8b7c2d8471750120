"""Feature dicts per step, as sklearn-crfsuite takes them: peak memory, time, span F1.

The steps are the characters of the standard library's source, each with a dict of
features in the style of sklearn-crfsuite's tutorial; the spans to find are the tokens.
DictVectorizer at every step and the classifier stand beside a CRF. Each runs in a
process of its own, which notes its peak of resident memory when the dicts are made, and
again when training is done. Most of what the classifier takes is L-BFGS's memory, some
dozens of vectors as long as all weights; the steps stay sparse. F1 is that of lines not
trained on. Needs sklearn-crfsuite; prints a Markdown table, writes JSON.

    python benchmarks/feature_dicts.py [--lines 500 2000] [--iterations 100]
"""

import argparse
import json
import subprocess
import sys
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
from _common import head, row, save, seconds
from memory import peak
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline

from skrnn import StepwiseTransformer, VanillaRNNClassifier, as_ragged
from skrnn.datasets import load_python_source
from skrnn.metrics import span_f1_score

N_TEST = 200


def main() -> None:
    """Measure every way and size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="*", default=[500, 2000])
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        way, n_lines = options.child
        print(json.dumps(measure(way, int(n_lines), options)))
        return
    results = {}
    head("lines", "steps", "features", "as one dense array, MB", "model", *COLUMNS)
    for n_lines in options.lines:
        for way in WAYS:
            sizes = [f"--iterations={options.iterations}", f"--hidden={options.hidden}"]
            child = [sys.executable, __file__, *sizes, "--child", way, str(n_lines)]
            output = subprocess.run(child, check=True, stdout=subprocess.PIPE)
            found = json.loads(output.stdout.splitlines()[-1])
            results[f"{way} {n_lines}"] = found
            dense = found["steps"] * found["features"] * 8 / 1e6
            counts = (n_lines, found["steps"], found["features"], f"{dense:.0f}")
            row(*counts, way, *(f"{found[name]:.3g}" for name in COLUMNS))
    save("feature_dicts", results)


COLUMNS = ("dicts, MB", "beyond, MB", "seconds", "F1")


def measure(way: str, n_lines: int, options: argparse.Namespace) -> dict[str, float]:
    """Fit one model; return sizes, megabytes, seconds and the score."""
    at_start = peak()
    X, y = feature_dicts(n_lines + N_TEST)
    X_train, y_train = X[:n_lines], as_ragged(y[:n_lines])
    before = peak()
    model = WAYS[way](options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a set number of them
        time = seconds(lambda: model.fit(X_train, y_train))
    beyond = peak() - before
    return {
        "steps": sum(map(len, X_train)),
        "features": n_features(X_train),
        "dicts, MB": before - at_start,
        "beyond, MB": beyond,
        "seconds": time,
        "F1": span_f1_score(y[n_lines:], model.predict(X[n_lines:])),
    }


def ours(options: argparse.Namespace) -> Any:
    """Return the pipeline from dicts to labels."""
    network = VanillaRNNClassifier(
        options.hidden,
        bidirectional=True,
        alpha=0.1,
        max_iter=options.iterations,
        random_state=0,
    )
    return make_pipeline(StepwiseTransformer(DictVectorizer(dtype=np.float32)), network)


def theirs(options: argparse.Namespace) -> Any:
    """Return the CRF with its tutorial's parameters."""
    from sklearn_crfsuite import CRF

    return CRF(
        algorithm="lbfgs",
        c1=0.1,
        c2=0.1,
        max_iterations=options.iterations,
        all_possible_transitions=True,
    )


WAYS = {"skrnn": ours, "sklearn-crfsuite": theirs}


def feature_dicts(n_lines: int) -> tuple[list[list[dict[str, Any]]], list[Any]]:
    """Describe every character of some lines; mark the tokens it is part of."""
    lines, labels = load_python_source(n_lines, random_state=0, return_X_y=True)
    X = [[features(line, i) for i in range(len(line))] for line in lines]
    return X, [spans(names.tolist()) for names in labels]


def features(line: str, i: int) -> dict[str, Any]:
    """Describe one character and its neighbors."""
    found: dict[str, Any] = {
        "bias": 1.0,
        "char": line[i],
        "isupper": line[i].isupper(),
        "isdigit": line[i].isdigit(),
        "isalnum": line[i].isalnum(),
        "trigram": line[max(0, i - 1) : i + 2],
        "word before": line[:i].rpartition(" ")[2],
    }
    if i > 0:
        found |= {"-1:char": line[i - 1], "-1:isalnum": line[i - 1].isalnum()}
    else:
        found["BOS"] = True
    if i < len(line) - 1:
        found |= {"+1:char": line[i + 1], "+1:isalnum": line[i + 1].isalnum()}
    else:
        found["EOS"] = True
    return found


def spans(names: list[str]) -> list[str]:
    """Turn the names of characters into BIO labels; spaces are in no span."""
    pairs = pairwise(["space", *names])
    return [
        "O" if name == "space" else f"{'I' if name == before else 'B'}-{name}"
        for before, name in pairs
    ]


def n_features(X: list[list[dict[str, Any]]]) -> int:
    """Count the features that the dicts stand for."""
    vectorizer = StepwiseTransformer(DictVectorizer()).fit(X)
    return len(vectorizer.get_feature_names_out())


if __name__ == "__main__":
    main()
