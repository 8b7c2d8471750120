"""Sequences to learn from, made of what every installation already has.

Real text (the standard library's own source), real images in an order that
obeys a rule (scikit-learn's digits), and generators whose best possible accuracy
is known. Every function returns a `Bunch`; where there are labels, `return_X_y=True`
makes it `(X, y)`.
Padded data has NaN in X and -1 in y behind the end of each sequence.
"""

from ._digit_strings import make_digit_strings
from ._generated import load_hello, make_hmm_sequences, make_recall
from ._python_names import load_python_names
from ._python_source import load_python_source

__all__ = [
    "load_hello",
    "load_python_names",
    "load_python_source",
    "make_digit_strings",
    "make_hmm_sequences",
    "make_recall",
]
