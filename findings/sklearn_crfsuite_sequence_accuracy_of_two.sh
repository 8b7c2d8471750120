#!/usr/bin/env bash
# sklearn-crfsuite: the accuracy of sequences is 2 if all sequences have two items.
#
# One would guess: sequence_accuracy_score is the share of sequences whose predicted
# labels are all right, so 1 for a perfect prediction.
#
# What happens: this holds for sequences of different lengths. If all lengths are equal,
# as those of windows, pairs or a single document are, right items are counted and
# divided by the number of sequences. A perfect prediction of sequences of n items
# scores n, and a prediction without one right sequence can score 1 or more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 scikit-learn==1.9.1 python-crfsuite==0.9.12 sklearn-crfsuite==0.5.0

cd "$folder"
venv/bin/python -I - <<'PYTHON'
from importlib.metadata import version

from sklearn_crfsuite import CRF
from sklearn_crfsuite.metrics import sequence_accuracy_score

print("sklearn-crfsuite", version("sklearn-crfsuite"))
X, y = [[["on"], ["off"]]] * 5, [["A", "B"]] * 5
model = CRF().fit(X, y)
right = sequence_accuracy_score(y, model.predict(X))
print("perfect prediction of the model, five sequences of two items:", right)
assert right == 2
cases = [
    ([["A", "B"], ["A"]], [["A", "B"], ["A"]], 1),
    ([["A", "B"], ["A", "B"]], [["A", "B"], ["A", "B"]], 2),
    ([["A", "B", "C"]], [["A", "B", "C"]], 3),
    ([["A", "B", "C"]], [["A", "B", "A"]], 2),
    ([["A", "B"], ["A", "B"]], [["A", "A"], ["A", "A"]], 1),
]
for true, predicted, score in cases:
    found = sequence_accuracy_score(true, predicted)
    print(true, predicted, "accuracy:", found)
    assert found == score
PYTHON
