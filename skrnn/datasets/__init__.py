"""Data sets of sequences that need no download, and files of labeled words.

Real text (the source of the standard library), sequences of real images that follow a
rule (scikit-learn's digits), and generators with known optimal accuracy. Each of these
functions returns a `Bunch`; for labeled data, `return_X_y=True` returns `(X, y)`
instead. Padded data has NaN in X and -1 in y after the end of each sequence.
"""

from ._conll import read_conll, write_conll
from ._conllu import read_conllu
from ._digit_strings import make_digit_strings
from ._generated import load_hello, make_hmm_sequences, make_recall
from ._python_names import load_python_names
from ._python_sentences import load_python_sentences
from ._python_source import load_python_source

__all__ = [
    "load_hello",
    "load_python_names",
    "load_python_sentences",
    "load_python_source",
    "make_digit_strings",
    "make_hmm_sequences",
    "make_recall",
    "read_conll",
    "read_conllu",
    "write_conll",
]
