"""Conversion of networks to and from PyTorch.

    torch   h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)
    skrnn   h_t = f(x_t W_xh + h_{t-1} W_hh + b_h)

The weights are transposed, and b_h is the sum of the two biases of PyTorch. Direct
weights from the features are further columns of the output layer, after the states.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skrnn._estimators.classifier import VanillaRNNClassifier
from skrnn._validation.arrays import Array
from skrnn._validation.containers import objects, reject_masked
from skrnn._validation.persistence import set_module
from skrnn._validation.targets import of_one_type, padding_label_for
from skrnn._validation.tokens import invalid_reason

if TYPE_CHECKING:
    from torch import nn


@set_module("skrnn.export")
def to_torch(estimator: VanillaRNNClassifier) -> "tuple[nn.RNN, nn.Linear]":
    """Convert a fitted network to PyTorch modules.

    Parameters
    ----------
    estimator : VanillaRNNClassifier
        The fitted network.

    Returns
    -------
    rnn : torch.nn.RNN
        The hidden layers, with ``batch_first=True``, in the dtype of the weights. All
        layers of an RNN have the same size: smaller layers are padded with units whose
        weights and gradients are zero, also in further training.
    linear : torch.nn.Linear
        The output layer, which returns logits in the order of `classes_`. Its inputs
        are the states; with `skip_connection`, the states followed by the features.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the network has no hidden layer, or was fitted with `transitions`: neither
        can be expressed by these two modules.

    See Also
    --------
    from_torch : The inverse conversion.

    Notes
    -----
    The backward direction of a bidirectional RNN must start at the last valid step of a
    sequence. With padding it would start in the padding, so use
    ``torch.nn.utils.rnn.pack_sequence`` for sequences of different lengths.

    Examples
    --------
    Probabilities computed by PyTorch, for X of shape (n_sequences, n_steps, n_features)
    without padding::

        rnn, linear = to_torch(network)
        states, _ = rnn(torch.from_numpy(X))
        proba = linear(states).softmax(dim=-1)

    With ``skip_connection=True``::

        inputs = torch.cat([states, torch.from_numpy(X)], dim=-1)
        proba = linear(inputs).softmax(dim=-1)
    """
    from torch import nn, tensor

    check_is_fitted(estimator)
    _check_modules_suffice(estimator)
    sizes = [W.shape[-1] for W in estimator.recurrent_coefs_]
    n_directions = len(estimator.recurrent_coefs_[0])
    dtype = tensor(estimator.output_intercept_).dtype
    rnn = nn.RNN(
        estimator.n_features_in_,
        max(sizes),
        num_layers=len(sizes),
        nonlinearity=estimator._fitted_activation,
        batch_first=True,
        bidirectional=n_directions == 2,
        dtype=dtype,
    )
    n_outputs = len(estimator.output_intercept_)
    weights = _of_hidden_layers(estimator, n_directions, max(sizes))
    rnn.load_state_dict({k: tensor(v) for k, v in weights.items()})
    blocks = estimator.output_coef_.reshape(n_directions, -1, n_outputs)
    coef = _fill(blocks, (n_directions, max(sizes), n_outputs)).reshape(-1, n_outputs)
    direct = estimator._direct_weights()
    if direct is not None:
        coef = np.concatenate([coef, direct])
    linear = nn.Linear(len(coef), n_outputs, dtype=dtype)
    linear.load_state_dict(
        {"weight": tensor(coef.T), "bias": tensor(estimator.output_intercept_)}
    )
    return rnn, linear


@set_module("skrnn.export")
def from_torch(
    rnn: "nn.RNN", linear: "nn.Linear", classes: ArrayLike
) -> VanillaRNNClassifier:
    """Convert PyTorch modules to a fitted classifier.

    Parameters
    ----------
    rnn : torch.nn.RNN
        The hidden layers: any number, tanh or relu, unidirectional or bidirectional.
    linear : torch.nn.Linear
        The output layer, from the states of the last hidden layer to logits. If it has
        as many inputs as `rnn` has states and features together, the last of them are
        the features, and the classifier has a `skip_connection`.
    classes : array-like of shape (n_classes,)
        The label of each output, in any order.

    Returns
    -------
    VanillaRNNClassifier
        A classifier with copies of the weights. It can predict, and after
        ``set_params(warm_start=True)`` its `fit` continues from these weights.
        Attributes that describe training, such as `loss_`, are missing.

    Raises
    ------
    TypeError
        If `rnn` is not a ``torch.nn.RNN`` but, for example, an LSTM; if `classes` have
        mixed types, or a type that cannot be a label.
    ValueError
        If the number of inputs of `linear` is neither the number of states of `rnn` nor
        that of states and features; if the number of distinct `classes` differs from
        the number of outputs, or `classes` contains None or NaN.

    See Also
    --------
    to_torch : The inverse conversion.

    Examples
    --------
    After training with PyTorch::

        network = from_torch(rnn, linear, classes=["comment", "keyword", "name"])
        network.predict(X)
    """
    if getattr(rnn, "mode", None) not in ("RNN_TANH", "RNN_RELU"):
        raise TypeError(f"rnn must be a torch.nn.RNN. Got {rnn!r} instead.")
    n_directions = 2 if rnn.bidirectional else 1
    n_states = n_directions * rnn.hidden_size
    if linear.in_features not in (n_states, n_states + rnn.input_size):
        raise ValueError(
            f"linear has {linear.in_features} inputs, but rnn has {n_states} states "
            f"and {rnn.input_size} features; pass a layer that takes the states, or "
            "the states followed by the features"
        )
    has_skip = linear.in_features > n_states
    given = _labels(classes)
    labels, order = np.unique(given, return_index=True)
    if not len(labels) == len(given) == linear.out_features:
        raise ValueError(
            f"linear has {linear.out_features} outputs, but classes={classes!r} names "
            f"{len(labels)} different labels; name one for each output"
        )
    network = VanillaRNNClassifier(
        (rnn.hidden_size,) * rnn.num_layers,
        activation=rnn.mode.removeprefix("RNN_").lower(),
        bidirectional=rnn.bidirectional,
        skip_connection=has_skip,
    )
    network.n_features_in_ = rnn.input_size
    network.classes_ = labels
    network.padding_label_ = padding_label_for(labels, network.padding_label)
    network.n_layers_ = rnn.num_layers + 2
    network.n_outputs_ = len(labels)
    network.out_activation_ = "softmax"
    _take_hidden_layers(network, rnn, n_directions)
    output = _arrays(linear)
    bias = output.get("bias", np.zeros_like(output["weight"][:, 0]))
    coef = output["weight"].T[:, order]
    network.output_coef_ = coef[:n_states]
    network.output_intercept_ = bias[order]
    network.skip_coef_ = coef[n_states:] if has_skip else None
    network.transition_coef_ = network.start_coef_ = network.end_coef_ = None
    return network


def _check_modules_suffice(estimator: VanillaRNNClassifier) -> None:
    if estimator._chain() is not None:
        raise ValueError(
            "to_torch cannot convert a network fitted with transitions=True: PyTorch "
            "has no module for them; use to_onnx, or fit with transitions=False"
        )
    if not estimator.recurrent_coefs_:
        raise ValueError(
            "to_torch cannot convert a network without hidden layers: torch.nn.RNN "
            "needs at least one; use to_onnx"
        )


def _labels(classes: Any) -> Array:
    """Return the labels in the form in which `fit` would store them."""
    reject_masked(classes, "classes", "-1")
    given = np.asarray(classes)
    if given.ndim != 1:
        raise ValueError(
            f"classes={classes!r} has shape {given.shape}; pass a list of labels"
        )
    items = objects(given if hasattr(classes, "dtype") else classes)
    for i, label in enumerate(items):
        if invalid_reason(label):
            raise ValueError(f"classes[{i}] is {invalid_reason(label)}; pass a label")
    of_one_type(items)  # in the array, NumPy has converted mixed types to strings
    return of_one_type(given)


def _suffixes(n_layers: int, n_directions: int) -> list[list[str]]:
    """Return the suffixes of PyTorch's names, for each layer and direction."""
    ways = ["", "_reverse"][:n_directions]
    return [[f"l{layer}{way}" for way in ways] for layer in range(n_layers)]


def _of_hidden_layers(
    estimator: VanillaRNNClassifier, n_directions: int, n_hidden: int
) -> dict[str, Array]:
    """Return the hidden weights by PyTorch's names, padded to one size."""
    weights = {}
    input_coefs, recurrent_coefs = estimator.input_coefs_, estimator.recurrent_coefs_
    coefs = (input_coefs, recurrent_coefs, estimator.hidden_intercepts_)
    names = _suffixes(len(recurrent_coefs), n_directions)
    # The input has one block for each direction of the layer below.
    n_blocks, width = 1, estimator.n_features_in_
    for suffixes, *directions in zip(names, *coefs, strict=True):
        for suffix, coef, recurrent, bias in zip(suffixes, *directions, strict=True):
            blocks = coef.reshape(n_blocks, -1, len(bias))
            filled = _fill(blocks, (n_blocks, width, n_hidden)).reshape(-1, n_hidden)
            weights[f"weight_ih_{suffix}"] = filled.T
            weights[f"weight_hh_{suffix}"] = _fill(recurrent, (n_hidden, n_hidden)).T
            weights[f"bias_ih_{suffix}"] = _fill(bias, (n_hidden,))
            weights[f"bias_hh_{suffix}"] = np.zeros(n_hidden, bias.dtype)
        n_blocks, width = n_directions, n_hidden
    return weights


def _fill(array: Array, shape: tuple[int, ...]) -> Array:
    """Pad an array with zeros at the end of each axis."""
    missing = np.subtract(shape, array.shape)
    return np.pad(array, [(0, n) for n in missing])


def _take_hidden_layers(
    network: VanillaRNNClassifier, rnn: "nn.RNN", n_directions: int
) -> None:
    weights = _arrays(rnn)
    suffixes = _suffixes(rnn.num_layers, n_directions)

    def layers(kind: str) -> list[Array]:
        return [np.stack([weights[f"{kind}_{s}"].T for s in ways]) for ways in suffixes]

    network.input_coefs_ = layers("weight_ih")
    network.recurrent_coefs_ = layers("weight_hh")
    if rnn.bias:
        pairs = zip(layers("bias_ih"), layers("bias_hh"), strict=True)
        network.hidden_intercepts_ = [b_ih + b_hh for b_ih, b_hh in pairs]
    else:
        network.hidden_intercepts_ = [
            np.zeros_like(coef[:, 0]) for coef in network.recurrent_coefs_
        ]


def _arrays(module: "nn.Module") -> dict[str, Array]:
    return {name: tensor.cpu().numpy() for name, tensor in module.state_dict().items()}
