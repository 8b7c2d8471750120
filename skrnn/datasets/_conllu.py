"""Words and their annotation in files of Universal Dependencies (CoNLL-U)."""

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from skrnn._validation.containers import shown
from skrnn._validation.persistence import set_module

from ._common import Columns, lines_of


@set_module("skrnn.datasets")
def read_conllu(
    path: str | PathLike[str],
    columns: Sequence[str] = ("form", "upos"),
    *,
    encoding: str = "utf-8",
) -> Bunch:
    r"""Read a CoNLL-U file with the package conllu.

    Multiword tokens and empty nodes are left out: the words of a sentence are its
    syntactic words, each with its annotation. Files of CoNLL-U Plus name their columns
    in their first line, ``# global.columns = ...``. The file is read sentence by
    sentence.

    Parameters
    ----------
    path : str or path-like
        The file.
    columns : sequence of str, default=("form", "upos")
        Columns to read, by their names in lower case: "id", "form", "lemma", "upos",
        "xpos", "feats", "head", "deprel", "deps" and "misc", or those of CoNLL-U Plus.
    encoding : str, default="utf-8"
        Encoding of the file. A byte-order mark is left out.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        Dictionary-like object with an attribute for each of `columns`:

        ndarray of shape (n_sentences,), dtype object
            For each sentence, an object array of shape (n_words_i,) of str, as in the
            file: "_" where nothing is annotated.

    Raises
    ------
    ImportError
        If the package conllu is not installed.
    ValueError
        If a line is malformed or the text not in `encoding`; if there is no such
        column; if `columns` names none, or one twice.
    OSError
        If the file cannot be read.

    See Also
    --------
    read_conll : Read other files with one word a line.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skrnn.datasets import read_conllu
    >>> rows = [("1-2", "zum", "_"), ("1", "zu", "ADP"), ("2", "dem", "DET")]
    >>> lines = [f"{i}\t{form}\t_\t{upos}" + 6 * "\t_" for i, form, upos in rows]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "words.conllu")
    ...     _ = path.write_text("\n".join(lines) + "\n\n")
    ...     sentences = read_conllu(path)
    >>> sentences.form[0], sentences.upos[0]
    (array(['zu', 'dem'], dtype=object), array(['ADP', 'DET'], dtype=object))
    """
    try:
        import conllu
    except ImportError as error:
        raise ImportError(
            "read_conllu needs the package conllu: pip install 'skrnn[conllu]'"
        ) from error
    found = Columns(columns)
    # Fields as they are written, but for the id, which tells words from others.
    parsers = dict.fromkeys(conllu.parser.DEFAULT_FIELD_PARSERS, _as_written)
    parsers["id"] = conllu.parser.DEFAULT_FIELD_PARSERS["id"]
    lines = _Lines(Path(path), encoding)
    try:
        for sentence in conllu.parse_incr(lines, field_parsers=parsers):
            words = [word for word in sentence if _is_word(word)]
            for name in found.names:
                if words and name not in words[0]:
                    raise ValueError(f"{path} has no column {name!r}")
            if words:
                found.append([[str(w[name]) for name in found.names] for w in words])
    except conllu.exceptions.ParseException as error:
        raise ValueError(f"{path}, up to line {lines.number}: {error}") from error
    return found.as_bunch()


class _Lines:
    """The lines of a file, checked and counted, in the form that conllu reads.

    conllu takes two spaces for the end of a field, leaves out white space of any kind
    around a line, and ignores fields that are too many or too few.
    """

    def __init__(self, path: Path, encoding: str) -> None:
        self._path = path
        self._lines = lines_of(path, encoding)
        self.number = 0

    def read(self) -> str:
        """Return all that is left; conllu asks whether it could."""
        return "".join(self)

    def __iter__(self) -> Iterator[str]:
        n_columns = 10
        for line in self._lines:
            self.number += 1
            if line.startswith("# global.columns ="):
                n_columns = len(line.partition("=")[2].split())
            elif not line.startswith("#") and line.strip(" \t"):
                self._check(line, n_columns)
            yield f"{line}\n"

    def _check(self, line: str, n_columns: int) -> None:
        """Raise unless a line has as many fields as there are columns."""
        n_fields = line.count("\t") + 1
        if n_fields != n_columns:
            what = f"{n_fields} fields instead of {n_columns}"
        elif line != line.strip() or "  " in line or "\r" in line:
            what = "white space at the wrong place"
        else:
            return
        raise ValueError(f"{self._path}, line {self.number}: {what}: {shown(line)}")


def _as_written(fields: list[str], i: int) -> str:
    return fields[i]


def _is_word(token: Any) -> bool:
    """Tell a word from a range of words such as 1-2, and an empty node such as 1.1."""
    return not isinstance(token.get("id"), tuple)
