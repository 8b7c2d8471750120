"""
What does it cost to find a rare class?
=======================================

One state of the Markov chain below is rare, and a model that maximizes accuracy misses
much of it. `class_weight` increases the weight of steps in the rare state: the model
finds more of them, and gives more false alarms. How many?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import precision_recall_curve, precision_score, recall_score

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_hmm_sequences


def rare_state(random_state):
    """Return sequences with label 1 in one of the eight states, and 0 elsewhere."""
    X, y = make_hmm_sequences(
        500, n_states=8, separation=0.9, random_state=random_state, return_X_y=True
    )
    return X, np.where(y < 0, -1, y == 0)


X, y = rare_state(0)
X_new, y_new = rare_state(1)
valid = y_new >= 0
print(f"share of the rare state: {y_new[valid].mean():.3f}")

# %%
# Three weights for the rare class. Padding is not a class, so "balanced" means balanced
# over valid steps.


def fitted(class_weight):
    """Fit the same network with another weight."""
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
# The line shows the unweighted model at all thresholds, and the markers the three
# models at their default threshold: a weight has about the same effect as a lower
# threshold. If you need probabilities, use no weights and move the threshold; if you
# need only labels, `class_weight` does this within `fit`.

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
    xlabel="recall of the rare state",
    ylabel="precision of the rare state",
)
ax.legend(loc="lower left")
