"""A fit that was interrupted goes on from its checkpoint as if nothing had happened."""

import shutil
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from samples import make_sequences
from strategies import fit, learned

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn._network.training import objective, preconditioning, warm_up

X, y = make_sequences(20)
both = pytest.mark.parametrize("model", [VanillaRNNClassifier, VanillaRNNRegressor])


class Power:
    """Counts evaluations of batches; fails at one of them."""

    def __init__(self, fails_at=np.inf):
        self.fails_at = fails_at
        self.n = 0
        self.evaluate = objective.batch_loss_and_gradient

    def __call__(self, *arguments):
        self.n += 1
        if self.n == self.fails_at:
            raise KeyboardInterrupt
        return self.evaluate(*arguments)

    def __enter__(self):
        self.patch = mock.patch.object(objective, "batch_loss_and_gradient", self)
        self.patch.start()
        return self

    def __exit__(self, *_):
        self.patch.stop()


def interrupted(path, *, after=8, data=X, targets=y, **parameters):
    """Interrupt a fit by an evaluation, so that it leaves a checkpoint."""
    with Power(after + 1), pytest.raises(KeyboardInterrupt):
        fit(data, targets, checkpoint=path, **parameters)
    return path


def same(one, other):
    """Compare two fits, bit by bit."""
    assert_array_equal(learned(one), learned(other))
    for name in ("loss_curve_", "validation_scores_", "n_fun_", "stop_reason_"):
        assert getattr(one, name) == getattr(other, name)


@both
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"n_init": 3},
        {"early_stopping": True, "n_iter_no_change": 30},
        {"random_state": 7},
        {"alpha": "auto"},
        {"skip_connection": True},
    ],
)
@pytest.mark.parametrize("after", [1, 2, 9, 15])
def test_a_fit_that_goes_on_is_the_fit_that_was_not_interrupted(
    model, parameters, after, tmp_path
):
    path = interrupted(tmp_path / "fit", after=after, model=model, **parameters)
    same(
        fit(X, y, model=model, checkpoint=path, **parameters),
        fit(X, y, model=model, **parameters),
    )


@pytest.mark.parametrize("after", [2, 9, 150])
def test_a_search_of_both_strengths_goes_on_with_a_chain(after, tmp_path):
    parameters = {"skip_connection": True, "transitions": True, "alpha": "auto"}
    with Power() as whole:
        expected = fit(X, y, **parameters)
    assert whole.n > after
    path = interrupted(tmp_path / "fit", after=after, **parameters)
    with Power() as rest:
        same(fit(X, y, checkpoint=path, **parameters), expected)
    assert rest.n == whole.n - after + 1


@pytest.mark.parametrize("after", [3, 20])
def test_a_fit_that_begins_on_parts_of_the_data_goes_on_too(
    after, tmp_path, monkeypatch
):
    monkeypatch.setattr(warm_up, "MIN_SEQUENCES", 0)
    with Power() as whole:
        expected = fit(X, y)
    path = interrupted(tmp_path / "fit", after=after)
    with Power() as rest:
        same(fit(X, y, checkpoint=path), expected)
    assert rest.n == whole.n - after + 1


@pytest.mark.parametrize("alpha", [1, "auto"])
def test_what_was_evaluated_is_not_evaluated_again(alpha, tmp_path):
    with Power() as whole:
        fit(X, y, alpha=alpha)
    path = interrupted(tmp_path / "fit", alpha=alpha, after=10)
    with Power() as rest:
        fit(X, y, alpha=alpha, checkpoint=path)
    # The first is made again, to see that the data are the same.
    assert rest.n == whole.n - 10 + 1


def test_scores_that_were_computed_are_not_computed_again(tmp_path, monkeypatch):
    scores = mock.Mock(side_effect=objective.sum_of_losses)
    monkeypatch.setattr(objective, "sum_of_losses", scores)
    path = interrupted(tmp_path / "fit", early_stopping=True, after=10)
    n_before = scores.call_count
    n_iter = fit(X, y, checkpoint=path, early_stopping=True).n_iter_
    assert 0 < n_before < n_iter
    assert scores.call_count == n_iter


def test_a_fit_may_be_interrupted_again_and_again(tmp_path):
    path = tmp_path / "fit"
    for _ in range(5):
        interrupted(path, after=3)
    same(fit(X, y, checkpoint=path), fit(X, y))


@both
def test_a_checkpoint_changes_nothing_and_goes_when_the_fit_ends(model, tmp_path):
    path = tmp_path / "fit"
    same(fit(X, y, model=model, checkpoint=str(path)), fit(X, y, model=model))
    assert list(tmp_path.iterdir()) == []


@given(st.data())
def test_a_checkpoint_that_was_cut_short_or_damaged_is_used_up_to_there(
    tmp_path_factory, data
):
    path = interrupted(tmp_path_factory.mktemp("cut") / "fit")
    content = path.read_bytes()
    header = content.index(b"\n", content.index(b"\n") + 1) + 1
    at = data.draw(st.integers(0, len(content) - 1))
    if at < header or data.draw(st.booleans()):
        path.write_bytes(content[:at])
    else:
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    same(fit(X, y, checkpoint=path), fit(X, y))


def test_what_comes_behind_a_damage_takes_its_place(tmp_path):
    path = interrupted(tmp_path / "fit", after=8)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with Power() as whole:
        fit(X, y)
    interrupted(path, after=5)  # the first, and four from the damaged one on
    with Power() as rest:
        same(fit(X, y, checkpoint=path), fit(X, y))
    assert rest.n == 2 * whole.n - 11 + 1


def test_only_what_would_be_evaluated_again_is_recalled(tmp_path, monkeypatch):
    path = interrupted(tmp_path / "fit")
    # As on a processor that rounds otherwise, if not by as much.
    monkeypatch.setattr(preconditioning, "_POWER", 0.3)
    same(fit(X, y, checkpoint=path), fit(X, y))


def test_without_a_seed_a_fit_goes_on_from_its_own_random_numbers(tmp_path):
    path = interrupted(tmp_path / "fit", random_state=None, n_init=2)
    copy = shutil.copy(path, tmp_path / "copy")
    one, other = (
        fit(X, y, checkpoint=place, random_state=None, n_init=2)
        for place in (path, copy)
    )
    same(one, other)


def test_without_a_seed_two_fits_differ(tmp_path):
    one, other = (
        fit(X, y, checkpoint=tmp_path / "fit", random_state=None) for _ in range(2)
    )
    assert one.loss_ != other.loss_


def test_more_iterations_may_be_asked_for_on_the_way(tmp_path):
    path = interrupted(tmp_path / "fit", max_iter=10)
    same(fit(X, y, checkpoint=path, max_iter=20), fit(X, y, max_iter=20))


def test_a_warm_start_goes_on_too(tmp_path):
    path = tmp_path / "fit"
    one, other = (fit(X[:, :3], y[:, :3], warm_start=True) for _ in range(2))
    one.set_params(checkpoint=path)
    with Power(6), pytest.raises(KeyboardInterrupt):
        one.fit(X, y)
    with pytest.warns(match="max_iter"):
        one.fit(X, y)
    with pytest.warns(match="max_iter"):
        other.fit(X, y)
    same(one, other)


@pytest.mark.parametrize(
    "change",
    [
        {"targets": (y + 1) % 3},
        {"data": X * 1.1},
        {"data": X[:10], "targets": y[:10]},
        {"random_state": 1},
        {"random_state": None},
        {"alpha": 0.5},
        {"hidden_layer_sizes": 4},
        {"tol": 1e-5},
        {"data": X.astype(np.float32)},
    ],
)
def test_another_fit_leaves_a_checkpoint_alone(change, tmp_path):
    path = interrupted(tmp_path / "fit", **change)
    content = path.read_bytes()
    with pytest.raises(ValueError, match=r"fit was written by .* other data, param"):
        fit(X, y, checkpoint=path)
    assert path.read_bytes() == content


def test_a_file_that_is_no_checkpoint_is_left_alone(tmp_path):
    path = tmp_path / "thesis.txt"
    path.write_text("It was a dark and stormy night.")
    with pytest.raises(ValueError, match=r"thesis.txt is not a checkpoint"):
        fit(X, y, checkpoint=path)
    assert path.read_text() == "It was a dark and stormy night."


def test_a_place_that_is_not_there_is_an_error_before_any_work(tmp_path):
    with Power() as power, pytest.raises(FileNotFoundError):
        fit(X, y, checkpoint=tmp_path / "nowhere" / "fit")
    assert power.n == 0


# A fit that failed


@pytest.mark.parametrize(
    "failing",
    [
        {"data": X * 1e300},
        {"early_stopping": True, "validation_fraction": 0.99},
    ],
    ids=["overflow", "nothing to learn from"],
)
def test_a_fit_that_failed_at_its_start_does_not_block_the_corrected_one(
    failing, tmp_path
):
    path = tmp_path / "fit"
    with pytest.raises(ValueError, match=r"too large|leaves none for training"):
        fit(failing.pop("data", X), y, checkpoint=path, **failing)
    same(fit(X[..., :2], y, checkpoint=path), fit(X[..., :2], y))


def test_a_fit_that_overflows_on_the_way_goes_on_too(tmp_path, monkeypatch):
    plain = objective.batch_loss_and_gradient
    met = []

    def spoilt(architecture, theta, *arguments):
        loss, slope = plain(architecture, theta, *arguments)
        if len(met) < 3 and theta.tobytes() not in met:
            met.append(theta.tobytes())
        return (np.nan if [theta.tobytes()] == met[2:] else loss), slope

    monkeypatch.setattr(objective, "batch_loss_and_gradient", spoilt)
    expected = fit(X, y)
    assert expected.n_iter_ > 1
    path = interrupted(tmp_path / "fit", after=8)
    same(fit(X, y, checkpoint=path), expected)
