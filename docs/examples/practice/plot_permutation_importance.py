"""
How far does a model look, and to which side?
=============================================

Exchange the input of one step for another, and see how many labels some steps away
change for the worse. That is the permutation importance of a lag.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier
from skrnn.datasets import load_python_source
from skrnn.model_selection import permutation_importance

source = load_python_source(1000, random_state=0)
split = GroupShuffleSplit(n_splits=1, test_size=0.3, random_state=0)
train, test = next(split.split(source.data, groups=source.groups))

# %%
# The kind of each character of Python source, by a network that reads forward and by
# one that reads both ways. Each pipeline is asked as a whole: what is exchanged are
# characters.

LAGS = np.arange(-5, 6)
N_REPEATS = 8


def importances(bidirectional):
    """Mean loss of accuracy for each lag, and its standard error."""
    model = make_pipeline(
        OneHotSequenceEncoder(handle_unknown="ignore", sparse_output=True),
        VanillaRNNClassifier(
            32, bidirectional=bidirectional, early_stopping=True, random_state=0
        ),
    )
    model.fit(source.data[train], source.target[train])
    result = permutation_importance(
        model,
        source.data[test],
        source.target[test],
        over="lags",
        lags=LAGS,
        n_repeats=N_REPEATS,
        random_state=0,
    )
    return result.importances_mean, result.importances_std / np.sqrt(N_REPEATS)


# %%
# The character itself tells most. The network that reads forward makes what it can of
# what came before, and cannot know what comes after. The other leans on what follows,
# where it can: the end of a word says whether it is a keyword.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for side, name in ((-0.2, "one-way"), (0.2, "two-way")):
    mean, error = importances(bidirectional=name == "two-way")
    ax.bar(-LAGS + side, mean, 0.4, yerr=error, label=name, capsize=2)
ax.set_xticks(-LAGS, [f"{-lag:+d}" if lag else "itself" for lag in LAGS])
ax.set(
    xlabel="place of the exchanged character, from the label's point of view",
    ylabel="loss of accuracy",
)
ax.legend()
