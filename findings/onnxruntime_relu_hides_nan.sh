#!/usr/bin/env bash
# ONNX Runtime: an RNN with Relu turns NaN into 0 and goes on.
#
# One would guess: a NaN in the input makes this state NaN, and all later ones, as it
# does with Tanh.
#
# What happens: with Relu the state is 0 at the NaN, and later states look like those of
# a clean sequence. Missing values in the input cannot be seen in the output.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0

cd "$folder"
venv/bin/python -I - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper

print("onnxruntime", onnxruntime.__version__)
inputs = {
    "X": np.array([1, np.nan, 3, 4], np.float32).reshape(4, 1, 1),
    "W": np.ones((1, 1, 1), np.float32),
    "R": np.full((1, 1, 1), 0.5, np.float32),
}


def states(activation):
    node = helper.make_node(
        "RNN", ["X", "W", "R"], ["Y"], hidden_size=1, activations=[activation]
    )
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
        for name, array in inputs.items()
    ]
    y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [4, 1, 1, 1])
    model = helper.make_model(
        helper.make_graph([node], "rnn", values, [y]),
        opset_imports=[helper.make_opsetid("", 22)],
        ir_version=10,
    )
    checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, inputs)[0].ravel()


tanh, relu = states("Tanh"), states("Relu")
print("input", inputs["X"].ravel())
print("Tanh ", tanh)
print("Relu ", relu)
assert np.isnan(tanh[1:]).all()
np.testing.assert_allclose(relu, [1, 0, 3, 5.5])
PYTHON
