"""The names of the standard library: defined, counted and drawn."""

import sysconfig

import pytest
from numpy.testing import assert_array_equal

from skrnn.datasets import load_python_names

SOURCE = '''\
import os.path as way, sys
from json import loads
limit: int = sys.maxsize

class Reader(Base):
    def read(self, *args, size=limit, **options):
        """Not a name."""
        self.size = size
        with open(way, encoding="utf-8") as file:
            return [line for line in file]
        try:
            pass
        except ValueError as error:
            raise error
'''
EXPECTED = {
    "Reader": 1,
    "args": 1,
    "error": 2,
    "file": 2,
    "limit": 2,
    "line": 2,
    "module": 1,
    "options": 1,
    "read": 1,
    "self": 2,
    "size": 3,
    "way": 2,
}


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Stand in for the standard library: a folder that a test may write to."""
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": str(tmp_path)}.get)
    (tmp_path / "module.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_names_are_those_defined_with_the_times_they_are_used(library):
    names = load_python_names()
    assert dict(zip(names.data, names.frequency.tolist(), strict=True)) == EXPECTED
    assert names.data.tolist() == sorted(EXPECTED)


def test_uses_in_other_files_count(library):
    (library / "other.py").write_text("from module import limit; limit + loads(limit)")
    (library / "broken.py").write_text("def (")
    (library / "__main__.py").write_text("\\d = 1 \x00")
    names = load_python_names()
    assert names.frequency[names.data == "limit"] == EXPECTED["limit"] + 2
    assert sorted(set(names.data) - set(EXPECTED)) == ["other"]


def test_files_that_no_python_reads_are_left_out(library):
    (library / "latin.py").write_bytes(b"caf\xe9 = 1")
    assert set(load_python_names().data) == set(EXPECTED)


def test_lengths_have_limits(library):
    names = load_python_names(min_length=4, max_length=5)
    assert names.data.tolist() == sorted(n for n in EXPECTED if 4 <= len(n) <= 5)


def test_names_are_drawn_by_the_seed(library):
    one, same, other = (load_python_names(6, random_state=seed) for seed in (0, 0, 1))
    assert_array_equal(one.data, same.data)
    assert set(one.data) != set(other.data)
    assert len(set(one.data)) == 6
    assert one.frequency.tolist() == [EXPECTED[name] for name in one.data]


def test_more_names_than_there_are_is_an_error(library):
    with pytest.raises(ValueError, match=r"n_names=13 but there are only 12 names"):
        load_python_names(13)


def test_no_library_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": str(tmp_path)}.get)
    with pytest.raises(FileNotFoundError, match="without the source"):
        load_python_names()
