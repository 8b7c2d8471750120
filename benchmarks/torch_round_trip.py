"""Networks given to torch and taken back give the answers they gave before.

For every architecture: probabilities by torch on packed sequences of several lengths,
those of a classifier made of torch's modules, and, after further training in torch,
those of torch and of a second classifier. Prints a table of largest absolute
differences and fails where one is above 1e-10, or where training in torch wakes units
that only fill up a smaller layer.

    python benchmarks/torch_round_trip.py
"""

import sys
import warnings
from itertools import product

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence, unpack_sequence

from skrnn import VanillaRNNClassifier
from skrnn.export import from_torch, to_torch

N_FEATURES, CLASSES = 7, ("noun", "other", "verb")
LARGEST_DIFFERENCE = 1e-10


def main() -> int:
    """Try every architecture; return 1 where one fails."""
    print("largest absolute difference of probabilities\n")
    print(f"{'network':<40} {'to torch':>10} {'and back':>10} {'trained':>10}")
    worst = 0.0
    for bidirectional, sizes, activation, skip_connection in product(
        (False, True), ((8,), (8, 8), (4, 8, 6)), ("tanh", "relu"), (False, True)
    ):
        differences = compare(bidirectional, sizes, activation, skip_connection)
        ways = "bidirectional" if bidirectional else "unidirectional"
        name = f"{ways}, {' and '.join(map(str, sizes))} units, {activation}"
        name += ", skip" * skip_connection
        print(f"{name:<40} " + " ".join(f"{d:10.1e}" for d in differences))
        worst = max(worst, *differences)
    print(f"\nworst {worst:.1e}, allowed {LARGEST_DIFFERENCE:g}")
    return int(not worst <= LARGEST_DIFFERENCE)


def compare(
    bidirectional: bool, sizes: tuple[int, ...], activation: str, skip_connection: bool
) -> tuple[float, float, float]:
    """Return the differences to torch, after the round trip, and after training."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, N_FEATURES)) for n in rng.integers(1, 30, size=40)]
    y = [rng.choice(CLASSES, size=len(x)) for x in X]
    model = VanillaRNNClassifier(
        sizes,
        activation=activation,
        bidirectional=bidirectional,
        skip_connection=skip_connection,
        max_iter=3,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # three iterations
        model.fit(X, y)
    rnn, linear = to_torch(model)
    expected = model.predict_proba(X)
    differences = [
        largest_difference(probabilities(rnn, linear, X), expected),
        largest_difference(from_torch(rnn, linear, CLASSES).predict_proba(X), expected),
    ]
    train(rnn, linear, X, y)
    check_fillers(rnn, sizes)
    # Another order of the outputs, which the classifier sorts again.
    back = from_torch(rnn, reversed_outputs(linear), CLASSES[::-1])
    assert back.classes_.tolist() == list(CLASSES)
    trained = probabilities(rnn, linear, X)
    assert largest_difference(trained, expected) > 1e-3
    differences.append(largest_difference(back.predict_proba(X), trained))
    return tuple(differences)


def probabilities(
    rnn: nn.RNN, linear: nn.Linear, X: list[np.ndarray]
) -> list[np.ndarray]:
    """Return the probabilities that torch finds."""
    packed = pack_sequence([torch.tensor(x) for x in X], enforce_sorted=False)
    with torch.no_grad():
        inputs = unpack_sequence(inputs_of(linear, rnn, packed))
        return [linear(rows).softmax(dim=-1).numpy() for rows in inputs]


def inputs_of(linear: nn.Linear, rnn: nn.RNN, packed: PackedSequence) -> PackedSequence:
    """Return the states, followed by the features if the output layer takes them."""
    states, _ = rnn(packed)
    if linear.in_features == states.data.shape[1]:
        return states
    return states._replace(data=torch.cat([states.data, packed.data], dim=-1))


def largest_difference(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    """Return the largest absolute difference of two lists of arrays."""
    return max(np.abs(p - q).max() for p, q in zip(one, other, strict=True))


def train(
    rnn: nn.RNN, linear: nn.Linear, X: list[np.ndarray], y: list[np.ndarray]
) -> None:
    """Take a few steps of Adam."""
    packed = pack_sequence([torch.tensor(x) for x in X], enforce_sorted=False)
    codes = [torch.tensor(np.searchsorted(CLASSES, y_i)) for y_i in y]
    target = pack_sequence(codes, enforce_sorted=False).data
    optimizer = torch.optim.Adam([*rnn.parameters(), *linear.parameters()], lr=0.01)
    for _ in range(10):
        optimizer.zero_grad()
        inputs = inputs_of(linear, rnn, packed)
        nn.functional.cross_entropy(linear(inputs.data), target).backward()
        optimizer.step()


def check_fillers(rnn: nn.RNN, sizes: tuple[int, ...]) -> None:
    """Assert that units beyond the size of a layer are as dead as before."""
    for name, weights in rnn.state_dict().items():
        layer = int(name.split("_l")[1].split("_")[0])
        assert not weights[sizes[layer] :].any(), name


def reversed_outputs(linear: nn.Linear) -> nn.Linear:
    """Return the layer with its outputs in the opposite order."""
    result = nn.Linear(linear.in_features, linear.out_features, dtype=torch.float64)
    result.load_state_dict({k: v.flip(0) for k, v in linear.state_dict().items()})
    return result


if __name__ == "__main__":
    sys.exit(main())
