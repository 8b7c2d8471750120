"""Conversion of tokens, tables and frames to sequences of steps, and back."""

from ._from_frames import sequences_from_frame
from ._one_hot import OneHotSequenceEncoder
from ._padding import as_ragged, pad_labels, pad_sequences, unpad, valid_steps
from ._stepwise import StepwiseTransformer
from ._to_frames import frame_from_sequences
from ._windows import WindowTransformer

__all__ = [
    "OneHotSequenceEncoder",
    "StepwiseTransformer",
    "WindowTransformer",
    "as_ragged",
    "frame_from_sequences",
    "pad_labels",
    "pad_sequences",
    "sequences_from_frame",
    "unpad",
    "valid_steps",
]
