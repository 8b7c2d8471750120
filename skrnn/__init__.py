"""Vanilla recurrent networks as scikit-learn estimators."""

from typing import TYPE_CHECKING, Any

from ._estimators.classifier import VanillaRNNClassifier
from ._estimators.regressor import VanillaRNNRegressor
from ._version import __version__ as __version__
from .preprocessing._from_frames import sequences_from_frame
from .preprocessing._one_hot import OneHotSequenceEncoder
from .preprocessing._padding import (
    as_ragged,
    pad_labels,
    pad_sequences,
    unpad,
    valid_steps,
)
from .preprocessing._stepwise import StepwiseTransformer
from .preprocessing._to_frames import frame_from_sequences
from .preprocessing._windows import WindowTransformer

if TYPE_CHECKING:
    from ._language_model import Trie, VanillaRNNLanguageModel

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
    # The modules of the language model are many, so they are imported lazily.
    if name in ("Trie", "VanillaRNNLanguageModel"):
        from . import _language_model

        return getattr(_language_model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
