"""As much of torch as holds weights: its names, shapes and formula, in NumPy."""

from types import SimpleNamespace

import numpy as np


class Tensor(np.ndarray):
    """An array with the two methods that lead from torch to NumPy."""

    def cpu(self):
        return self

    def numpy(self):
        return np.asarray(self)


def tensor(values):
    return np.array(values).view(Tensor)


class Module:
    """Named weights, drawn by lot; what is loaded must have their names and shapes."""

    def __init__(self, dtype, **shapes):
        rng = np.random.default_rng(0)
        self.state = {
            name: tensor(rng.normal(size=shape).astype(dtype))
            for name, shape in shapes.items()
            if shape is not None
        }

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        assert {k: v.shape for k, v in state.items()} == {
            k: v.shape for k, v in self.state.items()
        }
        self.state = {k: tensor(v) for k, v in state.items()}


class RNN(Module):
    def __init__(
        self,
        input_size,
        hidden_size,
        *,
        num_layers=1,
        nonlinearity="tanh",
        bias=True,
        batch_first=False,
        bidirectional=False,
        dtype=np.float32,
    ):
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.bidirectional = num_layers, bidirectional
        self.mode, self.bias = f"RNN_{nonlinearity.upper()}", bias
        self.ways = ["", "_reverse"][: 1 + bidirectional]
        shapes = {}
        for layer in range(num_layers):
            n_in = hidden_size * len(self.ways) if layer else input_size
            for way in self.ways:
                shapes[f"weight_ih_l{layer}{way}"] = (hidden_size, n_in)
                shapes[f"weight_hh_l{layer}{way}"] = (hidden_size, hidden_size)
                shapes[f"bias_ih_l{layer}{way}"] = (hidden_size,) if bias else None
                shapes[f"bias_hh_l{layer}{way}"] = (hidden_size,) if bias else None
        super().__init__(dtype, **shapes)

    def __call__(self, x):
        """Return the states of the last layer for one sequence."""
        f = {"RNN_TANH": np.tanh, "RNN_RELU": lambda a: np.maximum(a, 0)}[self.mode]
        for layer in range(self.num_layers):
            both = []
            for way in self.ways:
                w = {
                    k: v for k, v in self.state.items() if k.endswith(f"l{layer}{way}")
                }
                W_ih, W_hh, *biases = w.values()
                h, states = np.zeros(self.hidden_size), []
                for x_t in x[:: -1 if way else 1]:
                    h = f(W_ih @ x_t + W_hh @ h + sum(biases))
                    states.append(h)
                both.append(states[:: -1 if way else 1])
            x = np.concatenate(both, axis=1)
        return x


class Linear(Module):
    def __init__(self, in_features, out_features, *, bias=True, dtype=np.float32):
        self.in_features, self.out_features = in_features, out_features
        weight = (out_features, in_features)
        super().__init__(dtype, weight=weight, bias=(out_features,) if bias else None)

    def __call__(self, x):
        return x @ self.state["weight"].T + self.state.get("bias", 0)


nn = SimpleNamespace(RNN=RNN, Linear=Linear)
