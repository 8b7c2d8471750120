"""Progress of a fit: scikit-learn's callbacks and printed lines.

scikit-learn has callbacks since version 1.9. On older versions an estimator has no
``set_callbacks``, and callbacks are ignored.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from skrnn._network.training.lbfgs import Stop
from skrnn._network.training.train import Report
from skrnn._validation.arrays import Array


class _NoCallbacks:
    """Replacement for scikit-learn's mixin and context on older versions."""

    def _init_callback_context(self, **_: Any) -> Self:
        return self

    subcontext = call_on_fit_task_begin = _init_callback_context

    def call_on_fit_task_end(self, **_: Any) -> bool:
        return False


CallbackSupport: Any
try:
    from sklearn import callback
except ImportError:
    CallbackSupport = _NoCallbacks
else:
    CallbackSupport = callback.CallbackSupportMixin


class FitTask:
    """A fit as scikit-learn's callbacks see it: one subtask for each iteration.

    Only the maximum number of iterations is known in advance. A subtask begins when the
    one before it ends, so the last subtask may contain no iteration; as in
    scikit-learn's own estimators it ends without a model.

    Parameters
    ----------
    estimator : estimator
    most : int
        The maximum number of iterations.
    data : dict
        ``X``, ``y`` and ``metadata`` for the callbacks.
    """

    def __init__(self, estimator: Any, most: int, data: dict[str, Any]) -> None:
        self.most = most
        self.data = {"estimator": estimator, **data}
        self.n_begun = 0
        self.iteration: Any = None
        # Created before fit changes anything: it also tears the callbacks down.
        self.context = estimator._init_callback_context(max_subtasks=most)

    def _begin_iteration(self) -> None:
        if self.n_begun < self.most:
            self.n_begun += 1
            self.iteration = self.context.subcontext(task_name="lbfgs-iter")
            self.iteration.call_on_fit_task_begin(**self.data)

    def next_iteration(self, fitted: Callable[[], dict[str, Any]]) -> None:
        """Report the end of an iteration.

        Parameters
        ----------
        fitted : callable
            Returns the fitted attributes that the estimator would have now.

        Raises
        ------
        Stop
            If a callback requests it.
        """
        ended, self.iteration = self.iteration, None
        if ended.call_on_fit_task_end(**self.data, reconstruction_attributes=fitted):
            raise Stop("callback")
        self._begin_iteration()

    @contextmanager
    def reporting(
        self, verbose: int, attributes: Callable[[Array], dict[str, Any]]
    ) -> Iterator[Callable[[Report], None]]:
        """Report the start of training; yield a function that reports an iteration.

        Parameters
        ----------
        verbose : int
            The parameter of the estimator.
        attributes : callable
            Returns the fitted attributes for the flat vector of parameters.
        """
        self.context.call_on_fit_task_begin(**self.data)
        self._begin_iteration()
        with printing(verbose) as show:

            def report(report: Report) -> None:
                show(report)
                self.next_iteration(lambda: attributes(report.get_theta()))

            yield report

    def end(self) -> None:
        """Report the end of the fit."""
        if self.iteration is not None:
            self.iteration.call_on_fit_task_end(estimator=self.data["estimator"])
        self.context.call_on_fit_task_end(**self.data, reconstruction_attributes={})


@contextmanager
def printing(verbose: int) -> Iterator[Callable[[Report], None]]:
    """Yield a function that prints the progress of a run.

    On a terminal, each line overwrites the previous one if verbose is 1.
    """
    if not verbose:
        yield lambda report: None
    elif verbose == 1 and sys.stdout.isatty():
        try:
            yield _overprint
        finally:
            print(flush=True)
    else:
        yield lambda report: print(_line(report), flush=True)


def _overprint(report: Report) -> None:
    # A full line would wrap, and could not be overwritten.
    width = shutil.get_terminal_size().columns - 1
    print("\r" + _line(report)[:width].ljust(width), end="", flush=True)


def _line(report: Report) -> str:
    line = (
        f"Iteration {report.n_iter:4d}, loss = {report.loss:.6f}, "
        f"gradient = {report.gradient_norm:.2e}, evaluations = {report.n_fun}, "
        f"seconds = {report.seconds:.1f}"
    )
    if report.is_trial:
        line = f"{report.strength} = {report.alpha:g}: {line}"
    if report.validation_score is not None:
        line += f", validation score = {report.validation_score:.6f}"
    return line
