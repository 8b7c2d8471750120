"""
Why is the model worse on new people than in cross-validation?
==============================================================

Because the folds had the same people on both sides. The data are recordings of twelve
people whose sensors are placed slightly differently. A model trained on a person has
learned this person's offset; for a new person the offset is unknown.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold, cross_val_score

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_hmm_sequences

# The default of 200 iterations is enough here.
warnings.simplefilter("ignore", ConvergenceWarning)


def recordings(n_people, n_each, random_state):
    """Return sequences of several people, with one offset per person."""
    people = np.repeat(np.arange(n_people), n_each)
    X, y = make_hmm_sequences(
        len(people), n_features=6, random_state=random_state, return_X_y=True
    )
    offsets = np.random.default_rng(random_state).normal(size=(n_people, 1, 6))
    return X + offsets[people], y, people


X, y, people = recordings(12, 20, random_state=0)
model = VanillaRNNClassifier(16, random_state=0)

# %%
# Three estimates of accuracy
# ---------------------------
#
# Random folds, folds that keep each person's sequences together, and the accuracy on
# new people. `fit` holds out people, too, to find the strength of the penalty; within
# the folds of people this needs metadata routing.

with sklearn.config_context(enable_metadata_routing=True):
    people_folds = cross_val_score(
        model.set_fit_request(groups=True),
        X,
        y,
        cv=GroupKFold(6),
        params={"groups": people},
    )
X_new, y_new, people_new = recordings(60, 6, random_state=1)
model.fit(X, y, groups=people)
scores = {
    "shuffled folds": cross_val_score(
        model, X, y, cv=KFold(6, shuffle=True, random_state=0)
    ),
    "folds of people": people_folds,
    "new people": np.array(
        [
            model.score(X_new[people_new == person], y_new[people_new == person])
            for person in range(60)
        ]
    ),
}
for name, score in scores.items():
    print(f"{name:16} {score.mean():.3f}")

# %%
# The penalty found from people is 100 or more, from mixed sequences 10 to 30. Each dot
# is a fold, or a new person. Shuffled folds overestimate the accuracy on new people;
# folds of people are slightly pessimistic, with two people fewer in training.

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for row, score in enumerate(scores.values()):
    ax.plot(score, np.full(len(score), row), "o", color="tab:blue", alpha=0.6)
    ax.plot(score.mean(), row, "|", color="black", markersize=24, markeredgewidth=2)
ax.set_yticks(range(3), scores)
ax.set(ylim=(2.5, -0.5), xlabel="accuracy", title="Dots: folds or people; bars: means")
ax.grid(axis="x", color="0.9")
