"""How long GitHub is waited for, and what of its refusals may pass.

Source: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

SECONDARY_SECONDS = 60.0
"""What a secondary limit asks for where it names no time."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to wait: exponential back-off with full jitter, or what GitHub asks for."""

    repeats: int = 4
    """Attempts after the first one."""
    first_wait_seconds: float = 1.0
    """Upper bound of the first wait; it doubles with each repeat."""
    longest_wait_seconds: float = 120.0
    """Where GitHub asks for more, the call has failed, and the run is resumed later."""
    answer_seconds: float = 30.0
    """For one answer, from the request to its end."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    """A number from 0 up to 1."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def wait_seconds(self, repeat: int, asked_for: float | None) -> float | None:
        """How long to wait before a repeat, counted from 1; None where that is too often or too long."""
        if repeat > self.repeats or (asked_for or 0.0) > self.longest_wait_seconds:
            return None
        if asked_for is not None:
            return asked_for + self.chance() * self.first_wait_seconds
        return self.chance() * min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** (repeat - 1))


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
