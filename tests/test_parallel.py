"""BLAS limits: held while a fit runs, gone when the last fit is out. Threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
from strategies import threads_for_little
from threadpoolctl import ThreadpoolController, threadpool_limits

from skrnn import VanillaRNNClassifier
from skrnn._network import parallel
from skrnn._network.model.parameters import Architecture
from skrnn._network.parallel import ThreadGroup, effective_n_threads, one_blas_thread

X = np.random.default_rng(0).normal(size=(8, 4, 2))
Y = (X[..., 0] > 0).astype(int)


def blas_threads():
    blas = ThreadpoolController().select(user_api="blas")
    return [lib["num_threads"] for lib in blas.info()]


@pytest.fixture(autouse=True)
def two_threads():
    """Start from more threads than one, whatever the machine has."""
    with threadpool_limits(2, user_api="blas"):
        yield


def test_there_is_a_blas_to_limit():
    assert blas_threads()
    assert set(blas_threads()) == {2}


def test_blas_has_one_thread_inside_and_as_many_as_before_outside():
    with one_blas_thread() as n_threads:
        assert n_threads == 2
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


def test_a_limit_that_was_there_before_stays():
    with threadpool_limits(1, user_api="blas"):
        with one_blas_thread() as n_threads:
            assert n_threads == 1
        assert set(blas_threads()) == {1}


def test_limits_are_gone_when_the_last_of_two_overlapping_users_is_out():
    first, second = one_blas_thread(), one_blas_thread()
    assert first.__enter__() == second.__enter__() == 2
    first.__exit__(None, None, None)
    assert set(blas_threads()) == {1}
    second.__exit__(None, None, None)
    assert set(blas_threads()) == {2}


def test_the_last_user_may_be_another_thread():
    user = one_blas_thread()
    user.__enter__()
    assert set(blas_threads()) == {1}
    last = threading.Thread(target=user.__exit__, args=(None, None, None))
    last.start()
    last.join()
    assert set(blas_threads()) == {2}


def test_limits_are_restored_after_an_error():
    with pytest.raises(KeyboardInterrupt), one_blas_thread():
        raise KeyboardInterrupt
    assert set(blas_threads()) == {2}


def test_without_a_blas_that_can_be_limited_there_is_one_thread(monkeypatch):
    none = ThreadpoolController().select(prefix="no such library")
    monkeypatch.setattr(parallel, "_blas", lambda: none)
    with one_blas_thread() as n_threads:
        assert n_threads == 1


def test_overlapping_fits_in_two_threads_leave_the_limits_as_they_were():
    # Filters of warnings belong to the process, so these fits must converge.
    models = [
        VanillaRNNClassifier((n_hidden,), alpha=1, tol=1e-2, random_state=0)
        for n_hidden in (3, 12)
    ]
    expected = [model.fit(X, Y).loss_ for model in models]
    meeting = threading.Barrier(2, timeout=30)

    def fit(model):
        meeting.wait()
        return [model.fit(X, Y).loss_ for _ in range(5)]

    with ThreadPoolExecutor(2) as pool:
        losses = list(pool.map(fit, models))
    assert losses == [[loss] * 5 for loss in expected]
    assert set(blas_threads()) == {2}


def test_an_interrupted_fit_restores_limits_and_ends_its_threads(monkeypatch):
    inside = []

    def interrupt(*args, **kwargs):
        inside.append((set(blas_threads()), threading.active_count()))
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.print", interrupt)
    before = threading.active_count()
    with threads_for_little(), pytest.raises(KeyboardInterrupt):
        VanillaRNNClassifier((3,), alpha=1, verbose=1).fit(X, Y)
    assert inside[0][0] == {1}
    assert set(blas_threads()) == {2}
    assert threading.active_count() == before


def net(n_hidden, n_directions=1):
    return Architecture(2, (n_hidden,), n_directions, 3, "tanh")


@pytest.mark.parametrize(
    ("architecture", "lengths", "expected"),
    [
        (net(64), [50] * 100, 1),
        (net(64), [50] * 200, 2),
        (net(64), [50] * 100_000, 4),
        (net(8), [50] * 200, 1),
        (net(64, n_directions=2), [50] * 100, 2),  # there is twice as much to do
        (net(64), [5_000] * 30, 1),  # but not in one call
        (net(64), [5_000] * 100, 2),
        (net(64, n_directions=2), [5_000] * 30, 1),
        (net(256), [5_000] * 30, 4),
        (net(64), [50] * 1_000 + [100_000], 1),  # most of the calls have one sequence
        (net(64), [0, 0], 1),
        (net(64), [], 1),
    ],
)
def test_threads_are_used_as_far_as_there_is_work(architecture, lengths, expected):
    lengths = np.array(lengths, dtype=np.intp)
    assert effective_n_threads(architecture, lengths, 4) == expected
    assert effective_n_threads(architecture, lengths, 1) == 1


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_crew_works_at_the_same_time_and_answers_in_order(n):
    meeting = threading.Barrier(n, timeout=30)

    def work(name, number):
        meeting.wait()
        return name, number, threading.current_thread()

    before = threading.active_count()
    with closing(ThreadGroup(n)) as threads:
        *given, members = zip(*threads.map(work, "abc"[:n], range(n)), strict=True)
        assert threading.active_count() == before + n - 1
    assert given == [tuple("abc"[:n]), tuple(range(n))]
    assert members[0] is threading.current_thread()
    assert len(set(members)) == n
    assert threading.active_count() == before


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_of_any_member_of_a_crew_reaches_the_caller(failing):
    def work(number):
        if number == failing:
            raise ZeroDivisionError

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), closing(ThreadGroup(2)) as threads:
        threads.map(work, range(2))
    assert threading.active_count() == before
