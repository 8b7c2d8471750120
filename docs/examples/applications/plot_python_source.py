"""
What is each character of a line of Python?
===========================================

Space, keyword, name, number, string, comment or operator: the label of a character
hangs on what stands around it. A quotation mark opens a string or closes one, and a
hash sign begins a comment unless it stands in a string. The truth comes from Python's
own tokenizer, and the lines from its standard library.
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
# Lines to learn from, and lines of other files to be tested on. The lines stay strings
# up to the encoder, which is part of the model and so never sees what it is tested on.

split = GroupShuffleSplit(n_splits=1, test_size=0.3, random_state=0)
train, test = next(split.split(source.data, groups=source.groups))
model = make_pipeline(
    OneHotSequenceEncoder(handle_unknown="ignore", sparse_output=True),
    VanillaRNNClassifier(32, bidirectional=True, early_stopping=True, random_state=0),
)
model.fit(source.data[train], source.target[train])
print(f"accuracy: {model.score(source.data[test], source.target[test]):.3f}")

# %%
# One array of labels comes back for each line, of the length of the line. Here is one
# of the test, and how probable each label is along it. Wrong labels would stand out.

i = max(test, key=lambda i: (len(source.data[i]) < 60, len(set(source.target[i]))))
StepPredictionDisplay.from_estimator(model, source.data[i], source.target[i])

# %%
# Which labels are taken for which? Joined, the labels of all lines go into
# scikit-learn's own display. Shares are of the true label.

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
