#!/usr/bin/env bash
# seqeval: strict mode takes the entity types "Cl-" and "Cl" for one.
#
# One would guess: the type is what follows the prefix and its hyphen, so that B-Cl- is
# of type "Cl-", as in seqeval's default mode.
#
# What happens: with mode="strict" hyphens are stripped from both ends of the type. A
# model that confuses chlorine and chloride has an F1 score of 1.
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
from seqeval.scheme import IOB2, Entities

print("seqeval", version("seqeval"))
true, predicted = [["B-Cl-", "O", "B-Cl"]], [["B-Cl", "O", "B-Cl-"]]
default = f1_score(true, predicted)
strict = f1_score(true, predicted, mode="strict", scheme=IOB2)
(entities,) = Entities(true, IOB2).entities
print("default:", [name for name, _, _ in get_entities(true[0])], "f1", default)
print("strict: ", [entity.tag for entity in entities], "f1", strict)
assert [name for name, _, _ in get_entities(true[0])] == ["Cl-", "Cl"]
assert [entity.tag for entity in entities] == ["Cl", "Cl"]
assert default == 0
assert strict == 1
PYTHON
