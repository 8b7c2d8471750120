"""What the defaults reach on data that nobody tuned them for, and at what cost.

Every row is a task: held-out log-loss of the steps in nats (accuracy), the median of
several seeds. "auto" is the default `alpha`, with the strengths it found; then the best
of eight fixed strengths, chosen on the held-out sequences themselves, so better than a
user could know; scikit-learn's LogisticRegression on single steps; and the frequencies
of the classes in training. "time" is the duration of the default fit divided by that of
a fit with `alpha=1`, minimum of `--repeats` alternating runs.

The generators' rows need no data. With `--data FOLDER`, rows of real data are added:
eeg-eye-state.csv (one recording, last column the state), dutch-train.tsv and
dutch-test.tsv (word, tab, tag; a blank line after each sentence), and
wnut17-train.conll and wnut17-dev.conll (the same form). Prints a Markdown table.

    python benchmarks/defaults.py [--data FOLDER] [--seeds 3] [--repeats 5] [--no-fixed]
        [--only NAME]
"""

import argparse
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _common import head, row, seconds
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from skrnn import VanillaRNNClassifier
from skrnn.datasets import load_python_source, make_digit_strings, make_hmm_sequences
from skrnn.preprocessing import OneHotSequenceEncoder

Array = NDArray[Any]
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)


class Task(NamedTuple):
    """Sequences to learn from, others to predict, and parameters of the network."""

    X: list[Any]
    y: list[Array]
    X_new: list[Any]
    y_new: list[Array]
    parameters: dict[str, Any]


def markov_chain(seed: int) -> Task:
    """Label observations with the states of a hidden Markov chain."""
    bunch = make_hmm_sequences(1000, random_state=seed)
    X, y = unpadded(bunch)
    return Task(X[:500], y[:500], X[500:], y[500:], {"bidirectional": True})


def source(seed: int) -> Task:
    """Label characters of Python source."""
    lines = load_python_source(n_lines=2500, random_state=seed)
    encoder = OneHotSequenceEncoder(handle_unknown="ignore", dtype=np.float32)
    padded = encoder.fit(lines.data[:1500]).transform(lines.data)
    X = [x[: len(line)] for x, line in zip(padded, lines.data, strict=True)]
    y = [np.asarray(labels) for labels in lines.target]
    parameters = {"hidden_layer_sizes": 32, "bidirectional": True}
    return Task(X[:1500], y[:1500], X[1500:], y[1500:], parameters)


def digit_strings(seed: int) -> Task:
    """Label images of digits that spell codes."""
    parts = []
    for i, subset in enumerate(("train", "test")):
        bunch = make_digit_strings(600, subset=subset, random_state=2 * seed + i)
        parts += unpadded(bunch)
    return Task(*parts, {"hidden_layer_sizes": 128, "bidirectional": True})


def unpadded(bunch: Any) -> tuple[list[Array], list[Array]]:
    """Cut padding off."""
    X = [
        x[:n].astype(np.float32) for x, n in zip(bunch.data, bunch.lengths, strict=True)
    ]
    return X, [y[:n] for y, n in zip(bunch.target, bunch.lengths, strict=True)]


def eeg(folder: Path, fold: int) -> Task:
    """Label two seconds of EEG at a time with the state of the eyes."""
    table = np.loadtxt(folder / "eeg-eye-state.csv", delimiter=",", skiprows=1)
    n = len(table) // 256
    windows = table[: n * 256].reshape(n, 256, -1)
    new = np.arange(n) % 4 == fold
    known = windows[~new, :, :-1].reshape(-1, windows.shape[-1] - 1)
    low, high = np.quantile(known, [0.005, 0.995], axis=0)
    known = np.clip(known, low, high)
    X = (np.clip(windows[..., :-1], low, high) - known.mean(0)) / known.std(0)
    y = windows[..., -1].astype(int)
    return Task(list(X[~new]), list(y[~new]), list(X[new]), list(y[new]), {})


def tags(folder: Path, train: str, test: str, *, neighbors: bool) -> Task:
    """Label words by sparse features, of their neighbors, too, if wanted."""
    parts = [sentences(folder / name) for name in (train, test)]
    features = [
        [word_features(words, neighbors) for words, _ in part] for part in parts
    ]
    vectorizer = DictVectorizer(dtype=np.float32)
    vectorizer.fit([step for sentence in features[0] for step in sentence])
    X, X_new = ([vectorizer.transform(s) for s in part] for part in features)
    y, y_new = ([labels for _, labels in part] for part in parts)
    return Task(X, y, X_new, y_new, {"bidirectional": True})


def sentences(path: Path) -> list[tuple[list[str], Array]]:
    """Read words and labels: first and last column, set off by tabs or else spaces."""
    found, words, labels = [], list[str](), list[str]()
    # Not splitlines and split(): words may contain Unicode's separators.
    for line in [*path.read_text(encoding="utf-8-sig").split("\n"), ""]:
        columns = line.strip(" \t").split("\t" if "\t" in line else " ")
        if columns != [""]:
            words.append(columns[0])
            labels.append(columns[-1])
        elif words:
            found.append((words, np.array(labels)))
            words, labels = [], []
    return found


def word_features(words: list[str], neighbors: bool) -> list[dict[str, int]]:
    """Return the features of every word of a sentence."""
    steps = []
    for i, word in enumerate(words):
        low = word.lower()
        names = ["bias", f"word={low}", f"prefix={low[:2]}", f"shape={shape(word)}"]
        names += [f"suffix{n}={low[-n:]}" for n in (1, 2, 3)]
        for side in (-1, 1) if neighbors else ():
            if not 0 <= i + side < len(words):
                names.append(f"{side} is missing")
                continue
            other = words[i + side]
            names += [
                f"{side} word={other.lower()}",
                f"{side} shape={shape(other)}",
                f"{side} suffix2={other.lower()[-2:]}",
            ]
        steps.append(dict.fromkeys(names, 1))
    return steps


def shape(word: str) -> str:
    """Return X for capitals, x for other letters, d for digits, without repeats."""
    signs = (
        "X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c
        for c in word
    )
    return re.sub(r"(.)\1+", r"\1", "".join(signs))


class Score(NamedTuple):
    """Held-out log-loss and accuracy, and the strength of the penalty."""

    loss: float
    accuracy: float
    alpha: float = np.nan


def fitted(task: Task, seed: int, **parameters: Any) -> VanillaRNNClassifier:
    """Fit the network of a task."""
    model = VanillaRNNClassifier(random_state=seed, **{**task.parameters, **parameters})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is a limit
        return model.fit(task.X, task.y)


def scored(task: Task, model: VanillaRNNClassifier) -> Score:
    """Score a network on the sequences it has not seen."""
    log_proba = np.concatenate(list(model.predict_log_proba(task.X_new)))
    return steps_scored(task, model.classes_, log_proba, model.alpha_)


def steps_scored(
    task: Task, classes: Array, log_proba: Array, alpha: float = np.nan
) -> Score:
    """Score log-probabilities; a class never seen gets one in ten thousand."""
    y = np.concatenate(task.y_new)
    place = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    known = classes[place] == y
    given = np.where(known, log_proba[np.arange(len(y)), place], np.log(1e-4))
    right = known & (log_proba.argmax(axis=1) == place)
    return Score(float(-given.mean()), float(right.mean()), alpha)


def logistic(task: Task) -> Score:
    """Score scikit-learn's logistic regression on single steps."""
    join = sparse.vstack if sparse.issparse(task.X[0]) else np.concatenate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=300).fit(
            join(task.X), np.concatenate(task.y)
        )
    return steps_scored(task, model.classes_, model.predict_log_proba(join(task.X_new)))


def frequencies(task: Task) -> Score:
    """Score the frequencies of the classes in training."""
    classes, counts = np.unique(np.concatenate(task.y), return_counts=True)
    n = sum(map(len, task.y_new))
    return steps_scored(task, classes, np.tile(np.log(counts / counts.sum()), (n, 1)))


def median(scores: list[Score]) -> str:
    """Return the medians of loss and accuracy, and all strengths."""
    loss, accuracy, _ = np.median(scores, axis=0)
    strengths = {f"{s.alpha:g}" for s in scores if not np.isnan(s.alpha)}
    at = f" at {', '.join(sorted(strengths, key=float))}" if strengths else ""
    return f"{loss:.3f} ({accuracy:.3f}){at}"


def relative_time(task: Task, n_repeats: int) -> float:
    """Return the duration of a default fit, relative to one with alpha=1."""
    durations: dict[Any, list[float]] = {"auto": [], 1.0: []}
    for _ in range(n_repeats):
        for alpha, taken in durations.items():
            taken.append(seconds(lambda alpha=alpha: fitted(task, 0, alpha=alpha)))
    return min(durations["auto"]) / min(durations[1.0])


def tasks(folder: Path | None) -> dict[str, Callable[[int], Task]]:
    """Return what makes the tasks, given a seed."""
    made: dict[str, Callable[[int], Task]] = {
        "Markov chain": markov_chain,
        "source characters": source,
        "digit strings": digit_strings,
    }
    if folder is not None:
        for fold in range(4):
            made[f"EEG, fold {fold}"] = lambda seed, fold=fold: eeg(folder, fold)
        made["Dutch tags"] = lambda seed: tags(
            folder, "dutch-train.tsv", "dutch-test.tsv", neighbors=False
        )
        made["WNUT labels"] = lambda seed: tags(
            folder, "wnut17-train.conll", "wnut17-dev.conll", neighbors=True
        )
    return made


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=0, help="timed runs; 0 for none")
    parser.add_argument(
        "--no-fixed", action="store_true", help="leave out alpha=number"
    )
    parser.add_argument("--only", help="tasks whose name contains this")
    options = parser.parse_args()
    head("task", "auto", "best fixed", "alpha=1", "logistic", "frequencies", "time")
    for name, make in tasks(options.data).items():
        if options.only and options.only not in name:
            continue
        made = [make(seed) for seed in range(options.seeds)]

        def network(alpha: Any, made: list[Task] = made) -> list[Score]:
            fits = (fitted(task, seed, alpha=alpha) for seed, task in enumerate(made))
            return [scored(task, fit) for task, fit in zip(made, fits, strict=True)]

        auto, one, best = network("auto"), network(1.0), ""
        if not options.no_fixed:
            others = [network(alpha) for alpha in STRENGTHS if alpha != 1]
            best = median(min([one, *others], key=lambda fits: np.median(fits, 0)[0]))
        row(
            name,
            median(auto),
            best,
            median(one),
            median([logistic(task) for task in made]),
            median([frequencies(task) for task in made]),
            f"{relative_time(made[0], options.repeats):.2f}" if options.repeats else "",
        )


if __name__ == "__main__":
    main()
