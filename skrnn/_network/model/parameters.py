"""The network's parameters: named arrays <-> one flat vector.

The flat vector holds, layer by layer from the input on, ``W_xh``, ``W_hh`` and
``b_h``, then ``W_hy`` and ``b_y``, and at the end, if the architecture has them,
``W_xy``, the weights of the pairs of n-grams and outputs, and the ``A``, ``start`` and
``end`` of the chain, each in C order. No other module knows this order.

From ``b_y`` on, these are the parameters of the same network without hidden layers,
whose objective is convex.

The flat vector is always finite. Scores of forbidden transitions, 0 there, become -inf
in `Architecture.parameters`.
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


class Chain(NamedTuple):
    """Scores of labels that follow each other, see ``chain``."""

    A: Array  # (n_outputs, n_outputs), [from, to]
    start: Array  # (n_outputs,)
    end: Array  # (n_outputs,)


class Parameters(NamedTuple):
    """All parameters of the network."""

    layers: tuple[Layer, ...]
    W_hy: Array  # (n_directions * n_hidden, n_outputs), or (0, n_outputs)
    b_y: Array  # (n_outputs,)
    W_xy: Array | None = None  # (n_features, n_outputs)
    chain: Chain | None = None
    pairs: Array | None = None  # (n_pairs,), see ``ngrams``

    def arrays(self) -> list[Array]:
        """Return all arrays in the order of the flat vector."""
        layers = [array for layer in self.layers for array in layer]
        direct = [W for W in (self.W_xy, self.pairs) if W is not None]
        return [*layers, self.W_hy, self.b_y, *direct, *(self.chain or ())]


class Architecture(NamedTuple):
    """Sizes that determine the shape of every parameter, and the activations."""

    n_features: int
    hidden_layer_sizes: tuple[int, ...]  # empty only with direct weights
    n_directions: int
    n_outputs: int
    activation: str  # "tanh" or "relu"
    output: str = "softmax"  # or "identity": which of the losses, see ``loss``
    skip_connection: bool = False  # whether the input has direct weights to the output
    transitions: bool = False  # whether the labels form a chain
    # Whether a label may follow another, as bytes of (n_outputs + 1, n_outputs + 1)
    # bools: row [from], the last of them the start; column [to], the last the end.
    # Empty if all may.
    allowed: bytes = b""
    n_pairs: int = 0  # of n-grams and outputs, each with a direct weight
    # Number of the first features that hidden layers read; 0 if they read all.
    n_hidden_features: int = 0

    @property
    def n_parameters(self) -> int:
        """Length of the flat vector."""
        return sum(math.prod(shape) for shape in self._shapes())

    @property
    def has_direct_weights(self) -> bool:
        """Whether there are weights that lead past the hidden layers."""
        return self.skip_connection or self.n_pairs > 0

    @property
    def without_hidden(self) -> "Architecture":
        """The same network without hidden layers: its objective is convex."""
        return self._replace(hidden_layer_sizes=())

    @property
    def n_recurrent(self) -> int:
        """Number of recurrent multiplications per step."""
        sizes = self.hidden_layer_sizes
        return sum(self.n_directions * n_hidden**2 for n_hidden in sizes)

    @property
    def n_states(self) -> int:
        """Number of states of the last layer, in all directions."""
        return self.n_directions * sum(self.hidden_layer_sizes[-1:])

    @property
    def allowed_table(self) -> NDArray[np.bool_] | None:
        """Table of the allowed transitions, or None if all are."""
        if not self.allowed:
            return None
        n = self.n_outputs + 1
        return np.frombuffer(self.allowed, bool).reshape(n, n)

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
        W_hy, b_y, *others = arrays[3 * n :]
        W_xy = others.pop(0) if self.skip_connection else None
        pairs = others.pop(0) if self.n_pairs else None
        chain = Chain(*others) if self.transitions else None
        return Parameters(layers, W_hy, b_y, W_xy, chain, pairs)

    def parameters(self, theta: Array) -> Parameters:
        """Return the parameters at theta, with -inf for forbidden transitions."""
        parameters, allowed = self.unflatten(theta), self.allowed_table
        if allowed is None or parameters.chain is None:
            return parameters
        n = self.n_outputs
        parts = allowed[:n, :n], allowed[n, :n], allowed[:n, n]
        forbidden = theta.dtype.type(-np.inf)
        chain = Chain(
            *(
                np.where(may, scores, forbidden)
                for may, scores in zip(parts, parameters.chain, strict=True)
            )
        )
        return parameters._replace(chain=chain)

    def flatten(self, parameters: Parameters) -> NDArray[np.float64]:
        """Return named arrays as a flat vector, with 0 for forbidden transitions."""
        theta = np.empty(self.n_parameters)
        target = self.unflatten(theta)
        for array, value in zip(target.arrays(), parameters.arrays(), strict=True):
            array[...] = value
        if target.chain is not None:
            for scores in target.chain:
                scores[scores == -np.inf] = 0
        return theta

    def linear_part(self, theta: Array) -> Array:
        """Return a view of the parameters of the network without hidden layers."""
        return theta[len(theta) - self.without_hidden.n_parameters :]

    def with_linear_part(self, theta: Array, linear: Array) -> Array:
        """Return theta with the parameters of the network without hidden layers."""
        theta = theta.copy()
        self.linear_part(theta)[...] = linear
        return theta

    def cast(self, parameters: Parameters, dtype: np.dtype[Any]) -> Parameters:
        """Return a copy in a dtype; raise OverflowError if values exceed its range."""
        with np.errstate(over="ignore"):
            theta = self.flatten(parameters).astype(dtype, copy=False)
        if not np.isfinite(theta).all():
            raise OverflowError(f"numbers too large for {dtype}")
        return self.parameters(theta)

    def _shapes(self) -> Iterator[tuple[int, ...]]:
        n_in = self.n_hidden_features or self.n_features
        for n_hidden in self.hidden_layer_sizes:
            n_out = self.n_directions * n_hidden
            yield (n_in, n_out)
            yield (self.n_directions, n_hidden, n_hidden)
            yield (n_out,)
            n_in = n_out
        yield (self.n_states, self.n_outputs)
        yield (self.n_outputs,)
        if self.skip_connection:
            yield (self.n_features, self.n_outputs)
        if self.n_pairs:
            yield (self.n_pairs,)
        if self.transitions:
            yield (self.n_outputs, self.n_outputs)
            yield (self.n_outputs,)
            yield (self.n_outputs,)


def allowed_of(chain: Chain) -> bytes:
    """Return the `allowed` of an architecture whose chain has these scores."""
    n = len(chain.start)
    allowed = np.ones((n + 1, n + 1), dtype=bool)
    allowed[:n, :n] = np.isfinite(chain.A)
    allowed[n, :n] = np.isfinite(chain.start)
    allowed[:n, n] = np.isfinite(chain.end)
    return allowed_as_bytes(allowed)


def allowed_as_bytes(allowed: NDArray[np.bool_]) -> bytes:
    """Return the `allowed` of an architecture with this table of transitions."""
    allowed = allowed.copy()
    # An end right after the start is a sequence without steps, which has no labels.
    allowed[-1, -1] = True
    return b"" if allowed.all() else allowed.tobytes()
