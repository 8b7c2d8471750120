"""
How soon does a model know?
===========================

A one-way model can be read while its sequence is still going on. `step` takes the next
step of any number of sequences and the state so far, and returns probabilities and the
new state. What it has read it need not read again.
"""

import timeit

import matplotlib.pyplot as plt
import numpy as np

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_hmm_sequences

X, y = make_hmm_sequences(300, random_state=0, return_X_y=True)
model = VanillaRNNClassifier(16, alpha=100, max_iter=1000, tol=1e-3, random_state=0)
model.fit(X, y)

# %%
# A stream
# --------
#
# A chain that goes on for 300 steps, longer than any sequence in training. Each pass of
# the loop is what a program does when the next observation comes in.

stream = make_hmm_sequences(1, min_length=300, max_length=300, random_state=1)
state = model.initial_state()
seen, states = [], []
for x in stream.data[0]:
    states.append(state)
    proba, state = model.step(x[None], state)
    seen.append(proba[0])
seen = np.array(seen)

# %%
# The probabilities are those of `predict_proba` for the whole sequence, which a one-way
# model works out from the past alone, too:

print(np.abs(seen - model.predict_proba(stream.data)[0]).max() < 1e-12)

# %%
# A step costs the same however much has gone before. Without the state, the whole
# history has to be read again:

HISTORIES = [1, 10, 30, 100, 200, 299]


def milliseconds(call):
    """Time of a call: the best of many, which others disturbed least."""
    return 1e3 * min(timeit.repeat(call, number=1, repeat=20))


with_state = [
    milliseconds(lambda t=t: model.step(stream.data[:, t], states[t]))
    for t in HISTORIES
]
without = [
    milliseconds(lambda t=t: model.predict_proba(stream.data[:, : t + 1]))
    for t in HISTORIES
]

# %%
# Above, the first steps: the probability of each state, and the true state below it as
# a bar. Doubt follows each change of state until there is evidence enough.

fig, (course, cost) = plt.subplots(2, figsize=(7, 6.4), layout="constrained")
colours = ["tab:blue", "tab:orange", "0.6"]
t = np.arange(80)
course.stackplot(
    t, seen[:80].T, colors=colours, labels=["state 0", "state 1", "state 2"]
)
for k, colour in enumerate(colours):
    course.fill_between(
        t, -0.12, -0.04, stream.target[0, :80] == k, color=colour, step="mid"
    )
course.set(xlim=(0, 79), ylim=(-0.12, 1), xlabel="step", ylabel="probability")
course.set_yticks([-0.08, 0, 0.5, 1], ["truth", "0", "0.5", "1"])
course.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)

cost.plot(HISTORIES, without, "s--", color="tab:orange", label="all history again")
cost.plot(HISTORIES, with_state, "o-", color="tab:blue", label="step")
cost.set(yscale="log", xlabel="steps of history", ylabel="milliseconds for one more")
cost.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
