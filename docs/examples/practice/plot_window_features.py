"""
Window or recurrence?
=====================

The usual way to label steps without a recurrent network is to add the features of
neighboring steps to each step, and to use any classifier of rows. How wide must the
window be to match a network that reads one step at a time?
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier, WindowTransformer
from skrnn.datasets import load_python_source

# %%
# The class of each character of Python source. Sequences are sparse: one 1 per step.

source = load_python_source(800, random_state=0)
split = GroupShuffleSplit(n_splits=1, test_size=0.4, random_state=0)
train, test = next(split.split(source.data, groups=source.groups))
encoder = OneHotSequenceEncoder(handle_unknown="ignore", sparse_output=True)
X, X_new = (
    encoder.fit_transform(source.data[train]),
    encoder.transform(source.data[test]),
)
y, y_new = source.target[train], source.target[test]

# %%
# Windows of earlier steps, and logistic regression on their rows. No model is trained
# to full convergence here.

warnings.simplefilter("ignore", ConvergenceWarning)
WIDTHS = [0, 1, 2, 4, 8, 16]
scores = []
for width in WIDTHS:
    windows = WindowTransformer(before=width, after=0)
    rows = LogisticRegression(max_iter=100)
    rows.fit(sparse.vstack(windows.fit_transform(X)), np.concatenate(y))
    new = sparse.vstack(windows.transform(X_new))
    scores.append(rows.score(new, np.concatenate(y_new)))

# %%
# A unidirectional network uses as much history as it can remember:

network = VanillaRNNClassifier(32, max_iter=100, random_state=0).fit(X, y)

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(WIDTHS, scores, "o-", color="tab:blue", label="window, logistic regression")
ax.axhline(
    network.score(X_new, y_new), color="tab:orange", linestyle="--", label="recurrent"
)
ax.set(
    xlabel="earlier characters in the window",
    ylabel="accuracy on lines of other files",
    title="Reading forward",
)
ax.set_xticks(WIDTHS)
ax.legend(loc="lower right")
