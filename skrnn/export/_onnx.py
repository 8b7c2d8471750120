"""Fitted estimators as ONNX graphs, which run without Python.

    X, lengths  ->  one Scan per layer and direction  ->  Softmax  ->  label,
                                                                       probabilities

An encoder before the network becomes a table from token ids to columns, and OneHot;
`_onnx_scalers` has scalers of features, and `_onnx_chain` what comes before the softmax
with a chain of labels.
NaN and overflow in the network result in NaN. This requires Scan: the RNN operator
computes relu(NaN) = 0, and treats overflowing sums as large numbers of either sign.
"""

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skrnn._estimators.classifier import VanillaRNNClassifier
from skrnn._estimators.regressor import VanillaRNNRegressor
from skrnn._validation.arrays import Array
from skrnn._validation.persistence import set_module
from skrnn.preprocessing._one_hot import OneHotSequenceEncoder
from skrnn.preprocessing._stepwise import StepwiseTransformer

from ._onnx_chain import add_chain
from ._onnx_graph import Graph, float32, ints, nan_unless_finite
from ._onnx_scalers import SCALERS

if TYPE_CHECKING:
    from onnx import ModelProto


_Network = VanillaRNNClassifier | VanillaRNNRegressor

_STEPS = ("n_sequences", "n_steps")


@set_module("skrnn.export")
def to_onnx(estimator: Any) -> "ModelProto":
    """Convert a fitted estimator to an ONNX model.

    Parameters
    ----------
    estimator : VanillaRNNClassifier, VanillaRNNRegressor, or Pipeline with one of them
        The fitted network, alone, or after a :class:`~skrnn.OneHotSequenceEncoder`, or
        after :class:`~skrnn.StepwiseTransformer` with StandardScaler, MinMaxScaler,
        MaxAbsScaler or RobustScaler.

    Returns
    -------
    onnx.ModelProto
        A checked model that uses single precision; see Notes.

    Raises
    ------
    ImportError
        If the package onnx is not installed.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If the estimator has another type, or a classifier's labels and
        `padding_label_` are not all strings or all numbers.
    ValueError
        If a label is an integer that does not fit into 64 bits with sign, has no exact
        representation as a float, or cannot be encoded as UTF-8; if weights exceed the
        range of single precision.

    Notes
    -----
    The inputs are

    - ``X``: for a network, float32 of shape (n_sequences, n_steps, n_features); after
      a scaler float64, because raw features may have any unit; after an encoder, int64
      of shape (n_sequences, n_steps), the index of each token in the encoder's
      `categories_`. Values at padded positions are ignored.
    - ``lengths``: int32 of shape (n_sequences,), the number of valid steps of each
      sequence.

    The outputs, for any number of sequences and steps, are, for a classifier,

    - ``label``: of shape (n_sequences, n_steps), `padding_label_` at padding and where
      probabilities are NaN; strings, int64 (also for booleans) or float64.
    - ``probabilities``: float32 of shape (n_sequences, n_steps, n_classes), in the
      order of `classes_`, and NaN at padding;

    and for a regressor,

    - ``prediction``: float32 of shape (n_sequences, n_steps), or (n_sequences, n_steps,
      n_outputs) if y had an axis of outputs, and NaN at padding.

    Single precision has seven digits: X after scaling, and y of a regressor, should
    have means and standard deviations near 1. In very long sequences, rounding errors
    can exceed 1e-5.

    NaN and infinity in X, and sums that overflow in single precision, make outputs NaN
    from their step on, in the direction of reading. An output that itself overflows is
    NaN at its step.

    With `transitions`, ``probabilities`` are the marginals of each step, and ``label``
    is the most probable sequence of labels, as in `predict_proba` and `predict`. An
    output that is not finite then makes the whole sequence NaN, and so does a sequence
    for which `label_scheme` allows no labeling, where `predict` raises an error.

    An id that is not an index of `categories_`, such as -1, is an unknown token: an
    error of the runtime if `handle_unknown="error"`, otherwise a row of zeros or the
    infrequent category ("warn" does not warn). `n_steps` of the encoder is not
    enforced.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.datasets import load_hello
    >>> from skrnn.export import to_onnx
    >>> X, y = load_hello(return_X_y=True)
    >>> network = VanillaRNNClassifier(3, alpha=0.001, random_state=0).fit(X, y)
    >>> model = to_onnx(network)
    >>> [tensor.name for tensor in [*model.graph.input, *model.graph.output]]
    ['X', 'lengths', 'label', 'probabilities']

    ``onnx.save(model, "hello.onnx")`` writes it to a file.
    """
    encoder, scalers, network = _parts(estimator)
    graph = Graph()
    valid = _valid_steps(graph)
    if encoder is not None:
        X = graph.tensor("X", np.int64, *_STEPS)
        rows = _one_hot(graph, encoder, graph.add("Where", valid, "X", np.int64(0)))
    else:
        dtype = np.float64 if scalers else np.float32
        X = graph.tensor("X", dtype, *_STEPS, network.n_features_in_)
        valid_rows = graph.add("Unsqueeze", valid, ints(2))
        rows = graph.add("Where", valid_rows, "X", dtype(0))
        for scaler in scalers:
            rows = SCALERS[type(scaler)](graph, rows, scaler)
        if scalers:
            rows = graph.add("Cast", rows, to=graph.onnx.TensorProto.FLOAT)
    values = _network(graph, network, rows, valid)
    if isinstance(network, VanillaRNNRegressor):
        outputs = _answer_numbers(graph, network, values, valid)
    else:
        outputs = _answer_labels(graph, network, values, valid)
    return graph.model([X, graph.tensor("lengths", np.int32, _STEPS[0])], outputs)


def _valid_steps(graph: Graph) -> str:
    """Mark valid steps; invalid lengths are errors of the runtime."""
    shape = graph.add("Shape", "X")
    n_sequences = graph.add("Slice", shape, ints(0), ints(1))
    n_steps = graph.add("Gather", shape, np.int64(1))
    after_all = graph.add("Add", n_steps, np.int64(1))
    # One length for every sequence; otherwise it would be broadcast.
    lengths = graph.add("Cast", "lengths", to=graph.onnx.TensorProto.INT64)
    lengths = graph.add("Reshape", lengths, n_sequences)
    is_negative = graph.add("Less", lengths, np.int64(0))
    # An index out of bounds is an error; a negative one would count from the end.
    index = graph.add("Where", is_negative, after_all, lengths)
    possible = graph.add("Range", np.int64(0), after_all, np.int64(1))
    lengths = graph.add("Gather", possible, index)
    steps = graph.add("Range", np.int64(0), n_steps, np.int64(1))
    return graph.add("Less", steps, graph.add("Unsqueeze", lengths, ints(1)))


def _parts(estimator: Any) -> tuple[OneHotSequenceEncoder | None, list[Any], _Network]:
    """Return encoder, scalers and network; check that all are fitted."""
    is_pipeline = isinstance(estimator, Pipeline)
    steps = [step for _, step in estimator.steps] if is_pipeline else [estimator]
    *before, network = steps
    encoder = before[0] if len(before) == 1 else None
    if not isinstance(encoder, OneHotSequenceEncoder):
        encoder = None
    is_network = isinstance(network, VanillaRNNClassifier | VanillaRNNRegressor)
    if not is_network or (encoder is None and not all(map(_is_scaler, before))):
        known = ", ".join(kind.__name__ for kind in SCALERS)
        raise TypeError(
            f"to_onnx cannot convert {estimator}; pass a VanillaRNNClassifier or a "
            "VanillaRNNRegressor, or a Pipeline of a OneHotSequenceEncoder and one of "
            f"them, or of StepwiseTransformer with one of {known}, and one of them"
        )
    for step in steps:
        check_is_fitted(step)
    scalers = [] if encoder is not None else [step.transformer_ for step in before]
    return encoder, scalers, network


def _is_scaler(step: Any) -> bool:
    if not isinstance(step, StepwiseTransformer):
        return False
    return type(getattr(step, "transformer_", step.transformer)) in SCALERS


def _answer_labels(
    graph: Graph, network: VanillaRNNClassifier, logits: str, valid: str
) -> list[Any]:
    labels, n_classes = _labels(network), len(network.classes_)
    chain = network._chain()
    if chain is None:
        scores = logits
        code = graph.add("ArgMax", logits, axis=2, keepdims=0)
    else:
        scores, code = add_chain(graph, chain, logits, valid)
    proba = graph.add("Softmax", scores, axis=2)
    # Runtimes differ in which of several NaN is the largest.
    total = graph.add("ReduceSum", proba, ints(2), keepdims=0)
    is_known = graph.add("And", valid, graph.add("Not", graph.add("IsNaN", total)))
    code = graph.add("Where", is_known, code, np.int64(n_classes))
    graph.add("Gather", labels, code, output="label")
    valid = graph.add("Unsqueeze", valid, ints(2))
    graph.add("Where", valid, proba, np.float32(np.nan), output="probabilities")
    return [
        graph.tensor("label", labels.dtype, *_STEPS),
        graph.tensor("probabilities", np.float32, *_STEPS, n_classes),
    ]


def _answer_numbers(
    graph: Graph, network: VanillaRNNRegressor, values: str, valid: str
) -> list[Any]:
    has_axis = network._has_axis_of_outputs
    if has_axis:
        valid = graph.add("Unsqueeze", valid, ints(2))
    else:
        values = graph.add("Squeeze", values, ints(2))
    graph.add("Where", valid, values, np.float32(np.nan), output="prediction")
    axes = (*_STEPS, network.n_outputs_) if has_axis else _STEPS
    return [graph.tensor("prediction", np.float32, *axes)]


def _labels(network: VanillaRNNClassifier) -> Array:
    """Return the classes, followed by the label of padding, in an ONNX type."""
    labels = [*network.classes_.tolist(), network.padding_label_]
    if all(isinstance(label, str) for label in labels):
        for label in labels:
            if any("\ud800" <= letter <= "\udfff" for letter in label):
                raise ValueError(
                    f"the label {label!r} has a surrogate, which UTF-8 cannot encode; "
                    "rename it"
                )
        return np.array(labels, object)
    if all(isinstance(label, Integral) for label in labels):
        return _exact(labels, np.int64, "a 64-bit signed integer")
    if all(isinstance(label, Real) for label in labels):
        return _exact(labels, np.float64, "a 64-bit float")
    raise TypeError(
        f"classes_ are {network.classes_} and padding_label_ is "
        f"{network.padding_label_!r}; ONNX needs all of them to be strings, or all to "
        "be numbers"
    )


def _exact(labels: list[Any], dtype: Any, name: str) -> Array:
    """Convert numbers to a type that must represent each of them exactly."""
    for label in labels:
        try:
            is_held = dtype(label).item() == label or label != label  # as NaN is
        except OverflowError:
            is_held = False
        if not is_held:
            raise ValueError(f"the label {label} does not fit into {name}")
    return np.array(labels, dtype)


def _one_hot(graph: Graph, encoder: OneHotSequenceEncoder, ids: str) -> str:
    """Turn ids of tokens into rows, of shape (n_sequences, n_steps, n_columns)."""
    n_tokens = len(encoder.categories_)
    n_columns = len(encoder.get_feature_names_out())
    # The last entry is for unknown tokens. A column that does not exist gives a row of
    # zeros; an entry that does not exist is an error of the runtime.
    columns = encoder._column_of
    columns[columns < 0] = n_columns
    if encoder.handle_unknown == "error":
        columns = columns[:-1]
    known = graph.add(
        "And",
        graph.add("GreaterOrEqual", ids, np.int64(0)),
        graph.add("Less", ids, np.int64(n_tokens)),
    )
    entry = graph.add("Where", known, ids, np.int64(n_tokens))
    column = graph.add("Gather", columns, entry)
    off_on = np.array([0, 1], np.float32)
    return graph.add("OneHot", column, np.int64(n_columns), off_on, axis=-1)


def _network(graph: Graph, network: _Network, rows: str, valid: str) -> str:
    """Run the hidden layers over the steps, and the output layer."""
    states = graph.add("Transpose", rows, perm=[1, 0, 2])
    valid = graph.add("Unsqueeze", graph.add("Transpose", valid), ints(2))
    operator = network._fitted_activation.capitalize()
    coefs = (network.input_coefs_, network.recurrent_coefs_, network.hidden_intercepts_)
    for layer in zip(*coefs, strict=True):
        directions = [
            _direction(graph, operator, states, valid, one_way, backward)
            for backward, one_way in enumerate(zip(*layer, strict=True))
        ]
        states = graph.add("Concat", *directions, axis=2)
    states = graph.add("Transpose", states, perm=[1, 0, 2])
    terms: list[Any] = [float32(network.output_intercept_)]
    if network.recurrent_coefs_:
        terms.append(graph.add("MatMul", states, float32(network.output_coef_)))
    direct = network._direct_weights()
    if direct is not None:
        terms.append(graph.add("MatMul", rows, float32(direct)))
    outputs = graph.add("Sum", *terms)
    return nan_unless_finite(graph, outputs, outputs)


def _direction(
    graph: Graph, operator: str, rows: str, valid: str, coefs: Any, backward: int
) -> str:
    """Return the states of a direction, shape (n_steps, n_sequences, n_hidden)."""
    input_coef, recurrent_coef, intercept = coefs
    products = graph.add("MatMul", rows, float32(input_coef))
    inputs = graph.add("Add", products, float32(intercept))
    n_sequences = graph.add("Slice", graph.add("Shape", rows), ints(1), ints(2))
    shape = graph.add("Concat", n_sequences, ints(len(intercept)), axis=0)
    start = graph.add("ConstantOfShape", shape)

    step = Graph(prefix=f"{inputs}_")
    before, row, is_valid = (f"{inputs}_{name}" for name in ("before", "row", "valid"))
    products = step.add("MatMul", before, float32(recurrent_coef))
    sums = step.add("Add", row, products)
    state = nan_unless_finite(step, step.add(operator, sums), sums)
    # The backward direction starts in padding, where the state stays zero.
    state = step.add("Where", is_valid, state, np.float32(0))
    states = step.add("Identity", state)
    return graph.add(
        "Scan",
        start,
        inputs,
        valid,
        body=step.body([before, row, is_valid], [state, states]),
        num_scan_inputs=2,
        scan_input_directions=[backward, backward],
        scan_output_directions=[backward],
    )
