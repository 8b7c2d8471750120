"""Checkpoints: evaluations recorded in a file, so that training can resume.

L-BFGS is a deterministic function of the values it receives. On restart, cached
evaluations are replayed until training reaches the point of interruption; from there it
continues with the same state of the optimizer.

Every line of the file is a checksum and its content: first the fit and the state of the
random numbers, then for each evaluation the key of theta and the values. The file is
append-only: if the process dies during a write, the checksum identifies the incomplete
last line. A file without an evaluation is overwritten. If the first loss is not
finite, the file is removed, because the corrected training is a different one.
"""

import base64
import json
import os
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import blake2b
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from skrnn._network.model.parameters import Architecture

from .objective import LossSum

Vector = NDArray[np.float64]

_MAGIC = b"skrnn checkpoint 2\n"


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

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the file, and remove it unless the same fit can resume from it."""
        self._file.close()
        if kind is None or issubclass(kind, FloatingPointError):
            os.remove(self.path)

    def cached(
        self,
        name: str,
        evaluate: Callable[[], Any],
        theta: Vector,
        *,
        verify: bool = False,
    ) -> Vector:
        """Return the recorded values of an evaluation, or evaluate and record them.

        With ``verify``, and for the first of the others, the values are always
        computed, to verify that the data are the same.
        """
        key = blake2b(name.encode() + theta.tobytes(), digest_size=16).digest()
        start = self._file.tell()
        saved = self._next() if self._reads else None
        if not verify:
            verify, self._is_first = self._is_first, False
        if saved is not None and saved.startswith(key) and not verify:
            return np.frombuffer(saved, "<f8", offset=len(key)).astype(np.float64)
        values: Vector = np.hstack(evaluate())
        evaluation = key + values.astype("<f8").tobytes()
        if verify and saved is not None:
            if saved != evaluation:
                raise ValueError(self._is_of_another_fit())
            return values
        if self._reads:
            self._file.truncate(start)
            self._reads = False
        self._write(evaluation)
        return values

    def _write(self, content: bytes) -> None:
        line = base64.b64encode(content) + b"\n"
        self._file.write(b"%08x" % zlib.crc32(line) + line)
        self._file.flush()

    def _next(self) -> bytes | None:
        """Return the content of the next line, or None if it is not complete."""
        checksum, line = self._file.read(8), self._file.readline()
        return (
            base64.b64decode(line) if checksum == b"%08x" % zlib.crc32(line) else None
        )

    def _read_header(self, rng: np.random.RandomState, fit: str, seeded: bool) -> bool:
        """Return whether the file contains evaluations to replay."""
        self._file.seek(0)
        if not _MAGIC.startswith(self._file.read(len(_MAGIC))):
            raise ValueError(f"{self.path} is not a checkpoint; it was not changed")
        state = rng.get_state(legacy=False)
        header = json.dumps([fit, state], default=np.ndarray.tolist).encode()
        saved = self._next()
        begin = self._file.tell()
        if saved is None or self._next() is None:
            self._file.truncate(0)
            self._file.write(_MAGIC)
            self._write(header)
            return False
        self._file.seek(begin)
        saved_fit, saved_state = json.loads(saved)
        if saved_fit != fit or (seeded and saved != header):
            raise ValueError(self._is_of_another_fit())
        rng.set_state(saved_state)
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

    def class_weights(self, n_classes: int) -> Vector:
        """Return the weight of the steps of each class."""
        return self.loss_sum.class_weights(n_classes)

    def sequence_losses(self, architecture: Architecture, theta: Vector) -> Vector:
        """Return the weighted sum of the losses, and the weight, of every sequence."""
        values = self.checkpoint.cached(
            "sequences",
            lambda: self.loss_sum.sequence_losses(architecture, theta).ravel(),
            theta,
        )
        return values.reshape(2, -1)

    def loss(self, architecture: Architecture, theta: Vector) -> float:
        """Return the weighted sum of the losses."""
        values = self.checkpoint.cached(
            "loss", lambda: (self.loss_sum.loss(architecture, theta),), theta
        )
        return float(values[0])
