"""A graph of ONNX under construction: nodes, constants, and the bodies of Scan."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skrnn._validation.arrays import Array
from skrnn._version import __version__

if TYPE_CHECKING:
    from onnx import ModelProto

# Old enough for all common runtimes; the operators used here are older still.
_OPSET, _IR_VERSION = 17, 8


class Graph:
    """Nodes in topological order, and their constants."""

    def __init__(self, prefix: str = "") -> None:
        try:
            import onnx
        except ImportError as error:
            raise ImportError(
                "to_onnx needs the package onnx: pip install 'skrnn[onnx]'"
            ) from error
        self.onnx = onnx
        self.prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(
        self, operator: str, *inputs: Any, output: str | None = None, **attributes: Any
    ) -> str:
        """Add a node whose inputs are names or constants; return its output's name."""
        name = output or f"{self.prefix}{operator}_{len(self.nodes)}"
        names = [x if isinstance(x, str) else self._constant(x) for x in inputs]
        # Scan first returns the last state, which is not needed.
        outputs = [f"{name}_last", name] if operator == "Scan" else [name]
        self.nodes.append(
            self.onnx.helper.make_node(operator, names, outputs, name, **attributes)
        )
        return name

    def _constant(self, value: Any) -> str:
        name = f"{self.prefix}constant_{len(self.constants)}"
        tensor = self.onnx.numpy_helper.from_array(np.asarray(value), name)
        self.constants.append(tensor)
        return name

    def tensor(self, name: str, dtype: Any, *axes: str | int) -> Any:
        """Describe an input or an output of the model."""
        number = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.onnx.helper.make_tensor_value_info(name, number, axes)

    def body(self, inputs: list[str], outputs: list[str]) -> Any:
        """Finish the graph of one step of Scan."""
        info = self.onnx.helper.make_empty_tensor_value_info
        return self._finished(self.prefix, map(info, inputs), map(info, outputs))

    def _finished(self, name: str, inputs: Any, outputs: Any) -> Any:
        return self.onnx.helper.make_graph(
            self.nodes, name, inputs, outputs, self.constants
        )

    def model(self, inputs: list[Any], outputs: list[Any]) -> "ModelProto":
        """Finish the model, and check it."""
        helper = self.onnx.helper
        model = helper.make_model(
            self._finished("skrnn", inputs, outputs),
            producer_name="skrnn",
            producer_version=__version__,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        self.onnx.checker.check_model(model, full_check=True)
        return model


def ints(*numbers: int) -> NDArray[np.int64]:
    return np.array(numbers, np.int64)


def float32(values: Array) -> NDArray[np.float32]:
    """Convert weights to single precision; raise if they exceed its range.

    The score of a forbidden transition, -inf, is kept.
    """
    largest = np.abs(values[values > -np.inf]).max(initial=0)
    limits = np.finfo(np.float32)
    if largest and not limits.tiny <= largest <= limits.max:
        raise ValueError(
            f"weights of size {largest:.2g} do not fit into single precision, in which "
            "ONNX models compute; scale X, and y of a regressor, to numbers near 1 "
            "and fit again"
        )
    return np.ascontiguousarray(values, np.float32)


def nan_unless_finite(graph: Graph, values: str, sums: str) -> str:
    """Return values, which are NaN where the sums they are made of are not finite."""
    # Zero times a non-finite value is NaN, which propagates to the next steps.
    return graph.add("Add", values, graph.add("Mul", sums, np.float32(0)))
