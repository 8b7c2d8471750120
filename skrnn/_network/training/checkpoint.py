"""Checkpoints: evaluations recorded in a file, so that training can resume.

L-BFGS is a deterministic function of the values it receives. On restart, cached
evaluations are replayed until training reaches the point of interruption; from there it
continues with the same state of the optimizer.

    header | key of theta, size, checksum, values | key of theta, size, ...

The file is append-only: if the process dies during a write, the checksum identifies the
incomplete last entry. A file without an entry is overwritten. If the first loss is not
finite, the file is removed, because the corrected training is a different one.
"""

import json
import os
import struct
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import blake2b
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from skrnn._network.model.parameters import Architecture

from .objective import LossSum

Vector = NDArray[np.float64]

_MAGIC = b"skrnn checkpoint 1\n"
_ENTRY = struct.Struct("<16sQL")  # key, size in bytes, checksum


class Checkpoint:
    """A file of evaluations, open during one training.

    Parameters
    ----------
    path : path-like
    rng : RandomState
        Its state is recorded if the file is new, otherwise set to the recorded state.
    fit : str
        Must be the same for training to resume.
    seeded : bool
        Whether the state of ``rng`` must be the same, too.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, or was written with a different ``fit``.
    """

    def __init__(
        self,
        path: os.PathLike[str] | str,
        rng: np.random.RandomState,
        fit: str,
        *,
        seeded: bool,
    ) -> None:
        self.path = os.fspath(path)
        self._is_first = True
        with ExitStack() as stack:
            self._file: IO[bytes] = stack.enter_context(open(path, "a+b"))
            self._reads = self._read_header(rng, fit, seeded)
            stack.pop_all()

    def __enter__(self) -> Self:
        """Return the checkpoint."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file, and remove it unless the same fit can resume from it."""
        self._file.close()
        if kind is None or issubclass(kind, FloatingPointError):
            os.remove(self.path)

    def cached(self, name: str, evaluate: Callable[[], Any], theta: Vector) -> Vector:
        """Return the recorded values of an evaluation, or evaluate and record them.

        The first evaluation is always computed, to verify that the data are the same.
        """
        key = blake2b(name.encode() + theta.tobytes(), digest_size=16).digest()
        start = self._file.tell()
        entry = self._next_entry() if self._reads else None
        if self._is_first and entry is not None:
            values = np.hstack(evaluate())
            if key != entry[0] or not np.array_equal(values, entry[1], equal_nan=True):
                raise ValueError(self._is_of_another_fit())
        self._is_first = False
        if entry is not None and entry[0] == key:
            return entry[1]
        if self._reads:
            self._file.seek(start)
            self._file.truncate()
            self._reads = False
        values = np.hstack(evaluate())
        content = values.astype("<f8").tobytes()
        self._write(_ENTRY.pack(key, len(content), zlib.crc32(key + content)) + content)
        return values

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._file.flush()

    def _next_entry(self) -> tuple[bytes, Vector] | None:
        head = self._file.read(_ENTRY.size)
        if len(head) < _ENTRY.size:
            return None
        key, size, checksum = _ENTRY.unpack(head)
        content = self._file.read(size)
        if len(content) < size or zlib.crc32(key + content) != checksum:
            return None
        return key, np.frombuffer(content, "<f8").astype(np.float64)

    def _read_header(self, rng: np.random.RandomState, fit: str, seeded: bool) -> bool:
        """Return whether the file contains evaluations to replay."""
        self._file.seek(0)
        if not _MAGIC.startswith(self._file.read(len(_MAGIC))):
            raise ValueError(f"{self.path} is not a checkpoint; it was not changed")
        header = self._file.readline()
        state = rng.get_state(legacy=False)
        text = json.dumps([fit, state], default=np.ndarray.tolist)
        begin = self._file.tell()
        if self._next_entry() is None or not header.endswith(b"\n"):
            self._file.seek(0)
            self._file.truncate()
            self._write(_MAGIC + text.encode() + b"\n")
            return False
        self._file.seek(begin)
        saved, state = json.loads(header)
        if saved != fit or (seeded and [saved, state] != json.loads(text)):
            raise ValueError(self._is_of_another_fit())
        rng.set_state(state)
        return True

    def _is_of_another_fit(self) -> str:
        return (
            f"checkpoint {self.path} was written by a fit of other data, parameters or "
            "number of threads; remove it, or pass another path"
        )


class CheckpointedLoss:
    """A loss sum whose values are cached in a checkpoint."""

    def __init__(self, loss_sum: LossSum, checkpoint: Checkpoint) -> None:
        self.loss_sum = loss_sum
        self.checkpoint = checkpoint
        self.total_weight = loss_sum.total_weight

    def loss_and_gradient(
        self, architecture: Architecture, theta: Vector
    ) -> tuple[float, Vector]:
        """Return the weighted sum of the losses, and its gradient."""
        values = self.checkpoint.cached(
            "gradient",
            lambda: self.loss_sum.loss_and_gradient(architecture, theta),
            theta,
        )
        return float(values[0]), values[1:]

    def loss(self, architecture: Architecture, theta: Vector) -> float:
        """Return the weighted sum of the losses."""
        values = self.checkpoint.cached(
            "loss", lambda: (self.loss_sum.loss(architecture, theta),), theta
        )
        return float(values[0])
