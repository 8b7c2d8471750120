"""Threads, and the limit of BLAS to one thread while they run.

With two or more BLAS threads, SciPy's optimizer is slower on small vectors by orders of
magnitude, and matrix products inside a thread pool compete for the cores. The limit
applies to the whole process: overlapping fits must share one limit, which the last of
them removes; otherwise BLAS would stay at one thread.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import OpenBLASController, ThreadpoolController

from .model.parameters import Architecture

Result = TypeVar("Result")

# Overhead of a step besides its recurrent product, in multiplications.
_OVERHEAD_WORK = 8192
# Threads compete for the interpreter between two calls. With fewer multiplications per
# call, or in total, this costs more than the threads gain.
_MIN_WORK_PER_CALL = 5e5
_MIN_WORK_PER_THREAD = 6e7

_lock = threading.Lock()
_n_users = 0
_n_threads = 1
_limit = ExitStack()  # holds the limit while there are users


@contextmanager
def one_blas_thread() -> Iterator[int]:
    """Limit BLAS to one thread; yield the number of threads it could use before.

    Inside a worker of a parallel search, this is the worker's share.
    """
    global _n_users, _n_threads
    with _lock:
        if _n_users == 0:
            blas = _blas()
            _n_threads = max((lib["num_threads"] for lib in blas.info()), default=1)
            _release_control()
            limiter = blas.limit(limits=1)
            # In reverse order: another thread may be the last user.
            _limit.callback(_release_control)
            _limit.callback(limiter.restore_original_limits)
            _limit.callback(_release_control)
        _n_users += 1
    try:
        yield _n_threads
    finally:
        with _lock:
            _n_users -= 1
            if _n_users == 0:
                _limit.close()


def _release_control() -> None:
    """Let any thread set limits; since 3.8, threadpoolctl allows only the first."""
    release = getattr(OpenBLASController, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)


@cache
def _blas() -> ThreadpoolController:
    """Find the BLAS of NumPy and SciPy; cached, because it takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")


def effective_n_threads(
    architecture: Architecture, lengths: NDArray[np.intp], n_threads: int
) -> int:
    """Return how many of the available threads the sequences can keep busy.

    Parameters
    ----------
    architecture : Architecture
    lengths : ndarray of shape (n_sequences,)
    n_threads : int
    """
    n_rows, n_steps = int(lengths.sum()), int(lengths.max(initial=1))
    n_sweeps = architecture.n_directions * len(architecture.hidden_layer_sizes)
    n_recurrent = architecture.n_recurrent
    if architecture.transitions:
        n_sweeps, n_recurrent = n_sweeps + 1, n_recurrent + architecture.n_outputs**2
    if n_sweeps == 0:  # no loop over steps
        n_sweeps, n_steps = 1, 1
    work = n_rows * (n_recurrent + n_sweeps * _OVERHEAD_WORK)
    per_call = work / (n_steps * n_sweeps)  # on one thread
    n_busy = min(work // _MIN_WORK_PER_THREAD, per_call // _MIN_WORK_PER_CALL)
    return int(np.clip(n_busy, 1, n_threads))


class ThreadGroup:
    """A thread pool that includes the calling thread.

    The caller works too, because waking up another thread takes as long as a small
    share of the work.

    Parameters
    ----------
    n_threads : int
        Number of threads, including the caller.
    """

    def __init__(self, n_threads: int) -> None:
        # The pool starts threads lazily, so none if the caller works alone.
        self._others = ThreadPoolExecutor(max(1, n_threads - 1))

    def map(self, work: Callable[..., Result], *columns: Sequence[Any]) -> list[Result]:
        """Call work once per thread; results are in the order of the arguments."""
        own, *others = zip(*columns, strict=True)
        futures = [self._others.submit(work, *arguments) for arguments in others]
        return [work(*own), *(future.result() for future in futures)]

    def close(self) -> None:
        """Wait for the other threads, and stop them."""
        self._others.shutdown()
