"""
What is each character of a line of Python?
===========================================

Space, keyword, name, number, string, comment or operator: the label of a character
depends on its context. A quotation mark opens or closes a string, and a hash sign
starts a comment unless it is in a string. The true labels come from Python's own
tokenizer, and the lines from its standard library.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier
from skrnn.datasets import load_python_source
from skrnn.plotting import StepPredictionDisplay

source = load_python_source(2000, random_state=0)

# %%
# Training lines, and test lines from other files. Lines are strings up to the encoder.
# The encoder is part of the model, so it never sees test data in training.

split = GroupShuffleSplit(n_splits=1, test_size=0.3, random_state=0)
train, test = next(split.split(source.data, groups=source.groups))
model = make_pipeline(
    OneHotSequenceEncoder(handle_unknown="ignore", sparse_output=True),
    VanillaRNNClassifier(32, bidirectional=True, early_stopping=True, random_state=0),
)
model.fit(source.data[train], source.target[train])
print(f"accuracy: {model.score(source.data[test], source.target[test]):.3f}")

# %%
# The model returns one array of labels per line, as long as the line. The plot shows a
# test line and the probability of each label along it. Wrong labels are marked.

i = max(test, key=lambda i: (len(source.data[i]) < 60, len(set(source.target[i]))))
StepPredictionDisplay.from_estimator(model, source.data[i], source.target[i])

# %%
# Which labels are confused? The concatenated labels of all lines go into scikit-learn's
# display. Values are fractions of the true label.

ConfusionMatrixDisplay.from_predictions(
    np.concatenate(source.target[test]),
    np.concatenate(model.predict(source.data[test])),
    normalize="true",
    values_format=".1%",
    labels=source.target_names,
    xticks_rotation=30,
    cmap="Greys",
    colorbar=False,
    text_kw={"fontsize": 8},
)
plt.title("Characters of lines that the model has not seen")
