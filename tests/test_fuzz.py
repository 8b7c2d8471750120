"""The estimators' public methods in any order, on anything.

`make fuzz` does for an hour what these tests do for seconds.
"""

import copy
import pickle
import re
from typing import NamedTuple

import numpy as np
import pytest
from fuzz_checks import attempt, flat, snapshot, target_shapes, unchanged
from fuzz_inputs import (
    BAD,
    GOOD,
    GOOD_OF_CLASSIFIER,
    LABELS,
    NESTS,
    SEEDS,
    array_of,
    datasets,
    labels_of,
    numbers_of,
    oddities,
    posed,
)
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from numpy.testing import assert_allclose, assert_array_equal
from samples import fingerprint
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError
from strategies import theta_of

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn._validation.containers import objects

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:y ends in -1"),
    # What older NumPy says of arrays in arrays, where newer raises ValueError.
    pytest.mark.filterwarnings("ignore:The truth value of an empty array"),
    # scikit-learn's own, of labels and errors beyond its integers and floats.
    pytest.mark.filterwarnings(
        "ignore:(overflow|invalid value) encountered in (cast|square|multiply)"
    ),
    pytest.mark.filterwarnings("ignore:X .*feature names:UserWarning"),
    pytest.mark.filterwarnings("ignore:X and y are 2-D"),
    pytest.mark.filterwarnings("ignore:R.2 score is not well-defined"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning"),
]

REASONS = {"converged", "max_iter", "max_fun", "early_stopping"}
REASONS |= {"line_search", "ftol", "overflow"}


class Known(NamedTuple):
    """What a fit has settled."""

    n_features: int
    sizes: tuple[int, ...]
    n_directions: int
    activation: str
    outputs: tuple  # classes, or the number of outputs


def plain(problem, dtype, *, as_sparse=False):
    items = [x.astype(dtype) for x in problem.sequences]
    return [sparse.csr_array(x) for x in items] if as_sparse else items


class Machine(RuleBasedStateMachine):
    """A model, and what is known of it."""

    good = GOOD

    def __init__(self):
        super().__init__()
        self.known = None
        self.reads_sequences = False  # and so takes no tables

    def refusals(self, problem, given):
        """Say for what a fit to good data has to be refused."""
        model = self.model
        unweighted = given.sample_weight is None
        different = {
            (x.tobytes(), x.shape, t.tobytes())
            for x, t, w in zip(*vars(problem).values(), strict=True)
            if unweighted or w.any()
        }
        n_held_out = np.ceil(model.validation_fraction * len(different))
        if model.early_stopping and n_held_out >= len(different):
            yield "early stopping holds out"
        if model.warm_start and self.known and self.known != self.settled(problem):
            yield "continues with"
        if model.warm_start and self.refuses(given):
            yield "was fitted on sequences"

    def refuses(self, given):
        """Tell whether X looks like a sequence that was not wrapped."""
        return bool(self.known and self.reads_sequences and given.form == "rows")

    def settled(self, problem):
        sizes = tuple(np.ravel(self.model.hidden_layer_sizes).tolist())
        n_directions = 2 if self.model.bidirectional else 1
        return Known(
            problem.n_features,
            sizes,
            n_directions,
            self.model.activation,
            self.outputs(problem),
        )

    def pose(self, data, problem, **forms):
        given = data.draw(posed(problem, **forms))
        if given.form == "padded":
            self.model.set_params(padding_value=given.padding_value)
        return given

    def draw_problem(self, data, **kwargs):
        return data.draw(datasets(self.targets(data.draw), **kwargs))

    @initialize()
    def begin(self):
        self.model = self.estimator(2, alpha=1, max_iter=2, random_state=0)

    @rule(data=st.data())
    def fit(self, data):
        same = self.known and data.draw(st.booleans())
        problem = self.draw_problem(
            data, n_features=self.known.n_features if same else None
        )
        given = self.pose(data, problem)
        model, before = self.model, snapshot(self.model)
        content = fingerprint(given)
        goes_on = model.warm_start and self.known
        refusals = list(self.refusals(problem, given))
        try:
            assert model.fit(given.X, given.y, given.sample_weight) is model
        except ValueError as error:
            if not any(re.search(reason, str(error)) for reason in refusals):
                raise
            assert snapshot(model) == before
            return
        finally:
            assert fingerprint(given) == content
        assert not refusals
        self.known = self.settled(problem)
        self.reads_sequences = bool(
            (problem.lengths != 1).any() or (goes_on and self.reads_sequences)
        )
        self.check_fitted(given)
        if not goes_on:
            self.check_twin(problem, given)

    def check_fitted(self, given):
        model, known = self.model, self.known
        assert model.n_features_in_ == known.n_features
        assert model.n_layers_ == len(known.sizes) + 2
        assert len(model.loss_curve_) == model.n_iter_ <= model.n_init * model.max_iter
        assert model.stop_reason_ in REASONS
        assert np.isfinite([model.loss_, model.best_loss_, *model.loss_curve_]).all()
        assert model.best_loss_ <= model.loss_
        assert (np.diff(model.loss_curve_) <= 1e-12).all()
        assert np.isfinite(theta_of(model)).all()
        shapes = [(known.n_directions, n, n) for n in known.sizes]
        assert [W.shape for W in model.recurrent_coefs_] == shapes
        assert {W.dtype for W in model.recurrent_coefs_} == {given.dtype}

    def check_twin(self, problem, given):
        """Fit a clone to the same data in a plain form."""
        as_sparse = given.form == "ragged" and any(map(sparse.issparse, given.X))
        duplicate = clone(self.model).set_params(padding_value=np.nan)
        weights = None if given.sample_weight is None else problem.weights
        X = plain(problem, given.dtype, as_sparse=as_sparse)
        duplicate.fit(X, problem.targets, weights)
        assert_array_equal(theta_of(duplicate), theta_of(self.model))
        assert duplicate.loss_curve_ == self.model.loss_curve_

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def ask(self, data):
        problem = self.draw_problem(
            data, n_features=self.known.n_features, may_be_empty=True
        )
        given = self.pose(data, problem)
        if np.abs(theta_of(self.model)).max() > np.finfo(given.dtype).max:
            with pytest.raises(ValueError, match="pass X as float64"):
                getattr(self.model, self.methods[0])(given.X)
            return
        if self.refuses(given):
            for name in self.methods:
                with pytest.raises(ValueError, match="was fitted on sequences"):
                    getattr(self.model, name)(given.X)
            return
        with unchanged(self.model, given):
            answers = {
                name: getattr(self.model, name)(given.X) for name in self.methods
            }
        lengths = problem.lengths
        steps = {
            name: flat(given.form, result, (given.X, lengths))
            for name, result in answers.items()
        }
        assert all(len(values) == lengths.sum() for values, _ in steps.values())
        self.check_answers(given, steps)
        reference = getattr(self.model, self.methods[0])(plain(problem, given.dtype))
        accuracy = 1e-3 if given.dtype == np.float32 else 1e-9
        assert_allclose(
            steps[self.methods[0]][0],
            np.concatenate(list(reference)),
            rtol=accuracy,
            atol=accuracy,
        )

    def check_answers(self, given, steps):
        states, fill = steps["hidden_states"]
        assert states.shape[1:] == (self.known.n_directions * self.known.sizes[-1],)
        for name, (values, fill) in steps.items():
            if name != "predict" or self.estimator is VanillaRNNRegressor:
                assert np.isfinite(values).all()
                assert fill is None or np.isnan(fill).all()
                assert values.dtype == given.dtype or not values.size

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def rate(self, data):
        problem = self.draw_problem(data, n_features=self.known.n_features)
        given = self.pose(data, problem)
        if self.refuses(given):
            with pytest.raises(ValueError, match="was fitted on sequences"):
                self.model.score(given.X, given.y)
            return
        with unchanged(self.model, given):
            self.check_score(given)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def read_step_by_step(self, data):
        model, known = self.model, self.known
        if known.n_directions == 2 or model.bidirectional:
            assert not hasattr(model, "step")
            assert not hasattr(model, "initial_state")
            return
        problem = self.draw_problem(data, n_features=known.n_features)
        x = problem.sequences[0]
        with unchanged(model, x):
            state = model.initial_state()
            outputs = []
            for t in range(len(x)):
                with unchanged(model, state):
                    output, state = model.step(x[t : t + 1], state)
                outputs.append(output[0])
        (expected,) = getattr(model, self.methods[0])([x])
        assert_allclose(outputs, expected, rtol=1e-3, atol=1e-3)

    @precondition(lambda self: self.known and hasattr(self.model, "step"))
    @rule(seed=SEEDS, n=st.integers(0, 2), off=st.sampled_from([(0, 0, 0), (1, 0, -1)]))
    def read_an_odd_step(self, seed, n, off):
        rng = np.random.default_rng(seed)
        off_n, off_features, off_hidden = rng.permuted(off)
        levels = ((0, 1, 1e30), (0, 1, np.nan, np.inf))[rng.integers(2)]
        X_t = rng.choice(levels, size=(n, max(0, self.known.n_features + off_features)))
        sizes = [max(0, size + off_hidden) for size in self.known.sizes]
        state = [np.ones((max(0, n + off_n), size)) for size in sizes]
        read = []
        with unchanged(self.model, X_t, state):
            attempt(lambda: read.append(self.model.step(X_t, state)))
        assert bool(read) == (not any(off) and bool(np.isfinite(X_t).all()))

    @rule(data=st.data())
    def set_params(self, data):
        name = data.draw(st.sampled_from(sorted(self.good)))
        value = data.draw(st.sampled_from(self.good[name]))
        self.model.set_params(**{name: value})
        assert self.model.get_params()[name] is value

    @rule(data=st.data())
    def fit_with_bad_parameter(self, data):
        name = data.draw(st.sampled_from(sorted(BAD)))
        value = data.draw(st.sampled_from(BAD[name]))
        model = copy.deepcopy(self.model).set_params(**{name: value})
        problem = self.draw_problem(data)
        with (
            unchanged(model, problem),
            pytest.raises(InvalidParameterError, match=f"'{name}' parameter of"),
        ):
            model.fit(problem.sequences, problem.targets)

    @rule()
    def pickle(self):
        self.model = pickle.loads(pickle.dumps(self.model))

    @rule()
    def deepcopy(self):
        self.model = copy.deepcopy(self.model)

    @rule(go_on_with_it=st.booleans())
    def clone(self, go_on_with_it):
        duplicate = clone(self.model)
        assert not [name for name in vars(duplicate) if name.endswith("_")]
        assert fingerprint(duplicate.get_params()) == fingerprint(
            self.model.get_params()
        )
        if go_on_with_it:
            self.model, self.known = duplicate, None

    @precondition(lambda self: not self.known)
    @rule(data=st.data())
    def ask_too_early(self, data):
        problem = self.draw_problem(data)
        for name in self.methods:
            with unchanged(self.model), pytest.raises(NotFittedError):
                getattr(self.model, name)(problem.sequences)

    @rule(data=st.data())
    def fit_to_odd_X(self, data):
        X = data.draw(oddities())
        rng = np.random.default_rng(data.draw(SEEDS))
        y = rng.integers(2, size=data.draw(st.sampled_from(target_shapes(X))))
        if isinstance(X, list | tuple) and data.draw(st.booleans()):
            y = [rng.integers(2, size=target_shapes(x)[0]) for x in X]
        self.fit_odd(X, y, None)

    @rule(data=st.data())
    def fit_to_odd_y(self, data):
        problem = self.draw_problem(data)
        given = self.pose(data, problem)
        self.fit_odd(given.X, data.draw(self.odd_y(len(problem.lengths))), None)

    @rule(data=st.data())
    def fit_to_odd_weights(self, data):
        problem = self.draw_problem(data)
        given = self.pose(data, problem)
        self.fit_odd(given.X, given.y, data.draw(self.odd_y(len(problem.lengths))))

    @staticmethod
    def odd_y(n):
        items = st.lists(NESTS, min_size=n, max_size=n)
        return st.one_of(NESTS, items, items.map(array_of), items.map(objects))

    def fit_odd(self, X, y, weights):
        model, before = self.model, snapshot(self.model)
        content = fingerprint((X, y, weights))
        well = attempt(lambda: model.fit(X, y, weights))
        assert fingerprint((X, y, weights)) == content
        if not well:
            assert snapshot(model) == before
            return
        assert np.isfinite(theta_of(model)).all()
        model.predict(X)
        self.known = Known(
            model.n_features_in_,
            tuple(np.ravel(model.hidden_layer_sizes).tolist()),
            2 if model.bidirectional else 1,
            model.activation,
            self.outputs_of_model(),
        )
        self.reads_sequences = model._fitted_on_sequences

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def ask_of_odd_X(self, data):
        X = data.draw(oddities(self.known.n_features))
        name = data.draw(st.sampled_from(self.methods))
        with unchanged(self.model, X):
            attempt(lambda: getattr(self.model, name)(X))

    @invariant()
    def what_is_fitted_is_known(self):
        if hasattr(self, "model"):
            assert hasattr(self.model, "output_coef_") == (self.known is not None)


class ClassifierMachine(Machine):
    """A classifier, and what is known of it."""

    estimator = VanillaRNNClassifier
    good = GOOD_OF_CLASSIFIER
    methods = (
        "predict_proba",
        "predict",
        "predict_log_proba",
        "decision_function",
        "hidden_states",
    )

    def targets(self, draw):
        return labels_of(draw(st.sampled_from(sorted(LABELS))))

    def outputs(self, problem):
        return tuple(problem.classes.tolist())

    def outputs_of_model(self):
        return tuple(self.model.classes_.tolist())

    def refusals(self, problem, given):
        yield from super().refusals(problem, given)
        label = self.model.padding_label
        if label != "auto" and label in problem.classes.tolist():
            yield "is one of the classes"
        if self.model.class_weight == {5: 2.0} and 5 not in problem.classes.tolist():
            yield "not in class_weight"

    def check_answers(self, given, steps):
        super().check_answers(given, steps)
        model = self.model
        proba, _ = steps["predict_proba"]
        labels, fill = steps["predict"]
        logits, _ = steps["decision_function"]
        accuracy = 1e-5 if given.dtype == np.float32 else 1e-12
        assert proba.shape[1] == len(model.classes_)
        assert_allclose(proba.sum(axis=1), 1, atol=accuracy)
        assert (proba >= 0).all()
        assert_allclose(np.exp(steps["predict_log_proba"][0]), proba, atol=accuracy)
        assert set(labels.tolist()) <= set(model.classes_.tolist())
        likely = proba[np.arange(len(labels)), np.searchsorted(model.classes_, labels)]
        assert (likely >= proba.max(axis=1) - accuracy).all()
        if fill is not None:
            assert all(label == model.padding_label_ for label in fill.tolist())
        if len(model.classes_) == 2:
            assert logits.ndim == 1
            assert_allclose(1 / (1 + np.exp(-logits)), proba[:, 1], atol=accuracy)
        assert model.padding_label_ not in model.classes_.tolist()

    def check_score(self, given):
        score = self.model.score(given.X, given.y, given.sample_weight)
        assert 0 <= score <= 1 + 1e-12


class RegressorMachine(Machine):
    """A regressor, and what is known of it."""

    estimator = VanillaRNNRegressor
    methods = ("predict", "hidden_states")

    def targets(self, draw):
        return numbers_of(draw(st.sampled_from([None, 1, 2])))

    def outputs(self, problem):
        return (problem.targets[0][:1].size,)

    def outputs_of_model(self):
        return (self.model.n_outputs_,)

    def check_score(self, given):
        if np.size(given.y[0][:1] if given.form != "rows" else given.y[0]) == sum(
            self.known.outputs
        ):
            self.model.score(given.X, given.y, given.sample_weight)


TestClassifier = ClassifierMachine.TestCase
TestRegressor = RegressorMachine.TestCase
