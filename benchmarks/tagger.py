"""Tagging by sparse features: logistic regression, a linear-chain CRF, and skrnn.

Every model reads the same binary features of words, of the words themselves and then
with one neighbor on each side: logistic regression one step at a time, sklearn-crfsuite
as names, skrnn as sparse matrices. Accuracy and log-loss are per held-out step; the
log-loss of the CRF is that of its marginals. F1 is that of spans, if labels are BIO.
CPU seconds are those of all threads in `fit`, without the making of features. A set of
keywords added to `NETWORKS` is one more network to compare.

Files have two columns, a word and its label, set off by tabs or spaces, and a blank
line after each sentence. Without files, the words are the characters of the standard
library's source, and the spans its tokens. Needs sklearn-crfsuite; prints a Markdown
table, writes JSON.

    python benchmarks/tagger.py [TRAIN TEST] [--neighbors 0 1] [--seeds 1]
        [--only NAME]
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _common import Array, head, row, save
from defaults import sentences, word_features
from feature_dicts import spans
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn_crfsuite import CRF

from skrnn import VanillaRNNClassifier
from skrnn.datasets import load_python_source
from skrnn.metrics import span_f1_score

NETWORKS: list[dict[str, Any]] = [
    {"bidirectional": True},
]
PENALTIES_OF_CRF = (0.1, 1.0)
UNKNOWN = 1e-4  # the probability of a label that training data lack
N_TRAIN = 600
N_TEST = 300

Sentences = list[tuple[list[str], Array]]


class Part(NamedTuple):
    """Sentences as every model reads them: features by name, as matrices; labels."""

    names: list[list[dict[str, int]]]
    X: list[Any]
    y: list[Array]


class Tagging(NamedTuple):
    """What a model tells of steps, one after another, and the time of its fit."""

    y: Array
    classes: Array
    proba: Array
    cpu_seconds: float


def stepwise(train: Part, test: Part) -> Tagging:
    """Tag steps by logistic regression."""
    model = LogisticRegression(max_iter=1000)
    X, y = sparse.vstack(train.X), np.concatenate(train.y)
    duration = cpu_seconds(lambda: model.fit(X, y))
    X_test = sparse.vstack(test.X)
    proba = model.predict_proba(X_test)
    return Tagging(model.predict(X_test), model.classes_, proba, duration)


def chain(c2: float, train: Part, test: Part) -> Tagging:
    """Tag sentences by a CRF."""
    model = CRF(c1=0, c2=c2, max_iterations=200, all_possible_transitions=True)
    y = [labels.tolist() for labels in train.y]
    duration = cpu_seconds(lambda: model.fit(train.names, y))
    classes = sorted(model.classes_)
    marginals = model.predict_marginals(test.names)
    proba = [[step[name] for name in classes] for steps in marginals for step in steps]
    tags = np.concatenate(model.predict(test.names))
    return Tagging(tags, np.array(classes), np.array(proba), duration)


def network(parameters: dict[str, Any], seed: int, train: Part, test: Part) -> Tagging:
    """Tag sentences by a network."""
    model = VanillaRNNClassifier(random_state=seed, **parameters)
    duration = cpu_seconds(lambda: model.fit(train.X, train.y))
    tags, proba = model.predict(test.X), model.predict_proba(test.X)
    return Tagging(
        np.concatenate(list(tags)),
        model.classes_,
        np.concatenate(list(proba)),
        duration,
    )


def cpu_seconds(fit: Callable[[], Any]) -> float:
    """Time one fit, all threads together."""
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is a limit
        fit()
    return time.process_time() - began


Way = Callable[[Part, Part], Tagging]


def ways(n_seeds: int) -> Iterator[tuple[str, list[Way]]]:
    """Name the models; a network comes once for each seed."""
    yield "logistic regression", [stepwise]
    for c2 in PENALTIES_OF_CRF:
        yield f"CRF, c2={c2:g}", [partial(chain, c2)]
    for parameters in NETWORKS:
        name = ", ".join(f"{key}={value}" for key, value in parameters.items())
        seeds = range(n_seeds)
        yield f"skrnn, {name}", [partial(network, parameters, seed) for seed in seeds]


def source() -> tuple[Sentences, Sentences]:
    """Mark the tokens that the characters of Python source are part of."""
    lines = load_python_source(N_TRAIN + N_TEST, random_state=0)
    marked = [
        (list(line), np.array(spans(names.tolist())))
        for line, names in zip(lines.data, lines.target, strict=True)
    ]
    return marked[:N_TRAIN], marked[N_TRAIN:]


def described(train: Sentences, test: Sentences, *, neighbors: bool) -> list[Part]:
    """Describe the words of both parts; matrices have the features of the first."""
    parts = (train, test)
    names = [[word_features(words, neighbors) for words, _ in part] for part in parts]
    vectorizer = DictVectorizer(dtype=np.float32)
    vectorizer.fit([step for sentence in names[0] for step in sentence])
    return [
        Part(found, [vectorizer.transform(x) for x in found], [y for _, y in part])
        for found, part in zip(names, parts, strict=True)
    ]


def scores(tagging: Tagging, y: list[Array]) -> dict[str, float]:
    """Compare with the true labels."""
    flat = np.concatenate(y)
    found = {
        "accuracy": np.mean(tagging.y == flat),
        "log-loss": log_loss(tagging, flat),
    }
    if all(label == "O" or label[:2] in ("B-", "I-") for label in np.unique(flat)):
        ends = np.cumsum([len(labels) for labels in y])[:-1]
        found["F1"] = span_f1_score(y, np.split(tagging.y, ends))
    return {**found, "CPU s": tagging.cpu_seconds}


def log_loss(tagging: Tagging, y: Array) -> float:
    """Return the mean log-loss of a step in nats."""
    place = np.searchsorted(tagging.classes, y).clip(max=len(tagging.classes) - 1)
    given = tagging.proba[np.arange(len(y)), place]
    known = tagging.classes[place] == y
    return float(-np.log(np.where(known, given, UNKNOWN)).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    parser.add_argument("--neighbors", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="models whose name contains this")
    options = parser.parse_args()
    if len(options.files) not in (0, 2):
        parser.error("give a file to train on and a file to test on, or neither")
    train, test = map(sentences, options.files) if options.files else source()
    results = {}
    head("neighbors", "features", "model", *DECIMALS)
    for neighbors in options.neighbors:
        parts = described(train, test, neighbors=bool(neighbors))
        for name, of_seeds in ways(options.seeds):
            if options.only not in name:
                continue
            found = [scores(way(*parts), parts[1].y) for way in of_seeds]
            results[f"{name}, neighbors={neighbors}"] = found
            cells = (median(found, column) for column in DECIMALS)
            row(neighbors, parts[0].X[0].shape[1], name, *cells)
    save("tagger", results)


DECIMALS = {"accuracy": 4, "log-loss": 4, "F1": 4, "CPU s": 1}


def median(found: list[dict[str, float]], column: str) -> str:
    """Write the median of a column, if it has numbers."""
    values = [one[column] for one in found if column in one]
    return f"{np.median(values):.{DECIMALS[column]}f}" if values else ""


if __name__ == "__main__":
    main()
