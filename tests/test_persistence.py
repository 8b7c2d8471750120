"""Pickles and the versions that made them."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import InconsistentVersionWarning

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier

MODELS = [
    VanillaRNNClassifier(2, tol=1.0, random_state=0).fit(np.eye(3), [0, 1, 0]),
    OneHotSequenceEncoder().fit(["ab"]),
]
models = pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)


@models
def test_the_same_version_is_silent(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        twin = pickle.loads(pickle.dumps(model))
    assert vars(twin).keys() == vars(model).keys()


@models
def test_another_version_is_named(model, monkeypatch):
    state = pickle.dumps(model)
    monkeypatch.setattr("skrnn._persistence.__version__", "99.0")
    with pytest.warns(InconsistentVersionWarning) as record:
        pickle.loads(state)
    [warning] = [w.message for w in record]
    assert warning.estimator_name == type(model).__name__
    assert warning.original_sklearn_version != "99.0"
    assert warning.current_sklearn_version == "99.0"


@models
def test_parameters_gained_since_get_their_defaults(model):
    state = model.__getstate__()
    name = next(iter(model.get_params()))
    expected = type(model)().get_params()[name]
    del state[name]
    twin = type(model).__new__(type(model))
    twin.__setstate__(state)
    assert twin.get_params()[name] == expected
    assert "_skrnn_version" in state


@models
def test_a_pickle_without_a_version_is_an_old_one(model):
    state = model.__getstate__()
    del state["_skrnn_version"]
    with pytest.warns(InconsistentVersionWarning, match="before"):
        type(model)().__setstate__(state)


def test_an_unpickled_model_answers_the_same():
    twin = pickle.loads(pickle.dumps(MODELS[0]))
    assert_array_equal(
        twin.predict_proba(np.eye(3)), MODELS[0].predict_proba(np.eye(3))
    )
