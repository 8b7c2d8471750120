#!/usr/bin/env bash
# scikit-learn: labels of NumPy's StringDType can be encoded, but not scored or
# stratified.
#
# One would guess: an array of NumPy 2's variable-width strings serves as labels
# wherever an array of fixed-width strings does.
#
# What happens: LabelEncoder takes it and keeps its dtype, so its inverse_transform
# returns such labels. accuracy_score, LabelBinarizer and StratifiedKFold then raise a
# TypeError that names neither the labels nor what to do; astype(object) helps.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 scikit-learn==1.9.1

cd "$folder"
venv/bin/python -I - <<'PYTHON'
import numpy as np
import sklearn
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import LabelBinarizer, LabelEncoder

print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
y = np.array(["b", "a", "b", "a"], dtype=np.dtypes.StringDType())
encoder = LabelEncoder()
decoded = encoder.inverse_transform(encoder.fit_transform(y))
print("LabelEncoder:", repr(decoded))
assert decoded.dtype == y.dtype
uses = {
    "accuracy_score": lambda y: accuracy_score(y, y),
    "LabelBinarizer": lambda y: LabelBinarizer().fit(y),
    "StratifiedKFold": lambda y: list(StratifiedKFold(2).split(y, y)),
}
for name, use in uses.items():
    use(y.astype(object))
    try:
        use(y)
    except TypeError as error:
        print(f"{name}: TypeError: {error}")
    else:
        raise SystemExit(f"{name} takes StringDType now")
PYTHON
