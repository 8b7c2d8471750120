"""Whatever ends a fit, the process and the model are then as they were before."""

import errno
import multiprocessing
import os
import signal
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from unittest import mock

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from samples import make_sequences
from sklearn.model_selection import GridSearchCV
from strategies import batches_of, fit, theta_of, threads_for_little
from threadpoolctl import threadpool_info, threadpool_limits

from skrnn import VanillaRNNClassifier
from skrnn._estimators.callbacks import FitTask
from skrnn._network.data import memmap
from skrnn._network.training import objective

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    # Python's own warning of fork, from 3.12 on.
    "ignore:.*multi-threaded, use of fork:DeprecationWarning",
)

X, y = make_sequences(30)


def blas_threads():
    """Return how many threads each BLAS may use."""
    return [
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    ]


def raises(error):
    """Return a function that fails."""

    def fail(*_, **__):
        raise error

    return fail


def interrupts(*_, **__):
    """Do what Ctrl-C does."""
    signal.raise_signal(signal.SIGINT)


BATCH = "skrnn._network.training.objective.batch_loss_and_gradient"
CALLBACK = "skrnn._estimators.callbacks.FitTask.next_iteration"
FULL = OSError(errno.ENOSPC, "No space left on device")
FAULTS = {
    "Ctrl-C while packing": (
        "skrnn._network.data.packing.compress",
        interrupts,
        KeyboardInterrupt,
    ),
    "Ctrl-C between iterations": (CALLBACK, interrupts, KeyboardInterrupt),
    "Ctrl-C while printing": ("builtins.print", interrupts, KeyboardInterrupt),
    "an exception in a callback": (CALLBACK, raises(RuntimeError), RuntimeError),
    "no memory for a batch": (BATCH, raises(MemoryError), MemoryError),
    "no memory for the states": (
        "skrnn._network.workspace.Workspace.rows",
        raises(MemoryError),
        MemoryError,
    ),
    "no memory to pack": (
        "skrnn._network.data.packing.pack",
        raises(MemoryError),
        MemoryError,
    ),
    "a full disk while spooling": (
        "skrnn._network.data.memmap._write",
        raises(FULL),
        OSError,
    ),
    "no room for a checkpoint": (
        "skrnn._network.training.checkpoint.Checkpoint._write",
        raises(FULL),
        OSError,
    ),
    "no more threads": ("threading.Thread.start", raises(RuntimeError), RuntimeError),
}


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_fault_leaves_everything_as_it_was(fault, n_threads, tmp_path, monkeypatch):
    if fault == "no more threads":
        n_threads = 2
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    np.save(tmp_path / "X.npy", X)
    data = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = fit(X, y, random_state=1).set_params(
        verbose=1, checkpoint=tmp_path / "fit", max_iter=3
    )
    before, answer = dict(vars(model)), model.predict(X)
    n_alive, n_open = threading.active_count(), n_open_files()
    target, does, error = FAULTS[fault]
    with (
        threadpool_limits(n_threads, user_api="blas"),
        batches_of(5),
        threads_for_little(),
    ):
        limits = blas_threads()
        with monkeypatch.context() as patch:
            patch.setattr(target, does)
            with pytest.raises(error):
                model.fit(data, y)
        assert blas_threads() == limits
        assert vars(model) == before
        assert_array_equal(model.predict(X), answer)
        assert threading.active_count() == n_alive
        assert n_open_files() == n_open
        assert {path.name for path in tmp_path.iterdir()} <= {"X.npy", "fit"}
        # And a fit that is tried again ends well.
        model.fit(data, y)
    assert model.n_iter_ == 3
    assert {path.name for path in tmp_path.iterdir()} == {"X.npy"}


def n_open_files():
    """Return how many files are open, where the system tells."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def test_a_disk_that_fills_up_while_spooling_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    np.save(tmp_path / "X.npy", X)
    monkeypatch.setattr(memmap, "_write", raises(FULL))
    with pytest.raises(OSError, match=r"No space left.*TMPDIR") as caught:
        fit(np.load(tmp_path / "X.npy", mmap_mode="r"), y)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(tmp_path)


def die_in_a_fit(directory):
    """Fit, and end the process in the middle without a word to anybody."""
    evaluate, n = objective.batch_loss_and_gradient, 0

    def evaluate_or_die(*arguments):
        nonlocal n
        n += 1
        if n == 10:
            os._exit(9)
        return evaluate(*arguments)

    tempfile.tempdir = directory
    objective.batch_loss_and_gradient = evaluate_or_die
    fit(np.load(f"{directory}/X.npy", mmap_mode="r"), y, checkpoint=f"{directory}/fit")


def test_a_fit_whose_process_died_goes_on_in_another(tmp_path):
    np.save(tmp_path / "X.npy", X)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=die_in_a_fit, args=(str(tmp_path),))
    process.start()
    process.join(timeout=60)
    assert process.exitcode == 9
    assert {path.name for path in tmp_path.iterdir()} == {"X.npy", "fit"}
    with mock.patch.object(
        objective, "batch_loss_and_gradient", wraps=objective.batch_loss_and_gradient
    ) as evaluations:
        model = fit(X, y, checkpoint=tmp_path / "fit")
        rest = evaluations.call_count
        whole = fit(X, y)
    assert_array_equal(theta_of(model), theta_of(whole))
    assert rest == evaluations.call_count - rest - 8


# Processes and threads


def fit_here(seed):
    """Return the parameters and the losses of a small fit."""
    model = fit(X, y, random_state=seed)
    return theta_of(model), model.loss_curve_


def agree(one, other):
    """Compare what `fit_here` returns, bit by bit."""
    assert_array_equal(one[0], other[0])
    assert one[1] == other[1]


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_child_fits_as_its_parent_did_before(method):
    expected = fit_here(0)
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        agree(pool.submit(fit_here, 0).result(timeout=60), expected)


def test_a_child_that_begins_while_its_parent_fits_can_fit(monkeypatch):
    def fit_in_child(*_):
        monkeypatch.undo()
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            children.append(pool.submit(fit_here, 0).result(timeout=60))

    expected = fit_here(0)
    children = []
    context = multiprocessing.get_context(multiprocessing.get_all_start_methods()[0])
    monkeypatch.setattr(FitTask, "next_iteration", fit_in_child)
    agree(fit_here(0), expected)
    agree(children[0], expected)


def test_fits_in_threads_are_those_one_after_another():
    with batches_of(5), ThreadPoolExecutor(4) as pool:
        expected = [fit_here(seed) for seed in range(4)]
        for one, other in zip(pool.map(fit_here, range(4)), expected, strict=True):
            agree(one, other)


def search():
    """Return the scores of a small search."""
    model = VanillaRNNClassifier(3, alpha=1, max_iter=5, random_state=0)
    grid = GridSearchCV(model, {"alpha": [0.1, 10]}, cv=2, n_jobs=2)
    return grid.fit(X, y).cv_results_["mean_test_score"]


def test_searches_inside_threads_inside_threads_are_those_one_after_another():
    with parallel_config(backend="sequential"):
        expected = search()
    before = blas_threads()
    with parallel_config(backend="threading"), ThreadPoolExecutor(2) as pool:
        for scores in pool.map(lambda _: search(), range(2)):
            assert_array_equal(scores, expected)
    assert blas_threads() == before


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_same_fit_is_the_same_bit_for_bit(n_threads):
    with (
        threadpool_limits(n_threads, user_api="blas"),
        batches_of(5),
        threads_for_little(),
    ):
        agree(fit_here(0), fit_here(0))
