"""What stands beside the estimators, on data of every form and on anything else."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from fuzz_checks import attempt, flat, unchanged
from fuzz_inputs import LABELS, NESTS, SEEDS, datasets, labels_of, oddities, posed
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from samples import fingerprint
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MaxAbsScaler
from test_fuzz_encoder import ALPHABETS, sequences

from skrnn import (
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
    WindowTransformer,
    frame_from_sequences,
    pad_labels,
    pad_sequences,
    sequences_from_frame,
    unpad,
    valid_steps,
)
from skrnn._validation.containers import objects
from skrnn.metrics import (
    flatten_steps,
    sequence_accuracy_score,
    span_f1_score,
    step_accuracy_score,
    step_confusion_matrix,
    step_f1_score,
)
from skrnn.model_selection import cross_val_predict

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
    # What older NumPy says of arrays in arrays, where newer raises ValueError.
    pytest.mark.filterwarnings("ignore:The truth value of an empty array"),
    # scikit-learn's own.
    pytest.mark.filterwarnings("ignore:invalid value encountered in (cast|reduce)"),
    pytest.mark.filterwarnings("ignore:All-NaN slice"),
    pytest.mark.filterwarnings("ignore:A single label was found:UserWarning"),
    pytest.mark.filterwarnings("ignore:y ends in -1"),
    pytest.mark.filterwarnings("ignore:X .*feature names:UserWarning"),
]

labeled = datasets(labels_of("two"))
KINDS = st.sampled_from(sorted(LABELS))
SMALL = {"alpha": 1, "max_iter": 2, "random_state": 0}


def windows(x, before, after):
    """Return the rows of a sequence beside their neighbors, zeros beyond its ends."""
    wide = np.pad(x, ((before, after), (0, 0)))
    views = [wide[i : i + len(x)] for i in range(before + after + 1)]
    return np.concatenate(views, axis=1)


def steps_of(given, problem, result):
    return flat(given.form, result, (given.X, problem.lengths))


@given(st.data(), st.integers(0, 2), st.integers(0, 2))
def test_windows_are_the_same_in_every_form(data, before, after):
    problem = data.draw(labeled)
    given = data.draw(posed(problem, forms=("padded", "ragged", "rows")))
    model = WindowTransformer(before, after, padding_value=given.padding_value)
    content = fingerprint(given)
    result, fill = steps_of(given, problem, model.fit_transform(given.X))
    assert fingerprint(given) == content
    expected = [windows(x, before, after) for x in problem.sequences]
    assert_array_equal(result, np.concatenate(expected))
    if fill is not None:
        assert_array_equal(fill, np.full(fill.shape, given.padding_value))


@given(st.data())
def test_scaled_steps_are_the_same_in_every_form(data):
    problem = data.draw(labeled)
    given = data.draw(posed(problem, forms=("padded", "ragged", "rows")))
    steps = np.concatenate(problem.sequences)
    # What is scaled to the padding value is an error, which has a test of its own.
    assume(np.isnan(given.padding_value) or given.form != "padded")
    model = StepwiseTransformer(MaxAbsScaler(), padding_value=given.padding_value)
    content = fingerprint(given)
    result, _ = steps_of(given, problem, model.fit(given.X).transform(given.X))
    assert fingerprint(given) == content
    assert_allclose(result, MaxAbsScaler().fit_transform(steps), rtol=1e-2)


@given(oddities(), st.sampled_from([WindowTransformer(), StepwiseTransformer]))
def test_transformers_take_or_name_what_is_odd(X, model):
    has_own_words = model is not StepwiseTransformer
    if not has_own_words:
        model = StepwiseTransformer(MaxAbsScaler())
    content = fingerprint(X)
    attempt(lambda: clone(model).fit(X).transform(X), named=has_own_words)
    assert fingerprint(X) == content


@given(st.data(), KINDS)
def test_metrics_see_valid_steps_alone(data, kind):
    problem = data.draw(datasets(labels_of(kind)))
    guesses = data.draw(st.permutations(problem.targets))
    guesses = list(map(np.resize, guesses, map(len, problem.targets)))
    true, guessed = map(np.concatenate, (problem.targets, guesses))
    label = pad_labels([[], *guesses, *problem.targets])[0, 0]
    padded, wide = (pad_labels(t, label) for t in (guesses, problem.targets))
    for y_true, y_pred, known in (
        (objects(problem.targets), objects(guesses), {"lengths": None}),
        (wide, padded, {"lengths": problem.lengths}),
        (wide, padded, {"padding_label": label}),
    ):
        if kind in ("float", "bool") and "lengths" not in known:
            continue
        flat_true, flat_pred, _ = flatten_steps(y_true, y_pred, **known)
        assert_array_equal(flat_true, true)
        assert_array_equal(flat_pred, guessed)


@given(NESTS, NESTS, st.none() | NESTS)
def test_metrics_take_or_name_what_is_odd(y_true, y_pred, sample_weight):
    for metric in (
        step_accuracy_score,
        sequence_accuracy_score,
        step_confusion_matrix,
        step_f1_score,
        span_f1_score,
    ):
        call = partial(metric, y_true, y_pred, sample_weight=sample_weight)
        # The words are scikit-learn's where steps of any labels came out.
        attempt(call, named=False)


@given(oddities(), st.sampled_from([np.nan, 0.0, 9.0]))
def test_padding_tools_take_or_name_what_is_odd(X, value):
    assume(not isinstance(X, memoryview))  # NumPy's cannot be iterated
    for tool in (pad_sequences, unpad, valid_steps):
        attempt(partial(tool, X, padding_value=value), named=False)
    attempt(lambda: pad_labels(X), named=False)


@given(st.data())
def test_predictions_of_folds_have_the_form_of_X(data):
    problem = data.draw(labeled.filter(lambda p: len(p.lengths) > 1))
    given = data.draw(posed(problem))
    model = VanillaRNNClassifier(2, padding_value=given.padding_value, **SMALL)
    n = len(problem.lengths)
    folds = [(np.arange(1, n), [0]), ([0], np.arange(1, n))]
    content = fingerprint(given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (RuntimeWarning))
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = cross_val_predict(model, given.X, given.y, cv=folds)
    labels, _ = steps_of(given, problem, result)
    assert fingerprint(given) == content
    assert set(labels.tolist()) <= set(problem.classes.tolist())


@given(st.data(), KINDS, st.sampled_from(["pandas", "polars"]))
def test_frames_give_back_what_went_in(data, kind, library):
    problem = data.draw(datasets(labels_of(kind)))
    frame = frame_from_sequences(
        problem.sequences, {"label": problem.targets}, library=library
    )
    back = sequences_from_frame(
        frame, sequence="sequence", order="step", label="label", ragged=True
    )
    for one, other in (
        (back.data, problem.sequences),
        (back.target, problem.targets),
    ):
        assert_array_equal(np.concatenate(list(one)), np.concatenate(other))
        assert list(map(len, one)) == problem.lengths.tolist()


@given(st.lists(NESTS, min_size=1, max_size=3), st.booleans())
def test_frames_take_or_name_what_is_odd(column, ragged):
    frame = pd.DataFrame({"name": [0, 1, 0][: len(column)], "odd": pd.Series(column)})
    for columns in (
        {"sequence": "odd"},
        {"sequence": "name", "features": "odd"},
        {"sequence": "name", "features": ["odd"]},
        {"sequence": "name", "order": "odd"},
    ):
        call = partial(sequences_from_frame, frame, ragged=ragged, **columns)
        # Sorting says only which two types have no order.
        attempt(call, named=False)


@given(st.data(), st.sampled_from(sorted(ALPHABETS)), st.booleans(), st.booleans())
def test_a_language_model_knows_any_alphabet(data, kind, start, end):
    _, texts = data.draw(sequences(kind))
    network = VanillaRNNClassifier(2, **SMALL)
    model = VanillaRNNLanguageModel(network, start=start, end=end)
    if not attempt(lambda: model.fit(texts)):
        assert not any(len(text) > 1 or (text and (start or end)) for text in texts)
        return
    for text in filter(len, texts):
        with unchanged(model, texts):
            (proba,) = model.predict_proba([text])
            reading = model.read(text)
        assert_allclose(proba.sum(), 1, rtol=1e-6)
        assert_allclose(np.exp(reading.log_proba), proba, atol=1e-6)
        assert reading.text == text
        for whole, log_proba in model.complete(text, 2, max_length=2):
            assert whole[: len(text)] == text
            assert log_proba <= 1e-9
    if start and end:
        drawn = model.sample(2, max_length=3, random_state=data.draw(SEEDS))
        assert {type(text) for text in drawn} == {type(texts[0])}
        assert np.isfinite(model.score_samples(drawn)).all()


@given(NESTS)
def test_a_language_model_takes_or_names_what_is_odd(texts):
    model = VanillaRNNLanguageModel(VanillaRNNClassifier(2, **SMALL))
    if attempt(lambda: model.fit(texts)):
        assert_allclose(model.predict_proba(texts).sum(axis=1), 1, rtol=1e-6)
    model = VanillaRNNLanguageModel(VanillaRNNClassifier(2, **SMALL)).fit(["abc"])
    attempt(lambda: model.read(texts))
    attempt(lambda: model.score_samples(texts))
