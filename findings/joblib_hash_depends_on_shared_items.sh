#!/usr/bin/env bash
# joblib: equal lists of sequences have different hashes when one holds the same list
# twice.
#
# One would guess: joblib.hash and Memory.cache look at values, so that [a, a] and [a,
# copy of a] are one input. Strings that occur twice behave that way.
#
# What happens: the hash is that of a pickle, which refers back to an object it has met.
# [a, a] and [a, copy of a] differ, and a cached function runs again.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    joblib==1.6.0

cd "$folder"
venv/bin/python -I - <<'PYTHON'
import joblib

print("joblib", joblib.__version__)
calls = []
memory = joblib.Memory("cache", verbose=0)


@memory.cache
def count(sequences):
    calls.append(sequences)
    return sum(map(len, sequences))


tokens = ["x", "y"]
shared, separate = [tokens, tokens], [tokens, list(tokens)]
word, same_word = "".join(["to", "ken"]), "".join(["to", "ken"])
print("equal:", shared == separate)
print("hashes of lists: ", joblib.hash(shared), joblib.hash(separate))
print("results:", count(shared), count(separate), "calls:", len(calls))
assert shared == separate
assert joblib.hash(shared) != joblib.hash(separate)
assert len(calls) == 2
assert word is not same_word
assert joblib.hash([word, word]) == joblib.hash([word, same_word])
PYTHON
