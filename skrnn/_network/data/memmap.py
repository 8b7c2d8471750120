"""Batches kept in a temporary file instead of in memory.

A batch is written when it is packed and read back as views of one map of the file, so
no more than a batch is in memory that belongs to the process. Pages of the map are the
operating system's: it keeps as many as there is room for and reads others again.

Repacking at every evaluation would need no file, but reads X in an order that suits no
disk and takes up to twice as long as the evaluation.
"""

import mmap
import pickle
import tempfile
from collections.abc import Iterable
from typing import IO, NamedTuple

from .packing import Batch

# Arrays begin where vector instructions like it.
_ALIGNMENT = 64


class _Written(NamedTuple):
    """A batch less the content of its arrays, and where that is in the file."""

    frame: bytes
    spans: list[slice]


def to_disk(batches: Iterable[Batch]) -> list[Batch]:
    """Move batches, one after another, to a temporary file.

    The file has no name wherever the system knows such files, so that nothing is left
    of it however the process ends. Its space is free again when the batches are gone.

    Parameters
    ----------
    batches : iterable of Batch

    Returns
    -------
    list of Batch
        The same batches; their arrays cannot be written to.

    Raises
    ------
    OSError
        If the directory of temporary files has no room.
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
            "temporary file: let TMPDIR name a directory with room for as much as X",
            tempfile.gettempdir(),
        ) from error
    return [
        pickle.loads(frame, buffers=[content[span] for span in spans])
        for frame, spans in written
    ]


def _write(file: IO[bytes], batch: Batch) -> _Written:
    buffers: list[pickle.PickleBuffer] = []
    frame = pickle.dumps(batch, protocol=5, buffer_callback=buffers.append)
    spans = []
    for buffer in buffers:
        start = file.tell()
        content = buffer.raw()
        file.write(content)
        spans.append(slice(start, start + content.nbytes))
        file.write(bytes(-content.nbytes % _ALIGNMENT))
    return _Written(frame, spans)
