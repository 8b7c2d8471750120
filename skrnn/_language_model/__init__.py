"""The language model: vocabulary, decoding, and its page."""

from .model import VanillaRNNLanguageModel
from .trie import Trie

__all__ = ["Trie", "VanillaRNNLanguageModel"]
