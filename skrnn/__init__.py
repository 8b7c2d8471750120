"""Vanilla recurrent networks as scikit-learn estimators."""

from ._classifier import VanillaRNNClassifier
from ._encoder import OneHotSequenceEncoder
from ._frames import frame_from_sequences, sequences_from_frame
from ._language_model import VanillaRNNLanguageModel
from ._padding import as_ragged, pad_labels, pad_sequences, unpad, valid_steps
from ._regressor import VanillaRNNRegressor
from ._stepwise import StepwiseTransformer
from ._trie import Trie
from ._version import __version__ as __version__
from ._windows import WindowTransformer

__all__ = [
    "OneHotSequenceEncoder",
    "StepwiseTransformer",
    "Trie",
    "VanillaRNNClassifier",
    "VanillaRNNLanguageModel",
    "VanillaRNNRegressor",
    "WindowTransformer",
    "as_ragged",
    "frame_from_sequences",
    "pad_labels",
    "pad_sequences",
    "sequences_from_frame",
    "unpad",
    "valid_steps",
]
