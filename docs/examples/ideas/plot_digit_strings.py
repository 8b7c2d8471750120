"""
Do neighbors help to read a digit?
==================================

Eight handwritten digits with heavy noise spell a day between 1900 and 2099 as
`yyyymmdd`. A classifier of single images cannot use this. A recurrent network that
reads the row learns about dates together with the digits.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_digit_strings


def dates(subset, random_state):
    """Return rows of images; training and test share no image."""
    return make_digit_strings(
        2000, rule="date", subset=subset, noise=0.5, random_state=random_state
    )


train, new = dates("train", 0), dates("test", 1)

# %%
# A classifier of single images: logistic regression on the pixels.

single = LogisticRegression(C=0.1, max_iter=1000)
single.fit(train.data.reshape(-1, 64), train.target.ravel())
labels = {
    "one image at a time": single.predict(new.data.reshape(-1, 64)).reshape(-1, 8)
}

# %%
# The row, read from the beginning, and from both ends:

for direction in ("unidirectional", "bidirectional"):
    model = VanillaRNNClassifier(
        32,
        bidirectional=direction == "bidirectional",
        early_stopping=True,
        n_iter_no_change=30,
        max_iter=1000,
        random_state=0,
    )
    labels[direction] = model.fit(train.data, train.target).predict(new.data)

for reader, read in labels.items():
    print(f"{reader:20} {np.mean(read == new.target):.3f}")

# %%
# Neighbors help most where dates are most constrained: centuries begin with 19 or 20,
# months with 0 or 1, days with 0 to 3. Reading forward, the network knows only the
# frequencies of first digits; reading from both ends, it can infer from the second
# digit whether the first is 1 or 2.

fig, (image, bars) = plt.subplots(
    2, figsize=(7, 5), height_ratios=[1, 2.5], layout="constrained"
)
image.imshow(np.hstack(new.data[0].reshape(-1, 8, 8)), cmap="gray_r", aspect="auto")
image.set_xticks(np.arange(8) * 8 + 3.5, new.target[0])
image.set_yticks([])
image.set_title("A day and its digits; accuracy by position")
colors = ["0.75", "tab:blue", "tab:orange"]
for k, ((reader, read), color) in enumerate(zip(labels.items(), colors, strict=True)):
    right = (read == new.target).mean(axis=0)
    bars.bar(np.arange(8) + 0.27 * (k - 1), right, 0.25, color=color, label=reader)
bars.set_xticks(range(8), ["y", "y", "y", "y", "m", "m", "d", "d"])
bars.set(xlim=(-0.5, 7.5), ylim=(0.5, 1), ylabel="accuracy on new images")
fig.legend(loc="outside lower center", ncols=3)
