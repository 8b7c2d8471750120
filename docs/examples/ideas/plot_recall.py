"""
How far back can a vanilla network remember?
============================================

Each step is a random symbol, and its label is the symbol `lag` steps before. A step
carries no information about its own label, so accuracy above chance requires memory.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_recall

LAGS = np.arange(1, 9)


def recall(n_sequences, lag, seed):
    """Return sequences of 16 steps; the first `lag` have nothing to recall."""
    X, y = make_recall(
        n_sequences, n_steps=16, lag=lag, random_state=seed, return_X_y=True
    )
    return X.astype("float32"), y


def accuracy(model, lag):
    """Return the accuracy over steps that have something to recall."""
    X, y = recall(200, lag, seed=1)
    return np.mean(model.predict(X)[:, lag:] == y[:, lag:])


# %%
# A new network for each lag
# --------------------------
#
# Every lag gets a network of 32 units, the same penalty and at most 200 iterations. If
# these are too few, `fit` warns that it has not converged; this is intended here.

warnings.simplefilter("ignore", ConvergenceWarning)


def network(**parameters):
    """Return the network that all examples of this page use."""
    return VanillaRNNClassifier(32, alpha=1, max_iter=200, random_state=0, **parameters)


separate = [accuracy(network().fit(*recall(300, lag, 0)), lag) for lag in LAGS]

# %%
# Training on growing lags
# ------------------------
#
# With `warm_start=True` each `fit` continues from the previous weights. A network that
# has learned lag 4 already has most of what lag 5 needs.

warm = network(warm_start=True)
continued = [accuracy(warm.fit(*recall(300, lag, 0)), lag) for lag in LAGS]

# %%
# Both, compared with guessing one of four symbols:

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(LAGS, separate, "o-", color="tab:blue", label="new network")
ax.plot(
    LAGS, continued, "s--", color="tab:orange", label="continues from the previous lag"
)
ax.axhline(0.25, color="0.5", linestyle=":", label="guessing")
ax.set(
    xlabel="lag (steps)",
    ylabel="accuracy on new sequences",
    ylim=(0, 1.03),
    xticks=LAGS,
    title="Recalling an earlier symbol",
)
ax.legend()
