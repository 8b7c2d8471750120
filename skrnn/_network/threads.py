"""BLAS held to one thread while the package runs threads of its own.

From two threads up, SciPy's optimiser is slower on small vectors by orders of
magnitude, and matrix products inside a thread pool fight for the cores. The
limit is a state of the whole process: two fits that overlap must share one
limit, which the last to leave takes off, or BLAS would stay at one thread.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController, threadpool_limits

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
