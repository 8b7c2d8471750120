"""Pickles that know which version of the package made them, and old paths.

A public name is pickled under the public module that has it, which stays where it is
when the code behind it moves.
"""

import inspect
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeVar

from sklearn.exceptions import InconsistentVersionWarning

from skrnn._version import __version__

T = TypeVar("T")

# Modules that pickles of version 0.1.0 name, and where their names are today.
OLD_PATHS = {
    "skrnn._classifier": "skrnn",
    "skrnn._encoder": "skrnn",
    "skrnn._regressor": "skrnn",
    "skrnn._stepwise": "skrnn",
    "skrnn._trie": "skrnn",
    "skrnn._windows": "skrnn",
}


class _OldPaths(MetaPathFinder, Loader):
    """Import an old path as a module that looks its names up in the new one."""

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in OLD_PATHS else None

    def exec_module(self, module: ModuleType) -> None:
        new = import_module(OLD_PATHS[module.__name__])
        module.__getattr__ = lambda name: getattr(new, name)  # type: ignore[method-assign]


sys.meta_path.append(_OldPaths())


def set_module(module: str) -> Callable[[T], T]:
    """Name the public module of a class or function, as pickles and help have it."""

    def decorate(thing: T) -> T:
        thing.__module__ = module
        return thing

    return decorate


class VersionWarning(InconsistentVersionWarning):
    """A model was made by another version of the package."""

    def __str__(self) -> str:
        """Say which versions they are."""
        return (
            f"{self.estimator_name} was saved by skrnn {self.original_sklearn_version} "
            f"and is loaded by skrnn {self.current_sklearn_version}. It may fail or "
            "give other results: compare its predictions with those it gave before, "
            "save it anew, or train it again."
        )


class VersionedState:
    """Estimator whose pickle carries the package's version.

    Parameters that the estimator gained since a pickle was made get their defaults.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to pickle."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {**state, "_skrnn_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled state; warn where another version made it."""
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
