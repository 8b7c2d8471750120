"""Vanilla recurrent networks as scikit-learn estimators."""

from ._classifier import VanillaRNNClassifier
from ._encoder import OneHotSequenceEncoder
from ._padding import as_ragged, pad_labels, pad_sequences, unpad, valid_steps
from ._version import __version__ as __version__

__all__ = [
    "OneHotSequenceEncoder",
    "VanillaRNNClassifier",
    "as_ragged",
    "pad_labels",
    "pad_sequences",
    "unpad",
    "valid_steps",
]
