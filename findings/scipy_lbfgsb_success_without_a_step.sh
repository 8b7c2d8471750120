#!/usr/bin/env bash
# SciPy: L-BFGS-B reports success at the point where it started, with a gradient of
# -100000.
#
# One would guess: where the first trial point overflows, the line search steps back, or
# result.success is False.
#
# What happens: for a smooth convex function with the exact gradient, the first trial
# gives about 1e303. The next trial is at (nearly) no distance, the function is
# unchanged, and this counts as "CONVERGENCE: RELATIVE REDUCTION OF F". BFGS and TNC
# find the minimum.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1

cd "$folder"
venv/bin/python -I - <<'PYTHON'
import numpy as np
import scipy
from scipy.optimize import minimize

print("scipy", scipy.__version__)


def function(x):
    """Return cosh(700 x) - 100000 x, and its derivative."""
    with np.errstate(over="ignore"):
        value = np.cosh(700 * x[0]) - 1e5 * x[0]
        return value, 700 * np.sinh(700 * x) - 1e5


minimum = np.arcsinh(1e5 / 700) / 700
print(f"minimum: x = {minimum:.6f}, f = {function([minimum])[0]:.3f}")
found = {}
for method in "L-BFGS-B", "BFGS", "TNC":
    found[method] = result = minimize(
        lambda x: function(np.asarray(x)), [0.0], jac=True, method=method
    )
    print(
        f"{method}: success = {result.success}, x = {result.x[0]:.6f}, "
        f"f = {result.fun:.3f}, gradient = {result.jac[0]:.3g}, {result.message}"
    )
wrong = found["L-BFGS-B"]
assert wrong.success
assert wrong.x[0] == 0
assert wrong.jac[0] == -1e5
assert abs(found["BFGS"].x[0] - minimum) < 1e-6
assert abs(found["TNC"].x[0] - minimum) < 1e-6
PYTHON
