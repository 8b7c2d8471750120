"""Reading of any sequences: numbers, tokens, characters, inputs of a pipeline."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from .containers import objects
from .sequences import Sequences
from .steps import read_steps
from .tokens import read_tokens


class Steps(NamedTuple):
    """All valid steps of X, concatenated."""

    values: Any  # (M, D), dense or sparse, or (M,), one object per step
    sequences: Sequences
    are_characters: bool


def read_any_steps(X: Any, padding_value: float) -> Steps:
    """Return the valid steps of padded or ragged sequences, lists or strings."""
    values, sequences = read_steps(X, padding_value)
    if sequences is not None:
        values = objects(values) if isinstance(values, list) else values
        return Steps(values, sequences, are_characters=False)
    if getattr(X, "ndim", 1) == 2 or hasattr(X, "columns"):
        raise ValueError(
            "X is 2-D, a table; pass sequences: an array of shape (n_sequences, "
            "n_steps, n_features) or a list of arrays, lists or strings"
        )
    tokens = read_tokens(X, "auto")
    values = objects(tokens.distinct)[tokens.indices]
    sequences = Sequences("ragged", X, tokens.lengths, 1, np.dtype(object))
    return Steps(values, sequences, are_characters=tokens.form == "strings")


def steps_of(estimator: Any) -> list[Any]:
    """Return the transformers and the final estimator of searches and pipelines."""
    if hasattr(estimator, "best_estimator_"):
        return steps_of(estimator.best_estimator_)
    if not isinstance(estimator, Pipeline):
        return [estimator]
    *steps, last = (step for _, step in estimator.steps)
    steps = [step for step in steps if step not in (None, "passthrough")]
    return steps + steps_of(last)


def ask(estimator: Any, method: str, X: Any, *arguments: Any) -> Any:
    """Call a method, even one that searches and pipelines do not delegate."""
    if not hasattr(estimator, method):
        *transformers, estimator = steps_of(estimator)
        for transformer in transformers:
            X = transformer.transform(X)
    return getattr(estimator, method)(X, *arguments)


def last_step(estimator: Any) -> Any:
    """Return the final estimator of searches and pipelines."""
    return steps_of(estimator)[-1]
