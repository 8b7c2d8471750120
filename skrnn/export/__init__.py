"""Fitted models in other formats: ONNX and PyTorch."""

from ._onnx import to_onnx
from ._torch import from_torch, to_torch

__all__ = ["from_torch", "to_onnx", "to_torch"]
