"""Vanilla recurrent networks as scikit-learn estimators."""

from typing import TYPE_CHECKING, Any

from ._classifier import VanillaRNNClassifier
from ._encoder import OneHotSequenceEncoder
from ._frames import frame_from_sequences, sequences_from_frame
from ._padding import as_ragged, pad_labels, pad_sequences, unpad, valid_steps
from ._regressor import VanillaRNNRegressor
from ._stepwise import StepwiseTransformer
from ._version import __version__ as __version__
from ._windows import WindowTransformer

if TYPE_CHECKING:
    from ._language_model import VanillaRNNLanguageModel
    from ._trie import Trie

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


def __getattr__(name: str) -> Any:
    # The modules of the language model are many; who needs none should not wait.
    if name == "VanillaRNNLanguageModel":
        from ._language_model import VanillaRNNLanguageModel

        return VanillaRNNLanguageModel
    if name == "Trie":
        from ._trie import Trie

        return Trie
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
