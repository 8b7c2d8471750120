"""Pickles that know which version of the package made them."""

import inspect
import warnings
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning

from ._version import __version__


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
