#!/usr/bin/env bash
# RapidFuzz: in edit distances of lists, the token "a" equals the number 97, and ""
# equals 0.
#
# One would guess: items of two sequences match if they are equal in Python, as for
# longer tokens: ["ab"] and [1] are one edit apart.
#
# What happens: a string of one letter matches the number of its code point, and the
# empty string matches 0. A comparison of tokens with token numbers may find agreement
# by mistake.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    RapidFuzz==3.14.6

cd "$folder"
venv/bin/python -I - <<'PYTHON'
from importlib.metadata import version

from rapidfuzz.distance import Levenshtein

print("RapidFuzz", version("RapidFuzz"))
expected = [
    (["ab"], [1], 1),
    (["a"], [97], 0),
    ([""], [0], 0),
    (["a", "b"], [97, 98], 0),
]
for one, other, distance in expected:
    found = Levenshtein.distance(one, other)
    print(one, other, "equal:", one == other, "distance:", found)
    assert one != other
    assert found == distance
PYTHON
