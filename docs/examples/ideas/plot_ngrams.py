"""
What recurrence adds to n-grams
===============================

A language model adds the weights of n-grams, the last one to five characters, to the
logits of its recurrent network. N-grams know by heart what often follows what. The
network carries what they cannot see: how the name began. Here both parts learn names
together and alone.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier, VanillaRNNLanguageModel
from skrnn.datasets import load_python_names

names = load_python_names(3500, min_length=8, max_length=40, random_state=0).data
train, new = names[:2000], names[2000:]
# Predictions settle long before the weights.
warnings.simplefilter("ignore", ConvergenceWarning)


def fit(n_hidden=64, alpha=10, **parameters):
    network = VanillaRNNClassifier(n_hidden, alpha=alpha, random_state=0)
    encoder = OneHotSequenceEncoder(handle_unknown="ignore")
    return VanillaRNNLanguageModel(network, encoder, **parameters).fit(train)


models = {
    "the network alone": fit(ngram_range=None),
    # The penalty leaves nothing of one hidden unit.
    "n-grams alone": fit(1, alpha=1e6),
    "both": fit(),
}
for name, model in models.items():
    print(f"{name:18} {model.bits_per_token(new):.2f} bits per character")

# %%
# The cost of every character of the new names, by its position. The network helps in
# the first ten characters; later ones, which few names have, are better left to
# n-grams:


def costs(model, name):
    """Return the bits of every character of a name."""
    proba = model.predict_proba([name[:t] for t in range(len(name))])
    column = {token: k for k, token in enumerate(model.tokens_)}
    return -np.log2(proba[range(len(name)), [column[c] for c in name]])


known = [name for name in new if set(name) <= set(models["both"].tokens_)][:500]
bits = {key: [costs(model, name) for name in known] for key, model in models.items()}
longest = 18
means = {
    key: [np.mean([b[t] for b in of_names if len(b) > t]) for t in range(longest)]
    for key, of_names in bits.items()
}

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for key, color in zip(means, ("tab:gray", "tab:blue", "tab:orange"), strict=True):
    ax.plot(np.arange(longest) + 1, means[key], label=key, color=color)
ax.set(xlabel="position in the name", ylabel="bits per character", ylim=(0, None))
ax.set_xticks(range(1, longest + 1))
ax.legend(frameon=False)

# %%
# And the characters at which the network helps the n-grams most. Often it keeps the
# style of a name, underscores or capitals, that the last five characters do not show:

gains = [
    (before - after, name, t)
    for name, alone, both in zip(
        known, bits["n-grams alone"], bits["both"], strict=True
    )
    for t, (before, after) in enumerate(zip(alone, both, strict=True))
    if after < 2
]
for gain, name, t in sorted(gains, reverse=True)[:12]:
    print(f"{gain:4.1f} bits  {name[:t]}[{name[t]}]{name[t + 1 :]}")
