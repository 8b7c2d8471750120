#!/usr/bin/env bash
# python-crfsuite: a number has no weight for labels at which its sum is negative.
#
# One would guess: with min_freq=0, "no cut-off", every attribute has a weight for every
# label it occurs with, so that the signs of numbers do not matter. With min_freq=1, a
# feature that occurs is kept and possible transitions are added as before.
#
# What happens: the frequency of a feature is the sum of its values, and one below
# min_freq is dropped. Standardized numbers lose weights silently: a change of sign
# changes the accuracy, and all_possible_states does not help. As features that do not
# occur have frequency 0, min_freq=1 makes all_possible_transitions and
# all_possible_states ineffective.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 scikit-learn==1.9.1 python-crfsuite==0.9.12 sklearn-crfsuite==0.5.0

cd "$folder"
venv/bin/python -I - <<'PYTHON'
import random
from importlib.metadata import version

from sklearn_crfsuite import CRF

print("python-crfsuite", version("python-crfsuite"))
draw = random.Random(0)
mean = {"A": -2, "B": -1, "C": 2}
y = [[draw.choice("ABC") for _ in range(5)] for _ in range(300)]
numbers = [[draw.gauss(mean[label], 1) for label in labels] for labels in y]
found = {}
for sign, shift in ((1, 0), (-1, 0), (1, 10)):
    X = [[{"bias": 1.0, "x": sign * x + shift} for x in row] for row in numbers]
    model = CRF(c2=0.01, min_freq=0, all_possible_states=True).fit(X, y)
    kept = [label for name, label in sorted(model.state_features_) if name == "x"]
    found[sign, shift] = kept, model.score(X, y)
    print(f"sign {sign:2}, shift {shift:2}: weights of x for {kept}, accuracy", end=" ")
    print(round(found[sign, shift][1], 3))
assert found[1, 0][0] == ["C"]
assert found[-1, 0][0] == ["A", "B"]
assert found[1, 10][0] == ["A", "B", "C"]
assert found[1, 0][1] < min(found[-1, 0][1], found[1, 10][1]) - 0.03

X, y = [[["a"], ["b"]], [["b"], ["a"]]] * 3, [["A", "B"], ["B", "A"]] * 3
possible = {"all_possible_states": True, "all_possible_transitions": True}
for min_freq in (0, 1):
    model = CRF(min_freq=min_freq, **possible).fit(X, y)
    n_weights = len(model.state_features_), len(model.transition_features_)
    print(f"min_freq={min_freq}, weights of features and transitions:", n_weights)
    assert n_weights == ((4, 4) if min_freq == 0 else (2, 2))
PYTHON
