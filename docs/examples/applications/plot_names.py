"""
Which names start with ``get_``?
================================

A language model learns from the names in Python's standard library which character
comes next. It can then complete a name, make up new ones, and tell how unusual a name
is.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split

from skrnn import VanillaRNNClassifier, VanillaRNNLanguageModel
from skrnn.datasets import load_python_names

names = load_python_names(3000, max_length=24, random_state=0).data
train, new = train_test_split(names, random_state=0)
model = VanillaRNNLanguageModel(
    VanillaRNNClassifier(64, early_stopping=True, tol=1e-3, random_state=0)
)
model.fit([name for name in train if name.isascii()])

# %%
# The most probable completions of a prefix, and some generated names:

for text, log_proba in model.complete("get_", n_completions=5):
    print(f"{text:20} {np.exp(log_proba):.4f}")
print(model.sample(8, random_state=1))

# %%
# Bits per character of new names, compared with independent characters:

known = set(model.tokens_)
new = [name for name in new if set(name) <= known]
_, counts = np.unique(list("".join(train)), return_counts=True)
shares = counts / counts.sum()
print(f"independent: {-(shares * np.log2(shares)).sum():.2f} bits per character")
print(f"model:       {model.bits_per_token(new):.2f} bits per character")

# %%
# At each position of a name, the model has a probability for every next character. Each
# column below is a position; darker characters are more probable, and circles mark the
# actual ones. The end of the name, which is a token too, is not shown.

NAME = "get_parameter"
tokens = list(model.tokens_)
proba = model.predict_proba([NAME[:t] for t in range(len(NAME))])[:, : len(tokens)]
shown = sorted(set(NAME) | {tokens[k] for k in proba.argmax(axis=1)})
rows = proba[:, [tokens.index(token) for token in shown]].T

fig, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
image = ax.imshow(np.sqrt(rows), cmap="Blues", vmin=0, vmax=1, aspect="auto")
places = [shown.index(character) for character in NAME]
ax.plot(range(len(NAME)), places, "o", color="tab:orange", mfc="none", markersize=14)
ax.set_xticks(range(len(NAME)), NAME, family="monospace")
ax.set_yticks(range(len(shown)), shown, family="monospace")
ax.set(xlabel="the name", ylabel="next character")
bar = fig.colorbar(image, label="probability")
bar.set_ticks(
    np.sqrt([0, 0.05, 0.25, 0.5, 1]), labels=["0", "0.05", "0.25", "0.5", "1"]
)
