"""What the docstrings say of parameters, against the signatures."""

import ast
import inspect
import re

import pytest

import skrnn
from skrnn import (
    dask,
    datasets,
    export,
    metrics,
    model_selection,
    plotting,
    preprocessing,
)

MODULES = (
    skrnn,
    dask,
    datasets,
    export,
    metrics,
    model_selection,
    plotting,
    preprocessing,
)


def public_callables():
    """Yield the name and the object of every public class, method and function."""
    for module in MODULES:
        for name in module.__all__:
            thing = getattr(module, name)
            yield name, thing
            for attribute in vars(thing) if inspect.isclass(thing) else ():
                method = getattr(thing, attribute)
                if attribute.startswith("_") or not callable(method):
                    continue
                if method.__module__.startswith("skrnn"):  # not a generated one
                    yield f"{name}.{attribute}", method


def documented(thing):
    """Return the declared types of the parameters in a numpydoc docstring."""
    text = (inspect.getdoc(thing) or "").replace("\\\n", "")
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+$|\Z)", text, re.DOTALL | re.MULTILINE
    )
    lines = section[1] if section else ""
    return dict(re.findall(r"^(\*{0,2}\w+) : (.*)$", lines, re.MULTILINE))


def documented_with_local(thing):
    """Return the declared types, with those of the local class of a Dask estimator."""
    local = getattr(thing, "_local", None)
    return documented(local) | documented(thing) if local else documented(thing)


def spells(text, default):
    """Tell whether a docstring's text is a default value."""
    if isinstance(default, str | tuple):
        return "'" not in text and ast.literal_eval(text) == default
    if inspect.isclass(default):
        return text == f"{default.__module__}.{default.__name__}"
    if isinstance(default, float):
        return repr(float(text)) == repr(default)
    return text == repr(default)


CALLABLES = dict(public_callables())
STARS = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


@pytest.mark.parametrize("name", CALLABLES)
def test_docstrings_name_the_parameters_and_their_defaults(name):
    parameters = inspect.signature(CALLABLES[name]).parameters.values()
    types = documented_with_local(CALLABLES[name])
    expected = {
        STARS.get(p.kind, "") + p.name: p.default
        for p in parameters
        if p.name != "self"
    }
    assert list(types) == list(expected)
    for parameter, default in expected.items():
        _, stated, value = types[parameter].partition("default=")
        if default is inspect.Parameter.empty:
            assert not stated
        else:
            assert spells(value, default), (parameter, value, default)


def test_there_is_something_to_check():
    assert len(CALLABLES) > 90
    assert {name for module in MODULES for name in module.__all__} <= set(CALLABLES)
    assert documented(skrnn.OneHotSequenceEncoder)["n_steps"] == "int, default=None"


# Texts that two classes share

# The entries in which labels and numbers differ; all others are the same.
OF_TARGETS = {
    "bidirectional",
    "skip_connection",
    "alpha",
    "skip_alpha",
    "early_stopping",
    "warm_start",
    "random_state",
    "output_coef_",
    "output_intercept_",
    "skip_coef_",
    "skip_alpha_",
    "loss_",
    "validation_scores_",
    "n_outputs_",
    "out_activation_",
}


def entries(thing, section):
    """Return the entries of a section of a docstring: their names and texts."""
    text = inspect.getdoc(thing).replace("\\\n", "")
    found = re.search(
        rf"^{section}\n-+\n(.*?)(?=^\S[^\n]*\n-+$)", text, re.DOTALL | re.MULTILINE
    )
    parts = re.split(r"^(\w+) : ", found[1], flags=re.MULTILINE)[1:]
    texts = [" ".join(text.split()) for text in parts[1::2]]
    return dict(zip(parts[::2], texts, strict=True))


@pytest.mark.parametrize("section", ["Parameters", "Attributes"])
def test_classifier_and_regressor_say_the_same_of_what_they_share(section):
    of_classifier = entries(skrnn.VanillaRNNClassifier, section)
    of_regressor = entries(skrnn.VanillaRNNRegressor, section)
    shared = of_classifier.keys() & of_regressor.keys()
    assert len(shared) > 15
    differing = {name for name in shared if of_classifier[name] != of_regressor[name]}
    assert differing == OF_TARGETS & shared


@pytest.mark.parametrize("method", ["fit", "predict", "score"])
def test_methods_say_the_same_of_the_sequences(method):
    of_classifier = entries(getattr(skrnn.VanillaRNNClassifier, method), "Parameters")
    of_regressor = entries(getattr(skrnn.VanillaRNNRegressor, method), "Parameters")
    assert of_classifier["X"] == of_regressor["X"]
