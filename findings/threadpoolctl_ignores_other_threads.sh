#!/usr/bin/env bash
# threadpoolctl 3.8: a limit that one thread has set can only be lifted by that thread;
# other threads are ignored without a word.
#
# One would guess: OpenBLAS has one number of threads for the whole process, so whichever
# thread calls restore_original_limits() restores it, as in earlier versions. A pool of
# workers whose last one cleans up relies on this.
#
# What happens: since 3.8 the first thread that sets a limit is the controlling thread.
# restore_original_limits() of another thread does nothing, raises nothing, and BLAS
# stays limited; the same call in the first thread works.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    threadpoolctl==3.8.0 numpy==2.4.6

cd "$folder"
OPENBLAS_NUM_THREADS=2 venv/bin/python -I - <<'PYTHON'
import os
import threading
from importlib.metadata import version

import numpy as np
from threadpoolctl import ThreadpoolController

assert os.environ["OPENBLAS_NUM_THREADS"] == "2"
print("threadpoolctl", version("threadpoolctl"), "numpy", np.__version__)
controller = ThreadpoolController()


def n_threads():
    return {lib["num_threads"] for lib in controller.info()}


print("at first:", n_threads())
limiter = controller.limit(limits=1)
print("limited by the main thread:", n_threads())
other = threading.Thread(target=limiter.restore_original_limits)
other.start()
other.join()
after_other = n_threads()
print("restored by another thread:", after_other)
limiter.restore_original_limits()
after_first = n_threads()
print("restored by the main thread:", after_first)
assert after_other == {1}
assert after_first != {1}
PYTHON
