"""Identifiers of the Python standard library, and their frequencies."""

import ast
import sysconfig
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from skrnn._validation.containers import objects
from skrnn._validation.persistence import set_module

from ._common import POSITIVE, Seed, draw, validate
from ._python_source import _library_files


@set_module("skrnn.datasets")
def load_python_names(
    n_names: int | None = None,
    *,
    min_length: int = 1,
    max_length: int | None = None,
    random_state: Seed = None,
) -> Bunch:
    """Load the names that the Python standard library defines.

    Names of modules, classes, functions, parameters, variables and attributes: tens of
    thousands of words with their frequencies in the library. They are typical entries
    for autocompletion of code.

    Parameters
    ----------
    n_names : int or None, default=None
        Number of names, drawn uniformly at random. None returns all names in
        alphabetical order.
    min_length : int, default=1
        Minimum length of a name, in characters.
    max_length : int or None, default=None
        Maximum length of a name; None for no limit.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for drawing names. The same seed gives the same names with the
        same version of Python.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_names,), dtype object
            The names as str, without duplicates.
        frequency : ndarray of shape (n_names,)
            How often the library defines or uses each name; can serve as
            `sample_weight`.

    Raises
    ------
    ValueError
        If the library has fewer than `n_names` names of these lengths.
    FileNotFoundError
        If the source of the standard library is not installed.

    Notes
    -----
    A name is defined where it is assigned to, imported as, or given to a function, a
    class, a parameter or a module. Test directories, and files that cannot be decoded
    or parsed, are ignored. The first call reads the whole library, which takes a few
    seconds.

    Examples
    --------
    >>> from skrnn.datasets import load_python_names
    >>> names = load_python_names()
    >>> len(names.data) > 10_000
    True
    >>> str(names.data[names.frequency.argmax()])
    'self'
    """
    validate("load_python_names", locals(), max_length=[POSITIVE, None])
    rng = check_random_state(random_state)
    longest = float("inf") if max_length is None else max_length
    counted = _counted_names(Path(sysconfig.get_path("stdlib")))
    names = [n for n in counted if min_length <= len(n) <= longest]
    names = draw("n_names", names, n_names, rng)
    return Bunch(
        data=objects(names),
        frequency=np.array([counted[name] for name in names], dtype=np.intp),
    )


@cache
def _counted_names(root: Path) -> dict[str, int]:
    """Count the uses of all names defined under a folder, in alphabetical order."""
    used: Counter[str] = Counter()
    defined: set[str] = set()
    for path in _library_files(root):
        found = list(_names_of_file(path))
        used.update(name for name, _ in found)
        defined.update(name for name, is_new in found if is_new)
    return {name: used[name] for name in sorted(defined)}


def _names_of_file(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield every name in a file, and whether it is defined there."""
    try:
        with tokenize.open(path) as file, warnings.catch_warnings():
            # Outdated escapes in the library cause warnings.
            warnings.simplefilter("ignore")
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return
    if path.stem.isidentifier() and not path.stem.startswith("__"):
        yield path.stem, True
    for node in ast.walk(tree):
        yield from _names_of_node(node)


def _names_of_node(node: Any) -> Iterator[tuple[str, bool]]:
    """Yield the names of a node, without its children."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, True
        case ast.arg():
            yield node.arg, True
        case ast.Name():
            yield node.id, isinstance(node.ctx, ast.Store)
        case ast.Attribute():
            yield node.attr, isinstance(node.ctx, ast.Store)
        case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
            yield name, True
        case ast.keyword(arg=str(name)):
            yield name, False
