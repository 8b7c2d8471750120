"""
How soon is a model certain?
============================

A unidirectional model can label a sequence that has not ended yet. `step` takes the
next step of any number of sequences and the current state, and returns probabilities
and the new state. It does not read earlier steps again.
"""

import timeit
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_hmm_sequences

# The default of 200 iterations is enough here.
warnings.simplefilter("ignore", ConvergenceWarning)

X, y = make_hmm_sequences(300, random_state=0, return_X_y=True)
model = VanillaRNNClassifier(16, random_state=0)
model.fit(X, y)

# %%
# A stream
# --------
#
# A sequence of 300 steps, longer than any training sequence. Each pass of the loop is
# what a program does when the next observation arrives.

stream = make_hmm_sequences(1, min_length=300, max_length=300, random_state=1)
state = model.initial_state()
seen, states = [], []
for x in stream.data[0]:
    states.append(state)
    proba, state = model.step(x[None], state)
    seen.append(proba[0])
seen = np.array(seen)

# %%
# The probabilities equal those of `predict_proba` for the whole sequence, which a
# unidirectional model also computes from the past alone:

print(np.abs(seen - model.predict_proba(stream.data)[0]).max() < 1e-12)

# %%
# The cost of a step does not depend on the history. Without the state, the model has to
# read the whole history again:

HISTORIES = [1, 10, 30, 100, 200, 299]


def milliseconds(call):
    """Return the time of a call: the minimum of many, to reduce noise."""
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
# Top: the probability of each state in the first steps, with the true state as a bar
# below. After each change of state the model is uncertain until it has enough evidence.

fig, (course, cost) = plt.subplots(2, figsize=(7, 6.4), layout="constrained")
colors = ["tab:blue", "tab:orange", "0.6"]
t = np.arange(80)
course.stackplot(
    t, seen[:80].T, colors=colors, labels=["state 0", "state 1", "state 2"]
)
for k, color in enumerate(colors):
    course.fill_between(
        t, -0.12, -0.04, stream.target[0, :80] == k, color=color, step="mid"
    )
course.set(xlim=(0, 79), ylim=(-0.12, 1), xlabel="step", ylabel="probability")
course.set_yticks([-0.08, 0, 0.5, 1], ["truth", "0", "0.5", "1"])
course.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)

cost.plot(HISTORIES, without, "s--", color="tab:orange", label="whole history")
cost.plot(HISTORIES, with_state, "o-", color="tab:blue", label="step")
cost.set(yscale="log", xlabel="steps of history", ylabel="milliseconds for one more")
cost.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
