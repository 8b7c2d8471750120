#!/usr/bin/env bash
# Dask: map_blocks calls the function on an empty block even where dtype is given.
#
# One would guess: with dtype there is nothing to infer, so the function is called once
# for every block, when the result is computed.
#
# What happens: it is first called when the graph is built, on a block of shape (0, 0),
# whatever the real number of features. Only meta= prevents that. A function that
# counts, logs or needs at least one row meets an extra call.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "dask[array]==2026.8.0" numpy==2.4.6

cd "$folder"
venv/bin/python -I - <<'PYTHON'
import dask
import dask.array as da
import numpy as np

print("dask", dask.__version__)
x = da.ones((4, 3), chunks=(2, 3))


def shapes(**options):
    """Return the shapes of blocks seen before, and after, compute is called."""
    seen = []

    def function(block):
        seen.append(block.shape)
        return block * 2.0

    y = x.map_blocks(function, **options)
    before = list(seen)
    y.compute(scheduler="synchronous")
    return before, seen[len(before) :]


with_dtype, with_meta = shapes(dtype=float), shapes(meta=np.empty((0, 0)))
print("dtype: before compute", with_dtype[0], "then", with_dtype[1])
print("meta:  before compute", with_meta[0], "then", with_meta[1])
assert with_dtype == ([(0, 0)], [(2, 3), (2, 3)])
assert with_meta == ([], [(2, 3), (2, 3)])
PYTHON
