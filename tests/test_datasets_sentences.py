"""The sentences of the standard library's docstrings: found, split and drawn."""

import sysconfig

import numpy as np
import pytest

from skrnn.datasets import load_python_sentences

SOURCE = '''\
"""Read a file. It isn't closed!

Does it matter (e.g. for pipes)?  The limit
is 2.5 MB.

    indented code.

>>> read(1)  # An example is no sentence.

- This is a list.

read(size): a signature of something.

No sentence, for lack of an end
"""

class Reader:
    """Read a file."""

    def read(self):
        "Return the next line."

    async def close(self):
        """Short."""
        text = """This is no docstring."""
'''
EXPECTED = [
    ["Read", "a", "file", "."],
    ["It", "isn't", "closed", "!"],
    ["Does", "it", "matter", "(", "e.g", ".", "for", "pipes", ")", "?"],
    ["The", "limit", "is", "2.5", "MB", "."],
    ["Return", "the", "next", "line", "."],
]


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Stand in for the standard library: a folder that a test may write to."""
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": str(tmp_path)}.get)
    (tmp_path / "module.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_sentences_are_those_of_docstrings(library):
    (library / "broken.py").write_text('"""A file that cannot be parsed.""" def (')
    sentences = load_python_sentences()
    assert sentences.data.tolist() == EXPECTED
    assert sentences.groups.tolist() == ["module.py"] * len(EXPECTED)


def test_a_sentence_belongs_to_the_first_file_that_has_it(library):
    (library / "later.py").write_text('"""Something new here. Return the next line."""')
    sentences = load_python_sentences()
    files = dict(zip(map(" ".join, sentences.data), sentences.groups, strict=True))
    assert files["Something new here ."] == "later.py"
    assert files["Return the next line ."] == "later.py"
    assert files["Read a file ."] == "module.py"


def test_lengths_are_limited(library):
    def lengths(**limits):
        return [len(sentence) for sentence in load_python_sentences(**limits).data]

    assert lengths(min_length=5, max_length=6) == [6, 5]
    assert lengths(min_length=1) == [4, 4, 10, 6, 5, 2]
    assert lengths(min_length=7, max_length=None) == [10]


def test_sentences_are_drawn_at_random_and_are_copies(library):
    drawn = [load_python_sentences(3, random_state=seed).data for seed in range(9)]
    assert len({str(data.tolist()) for data in drawn}) > 1
    again = load_python_sentences(3, random_state=0).data
    assert again.tolist() == drawn[0].tolist()
    again[0].append("changed")
    assert "changed" not in load_python_sentences(3, random_state=0).data[0]


def test_more_than_there_are_is_an_error(library):
    with pytest.raises(ValueError, match="only 5 sentences of these lengths"):
        load_python_sentences(6)


def test_the_library_has_thousands_of_sentences():
    sentences = load_python_sentences()
    assert len(sentences.data) > 5000
    assert len(np.unique(sentences.groups)) > 300
    words = {word for sentence in sentences.data for word in sentence}
    assert {"the", "returns", "file", "."} <= words
