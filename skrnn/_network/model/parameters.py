"""The network's parameters: named arrays <-> one flat vector.

The flat vector holds, layer by layer from the input on, ``W_xh``, ``W_hh`` and
``b_h``, and at the end ``W_hy`` and ``b_y``, each in C order. No other module
knows this order.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Layer(NamedTuple):
    """Parameters of one recurrent layer, its directions side by side."""

    W_xh: Array  # (n_in, n_directions * n_hidden)
    W_hh: Array  # (n_directions, n_hidden, n_hidden)
    b_h: Array  # (n_directions * n_hidden,)


class Parameters(NamedTuple):
    """All parameters of the network."""

    layers: tuple[Layer, ...]
    W_hy: Array  # (n_directions * n_hidden, n_outputs)
    b_y: Array  # (n_outputs,)


class Architecture(NamedTuple):
    """Sizes that determine the shape of every parameter, and the activations."""

    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    n_directions: int
    n_outputs: int
    activation: str  # "tanh" or "relu"
    output: str = "softmax"  # or "identity": which of the losses, see ``loss``

    @property
    def n_parameters(self) -> int:
        """Length of the flat vector."""
        return sum(math.prod(shape) for shape in self._shapes())

    @property
    def n_recurrent(self) -> int:
        """Number of recurrent multiplications per step."""
        sizes = self.hidden_layer_sizes
        return sum(self.n_directions * n_hidden**2 for n_hidden in sizes)

    @property
    def n_states(self) -> int:
        """Number of states of the last layer, in all directions."""
        return self.n_directions * self.hidden_layer_sizes[-1]

    def unflatten(self, theta: Array) -> Parameters:
        """Return views of the flat vector, by name."""
        arrays = []
        start = 0
        for shape in self._shapes():
            stop = start + math.prod(shape)
            arrays.append(theta[start:stop].reshape(shape))
            start = stop
        n = len(self.hidden_layer_sizes)
        layers = tuple(Layer(*arrays[3 * i : 3 * i + 3]) for i in range(n))
        return Parameters(layers, *arrays[3 * n :])

    def flatten(self, parameters: Parameters) -> NDArray[np.float64]:
        """Return named arrays as a flat vector."""
        theta = np.empty(self.n_parameters)
        target = self.unflatten(theta)
        for layer, given in zip(target.layers, parameters.layers, strict=True):
            for array, value in zip(layer, given, strict=True):
                array[...] = value
        target.W_hy[...] = parameters.W_hy
        target.b_y[...] = parameters.b_y
        return theta

    def cast(self, parameters: Parameters, dtype: np.dtype[Any]) -> Parameters:
        """Return a copy in a dtype; raise OverflowError if values exceed its range."""
        with np.errstate(over="ignore"):
            theta = self.flatten(parameters).astype(dtype, copy=False)
        if not np.isfinite(theta).all():
            raise OverflowError(f"numbers too large for {dtype}")
        return self.unflatten(theta)

    def _shapes(self) -> Iterator[tuple[int, ...]]:
        n_in = self.n_features
        for n_hidden in self.hidden_layer_sizes:
            n_out = self.n_directions * n_hidden
            yield (n_in, n_out)
            yield (self.n_directions, n_hidden, n_hidden)
            yield (n_out,)
            n_in = n_out
        yield (n_in, self.n_outputs)
        yield (self.n_outputs,)
