"""Memory that is used again."""

import threading
from collections import defaultdict

import numpy as np
import pytest

from skrnn._network import workspace
from skrnn._network.workspace import borrowed_workspace

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(workspace, "_kept", defaultdict(list))


def kept():
    """Return all workspaces that are kept."""
    return [space for spaces in workspace._kept.values() for space, _ in spaces]


def borrow(dtype=SINGLE, n_rows=10):
    """Use a workspace, and return it and its buffer."""
    with borrowed_workspace(dtype) as space:
        return space, space.rows("H", n_rows, 4)


def test_a_workspace_is_lent_again():
    first, H = borrow()
    second, again = borrow(n_rows=7)
    assert first is second
    assert np.shares_memory(H, again)


def test_a_workspace_is_for_one_type():
    single, _ = borrow()
    assert borrow(DOUBLE)[1].dtype == DOUBLE
    assert borrow()[0] is single


def test_two_users_at_a_time_have_one_each():
    borrow()
    with borrowed_workspace(SINGLE) as one, borrowed_workspace(SINGLE) as other:
        assert one is not other
    assert len(kept()) == 2


def test_threads_share_nothing():
    together = threading.Barrier(4)
    lent = []

    def work():
        with borrowed_workspace(SINGLE) as space:
            together.wait(timeout=60)
            lent.append(space)

    for _ in range(2):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(map(id, lent))) == 4
    assert len(lent) == 8


def test_a_workspace_is_lent_again_after_an_error():
    with pytest.raises(MemoryError), borrowed_workspace(SINGLE) as space:
        raise MemoryError
    assert borrow()[0] is space


def test_all_that_is_kept_has_a_limit(monkeypatch):
    monkeypatch.setattr(workspace, "_MAX_KEPT", 1000)
    large, _ = borrow(n_rows=100)
    assert borrow(n_rows=50)[0] is not large
    with borrowed_workspace(SINGLE), borrowed_workspace(SINGLE) as space:
        space.rows("H", 50, 4)  # 800 bytes, and another 800
    assert sum(space.nbytes for space in kept()) == 800


def test_the_size_of_what_others_may_use_is_not_asked_for(monkeypatch):
    # Their buffers may change meanwhile, and a dict that grows cannot be read.
    measured = set()

    def nbytes(space):
        measured.add(space)
        return 0

    with borrowed_workspace(SINGLE):
        borrow()
    monkeypatch.setattr(workspace.Workspace, "nbytes", property(nbytes))
    space, _ = borrow()
    assert len(kept()) == 2
    assert measured == {space}
