"""
Can a network finish a digit that is half drawn?
================================================

Scanned line by line, a handwritten digit is a series of 64 measured values with a
season of one row: each pixel resembles the pixel above it. The task is to forecast the
lower half, given the upper half. The seasonal-naive forecast repeats the last row. How
much better is a network?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge

from skrnn import VanillaRNNRegressor

images = load_digits().images / 16
train, new = images[:1200], images[1200:]
KNOWN = 4
truth = new[:, KNOWN:]

# %%
# A step is one season, the eight pixels of a row, and the target is the next row.
# `forecast` then reads its own predictions as the next rows.

model = VanillaRNNRegressor(64, max_iter=1000, early_stopping=True, random_state=0)
model.fit(train[:, :-1], train[:, 1:])

# %%
# Three simple forecasts for comparison: the last row repeated, the average of all
# training images, and a linear model for exactly this horizon.

linear = Ridge().fit(train[:, :KNOWN].reshape(-1, 32), train[:, KNOWN:].reshape(-1, 32))
forecasts = {
    "seasonal naive": np.repeat(new[:, KNOWN - 1 : KNOWN], 8 - KNOWN, axis=1),
    "average": np.broadcast_to(train[:, KNOWN:].mean(axis=0), truth.shape),
    "linear": linear.predict(new[:, :KNOWN].reshape(-1, 32)).reshape(truth.shape),
    "recurrent": model.forecast(new[:, :KNOWN], n_steps=8 - KNOWN),
}
errors = {}
for name, forecast in forecasts.items():
    errors[name] = np.sqrt(np.mean((forecast - truth) ** 2))
    print(f"{name:15} {errors[name]:.3f}")

# %%
# Root mean squared errors of pixels between 0 and 1, and some new images with each
# forecast. Forecasts of the mean are blurred if the known half is ambiguous.

fig, axes = plt.subplots(5, 10, figsize=(8, 4.6), layout="constrained")
rows = {"truth": truth} | forecasts
for (name, lower), line in zip(rows.items(), axes, strict=True):
    for i, ax in enumerate(line):
        ax.imshow(np.vstack([new[i, :KNOWN], lower[i]]), cmap="gray_r", vmin=0, vmax=1)
        ax.axhline(KNOWN - 0.5, color="tab:orange", linewidth=1)
        ax.set_xticks([])
        ax.set_yticks([])
    error = f"\n{errors[name]:.3f}" if name in errors else ""
    line[0].set_ylabel(name + error, rotation=0, ha="right", va="center")
