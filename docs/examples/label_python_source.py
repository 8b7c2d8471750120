"""Label every character of Python source: space, keyword, name, number, ...

    line of text  ->  one-hot characters  ->  bidirectional network  ->  labels

The lines are from the standard library; their labels come from the tokenize module.
Held-out lines are from files not used in training. Then a language model learns the
library's names and completes them. Nothing is downloaded. Run the script by ``make
demo``; the pictures (with matplotlib) and the page of the language model, which
completes as you type, are saved in build/demo.
"""

import io
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    cross_validate,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skrnn import (
    OneHotSequenceEncoder,
    Trie,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
)
from skrnn.datasets import load_python_names, load_python_source

N_LINES = 5000
N_LINES_SEARCHED = 400
N_LINES_CROSS_VALIDATED = 500
N_NAMES = 8000
N_NAMES_HELD_OUT = 2000
PREFIXES = ("re", "is_", "Base", "get_f")
PICTURES = Path(__file__).resolve().parents[2] / "build" / "demo"
# The terminal color of each label, and its letter if there are no colors.
COLORS = {
    "space": ("39", " "),
    "keyword": ("1;35", "k"),
    "name": ("39", "n"),
    "number": ("36", "0"),
    "string": ("32", "s"),
    "comment": ("90", "c"),
    "operator": ("33", "o"),
}
INDENT = " " * 10
STYLES = (":", "--", "-.", (0, (8, 2)))
BEGAN = time.perf_counter()


def main() -> None:
    source, train, test = lines()
    best = search(source, train)
    check_by_folds(source, train, best)
    models = {
        direction: fit(source, train, direction)
        for direction in ("unidirectional", "bidirectional")
    }
    scores = compare(source, train, test, models)
    model = models["bidirectional"]
    labels = model.predict(source.data[test])
    show_some(source, test, labels)
    draw(source, test, labels, model, scores)
    complete_names()
    say("done")


def lines() -> tuple[Bunch, np.ndarray, np.ndarray]:
    """Load the lines; split them so that no file is in both sets."""
    source = load_python_source(n_lines=N_LINES, random_state=0)
    split = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    train, test = next(split.split(source.data, groups=source.groups))
    say(
        f"{len(source.data)} lines, {sum(map(len, source.data))} characters, "
        f"{len(set(source.groups))} files; {len(train)} training lines, "
        f"{len(test)} held out"
    )
    return source, train, test


def pipeline(**parameters: Any) -> Pipeline:
    encoder = OneHotSequenceEncoder(handle_unknown="ignore", sparse_output=True)
    network = VanillaRNNClassifier(random_state=0, **parameters)
    return Pipeline([("encode", encoder), ("label", network)])


def scores_of(model: Any, X: Any, y: Any) -> dict[str, float]:
    """Return accuracy and log-loss of sequences, as a scorer does."""
    proba = np.concatenate(model.predict_proba(X))
    return measures(model.classes_, np.concatenate(y), proba)


def measures(classes: Any, true: Any, proba: Any) -> dict[str, float]:
    """Return accuracy and log-loss over characters."""
    return {
        "accuracy": accuracy_score(true, classes[proba.argmax(axis=1)]),
        "neg_log_loss": -log_loss(true, proba, labels=classes),
    }


def a_few(lines: np.ndarray, n: int) -> np.ndarray:
    return np.random.default_rng(0).choice(lines, n, replace=False)


def search(source: Bunch, train: np.ndarray) -> dict[str, Any]:
    """Choose the direction on a few lines and iterations."""
    some = a_few(train, N_LINES_SEARCHED)
    say(f"grid search over the direction on {len(some)} lines")
    grid = GridSearchCV(
        pipeline(hidden_layer_sizes=(48,), max_iter=70),
        {"label__bidirectional": [False, True]},
        scoring=scores_of,
        refit="accuracy",
        cv=GroupKFold(2),
        verbose=2,
    )
    with limits_told():
        grid.fit(source.data[some], source.target[some], groups=source.groups[some])
    found = grid.cv_results_
    print(f"\n{INDENT}direction        accuracy   log-loss (mean of 2 folds)")
    for i in np.argsort(found["rank_test_accuracy"]):
        bidirectional = found["param_label__bidirectional"][i]
        print(
            f"{INDENT}{'bidirectional' if bidirectional else 'unidirectional':14}"
            f"{found['mean_test_accuracy'][i]:11.3f}"
            f"{-found['mean_test_neg_log_loss'][i]:11.3f}"
        )
    print()
    return {name.removeprefix("label__"): v for name, v in grid.best_params_.items()}


def check_by_folds(source: Bunch, train: np.ndarray, best: dict[str, Any]) -> None:
    """Estimate how much the result varies with the lines."""
    some = a_few(train, N_LINES_CROSS_VALIDATED)
    direction = "bidirectional" if best["bidirectional"] else "unidirectional"
    say(f"cross-validation of the best, {direction}, on {len(some)} lines")
    with limits_told():
        folds = cross_validate(
            pipeline(hidden_layer_sizes=(48,), max_iter=70, **best),
            source.data[some],
            source.target[some],
            scoring=scores_of,
            groups=source.groups[some],
            cv=GroupKFold(3),
            verbose=2,
        )
    print(f"\n{INDENT}fold   seconds   accuracy   log-loss")
    for i, seconds in enumerate(folds["fit_time"]):
        print(
            f"{INDENT}{i + 1:4d}{seconds:10.1f}"
            f"{folds['test_accuracy'][i]:11.3f}{-folds['test_neg_log_loss'][i]:11.3f}"
        )
    print()


def fit(source: Bunch, train: np.ndarray, direction: str) -> Pipeline:
    say(f"training on all {len(train)} lines: {direction}")
    model = pipeline(
        hidden_layer_sizes=(64,),
        bidirectional=direction == "bidirectional",
        max_iter=80,
        verbose=1,
    )
    with limits_told(), redirect_stdout(EveryNthLine(sys.stdout, 20)):
        model.fit(source.data[train], source.target[train])
    say(f"the penalty has strength {model['label'].alpha_:g}")
    return model


def compare(
    source: Bunch, train: np.ndarray, test: np.ndarray, models: dict[str, Pipeline]
) -> dict[str, dict[str, float]]:
    """Print accuracy and log-loss on held-out lines, and of two baselines."""
    say("baselines on single characters")
    encoder = models["bidirectional"]["encode"]
    X_train, X_test = (
        sparse.vstack(encoder.transform(source.data[part])) for part in (train, test)
    )
    y_train, y_test = (np.concatenate(source.target[part]) for part in (train, test))
    scores = {}
    for name, baseline in (
        ("most frequent label", DummyClassifier(strategy="prior")),
        ("LogisticRegression", LogisticRegression(max_iter=1000)),
    ):
        proba = baseline.fit(X_train, y_train).predict_proba(X_test)
        scores[name] = measures(baseline.classes_, y_test, proba)
    for direction, model in models.items():
        scores[f"VanillaRNNClassifier, {direction}"] = scores_of(
            model, source.data[test], source.target[test]
        )
    say(f"the result on {len(test)} held-out lines, {len(y_test)} characters")
    print(f"\n{INDENT}{'':36}accuracy   log-loss (nats per character)")
    for name, score in scores.items():
        accuracy, loss = score["accuracy"], -score["neg_log_loss"]
        print(f"{INDENT}{name:36}{accuracy:8.3f}{loss:11.3f}")
    print()
    return scores


def show_some(source: Bunch, test: np.ndarray, labels: np.ndarray) -> None:
    """Print unseen lines in the colors of their predicted labels."""
    rich = [i for i, y in enumerate(source.target[test]) if len(set(y)) >= 5]
    worst = np.argsort(-count_wrong(source.target[test], labels))
    colored = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    say("unseen lines with predicted labels; the last two have the most errors")
    if colored:
        print("\n    " + "  ".join(paint(name, name) for name in COLORS), end="")
        print("  " + paint("wrong", "name", wrong=True))
    else:
        legend = [f"{letter!r} {name}" for name, (_, letter) in COLORS.items()]
        print("\n    " + ", ".join(legend) + "; ^ marks errors")
    for i in [*rich[:: max(1, len(rich) // 6)][:6], *worst[:2]]:
        line, true = source.data[test[i]], source.target[test[i]]
        print("\n    " + shown(line, labels[i], true, colored))
    print()


def count_wrong(true: np.ndarray, labels: np.ndarray) -> np.ndarray:
    pairs = zip(true, labels, strict=True)
    return np.array([np.count_nonzero(y != predicted) for y, predicted in pairs])


def shown(line: str, labels: Any, true: Any, colored: bool) -> str:
    if colored:
        return "".join(map(paint, line, labels, labels != true))
    letters = "".join(COLORS[label][1] for label in labels)
    marks = "".join("^" if wrong else " " for wrong in labels != true)
    return "\n    ".join(row.rstrip() for row in (line, letters, marks)).rstrip()


def paint(text: str, label: str, wrong: bool = False) -> str:
    return f"\x1b[{COLORS[label][0]}{';7' if wrong else ''}m{text}\x1b[0m"


def draw(
    source: Bunch,
    test: np.ndarray,
    labels: np.ndarray,
    model: Pipeline,
    scores: dict[str, dict[str, float]],
) -> None:
    """Save the pictures, if matplotlib is installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        say("no pictures without matplotlib, the extra `plot`")
        return
    PICTURES.mkdir(parents=True, exist_ok=True)
    names = source.target_names
    i = telling_line(source.target[test], labels)
    proba = model.predict_proba(source.data[test[i : i + 1]])[0]
    proba = proba[:, np.searchsorted(model.classes_, names)]
    for file, size, draw_on in (
        ("loss_curve", (7, 5), lambda ax: draw_loss(ax, model["label"], scores)),
        (
            "confusion_matrix",
            (6.6, 6),
            lambda ax: draw_confusion(ax, source.target[test], labels, names),
        ),
        (
            "one_line",
            (12, 3.6),
            lambda ax: draw_line(
                ax, source.data[test[i]], source.target[test[i]], proba, names
            ),
        ),
    ):
        figure = Figure(figsize=size, layout="constrained")
        draw_on(figure.subplots())
        figure.savefig(PICTURES / f"{file}.png", dpi=150)
    say(f"pictures: {PICTURES}")


def telling_line(true: np.ndarray, labels: np.ndarray) -> int:
    """Choose a line with many labels and a few errors."""
    n_labels = np.array([len(set(y)) for y in true])
    fits = np.array([30 <= len(y) <= 60 for y in true])
    few_wrong = count_wrong(true, labels) % 6 > 0
    return int(np.argmax(np.where(fits, n_labels + 2 * few_wrong, 0)))


def draw_loss(ax: Any, network: VanillaRNNClassifier, scores: dict[str, Any]) -> None:
    iterations = np.arange(1, network.n_iter_ + 1)
    curve = network.loss_curve_
    ax.plot(iterations, curve, color="black", label="training, penalty included")
    for (name, score), style in zip(scores.items(), STYLES, strict=True):
        ax.axhline(
            -score["neg_log_loss"],
            color="0.4",
            linestyle=style,
            label=f"held out: {name}",
        )
    ax.set(
        xlabel="iteration of L-BFGS",
        ylabel="nats per character",
        yscale="log",
        title="Training of the bidirectional model",
        xlim=(0, network.n_iter_ + 1),
    )
    low, high = ax.get_ylim()
    ticks = [tick for tick in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2) if low < tick < high]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_yticks([], minor=True)
    ax.grid(color="0.9")
    ax.figure.legend(
        loc="outside lower center", ncols=2, handlelength=4, fontsize="small"
    )


def draw_confusion(ax: Any, true: Any, labels: Any, names: Any) -> None:
    counts = confusion_matrix(
        np.concatenate(true), np.concatenate(labels), labels=names
    )
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Square roots make fractions of a percent visible next to those near 100 %.
    ax.imshow(np.sqrt(share), cmap="Greys", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            ax.text(
                j,
                i,
                f"{count}\n{percent(share[i, j])}",
                ha="center",
                va="center",
                fontsize="small",
                color="white" if share[i, j] > 0.3 else "black",
            )
    ax.set_xticks(range(len(names)), names, rotation=30, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set(
        xlabel="predicted label",
        ylabel="true label",
        title="Characters of held-out lines, as counts and fractions of the true label",
    )


def percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.0005 else "< 0.1 %"


def draw_line(ax: Any, line: str, true: Any, proba: Any, names: Any) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    # No darker than medium gray, so that black marks remain visible.
    grays = LinearSegmentedColormap.from_list("light grays", ["1.0", "0.55"])
    image = ax.imshow(proba.T, cmap=grays, vmin=0, vmax=1, aspect="auto")
    rows = np.array([names.tolist().index(label) for label in true])
    predicted, steps = proba.argmax(axis=1), np.arange(len(line))
    wrong = predicted != rows
    ax.plot(steps, rows, ".", color="black", label="true label")
    ax.plot(
        steps[wrong],
        predicted[wrong],
        "x",
        color="tab:red",
        markersize=9,
        markeredgewidth=2.5,
        label="wrong prediction",
    )
    ax.set_xticks(steps, list(line), family="monospace")
    ax.set_yticks(range(len(names)), names)
    ax.set(
        xlabel="character",
        ylabel="label",
        title="Probabilities of the labels along a held-out line",
    )
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        fontsize="small",
        frameon=False,
    )
    ax.figure.colorbar(image, ax=ax, label="probability", pad=0.01)


def complete_names() -> None:
    """Learn names, print completions of a few prefixes, write the page."""
    names = load_python_names(min_length=3, max_length=30)
    order = np.random.default_rng(0).permutation(len(names.data))
    test, train = np.split(order[: N_NAMES_HELD_OUT + N_NAMES], [N_NAMES_HELD_OUT])
    say(f"a language model of {N_NAMES} of the library's {len(order)} names")
    model = VanillaRNNLanguageModel(
        VanillaRNNClassifier((64,), max_iter=100, random_state=0, verbose=1),
        OneHotSequenceEncoder(min_frequency=3, handle_unknown="infrequent_if_exist"),
    )
    weights = np.log1p(names.frequency)
    with limits_told(), redirect_stdout(EveryNthLine(sys.stdout, 20)):
        model.fit(names.data[train], sample_weight=weights[train])
    new = names.data[test]
    say(
        f"{len(new)} held-out names: {model.bits_per_token(new):.2f} bits per "
        f"character, perplexity {model.perplexity(new):.1f} "
        f"among {len(model.tokens_)} characters"
    )
    known = Trie(names.data)
    print(f"\n{INDENT}typed    most probable            most probable among all names")
    for prefix in PREFIXES:
        free = model.complete(prefix)
        limited = model.complete(prefix, vocabulary=known)
        for i, (one, other) in enumerate(zip(free, limited, strict=True)):
            print(f"{INDENT}{'' if i else prefix:9}{one[0]:25}{other[0]}")
    print()
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = PICTURES / "searchbox.html"
    model.to_html(page, vocabulary=known, title="Names in Python's standard library")
    say(f"a search box that completes as you type: {page}")


def say(text: str) -> None:
    print(f"[{time.perf_counter() - BEGAN:5.1f} s] {text}", flush=True)


@contextmanager
def limits_told() -> Iterator[None]:
    """Print one message instead of a convergence warning for every fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    stopped = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    for other in caught:
        if other not in stopped:
            warnings.warn(other.message, other.category, stacklevel=3)
    if stopped:
        say(
            f"(max_iter ended {len(stopped)} fit(s) before convergence, as intended: "
            "predictions settle long before the weights)"
        )


class EveryNthLine(io.TextIOBase):
    """A stream that forwards every n-th line, with the elapsed time."""

    def __init__(self, stream: Any, n: int) -> None:
        self.stream = stream
        self.n = n
        self.count = 0

    def write(self, text: str) -> int:
        """Forward a part of a report: a line, or its end."""
        if text.strip():
            self.count += 1
            if self.count % self.n == 1:
                elapsed = time.perf_counter() - BEGAN
                self.stream.write(f"[{elapsed:5.1f} s]   {text.strip()}\n")
                self.stream.flush()
        return len(text)


if __name__ == "__main__":
    main()
