"""Models in files: of this version and of earlier ones, whole and tampered with."""

import inspect
import io
import os
import pickle
import re
import subprocess
import sys
import warnings
import zipfile
from itertools import product
from pathlib import Path
from typing import ClassVar

import fake_torch
import joblib
import numpy as np
import pytest
import skops.io
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from sklearn.exceptions import ConvergenceWarning, InconsistentVersionWarning
from sklearn.preprocessing import StandardScaler
from skops.io.exceptions import UntrustedTypesFoundException

import skrnn
from skrnn import (
    OneHotSequenceEncoder,
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
    VanillaRNNRegressor,
    WindowTransformer,
)
from skrnn._validation.persistence import OLD_PATHS
from skrnn.export import to_onnx, to_torch

# As docs/deployment.md has it: all that files of models hold beyond what skops trusts.
TRUSTED = [
    "skrnn.VanillaRNNClassifier",
    "skrnn.OneHotSequenceEncoder",
    "skrnn.VanillaRNNLanguageModel",
    "skrnn.VanillaRNNRegressor",
    "skrnn.StepwiseTransformer",
    "skrnn.WindowTransformer",
]
SHORT = {"alpha": 1, "tol": 1.0, "random_state": 0}
X = np.eye(3)
MODELS = [
    VanillaRNNClassifier(2, **SHORT).fit(X, [0, 1, 0]),
    VanillaRNNRegressor(2, **SHORT).fit(X, [0, 1, 0]),
    VanillaRNNLanguageModel(VanillaRNNClassifier(2, **SHORT)).fit(["ab", "b"]),
    OneHotSequenceEncoder().fit(["ab"]),
    StepwiseTransformer(StandardScaler()).fit(X),
    WindowTransformer().fit(X),
]
models = pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)

ARCHITECTURES = list(product([1, 2, 3], [False, True], ["tanh", "relu"]))
# A share for each architecture; the profile "thorough" tries 400 of each.
SHARE = settings(max_examples=max(settings().max_examples // 5, 1))


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def through_skops(model):
    return skops.io.loads(skops.io.dumps(model), trusted=TRUSTED)


WAYS = [through_pickle, through_joblib, through_skops]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@models
@ways
def test_the_same_version_is_silent(way, model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        duplicate = way(model)
    assert vars(duplicate).keys() == vars(model).keys()


@models
@pytest.mark.parametrize("module", [pickle, skops.io], ids=lambda m: m.__name__)
def test_another_version_is_named(module, model, monkeypatch):
    state = module.dumps(model)
    version = skrnn.__version__
    monkeypatch.setattr("skrnn._validation.persistence.__version__", "99.0")
    trust = {} if module is pickle else {"trusted": TRUSTED}
    with pytest.warns(InconsistentVersionWarning) as record:
        module.loads(state, **trust)
    name = type(model).__name__
    [warning] = [w.message for w in record if w.message.estimator_name == name]
    assert warning.original_sklearn_version == version
    assert warning.current_sklearn_version == "99.0"
    assert f"{name} was saved by skrnn {version} and is loaded by skrnn 99.0" in str(
        warning
    )


@models
def test_parameters_gained_since_get_their_defaults(model):
    state = model.__getstate__()
    *_, parameter = inspect.signature(type(model)).parameters.values()
    del state[parameter.name]
    duplicate = type(model).__new__(type(model))
    duplicate.__setstate__(state)
    assert_equal(getattr(duplicate, parameter.name), parameter.default)
    assert "_skrnn_version" in state


@models
def test_a_pickle_without_a_version_is_an_old_one(model):
    state = model.__getstate__()
    del state["_skrnn_version"]
    with pytest.warns(InconsistentVersionWarning, match=r"skrnn before 0\.1"):
        type(model).__new__(type(model)).__setstate__(state)


@pytest.mark.parametrize(("n_layers", "bidirectional", "activation"), ARCHITECTURES)
@SHARE
@given(
    seed=strategies.SEEDS,
    early_stopping=st.booleans(),
    alpha=st.sampled_from([1.0, "auto"]),
)
def test_every_network_comes_back_whole(
    n_layers, bidirectional, activation, seed, early_stopping, alpha
):
    rng = np.random.default_rng(seed)
    sequences = [rng.normal(size=(n, 2)) for n in (3, 1, 4, 2, 1, 3)]
    model = strategies.fit(
        sequences,
        [rng.choice(["no", "yes"], size=len(x)) for x in sequences],
        hidden_layer_sizes=tuple(rng.integers(1, 5, size=n_layers).tolist()),
        bidirectional=bidirectional,
        activation=activation,
        early_stopping=early_stopping,
        alpha=alpha,
        max_iter=2,
    )
    for way in WAYS:
        duplicate = way(model)
        assert_equal(vars(duplicate), vars(model))
        for one, other in zip(
            duplicate.predict_proba(sequences),
            model.predict_proba(sequences),
            strict=True,
        ):
            assert_array_equal(one, other)


@ways
@pytest.mark.parametrize("sizes", [(), (2,)], ids=str)
def test_a_tagger_comes_back_whole(way, sizes):
    parameters = {"skip_connection": True, "transitions": True, "label_scheme": "IOB2"}
    model = VanillaRNNClassifier(sizes, **parameters, **SHORT)
    y = [["O", "B-a", "I-a"], ["B-a", "O", "O"]]
    sequences = np.stack([X, X[::-1]])
    model.fit(sequences, y)
    assert skops.io.get_untrusted_types(data=skops.io.dumps(model)) == TRUSTED[:1]
    duplicate = way(model)
    assert_equal(vars(duplicate), vars(model))
    assert np.isneginf(duplicate.transition_coef_).any()
    for method in "predict", "predict_proba", "predict_n_best":
        assert_equal(
            getattr(duplicate, method)(sequences), getattr(model, method)(sequences)
        )
    assert_array_equal(
        duplicate.sequence_log_proba(sequences, y),
        model.sequence_log_proba(sequences, y),
    )


def test_a_model_mapped_from_a_file_answers_the_same(tmp_path):
    joblib.dump(MODELS[0], tmp_path / "model")
    duplicate = joblib.load(tmp_path / "model", mmap_mode="r")
    assert isinstance(duplicate.output_coef_, np.memmap)
    assert_array_equal(duplicate.predict_proba(X), MODELS[0].predict_proba(X))


# Files of earlier versions. Those written for this version stand for it as well.

FIXTURES = Path(__file__).parent / "fixtures"
# A folder for each version, or for each form of its files. Others hold bytecode.
FILES = sorted(p for p in FIXTURES.glob("[0-9]*/*") if p.suffix != ".npz")


def load(path):
    with warnings.catch_warnings():
        # Files come from earlier versions, of skrnn and of scikit-learn.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        if path.suffix == ".pickle":
            return pickle.loads(path.read_bytes())
        old = [name for name in skops.io.get_untrusted_types(file=path)]
        assert {name.rpartition(".")[0] for name in old} <= {
            "skrnn",
            "skrnn._language_model",
            *OLD_PATHS,
        }
        return skops.io.load(path, trusted=old)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(FIXTURES)))
def test_a_file_of_an_earlier_version_answers_the_same(path):
    model = load(path)
    answers = np.load(path.with_name("answers.npz"))
    X = answers[f"{path.stem}.X"]
    methods = [key.split(".")[1] for key in answers if key.startswith(f"{path.stem}.")]
    for method in set(methods) - {"X"}:
        expected = answers[f"{path.stem}.{method}"]
        answer = getattr(model, method)(X)
        assert answer.dtype == expected.dtype
        if expected.dtype.kind == "f":
            # The encoder of the language model makes float32 of tokens, so its scores
            # have the accuracy of float32, whatever they are summed in.
            is_single = isinstance(model, VanillaRNNLanguageModel)
            dtype = np.float32 if is_single else expected.dtype
            digits = np.finfo(dtype).eps * (10 if is_single else 1e4)
            assert_allclose(answer, expected, rtol=digits, atol=digits)
        else:
            assert_array_equal(answer, expected)


def load_without_parts():
    """Return a classifier from before direct weights and chains, and its input."""
    path = FIXTURES / "0.1.0" / "one_way.pickle"
    model = load(path)
    assert not {"skip_coef_", "transition_coef_"} & vars(model).keys()
    return model, np.load(path.with_name("answers.npz"))["one_way.X"]


def test_a_classifier_of_an_earlier_version_scores_whole_sequences():
    model, X = load_without_parts()
    proba, y = model.predict_proba(X), model.predict(X)
    valid = ~np.isnan(proba[..., 0])
    expected = np.where(valid, np.log(proba.max(axis=-1)), 0).sum(axis=-1)
    assert_allclose(model.sequence_log_proba(X, y), expected, rtol=1e-9)
    assert not hasattr(model, "predict_n_best")


def test_a_classifier_of_an_earlier_version_is_trained_further():
    model, X = load_without_parts()
    y, before = model.predict(X), strategies.theta_of(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.set_params(warm_start=True, max_fun=1).fit(X, y)
    assert_allclose(strategies.theta_of(model), before, rtol=1e-6)
    assert model.skip_coef_ is None
    assert model.transition_coef_ is None


def test_a_classifier_of_an_earlier_version_is_exported(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", fake_torch)
    model, _ = load_without_parts()
    rnn, linear = to_torch(model)
    assert linear.in_features == rnn.hidden_size
    assert [output.name for output in to_onnx(model).graph.output] == [
        "label",
        "probabilities",
    ]


def test_this_version_has_its_files():
    names = {path.stem for path in FILES if path.parent.name == skrnn.__version__}
    assert {"one_way", "two_way", "encoder", "pipeline"} <= names


def test_files_with_old_and_with_public_modules_are_kept():
    def modules(folder):
        files = (FIXTURES / folder).glob("*.skops")
        types = {name for f in files for name in skops.io.get_untrusted_types(file=f)}
        return {name.rpartition(".")[0] for name in types}

    assert modules("0.1.0") & set(OLD_PATHS)
    assert modules("0.1.0-public-modules") == {"skrnn"}


# What skops trusts, and what happens to files that somebody has tampered with.


@models
def test_a_file_holds_types_that_are_known(model):
    found = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    assert set(found) <= set(TRUSTED)


def test_the_known_types_are_estimators_that_the_page_lists():
    public = {getattr(skrnn, name) for name in skrnn.__all__}
    estimators = {c for c in public if isinstance(c, type) and hasattr(c, "get_params")}
    assert {f"{c.__module__}.{c.__name__}" for c in estimators} == set(TRUSTED)
    page = Path(__file__).parents[1] / "docs" / "deployment.md"
    listed = re.findall(r'"(skrnn\.\w+)"', page.read_text(encoding="utf-8"))
    assert set(listed) == set(TRUSTED)


class Hostile:
    """Something that runs code where it is unpickled."""

    ran: ClassVar[list[str]] = []

    def __reduce__(self):
        return Hostile.ran.append, ("code",)


@pytest.mark.parametrize("value", [Hostile(), os.system, subprocess.Popen], ids=repr)
def test_a_foreign_type_is_an_error_and_never_runs(value):
    model = VanillaRNNClassifier(verbose=value)
    with pytest.raises(UntrustedTypesFoundException):
        skops.io.loads(skops.io.dumps(model), trusted=TRUSTED)
    assert not Hostile.ran


def rewritten(content, name, change):
    """Return a zip archive in which one member has been changed."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(result, "w") as new,
    ):
        for member in old.namelist():
            data = old.read(member)
            new.writestr(member, change(data) if member.endswith(name) else data)
    return result.getvalue()


def test_a_renamed_type_is_an_error():
    def rename(schema):
        return schema.replace(b"VanillaRNNClassifier", b"VanillaRNNVandal")

    content = rewritten(skops.io.dumps(MODELS[0]), "schema.json", rename)
    with pytest.raises(UntrustedTypesFoundException, match="VanillaRNNVandal"):
        skops.io.loads(content, trusted=TRUSTED)


def test_a_pickle_in_place_of_an_array_is_an_error():
    def replace(_):
        file = io.BytesIO()
        np.save(file, np.array([Hostile()], dtype=object), allow_pickle=True)
        return file.getvalue()

    content = rewritten(skops.io.dumps(MODELS[0]), ".npy", replace)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        skops.io.loads(content, trusted=TRUSTED)
    assert not Hostile.ran


def test_a_file_cut_short_is_an_error():
    content = skops.io.dumps(MODELS[0])
    with pytest.raises(zipfile.BadZipFile):
        skops.io.loads(content[: len(content) // 2], trusted=TRUSTED)
