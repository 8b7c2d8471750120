"""
What does it cost to find what is rare?
=======================================

One state of the chain below is rare. A model that is to be right as often as possible
misses much of it. `class_weight` makes the steps of the rare state count for more: more
of them are found, and more false alarms are given. How many?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import precision_recall_curve, precision_score, recall_score

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_hmm_sequences


def rare_state(random_state):
    """Label 1 where the chain is in one of its eight states, 0 elsewhere."""
    X, y = make_hmm_sequences(
        500, n_states=8, separation=0.9, random_state=random_state, return_X_y=True
    )
    return X, np.where(y < 0, -1, y == 0)


X, y = rare_state(0)
X_new, y_new = rare_state(1)
valid = y_new >= 0
print(f"share of the rare state: {y_new[valid].mean():.3f}")

# %%
# Three weights for the rare class. Padding never counts as a class, so "balanced" means
# balanced over valid steps.


def fitted(class_weight):
    """Fit the same network under another weight."""
    model = VanillaRNNClassifier(
        16,
        bidirectional=True,
        class_weight=class_weight,
        early_stopping=True,
        random_state=0,
    )
    return model.fit(X, y)


models = {weight: fitted({1: weight}) for weight in (1, 3)}
models["balanced"] = fitted("balanced")

# %%
# The line is the unweighted model with its threshold moved through all values. The
# marks are the three models as they are: a weight buys recall at about the price of a
# lower threshold. Where probabilities matter, leave the weights alone and move the
# threshold; where labels alone are used, `class_weight` does it within `fit`.

truth = y_new[valid]
fig, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
precision, recall, _ = precision_recall_curve(
    truth, models[1].predict_proba(X_new)[valid][:, 1]
)
ax.plot(recall, precision, color="0.6", label="unweighted, any threshold")
for (weight, model), mark in zip(models.items(), "osD", strict=True):
    labels = model.predict(X_new)[valid]
    found, right = recall_score(truth, labels), precision_score(truth, labels)
    ax.plot(found, right, mark, markersize=9, label=f"class_weight: {weight}")
ax.set(
    xlabel="share of the rare state that is found",
    ylabel="share of alarms that are right",
)
ax.legend(loc="lower left")
