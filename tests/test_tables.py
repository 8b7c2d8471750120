"""Lists of data frames: columns go by their names, in every estimator and helper."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    OneHotEncoder,
    StandardScaler,
)

from skrnn import (
    StepwiseTransformer,
    VanillaRNNClassifier,
    VanillaRNNRegressor,
    WindowTransformer,
    as_ragged,
    frame_from_sequences,
    pad_sequences,
)
from skrnn.model_selection import cross_val_predict, permutation_importance

rng = np.random.default_rng(0)
ARRAYS = [rng.normal(size=(n, 2)) for n in (4, 2, 5, 3)]
Y = [(x[:, 0] > 0).astype(int) for x in ARRAYS]
SHORT = {"alpha": 1, "tol": 10.0, "random_state": 0}
ORDER = "must be in the same order as they were in fit"


def frames(library, names=("a", "b"), arrays=ARRAYS):
    make = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}[library]
    return [make(dict(zip(names, x.T, strict=True))) for x in arrays]


def swapped(library):
    return frames(library, ("b", "a"), [x[:, ::-1] for x in ARRAYS])


def classifier():
    return VanillaRNNClassifier(3, **SHORT)


libraries = pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])


@libraries
def test_frames_give_the_model_of_their_arrays_and_note_the_names(library):
    model, plain = classifier().fit(frames(library), Y), classifier().fit(ARRAYS, Y)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    assert_array_equal(model.output_coef_, plain.output_coef_)
    for proba, expected in zip(
        model.predict_proba(frames(library)), plain.predict_proba(ARRAYS), strict=True
    ):
        assert_array_equal(proba, expected)
    assert not hasattr(model.fit(ARRAYS, Y), "feature_names_in_")


@libraries
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "score", "hidden_states"]
)
def test_columns_in_another_order_are_refused(method, library):
    model = classifier().fit(frames(library), Y)
    with pytest.raises(ValueError, match=ORDER):
        getattr(model, method)(swapped(library), *[Y] * (method == "score"))


def test_columns_of_other_names_are_listed_as_scikit_learn_does():
    model = classifier().fit(frames("pandas"), Y)
    with pytest.raises(
        ValueError, match=r"unseen at fit time:\n- c\n(?s:.*)missing:\n- b"
    ):
        model.predict(frames("pandas", ("a", "c")))


@libraries
def test_other_estimators_refuse_columns_in_another_order(library):
    right, wrong = frames(library), swapped(library)
    regressor = VanillaRNNRegressor(2, **SHORT).fit(right, ARRAYS)
    scaler = StepwiseTransformer(StandardScaler()).fit(right)
    calls = [
        lambda: regressor.predict(wrong),
        lambda: regressor.forecast(wrong, 2),
        lambda: regressor.step(wrong[0], regressor.initial_state(4)),
        lambda: WindowTransformer().fit(right).transform(wrong),
        lambda: scaler.transform(wrong),
        lambda: permutation_importance(classifier().fit(right, Y), wrong, Y),
        lambda: make_pipeline(scaler, classifier()).fit(right, Y).predict(wrong),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=ORDER):
            call()


@libraries
@pytest.mark.parametrize(
    "take",
    [
        lambda X: classifier().fit(X, Y),
        lambda X: WindowTransformer().fit(X),
        lambda X: StepwiseTransformer(StandardScaler()).fit(X),
        pad_sequences,
        frame_from_sequences,
    ],
    ids=["classifier", "windows", "stepwise", "pad_sequences", "frame"],
)
def test_a_frame_of_a_list_with_other_columns_is_named(take, library):
    mixed = [*frames(library)[:2], *swapped(library)[2:]]
    message = r"(X|sequences)\[2\] has the columns \['b', 'a'\] but (X|sequences)\[0\]"
    with pytest.raises(ValueError, match=message):
        take(mixed)


@libraries
def test_a_warm_start_refuses_columns_in_another_order(library):
    model = classifier().set_params(warm_start=True).fit(frames(library), Y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=r"continues with features \['a', 'b'\], but"):
        model.fit(swapped(library), Y)
    assert vars(model) == before
    assert model.fit(frames(library), Y).feature_names_in_.tolist() == ["a", "b"]


def test_a_warm_start_on_arrays_warns_and_keeps_the_names():
    model = classifier().set_params(warm_start=True).fit(frames("pandas"), Y)
    with pytest.warns(
        UserWarning, match="X does not have valid feature names"
    ) as found:
        model.fit(ARRAYS, Y)
    assert {warning.filename for warning in found} == {__file__}
    assert model.feature_names_in_.tolist() == ["a", "b"]


def test_names_on_one_side_only_warn_as_in_scikit_learn():
    named, plain = classifier().fit(frames("pandas"), Y), classifier().fit(ARRAYS, Y)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but"):
        named.predict(ARRAYS)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but"):
        named.predict(ARRAYS[0][None])
    with pytest.warns(
        UserWarning, match="X has feature names, but .* was fitted without"
    ):
        plain.predict(frames("pandas"))


@pytest.mark.parametrize("other", [ARRAYS[1], sparse.csr_array(ARRAYS[1])])
def test_a_list_of_frames_and_arrays_warns(other):
    mixed = frames("pandas")
    mixed[1] = other
    message = r"X\[1\] does not have valid feature names, but X\[0\] has feature names"
    with pytest.warns(UserWarning, match=message):
        model = classifier().fit(mixed, Y)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    assert_allclose(model.output_coef_, classifier().fit(ARRAYS, Y).output_coef_)
    with pytest.warns(UserWarning, match=message):
        StepwiseTransformer(MaxAbsScaler()).fit(mixed)


@libraries
def test_sequences_without_a_step_need_no_names(library):
    model = classifier().fit(frames(library), Y)
    scaler = StepwiseTransformer(StandardScaler()).fit(frames(library))
    gaps = [frames(library)[0], [], frames(library)[1][:0], frames(library)[2]]
    assert [len(labels) for labels in model.predict(gaps)] == [4, 0, 0, 5]
    assert [len(steps) for steps in scaler.transform(gaps)] == [4, 0, 0, 5]


def test_numbered_columns_are_no_names():
    numbered = [pd.DataFrame(x) for x in ARRAYS]
    model = classifier().fit(numbered, Y)
    assert not hasattr(model, "feature_names_in_")
    assert [len(labels) for labels in model.predict(ARRAYS)] == [4, 2, 5, 3]
    with pytest.raises(ValueError, match=r"X\[1\] has the columns \[1, 0\] but X\[0\]"):
        model.predict([numbered[0], numbered[1][[1, 0]]])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_column_transformer_finds_columns_of_steps_by_name(library):
    columns = make_column_transformer((StandardScaler(), ["b"]), ("passthrough", ["a"]))
    stepwise = StepwiseTransformer(columns)
    result = stepwise.fit_transform(frames(library))
    assert [x.shape for x in result] == [(4, 2), (2, 2), (5, 2), (3, 2)]
    assert_array_equal(np.concatenate(result)[:, 1], np.concatenate(ARRAYS)[:, 0])
    scaled = StandardScaler().fit_transform(np.concatenate(ARRAYS))[:, 1]
    assert_allclose(np.concatenate(result)[:, 0], scaled, rtol=1e-12)
    assert stepwise.feature_names_in_.tolist() == ["a", "b"]
    names = stepwise.get_feature_names_out().tolist()
    assert names == ["standardscaler__b", "passthrough__a"]
    # By name, so that the order of the columns has no part in it.
    again = stepwise.transform(swapped(library))
    assert_array_equal(np.concatenate(again), np.concatenate(result))


def test_each_column_keeps_its_type():
    typed = [pd.DataFrame({"a": x[:, 0], "c": list("uvwxy")[: len(x)]}) for x in ARRAYS]
    columns = make_column_transformer(
        (StandardScaler(), ["a"]), (OneHotEncoder(handle_unknown="ignore"), ["c"])
    )
    model = make_pipeline(StepwiseTransformer(columns), classifier()).fit(typed, Y)
    assert [len(labels) for labels in model.predict(typed)] == [4, 2, 5, 3]
    result = permutation_importance(model, typed, Y, n_repeats=1, random_state=0)
    assert result.importances.shape == (2, 1)
    assert [
        len(labels) for labels in cross_val_predict(model, typed, as_ragged(Y), cv=2)
    ]


@libraries
@pytest.mark.parametrize("over", ["features", "lags"])
def test_importances_of_frames_are_those_of_their_arrays(over, library):
    options = {"over": over, "lags": 2, "n_repeats": 3, "random_state": 0}
    model, plain = classifier().fit(frames(library), Y), classifier().fit(ARRAYS, Y)
    assert_array_equal(
        permutation_importance(model, frames(library), Y, **options).importances,
        permutation_importance(plain, ARRAYS, Y, **options).importances,
    )


@libraries
def test_columns_of_whole_and_broken_numbers_are_joined(library):
    whole = np.arange(4).reshape(2, 2)
    first, *rest = frames(library)
    both = [frames(library, arrays=[whole])[0], first, *rest]
    steps = StepwiseTransformer(StandardScaler()).fit_transform(both)
    expected = StandardScaler().fit_transform(np.concatenate([whole, *ARRAYS]))
    assert_allclose(np.concatenate(steps), expected, rtol=1e-12)


def test_frames_that_a_transformer_makes_of_frames_stay_frames():
    stepwise = StepwiseTransformer(FunctionTransformer())
    results = stepwise.fit_transform(frames("pandas"))
    assert [frame.columns.tolist() for frame in results] == [["a", "b"]] * 4
    assert_array_equal(results[2].to_numpy(), ARRAYS[2])
    model = make_pipeline(stepwise, classifier()).fit(frames("pandas"), Y)
    assert model[-1].feature_names_in_.tolist() == ["a", "b"]


def test_a_step_that_is_not_finite_is_named():
    broken = frames("pandas")
    broken[1].loc[1, "b"] = np.inf
    with pytest.raises(ValueError, match=r"first such step is X\[1\] at step 1"):
        StepwiseTransformer(StandardScaler()).fit(broken)


@libraries
def test_frames_of_steps_lend_their_names(library):
    frame = frame_from_sequences(frames(library))
    assert list(frame.columns) == ["sequence", "step", "a", "b"]
    assert_array_equal(frame[["a", "b"]].to_numpy(), np.concatenate(ARRAYS))


@libraries
def test_frames_are_padded_and_not_written_to(library):
    originals = frames(library)
    padded = pad_sequences(originals)
    assert padded.shape == (4, 5, 2)
    assert_array_equal(padded[1, :2], ARRAYS[1])
    model = classifier().fit(originals, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        permutation_importance(model, originals, Y, random_state=0)
    for frame, expected in zip(originals, frames(library), strict=True):
        assert_array_equal(np.asarray(frame), np.asarray(expected))


def test_frames_of_other_libraries_become_arrays():
    class Frame:
        def __init__(self, values):
            self.values, self.columns, self.shape = values, ["a", "b"], values.shape

        def __len__(self):
            return len(self.values)

        def __array__(self, dtype=None, copy=None):
            return self.values

    others = [Frame(x) for x in ARRAYS]
    result = StepwiseTransformer(StandardScaler()).fit_transform(others)
    assert_allclose(np.concatenate(result).mean(axis=0), 0, atol=1e-12)


def test_names_in_messages_are_plain():
    first, second = (pd.DataFrame(x, columns=["a", "b"]) for x in ARRAYS[:2])
    second.columns = pd.Index([np.str_("b"), np.str_("a")], dtype=object)
    with pytest.raises(ValueError, match=r"X\[1\] has the columns \['b', 'a'\] but"):
        classifier().fit([first, second], Y[:2])
