"""Scalers of features in an ONNX graph, in double precision.

Raw features may have any offset and unit, for which single precision is too coarse.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from skrnn._validation.arrays import Array

from ._onnx_graph import Graph


def _standard(graph: Graph, rows: str, scaler: Any) -> str:
    centers = scaler.mean_ if scaler.with_mean else None
    return _centered_and_divided(graph, rows, centers, scaler.scale_)


def _robust(graph: Graph, rows: str, scaler: Any) -> str:
    return _centered_and_divided(graph, rows, scaler.center_, scaler.scale_)


def _max_abs(graph: Graph, rows: str, scaler: Any) -> str:
    scaled = _centered_and_divided(graph, rows, None, scaler.scale_)
    if not getattr(scaler, "clip", False):  # newer than the oldest scikit-learn
        return scaled
    return _clipped(graph, rows, scaled, (-1, 1))


def _min_max(graph: Graph, rows: str, scaler: Any) -> str:
    scaled = graph.add("Mul", rows, np.float64(scaler.scale_))
    scaled = graph.add("Add", scaled, np.float64(scaler.min_))
    if not scaler.clip:
        return scaled
    return _clipped(graph, rows, scaled, scaler.feature_range)


def _centered_and_divided(
    graph: Graph, rows: str, centers: Array | None, scales: Array | None
) -> str:
    if centers is not None:
        rows = graph.add("Sub", rows, np.float64(centers))
    return rows if scales is None else graph.add("Div", rows, np.float64(scales))


def _clipped(graph: Graph, rows: str, scaled: str, limits: tuple[float, float]) -> str:
    clipped = graph.add("Clip", scaled, *map(np.float64, limits))
    # An infinity, which scikit-learn refuses, must not become an ordinary number.
    return graph.add("Add", clipped, graph.add("Mul", rows, np.float64(0)))


# Adds the nodes of a fitted scaler to a graph; returns the name of the scaled rows.
SCALERS: dict[type, Callable[[Graph, str, Any], str]] = {
    MaxAbsScaler: _max_abs,
    MinMaxScaler: _min_max,
    RobustScaler: _robust,
    StandardScaler: _standard,
}
