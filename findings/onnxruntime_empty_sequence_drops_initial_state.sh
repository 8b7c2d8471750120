#!/usr/bin/env bash
# ONNX Runtime: a sequence of length 0 in a batch ends in state 0, not in its initial
# state.
#
# One would guess: the last state Y_h of a sequence without steps is the initial_h it
# was given, as nothing was read. Chunks of a stream then carry their states along, and
# a stream that pauses for one chunk keeps its state.
#
# What happens: Y_h is 0, and the state of that stream is lost.
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
from onnx import TensorProto, helper

print("onnxruntime", onnxruntime.__version__)
feeds = {
    "X": np.ones((2, 2, 1), np.float32),  # steps, sequences, features
    "W": np.ones((1, 1, 1), np.float32),
    "R": np.ones((1, 1, 1), np.float32),
    "lengths": np.array([0, 2], np.int32),
    "initial": np.full((1, 2, 1), 0.7, np.float32),
}
rnn = helper.make_node(
    "RNN", ["X", "W", "R", "", "lengths", "initial"], ["", "last"], hidden_size=1
)
graph = helper.make_graph(
    [rnn],
    "stream",
    [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in feeds.items()
    ],
    [helper.make_tensor_value_info("last", TensorProto.FLOAT, [1, 2, 1])],
)
model = helper.make_model(
    graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10
)
session = onnxruntime.InferenceSession(model.SerializeToString())
(last,) = session.run(None, feeds)
print("lengths       ", feeds["lengths"])
print("initial states", feeds["initial"].ravel())
print("last states   ", last.ravel())
expected = np.tanh(1 + np.tanh(1 + 0.7))  # of the sequence with two steps
np.testing.assert_allclose(last.ravel(), [0, expected], rtol=1e-6)
PYTHON
