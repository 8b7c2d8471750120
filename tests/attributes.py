"""The formulas of the documentation, from the fitted attributes of a model."""

import numpy as np
import reference


def logits(model, x):
    """Return the logits of one sequence, of shape (n_steps, n_classes)."""
    H = np.asarray(x)
    layers = (model.input_coefs_, model.recurrent_coefs_, model.hidden_intercepts_)
    f = np.tanh if model.activation == "tanh" else lambda a: np.maximum(a, 0)
    for W_xh, W_hh, b_h in zip(*layers, strict=True):
        sides = []
        for d in range(len(W_hh)):
            h, states = np.zeros(W_hh.shape[1]), []
            for x_t in H[:: -1 if d else 1]:
                h = f(x_t @ W_xh[d] + h @ W_hh[d] + b_h[d])
                states.append(h)
            sides.append(states[:: -1 if d else 1])
        H = np.concatenate(sides, axis=1)
    L = np.tile(model.output_intercept_, (len(x), 1))
    if layers[0]:
        L = L + H @ model.output_coef_
    return L if model.skip_coef_ is None else L + x @ model.skip_coef_


def chain(model):
    """Return the scores of transitions, of the start and of the end."""
    return model.transition_coef_, model.start_coef_, model.end_coef_


def all_labelings(model, x):
    """Return all labelings of one sequence, as class indices, and their log p."""
    scores = reference.chain_scores(logits(model, x), *chain(model))
    log_p = scores - reference.log_sum_exp(scores)
    return reference.labelings(len(x), len(model.classes_)), log_p


def marginals(labelings, log_p, n_classes):
    """Return the probability of every class at every step."""
    is_label = labelings[:, :, None] == np.arange(n_classes)
    return np.tensordot(np.exp(log_p), is_label, axes=1)
