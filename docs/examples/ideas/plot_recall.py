"""
How far back can a vanilla network remember?
============================================

Each step is a random symbol, and its label is the symbol seen `lag` steps before. No
step tells anything about its own label, so everything above guessing is memory.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_recall

LAGS = np.arange(1, 9)


def recall(n_sequences, lag, seed):
    """Sequences of 16 steps, of which the first `lag` have nothing to recall."""
    X, y = make_recall(
        n_sequences, n_steps=16, lag=lag, random_state=seed, return_X_y=True
    )
    return X.astype("float32"), y


def accuracy(model, lag):
    """Share of right labels among the steps that have something to recall."""
    X, y = recall(200, lag, seed=1)
    return np.mean(model.predict(X)[:, lag:] == y[:, lag:])


# %%
# A network that starts anew for each lag
# ---------------------------------------
#
# Every lag gets a network of 32 units and at most 200 iterations. Where they are not
# enough, `fit` warns that it has not converged; here that is the point.

warnings.simplefilter("ignore", ConvergenceWarning)


def network(**parameters):
    """Every network of this page."""
    return VanillaRNNClassifier(32, max_iter=200, random_state=0, **parameters)


anew = [accuracy(network().fit(*recall(300, lag, 0)), lag) for lag in LAGS]

# %%
# A network that grows up with the lag
# ------------------------------------
#
# With `warm_start=True` each `fit` goes on from the weights of the previous one. The
# network that knows lag 4 has most of what lag 5 takes.

pupil = network(warm_start=True)
grown = [accuracy(pupil.fit(*recall(300, lag, 0)), lag) for lag in LAGS]

# %%
# Both, beside guessing one of four symbols:

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(LAGS, anew, "o-", color="tab:blue", label="starts anew")
ax.plot(LAGS, grown, "s--", color="tab:orange", label="goes on from the lag before")
ax.axhline(0.25, color="0.5", linestyle=":", label="guessing")
ax.set(
    xlabel="lag (steps)",
    ylabel="accuracy on new sequences",
    ylim=(0, 1.03),
    xticks=LAGS,
    title="Recalling the symbol seen some steps before",
)
ax.legend()
