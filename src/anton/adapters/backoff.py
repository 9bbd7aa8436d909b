"""How long a service is waited for that is busy or out of reach, whichever service it is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

SPREAD_SECONDS = 1.0
"""Over which those are spread who were all asked to come back in the same instant."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and how long to wait: exponential back-off with full jitter, or what the service asks for.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    repeats: int
    """Attempts after the first one."""
    first_wait_seconds: float
    """Upper bound of the first wait; it doubles with each repeat."""
    longest_wait_seconds: float
    """A service that asks for more has refused for now."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    """A number from 0 up to 1."""

    def wait_seconds(self, repeat: int, asked_for: float | None = None) -> float | None:
        """How long to wait before a repeat; None where that is too often or too long.

        Args:
            repeat: 1 for the first one.
            asked_for: What the service asked for, if it did; never undercut.
        """
        if repeat > self.repeats or (asked_for or 0.0) > self.longest_wait_seconds:
            return None
        if asked_for is not None:
            return asked_for + self.chance() * SPREAD_SECONDS
        return self.chance() * min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** (repeat - 1))
