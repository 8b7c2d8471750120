"""scikit-learn's own callbacks, where it has them: alone, in pipelines, in searches."""

import numpy as np
import pytest
from samples import make_sequences
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier, VanillaRNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_sequences(20)
both = pytest.mark.parametrize("estimator", [VanillaRNNClassifier, VanillaRNNRegressor])


def small(estimator=VanillaRNNClassifier, **parameters):
    return estimator(3, **{"max_iter": 4, "random_state": 0, **parameters})


def score(estimator, X, y, sample_weight=None):
    return {"score": estimator.score(X, y, sample_weight)}


class Patience:
    """A callback that stops the training after a number of iterations."""

    def __init__(self, n_iter):
        self.n_iter = n_iter
        self.set_up = 0

    def setup(self, estimator, context):
        self.set_up += 1

    def teardown(self, estimator, context):
        self.set_up -= 1

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        return context.task_name == "lbfgs-iter" and context.task_id + 1 >= self.n_iter


@both
def test_a_monitor_scores_every_iteration(estimator):
    monitor = ScoringMonitor(scoring=score)
    model = small(estimator).set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    iterations = [row["score"] for row in rows if row["task_name"] == "lbfgs-iter"]
    assert len(iterations) == model.n_iter_ == 4
    assert iterations[-1] == model.score(X, y)
    for n_iter, value in enumerate(iterations, start=1):
        assert value == small(estimator, max_iter=n_iter).fit(X, y).score(X, y)


def test_a_monitor_scores_with_the_weights_of_the_fit():
    weights = np.linspace(0, 1, len(X))
    monitor = ScoringMonitor(scoring=score)
    model = small().set_callbacks(monitor).fit(X, y, weights)
    last = [r for r in monitor.get_logs().data if r["task_name"] == "lbfgs-iter"][-1]
    assert last["score"] == model.score(X, y, weights)


def test_a_monitor_works_in_a_pipeline_and_in_a_search():
    monitor = ScoringMonitor(scoring=score)
    words, labels = ["abc", "ba", "cab"] * 4, [[0, 1, 1], [1, 0], [1, 0, 1]] * 4
    labels = [np.array(i) for i in labels]
    pipeline = make_pipeline(OneHotSequenceEncoder(), small().set_callbacks(monitor))
    search = GridSearchCV(pipeline, {"vanillarnnclassifier__alpha": [0.1, 1]}, cv=2)
    search.fit(words, labels)
    rows = monitor.get_logs().data
    iterations = [row for row in rows if row["task_name"] == "lbfgs-iter"]
    assert len(iterations) == 5 * 4


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        make_pipeline,
        lambda model: GridSearchCV(model, {"alpha": [0.1, 1]}, cv=2),
        lambda model: GridSearchCV(model, {"alpha": [0.1, 1]}, cv=2, n_jobs=2),
    ],
    ids=["alone", "pipeline", "search", "parallel search"],
)
def test_a_progress_bar_is_filled(wrap, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    bar = ProgressBar(max_propagation_depth=None)
    wrap(small()).set_callbacks(bar).fit(X, y)
    out = capsys.readouterr().out
    assert "VanillaRNNClassifier - fit" in out
    assert "100%" in out


def test_a_callback_may_stop_the_training():
    patience = Patience(2)
    model = small().set_callbacks(patience).fit(X, y)
    assert (model.stop_reason_, model.n_iter_) == ("callback", 2)
    assert patience.set_up == 0
    assert clone(model).fit(X, y).n_iter_ == 2


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_callbacks_are_dismissed_however_the_fit_ends(error):
    patience = Patience(2)
    model = small().set_callbacks(patience)

    def fail(*_):
        raise error

    patience.on_fit_task_begin = fail
    with pytest.raises(error):
        model.fit(X, y)
    assert patience.set_up == 0
    assert not hasattr(model, "classes_")
    assert not [name for name in vars(model) if "ctx" in name or "teardown" in name]
    bad = X.copy()
    bad[0, 0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        model.fit(bad, y)
    assert patience.set_up == 0
