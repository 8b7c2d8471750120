"""
When should training stop?
==========================

The objective decreases as long as L-BFGS runs, but the accuracy on new sequences may
not increase. A network with a weak penalty overfits the training sequences unless
training stops early.
"""

import matplotlib.pyplot as plt

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_hmm_sequences
from skrnn.plotting import LossCurveDisplay

X, y = make_hmm_sequences(200, random_state=0, return_X_y=True)
X_new, y_new = make_hmm_sequences(500, random_state=1, return_X_y=True)

# %%
# Two networks hold out a fifth of the sequences, and keep the weights of the iteration
# with the best score on these. Training continues for 60 more iterations to show the
# effect.


def fitted(alpha):
    """Fit a network, and record the log-loss of held-out sequences."""
    model = VanillaRNNClassifier(
        32,
        alpha=alpha,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=60,
        tol=1e-3,
        max_iter=1000,
        random_state=0,
    )
    return model.fit(X, y)


models = {"weak, alpha=0.1": fitted(0.1), "found by fit": fitted("auto")}
for name, model in models.items():
    print(f"{name}: {model.score(X_new, y_new):.3f} on new sequences")

# %%
# Training loss decreases in both cases; validation loss increases once overfitting
# starts. With the penalty that `fit` finds by default it hardly does, and early
# stopping changes little.

fig, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    LossCurveDisplay.from_estimator(model, ax=ax)
    ax.set_title(name)
