"""Schemes of span labels: which prefixes they have, and what these say.

    step           Ada    King   wrote  to  London
    IOB2 (BIO)     B-PER  I-PER  O      O   B-LOC
    IOBES (BIOES)  B-PER  E-PER  O      O   S-LOC
    BILOU          B-PER  L-PER  O      O   U-LOC
    BMES           B-PER  E-PER  O      O   S-LOC    inner steps M-PER

A label is a prefix and the type of the span; "O" is outside of any span. There is a
boundary between two adjacent steps unless the second continues the span of the first:

    boundary = left in {E, S, O}  or  right in {B, S, O}  or  their types differ

A scheme requires a neighbor in the same span, or, for B in IOB1 and E in IOE1, in a
span of the same type that it touches:

    scheme               after B or I    before I or E
    IOB2                 I               -
    IOBES, BILOU, BMES   I, E            B, I
    IOB1                 B               -
    IOE2                 -               I
    IOE1                 -               E
"""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from .arrays import Array, Ids, Mask
from .containers import shown


class Scheme(NamedTuple):
    """Prefixes in the notation of IOBES, and those that need a neighbor."""

    name: str
    prefixes: str
    after: str = ""  # must follow B or I of the same type
    before: str = ""  # must be followed by I or E of the same type
    spelling: str = ""  # of the prefixes, if not that of IOBES

    @property
    def spelled(self) -> str:
        """The prefixes as they are written."""
        return self.spelling or self.prefixes


_ANY = Scheme("spans", "BIES")
_SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme("IOB1", "BI", after="B"),
        Scheme("IOB2", "BI", after="I"),
        Scheme("IOE1", "IE", before="E"),
        Scheme("IOE2", "IE", before="I"),
        Scheme("IOBES", "BIES", after="IE", before="BI"),
        Scheme("BILOU", "BIES", after="IE", before="BI", spelling="BILU"),
        Scheme("BMES", "BIES", after="IE", before="BI", spelling="BMES"),
    )
}
_ALIASES = {"BIO": "IOB2", "BIOES": "IOBES"}
SchemeName = Literal[
    "IOB1", "IOB2", "BIO", "IOE1", "IOE2", "IOBES", "BIOES", "BILOU", "BMES"
]
SCHEME_NAMES: tuple[str, ...] = get_args(SchemeName)
# Of labels that are read without a scheme.
_HINTS = dict.fromkeys("LU", "BILOU") | {"M": "BMES"}


def find_scheme(name: Any, parameter: str = "scheme", optional: bool = True) -> Scheme:
    """Return the scheme of a name; None is that of spans of any kind.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name is None and optional:
        return _ANY
    if name not in [*SCHEME_NAMES]:  # may be unhashable
        known = ", ".join(map(repr, SCHEME_NAMES))
        raise ValueError(
            f"{parameter}={name!r} is not one of {known}{' or None' * optional}"
        )
    return _SCHEMES[_ALIASES.get(name, name)]._replace(name=name)


def split_labels(labels: Iterable[Any], scheme: Scheme) -> tuple[list[str], list[str]]:
    """Return the IOBES prefix and the type of each label; "O" has no type.

    The type of a label without one, such as "B", is "_".
    """
    prefixes, types = [], []
    for label in labels:
        prefix, _, kind = str(label).partition("-")
        if label == "O":
            kind = ""
        elif not isinstance(label, str) or prefix not in tuple(scheme.spelled):
            raise _not_a_label(label, prefix, scheme)
        else:
            prefix, kind = scheme.prefixes[scheme.spelled.index(prefix)], kind or "_"
        prefixes.append(prefix)
        types.append(kind)
    return prefixes, types


def _not_a_label(label: Any, prefix: str, scheme: Scheme) -> ValueError:
    known = scheme.spelled
    hint = f'; pass scheme="{_HINTS[prefix]}"' if prefix in _HINTS else ""
    return ValueError(
        f"the label {shown(label)} is not a label of {scheme.name}: use 'O', or one of "
        f"the prefixes {', '.join(known)} and a type, such as '{known[0]}-PER'"
        f"{hint if scheme is _ANY else ''}"
    )


class Spans(NamedTuple):
    """All spans of sequences that lie end to end."""

    types: Array  # (n_spans,)
    starts: Ids  # (n_spans,), first steps
    stops: Ids  # (n_spans,), the steps after the last
    follow: Mask  # (n_spans,), whether a span starts and ends as the scheme requires


def find_spans(labels: Array, lengths: Ids, scheme: Scheme) -> Spans:
    """Find the spans in sequences of labels.

    B and E always start and end a span, so all spans of IOB1 and IOE1 follow it.

    Parameters
    ----------
    labels : ndarray of shape (n_steps,)
        Labels of all sequences, one after another.
    lengths : ndarray of shape (n_sequences,)
    scheme : Scheme

    Raises
    ------
    ValueError
        If a label has no prefix of the scheme.
    """
    distinct, codes = np.unique(labels, return_inverse=True)
    prefixes, types = (
        np.array(part)[codes] for part in split_labels(distinct.tolist(), scheme)
    )
    boundary = np.zeros(len(labels) + 1, dtype=bool)
    boundary[0] = boundary[np.cumsum(lengths)] = True
    boundary[1:-1] |= (
        np.isin(prefixes[:-1], ["E", "S", "O"])
        | np.isin(prefixes[1:], ["B", "S", "O"])
        | (types[:-1] != types[1:])
    )
    inside = prefixes != "O"
    starts = np.flatnonzero(inside & boundary[:-1])
    stops = np.flatnonzero(inside & boundary[1:]) + 1
    lacks_start = np.isin(prefixes[starts], [*{*scheme.after} - {"B"}])
    lacks_end = np.isin(prefixes[stops - 1], [*{*scheme.before} - {"E"}])
    return Spans(types[starts], starts, stops, ~(lacks_start | lacks_end))


def write_span(
    kind: str, length: int, touched: tuple[bool, bool], scheme: Scheme
) -> list[str]:
    """Return the labels of a span; a span of type "_" has labels without a type.

    Parameters
    ----------
    kind : str
    length : int
        Number of steps, at least 1.
    touched : tuple of bool
        Whether another span of this type ends right before, and starts right after.
    scheme : Scheme
    """
    starts = "I" in scheme.after or ("B" in scheme.after and touched[0])
    ends = "I" in scheme.before or ("E" in scheme.before and touched[1])
    prefixes = ["I"] * length
    if starts:
        prefixes[0] = "B"
    if ends:
        prefixes[-1] = "S" if starts and length == 1 else "E"
    written = [scheme.spelled[scheme.prefixes.index(prefix)] for prefix in prefixes]
    return written if kind == "_" else [f"{prefix}-{kind}" for prefix in written]
