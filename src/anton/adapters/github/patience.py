"""How long GitHub is waited for, and what of its refusals may pass.

Source: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from anton.adapters.backoff import Backoff

SECONDARY_SECONDS = 60.0
"""What a secondary limit asks for where it names no time."""


@dataclass(frozen=True, slots=True)
class Patience(Backoff):
    """How long GitHub is waited for."""

    repeats: int = 4
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 120.0
    answer_seconds: float = 30.0
    """For one answer, from the request to its end."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def is_limit(status: int, headers: Mapping[str, str], said: str) -> bool:
    """Whether a refusal is a rate limit, so that nothing was done and the same may be asked later."""
    limited = "rate limit" in said.lower() or "abuse detection" in said.lower()
    spent = headers.get("x-ratelimit-remaining") == "0"
    return status == 429 or (status == 403 and (limited or spent or "retry-after" in headers))


def asked_seconds(status: int, headers: Mapping[str, str], said: str, now: datetime) -> float | None:
    """Seconds that GitHub asks to wait; None where it says nothing."""
    if (wait := _number(headers.get("retry-after", ""))) is not None:
        return wait
    reset = _number(headers.get("x-ratelimit-reset", ""))
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return max(0.0, reset - now.timestamp())
    return SECONDARY_SECONDS if is_limit(status, headers, said) else None


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 13 else None
