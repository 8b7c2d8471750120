#!/usr/bin/env bash
# python-crfsuite: a feature named twice in one item has twice the weight, and items()
# hides it.
#
# One would guess: features of an item are a set, so that ["on", "on"] is ["on"].
# ItemSequence.items() shows the same for both.
#
# What happens: values of repeated names are added, and the model's probabilities
# change, as with {"on": 2.0}. Features such as bag-of-character lists have to be made
# unique first.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    python-crfsuite==0.9.12

cd "$folder"
venv/bin/python -I - <<'PYTHON'
from importlib.metadata import version

import pycrfsuite

print("python-crfsuite", version("python-crfsuite"))
trainer = pycrfsuite.Trainer(verbose=False)
trainer.set_params({"c2": 0.1})
for _ in range(5):
    trainer.append([["on"], ["off"]], ["A", "B"])
trainer.train("model.crfsuite")
tagger = pycrfsuite.Tagger()
tagger.open("model.crfsuite")


def probability(item):
    tagger.set([item])
    return tagger.marginal("A", 0)


found = {}
for item in (["on"], ["on", "on"], {"on": 2.0}):
    shown = pycrfsuite.ItemSequence([item]).items()
    found[str(item)] = shown, probability(item)
    print(item, "items():", shown, "P(A) =", round(found[str(item)][1], 4))
once, twice, double = found.values()
assert once[0] == twice[0] == [{"on": 1.0}]
assert twice[1] > once[1] + 0.1
assert abs(twice[1] - double[1]) < 1e-12
tagger.close()
PYTHON
