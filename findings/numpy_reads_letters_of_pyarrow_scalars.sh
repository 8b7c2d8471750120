#!/usr/bin/env bash
# NumPy and PyArrow: np.asarray of a list of pyarrow strings is a matrix of character
# codes.
#
# One would guess: an array of strings, or of the scalars as objects, as for pyarrow's
# integers.
#
# What happens: a StringScalar offers its bytes as a buffer, and NumPy reads every token
# as a row of int8, also where dtype=object or dtype=str is asked for. Tokens of unequal
# lengths raise "inhomogeneous shape"; one-letter tokens quietly become numbers.
# Iterating over a pyarrow array gives such scalars.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 pyarrow==26.0.1

cd "$folder"
venv/bin/python -I - <<'PYTHON'
import numpy as np
import pyarrow as pa

print("numpy", np.__version__, "pyarrow", pa.__version__)
tokens = list(pa.array(["12", "34"]))
array = np.asarray(tokens)
text = np.array(tokens, dtype=str)
print("np.asarray:", repr(array))
print("dtype=str: ", repr(text))
print("integers:  ", repr(np.asarray(list(pa.array([12, 34])))))
print("whole:     ", repr(np.asarray(pa.array(["12", "34"]))))
assert array.dtype == np.int8
assert array.tolist() == [[49, 50], [51, 52]]
assert text.tolist() == [["49", "50"], ["51", "52"]]
assert np.asarray(list(pa.array([12, 34]))).dtype == object
assert np.asarray(pa.array(["12", "34"])).tolist() == ["12", "34"]
PYTHON
