"""What a proof claims, and what came of it when it was executed again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """What came of a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    CARRIED = "as recorded"
    """Not executed again: what the recorded run says of it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of a verification."""

    name: str
    recorded: str
    """What the bundle says."""
    found: str
    """What was seen here; empty where nothing was executed for it."""
    standing: Standing
