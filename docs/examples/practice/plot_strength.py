"""
How strong should the penalty be?
=================================

With `alpha="auto"`, the default, `fit` tries strengths of the penalty on sequences that
it holds out, in short fits. How good are strengths in full fits, on new sequences?
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier
from skrnn.datasets import make_hmm_sequences
from skrnn.metrics import step_log_loss
from skrnn.plotting import AlphaCurveDisplay

X, y = make_hmm_sequences(120, random_state=0, return_X_y=True)
X_new, y_new = make_hmm_sequences(400, random_state=1, return_X_y=True)

# Weak penalties need more than the default 200 iterations, and only get worse by them.
warnings.simplefilter("ignore", ConvergenceWarning)


def fitted(alpha):
    """Fit a network to the 120 sequences."""
    model = VanillaRNNClassifier(16, bidirectional=True, alpha=alpha, random_state=0)
    return model.fit(X, y)


# %%
# The strength that was found:

model = fitted("auto")
print(f"alpha={model.alpha_:g}: {model.score(X_new, y_new):.3f} of new steps correct")

# %%
# A full fit with each strength, for comparison. The search took less time than one of
# these.

full = [
    -step_log_loss(y_new, fitted(alpha).predict_proba(X_new), labels=model.classes_)
    for alpha in model.alphas_
]

# %%
# The search takes the strongest penalty that is nearly as good as the best, because the
# full fit is longer and overfits more. That is the best one on new sequences. Scores of
# weak penalties are still good, because their fits were short. Strong penalties look
# worse than they are: the fits of the search have only half of the sequences each.

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
AlphaCurveDisplay.from_estimator(model, name="search", ax=ax)
label = "full fits, new sequences"
ax.plot(model.alphas_, full, "s--", color="tab:orange", label=label)
ax.set_ylabel("negative log-loss, nats per step")
ax.legend()
