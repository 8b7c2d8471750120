"""Buffers that are used again, from one batch to the next and from call to call.

The operating system takes back freed memory, and clears each page that it hands out
again, which for small networks takes longer than the computation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .data.inputs import Array

# Bytes to keep between calls, of all threads together.
_MAX_KEPT = 1 << 25


class Workspace:
    """Buffers that are reused from one batch to the next."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._buffers: dict[object, Array] = {}

    def rows(
        self,
        name: object,
        n_rows: int,
        n_columns: int,
        dtype: np.dtype[Any] | None = None,
    ) -> Array:
        """Return an uninitialized array of shape (n_rows, n_columns)."""
        size = n_rows * n_columns
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size, dtype or self.dtype)
        return buffer[:size].reshape(n_rows, n_columns)

    @property
    def nbytes(self) -> int:
        """Size of all buffers."""
        return sum(buffer.nbytes for buffer in self._buffers.values())


_kept: list[Workspace] = []  # each used by one thread at a time


@contextmanager
def borrowed_workspace(dtype: np.dtype[Any]) -> Iterator[Workspace]:
    """Lend a workspace of an earlier call, and keep it for a later one if it is small.

    Parameters
    ----------
    dtype : dtype
    """
    try:
        space = _kept.pop()  # by a single operation: no other thread gets it
    except IndexError:
        space = Workspace(dtype)
    if space.dtype != dtype:
        space = Workspace(dtype)
    try:
        yield space
    finally:
        if space.nbytes + sum(other.nbytes for other in _kept) <= _MAX_KEPT:
            _kept.append(space)
