"""
What happens inside when a network reads "hell"?
================================================

The textbook's smallest problem that needs memory: after each letter of "hell", say
which letter comes next. The same l is to be followed by l once and by o once.
"""

from skrnn import VanillaRNNClassifier
from skrnn.datasets import load_hello
from skrnn.plotting import UnrolledDisplay

hello = load_hello()
model = VanillaRNNClassifier(3, alpha=0.01, max_iter=1000, random_state=0)
model.fit(hello.data, hello.target).predict(hello.data)

# %%
# Unrolled over the four steps: input, hidden state, and the probabilities of the letter
# that follows. The arrows between states are the memory. At the two l's the inputs are
# the same and the states are not, so the answers can differ. :doc:`/hello` works the
# numbers of such a network out by hand.

UnrolledDisplay.from_estimator(
    model,
    hello.data[0],
    hello.target[0],
    tokens=hello.tokens[0],
    feature_names=hello.feature_names,
)
