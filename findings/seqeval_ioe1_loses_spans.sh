#!/usr/bin/env bash
# seqeval: strict IOE1 loses a span of one token before another span of its type.
#
# One would guess: every well-formed sequence of tags gives the spans it was made of. In
# IOE1, E- marks the last token of a span that is followed directly by one of the same
# type, so E-X I-X are two spans of one token.
#
# What happens: with mode="strict" the first of them is lost, unless a span of its type
# ends just before it; the default mode finds both. A prediction without the first span
# scores 1.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 scikit-learn==1.9.1 seqeval==1.2.2

cd "$folder"
venv/bin/python -I - <<'PYTHON'
from importlib.metadata import version

from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOE1, Entities

print("seqeval", version("seqeval"))
lost = [
    (["E-X", "I-X"], {(0, 1)}),
    (["O", "E-X", "I-X"], {(1, 2)}),
    (["I-Y", "E-X", "I-X"], {(1, 2)}),
    (["I-X", "E-X", "I-X"], set()),  # the first span has two tokens
    (["I-X", "E-X", "E-X", "I-X"], set()),  # a span of X ends before the second
]
for tags, expected in lost:
    default = [(start, end + 1) for _, start, end in get_entities(tags)]
    strict = [(span.start, span.end) for span in Entities([tags], IOE1).entities[0]]
    print(tags, "default:", default, "strict:", strict)
    assert set(default) - set(strict) == expected
score = f1_score([["E-X", "I-X"]], [["O", "I-X"]], mode="strict", scheme=IOE1)
print("f1 without the first span:", score)
assert score == 1
PYTHON
