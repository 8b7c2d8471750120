"""Make the pictures of the README, in docs/images.

"hello" unrolled, and the labels of an unseen line of Python source. Equal versions of
Python and the packages make equal files.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import style
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier
from skrnn.datasets import load_python_source
from skrnn.plotting import StepPredictionDisplay, UnrolledDisplay

IMAGES = Path(__file__).resolve().parent / "images"
# The resolution, and no name of the software in the file.
PNG: dict[str, Any] = {"format": "png", "dpi": 120, "metadata": {"Software": None}}


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    # The user's matplotlib settings are ignored.
    with style.context("default"), warnings.catch_warnings():
        # Labels settle long before weights do.
        warnings.simplefilter("ignore", ConvergenceWarning)
        save(hello(), "hello_unrolled.png")
        save(python_line(), "python_line.png")


def save(display: Any, name: str) -> None:
    path = IMAGES / name
    display.figure_.savefig(path, **PNG)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def hello() -> UnrolledDisplay:
    """Train on the textbook's four letters and unroll the network over them."""
    model = make_pipeline(
        OneHotSequenceEncoder(categories=list("helo")),
        VanillaRNNClassifier(3, alpha=0.01, max_iter=1000, random_state=0),
    )
    model.fit(["hell"], [list("ello")])
    return UnrolledDisplay.from_estimator(model, "hell", "ello")


def python_line() -> StepPredictionDisplay:
    """Train on lines of Python source and label one of another file."""
    source = load_python_source(1500, max_length=60, random_state=0)
    split = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    train, test = next(split.split(source.data, groups=source.groups))
    model = make_pipeline(
        OneHotSequenceEncoder(handle_unknown="ignore", sparse_output=True),
        VanillaRNNClassifier(32, bidirectional=True, max_iter=60, random_state=0),
    )
    model.fit(source.data[train], source.target[train])
    lines, true = source.data[test], source.target[test]
    i = telling_line(true, model.predict(lines))
    return StepPredictionDisplay.from_estimator(model, lines[i], true[i])


def telling_line(true: np.ndarray, predicted: np.ndarray) -> int:
    """Choose a line of many labels, a few of which are wrong."""
    wrong = np.array([np.sum(a != b) for a, b in zip(true, predicted, strict=True)])
    n_labels = np.array([len(set(labels)) for labels in true])
    length = np.array([len(labels) for labels in true])
    fits = (length >= 25) & (length <= 45) & (wrong > 0) & (wrong < 6)
    return int(np.argmax(fits * (10 * n_labels + length / 45)))


if __name__ == "__main__":
    main()
