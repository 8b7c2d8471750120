"""What is collected; hypothesis profiles, chosen by HYPOTHESIS_PROFILE."""

import os
import signal
from importlib.metadata import version

import pytest
from hypothesis import HealthCheck, settings

# Not imported here: filters of warnings that a first import sets would be lost.
SCIKIT_LEARN = tuple(int(part) for part in version("scikit-learn").split(".")[:2])
HAS_CALLBACKS = SCIKIT_LEARN >= (1, 9)
collect_ignore = ["mutants"]
if not HAS_CALLBACKS:
    collect_ignore += ["test_scikit_learn_callbacks.py"]

# A law holds on a slow machine too, so no profile looks at the clock.
TIMELESS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    stateful_step_count=12,
)

settings.register_profile("dev", TIMELESS, max_examples=50)
settings.register_profile("ci", TIMELESS, max_examples=100, derandomize=True)
settings.register_profile("thorough", TIMELESS, max_examples=2000)
# What `make fuzz` repeats for as long as it has time.
settings.register_profile(
    "fuzz", TIMELESS, max_examples=300, stateful_step_count=40, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture
def interruptible():
    """Have an interrupt noticed, which a process in the background would ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
