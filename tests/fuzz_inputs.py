"""The same sequences in every form and type, things that are no sequences, parameters.

    Data  ->  Posed: X, y and weights as a user may hold them

Numbers are small multiples of 1/4, which every type of float holds exactly, so that
one and the same data can be posed in all of them.
"""

import tempfile
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from scipy import sparse

from skrnn._validation.containers import objects

SEEDS = st.integers(0, 2**32 - 1)
FLOATS = ("f2", "f4", "f8", ">f4", ">f8", "g", "O")
INTEGERS = ("i1", "i2", "i8", ">i4", "u1", "u8")
LAYOUTS = ("C", "F", "reversed", "strided", "read-only", "memmap", "subclass")
PADDING_VALUES = (np.nan, 0.0, -1.0, 9.0)

LABELS = {
    "two": np.array([0, 1]),
    "minus one": np.array([-1, 0, 3]),
    "unsigned": np.array([0, 7, 255], np.uint8),
    "large": np.array([-(2**62), 2**62]),
    "bool": np.array([False, True]),
    "float": np.array([-1.0, 0.0, 2.0]),
    "text": np.array(["a", "bb", "\U0001f600"]),
    "empty text": np.array(["", "a"]),
    "objects": np.array(["x", "yy"], dtype=object),
    "one class": np.array([5]),
}


@dataclass(frozen=True)
class Data:
    """Sequences, with labels or numbers and a weight for every step."""

    sequences: list[np.ndarray]  # (n_steps_i, n_features), float64
    targets: list[np.ndarray]  # (n_steps_i,) or (n_steps_i, n_outputs)
    weights: list[np.ndarray]  # (n_steps_i,)

    @property
    def lengths(self):
        return np.array([len(x) for x in self.sequences])

    @property
    def n_features(self):
        return self.sequences[0].shape[1]

    @property
    def classes(self):
        return np.unique(np.concatenate(self.targets))


class Posed(NamedTuple):
    """Data as it is handed over."""

    form: str  # padded, ragged or rows: that of results
    X: Any
    y: Any
    sample_weight: Any
    padding_value: float
    dtype: np.dtype  # of results


@st.composite
def datasets(draw, targets, n_features=None, *, may_be_empty=False):
    """Draw sequences; their numbers are integers or bools where a type asks for it."""
    shortest = 0 if may_be_empty else 1
    lengths = draw(st.lists(st.integers(shortest, 4), min_size=1, max_size=4))
    n_features = n_features or draw(st.integers(1, 3))
    levels = draw(st.sampled_from([(0, 1), (0, 1, 2, 5), (-1.75, -0.25, 0, 0.5, 2)]))
    rng = np.random.default_rng(draw(SEEDS))
    if any(lengths) and draw(st.booleans()):
        lengths = [max(lengths)] * len(lengths)
    data = Data(
        [rng.choice(levels, size=(n, n_features)).astype(float) for n in lengths],
        [targets(rng, n) for n in lengths],
        [rng.choice([0.0, 0.5, 1.0, 2.0], size=n) for n in lengths],
    )
    if data.weights[0].size:
        data.weights[0][0] = 1.0
    return data


def labels_of(kind):
    return lambda rng, n: LABELS[kind][rng.integers(len(LABELS[kind]), size=n)]


def numbers_of(n_outputs):
    """Return targets of so many outputs, None for those without an axis of them."""
    shape = () if n_outputs is None else (n_outputs,)
    return lambda rng, n: rng.integers(-8, 9, size=(n, *shape)) / 4


def _types(values, *, floating):
    """Name the types that hold all values exactly."""
    types = list(FLOATS)
    if not floating and (values == np.floor(values)).all():
        types += [t for t in INTEGERS if values.min(initial=0) >= 0 or t[0] != "u"]
        types += ["?"] if np.isin(values, (0, 1)).all() else []
    return types


def lay_out(array, layout):
    """Return an equal array that lies otherwise in memory."""
    if layout == "F":
        return np.asfortranarray(array)
    if layout == "reversed":
        return array[::-1].copy()[::-1]
    if layout == "strided":
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if layout == "subclass":
        return array.view(type("Tagged", (np.ndarray,), {}))
    if layout == "memmap" and array.size and array.dtype != object:
        with tempfile.TemporaryFile() as file:
            mapped = np.memmap(file, array.dtype, "w+", shape=array.shape)
        mapped[...] = array
        return mapped
    array = array.copy()
    array.flags.writeable = layout != "read-only"
    return array


def padded(items, fill, *, n_more=0):
    """Pad arrays to one length, and by some more steps."""
    n_steps = max(map(len, items)) + n_more
    shape = (len(items), n_steps, *items[0].shape[1:])
    result = np.full(shape, fill, np.result_type(items[0], np.asarray(fill)))
    for row, item in zip(result, items, strict=True):
        row[: len(item)] = item
    return result


@st.composite
def posed(draw, data, *, forms=("padded", "ragged", "sparse", "rows")):
    """Draw a form, types and layouts in which to hand the data over."""
    possible = [form for form in forms if _can_be(form, data)]
    form = draw(st.sampled_from(possible))
    return draw(_POSE[form](data))


def _can_be(form, data):
    if form == "rows":
        return (data.lengths == 1).all()
    return form != "padded" or data.lengths.any()


@st.composite
def _pose_padded(draw, data):
    ends = [x[-1] for x in data.sequences if len(x)]
    fits = [v for v in PADDING_VALUES if not any((end == v).all() for end in ends)]
    value = draw(st.sampled_from(fits))
    n_more = draw(st.sampled_from([0, 0, 1]))
    X = padded(data.sequences, value, n_more=n_more)
    X = X.astype(draw(st.sampled_from(_types(X, floating=np.isnan(X).any()))))
    X = lay_out(X, draw(st.sampled_from(LAYOUTS)))
    y, weights = _junk_padded(data.targets), padded(data.weights, np.nan)
    y = draw(st.sampled_from([y, objects(data.targets), data.targets]))
    per_step = draw(st.sampled_from([None, weights, data.weights]))
    single = X.dtype == np.float32
    return Posed("padded", X, y, per_step, value, np.dtype("f4" if single else "f8"))


def _junk_padded(targets):
    """Pad labels with one of them: what stands there is never read."""
    return padded(targets, next(t[0] for t in targets if len(t)))


@st.composite
def _pose_ragged(draw, data):
    types = [draw(st.sampled_from(_types(x, floating=False))) for x in data.sequences]
    if draw(st.booleans()):
        types = ["f4"] * len(types)
    X = [x.astype(t) for x, t in zip(data.sequences, types, strict=True)]
    X = [lay_out(x, draw(st.sampled_from(LAYOUTS))) for x in X]
    single = all(x.dtype == np.float32 for x in X)
    container = draw(st.sampled_from([list, tuple, objects, "nested"]))
    # A list of nothing but empty lists is a 2-D array without features.
    if container == "nested" and data.lengths.any():
        X, single = [x.tolist() for x in data.sequences], False
    elif container != "nested":
        X = container(X)
    return draw(_with_lists(data, X, single))


@st.composite
def _pose_sparse(draw, data):
    kinds = (sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix)
    dtype = draw(st.sampled_from(["f4", "f8"]))
    X = [draw(st.sampled_from(kinds))(x.astype(dtype)) for x in data.sequences]
    container = draw(st.sampled_from([list, tuple, objects]))
    return draw(_with_lists(data, container(X), dtype == "f4"))


@st.composite
def _with_lists(draw, data, X, single):
    y = draw(st.sampled_from([objects(data.targets), data.targets, "lists"]))
    if isinstance(y, str):
        y = [labels.tolist() for labels in data.targets]
    weights = draw(st.sampled_from([None, data.weights, objects(data.weights)]))
    return Posed("ragged", X, y, weights, np.nan, np.dtype("f4" if single else "f8"))


@st.composite
def _pose_rows(draw, data):
    X = np.concatenate(data.sequences)
    X = X.astype(draw(st.sampled_from(_types(X, floating=False))))
    single = X.dtype == np.float32
    X = lay_out(X, draw(st.sampled_from(LAYOUTS)))
    y, weights = np.concatenate(data.targets), np.concatenate(data.weights)
    y = draw(st.sampled_from([y, y.tolist()]))
    per_row = draw(st.sampled_from([None, weights, weights.tolist()]))
    return Posed("rows", X, y, per_row, np.nan, np.dtype("f4" if single else "f8"))


_POSE = {
    "padded": _pose_padded,
    "ragged": _pose_ragged,
    "sparse": _pose_sparse,
    "rows": _pose_rows,
}

# Values of parameters that are valid, and others that are not.
GOOD = {
    "hidden_layer_sizes": [1, 3, (2, 3), np.array([2])],
    "activation": ["tanh", "relu"],
    "bidirectional": [False, True],
    "alpha": ["auto", 0, 1e-3, 1.0],
    "max_iter": [1, 3, np.int64(4)],
    "max_fun": [1, 15000],
    "tol": [1e-10, 1e-4, 10.0],
    "max_corrections": [1, 10],
    "early_stopping": [False, False, True],
    "validation_fraction": [0.1, 0.5, 0.99],
    "n_iter_no_change": [1, 10],
    "warm_start": [False, True],
    "n_init": [1, 2],
    "random_state": [0, 1],
}
GOOD_OF_CLASSIFIER = GOOD | {
    "class_weight": [None, "balanced", {}, {5: 2.0}],
    "padding_label": ["auto", "PAD", -7, 2.5, 5],
}
BAD = {
    "hidden_layer_sizes": [(), 0, (2, 0), True, "3", None, 2.0, [[2]], np.eye(2)],
    "activation": ["sigmoid", None, 1],
    "bidirectional": ["yes", None, 2],
    "alpha": [-1, np.nan, np.inf, "1", None],
    "max_iter": [0, 1.5, None, np.inf],
    "max_fun": [0, 2.5],
    "tol": [0, np.nan, np.inf, "x"],
    "max_corrections": [0, None],
    "early_stopping": [None, "no"],
    "validation_fraction": [0, 1, np.nan],
    "n_iter_no_change": [0, 1.0],
    "warm_start": [None, "no"],
    "padding_value": ["0", None, [0], 1j],
    "n_init": [0, -1],
    "random_state": ["a", -1, 0.5],
    "verbose": [-1, "a", None],
}

# What users hand over by mistake, or read from a broken file.
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**70, -(2**63), 1e300, 1e-320, 1e38]),
    st.floats(width=16),
    st.complex_numbers(max_magnitude=2),
    st.text(max_size=2),
    st.sampled_from([b"", b"a", b"1"]),
    st.sampled_from(
        [
            Decimal("0.5"),
            Fraction(1, 3),
            pd.NA,
            pd.NaT,
            pd.Timestamp(0),
            np.datetime64(0, "s"),
            np.timedelta64(1, "s"),
            np.float32("inf"),
            np.str_("1.5"),
            object(),
            object,
            len,
            ...,
            slice(None),
            range(2),
        ]
    ),
)


def array_of(items):
    try:
        return np.asarray(items)
    except (ValueError, TypeError):  # nested unevenly, or NaT among numbers
        return objects(items)


NESTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.lists(inner, max_size=3).map(array_of),
        st.lists(inner, max_size=3).map(objects),
        st.dictionaries(st.text(max_size=1), inner, max_size=2),
    ),
    max_leaves=8,
)


def _spoilt(array, rng):
    """Put something that is no number into an array of numbers."""
    array = np.array(array, dtype=float)
    bad = rng.choice([np.nan, np.inf, -np.inf, 1e300, -1e200, 1e-310, 3e38])
    array[tuple(rng.integers(n) for n in array.shape)] = bad
    return array


ODDITIES = {
    "spoilt": lambda X, rng: _spoilt(X, rng),
    "spoilt ragged": lambda X, rng: [*X[:-1], _spoilt(X[-1], rng)],
    "spoilt sparse": lambda X, rng: [sparse.csr_array(_spoilt(x, rng)) for x in X],
    "spoilt rows": lambda X, rng: _spoilt(X[:, 0], rng),
    "sparse rows": lambda X, rng: sparse.coo_array(_spoilt(X[:, 0], rng)),
    "huge": lambda X, rng: X * 10.0 ** rng.integers(30, 309),
    "huge integers": lambda X, rng: np.full(X.shape, 2**63 - 1),
    "object integers": lambda X, rng: np.full(X.shape, 2**80, dtype=object),
    "integers beyond floats": lambda X, rng: np.full(X.shape, 10**400, dtype=object),
    "no sequences": lambda X, rng: X[:0],
    "no steps": lambda X, rng: X[:, :0],
    "no features": lambda X, rng: X[..., :0],
    "an empty one": lambda X, rng: [*X, X[0, :0]],
    "an empty list": lambda X, rng: [*X, []],
    "empty lists": lambda X, rng: [[], []],
    "lists of empty lists": lambda X, rng: [[[]], [[]]],
    "4-D": lambda X, rng: X[None],
    "1-D": lambda X, rng: X.ravel(),
    "0-D": lambda X, rng: np.float64(1),
    "mixed axes": lambda X, rng: [X[0], X[0, 0]],
    "objects of mixed axes": lambda X, rng: objects([X[0], X[0, 0], 1.0]),
    "uneven": lambda X, rng: [[[1.0], [1.0, 2.0]], X[0]],
    "uneven rows": lambda X, rng: [[1.0], [1.0, 2.0]],
    "features differ": lambda X, rng: [X[0], X[0][:, :0], np.ones((1, 7))],
    "complex": lambda X, rng: X + 1j,
    "dates": lambda X, rng: X.astype("M8[s]"),
    "spans": lambda X, rng: [x.astype("m8[s]") for x in X],
    "text": lambda X, rng: X.astype(str),
    "bytes": lambda X, rng: X.astype("S8"),
    "void": lambda X, rng: X.copy().view("V8"),
    "structured": lambda X, rng: np.zeros(X.shape, [("a", "f8"), ("b", "i4")]),
    "masked": lambda X, rng: np.ma.array(X, mask=X > 0),
    "masked items": lambda X, rng: [np.ma.array(x) for x in X],
    "matrix": lambda X, rng: sparse.csr_matrix(X[0]).todense(),
    "matrices": lambda X, rng: [sparse.csr_matrix(x).todense() for x in X],
    "frame": lambda X, rng: pd.DataFrame(X[0]),
    "frames": lambda X, rng: [pd.DataFrame(x) for x in X],
    "frame of objects": lambda X, rng: pd.DataFrame({"a": [X[0]], "b": [None]}),
    "nullable frame": lambda X, rng: pd.DataFrame({"a": [1, None]}, dtype="Int64"),
    "series": lambda X, rng: pd.Series(list(X)),
    "series of numbers": lambda X, rng: pd.Series(X.ravel()),
    "dict": lambda X, rng: {"X": X},
    "generator": lambda X, rng: (x for x in X),
    "set": lambda X, rng: {1.0, 2.0},
    "string": lambda X, rng: "hello",
    "strings": lambda X, rng: ["hello", "hole"],
    "buffer": lambda X, rng: memoryview(np.ascontiguousarray(X)),
    "3-D sparse": lambda X, rng: sparse.coo_array(X),
    "partly sparse": lambda X, rng: [sparse.csr_array(X[0]), X[0]],
    "integer sparse": lambda X, rng: [sparse.coo_array(x.astype(int)) for x in X],
    "all padding": lambda X, rng: np.full(X.shape, np.nan),
    "half padding": lambda X, rng: np.stack([X[0], X[0] * np.nan]),
    "padding first": lambda X, rng: np.concatenate([X * np.nan, X], axis=1),
    "partly padding": lambda X, rng: np.concatenate([X, X * np.nan], axis=2),
}


@st.composite
def oddities(draw, n_features=None):
    """Draw X that is odd, for the most part bad."""
    if draw(st.integers(0, 2)) == 0:
        return draw(NESTS)
    rng = np.random.default_rng(draw(SEEDS))
    n_features = n_features or draw(st.integers(1, 3))
    X = rng.normal(size=(draw(st.integers(1, 3)), draw(st.integers(1, 3)), n_features))
    return ODDITIES[draw(st.sampled_from(sorted(ODDITIES)))](X, rng)
