#!/usr/bin/env bash
# seqeval: sample_weight is documented and accepted, and changes nothing.
#
# One would guess: sequences of more weight count more, as in scikit-learn's metrics,
# whose docstring for the parameter is the same.
#
# What happens: precision, recall and F1 score are those without weights, in the default
# mode and in strict mode, with every average. Weights of the wrong number pass, too.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 scikit-learn==1.9.1 seqeval==1.2.2

cd "$folder"
venv/bin/python -I -W ignore - <<'PYTHON'
from importlib.metadata import version
from itertools import product

import numpy as np
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2
from sklearn.metrics import recall_score as recall_of_labels

print("seqeval", version("seqeval"))
true, predicted = [["B-X"], ["B-Y"], ["B-X"]], [["B-X"], ["O"], ["B-Y"]]
kept, without = [1, 0, 0], [[["B-X"]], [["B-X"]]]  # only the first is to count
flat = np.ravel(true), np.ravel(predicted)
by_sklearn = recall_of_labels(*flat, average="micro", sample_weight=kept)
print("recall of the first sequence:", recall_score(*without))
print("with weights 1, 0, 0 in scikit-learn:", by_sklearn)
assert recall_score(*without) == by_sklearn == 1
modes = ({}, {"mode": "strict", "scheme": IOB2})
scores = (precision_score, recall_score, f1_score)
for mode, average in product(modes, ("micro", "macro", "weighted", None)):
    for score in scores:
        plain = score(true, predicted, average=average, **mode)
        for weights in (kept, [5, 1, 1], [1, 1, 5], [9]):
            found = score(
                true, predicted, average=average, sample_weight=weights, **mode
            )
            assert np.array_equal(found, plain)
print("in seqeval:", recall_score(true, predicted, sample_weight=kept))
PYTHON
