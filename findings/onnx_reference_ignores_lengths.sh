#!/usr/bin/env bash
# ONNX: the reference implementation of RNN reads padding as if it were steps.
#
# One would guess: onnx.reference does what the operator's text says. With
# sequence_lens, outputs after the end of a sequence are 0 and Y_h is the state at its
# last valid step.
#
# What happens: the input sequence_lens is ignored without a message, and so is the
# attribute clip. Y_h is the state after the padding. A comparison of a model with
# padded batches against the reference fails though the model is right.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 onnx==1.23.2

cd "$folder"
venv/bin/python -I - <<'PYTHON'
import numpy as np
import onnx
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__)
x = np.array([1, 2, 3, 4], np.float32)


def run(lengths, **attributes):
    """Return outputs and last state of h = tanh(x + h / 2)."""
    rnn = helper.make_node(
        "RNN",
        ["X", "W", "R", "", "lengths"],
        ["Y", "Y_h"],
        hidden_size=1,
        **attributes,
    )
    f32, i32 = TensorProto.FLOAT, TensorProto.INT32
    model = helper.make_model(
        helper.make_graph(
            [rnn],
            "padded",
            [
                helper.make_tensor_value_info("X", f32, [4, 1, 1]),
                helper.make_tensor_value_info("lengths", i32, [1]),
            ],
            [
                helper.make_tensor_value_info("Y", f32, [4, 1, 1, 1]),
                helper.make_tensor_value_info("Y_h", f32, [1, 1, 1]),
            ],
            [
                helper.make_tensor("W", f32, [1, 1, 1], [1.0]),
                helper.make_tensor("R", f32, [1, 1, 1], [0.5]),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 22)],
    )
    checker.check_model(model)
    feeds = {"X": x.reshape(4, 1, 1), "lengths": np.array([lengths], np.int32)}
    return [array.ravel() for array in ReferenceEvaluator(model).run(None, feeds)]


h, steps = 0.0, []
for step in x:
    h = np.tanh(step + h / 2)
    steps.append(h)
for title, (outputs, last) in {
    "2 of 4 steps valid": run(2),
    "clip of 0.5       ": run(4, clip=0.5),
}.items():
    print(title, "outputs", outputs, "last", last)
    np.testing.assert_allclose(outputs, steps, rtol=1e-6)
    np.testing.assert_allclose(last, steps[-1:], rtol=1e-6)
PYTHON
