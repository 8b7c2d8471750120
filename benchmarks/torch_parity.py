"""An independent witness: torch.nn.RNN at the same weights.

Probabilities, the mean cross-entropy and its gradient of skrnn and of torch's packed
sequences and autograd are compared in float64 on sequences of several lengths. Prints
a table of largest absolute differences and fails where one is above 1e-10.

    python benchmarks/torch_parity.py
"""

import sys
import warnings
from itertools import product

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from skrnn import VanillaRNNClassifier
from skrnn._network.data import packing
from skrnn._network.training.objective import Objective, ThreadedSum
from skrnn._validation.sequences import check_sequences

N_FEATURES, N_CLASSES = 7, 5
LARGEST_DIFFERENCE = 1e-10


def main() -> int:
    """Compare every architecture; return 1 where one differs."""
    print("largest absolute difference to torch in float64\n")
    print(f"{'network':<32} {'probability':>12} {'loss':>12} {'gradient':>12}")
    worst = 0.0
    for bidirectional, sizes, activation in product(
        (False, True), ((16,), (16, 16), (16, 16, 16)), ("tanh", "relu")
    ):
        differences = compare(bidirectional, sizes, activation)
        ways = "bidirectional" if bidirectional else "unidirectional"
        name = f"{ways}, {len(sizes)} x {sizes[0]}, {activation}"
        print(f"{name:<32} " + " ".join(f"{d:12.1e}" for d in differences))
        worst = max(worst, *differences)
    print(f"\nworst {worst:.1e}, allowed {LARGEST_DIFFERENCE:g}")
    return int(not worst <= LARGEST_DIFFERENCE)


def compare(
    bidirectional: bool, sizes: tuple[int, ...], activation: str
) -> tuple[float, float, float]:
    """Return the differences in probabilities, in the loss and in its gradient."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, N_FEATURES)) for n in rng.integers(1, 30, size=40)]
    y = [rng.integers(N_CLASSES, size=len(x)) for x in X]
    model = VanillaRNNClassifier(
        sizes,
        activation=activation,
        bidirectional=bidirectional,
        alpha=0.0,
        max_iter=3,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # three iterations
        model.fit(X, y)
    rnn, linear = as_torch(model)
    proba, loss, gradient = torch_results(rnn, linear, X, y)
    own_loss, own_gradient = own_results(model, X, y)
    return (
        max(
            np.abs(p - q).max()
            for p, q in zip(model.predict_proba(X), proba, strict=True)
        ),
        abs(own_loss - loss),
        max(np.abs(g - h).max() for g, h in zip(own_gradient, gradient, strict=True)),
    )


def as_torch(model: VanillaRNNClassifier) -> tuple[nn.RNN, nn.Linear]:
    """Copy the weights into torch's modules."""
    n_hidden = model.recurrent_coefs_[0].shape[-1]
    n_directions = 2 if model.bidirectional else 1
    rnn = nn.RNN(
        N_FEATURES,
        n_hidden,
        num_layers=len(model.recurrent_coefs_),
        nonlinearity=model.activation,
        bidirectional=model.bidirectional,
        dtype=torch.float64,
    )
    linear = nn.Linear(n_directions * n_hidden, N_CLASSES, dtype=torch.float64)
    state = rnn.state_dict()
    for layer, d in product(range(len(model.recurrent_coefs_)), range(n_directions)):
        suffix = f"l{layer}" + ("_reverse" if d else "")
        for name, value in (
            ("weight_ih", model.input_coefs_[layer][d].T),
            ("weight_hh", model.recurrent_coefs_[layer][d].T),
            ("bias_ih", model.hidden_intercepts_[layer][d]),
            ("bias_hh", np.zeros(n_hidden)),
        ):
            state[f"{name}_{suffix}"] = torch.tensor(value)
    rnn.load_state_dict(state)
    linear.load_state_dict(
        {
            "weight": torch.tensor(model.output_coef_.T),
            "bias": torch.tensor(model.output_intercept_),
        }
    )
    return rnn, linear


def torch_results(
    rnn: nn.RNN, linear: nn.Linear, X: list[np.ndarray], y: list[np.ndarray]
) -> tuple[list[np.ndarray], float, list[np.ndarray]]:
    """Return probabilities, mean cross-entropy, and gradients in skrnn's order."""
    packed = pack_sequence([torch.tensor(x) for x in X], enforce_sorted=False)
    labels = pack_sequence([torch.tensor(y_i) for y_i in y], enforce_sorted=False)
    states, _ = rnn(packed)
    logits = linear(states.data)
    loss = nn.functional.cross_entropy(logits, labels.data)
    loss.backward()
    proba = states._replace(data=torch.softmax(logits, dim=1))
    sequences = nn.utils.rnn.unpack_sequence(proba)
    gradients = []
    for layer in range(rnn.num_layers):
        for name in ("weight_ih", "weight_hh", "bias_ih"):
            gradients += [
                getattr(rnn, f"{name}_l{layer}{reverse}").grad.numpy().T
                for reverse in ("", "_reverse")[: 2 if rnn.bidirectional else 1]
            ]
    gradients += [linear.weight.grad.numpy().T, linear.bias.grad.numpy()]
    return [p.detach().numpy() for p in sequences], loss.item(), gradients


def own_results(
    model: VanillaRNNClassifier, X: list[np.ndarray], y: list[np.ndarray]
) -> tuple[float, list[np.ndarray]]:
    """Return the objective without penalty and its gradient, array by array."""
    source = check_sequences(model, X, padding_value=np.nan, fitting=False)
    dtype = np.dtype(np.float64)
    labels = np.concatenate(y)
    batches = packing.batches(
        source, packing.by_length(source.lengths), dtype, labels, np.ones(len(labels))
    )
    net = model._architecture()
    objective = Objective(net, ThreadedSum(batches, dtype, n_threads=1))
    loss, gradient = objective.loss_and_gradient(net.flatten(model._parameters()))
    layers, *output = net.unflatten(gradient)
    arrays: list[np.ndarray] = []
    for of_input, of_states, of_bias in layers:
        arrays += np.split(of_input, net.n_directions, axis=1)
        arrays += list(of_states)
        arrays += np.split(of_bias, net.n_directions)
    return loss, [*arrays, *output]


if __name__ == "__main__":
    sys.exit(main())
