"""Faults in what other programs are given: ONNX graphs and modules of PyTorch."""

from _mutant import Mutant

MUTANTS = [
    Mutant(
        "relu of NaN is zero",
        "export/_onnx",
        "state = _nan_unless_finite(step, step.add(operator, sums), sums)",
        'state = step.add("Max", step.add(operator, sums), np.float32(-1))',
        "export_onnx",
    ),
    Mutant(
        "padding is read by the backward direction",
        "export/_onnx",
        'state = step.add("Where", is_valid, state, np.float32(0))',
        'state = step.add("Where", is_valid, state, state)',
        "export_onnx",
    ),
    Mutant(
        "both directions read forward, in ONNX",
        "export/_onnx",
        "scan_input_directions=[backward, backward]",
        "scan_input_directions=[0, 0]",
        "export_onnx",
    ),
    Mutant(
        "states of the backward direction in reverse",
        "export/_onnx",
        "scan_output_directions=[backward]",
        "scan_output_directions=[0]",
        "export_onnx",
    ),
    Mutant(
        "recurrent weights transposed, in ONNX",
        "export/_onnx",
        "_float32(recurrent_coef)",
        "_float32(recurrent_coef.T)",
        "export_onnx",
    ),
    Mutant(
        "outputs that overflow are infinite, in ONNX",
        "export/_onnx",
        "return _nan_unless_finite(graph, outputs, outputs)",
        "return outputs",
        "export_onnx",
    ),
    Mutant(
        "a label where probabilities are NaN",
        "export/_onnx",
        'code = graph.add("Where", is_known, code,',
        'code = graph.add("Where", valid, code,',
        "export_onnx",
    ),
    Mutant(
        "a negative length counts from the end",
        "export/_onnx",
        'index = graph.add("Where", is_negative, after_all, lengths)',
        "index = lengths",
        "export_onnx",
    ),
    Mutant(
        "one length for every sequence",
        "export/_onnx",
        'lengths = graph.add("Reshape", lengths, n_sequences)',
        "pass",
        "export_onnx",
    ),
    Mutant(
        "an unknown token is the last one",
        "export/_onnx",
        'column = graph.add("Gather", columns, entry)',
        'column = graph.add("Gather", columns[:n_tokens], '
        'graph.add("Min", entry, np.int64(n_tokens - 1)))',
        "export_onnx",
    ),
    Mutant(
        "padding is a class",
        "export/_onnx",
        "labels = [*network.classes_.tolist(), network.padding_label_]",
        "labels = [*network.classes_.tolist(), network.classes_.tolist()[0]]",
        "export_onnx",
    ),
    Mutant(
        "only one of torch's biases",
        "export/_torch",
        "[b_ih + b_hh for b_ih, b_hh in pairs]",
        "[b_ih for b_ih, b_hh in pairs]",
        "export_torch",
    ),
    Mutant(
        "outputs of torch in the order of the classes given",
        "export/_torch",
        'network.output_coef_ = output["weight"].T[:, order]',
        'network.output_coef_ = output["weight"].T',
        "export_torch",
    ),
    Mutant(
        "strings turn numbers among classes into strings",
        "export/_torch",
        "    of_one_type(items)  # in the array",
        "    pass  # in the array",
        "export_torch",
    ),
    Mutant(
        "weights beyond single precision exported",
        "export/_onnx",
        "if largest and not limits.tiny <= largest <= limits.max:",
        "if False:",
        "export_onnx",
    ),
    Mutant(
        "integers exported that floats do not hold",
        "export/_onnx",
        "is_held = dtype(label).item() == label or",
        "is_held = dtype(label) == label or",
        "export_onnx",
    ),
]
