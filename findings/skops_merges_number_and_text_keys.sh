#!/usr/bin/env bash
# skops: a dict with the keys 1 and "1" comes back with one entry.
#
# One would guess: a dict comes back as it was, or dumping raises. Keys that are numbers
# do come back as numbers, so their types are kept somewhere.
#
# What happens: both keys have one name in the file, and reading it gives {1: "text"}.
# One entry is lost and the other has the wrong value, without a message. A mapping from
# labels to indices may have both kinds of keys.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 scikit-learn==1.9.1 skops==0.16.0

cd "$folder"
venv/bin/python -I - <<'PYTHON'
import skops
from skops.io import dumps, loads

print("skops", skops.__version__)
for mapping in ({1: "number", 2: "other"}, {1: "number", "1": "text"}):
    returned = loads(dumps(mapping))
    print(mapping, "->", returned)
    if "1" not in mapping:
        assert returned == mapping
assert returned == {1: "text"}
PYTHON
