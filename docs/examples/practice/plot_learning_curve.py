"""
Would more data help?
=====================

scikit-learn's learning curve answers this with the available data: it trains on growing
subsets and tests on the rest. It works with sequences as with rows, here lines of
Python source with labeled characters; lines of one file stay together.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, LearningCurveDisplay
from sklearn.pipeline import make_pipeline

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier
from skrnn.datasets import load_python_source

source = load_python_source(700, random_state=0)

# %%
# A unidirectional and a bidirectional network. 50 iterations are enough for the curve,
# so the convergence warning is silenced. All fits have the same penalty, so the curves
# show the effect of the lines alone.

warnings.simplefilter("ignore", ConvergenceWarning)

fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for ax, direction in zip(axes, ("unidirectional", "bidirectional"), strict=True):
    model = make_pipeline(
        OneHotSequenceEncoder(handle_unknown="ignore", sparse_output=True),
        VanillaRNNClassifier(
            24,
            bidirectional=direction == "bidirectional",
            alpha=3,
            max_iter=50,
            random_state=0,
        ),
    )
    LearningCurveDisplay.from_estimator(
        model,
        source.data,
        source.target,
        groups=source.groups,
        cv=GroupKFold(3),
        train_sizes=[50, 100, 200, 400],
        score_type="both",
        score_name="accuracy",
        std_display_style="errorbar",
        ax=ax,
    )
    ax.set(title=direction, xlabel="lines in training", xscale="log")
    ax.set_xticks([50, 100, 200, 400], [50, 100, 200, 400])
    ax.set_xticks([], minor=True)

# %%
# If the two curves of a panel are far apart, more lines will help. Once they meet, more
# lines will not; a bidirectional network or more hidden units still may.
