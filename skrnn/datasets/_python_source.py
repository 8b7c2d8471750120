"""Python source code, each character labeled with the type of its token."""

import io
import keyword
import os
import re
import sysconfig
import token
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from skrnn._validation.containers import objects
from skrnn._validation.persistence import set_module

from ._common import POSITIVE, Seed, check_available, finish, shuffled, validate

_LABELS = np.array(
    ["space", "keyword", "name", "number", "string", "comment", "operator"]
)
_CODE = {str(label): code for code, label in enumerate(_LABELS)}
_LABEL_OF_TOKEN = {
    token.NAME: "name",
    token.NUMBER: "number",
    token.STRING: "string",
    token.COMMENT: "comment",
    token.OP: "operator",
}
_NOT_LIBRARY = {"site-packages", "dist-packages", "test", "tests", "idle_test"}
_OPERATORS = set(token.EXACT_TOKEN_TYPES) - {"!"}
_LINES_PER_FILE = 50


@set_module("skrnn.datasets")
def load_python_source(
    n_lines: int | None = 2000,
    *,
    min_length: int = 1,
    max_length: int | None = 79,
    random_state: Seed = None,
    return_X_y: bool = False,
) -> Any:
    """Load lines of the Python standard library with a label for every character.

    The source is real text of variable length, with ground truth from the `tokenize`
    module. Each line is a sequence and each character a step, labeled space, keyword,
    name, number, string, comment or operator.

    Parameters
    ----------
    n_lines : int or None, default=2000
        Number of lines. They come from files drawn at random, at first at most 50 lines
        from each, so that few files are read. None returns all lines in the order of
        the library (takes a few seconds).
    min_length : int, default=1
        Minimum length of a line, in characters, including indentation.
    max_length : int or None, default=79
        Maximum length of a line; None for no limit.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for drawing lines. The same seed gives the same lines with the
        same version of Python.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_lines,), dtype object
            The lines as str without the newline, without duplicates or blank lines.
        target : ndarray of shape (n_lines,), dtype object
            For each line an ndarray of shape (n_characters,) of str labels.
        target_names : ndarray of shape (7,)
            The labels.
        groups : ndarray of shape (n_lines,)
            The file each line comes from, for
            :class:`~sklearn.model_selection.GroupKFold`.

    (data, target) : tuple
        Only these two, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If the library has fewer than `n_lines` lines of these lengths.
    FileNotFoundError
        If the source of the standard library is not installed.

    Notes
    -----
    Keywords are those of :func:`keyword.iskeyword`, so `match`, `case` and `type`
    are names. Brackets, commas and the backslash at the end of a line are operators.
    Ignored are blank lines; lines that share a token with another line (docstrings);
    lines with an expression inside an f-string, which Python tokenizes only since 3.12;
    files that cannot be decoded or tokenized; and test directories.

    Examples
    --------
    >>> from skrnn.datasets import load_python_source
    >>> source = load_python_source(n_lines=100, random_state=0)
    >>> source.data.shape, source.target.shape
    ((100,), (100,))
    >>> len(source.data[0]) == len(source.target[0])
    True
    >>> source.target_names.tolist()
    ['space', 'keyword', 'name', 'number', 'string', 'comment', 'operator']
    """
    validate("load_python_source", locals(), max_length=[POSITIVE, None])
    rng = check_random_state(random_state)
    root = Path(sysconfig.get_path("stdlib"))
    paths = _library_files(root)
    if n_lines is not None:
        paths = shuffled(paths, rng)
    longest = float("inf") if max_length is None else max_length
    chosen: list[tuple[str, bytes, str]] = []
    spare: list[tuple[str, bytes, str]] = []
    seen: set[str] = set()
    for path in paths:
        fresh = []
        for line, codes in _lines_of_file(path):
            if min_length <= len(line) <= longest and line not in seen:
                seen.add(line)
                fresh.append((line, codes, path.relative_to(root).as_posix()))
        if n_lines is None:
            chosen += fresh
            continue
        fresh = shuffled(fresh, rng)
        chosen += fresh[:_LINES_PER_FILE]
        spare += fresh[_LINES_PER_FILE:]
        if len(chosen) >= n_lines:
            break
    if n_lines is not None:
        check_available("n_lines", n_lines, len(chosen) + len(spare))
        if len(chosen) < n_lines:
            chosen += shuffled(spare, rng)
        chosen = chosen[:n_lines]
    bunch = Bunch(
        data=objects([line for line, _, _ in chosen]),
        target=objects([_LABELS[list(codes)] for _, codes, _ in chosen]),
        target_names=_LABELS.copy(),
        groups=np.array([group for _, _, group in chosen], dtype=str),
    )
    return finish(bunch, return_X_y)


def _library_files(root: Path) -> list[Path]:
    paths = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _NOT_LIBRARY]
        paths += [Path(folder, name) for name in files if name.endswith(".py")]
    if not paths:
        raise FileNotFoundError(
            f"no Python source under {root}; this Python comes without the source "
            "of its standard library"
        )
    return sorted(paths)


def _lines_of_file(path: Path) -> list[tuple[str, bytes]]:
    try:
        with tokenize.open(path) as file:
            return list(_labeled_lines(file.read()))
    except (OSError, SyntaxError, UnicodeDecodeError, tokenize.TokenError):
        return []


def _labeled_lines(source: str) -> Iterator[tuple[str, bytes]]:
    """Yield each line and the indices of its labels in `_LABELS`."""
    lines = source.split("\n")
    codes = [bytearray(len(line)) for line in lines]
    left_out: set[int] = set()
    for kind, (first, start), (last, end) in _tokens(source):
        if first != last:
            left_out.update(range(first - 1, last))
            continue
        row, text = first - 1, lines[first - 1][start:end]
        if kind == token.STRING and _has_expression(text):
            left_out.add(row)
        label = "keyword" if keyword.iskeyword(text) else _LABEL_OF_TOKEN[kind]
        codes[row][start:end] = bytes([_CODE[label]]) * len(text)
    for row, (line, code) in enumerate(zip(lines, codes, strict=True)):
        if row in left_out or not line.strip():
            continue
        if line.endswith("\\") and code[-1] == _CODE["space"]:
            code[-1] = _CODE["operator"]
        yield line, bytes(code)


def _tokens(source: str) -> Iterator[tuple[int, tuple[int, int], tuple[int, int]]]:
    """Yield type, start and end of each token; an f-string is one string.

    Python 3.11 returns an f-string as one token, later versions as several.
    """
    depth, start = 0, (0, 0)
    for item in tokenize.generate_tokens(io.StringIO(source).readline):
        name = token.tok_name[item.type]
        if name.endswith("STRING_START"):
            start = start if depth else item.start
            depth += 1
        elif name.endswith("STRING_END"):
            depth -= 1
            if not depth:
                yield token.STRING, start, item.end
        elif depth:
            continue
        elif _is_stray(item):
            raise tokenize.TokenError(f"not a Python token: {item.string!r}")
        elif item.type in _LABEL_OF_TOKEN:
            yield item.type, item.start, item.end


def _is_stray(item: tokenize.TokenInfo) -> bool:
    # Since Python 3.12, stray characters are operators or names, not errors.
    if item.type == token.OP:
        return item.string not in _OPERATORS
    if item.type == token.NAME:
        return not item.string.isidentifier()
    return item.type == token.ERRORTOKEN


def _has_expression(string: str) -> bool:
    prefix = re.split("['\"]", string, maxsplit=1)[0].lower()
    if not {"f", "t"} & set(prefix):
        return False
    # A double brace is text, and so is the brace in \N{DASH} unless the string is raw.
    literal = r"\{\{" if "r" in prefix else r"\{\{|\\N\{|\\[^N{]"
    return "{" in re.sub(literal, "", string)
