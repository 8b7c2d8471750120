"""Sentences of the Python standard library's documentation."""

import ast
import re
import sysconfig
import tokenize
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch, check_random_state

from skrnn._validation.containers import objects
from skrnn._validation.persistence import set_module

from ._common import POSITIVE, Seed, draw, validate
from ._python_source import _library_files

_WORD = re.compile(r"\w+(?:[.'-]\w+)*|[^\w\s]")
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])")
# Paragraphs that are no prose: examples, lists, tables and headings.
_NOT_PROSE = re.compile(r"^(\s|>>>|[-*+|=~^#:@]|\w+\s*[:=(]|\d+[.)])", re.MULTILINE)


@set_module("skrnn.datasets")
def load_python_sentences(
    n_sentences: int | None = None,
    *,
    min_length: int = 3,
    max_length: int | None = 50,
    random_state: Seed = None,
) -> Bunch:
    """Load sentences of the Python standard library's docstrings as lists of words.

    Plain English with technical terms, for language models of words.

    Parameters
    ----------
    n_sentences : int or None, default=None
        Number of sentences, drawn uniformly at random. None returns all sentences in
        the order of the library.
    min_length : int, default=3
        Minimum length of a sentence, in words and punctuation marks.
    max_length : int or None, default=50
        Maximum length of a sentence; None for no limit.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for drawing sentences. The same seed gives the same sentences
        with the same version of Python.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_sentences,), dtype object
            Each sentence as a list of words and punctuation marks, without duplicates.
        groups : ndarray of shape (n_sentences,)
            The file each sentence comes from, for
            :class:`~sklearn.model_selection.GroupKFold`.

    Raises
    ------
    ValueError
        If the library has fewer than `n_sentences` sentences of these lengths.
    FileNotFoundError
        If the source of the standard library is not installed.

    Notes
    -----
    Sentences are parts of the docstrings of modules, classes and functions. Paragraphs
    with indented lines, examples, lists or signatures are ignored, and so are test
    directories, and files that cannot be decoded or parsed. The first call reads the
    whole library, which takes a few seconds.

    Examples
    --------
    >>> from skrnn.datasets import load_python_sentences
    >>> sentences = load_python_sentences(1000, random_state=0)
    >>> sentences.data.shape, sentences.groups.shape
    ((1000,), (1000,))
    >>> isinstance(sentences.data[0], list)
    True
    """
    validate("load_python_sentences", locals(), max_length=[POSITIVE, None])
    rng = check_random_state(random_state)
    longest = float("inf") if max_length is None else max_length
    found = [
        (sentence, file)
        for sentence, file in _all_sentences(Path(sysconfig.get_path("stdlib")))
        if min_length <= len(sentence) <= longest
    ]
    found = draw("n_sentences", found, n_sentences, rng)
    return Bunch(
        data=objects(list(sentence) for sentence, _ in found),
        groups=np.array([file for _, file in found], dtype=str),
    )


@cache
def _all_sentences(root: Path) -> list[tuple[tuple[str, ...], str]]:
    """Return the sentences under a folder, each with the first file that has it."""
    files: dict[tuple[str, ...], str] = {}
    for path in _library_files(root):
        for docstring in _docstrings_of_file(path):
            for sentence in _sentences_of(docstring):
                files.setdefault(sentence, path.relative_to(root).as_posix())
    return list(files.items())


def _docstrings_of_file(path: Path) -> Iterator[str]:
    try:
        with tokenize.open(path) as file, warnings.catch_warnings():
            # Outdated escapes in the library cause warnings.
            warnings.simplefilter("ignore")
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(tree):
        if isinstance(node, documented) and (text := ast.get_docstring(node)):
            yield text


def _sentences_of(docstring: str) -> Iterator[tuple[str, ...]]:
    """Yield the sentences of the paragraphs that are prose."""
    for paragraph in re.split(r"\n\s*\n", docstring):
        if _NOT_PROSE.search(paragraph):
            continue
        for sentence in _END.split(" ".join(paragraph.split())):
            if sentence[-1:] in (".", "!", "?"):
                yield tuple(_WORD.findall(sentence))
