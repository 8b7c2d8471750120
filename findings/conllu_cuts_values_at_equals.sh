#!/usr/bin/env bash
# conllu: a value with "=" in it loses what follows, and a comment without "=" is lost.
#
# One would guess: a sentence that is parsed and written again is the same, as long as
# it is valid CoNLL-U. MISC is a list of anything, set off by "|" and preferably of the
# form Name=Value; comments are any lines that begin with "#".
#
# What happens: of Gloss=x=y only Gloss=x remains, in the token and in what serialize
# writes; the comment is in neither. There is no error and no warning.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    conllu==6.0.0

cd "$folder"
venv/bin/python -I -W error - <<'PYTHON'
from importlib.metadata import version

import conllu

print("conllu", version("conllu"))
fields = ["1", "x", "x", "X", "_", "_", "0", "root", "_", "Gloss=x=y|SpaceAfter=No"]
text = "# read twice\n# text = x\n" + "\t".join(fields) + "\n\n"
(sentence,) = conllu.parse(text)
print("MISC:", sentence[0]["misc"])
print("comments:", dict(sentence.metadata))
print("written again:", repr(sentence.serialize()))
assert sentence[0]["misc"] == {"Gloss": "x", "SpaceAfter": "No"}
assert sentence.metadata == {"text": "x"}
assert "=y" not in sentence.serialize() and "twice" not in sentence.serialize()
PYTHON
