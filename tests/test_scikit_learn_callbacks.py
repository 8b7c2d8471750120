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
    defaults = {"alpha": 1, "max_iter": 4, "random_state": 0}
    return estimator(3, **defaults | parameters)


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


# While the strength is searched


def iterations_of(monitor):
    rows = monitor.get_logs().data
    return [row["score"] for row in rows if row["task_name"] == "lbfgs-iter"]


@both
def test_a_monitor_sees_the_search_and_the_fit(estimator):
    monitor = ScoringMonitor(scoring=score)
    model = small(estimator, alpha="auto").set_callbacks(monitor).fit(X, y)
    scores = iterations_of(monitor)
    assert model.alphas_ is not None
    assert len(scores) > model.n_iter_ + 2 * len(model.alphas_)
    assert scores[-1] == model.score(X, y)
    monitor = ScoringMonitor(scoring=score)
    small(estimator, alpha=model.alpha_).set_callbacks(monitor).fit(X, y)
    assert scores[-model.n_iter_ :] == iterations_of(monitor)


@both
@pytest.mark.parametrize("n_iter", [1, 10, 30])
def test_a_callback_may_stop_the_search(estimator, n_iter):
    patience = Patience(n_iter)
    model = small(estimator, alpha="auto").set_callbacks(patience).fit(X, y)
    assert model.stop_reason_ == "callback"
    assert patience.set_up == 0
    assert np.isfinite(model.loss_)
    assert np.isfinite(model.score(X, y))
    assert model.predict(X).shape == y.shape
    if n_iter == 1:
        assert (model.alpha_, model.alphas_, model.alpha_scores_) == (3, None, None)
    else:
        assert 0 < len(model.alphas_) == len(model.alpha_scores_) <= 8


def test_a_callback_that_stops_the_fit_keeps_the_search():
    whole = small(alpha="auto").fit(X, y)
    n_search = len(searched())
    patience = Patience(n_search + 2)
    model = small(alpha="auto").set_callbacks(patience).fit(X, y)
    assert (model.stop_reason_, model.n_iter_) == ("callback", 2)
    assert model.alpha_ == whole.alpha_
    np.testing.assert_array_equal(model.alpha_scores_, whole.alpha_scores_)
    assert model.loss_curve_ == whole.loss_curve_[:2]


def searched():
    """Return the scores after all iterations of a search."""
    monitor = ScoringMonitor(scoring=score)
    model = small(alpha="auto").set_callbacks(monitor).fit(X, y)
    return iterations_of(monitor)[: -model.n_iter_]


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_progress_reaches_its_end_after_a_search(early_stopping, warm, capsys):
    bar = ProgressBar(max_propagation_depth=None)
    model = small(
        alpha="auto", early_stopping=early_stopping, warm_start=warm
    ).set_callbacks(bar)
    for _ in range(2):
        model.fit(X, y)
        assert "100%" in capsys.readouterr().out


def test_a_warm_start_of_an_older_model_announces_its_search():
    model = small(alpha=1, warm_start=True).fit(X, y)
    for name in ("alpha_", "alphas_", "alpha_scores_"):
        delattr(model, name)
    monitor = ScoringMonitor(scoring=score)
    model.set_params(alpha="auto").set_callbacks(monitor).fit(X, y)
    assert len(iterations_of(monitor)) > 2 * len(model.alphas_)
    assert model.alpha_scores_ is not None
