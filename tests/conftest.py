"""Hypothesis profiles, chosen by the environment variable HYPOTHESIS_PROFILE."""

import os

from hypothesis import HealthCheck, settings

# A law holds on a slow machine too, so no profile looks at the clock.
TIMELESS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("dev", TIMELESS, max_examples=50)
settings.register_profile("ci", TIMELESS, max_examples=100, derandomize=True)
settings.register_profile("thorough", TIMELESS, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
