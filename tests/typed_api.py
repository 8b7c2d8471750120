"""A typed user's script: mypy, in strict mode, must find nothing to say about it."""

import numpy as np
from numpy.typing import NDArray

from skrnn import (
    OneHotSequenceEncoder,
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
    VanillaRNNRegressor,
    WindowTransformer,
    as_ragged,
    pad_labels,
    pad_sequences,
    unpad,
    valid_steps,
)
from skrnn.metrics import get_step_scorer, step_accuracy_score
from skrnn.model_selection import StratifiedSequenceKFold


def labels(words: list[str]) -> NDArray[np.int_]:
    """Label the letters of words by whether they are vowels."""
    codes: list[NDArray[np.int_]] = [
        np.array([letter in "aeiou" for letter in word], dtype=int) for word in words
    ]
    return pad_labels(codes)


def accuracy(words: list[str]) -> float:
    """Fit to words, and return how many letters are labeled right."""
    X = OneHotSequenceEncoder().fit_transform(words)
    y = labels(words)
    model = VanillaRNNClassifier((8,), bidirectional=True, random_state=0).fit(X, y)
    probabilities: NDArray[np.float64] = model.predict_proba(X)
    assert probabilities.shape[:2] == y.shape
    return float(step_accuracy_score(y, model.predict(X)))


def others(series: list[NDArray[np.float64]]) -> None:
    """Use what else there is."""
    X = pad_sequences(series)
    mask: NDArray[np.bool_] = valid_steps(X)
    assert len(unpad(X)) == len(as_ragged(series)) == len(mask)
    StepwiseTransformer(WindowTransformer(1, 1))
    VanillaRNNRegressor(4).fit(X, X)
    completions: list[tuple[str, float]] = (
        VanillaRNNLanguageModel().fit(["hello"]).complete("h")
    )
    assert completions
    get_step_scorer("f1_macro")
    StratifiedSequenceKFold(3, shuffle=True, random_state=0)
