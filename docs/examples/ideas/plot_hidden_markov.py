"""
How near does training come to the best possible?
=================================================

The states of a hidden Markov chain are to be told from noisy observations. Because the
chain is known, so is the best accuracy that any model can have on average: given the
observations so far, or given the whole sequence. A recurrent network is told neither
the chain nor that there is one.
"""

import matplotlib.pyplot as plt

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_hmm_sequences

SIZES = [25, 50, 100, 200, 400, 800]

train = make_hmm_sequences(max(SIZES), random_state=0)
new = make_hmm_sequences(1000, random_state=1)
valid = new.target >= 0

# %%
# The best that is possible
# -------------------------
#
# The probabilities of the states are computed along with the data. The most probable
# state is right this often:


def optimum(posterior):
    """Accuracy of the most probable state."""
    return (posterior[valid].argmax(axis=1) == new.target[valid]).mean()


best = {"one-way": optimum(new.filtering), "two-way": optimum(new.smoothing)}
for direction, accuracy in best.items():
    print(f"{direction}: {accuracy:.3f}")

# %%
# What networks learn from few and many sequences
# -----------------------------------------------
#
# `alpha` is the same for all sizes: the penalty is a prior on the weights, which more
# data outvote by themselves.

learnt = {direction: [] for direction in best}
for direction, scores in learnt.items():
    for size in SIZES:
        model = VanillaRNNClassifier(
            16,
            alpha=100,
            bidirectional=direction == "two-way",
            max_iter=1000,
            tol=1e-3,
            random_state=0,
        )
        model.fit(train.data[:size], train.target[:size])
        scores.append(model.score(new.data, new.target))

# %%
# A network that reads both ways uses what comes after a step, and beats what is
# possible without:

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for direction, style, colour in (
    ("one-way", "o-", "tab:blue"),
    ("two-way", "s-", "tab:orange"),
):
    ax.plot(SIZES, learnt[direction], style, color=colour, label=direction)
    ax.axhline(best[direction], color=colour, linestyle="--")
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
    title="Labelling the states of a hidden Markov chain",
)
ax.set_xticks(SIZES, SIZES)
ax.set_xticks([], minor=True)
ax.legend(loc="lower right")
