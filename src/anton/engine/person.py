"""Whoever can be asked whether a call may be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Leave:
    """What came of asking."""

    given: bool
    reason: str
    """Who said so, or why nobody did; goes on after `it was not carried out`."""


class Person(Protocol):
    """Somebody who may be there."""

    @property
    def there(self) -> bool:
        """Whether anybody is asked at all; where not, a question is a no."""
        ...

    async def leave(self, call: str, reason: str) -> Leave:
        """Ask whether a call may be made, and wait for the answer, which no time limit around it counts.

        Args:
            call: The exact call.
            reason: Why it is not simply made.
        """
        ...


class Nobody:
    """Nobody is there."""

    there = False

    async def leave(self, call: str, reason: str) -> Leave:  # noqa: ARG002 - the protocol's signature
        """A no."""
        return Leave(given=False, reason="nobody is there to answer")
