"""
How much memory do one-hot words take?
======================================

A step that is one of thousands of words has a single 1 among thousands of features.
`OneHotSequenceEncoder(sparse_output=True)` stores only the ones, and sequences remain
sparse throughout the network.
"""

import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier

VOCABULARIES = [100, 300, 1000, 3000]
rng = np.random.default_rng(0)

# %%
# Sentences of 5 to 40 random words, given as ids. A label tells whether the previous
# word has an even id.


def sentences(n_words):
    """Return one hundred sequences and their labels."""
    X = [rng.integers(n_words, size=length) for length in rng.integers(5, 41, size=100)]
    return X, [np.append(False, x[:-1] % 2 == 0) for x in X]


def megabytes(n_words, sparse):
    """Return the peak memory of encoding the sequences and fitting the network."""
    X, y = sentences(n_words)
    model = make_pipeline(
        OneHotSequenceEncoder(categories=np.arange(n_words), sparse_output=sparse),
        VanillaRNNClassifier(16, tol=0.01, random_state=0),
    )
    tracemalloc.start()
    model.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


padded = [megabytes(n_words, sparse=False) for n_words in VOCABULARIES]
sparse = [megabytes(n_words, sparse=True) for n_words in VOCABULARIES]

# %%
# Padded arrays store every feature of every step. Sparse steps store only the ones.
# Both need the weights of the network, with one row per word.

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(VOCABULARIES, padded, "s--", color="tab:orange", label="padded")
ax.plot(VOCABULARIES, sparse, "o-", color="tab:blue", label="sparse")
ax.set(xscale="log", yscale="log", xlabel="words", ylabel="peak memory (MB)")
ax.set_xticks(VOCABULARIES, VOCABULARIES)
ax.set_xticks([], minor=True)
ax.legend()
