"""Columns of words and labels in text files, one word a line (CoNLL)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from skrnn._validation.containers import plain, shown
from skrnn._validation.persistence import set_module

from ._common import BYTE_ORDER_MARK, Columns, lines_of

_DOCUMENT = "-DOCSTART-"
_BLANK = " \t"  # other white space, such as no-break spaces, occurs in words
_SPACES = re.compile("[ \t]+")


@set_module("skrnn.datasets")
def read_conll(
    path: str | PathLike[str],
    columns: Sequence[str | None] = ("word", "label"),
    *,
    sep: str | None = None,
    comment: str | None = None,
    encoding: str = "utf-8",
) -> Bunch:
    r"""Read a CoNLL file: one token a line, its fields in columns.

    Blank lines separate sequences. Nothing else has a meaning: quotes, "NA" and "null"
    are words. Lines that begin with ``-DOCSTART-`` begin a new document and are left
    out, as is a byte-order mark. The file is read line by line.

    Parameters
    ----------
    path : str or path-like
        The file.
    columns : sequence of str or None, default=("word", "label")
        Name of each column of the file, from the left; None for columns to leave out.
    sep : str, default=None
        Separator of the columns. None takes a tab if there is one in the first line
        with a token, else any number of spaces and tabs.
    comment : str, default=None
        Lines that begin with it and do not have all columns are left out. With all
        columns they are tokens: many words of social media begin with "#".
    encoding : str, default="utf-8"
        Encoding of the file.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        Dictionary-like object with an attribute for each named column:

        ndarray of shape (n_sequences,), dtype object
            For each sequence, an object array of shape (n_steps_i,) of str.

    Raises
    ------
    ValueError
        If a line does not have as many fields as there are columns, the text is not in
        `encoding`, or a parameter is out of range.
    OSError
        If the file cannot be read.

    See Also
    --------
    read_conllu : Read files of Universal Dependencies.
    write_conll : Write such a file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skrnn.datasets import read_conll
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "tags.conll")
    ...     _ = path.write_text("Ann\tB-PER\nreads\tO\n\nYes\tO\n")
    ...     sentences = read_conll(path)
    >>> len(sentences.word), sentences.label[0]
    (2, array(['B-PER', 'O'], dtype=object))
    """
    found = Columns(columns)
    if "" in (sep, comment):
        raise ValueError("sep and comment must not be empty; None stands for neither")
    if sep is None:
        sep = _separator(Path(path), comment, encoding)
    for rows in _sequences(Path(path), len(found.names), sep, comment, encoding):
        found.append(rows)
    return found.as_bunch()


def _sequences(
    path: Path, n_columns: int, sep: str | None, comment: str | None, encoding: str
) -> Iterator[list[list[str]]]:
    """Yield the rows of each sequence."""
    rows: list[list[str]] = []
    for number, line in enumerate(lines_of(path, encoding), start=1):
        if _is_between(line):
            if rows:
                yield rows
            rows = []
            continue
        fields = _SPACES.split(line.strip(_BLANK)) if sep is None else line.split(sep)
        if len(fields) == n_columns:
            rows.append(fields)
        elif comment is None or not line.startswith(comment):
            raise ValueError(
                f"{path}, line {number}: {len(fields)} fields instead of {n_columns}: "
                f"{shown(line)}"
            )
    if rows:
        yield rows


def _separator(path: Path, comment: str | None, encoding: str) -> str | None:
    """Return a tab if the first line with a token has one, else None."""
    for line in lines_of(path, encoding):
        is_comment = comment is not None and line.startswith(comment)
        if not _is_between(line) and ("\t" in line or not is_comment):
            return "\t" if "\t" in line else None
    return None


def _is_between(line: str) -> bool:
    """Return whether a line ends a sequence."""
    return not line.strip(_BLANK) or line.startswith(_DOCUMENT)


@set_module("skrnn.datasets")
def write_conll(
    path: str | PathLike[str],
    sequences: Mapping[str, Any],
    *,
    sep: str = "\t",
) -> None:
    r"""Write sequences as a CoNLL file, in UTF-8.

    `read_conll` with the same `sep` reads the same.

    Parameters
    ----------
    path : str or path-like
        The file. An existing file is overwritten.
    sequences : mapping of str to array-like of n_sequences array-like of str
        The columns of the file by name, from the left, as `read_conll` returns them:
        for each sequence its tokens. Names are not written.
    sep : str, default="\t"
        Separator of the columns.

    Raises
    ------
    ValueError
        If the columns do not have the same numbers of sequences and of tokens, a
        sequence is empty, or a line would be read as something else: because a field
        contains the separator or the end of a line, or all are blank; if a string is
        no text, as half of a surrogate pair.
    TypeError
        If a field is not a str.
    OSError
        If the file cannot be written.

    See Also
    --------
    read_conll : Read such a file.
    """
    columns = {
        name: [list(part) for part in plain(sequences[name], name)]
        for name in sequences
    }
    if not columns:
        raise ValueError("sequences must have at least one column")
    if not sep or "\n" in sep:
        raise ValueError(f"sep must be a separator within a line; got {sep!r}")
    lengths = {name: [len(part) for part in parts] for name, parts in columns.items()}
    first = next(iter(lengths))
    for name, found in lengths.items():
        if found != lengths[first]:
            raise ValueError(
                f"columns {first!r} and {name!r} have different numbers of sequences "
                "or tokens"
            )
    text: list[str] = []
    for i, parts in enumerate(zip(*columns.values(), strict=True)):
        if not parts[0]:
            raise ValueError(f"sequence {i} is empty, which a blank line cannot show")
        text += [_line(fields, sep, i) for fields in zip(*parts, strict=True)]
        text.append("\n")
    if text and text[0].startswith(BYTE_ORDER_MARK):  # reading removes one
        text.insert(0, BYTE_ORDER_MARK)
    content = "".join(text).encode()  # an error leaves the file as it was
    Path(path).write_bytes(content)


def _line(fields: tuple[Any, ...], sep: str, i: int) -> str:
    """Return the line of a token, checked to be read as these fields."""
    for field in fields:
        if not isinstance(field, str):
            raise TypeError(
                f"sequence {i} has {shown(field)} of type {type(field).__name__}; "
                "write strings"
            )
        if sep in field or "\n" in field or "\r" in field:
            raise ValueError(
                f"sequence {i} has {shown(field)}, which contains the separator or the "
                "end of a line"
            )
    line = sep.join(fields)
    if tuple(line.split(sep)) != fields:  # as of "x|" and "y" with the separator "||"
        raise ValueError(
            f"sequence {i} has {shown(fields)}, which {sep!r} does not divide"
        )
    if _is_between(line):
        raise ValueError(
            f"sequence {i} has a token {shown(line)}, which would be read as the end "
            "of the sequence"
        )
    return f"{line}\n"
