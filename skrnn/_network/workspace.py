"""Buffers that are used again, from one batch to the next and from call to call.

The operating system takes back freed memory, and clears each page that it hands out
again, which for small networks takes longer than the computation.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

Memory = Callable[[int, int], Array]  # from a shape to an uninitialized array

# Bytes to keep between calls, of all threads together, about.
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


# For each type, the workspaces that nobody uses, and their sizes in bytes.
_kept: defaultdict[np.dtype[Any], list[tuple[Workspace, int]]] = defaultdict(list)


@contextmanager
def borrowed_workspace(dtype: np.dtype[Any]) -> Iterator[Workspace]:
    """Lend a workspace of an earlier call, and keep it for a later one if it is small.

    Parameters
    ----------
    dtype : dtype
    """
    try:
        space, _ = _kept[dtype].pop()  # a single operation: no other thread gets it
    except IndexError:
        space = Workspace(dtype)
    try:
        yield space
    finally:
        # Workspaces that other threads take meanwhile may change, their sizes here not.
        n_kept = sum(n for spaces in [*_kept.values()] for _, n in [*spaces])
        if n_kept + space.nbytes <= _MAX_KEPT:
            _kept[dtype].append((space, space.nbytes))
