"""Checks of arguments and the form of the result, common to all data sets."""

from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skrnn._sklearn_compat import Interval, StrOptions, validate_parameter_constraints
from skrnn._validation.containers import objects

Array = NDArray[Any]
T = TypeVar("T")
Rng = np.random.RandomState
Seed = int | Rng | None

POSITIVE = Interval(Integral, 1, None, closed="left")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_SEED = Interval(Integral, 0, 2**32 - 1, closed="both")
_CONSTRAINTS: dict[str, list[Any]] = {
    "n_lines": [POSITIVE, None],
    "n_names": [POSITIVE, None],
    "n_sentences": [POSITIVE, None],
    "n_sequences": [POSITIVE],
    "n_steps": [POSITIVE],
    "n_symbols": [POSITIVE],
    "n_codes": [POSITIVE],
    "n_states": [POSITIVE],
    "n_features": [POSITIVE],
    "min_length": [POSITIVE],
    "max_length": [POSITIVE],
    "lag": [Interval(Integral, 0, None, closed="left")],
    "noise": [_NOT_NEGATIVE],
    "separation": [_NOT_NEGATIVE],
    # A probability of 1 would make states unreachable.
    "stay": [Interval(Real, 0, 1, closed="left")],
    "rule": [StrOptions({"checksum", "date", "repeat", "lexicon"})],
    "subset": [StrOptions({"train", "test", "all"})],
    "emission": [StrOptions({"gaussian", "categorical"})],
    "lexicon_seed": [_SEED],
    "chain_seed": [_SEED],
    "return_X_y": ["boolean"],
    "random_state": ["random_state"],
}


def validate(caller: str, arguments: dict[str, Any], **special: list[Any]) -> None:
    """Validate the arguments of a public function as scikit-learn does."""
    validate_parameter_constraints(_CONSTRAINTS | special, arguments, caller)
    shortest, longest = arguments.get("min_length"), arguments.get("max_length")
    if shortest is not None and longest is not None and shortest > longest:
        raise ValueError(
            f"min_length={shortest} is greater than max_length={longest}; "
            "no length lies between them"
        )


def check_available(name: str, n_wanted: int, n_available: int) -> None:
    """Raise if a library has fewer lines or names than a parameter asks for."""
    if n_wanted > n_available:
        raise ValueError(
            f"{name}={n_wanted} but there are only {n_available} "
            f"{name.removeprefix('n_')} of these lengths; ask for fewer, or for all "
            f"with {name}=None"
        )


def draw(name: str, items: list[T], n: int | None, rng: Rng) -> list[T]:
    """Return n random items, or all in their order if n, a parameter, is None."""
    if n is None:
        return items
    check_available(name, n, len(items))
    return shuffled(items, rng)[:n]


def shuffled(items: list[T], rng: Rng) -> list[T]:
    """Return a list in random order."""
    return [items[i] for i in rng.permutation(len(items))]


def finish(bunch: Bunch, return_X_y: bool) -> Any:
    """Return the bunch, or only its data and target."""
    return (bunch.data, bunch.target) if return_X_y else bunch


BYTE_ORDER_MARK = "\ufeff"


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines of a file, without their ends and a byte-order mark."""
    try:
        # Only "\n" ends a line; Python knows ten other ends, which occur in words.
        with path.open(encoding=encoding, newline="\n") as file:
            for i, text in enumerate(file):
                line = text.removesuffix("\n").removesuffix("\r")
                yield line if i else line.removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} cannot be read as {encoding}: {error}") from error


class Columns:
    """Columns of sequences under construction; equal strings are one object.

    Parameters
    ----------
    names : iterable of str or None
        Name of each column; None for columns to leave out.
    """

    def __init__(self, names: Iterable[str | None]) -> None:
        self.names = () if isinstance(names, str) else tuple(names)
        given = [name for name in self.names if name is not None]
        if not given or len(set(given)) < len(given):
            raise ValueError(
                f"columns must have different names, or None for columns to leave out; "
                f"got {names!r}"
            )
        self._found: dict[str, list[Any]] = {name: [] for name in given}
        self._kept: dict[str, str] = {}

    def append(self, rows: Sequence[Sequence[str]]) -> None:
        """Append a sequence: for each of its steps the fields of all columns."""
        for name, values in zip(self.names, zip(*rows, strict=True), strict=True):
            if name is not None:
                same = [self._kept.setdefault(value, value) for value in values]
                self._found[name].append(objects(same))

    def as_bunch(self) -> Bunch:
        """Return an object array of all sequences for each column."""
        return Bunch(**{name: objects(parts) for name, parts in self._found.items()})
