"""What can be iterated over but not indexed is refused, wherever sequences go in."""

import numpy as np
import pytest
from sklearn.feature_extraction import DictVectorizer
from sklearn.preprocessing import StandardScaler

from skrnn import (
    OneHotSequenceEncoder,
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
    VanillaRNNRegressor,
    WindowTransformer,
    as_ragged,
    frame_from_sequences,
    pad_labels,
    pad_sequences,
    unpad,
    valid_steps,
)
from skrnn._validation.containers import reject_iterators
from skrnn.model_selection import (
    StratifiedSequenceKFold,
    cross_val_predict,
    permutation_importance,
)

X = [np.array([[0.1], [0.9], [0.2]]), np.array([[0.8], [0.3]])]
Y = [list("ABA"), list("BA")]
SHORT = {"alpha": 1, "tol": 1.0, "random_state": 0}
CLASSIFIER = VanillaRNNClassifier(2, **SHORT).fit(X, Y)
REGRESSOR = VanillaRNNRegressor(2, **SHORT).fit(X, X)
SCALER = StepwiseTransformer(StandardScaler()).fit(X)
WINDOWS = WindowTransformer().fit(X)
ENCODER = OneHotSequenceEncoder().fit(Y)
TEXTS = VanillaRNNLanguageModel(VanillaRNNClassifier(2, **SHORT)).fit(["ab", "b"])

ITERATORS = {
    "generator": lambda items: (item for item in items),
    "map": lambda items: map(list, items),
    "filter": lambda items: filter(None.__ne__, items),
    "dict_values": lambda items: dict(enumerate(items)).values(),
    "dict_keys": lambda items: dict.fromkeys(map(str, items)).keys(),
    "zip": lambda items: zip(items, items, strict=True),
    "set": lambda items: set(map(str, items)),
    "list_iterator": iter,
}
TAKERS = {
    "fit": lambda X: VanillaRNNClassifier(2).fit(X, Y),
    "fit of a regressor": lambda X: VanillaRNNRegressor(2).fit(X, Y),
    "predict": CLASSIFIER.predict,
    "predict_proba": CLASSIFIER.predict_proba,
    "score": lambda X: CLASSIFIER.score(X, Y),
    "hidden_states": CLASSIFIER.hidden_states,
    "forecast": lambda X: REGRESSOR.forecast(X, 2),
    "fit of a transformer": lambda X: StepwiseTransformer(StandardScaler()).fit(X),
    "transform": SCALER.transform,
    "inverse_transform": SCALER.inverse_transform,
    "windows": WINDOWS.transform,
    "fit of an encoder": lambda X: OneHotSequenceEncoder().fit(X),
    "encode": ENCODER.transform,
    "decode": ENCODER.inverse_transform,
    "fit of a language model": lambda X: VanillaRNNLanguageModel().fit(X),
    "score of a language model": TEXTS.score,
    "pad_sequences": pad_sequences,
    "pad_labels": pad_labels,
    "as_ragged": as_ragged,
    "unpad": unpad,
    "valid_steps": valid_steps,
    "frame_from_sequences": frame_from_sequences,
    "permutation_importance": lambda X: permutation_importance(CLASSIFIER, X, Y),
    "cross_val_predict": lambda X: cross_val_predict(CLASSIFIER, X, Y, cv=2),
    "split": lambda X: list(StratifiedSequenceKFold(2).split(X, Y)),
}


@pytest.mark.parametrize("name", TAKERS)
@pytest.mark.parametrize("kind", ITERATORS)
def test_an_iterable_without_indices_is_told_to_become_a_list(name, kind):
    with pytest.raises(TypeError, match=rf"{kind}, which has no .*; pass a list"):
        TAKERS[name](ITERATORS[kind](X))


@pytest.mark.parametrize("name", ["fit", "predict", "windows", "encode"])
def test_an_item_without_indices_is_named(name):
    items = X if name != "encode" else Y
    with pytest.raises(TypeError, match=r"X\[1\] is of type generator.*pass a list"):
        TAKERS[name]([items[0], (step for step in items[1])])


def test_dicts_of_one_generator_are_no_steps():
    vectorizer = StepwiseTransformer(DictVectorizer()).fit([[{"a": 1}], [{"a": 2}]])
    with pytest.raises(TypeError, match=r"X\[0\] is of type generator"):
        vectorizer.transform([(step for step in [{"a": 1}])])


@pytest.mark.parametrize("values", [None, 3, "ab", [1], (1,), np.ones(2), range(3)])
def test_what_has_indices_passes(values):
    assert reject_iterators(values, "X") is None
