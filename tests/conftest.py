"""Property tests: the same examples for the same code, and none is timed; `--hypothesis-profile search` draws anew."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("same", UNTIMED, derandomize=True)
settings.register_profile("search", UNTIMED, max_examples=2000)
settings.load_profile("same")
