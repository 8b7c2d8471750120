"""The encoder's public methods in any order, on tokens of any kind."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from fuzz_checks import attempt, snapshot, unchanged
from fuzz_inputs import NESTS, SEEDS
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from numpy.testing import assert_array_equal
from samples import fingerprint
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skrnn import OneHotSequenceEncoder
from skrnn._validation.containers import objects

pytestmark = [
    pytest.mark.filterwarnings("ignore:Found unknown categories"),
]

# Halves of surrogate pairs included, which is all that text leaves out.
ANY_TEXT = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=4)
ALPHABETS = {
    "strings": ANY_TEXT,
    "few letters": st.text("abc", max_size=4),
    "numbers": st.lists(st.integers(0, 3), max_size=4),
    "large numbers": st.lists(st.integers(-(2**70), 2**70), max_size=4),
    "floats": st.lists(st.floats(-2, 2), max_size=4),
    "bools": st.lists(st.booleans(), max_size=4),
    "words": st.lists(ANY_TEXT, max_size=4),
    "pairs": st.lists(st.tuples(st.integers(0, 2), st.text("ab", max_size=1))),
    "bytes": st.lists(st.binary(max_size=1), max_size=3),
}
GOOD = {
    "handle_unknown": ["error", "ignore", "infrequent_if_exist", "warn"],
    "min_frequency": [None, 1, 2, 0.3],
    "max_categories": [None, 1, 2, 5],
    "dtype": [np.float32, np.float64],
    "sparse_output": [False, True],
    "n_steps": [None, 4, 9],
}


@st.composite
def sequences(draw, kind=None):
    """Draw sequences of tokens of one kind."""
    if kind not in ALPHABETS:
        kind = draw(st.sampled_from(sorted(ALPHABETS)))
    return kind, draw(st.lists(ALPHABETS[kind], min_size=1, max_size=4))


class EncoderMachine(RuleBasedStateMachine):
    """An encoder, and the kind of tokens it knows."""

    @initialize()
    def begin(self):
        self.model, self.kind = OneHotSequenceEncoder(), None

    def contain(self, data, items):
        """Put sequences into one of the containers that users have."""
        container = data.draw(st.sampled_from([list, tuple, objects, pd.Series]))
        X = container(items)
        if data.draw(st.booleans()) and not isinstance(items[0], str):
            X = container([tuple(item) for item in items])
        return X

    @rule(data=st.data())
    def fit(self, data):
        kind, items = data.draw(sequences())
        X, before = self.contain(data, items), snapshot(self.model)
        content = fingerprint(X)
        if not any(map(len, items)):
            with pytest.raises(ValueError, match="X has no tokens"):
                self.model.fit(X)
            assert snapshot(self.model) == before
            return
        assert self.model.fit(X) is self.model
        assert fingerprint(X) == content
        self.kind = kind
        tokens = {token for item in items for token in item}
        assert set(self.model.categories_.tolist()) == tokens
        assert not hasattr(self.model, "n_features_in_")  # of a fit to an array
        self.check_round_trip(X, items)

    def check_round_trip(self, X, items):
        """Check the rows of known sequences, and what comes back from them."""
        model = self.model
        if model.n_steps and max(map(len, items)) > model.n_steps:
            with pytest.raises(ValueError, match="n_steps"):
                model.transform(X)
            return
        with unchanged(model, X):
            rows = model.transform(X)
            back = model.inverse_transform(rows)
        n_columns = len(model.get_feature_names_out())
        infrequent = getattr(model, "infrequent_categories_", None)
        if self.kind == "array":
            return
        assert [len(item) for item in back] == [len(item) for item in items]
        for item, row, again in zip(items, rows, back, strict=True):
            dense = row.toarray() if model.sparse_output else row[: len(item)]
            assert dense.shape == (len(item), n_columns)
            assert dense.dtype == model.dtype
            assert (dense.sum(axis=1) == 1).all()
            assert model.sparse_output or np.isnan(row[len(item) :]).all()
            if infrequent is None:
                assert list(again) == list(item)

    @precondition(lambda self: self.kind)
    @rule(data=st.data())
    def transform_others(self, data):
        _, items = data.draw(sequences(self.kind) | sequences())
        X = self.contain(data, items)
        with unchanged(self.model, X):
            went_well = attempt(lambda: self.model.transform(X))
        known = set(self.model.categories_.tolist())
        if {token for item in items for token in item} <= known:
            self.check_round_trip(X, items)
        elif self.model.handle_unknown == "error":
            assert not went_well

    @rule(data=st.data())
    def fit_to_array(self, data):
        rng = np.random.default_rng(data.draw(SEEDS))
        values = data.draw(
            st.sampled_from(
                [np.arange(4), np.array(["", "a", "bb"]), np.arange(3.0), [True, False]]
            )
        )
        n = rng.integers(1, 4, size=2)
        X = rng.choice(values, size=n)
        dtypes = {"i": ["i1", "u2", ">i8", "O"], "f": ["f2", ">f4", "O"]}
        kinds = dtypes.get(X.dtype.kind, ["O", X.dtype.str])
        X = X.astype(data.draw(st.sampled_from(kinds)))
        before = snapshot(self.model)
        with_content = fingerprint(X)
        well = attempt(lambda: self.model.fit(X))
        assert fingerprint(X) == with_content
        if not well:
            assert snapshot(self.model) == before
            return
        self.kind = "array"
        model = self.model
        if model.n_steps and X.shape[1] > model.n_steps:
            return
        back = model.inverse_transform(model.transform(X))
        if getattr(model, "infrequent_categories_", None) is None:
            assert back.dtype == X.dtype or X.dtype.kind in "Ubu"
            assert_array_equal(back.astype(X.dtype), X)

    @rule(data=st.data())
    def set_params(self, data):
        name = data.draw(st.sampled_from(sorted(GOOD)))
        value = data.draw(st.sampled_from(GOOD[name]))
        # Columns are those of the fit, whatever is set behind it.
        if name in ("min_frequency", "max_categories", "handle_unknown"):
            self.clone()
        self.model.set_params(**{name: value})

    @rule(data=st.data(), fit=st.booleans())
    def odd_tokens(self, data, fit):
        X = data.draw(NESTS)
        method = self.model.fit if fit or not self.kind else self.model.transform
        content, before = fingerprint(X), snapshot(self.model)
        if not attempt(lambda: method(X)):
            assert snapshot(self.model) == before
        elif fit or not self.kind:
            # What comes back has the form of what was fitted.
            self.kind = "array" if hasattr(self.model, "n_features_in_") else "odd"
            self.model.set_params(n_steps=None)
            self.model.inverse_transform(self.model.transform(X))
        assert fingerprint(X) == content

    @precondition(lambda self: self.kind)
    @rule(data=st.data())
    def invert_odd_rows(self, data):
        n_columns = len(self.model.get_feature_names_out())
        rng = np.random.default_rng(data.draw(SEEDS))
        values = data.draw(st.sampled_from([(0, 1), (0.0, 0.3, np.nan), (np.inf, -1)]))
        shape = (*rng.integers(0, 3, size=2), n_columns + rng.integers(2))
        rows = rng.choice(values, size=shape)
        X = data.draw(st.sampled_from([rows, list(rows), objects(rows)]))
        if data.draw(st.booleans()):
            X = data.draw(NESTS)
        with unchanged(self.model, X):
            attempt(lambda: self.model.inverse_transform(X))

    @rule()
    def pickle(self):
        self.model = pickle.loads(pickle.dumps(self.model))

    @rule()
    def deepcopy(self):
        self.model = copy.deepcopy(self.model)

    @rule()
    def clone(self):
        self.model, self.kind = clone(self.model), None

    @precondition(lambda self: not self.kind)
    @rule()
    def ask_too_early(self):
        for method in ("transform", "inverse_transform"):
            with pytest.raises(NotFittedError):
                getattr(self.model, method)(["ab"])

    @invariant()
    def what_is_fitted_is_known(self):
        if hasattr(self, "model"):
            assert hasattr(self.model, "categories_") == (self.kind is not None)


TestEncoder = EncoderMachine.TestCase
