"""
How far does a model look, and in which direction?
==================================================

Permute the input of single steps, and measure the decrease in accuracy some steps away.
This is the permutation importance of a lag.
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
# The class of each character of Python source, from a unidirectional and a
# bidirectional network. The permutation applies to the input of the whole pipeline,
# that is to characters.

LAGS = np.arange(-5, 6)
N_REPEATS = 8


def importances(bidirectional):
    """Return the mean decrease in accuracy for each lag, and its standard error."""
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
# The character itself is the most important. The unidirectional network uses only
# earlier characters. The bidirectional one also uses later ones: the end of a word
# shows whether it is a keyword.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for side, name in ((-0.2, "unidirectional"), (0.2, "bidirectional")):
    mean, error = importances(bidirectional=name == "bidirectional")
    ax.bar(-LAGS + side, mean, 0.4, yerr=error, label=name, capsize=2)
ax.set_xticks(-LAGS, [f"{-lag:+d}" if lag else "itself" for lag in LAGS])
ax.set(
    xlabel="position of the permuted character, relative to the label",
    ylabel="decrease in accuracy",
)
ax.legend()
