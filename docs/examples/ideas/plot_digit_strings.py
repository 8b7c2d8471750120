"""
Do neighbours help to read a digit?
===================================

Handwritten digits under heavy noise, eight in a row, that spell a day between 1900 and
2099 as `yyyymmdd`. A classifier of single images cannot know that. A recurrent network
that reads the row learns about dates while it learns the digits.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_digit_strings


def dates(subset, random_state):
    """Rows of images; training and test have no image in common."""
    return make_digit_strings(
        2000, rule="date", subset=subset, noise=0.5, random_state=random_state
    )


train, new = dates("train", 0), dates("test", 1)

# %%
# One image at a time: logistic regression on the pixels.

single = LogisticRegression(C=0.1, max_iter=1000)
single.fit(train.data.reshape(-1, 64), train.target.ravel())
labels = {
    "one image at a time": single.predict(new.data.reshape(-1, 64)).reshape(-1, 8)
}

# %%
# The row, read from its beginning, and from both ends:

for direction in ("one-way", "two-way"):
    model = VanillaRNNClassifier(
        32,
        bidirectional=direction == "two-way",
        alpha=10,
        early_stopping=True,
        n_iter_no_change=30,
        max_iter=1000,
        random_state=0,
    )
    labels[direction] = model.fit(train.data, train.target).predict(new.data)

for reader, read in labels.items():
    print(f"{reader:20} {np.mean(read == new.target):.3f}")

# %%
# The help comes where the calendar knows most: centuries begin with 19 or 20, months
# with 0 or 1, days with 0 to 3. Reading forward, the network meets the first digit
# with no more than the habit of dates; from both ends, the second digit tells it which
# of 1 and 2 it must have been.

fig, (image, bars) = plt.subplots(
    2, figsize=(7, 5), height_ratios=[1, 2.5], layout="constrained"
)
image.imshow(np.hstack(new.data[0].reshape(-1, 8, 8)), cmap="gray_r", aspect="auto")
image.set_xticks(np.arange(8) * 8 + 3.5, new.target[0])
image.set_yticks([])
image.set_title("A day and its digits; share of them that is read right, by place")
colours = ["0.75", "tab:blue", "tab:orange"]
for k, ((reader, read), colour) in enumerate(zip(labels.items(), colours, strict=True)):
    right = (read == new.target).mean(axis=0)
    bars.bar(np.arange(8) + 0.27 * (k - 1), right, 0.25, color=colour, label=reader)
bars.set_xticks(range(8), ["y", "y", "y", "y", "m", "m", "d", "d"])
bars.set(xlim=(-0.5, 7.5), ylim=(0.5, 1), ylabel="accuracy on new images")
fig.legend(loc="outside lower center", ncols=3)
