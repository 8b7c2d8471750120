"""The network written the slow way: one sequence, one step, one direction at a time.

    h_t = f(x_t W_xh + h_{t-1} W_hh + b_h)        L_t = h_t W_hy + b_y + x_t W_xy

Nothing here comes from the package, so the two can only agree where both are right.
``net`` is anything with the sizes of the network as attributes: n_features,
hidden_layer_sizes, n_directions, n_outputs, activation, output, skip_connection,
transitions, allowed. A chain of labels is summed over all labelings. Weights may be
complex, which gives derivatives without differences:

    f(theta + i h v) = f(theta) + i h f'(theta) v + O(h^2)        h = 1e-30
"""

import functools
import itertools

import numpy as np


def blocks(flat, net):
    """Name the parts of a flat vector: {("W_xh", layer, direction): array, ...}."""
    named = {}
    taken = 0

    def take(*shape):
        nonlocal taken
        start, taken = taken, taken + int(np.prod(shape))
        return flat[start:taken].reshape(shape)

    n_in, n_states = net.n_features, 0
    for layer, n_hidden in enumerate(net.hidden_layer_sizes):
        W_xh = take(n_in, net.n_directions, n_hidden)
        W_hh = take(net.n_directions, n_hidden, n_hidden)
        b_h = take(net.n_directions, n_hidden)
        for d in range(net.n_directions):
            named["W_xh", layer, d] = W_xh[:, d]
            named["W_hh", layer, d] = W_hh[d]
            named["b_h", layer, d] = b_h[d]
        n_in = n_states = net.n_directions * n_hidden
    named["W_hy",] = take(n_states, net.n_outputs)
    named["b_y",] = take(net.n_outputs)
    if net.skip_connection:
        named["W_xy",] = take(net.n_features, net.n_outputs)
    if net.transitions:
        named["A",] = take(net.n_outputs, net.n_outputs)
        named["start",] = take(net.n_outputs)
        named["end",] = take(net.n_outputs)
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
    if not net.hidden_layer_sizes:
        return np.empty((len(x), 0))
    return activate(sums(x, theta, net)[-1], net.activation)


def logits(x, theta, net):
    named = blocks(theta, net)
    L = states(x, theta, net) @ named["W_hy",] + named["b_y",]
    return L + x @ named["W_xy",] if net.skip_connection else L


def chain(theta, net):
    """Return A, start and end, -inf where a transition is forbidden."""
    named = blocks(theta, net)
    parts = named["A",], named["start",], named["end",]
    if not net.allowed:
        return parts
    n = net.n_outputs
    may = np.frombuffer(net.allowed, bool).reshape(n + 1, n + 1)
    places = may[:-1, :-1], may[-1, :-1], may[:-1, -1]
    return tuple(np.where(m, s, -np.inf) for m, s in zip(places, parts, strict=True))


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
        if net.transitions:
            total = total + chain_loss(x, y, w, theta, net)
            total_weight += w.sum()
            continue
        for t, loss in enumerate(step_losses(x, y, theta, net)):
            total = total + w[t] * loss
            total_weight += w[t]
    return total, total_weight


def chain_loss(x, y, w, theta, net):
    """Return -log p of the labels of positive weight, times that weight."""
    if not w.any():
        return 0.0
    (weight,) = set(w[w > 0].tolist())
    log_p = chain_log_proba(logits(x, theta, net), *chain(theta, net), y, w > 0)
    return -weight * log_p


def objective(theta, net, sequences, labels, weights, alpha, deviations, skip_alpha):
    """Return 1/W sum w loss + 1/2W sum c theta^2, with c times its strength.

    ``deviations`` are those of the prior: of what the input and what the states
    contribute to a hidden unit, and of what the states contribute to a logit.
    """
    total, total_weight = data_loss(theta, net, sequences, labels, weights)
    scale, share = features(sequences, weights)
    penalty = 0.0
    for name, block in blocks(theta, net).items():
        c = alpha * precision(name, block, scale, share, *deviations)
        c = c + skip_alpha * skip_precision(name, scale, share)
        penalty = penalty + (c * block * block).sum()
    return total / total_weight + penalty / (2 * total_weight)


def precision(name, block, scale, share, of_input, of_states, of_logits):
    """Return the inverse prior variance of every weight of a block."""
    kind, *place = name
    if kind == "W_xh" and place[0] == 0:
        n_shared = max(1.0, sum(p * p for p in share))
        return n_shared * scale[:, None] ** 2 / of_input**2
    if kind in ("W_xh", "W_hh"):
        return len(block) / of_states**2
    return len(block) / of_logits**2 if kind == "W_hy" else 0.0


def skip_precision(name, scale, share):
    """Return the inverse prior variance of direct weights and transitions."""
    if name == ("W_xy",):
        return scale[:, None] ** 2 / (sum(share) or 1.0)
    return 1.0 if name in (("A",), ("start",), ("end",)) else 0.0


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


@functools.cache
def labelings(n_steps, n_classes):
    """Return all labelings of a sequence, of shape (n_labelings, n_steps)."""
    return np.array(list(itertools.product(range(n_classes), repeat=n_steps)))


def chain_scores(L, A, start, end):
    """Return the score of each of the labelings."""
    y = labelings(*L.shape).T
    scores = start[y[0]] + end[y[-1]]
    for t in range(len(L)):
        scores = scores + L[t, y[t]]
    for t in range(1, len(L)):
        scores = scores + A[y[t - 1], y[t]]
    return scores


def log_sum_exp(scores):
    scores = np.asarray(scores)
    shift = scores.real.max()
    if shift == -np.inf:
        return shift
    return shift + np.log(np.exp(scores - shift).sum())


def chain_log_proba(L, A, start, end, y, is_known):
    """Return the log-probability of the labels that are known."""
    agree = (labelings(*L.shape) == y)[:, is_known].all(axis=1)
    scores = chain_scores(L, A, start, end)
    return log_sum_exp(scores[agree]) - log_sum_exp(scores)
