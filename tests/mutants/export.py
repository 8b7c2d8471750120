"""Faults in what other programs are given: ONNX graphs and modules of PyTorch."""

from _mutant import Mutant

MUTANTS = [
    Mutant(
        "relu of NaN is zero",
        "export/_onnx",
        'state = step.add("Add", step.add(operator, sums), flaw)',
        'state = step.add("Max", step.add(operator, sums), np.float32(-1))',
        "onnx",
    ),
    Mutant(
        "padding is read by the backward direction",
        "export/_onnx",
        'state = step.add("Where", is_valid, state, np.float32(0))',
        'state = step.add("Where", is_valid, state, state)',
        "onnx",
    ),
    Mutant(
        "both directions read forward, in ONNX",
        "export/_onnx",
        "scan_input_directions=[direction] * len(rows)",
        "scan_input_directions=[0] * len(rows)",
        "onnx",
    ),
    Mutant(
        "states of the backward direction in reverse",
        "export/_onnx",
        "scan_output_directions=[direction]",
        "scan_output_directions=[0]",
        "onnx",
    ),
    Mutant(
        "recurrent weights transposed, in ONNX",
        "export/_onnx",
        "_float32(recurrent_coef)",
        "_float32(recurrent_coef.T)",
        "onnx",
    ),
    Mutant(
        "a label where probabilities are NaN",
        "export/_onnx",
        'code = graph.add("Where", is_known, code,',
        'code = graph.add("Where", valid, code,',
        "onnx",
    ),
    Mutant(
        "a negative length counts from the end",
        "export/_onnx",
        'index = graph.add("Where", is_negative, after_all, lengths)',
        "index = lengths",
        "onnx",
    ),
    Mutant(
        "one length for every sequence",
        "export/_onnx",
        'lengths = graph.add("Reshape", graph.cast("lengths", np.int64), n_sequences)',
        'lengths = graph.cast("lengths", np.int64)',
        "onnx",
    ),
    Mutant(
        "an unknown token is the last one",
        "export/_onnx",
        'column = graph.add("Gather", columns, entry)',
        'column = graph.add("Gather", columns[:n_tokens], '
        'graph.add("Min", entry, np.int64(n_tokens - 1)))',
        "onnx",
    ),
    Mutant(
        "padding is a class",
        "export/_onnx",
        "labels = [*network.classes_.tolist(), network.padding_label_]",
        "labels = [*network.classes_.tolist(), network.classes_.tolist()[0]]",
        "onnx",
    ),
    Mutant(
        "only one of torch's biases",
        "export/_torch",
        "[b_ih + b_hh for b_ih, b_hh in pairs]",
        "[b_ih for b_ih, b_hh in pairs]",
        "interop",
    ),
    Mutant(
        "outputs of torch in the order of the classes given",
        "export/_torch",
        'network.output_coef_ = output["weight"].T[:, order]',
        'network.output_coef_ = output["weight"].T',
        "interop",
    ),
    Mutant(
        "strings turn numbers among classes into strings",
        "export/_torch",
        "    of_one_type(items)  # in the array",
        "    pass  # in the array",
        "interop",
    ),
    Mutant(
        "weights beyond single precision exported",
        "export/_onnx",
        "if largest and not limits.tiny <= largest <= limits.max:",
        "if False:",
        "onnx",
    ),
    Mutant(
        "integers exported that floats do not hold",
        "export/_onnx",
        "is_held = dtype(label).item() == label or",
        "is_held = dtype(label) == label or",
        "onnx",
    ),
]
