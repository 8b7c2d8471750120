"""What a fault is."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One replacement in one module, and the tests that must notice it."""

    name: str
    module: str  # path in skrnn, without .py
    old: str
    new: str
    tests: str  # names of test files, without test_
