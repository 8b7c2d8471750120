"""Batches stored in a temporary file instead of in memory.

Each batch is written when it is packed, and accessed as views of one memory map of the
file. So the process itself holds at most one batch in memory. The operating system
caches as many pages of the map as there is room for, and reads the others again.

Repacking at every evaluation would need no file, but it reads X in an order that is
inefficient for any disk, and takes up to twice as long as the evaluation.
"""

import mmap
import pickle
import tempfile
from collections.abc import Iterable
from typing import IO

from .packing import Batch

# Alignment of arrays for vector instructions.
_ALIGNMENT = 64


def to_disk(batches: Iterable[Batch]) -> list[Batch]:
    """Move batches, one after another, to a temporary file.

    Where the operating system supports it, the file has no name, so nothing is left
    however the process ends. Its space is freed when the batches are deleted.

    Parameters
    ----------
    batches : iterable of Batch

    Returns
    -------
    list of Batch
        The same batches, with read-only arrays.

    Raises
    ------
    OSError
        If the temporary directory has not enough space.
    """
    try:
        with tempfile.TemporaryFile() as file:
            written = [_write(file, batch) for batch in batches]
            file.flush()
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}; the steps of a memory-mapped X are packed into a "
            "temporary file: set TMPDIR to a directory with room for a copy of X",
            tempfile.gettempdir(),
        ) from error
    return [
        pickle.loads(frame, buffers=[content[span] for span in spans])
        for frame, spans in written
    ]


def _write(file: IO[bytes], batch: Batch) -> tuple[bytes, list[slice]]:
    """Return the batch without its arrays, and their positions in the file."""
    buffers: list[pickle.PickleBuffer] = []
    frame = pickle.dumps(batch, protocol=5, buffer_callback=buffers.append)
    spans = []
    for buffer in buffers:
        start = file.tell()
        content = buffer.raw()
        file.write(content)
        spans.append(slice(start, start + content.nbytes))
        file.write(bytes(-content.nbytes % _ALIGNMENT))
    return frame, spans
