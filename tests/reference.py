"""The network written the slow way: one sequence, one step, one direction at a time.

    h_t = f(x_t W_xh + h_{t-1} W_hh + b_h)        L_t = h_t W_hy + b_y

Nothing here comes from the package, so the two can only agree where both are right.
``net`` is anything with the sizes of the network as attributes: n_features,
hidden_layer_sizes, n_directions, n_outputs, activation, output. Weights may be complex,
which gives derivatives without differences:

    f(theta + i h v) = f(theta) + i h f'(theta) v + O(h^2)        h = 1e-30
"""

import numpy as np


def blocks(flat, net):
    """Name the parts of a flat vector: {("W_xh", layer, direction): array, ...}."""
    named = {}
    taken = 0

    def take(*shape):
        nonlocal taken
        start, taken = taken, taken + int(np.prod(shape))
        return flat[start:taken].reshape(shape)

    n_in = net.n_features
    for layer, n_hidden in enumerate(net.hidden_layer_sizes):
        W_xh = take(n_in, net.n_directions, n_hidden)
        W_hh = take(net.n_directions, n_hidden, n_hidden)
        b_h = take(net.n_directions, n_hidden)
        for d in range(net.n_directions):
            named["W_xh", layer, d] = W_xh[:, d]
            named["W_hh", layer, d] = W_hh[d]
            named["b_h", layer, d] = b_h[d]
        n_in = net.n_directions * n_hidden
    named["W_hy",] = take(n_in, net.n_outputs)
    named["b_y",] = take(net.n_outputs)
    assert taken == len(flat)
    return named


def sums(x, theta, net):
    """Return what each unit of each layer sums up: [(n_steps, n_units), ...]."""
    named = blocks(theta, net)
    layers = []
    for layer, n_hidden in enumerate(net.hidden_layer_sizes):
        sides = []
        for d in range(net.n_directions):
            W_xh, W_hh, b_h = (
                named[name, layer, d] for name in ("W_xh", "W_hh", "b_h")
            )
            side = np.zeros((len(x), n_hidden), dtype=theta.dtype)
            h = np.zeros(n_hidden)
            steps = list(range(len(x)))
            for t in steps if d == 0 else steps[::-1]:
                side[t] = x[t] @ W_xh + h @ W_hh + b_h
                h = activate(side[t], net.activation)
            sides.append(side)
        layers.append(np.concatenate(sides, axis=1))
        x = activate(layers[-1], net.activation)
    return layers


def activate(a, activation):
    return np.tanh(a) if activation == "tanh" else np.where(a.real > 0, a, 0)


def states(x, theta, net):
    """Return the states of the last layer, of shape (n_steps, n_units)."""
    return activate(sums(x, theta, net)[-1], net.activation)


def logits(x, theta, net):
    named = blocks(theta, net)
    return states(x, theta, net) @ named["W_hy",] + named["b_y",]


def log_probabilities(x, theta, net):
    L = logits(x, theta, net)
    result = np.empty_like(L)
    for t, row in enumerate(L):
        shift = row.real.max()
        result[t] = row - shift - np.log(sum(np.exp(logit - shift) for logit in row))
    return result


def step_losses(x, y, theta, net):
    """Return -log p of every label, or half the squared error of every prediction."""
    if net.output == "softmax":
        log_p = log_probabilities(x, theta, net)
        return [-log_p[t, y[t]] for t in range(len(x))]
    errors = logits(x, theta, net) - y
    return [(error @ error) / 2 for error in errors]


def data_loss(theta, net, sequences, labels, weights):
    """Return the weighted sum of the losses of all steps, and that of the weights."""
    total, total_weight = 0.0, 0.0
    for x, y, w in zip(sequences, labels, weights, strict=True):
        for t, loss in enumerate(step_losses(x, y, theta, net)):
            total = total + w[t] * loss
            total_weight += w[t]
    return total, total_weight


def objective(theta, net, sequences, labels, weights, alpha, deviations):
    """Return 1/W sum w loss + alpha / 2W sum c theta^2.

    ``deviations`` are those of the prior: of what the input and what the states
    contribute to a hidden unit, and of what the states contribute to a logit.
    """
    total, total_weight = data_loss(theta, net, sequences, labels, weights)
    scale, share = features(sequences, weights)
    penalty = 0.0
    for name, block in blocks(theta, net).items():
        c = precision(name, block, scale, share, *deviations)
        penalty = penalty + (c * block * block).sum()
    return total / total_weight + alpha * penalty / (2 * total_weight)


def precision(name, block, scale, share, of_input, of_states, of_logits):
    """Return the inverse prior variance of every weight of a block."""
    kind, *place = name
    if kind == "W_xh" and place[0] == 0:
        n_shared = max(1.0, sum(p * p for p in share))
        return n_shared * scale[:, None] ** 2 / of_input**2
    if kind in ("W_xh", "W_hh"):
        return len(block) / of_states**2
    return len(block) / of_logits**2 if kind == "W_hy" else 0.0


def features(sequences, weights):
    """Return sqrt(features per step) times the root mean square where not zero.

    Second, the share of the steps that have the feature.
    """
    n_features = sequences[0].shape[1]
    squares, present = np.zeros(n_features), np.zeros(n_features)
    for x, w in zip(sequences, weights, strict=True):
        for t in range(len(x)):
            for j in range(n_features):
                if x[t, j] != 0:
                    squares[j] += w[t] * x[t, j] ** 2
                    present[j] += w[t]
    total = sum(w.sum() for w in weights)
    per_step = present.sum() / total
    mean_squares = [s / n if n else 1.0 for s, n in zip(squares, present, strict=True)]
    scale = np.sqrt(np.array(mean_squares) * (per_step if per_step else 1.0))
    return scale, present / total
