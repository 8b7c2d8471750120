"""Threads of the package's own, and BLAS held to one thread while they run.

From two threads up, SciPy's optimizer is slower on small vectors by orders of
magnitude, and matrix products inside a thread pool fight for the cores. The
limit is a state of the whole process: two fits that overlap must share one
limit, which the last to leave takes off, or BLAS would stay at one thread.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController, threadpool_limits

from .model.parameters import Architecture

Result = TypeVar("Result")

# Beside its recurrent product a step takes the time of about so many multiplications.
_OVERHEAD_WORK = 8192
# Threads take turns with the interpreter between two calls. Unless each has so many
# multiplications to do in one call, and in all, they lose more by it than they gain.
_MIN_WORK_PER_CALL = 5e5
_MIN_WORK_PER_THREAD = 6e7

_lock = threading.Lock()
_n_users = 0
_n_threads = 1
_limit: threadpool_limits | None = None


@contextmanager
def one_blas_thread() -> Iterator[int]:
    """Hold BLAS to one thread; yield how many threads it could use before.

    Inside a worker of a parallel search that is the worker's share.
    """
    _enter()
    try:
        yield _n_threads
    finally:
        _leave()


@cache
def _blas() -> ThreadpoolController:
    """Find the BLAS of NumPy and SciPy, once: that takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")


def _enter() -> None:
    global _n_users, _n_threads, _limit
    with _lock:
        if _n_users == 0:
            blas = _blas()
            _n_threads = max((lib["num_threads"] for lib in blas.info()), default=1)
            _limit = blas.limit(limits=1)
        _n_users += 1


def _leave() -> None:
    global _n_users, _limit
    with _lock:
        _n_users -= 1
        if _n_users == 0 and _limit is not None:
            _limit.restore_original_limits()
            _limit = None


def effective_n_threads(
    architecture: Architecture, lengths: NDArray[np.intp], n_threads: int
) -> int:
    """Return how many of the threads at hand sequences can keep busy.

    Parameters
    ----------
    architecture : Architecture
    lengths : ndarray of shape (n_sequences,)
    n_threads : int
    """
    n_rows, n_steps = int(lengths.sum()), int(lengths.max(initial=1))
    n_sweeps = architecture.n_directions * len(architecture.hidden_layer_sizes)
    work = n_rows * (architecture.n_recurrent + n_sweeps * _OVERHEAD_WORK)
    per_call = work / (n_steps * n_sweeps)  # on one thread
    n_busy = min(work // _MIN_WORK_PER_THREAD, per_call // _MIN_WORK_PER_CALL)
    return int(np.clip(n_busy, 1, n_threads))


class ThreadGroup:
    """The calling thread and others that work beside it.

    The caller works as well: to be woken up takes a thread as long as a small share
    of the work.

    Parameters
    ----------
    n_threads : int
        The caller's own counts.
    """

    def __init__(self, n_threads: int) -> None:
        # Starts a thread for the first work it gets, so none where the caller is alone.
        self._others = ThreadPoolExecutor(max(1, n_threads - 1))

    def map(self, work: Callable[..., Result], *columns: Sequence[Any]) -> list[Result]:
        """Call work once in each thread, as `map` would; results are in that order."""
        own, *others = zip(*columns, strict=True)
        futures = [self._others.submit(work, *arguments) for arguments in others]
        return [work(*own), *(future.result() for future in futures)]

    def close(self) -> None:
        """Wait for the other threads, and end them."""
        self._others.shutdown()

    def __enter__(self) -> Self:
        """Return this, which ends its threads at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the other threads."""
        self.close()
