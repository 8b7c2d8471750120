"""The displays: what is drawn, that it can be read, and in gray as well.

No stored pictures, which would depend on the version of matplotlib: the tests look at
artists, and at pixels where lightness is the point.
"""

import importlib
import sys
from itertools import combinations, pairwise

import awkward as ak
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose, assert_array_equal
from samples import make_sequences
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skrnn.plotting
from skrnn import (
    OneHotSequenceEncoder,
    StepwiseTransformer,
    VanillaRNNClassifier,
    as_ragged,
)
from skrnn.plotting import (
    AlphaCurveDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    StepPredictionDisplay,
    TransitionDisplay,
    UnrolledDisplay,
)
from skrnn.plotting._common import WRONG
from skrnn.plotting._layout import GAP

mpl.use("Agg")

OF_SEQUENCES = (StepPredictionDisplay, HiddenStateDisplay, UnrolledDisplay)


@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close("all")


def hello(hidden_layer_sizes=3, **parameters):
    encoder = OneHotSequenceEncoder(categories=list("helo"))
    network = VanillaRNNClassifier(
        hidden_layer_sizes, alpha=0.01, max_iter=1000, random_state=0, **parameters
    )
    return make_pipeline(encoder, network).fit(["hell"], [list("ello")])


ONE_WAY, TWO_WAY = hello(), hello(bidirectional=True)
DEEP = hello((2, 3))
CHAIN = hello(transitions=True)
X, Y = make_sequences()
NUMERIC = VanillaRNNClassifier(
    24, bidirectional=True, alpha=1, early_stopping=True, tol=0.01, random_state=0
).fit(X, Y)


def texts_of(figure):
    """Return all texts that are drawn, ticks out of sight left out."""
    texts = []
    for ax in figure.axes:
        legend = ax.get_legend()
        texts += [*ax.texts, *(legend.get_texts() if legend else [])]
        for axes in (ax, *ax.child_axes):
            if not axes.axison:
                continue
            for axis in (axes.xaxis, axes.yaxis):
                if not axis.get_visible():
                    continue
                low, high = sorted(axis.get_view_interval())
                pairs = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
                texts += [label for at, label in pairs if low <= at <= high]
                texts.append(axis.label)
    return [text for text in texts if text.get_text() and text.get_visible()]


def assert_legible(figure):
    """Require that all texts are inside the figure and do not touch."""
    figure.canvas.draw()
    canvas = figure.bbox.padded(1)
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts_of(figure)]
    assert len(boxes) > 5
    for text, box in boxes:
        assert canvas.x0 <= box.x0 <= box.x1 <= canvas.x1, text
        assert canvas.y0 <= box.y0 <= box.y1 <= canvas.y1, text
    for (text, box), (other, other_box) in combinations(boxes, 2):
        assert not box.padded(-1).overlaps(other_box.padded(-1)), (text, other)


def luminance(colors):
    """Return how light colors are to the eye, from 0 to 1."""
    linear = np.asarray(colors, dtype=float)[..., :3] ** 2.2
    return linear @ [0.2126, 0.7152, 0.0722]


def pixels(ax, points):
    """Return the luminance of what is drawn at points in data coordinates."""
    ax.figure.canvas.draw()
    buffer = np.asarray(ax.figure.canvas.buffer_rgba()) / 255
    columns, rows = ax.transData.transform(points).astype(int).T
    return luminance(buffer[len(buffer) - 1 - rows, columns])


def strings(texts):
    return [text.get_text() for text in texts]


def numbers(texts):
    return np.vectorize(lambda t: float(t.get_text().replace("\u2212", "-")))(texts)


# Common to all displays


def test_importing_the_module_needs_no_matplotlib(monkeypatch):
    monkeypatch.setattr(skrnn, "plotting", skrnn.plotting)
    for name in [name for name in sys.modules if name.startswith("skrnn.plotting")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    module = importlib.import_module("skrnn.plotting")
    assert module.LossCurveDisplay is not LossCurveDisplay


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    proba = np.eye(2)
    shown = StepPredictionDisplay(proba, classes=[0, 1])
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    calls = [
        lambda: LossCurveDisplay.from_estimator(ONE_WAY),
        lambda: AlphaCurveDisplay.from_estimator(NUMERIC),
        lambda: TransitionDisplay.from_estimator(CHAIN),
        lambda: StepPredictionDisplay.from_predictions(None, proba, classes=[0, 1]),
        lambda: shown.plot(),
        *[lambda d=d: d.from_estimator(ONE_WAY, "hell") for d in OF_SEQUENCES],
    ]
    for call in calls:
        with pytest.raises(ImportError, match=r"`pip install skrnn\[plot\]`"):
            call()


@pytest.mark.parametrize("model", [ONE_WAY, TWO_WAY], ids=["one-way", "two-way"])
@pytest.mark.parametrize("display", OF_SEQUENCES)
def test_every_text_is_inside_the_figure_and_touches_no_other(display, model):
    assert_legible(display.from_estimator(model, "hell", "ello").figure_)
    assert_legible(display.from_estimator(model, "lehho", "ellol").figure_)


@pytest.mark.parametrize("display", OF_SEQUENCES)
def test_a_display_draws_on_the_axes_it_is_given(display):
    figure, (left, right) = plt.subplots(1, 2, figsize=(16, 6), layout="constrained")
    drawn = display.from_estimator(ONE_WAY, "hell", ax=right)
    assert drawn.ax_ is right
    assert drawn.figure_ is figure
    assert not left.has_data()
    assert len(plt.get_fignums()) == 1
    assert_legible(figure)


@pytest.mark.parametrize("display", OF_SEQUENCES)
def test_pipelines_in_searches_are_looked_into(display):
    search = GridSearchCV(ONE_WAY, {"vanillarnnclassifier__alpha": [0.01]}, cv=2)
    search.fit(["hell", "hell"], np.array([list("ello")] * 2))
    drawn = display.from_estimator(make_pipeline("passthrough", search), "hell")
    drawn.figure_.canvas.draw()
    assert {"h", "e", "l"} <= set(strings(texts_of(drawn.figure_)))


@pytest.mark.parametrize("display", OF_SEQUENCES)
def test_bad_sequences_and_labels_are_named(display):
    def draw(*arguments, **keywords):
        return display.from_estimator(*arguments, **keywords)

    unfitted = VanillaRNNClassifier()
    with pytest.raises(NotFittedError):
        draw(unfitted, X[0])
    with pytest.raises(NotFittedError):
        draw(make_pipeline(OneHotSequenceEncoder(), unfitted), "hell")
    with pytest.raises(ValueError, match="labels has 3 entries but sequence has 4"):
        draw(ONE_WAY, "hell", "ell")
    with pytest.raises(ValueError, match="labels has 5 entries but sequence has 4"):
        draw(ONE_WAY, "hell", "ellos")
    with pytest.raises(ValueError, match="tokens has 1 entries but sequence has 4"):
        draw(ONE_WAY, "hell", tokens="h")
    with pytest.raises(ValueError, match="sequence has no valid step"):
        draw(ONE_WAY, "")
    with pytest.raises(ValueError, match="pass shape \\(n_steps, n_features\\)"):
        draw(NUMERIC, [1.0, 2.0, 3.0])
    one_step = VanillaRNNClassifier(2, alpha=1, tol=10).fit(X[:, 0], Y[:, 0])
    with pytest.raises(ValueError, match="pass shape \\(n_steps, n_features\\)"):
        draw(one_step, X[0, 0])


@pytest.mark.parametrize("display", OF_SEQUENCES)
@pytest.mark.parametrize(
    "several",
    [
        [X[0], X[1, :2]],
        [X[0, :2].tolist(), X[1, :2].tolist()],
        [sparse.csr_array(X[0]), X[1]],
        X[:2],
        as_ragged([X[0], X[1, :2]]),
        pa.array([X[0, :2].tolist(), X[1, :2].tolist()]).to_pandas(),
    ],
    ids=["unequal", "lists", "sparse", "padded", "objects", "parquet"],
)
def test_several_sequences_are_told_to_be_one(display, several):
    message = f"sequence holds 2 sequences, and {display.__name__}.* sequence\\[0\\]"
    with pytest.raises(ValueError, match=message):
        display.from_estimator(NUMERIC, several)


NESTED = {
    "Arrow Array": pa.array,
    "Arrow ChunkedArray": lambda nested: pa.chunked_array([nested]),
    "awkward Array": ak.Array,
    "polars Series": pl.Series,
    "pandas Series": pd.Series,
    "pandas Series read from parquet": lambda nested: pa.array(nested).to_pandas(),
    "list of frames": lambda nested: [*map(pd.DataFrame, nested)],
}


@pytest.mark.parametrize("read", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("display", OF_SEQUENCES)
def test_one_sequence_of_any_x_is_drawn(display, read):
    X, labels = [[[0.1, 1.0], [0.9, 2.0]], [[0.8, 0.0]]], [["a", "b"], ["b"]]
    network = VanillaRNNClassifier(2, alpha=1, random_state=0).fit(X, labels)
    read_labels = pd.Series if read is NESTED["list of frames"] else read
    drawn = display.from_estimator(network, read(X)[0], read_labels(labels)[0])
    expected = display.from_estimator(network, np.array(X[0]), labels[0])
    numbers = {
        name: value
        for name, value in vars(expected).items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    }
    assert numbers
    for name, value in numbers.items():
        assert_array_equal(getattr(drawn, name), value)
    plt.close("all")


@pytest.mark.parametrize(
    "display",
    [HiddenStateDisplay, LossCurveDisplay, AlphaCurveDisplay, TransitionDisplay],
)
def test_an_estimator_of_another_kind_is_named(display):
    other = LogisticRegression().fit([[0], [1]], [0, 1])
    rest = [X[0]] if display is HiddenStateDisplay else []
    with pytest.raises(TypeError, match=r"needs a network .* got LogisticRegression"):
        display.from_estimator(other, *rest)


def test_a_padded_row_and_its_valid_steps_give_the_same_picture():
    i = int(np.isnan(X[:, -1, 0]).argmax())
    n = int((~np.isnan(X[i, :, 0])).sum())
    forms = [X[i], X[i, :n].tolist(), sparse.csr_array(X[i, :n])]
    for x in forms:
        labels = Y[i] if x is X[i] else Y[i, :n]
        step = StepPredictionDisplay.from_estimator(NUMERIC, x, labels)
        hidden = HiddenStateDisplay.from_estimator(NUMERIC, x, labels)
        unrolled = UnrolledDisplay.from_estimator(NUMERIC, x, labels)
        expected = NUMERIC.predict_proba(X[i : i + 1])[0, :n]
        assert_allclose(step.im_.get_array().T, expected, rtol=1e-12)
        assert hidden.im_.get_array().shape == (48, n)
        assert len(unrolled.frames_) == n
        assert strings(unrolled.token_text_) == [str(t) for t in range(n)]


def test_tokens_come_from_strings_lists_and_padded_arrays():
    tokens = np.array([["he", "l", "l"], ["l", "he", ""]])
    model = make_pipeline(OneHotSequenceEncoder(), VanillaRNNClassifier(2, max_iter=5))
    with pytest.warns(match="max_iter"):
        model.fit(tokens, np.array([["a", "b", "b"], ["b", "a", ""]]))
    for sequence in (tokens[1], ["l", "he"], np.array(["l", "he"], dtype=object)):
        drawn = StepPredictionDisplay.from_estimator(model, sequence)
        assert strings(drawn.ax_.get_xticklabels()) == ["l", "he"]
    drawn = StepPredictionDisplay.from_estimator(model, tokens[0], tokens="xyz")
    assert strings(drawn.ax_.get_xticklabels()) == ["x", "y", "z"]


def test_every_token_can_be_seen_and_none_is_read_as_mathematics():
    tokens = [" ", "\n", "$x_1$", "\x00", "\udc80", "a" * 40, r"\frac"]
    drawn = StepPredictionDisplay.from_predictions(
        None, np.full((7, 2), 0.5), classes=["$", " "], tokens=tokens
    )
    labels = strings(drawn.ax_.get_xticklabels())
    assert labels[:5] == ["␣", "\\n", "$x_1$", "\\x00", "\\udc80"]
    assert labels[5] == "a" * 15 + "…"
    ticks = [*drawn.ax_.get_xticklabels(), *drawn.ax_.get_yticklabels()]
    assert not any(text.get_parse_math() for text in ticks)
    assert strings(drawn.ax_.get_yticklabels()) == ["$", "␣"]
    assert_legible(drawn.figure_)


def test_tokens_lie_down_and_then_give_way_to_numbers_as_room_gets_less():
    words = ["extraordinary"] * 30
    proba = np.full((30, 2), 0.5)
    for width, rotation, label in ((12, 90, "token"), (3, 0, "step")):
        _, ax = plt.subplots(figsize=(width, 4), layout="constrained")
        StepPredictionDisplay.from_predictions(
            None, proba, classes=[0, 1], tokens=words, ax=ax
        )
        assert ax.get_xlabel() == label
        assert {t.get_rotation() for t in ax.get_xticklabels()} == {rotation}
        assert_legible(ax.figure)


# LossCurveDisplay


def test_loss_curves_are_those_of_the_models():
    drawn = LossCurveDisplay.from_estimator({"letters": ONE_WAY, "numbers": NUMERIC})
    one, two = drawn.lines_
    assert_array_equal(one.get_xdata(), np.arange(1, ONE_WAY[-1].n_iter_ + 1))
    assert_array_equal(one.get_ydata(), ONE_WAY[-1].loss_curve_)
    assert_array_equal(two.get_ydata(), NUMERIC.loss_curve_)
    nothing, validation = drawn.validation_lines_
    assert nothing is None
    assert_allclose(validation.get_ydata(), -np.array(NUMERIC.validation_scores_))
    assert validation.get_markevery() == [int(np.argmax(NUMERIC.validation_scores_))]
    assert drawn.ax_.get_ylabel() == "nats per step"
    legend = strings(drawn.ax_.get_legend().get_texts())
    assert legend == ["letters, training", "numbers, training", "numbers, validation"]
    assert_legible(drawn.figure_)


def test_a_single_model_needs_no_name_and_its_line_can_be_styled():
    drawn = LossCurveDisplay.from_estimator(ONE_WAY, line_kw={"linewidth": 5})
    assert drawn.lines_[0].get_linewidth() == 5
    assert strings(drawn.ax_.get_legend().get_texts()) == ["training"]
    named = LossCurveDisplay.from_estimator(ONE_WAY, name="mine", ax=drawn.ax_)
    assert named.lines_[0].get_label() == "mine, training"


@pytest.mark.parametrize("n_models", [2, 3, 5])
def test_curves_differ_in_lightness_and_in_marker(n_models):
    drawn = LossCurveDisplay([[2, 1]] * n_models, names=list("abcde")[:n_models]).plot()
    light = luminance([to_rgb(line.get_color()) for line in drawn.lines_])
    assert min(b - a for a, b in pairwise(light)) > 0.03
    assert light.max() < 0.6
    assert len({line.get_marker() for line in drawn.lines_}) == n_models


def test_every_model_needs_a_name():
    with pytest.raises(ValueError, match=r"2 train_losses, 2 .* and 1 names"):
        LossCurveDisplay([[1], [2]], names=["one"]).plot()
    with pytest.raises(ValueError, match="empty dict"):
        LossCurveDisplay.from_estimator({})


# AlphaCurveDisplay


def test_the_curve_has_the_scores_of_the_search_and_a_marker_at_its_choice():
    model = VanillaRNNClassifier(4, max_iter=10, tol=0.1, random_state=0).fit(X, Y)
    drawn = AlphaCurveDisplay.from_estimator(make_pipeline("passthrough", model))
    assert len(model.alphas_) > 2
    assert_array_equal(drawn.line_.get_xdata(), model.alphas_)
    assert_array_equal(drawn.line_.get_ydata(), model.alpha_scores_)
    chosen = [model.alpha_, model.alpha_scores_[model.alphas_ == model.alpha_].item()]
    assert_array_equal(drawn.chosen_.get_xydata(), [chosen])
    assert drawn.ax_.get_xscale() == "log"
    assert drawn.ax_.get_ylabel() == "negative log-loss of held-out steps, nats"
    legend = strings(drawn.ax_.get_legend().get_texts())
    assert legend == [f"alpha={model.alpha_:g}"]
    assert_legible(drawn.figure_)


def test_the_network_of_a_search_is_looked_at():
    network = VanillaRNNClassifier(2, max_iter=10, tol=0.1, random_state=0)
    search = GridSearchCV(network, {"activation": ["tanh"]}, cv=2).fit(X, Y)
    drawn = AlphaCurveDisplay.from_estimator(search)
    assert_array_equal(drawn.line_.get_ydata(), search.best_estimator_.alpha_scores_)


def test_curves_of_several_strengths_share_axes():
    one = AlphaCurveDisplay([0.1, 1, 10], [-3, -1, -2], alpha=1, name="one").plot()
    two = AlphaCurveDisplay([1, 10], [-np.inf, -1], name="two", score_name="score")
    two.plot(one.ax_, line_kw={"linewidth": 5})
    assert two.ax_ is one.ax_
    assert two.chosen_ is None
    assert two.line_.get_linewidth() == 5
    assert one.chosen_.get_color() == one.line_.get_color() != two.line_.get_color()
    one.ax_.legend()
    legend = strings(one.ax_.get_legend().get_texts())
    assert legend == ["one", "one, alpha=1", "two"]
    assert_legible(one.figure_)


def test_without_a_search_of_strengths_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match=r"alpha=0.01 and tried no other; .*\"auto\""):
        AlphaCurveDisplay.from_estimator(ONE_WAY)
    with pytest.raises(NotFittedError):
        AlphaCurveDisplay.from_estimator(VanillaRNNClassifier())
    with pytest.raises(ValueError, match="2 alphas and 1 scores"):
        AlphaCurveDisplay([1, 2], [1]).plot()
    with pytest.raises(ValueError, match=r"alpha=3 is not one of the alphas"):
        AlphaCurveDisplay([1, 2], [1, 1], alpha=3).plot()


# TransitionDisplay


def test_each_score_is_in_the_row_of_the_label_before():
    drawn = TransitionDisplay.from_estimator(make_pipeline("passthrough", CHAIN))
    network, shown = CHAIN[-1], drawn.im_.get_array()
    assert_array_equal(shown[:-1, :-1], network.transition_coef_)
    assert_array_equal(shown[-1, :-1], network.start_coef_)
    assert_array_equal(shown[:-1, -1], network.end_coef_)
    assert shown.mask.sum() == shown.mask[-1, -1] == 1
    assert_allclose(numbers(drawn.text_[:-1]), shown[:-1], atol=0.051)
    assert_allclose(numbers(drawn.text_[-1, :-1]), shown[-1, :-1], atol=0.051)
    assert drawn.text_[-1, -1] is drawn.forbidden_ is None
    assert strings(drawn.ax_.get_xticklabels()) == ["e", "l", "o", "end"]
    assert strings(drawn.ax_.get_yticklabels()) == ["e", "l", "o", "start"]
    low, high = drawn.im_.get_clim()
    assert -low == high == np.abs(shown).max()
    assert_legible(drawn.figure_)


def test_forbidden_transitions_have_a_cross_instead_of_a_number():
    x, labels = [[[0.0], [1.0], [0.0]]], [["O", "B-X", "I-X"]]
    network = VanillaRNNClassifier(
        2, transitions=True, label_scheme="BIO", alpha=1, tol=1, random_state=0
    ).fit(x, labels)
    drawn = TransitionDisplay.from_estimator(network)
    # I-X, the second class, follows neither O nor the start.
    assert_array_equal(drawn.forbidden_.get_xydata(), [[1, 2], [1, 3]])
    assert drawn.text_[2, 1] is drawn.text_[3, 1] is None
    number = drawn.text_[0, 1]
    assert float(number.get_text().replace("\u2212", "-")) == pytest.approx(
        network.transition_coef_[0, 1], abs=0.051
    )
    assert_legible(drawn.figure_)


def test_a_larger_score_is_lighter_and_its_number_legible():
    scores = np.linspace(-3, 3, 49).reshape(7, 7)
    zeros = np.zeros(7)
    drawn = TransitionDisplay(scores, zeros, zeros, classes=range(7)).plot()
    columns, rows = np.meshgrid(range(7), range(7))
    corners = np.column_stack([columns.ravel(), rows.ravel()]) - 0.4
    light = pixels(drawn.ax_, corners)
    assert (np.diff(light) > 0).all()
    ink = luminance([to_rgb(text.get_color()) for text in drawn.text_[:7, :7].ravel()])
    contrast = (np.maximum(light, ink) + 0.05) / (np.minimum(light, ink) + 0.05)
    assert contrast.min() > 3.5


def test_many_classes_have_no_numbers_unless_they_are_wanted():
    scores, ends = np.eye(30) - np.eye(30, k=1), np.zeros(30)
    scores[3, 4] = -np.inf
    names = [f"a long name {i}" for i in range(30)]
    display = TransitionDisplay(scores, ends, ends, classes=names)
    assert display.plot().text_ is None
    assert_legible(display.figure_)
    drawn = display.plot(include_values=True, cmap="RdBu", colorbar=False)
    assert drawn.text_[0, 0].get_text() == "1.0"
    assert drawn.im_.get_cmap().name == "RdBu"
    assert drawn.figure_.axes == [drawn.ax_]


def test_without_transitions_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match=r"without transitions; .* transitions=True"):
        TransitionDisplay.from_estimator(ONE_WAY)
    with pytest.raises(NotFittedError):
        TransitionDisplay.from_estimator(VanillaRNNClassifier(transitions=True))
    scores = np.zeros((2, 2))
    with pytest.raises(ValueError, match=r"end_coef has shape \(3,\), but there are 2"):
        TransitionDisplay(scores, [0, 0], [0, 0, 0], classes=["a", "b"]).plot()
    with pytest.raises(ValueError, match=r"transition_coef has shape \(1, 2\)"):
        TransitionDisplay(scores[:1], [0, 0], [0, 0], classes=["a", "b"]).plot()


# StepPredictionDisplay


PROBA = np.array([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.3, 0.1, 0.6]])


def test_marks_tell_truth_right_and_wrong():
    drawn = StepPredictionDisplay.from_predictions("acc", PROBA, classes=list("abc"))
    assert_array_equal(drawn.truth_.get_xydata(), [[0, 0], [1, 2], [2, 2]])
    assert_array_equal(drawn.right_.get_xydata(), [[0, 0], [2, 2]])
    assert_array_equal(drawn.wrong_.get_xydata(), [[1, 1]])
    assert_array_equal(drawn.flags_.get_xdata(), [1])
    assert (
        len({m.get_marker() for m in (drawn.truth_, drawn.right_, drawn.wrong_)}) == 3
    )
    assert_legible(drawn.figure_)


def test_without_labels_there_are_predictions_only():
    drawn = StepPredictionDisplay.from_predictions(None, PROBA, classes=list("abc"))
    assert_array_equal(drawn.right_.get_ydata(), [0, 1, 2])
    assert drawn.truth_ is drawn.wrong_ is drawn.flags_ is None


def test_a_label_that_is_no_class_counts_as_wrong():
    drawn = StepPredictionDisplay.from_predictions("axc", PROBA, classes=list("abc"))
    assert_array_equal(drawn.truth_.get_xdata(), [0, 2])
    assert_array_equal(drawn.wrong_.get_xdata(), [1])
    with pytest.raises(ValueError, match="none of the labels"):
        StepPredictionDisplay.from_predictions("xyz", PROBA, classes=list("abc"))


def test_probabilities_must_be_those_of_one_sequence():
    for proba, what in ((PROBA[None], "3 axes"), (PROBA[:, :2], "2 columns")):
        with pytest.raises(ValueError, match=f"probabilities has {what}"):
            StepPredictionDisplay.from_predictions(None, proba, classes=list("abc"))


def test_padding_is_not_drawn():
    padded = np.vstack([PROBA, np.full((2, 3), np.nan)])
    labels = np.array(["a", "b", "c", "", ""])
    drawn = StepPredictionDisplay.from_predictions(labels, padded, classes=list("abc"))
    assert drawn.im_.get_array().shape == (3, 3)


def test_a_more_probable_class_is_darker():
    proba = np.linspace(0, 1, 6)
    drawn = StepPredictionDisplay.from_predictions(
        None, np.column_stack([proba, 1 - proba]), classes=["up", "down"]
    )
    corners = np.column_stack([np.arange(6), np.full(6, 0.35)])
    up = pixels(drawn.ax_, corners - [0, 0.6])
    assert (np.diff(up) < -0.02).all()
    # Black dots and red crosses stay visible on the darkest cell.
    assert up.min() > luminance(to_rgb(WRONG)) + 0.25 > luminance(to_rgb("black"))


def test_many_classes_and_the_colors_of_the_user():
    proba = np.eye(50)[:20]
    drawn = StepPredictionDisplay.from_predictions(
        None, proba, classes=np.arange(50), cmap="Greys", colorbar=False
    )
    assert drawn.im_.get_cmap().name == "Greys"
    assert drawn.figure_.axes == [drawn.ax_]
    assert_legible(drawn.figure_)


# HiddenStateDisplay


def test_units_that_go_together_stand_together():
    rng = np.random.default_rng(0)
    groups = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    states = rng.uniform(-0.9, 0.9, (12, 3))[:, groups]
    states += rng.normal(scale=0.01, size=states.shape)
    drawn = HiddenStateDisplay(states).plot()
    assert_array_equal(np.sort(drawn.order_), np.arange(10))
    assert np.count_nonzero(np.diff(groups[drawn.order_])) == 2
    assert_array_equal(drawn.im_.get_array(), states[:, drawn.order_].T)
    assert strings(drawn.ax_.get_yticklabels()) == [str(i) for i in drawn.order_]


def test_directions_are_drawn_apart():
    drawn = HiddenStateDisplay.from_estimator(NUMERIC, X[0], Y[0])
    assert_array_equal(np.sort(drawn.order_[:24]), np.arange(24))
    assert strings(drawn.ax_.get_yticklabels()) == ["forward", "backward"]
    assert_legible(drawn.figure_)


def test_a_larger_state_is_lighter():
    states = np.linspace(-1, 1, 9)[:, None]
    drawn = HiddenStateDisplay(states).plot()
    points = np.column_stack([np.arange(9), np.zeros(9)])
    assert (np.diff(pixels(drawn.ax_, points)) > 0.02).all()


def test_the_colors_span_what_states_can_be():
    assert HiddenStateDisplay([[-0.1], [0.2]]).plot().im_.get_clim() == (-1, 1)
    assert HiddenStateDisplay([[0.1], [0.2]]).plot().im_.get_clim() == (0, 1)
    assert HiddenStateDisplay([[0.0], [7.0]]).plot().im_.get_clim() == (0, 7)
    with pytest.raises(ValueError, match="states has 1 axes"):
        HiddenStateDisplay([0.1, 0.2]).plot()


def test_labels_stand_where_they_change():
    drawn = HiddenStateDisplay(np.eye(6), labels="aabbba", tokens="tokens").plot()
    (above,) = drawn.ax_.child_axes
    drawn.figure_.canvas.draw()
    assert_array_equal(above.get_xticks(), [0, 2, 5])
    assert strings(above.get_xticklabels()) == ["a", "b", "a"]
    assert strings(drawn.ax_.get_xticklabels()) == list("tokens")
    rng = np.random.default_rng(0)
    words = rng.choice(["keyword", "name", "operator"], 40)
    assert_legible(HiddenStateDisplay(rng.random((40, 5)), labels=words).plot().figure_)


# UnrolledDisplay


@pytest.mark.parametrize("model", [ONE_WAY, TWO_WAY, DEEP])
def test_the_numbers_are_those_of_the_network(model):
    drawn = UnrolledDisplay.from_estimator(model, "hell", "ello")
    encoded = model[:-1].transform(["hell"])
    assert_array_equal(numbers(drawn.input_text_), encoded[0])
    assert_allclose(
        numbers(drawn.output_text_), model.predict_proba(["hell"])[0], atol=0.0051
    )
    states = model[-1].hidden_states(encoded)[0]
    shown = drawn.state_text_[-1:] if model is DEEP else drawn.state_text_
    assert_allclose(np.hstack([numbers(s) for s in shown]), states, atol=0.0051)


def test_all_layers_are_drawn():
    drawn = UnrolledDisplay.from_estimator(DEEP, "hell")
    assert [s.shape for s in drawn.state_text_] == [(4, 2), (4, 3)]
    assert len(drawn.arrows_) == 3 * 4 + 2 * 3
    titles = strings(texts_of(drawn.figure_))
    assert {"hidden 1\n$h_t$", "hidden 2\n$h_t$", "$W_{hh}^{(2)}$"} <= set(titles)


def test_the_state_of_a_chain_is_no_hidden_layer():
    drawn = UnrolledDisplay.from_estimator(CHAIN, "hell")
    assert [s.shape for s in drawn.state_text_] == [(4, 3)]


@pytest.mark.parametrize(
    ("parameters", "n_arrows"),
    [
        ({}, 4 + 4 + 3 + 3),
        ({"bidirectional": True}, 2 * (4 + 4 + 3) + 3),
        ({"hidden_layer_sizes": (2, 3)}, 3 * 4 + 2 * 3 + 3),
        ({"hidden_layer_sizes": ()}, 4 + 3),
    ],
)
def test_direct_weights_and_chains_are_drawn(parameters, n_arrows):
    model = hello(skip_connection=True, transitions=True, skip_alpha=0.1, **parameters)
    drawn = UnrolledDisplay.from_estimator(model, "hell", "ello")
    assert len(drawn.arrows_) == n_arrows
    has_states = parameters.get("hidden_layer_sizes") != ()
    assert len(drawn.detours_) == 4 * has_states
    titles = strings(texts_of(drawn.figure_))
    assert titles.count("$W_{xy}$") == 4
    assert titles.count("$A$") == 3
    assert_legible(drawn.figure_)


def test_predictions_of_a_chain_are_those_of_whole_sequences():
    # The most probable labels of single steps, a and b, exclude each other.
    proba = [[0.6, 0.4], [0.4, 0.6]]
    options = {"classes": ["a", "b"], "labels": ["a", "a"], "predictions": ["a", "a"]}
    drawn = UnrolledDisplay([[1.0], [2.0]], [], proba, **options).plot()
    assert strings(drawn.prediction_text_) == ["a", "a"]
    assert drawn.crosses_ == []
    marked = StepPredictionDisplay(proba, **options).plot()
    assert_array_equal(marked.right_.get_ydata(), [0, 0])
    model = hello(transitions=True)
    model[-1].transition_coef_[:, 0] += 1e3  # e follows
    for display in (UnrolledDisplay, StepPredictionDisplay):
        found = display.from_estimator(model, "hell").predictions
        assert_array_equal(found, model.predict(["hell"])[0])


def test_without_hidden_layers_there_are_no_states_to_draw():
    model = hello((), skip_connection=True, skip_alpha=0.1)
    with pytest.raises(ValueError, match="no hidden layers"):
        HiddenStateDisplay.from_estimator(model, "hell")


def ends(arrow):
    return np.array(arrow._posA_posB)


def test_arrows_lead_from_step_to_step_and_back_in_the_second_direction():
    one = UnrolledDisplay.from_estimator(ONE_WAY, "hell").arrows_
    two = UnrolledDisplay.from_estimator(TWO_WAY, "hell").arrows_
    assert len(one) == 4 + 4 + 3
    assert len(two) == 2 * len(one)
    run = [np.sign(np.diff(ends(a)[:, 0])[0]) for a in two]
    assert sorted(run) == [-1] * 3 + [0] * 16 + [1] * 3
    assert all((np.diff(ends(a), axis=0) >= 0).all() for a in one)


def test_arrows_run_between_neighbors_only():
    drawn = UnrolledDisplay.from_estimator(DEEP, "hell")
    for arrow in drawn.arrows_:
        run, rise = np.diff(ends(arrow), axis=0)[0]
        assert_allclose([run, rise], [0.95, 0] if run else [0, GAP], atol=1e-12)


def test_columns_are_straight_and_their_first_component_is_on_top():
    drawn = UnrolledDisplay.from_estimator(DEEP, "hell")
    tokens = [text.get_position()[0] for text in drawn.token_text_]
    for texts in (drawn.input_text_, *drawn.state_text_, drawn.output_text_):
        x, y = np.vectorize(lambda t: t.get_position())(texts)
        assert_allclose(x, np.tile(tokens, (texts.shape[1], 1)).T)
        assert (np.diff(y, axis=1) < 0).all()


def test_the_true_class_is_framed_and_a_wrong_prediction_crossed_out():
    truth = "eloo"
    drawn = UnrolledDisplay.from_estimator(ONE_WAY, "hell", truth)
    assert strings(drawn.prediction_text_) == list("ello")
    assert strings(drawn.target_text_) == list(truth)
    assert strings(drawn.token_text_) == list("hell")
    for t, frame in enumerate(drawn.frames_):
        number = drawn.output_text_[t, "elo".index(truth[t])]
        assert frame.get_bbox().contains(*number.get_position())
    (cross,) = drawn.crosses_
    assert_allclose(cross.get_ydata(), drawn.output_text_[2, 1].get_position()[1])
    wrong = [t.get_color() == WRONG for t in drawn.prediction_text_]
    assert wrong == [False, False, True, False]
    assert_legible(drawn.figure_)


def test_without_labels_nothing_is_framed():
    drawn = UnrolledDisplay.from_estimator(ONE_WAY, "hell")
    assert drawn.target_text_ is None
    assert drawn.frames_ == drawn.crosses_ == []


def test_a_label_that_is_no_class_has_no_frame():
    drawn = UnrolledDisplay.from_estimator(ONE_WAY, "hell", "elxo")
    assert drawn.frames_[2] is None
    assert len(drawn.crosses_) == 1


@pytest.mark.parametrize("kind", ["input_text_", "output_text_"])
def test_a_larger_number_has_a_darker_cell(kind):
    drawn = UnrolledDisplay.from_estimator(ONE_WAY, "hell")
    texts = getattr(drawn, kind).ravel()
    corners = np.array([t.get_position() for t in texts]) - [0.46, 0.18]
    light = pixels(drawn.ax_, corners)
    values = numbers(texts)
    assert light[values > 0.9].max() < light[values < 0.1].min() - 0.3
    # Black numbers are legible on all of them.
    assert light.min() > 0.35


def test_long_sequences_are_refused():
    with pytest.raises(ValueError, match="sequence has 11 steps but max_steps=10"):
        UnrolledDisplay.from_estimator(ONE_WAY, "hellohelloh")
    drawn = UnrolledDisplay.from_estimator(ONE_WAY, "hellohelloh", max_steps=11)
    assert len(drawn.token_text_) == 11
    assert_legible(drawn.figure_)


def test_of_long_vectors_the_largest_components_are_drawn():
    inputs = np.zeros((2, 30))
    inputs[0, 7], inputs[1, 21] = 5.0, -1234.0
    states = np.linspace(-1, 0.9, 60).reshape(2, 30)
    proba = np.full((2, 20), 0.01)
    proba[:, 3] = 1 - 0.19
    drawn = UnrolledDisplay(
        inputs,
        [states],
        proba,
        classes=np.arange(20) + 100,
        labels=[103, 119],
        feature_names=[f"feature number {i}" for i in range(30)],
    ).plot(max_rows=5)
    assert_array_equal(numbers(drawn.input_text_), [[5, 0], [0, -1234]])
    assert drawn.state_text_[0].shape == drawn.output_text_.shape == (2, 4)
    written = set(strings(drawn.ax_.texts))
    assert {"28 more", "26 more", "16 more", "⋮", "103", "119", "feature n…"} <= written
    assert_legible(drawn.figure_)


def test_two_way_networks_of_several_layers_are_refused():
    deep = hello((2, 2), bidirectional=True)
    with pytest.raises(ValueError, match="has 2 hidden layers, too many to draw"):
        UnrolledDisplay.from_estimator(deep, "hell")
    states = [np.zeros((4, 4))] * 2
    by_hand = UnrolledDisplay(
        np.eye(4), states, np.eye(4), classes=list("abcd"), n_directions=2
    )
    with pytest.raises(ValueError, match="has 2 hidden layers, too many to draw"):
        by_hand.plot()


def test_arrays_that_do_not_go_together_are_named():
    inputs, proba = np.eye(3), np.full((3, 2), 0.5)
    with pytest.raises(ValueError, match="hidden has 2 steps but probabilities has 3"):
        UnrolledDisplay(inputs, [np.eye(2)], proba, classes=[0, 1]).plot()
    with pytest.raises(ValueError, match="1 names for 3 components"):
        UnrolledDisplay(
            inputs, [inputs], proba, classes=[0, 1], feature_names=["a"]
        ).plot()


def test_feature_names_come_from_the_encoder_or_the_user():
    drawn = UnrolledDisplay.from_estimator(ONE_WAY, "hell")
    assert strings(drawn.ax_.texts).count("o") == 3  # input, class, prediction
    network, encoded = ONE_WAY[-1], ONE_WAY[:-1].transform(["hell"])[0]
    bare = UnrolledDisplay.from_estimator(network, encoded, feature_names=list("wxyz"))
    assert {"w", "x", "y", "z"} <= set(strings(bare.ax_.texts))
    assert "w" not in strings(drawn.ax_.texts)


def test_features_without_names_are_numbered():
    encoder, network = ONE_WAY[0], ONE_WAY[-1]
    nameless = make_pipeline(encoder, FunctionTransformer(), network)
    drawn = UnrolledDisplay.from_estimator(nameless, "hell")
    assert strings(drawn.ax_.texts).count("o") == 2  # class, prediction
    assert "3" in strings(drawn.ax_.texts)


def test_features_keep_the_names_that_transformers_give_them():
    tokens = [[{"word": word} for word in ("the", "dog", "sleeps")]]
    network = VanillaRNNClassifier(2, tol=0.01, random_state=0)
    model = make_pipeline(StepwiseTransformer(DictVectorizer()), network)
    model.fit(tokens, [["D", "N", "V"]])
    drawn = UnrolledDisplay.from_estimator(model, tokens[0], "DNV", tokens=["a"] * 3)
    assert {"word=the", "word=dog", "word=slee…"} <= set(strings(drawn.ax_.texts))
