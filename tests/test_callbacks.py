"""What a fit tells while it runs, and how it ends when told to."""

import shutil
import signal
import threading
from importlib.util import find_spec
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from samples import make_sequences
from strategies import batches_of, learned, theta_of, threads_for_little
from threadpoolctl import threadpool_info, threadpool_limits

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn._estimators import callbacks
from skrnn._network.training import objective

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_sequences(20)
SMALL = {"hidden_layer_sizes": 3, "alpha": 1, "max_iter": 5, "random_state": 0}
both = pytest.mark.parametrize("estimator", [VanillaRNNClassifier, VanillaRNNRegressor])


class Context:
    """A callback context that writes down what it is told."""

    def __init__(self, events, stop_after=np.inf, **arguments):
        self.events = events
        self.stop_after = stop_after
        self.arguments = arguments

    def subcontext(self, **arguments):
        return Context(self.events, self.stop_after, **arguments)

    def call_on_fit_task_begin(self, **told):
        self.events.append(("begin", self, told))

    def call_on_fit_task_end(self, **told):
        self.events.append(("end", self, told))
        return len(models(self.events)) >= self.stop_after


def models(events):
    """Return what each iteration's end says of the fitted attributes."""
    attributes = [
        told.get("reconstruction_attributes")
        for what, context, told in events
        if what == "end" and "task_name" in context.arguments
    ]
    return [lazy() for lazy in attributes if lazy is not None]


def watched(estimator, stop_after=np.inf, **parameters):
    """Return a fitted estimator and the events of its fit."""
    events = []

    class Watched(estimator):
        def _init_callback_context(self, **arguments):
            return Context(events, stop_after, **arguments)

    model = Watched(**{**SMALL, **parameters})
    return model.fit(X, y), events


@both
def test_every_iteration_is_a_task_within_the_fit(estimator):
    model, events = watched(estimator)
    names = [(what, c.arguments.get("task_name", "fit")) for what, c, _ in events]
    iteration = [("begin", "lbfgs-iter"), ("end", "lbfgs-iter")]
    assert names == [("begin", "fit"), *iteration * 5, ("end", "fit")]
    assert events[0][1].arguments["max_subtasks"] == model.max_iter


@both
def test_the_last_task_may_turn_out_to_be_no_iteration(estimator):
    model, events = watched(estimator, max_iter=500, tol=0.5)
    assert model.stop_reason_ == "converged"
    assert len(models(events)) == model.n_iter_
    begun = sum(what == "begin" for what, *_ in events)
    assert begun == sum(what == "end" for what, *_ in events) == model.n_iter_ + 2


def test_tasks_carry_the_data_and_the_weights():
    weights = np.ones(len(X))
    events = []
    model = VanillaRNNClassifier(**SMALL)
    model._init_callback_context = lambda **_: Context(events)
    model.fit(X, y, weights)
    for _, _, told in events:
        assert told["estimator"] is model
        assert told["X"] is X
        assert told["y"] is y
        assert told["metadata"]["sample_weight"] is weights


@both
def test_the_attributes_of_an_iteration_are_those_of_a_fit_that_ends_there(estimator):
    _, events = watched(estimator)
    for n_iter, attributes in enumerate(models(events), start=1):
        shorter, _ = watched(estimator, max_iter=n_iter)
        model, _ = watched(estimator, max_iter=1)
        vars(model).update(attributes)
        assert_array_equal(model.hidden_states(X), shorter.hidden_states(X))
        assert_array_equal(theta_of(model), theta_of(shorter))


def test_all_runs_of_several_are_tasks_of_one_fit():
    model, events = watched(VanillaRNNClassifier, n_init=3)
    assert events[0][1].arguments["max_subtasks"] == 3 * model.max_iter
    assert len(models(events)) == 3 * model.max_iter
    going_on = model.set_params(warm_start=True)
    going_on.fit(X, y)
    assert len(models(events)) == 4 * model.max_iter


@both
@pytest.mark.parametrize("n_init", [1, 3])
def test_a_callback_may_stop_the_training(estimator, n_init):
    model, events = watched(estimator, stop_after=2, n_init=n_init)
    assert model.stop_reason_ == "callback"
    assert model.n_iter_ == len(models(events)) == 2
    shorter, _ = watched(estimator, max_iter=2)
    assert_array_equal(theta_of(model), theta_of(shorter))


@pytest.mark.parametrize("alpha", [1, "auto"])
def test_callbacks_do_not_change_the_fit(alpha):
    watched_model, _ = watched(VanillaRNNClassifier, alpha=alpha)
    model = VanillaRNNClassifier(**SMALL | {"alpha": alpha}).fit(X, y)
    assert_array_equal(learned(watched_model), learned(model))


def test_what_fails_begins_no_task():
    events = []
    model = VanillaRNNClassifier(**SMALL)
    model._init_callback_context = lambda **_: Context(events)
    with pytest.raises(ValueError, match="no valid step"):
        model.fit(np.full((2, 3, 1), np.nan), [[0], [1]])
    assert events == []


@both
def test_callbacks_can_be_set_where_scikit_learn_has_them(estimator):
    has_callbacks = find_spec("sklearn.callback") is not None
    assert hasattr(estimator, "set_callbacks") == has_callbacks


# Lines


@pytest.fixture
def terminal(monkeypatch):
    """Make the package take whatever it prints to for a terminal."""
    monkeypatch.setattr(callbacks, "sys", mock.Mock())
    size = mock.Mock(columns=60)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: size)


@both
def test_lines_are_plain_where_there_is_no_terminal(estimator, capsys):
    estimator(**SMALL, verbose=1).fit(X, y)
    out = capsys.readouterr().out
    assert [line.split(",")[0] for line in out.splitlines()] == [
        f"Iteration    {i}" for i in range(1, 6)
    ]
    assert "\r" not in out


def test_on_a_terminal_each_line_takes_the_place_of_the_one_before(capsys, terminal):
    VanillaRNNClassifier(**SMALL, verbose=True).fit(X, y)
    first, *lines = capsys.readouterr().out.removesuffix("\n").split("\r")
    assert first == ""
    assert {len(line) for line in lines} == {59}
    assert lines[-1].startswith("Iteration    5, loss = ")
    assert len(lines) == 5


def test_more_verbose_is_a_line_each_on_a_terminal_too(capsys, terminal):
    VanillaRNNClassifier(**SMALL, verbose=2).fit(X, y)
    out = capsys.readouterr().out
    assert out.count("\n") == 5
    assert "\r" not in out


def test_silence_is_the_default(capsys):
    VanillaRNNClassifier(**SMALL).fit(X, y)
    assert capsys.readouterr() == ("", "")


def test_the_line_on_a_terminal_ends_where_the_fit_fails(capsys, terminal, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("skrnn._estimators.callbacks.FitTask.next_iteration", fail)
    with pytest.raises(ZeroDivisionError):
        VanillaRNNClassifier(**SMALL, verbose=1).fit(X, y)
    out = capsys.readouterr().out
    assert out.startswith("\rIteration")
    assert out.endswith("\n")


# Interrupts


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_interrupt_leaves_the_caller_in_control(n_threads, monkeypatch):
    model = VanillaRNNClassifier(**SMALL).fit(X, y)
    before = dict(vars(model))
    original = objective.batch_loss_and_gradient
    calls = []

    def interrupted(*arguments):
        calls.append(threading.current_thread())
        if len(calls) == 30:
            signal.raise_signal(signal.SIGINT)
        return original(*arguments)

    monkeypatch.setattr(objective, "batch_loss_and_gradient", interrupted)
    n_alive = threading.active_count()
    with threadpool_limits(n_threads, user_api="blas"):
        limits = [library["num_threads"] for library in threadpool_info()]
        with batches_of(1), threads_for_little(), pytest.raises(KeyboardInterrupt):
            model.fit(X[:10], y[:10])
        assert [library["num_threads"] for library in threadpool_info()] == limits
    assert len(set(calls)) == n_threads
    assert threading.active_count() == n_alive
    assert vars(model) == before
    assert model.predict(X).shape == y.shape
