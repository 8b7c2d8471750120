"""The regressor: its targets, its objective, its forecasts; the rest is the base's."""

import pickle
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from samples import FORMS, as_form, make_sequences, step_values
from sklearn.base import clone
from sklearn.exceptions import (
    ConvergenceWarning,
    NotFittedError,
    UndefinedMetricWarning,
)
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator
from strategies import theta_of

from skrnn import VanillaRNNRegressor, as_ragged, unpad, valid_steps

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, _ = make_sequences()
VALID = valid_steps(X)
y = np.cumsum(np.nan_to_num(X[..., 0]), axis=1) + 5
PAIR = np.stack([y, 100 - 20 * np.nan_to_num(X[..., 1])], axis=-1)
SERIES = np.sin(0.3 * np.arange(120))[None, :, None]
targets = pytest.mark.parametrize("target", [y, y[..., None], PAIR], ids=np.shape)


def regressor(**parameters):
    defaults = {
        "hidden_layer_sizes": 4,
        "alpha": 1,
        "max_iter": 10,
        "random_state": 0,
    }
    return VanillaRNNRegressor(**{**defaults, **parameters})


def test_scikit_learns_checks_pass():
    results = check_estimator(VanillaRNNRegressor(), on_skip=None, on_fail=None)
    statuses = Counter(result["status"] for result in results)
    failed = [r["check_name"] for r in results if r["status"] not in SOUND]
    assert failed == []
    assert statuses["passed"] >= 60


SOUND = ("passed", "skipped")


def test_tags_say_what_goes_in():
    tags = get_tags(regressor())
    assert tags.estimator_type == "regressor"
    assert tags.target_tags.required
    assert tags.target_tags.multi_output
    assert tags.input_tags.three_d_array
    assert tags.input_tags.sparse


# What is learned


@pytest.mark.parametrize("alpha", [0, 2.0])
@targets
def test_loss_is_the_objective_at_the_stored_weights(target, alpha):
    w = np.random.default_rng(0).uniform(size=y.shape)
    model = regressor(alpha=alpha, hidden_layer_sizes=(3, 4)).fit(X, target, w)
    error = (model.predict(X) - target)[VALID].reshape(VALID.sum(), -1)
    total = (w[VALID] @ np.square(error / model.target_scale_)).sum()
    size = model.feature_scale_[:, None] / 2  # an input's deviation is 2
    penalty = np.square(model.input_coefs_[0] * size).sum()
    upper = model.input_coefs_[1]
    penalty += upper.shape[1] * np.square(upper).sum()
    penalty += sum(W.shape[1] * np.square(W).sum() for W in model.recurrent_coefs_)
    output = model.output_coef_ / model.target_scale_
    penalty += len(output) / 100 * np.square(output).sum()
    expected = (total + alpha * penalty) / (2 * w[VALID].sum())
    assert_allclose(model.loss_, expected, rtol=1e-9)


def test_target_scale_is_the_weighted_deviation_of_each_output():
    w = np.random.default_rng(0).uniform(size=len(X))
    model = regressor(max_iter=1).fit(X, PAIR, w)
    steps, weights = PAIR[VALID], np.repeat(w, VALID.sum(axis=1))
    mean = np.average(steps, axis=0, weights=weights)
    variance = np.average((steps - mean) ** 2, axis=0, weights=weights)
    assert_allclose(model.target_scale_, np.sqrt(variance), rtol=1e-12)


@pytest.mark.parametrize("factor", [1e-200, 1e-3, 1e200])
def test_the_unit_of_y_changes_nothing_but_the_unit_of_predictions(factor):
    # Sequences of one length stand in the order of a hash of their content.
    lengths = VALID.sum(axis=1)
    one_of_each = np.unique(lengths, return_index=True)[1]
    some, numbers = X[one_of_each], y[one_of_each]
    model = regressor().fit(some, numbers)
    other = regressor().fit(some, (numbers - 3) * factor)
    assert_allclose(other.loss_curve_, model.loss_curve_, rtol=1e-6)
    assert_allclose(
        other.predict(some) / factor, model.predict(some) - 3, rtol=1e-4, atol=1e-4
    )


def test_without_recurrence_and_far_from_saturation_it_is_ridge_regression():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    numbers = rows @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=200)
    model = regressor(max_iter=2000, alpha=1e-4, tol=1e-7, activation="relu")
    line = Ridge(alpha=1e-4).fit(rows, numbers)
    assert model.fit(rows, numbers).score(rows, numbers) >= line.score(rows, numbers)


def test_several_outputs_are_learned():
    model = regressor(hidden_layer_sizes=16, max_iter=500, alpha=1e-3).fit(X, PAIR)
    errors = (model.predict(X) - PAIR)[VALID]
    assert (errors.std(axis=0) < 0.1 * PAIR[VALID].std(axis=0)).all()


@pytest.mark.parametrize("value", [0.0, 0.1, -3e9])
def test_a_constant_is_predicted(value):
    model = regressor(max_iter=500).fit(X, np.full(y.shape, value))
    assert_allclose(model.predict(X)[VALID], value, rtol=1e-3, atol=1e-3)


def test_attributes_have_their_shapes():
    model = regressor(bidirectional=True).fit(X, PAIR)
    assert model.output_coef_.shape == (8, 2)
    assert model.output_intercept_.shape == model.target_scale_.shape == (2,)
    assert model.n_outputs_ == 2
    assert model.out_activation_ == "identity"
    assert not hasattr(model, "classes_")


def test_held_out_sequences_are_judged_by_their_error_in_units_of_the_others():
    model = regressor(early_stopping=True, validation_fraction=0.3, tol=1e-9).fit(X, y)
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_
    assert model.best_validation_score_ == max(scores) < 0
    assert scores[-1] > scores[0]


def test_a_warm_start_goes_on_from_the_same_predictions():
    model = regressor(warm_start=True, max_iter=20).fit(X, y)
    first = model.loss_
    assert model.fit(X, y).loss_curve_[0] <= first
    # Of other steps, so in another unit.
    warm = model.set_params(max_iter=5).fit(X[:, :3], y[:, :3])
    cold = regressor(max_iter=5).fit(X[:, :3], y[:, :3])
    assert warm.target_scale_ == cold.target_scale_
    assert warm.loss_curve_[0] < cold.loss_


def test_a_warm_start_needs_as_many_outputs():
    model = regressor(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"warm_start continues with n_outputs=1"):
        model.fit(X, PAIR)
    assert model.n_outputs_ == 1
    assert model.predict(X).shape == y.shape


# Forms


@targets
@pytest.mark.parametrize("form", FORMS)
def test_predictions_come_in_the_form_of_X_and_of_y(form, target):
    X_form, y_form = as_form(form, X, target)
    model = regressor().fit(X_form, y_form)
    result = model.predict(X_form)
    if form in ("padded", "rows"):
        assert result.shape == y_form.shape
    else:
        assert [r.shape for r in result] == [np.shape(y_i) for y_i in y_form]
    steps = step_values(form, result, X)
    assert np.isfinite(steps).all()
    expected = step_values(form, y_form, X).reshape(len(steps), -1)
    assert_allclose(
        model.score(X_form, y_form), r2_score(expected, steps.reshape(len(steps), -1))
    )


@targets
@pytest.mark.parametrize("form", ["ragged", "lists"])
def test_forms_of_the_same_sequences_give_the_same_model(form, target):
    expected = regressor().fit(X, target)
    X_form, y_form = as_form(form, X, target)
    model = regressor().fit(X_form, y_form)
    assert_array_equal(theta_of(model), theta_of(expected))
    assert model.score(X_form, y_form) == expected.score(X, target)


@pytest.mark.parametrize(
    "form",
    [
        lambda y: np.hstack([y, np.full((len(y), 3), np.nan)]),
        lambda y: np.where(VALID, y, np.nan),
        lambda y: np.where(VALID, y.astype(object), None),
        lambda y: y.astype(object),
        lambda y: as_ragged(unpad(X, y)[1]),
        lambda y: pd.DataFrame(y),
        lambda y: [pd.Series(i) for i in unpad(X, y)[1]],
    ],
)
def test_targets_may_come_in_every_form_and_are_never_read_at_padding(form):
    expected = regressor().fit(X, y)
    assert_array_equal(theta_of(regressor().fit(X, form(y))), theta_of(expected))


def test_a_2d_y_is_one_output_per_step_for_sequences_and_several_for_rows():
    square, rows = X[:, :, :1], np.nan_to_num(X[:, :, 0])
    assert regressor().fit(square, y).n_outputs_ == 1
    with pytest.warns(UserWarning, match="for univariate series"):
        assert regressor().fit(rows, y).n_outputs_ == y.shape[1]


def test_padding_is_nan():
    model = regressor().fit(X, PAIR)
    assert_array_equal(
        np.isnan(model.predict(X)),
        np.broadcast_to(~VALID, (2, *VALID.shape)).transpose(1, 2, 0),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept(dtype):
    model = regressor().fit(X.astype(dtype), y)
    assert model.output_coef_.dtype == dtype
    assert model.predict(X.astype(dtype)).dtype == dtype
    assert model.predict(X).dtype == np.float64


def test_nothing_is_written_to():
    numbers, sequences = PAIR.copy(), X.copy()
    for array in (numbers, sequences):
        array.flags.writeable = False
    model = regressor().fit(sequences, numbers)
    model.score(sequences, numbers)
    assert_array_equal(numbers, PAIR)


def test_copies_answer_the_same():
    model = regressor().fit(X, PAIR)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    duplicate = clone(model).fit(X, PAIR)
    assert_array_equal(theta_of(duplicate), theta_of(model))


def test_steps_of_weight_0_are_read_and_their_targets_do_not_matter():
    first = np.broadcast_to(np.arange(6) == 0, y.shape)
    w = np.where(first, 0.0, 1.0)
    model = regressor().fit(X, y, w)
    other = regressor().fit(X, np.where(first, 1e6, y), w)
    assert_allclose(other.target_scale_, model.target_scale_)
    assert_allclose(other.score(X, y, w), model.score(X, y, w), atol=0.2)


def test_score_is_the_weighted_r2_of_valid_steps():
    w = np.random.default_rng(0).uniform(size=y.shape)
    model = regressor().fit(X, y)
    expected = r2_score(y[VALID], model.predict(X)[VALID], sample_weight=w[VALID])
    assert_allclose(model.score(X, y, w), expected)


def test_searches_and_folds_take_sequences():
    search = GridSearchCV(regressor(), {"alpha": [0.01, 100.0]}, cv=2).fit(X, y)
    assert search.best_params_ == {"alpha": 0.01}
    assert cross_val_predict(regressor(), X, y, cv=3).shape == y.shape


# Wrong targets


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (y[:, :3], ValueError, r"y has shape \(12, 3\) but the longest"),
        (y[:5], ValueError, "inconsistent numbers of samples"),
        (y[..., None, None], ValueError, "give every step one target"),
        (PAIR[..., :0], ValueError, "0 outputs"),
        (y.astype(str), TypeError, "targets are of type <U"),
        (y + 1j, TypeError, "targets are of type complex128"),
        (y.astype("M8[s]"), TypeError, "targets are of type datetime64"),
        (np.ma.array(y), TypeError, "masked"),
        (None, ValueError, "requires y to be passed"),
        ([np.zeros((n, 1 + n % 2)) for n in VALID.sum(1)], ValueError, "same outputs"),
    ],
)
def test_what_cannot_be_predicted_is_named(bad, error, message):
    with pytest.raises(error, match=message):
        regressor().fit(X, bad)


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
@targets
def test_a_target_that_is_no_number_is_named(target, value, name):
    bad = target.copy()
    bad[2, 1] = value
    message = rf"Input y contains {name}: y\[2\] at step 1"
    with pytest.raises(ValueError, match=message):
        regressor().fit(X, bad)
    model = regressor().fit(X, target)
    with pytest.raises(ValueError, match=message):
        model.score(X, bad)


def test_rows_take_no_targets_with_three_axes():
    with pytest.raises(ValueError, match=r"y has shape \(12, 6, 2\) but X is 2-D"):
        regressor().fit(X[:, 0], PAIR)


def test_another_number_of_outputs_has_no_score():
    with pytest.raises(ValueError, match="different number of output"):
        regressor().fit(X, y).score(X, PAIR)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 / 3])
def test_constant_targets_have_the_score_zero(value):
    # Also where their mean is rounded, so that they seem to vary.
    model = regressor().fit(X, PAIR)
    targets = np.full_like(PAIR, value)
    assert model.score(X, targets) == 0
    w = np.ones(y.shape)
    targets[:, 0], w[:, 0] = 7, 0
    assert model.score(X, targets, w) == 0


def test_constant_targets_that_are_predicted_have_the_score_one():
    model = regressor().fit(X, y)
    model.output_coef_, model.output_intercept_ = np.zeros((4, 1)), np.full(1, 0.1)
    assert model.score(X, np.full_like(y, 0.1)) == 1


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_the_unit_of_targets_is_not_in_the_score(unit):
    model = regressor().fit(X, y * unit)
    expected = r2_score(y[VALID], model.predict(X)[VALID] / unit)
    assert_allclose(model.score(X, y * unit), expected)


def test_a_single_step_has_no_score():
    model = regressor().fit(X, y)
    with pytest.warns(UndefinedMetricWarning, match="less than two samples"):
        assert np.isnan(model.score(X[:1, :1], y[:1, :1]))


# Step by step, and beyond the end


@targets
def test_step_by_step_equals_predict(target):
    full = np.nan_to_num(X)
    model = regressor(hidden_layer_sizes=(3, 4)).fit(full, target)
    state = model.initial_state(len(full))
    for t in range(full.shape[1]):
        y_t, state = model.step(full[:, t], state)
        assert_allclose(y_t, model.predict(full)[:, t], rtol=1e-10)


def of_itself(series=SERIES, y=None, **parameters):
    y = series[:, 1:] if y is None else y
    return regressor(alpha=1e-3, max_iter=300, **parameters).fit(series[:, :-1], y)


def test_a_forecast_goes_on_with_the_series():
    ahead = of_itself(hidden_layer_sizes=16).forecast(SERIES, 40)
    assert_allclose(ahead[0, :, 0], np.sin(0.3 * np.arange(120, 160)), atol=0.1)


def test_a_forecast_is_predict_on_what_was_forecast():
    model = of_itself(hidden_layer_sizes=(3, 4))
    extended = SERIES
    for _ in range(5):
        extended = np.hstack([extended, model.predict(extended)[:, -1:]])
    assert_allclose(model.forecast(SERIES, 5), extended[:, -5:], rtol=1e-10)


def test_a_forecast_starts_at_each_sequences_own_end():
    model = of_itself()
    padded = np.repeat(SERIES, 3, axis=0)
    for i, n in enumerate((120, 50, 1)):
        padded[i, n:] = np.nan
    together = model.forecast(padded, 7)
    assert together.shape == (3, 7, 1)
    assert_allclose(model.forecast(unpad(padded), 7), together, rtol=1e-12)
    for i, n in enumerate((120, 50, 1)):
        assert_allclose(model.forecast(SERIES[:, :n], 7)[0], together[i], rtol=1e-7)
    one_step = SERIES[:, 0][:, None, :]
    assert_allclose(model.forecast(one_step, 7)[0], together[2], rtol=1e-7)


def test_a_forecast_has_an_axis_of_features_if_y_had_one():
    with_axis, without = of_itself(), of_itself(y=SERIES[:, 1:, 0])
    assert_array_equal(
        with_axis.forecast(SERIES, 4)[..., 0], without.forecast(SERIES, 4)
    )


def test_what_cannot_be_forecast_is_named():
    model = of_itself()
    for n_steps, error in ((0, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match="n_steps"):
            model.forecast(SERIES, n_steps)
    with pytest.raises(ValueError, match=r"X\[0\] has no valid step to continue from"):
        model.forecast(np.full((1, 3, 1), np.nan), 2)
    with pytest.raises(ValueError, match="has 3 features and predicts 1"):
        regressor().fit(X, y).forecast(X, 2)
    with pytest.raises(NotFittedError):
        regressor().forecast(SERIES, 2)
    assert not hasattr(regressor(bidirectional=True), "forecast")


def test_a_forecast_beyond_all_numbers_is_no_answer():
    model = of_itself(activation="relu")
    model.input_coefs_ = [np.abs(W) for W in model.input_coefs_]
    model.output_coef_ = np.abs(model.output_coef_) * 1e3
    with pytest.raises(ValueError, match="overflow"):
        model.forecast(SERIES + 2, 1000)


def test_the_warning_of_no_convergence_points_at_the_caller():
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        regressor().fit(X, y)
    [warning] = [w for w in record if w.category is ConvergenceWarning]
    assert warning.filename == __file__
