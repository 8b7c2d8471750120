"""
How close does training come to the optimum?
============================================

The task is to infer the states of a hidden Markov model from noisy observations. The
model is known, and so is the best possible average accuracy: given the observations so
far, or given the whole sequence. The recurrent network does not know that the data come
from such a model.
"""

import matplotlib.pyplot as plt

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_hmm_sequences

SIZES = [25, 50, 100, 200, 400, 800]

train = make_hmm_sequences(max(SIZES), random_state=0)
new = make_hmm_sequences(1000, random_state=1)
valid = new.target >= 0

# %%
# The best possible accuracy
# --------------------------
#
# The data come with the probabilities of the states. The accuracy of the most probable
# state is:


def optimum(posterior):
    """Return the accuracy of the most probable state."""
    return (posterior[valid].argmax(axis=1) == new.target[valid]).mean()


best = {
    "unidirectional": optimum(new.filtering),
    "bidirectional": optimum(new.smoothing),
}
for direction, accuracy in best.items():
    print(f"{direction}: {accuracy:.3f}")

# %%
# Networks trained on few and on many sequences
# ---------------------------------------------
#
# Each fit finds the strength of its penalty itself. The penalty is a prior on the
# weights, whose influence decreases with more data.

learned = {direction: [] for direction in best}
for direction, scores in learned.items():
    for size in SIZES:
        model = VanillaRNNClassifier(
            16,
            bidirectional=direction == "bidirectional",
            max_iter=1000,
            tol=0.01,
            random_state=0,
        )
        model.fit(train.data[:size], train.target[:size])
        scores.append(model.score(new.data, new.target))

# %%
# A bidirectional network also uses later steps, and exceeds the optimum without them:

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for direction, style, color in (
    ("unidirectional", "o-", "tab:blue"),
    ("bidirectional", "s-", "tab:orange"),
):
    ax.plot(SIZES, learned[direction], style, color=color, label=direction)
    ax.axhline(best[direction], color=color, linestyle="--")
    ax.annotate(
        f"best possible, {direction}",
        (SIZES[0], best[direction]),
        xytext=(0, 4),
        textcoords="offset points",
    )
ax.set(
    xscale="log",
    xlabel="sequences in training",
    ylabel="accuracy on new sequences",
    ylim=(0.8, 0.9),
    title="Labeling the states of a hidden Markov model",
)
ax.set_xticks(SIZES, SIZES)
ax.set_xticks([], minor=True)
ax.legend(loc="lower right")
