"""The chain of labels in ONNX: its marginals and its most probable labels.

    sums    f_t = L_t + b_t    b_{t+1}[k] = log sum_j exp(f_t[j] + A[j, k])
    best    d_t = L_t + b_t    b_{t+1}[k] = max_j (d_t[j] + A[j, k])
    labels  y_t = argmax_k (d_t[k] + a_t[k])    a_{t-1}[j] = A[j, y_t]

b_0 are the scores of the start, and a of the last step those of the end. The marginals
are the softmax of L + b + b', where b' are the sums of the reversed sequences, from the
end and with A transposed. Each line is a Scan over the steps.

Scores of forbidden transitions are -inf. Maxima and sums of exponentials are exact with
it if no -inf is subtracted. The scores of a sequence without any allowed labeling are
all -inf: their softmax is NaN, as for a sequence with NaN among its logits.
"""

from collections.abc import Callable

import numpy as np

from skrnn._validation.arrays import Array

from ._onnx_graph import Graph, float32, ints

# -inf minus this is -inf.
_LOWEST = np.finfo(np.float32).min

_Combine = Callable[[Graph, str], str]


def add_chain(
    graph: Graph, chain: tuple[Array, Array, Array], logits: str, valid: str
) -> tuple[str, str]:
    """Return the logarithms of the marginals, and the most probable labels.

    Parameters
    ----------
    graph : Graph
    chain : tuple of ndarray
        Scores of transitions, of the start and of the end.
    logits : str
        Name of the logits, of shape (n_sequences, n_steps, n_outputs).
    valid : str
        Name of the mask of valid steps, of shape (n_sequences, n_steps).

    Returns
    -------
    log_proba : str
        Of shape (n_sequences, n_steps, n_outputs), each step plus some constant.
    codes : str
        Of shape (n_sequences, n_steps).
    """
    transition, start, end = map(float32, chain)
    logits = graph.add("Transpose", logits, perm=[1, 0, 2])
    steps = logits, graph.add("Unsqueeze", graph.add("Transpose", valid), ints(2))
    before = _sweep(graph, "before", steps, transition, start, _log_sum_exp)
    after = _sweep(graph, "after", steps, transition.T, end, _log_sum_exp, backward=1)
    log_proba = graph.add("Sum", logits, before, after)
    best = _sweep(graph, "best", steps, transition, start, _largest)
    codes = _read_back(graph, graph.add("Add", logits, best), steps, transition, end)
    log_proba = graph.add("Transpose", log_proba, perm=[1, 0, 2])
    return log_proba, graph.add("Transpose", codes)


def _sweep(
    graph: Graph,
    name: str,
    steps: tuple[str, str],
    transition: Array,
    edge: Array,
    combine: _Combine,
    backward: int = 0,
) -> str:
    """Return b of every step, shape (n_steps, n_sequences, n_outputs)."""
    step = Graph(prefix=f"{name}_")
    b, row, is_valid = (f"{name}_{kind}" for kind in ("b", "row", "valid"))
    f = step.add("Add", row, b)
    # Only differences matter: numbers near zero have the smallest rounding errors.
    f = step.add("Sub", f, _finite(step, _largest(step, f)))
    # Pair by pair: a product of matrices would lose terms that underflow.
    pairs = step.add("Add", step.add("Unsqueeze", f, ints(2)), transition)
    following = step.add("Squeeze", combine(step, pairs), ints(1))
    # The backward direction starts in padding, with the scores of the end.
    following = step.add("Where", is_valid, following, edge)
    result = step.add("Identity", b)
    return graph.add(
        "Scan",
        _for_each_sequence(graph, steps[0], edge),
        *steps,
        body=step.body([b, row, is_valid], [following, result]),
        num_scan_inputs=2,
        scan_input_directions=[backward, backward],
        scan_output_directions=[backward],
    )


def _read_back(
    graph: Graph, scores: str, steps: tuple[str, str], transition: Array, end: Array
) -> str:
    """Choose labels from the last step to the first, shape (n_steps, n_sequences)."""
    step = Graph(prefix="codes_")
    a, d, is_valid = (f"codes_{kind}" for kind in ("a", "d", "valid"))
    code = step.add("ArgMax", step.add("Add", d, a), axis=1, keepdims=0)
    before = step.add("Gather", np.ascontiguousarray(transition.T), code)
    before = step.add("Where", is_valid, before, end)
    return graph.add(
        "Scan",
        _for_each_sequence(graph, scores, end),
        scores,
        steps[1],
        body=step.body([a, d, is_valid], [before, code]),
        num_scan_inputs=2,
        scan_input_directions=[1, 1],
        scan_output_directions=[1],
    )


def _for_each_sequence(graph: Graph, steps: str, values: Array) -> str:
    """Repeat scores of outputs, as the state before the first step of Scan."""
    shape = graph.add("Slice", graph.add("Shape", steps), ints(1), ints(3))
    return graph.add("Expand", values, shape)


def _largest(graph: Graph, values: str) -> str:
    """Return the maximum over the second axis, which is kept."""
    return graph.add("ReduceMax", values, axes=[1], keepdims=1)


def _log_sum_exp(graph: Graph, values: str) -> str:
    """Return the logarithm of the sum of exponentials over the second axis."""
    # Runtimes differ in what ReduceLogSumExp makes of large numbers and of -inf.
    shift = _finite(graph, _largest(graph, values))
    terms = graph.add("Exp", graph.add("Sub", values, shift))
    total = graph.add("ReduceSum", terms, ints(1), keepdims=1)
    return graph.add("Add", graph.add("Log", total), shift)


def _finite(graph: Graph, values: str) -> str:
    """Replace -inf by a finite number, to be subtracted."""
    return graph.add("Max", values, _LOWEST)
