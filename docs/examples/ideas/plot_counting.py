"""
Can it count?
=============

Each step is an opening or a closing bracket, and its label is the number of open
brackets. The network has to remember a number, not a symbol. Where does it store it?
"""

import numpy as np

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier, as_ragged
from skrnn.plotting import HiddenStateDisplay

DEEPEST = 4
rng = np.random.default_rng(0)


def brackets(n_steps):
    """Walk at random between 0 and DEEPEST open brackets; return text and depths."""
    depth, text, depths = 0, "", []
    for _ in range(n_steps):
        opens = depth == 0 or (depth < DEEPEST and rng.uniform() < 0.5)
        depth += 1 if opens else -1
        text += "(" if opens else ")"
        depths.append(depth)
    return text, depths


def samples(n_sequences, n_steps):
    """Return many of them, as the encoder and the classifier take them."""
    texts, depths = zip(*(brackets(n_steps) for _ in range(n_sequences)), strict=True)
    return np.array(texts, dtype=object), as_ragged(depths)


# %%
# Trained on 20 steps, tested on 20 and on 200:

encoder = OneHotSequenceEncoder()
texts, depths = samples(200, 20)
model = VanillaRNNClassifier(16, max_iter=1000, tol=1e-3, random_state=0)
model.fit(encoder.fit_transform(texts), depths)
for n_steps in (20, 200):
    X, y = samples(100, n_steps)
    print(f"{n_steps:3} steps: {model.score(encoder.transform(X), y):.3f}")

# %%
# The states of the hidden units along one sequence, with the depth above. Similar units
# are adjacent: some change at every bracket, others store the count.

text, depth = brackets(40)
HiddenStateDisplay.from_estimator(
    model, encoder.transform([text])[0], depth, tokens=text
)
