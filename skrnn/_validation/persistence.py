"""Pickles with the version of the package, and old import paths.

A public name is pickled under its public module, which does not change when private
modules move.
"""

import inspect
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from sklearn.exceptions import InconsistentVersionWarning

from skrnn._version import __version__

T = TypeVar("T")

# Modules in pickles of version 0.1.0; all that they named is now in `skrnn`.
OLD_PATHS = (
    "skrnn._classifier",
    "skrnn._encoder",
    "skrnn._regressor",
    "skrnn._stepwise",
    "skrnn._trie",
    "skrnn._windows",
)
sys.modules.update(dict.fromkeys(OLD_PATHS, sys.modules["skrnn"]))


def set_module(module: str) -> Callable[[T], T]:
    """Set the public module of a class or function, for pickles and help."""

    def decorate(thing: T) -> T:
        thing.__module__ = module
        return thing

    return decorate


class VersionWarning(InconsistentVersionWarning):
    """A model was made by another version of the package."""

    def __str__(self) -> str:
        """Return the message, with both versions."""
        return (
            f"{self.estimator_name} was saved by skrnn {self.original_sklearn_version} "
            f"and is loaded by skrnn {self.current_sklearn_version}. It may fail or "
            "give other results: compare its predictions with those it gave before, "
            "save it again, or retrain it."
        )


class VersionedState:
    """Estimator that stores the package's version in its pickle.

    Parameters that are newer than a pickle get their defaults.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to pickle."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {**state, "_skrnn_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled state; warn if another version saved it."""
        state = dict(state)
        version = state.pop("_skrnn_version", "before 0.1")
        if version != __version__:
            warnings.warn(
                VersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=__version__,
                    original_sklearn_version=version,
                ),
                stacklevel=2,
            )
        for name, parameter in inspect.signature(type(self)).parameters.items():
            state.setdefault(name, parameter.default)
        super().__setstate__(state)  # type: ignore[misc]
