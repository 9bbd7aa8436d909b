"""No test fails for its timing: a busy machine is not a bug."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.postgres import postgres

__all__ = ["postgres"]

settings.register_profile("anton", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anton")
