"""
What happens inside when a network reads "hell"?
================================================

The textbook's smallest problem that needs memory: predict the next letter after each
letter of "hell". The first l is followed by l, and the second by o.
"""

from skrnn import VanillaRNNClassifier
from skrnn.datasets import load_hello
from skrnn.plotting import UnrolledDisplay

hello = load_hello()
model = VanillaRNNClassifier(3, alpha=0.01, max_iter=1000, random_state=0)
model.fit(hello.data, hello.target).predict(hello.data)

# %%
# Unrolled over the four steps: input, hidden state, and the probabilities of the next
# letter. The arrows between states are the memory. The two l's have the same input but
# different states, so the predictions can differ. :doc:`/hello` computes the numbers of
# such a network by hand.

UnrolledDisplay.from_estimator(
    model,
    hello.data[0],
    hello.target[0],
    tokens=hello.tokens[0],
    feature_names=hello.feature_names,
)
