"""What happened at a forge, for when its webhooks did not come."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

OccurrenceKind = Literal["issues", "workflow_runs", "merges"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened, as the forge's webhook would have told it; all words are from outside."""

    event: str
    """Name of the webhook's event."""
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found."""

    kind: OccurrenceKind
    found: tuple[Occurrence, ...]
    mark: str
    """Where the next look goes on, in the adapter's own words."""


class Occurrences(Protocol):
    """What happened in one repository of a forge."""

    @property
    def description(self) -> str:
        """Where it is looked, for start-up."""
        ...

    async def look(self, kind: OccurrenceKind, known: Container[str]) -> Look:
        """What happened since the last look of this kind that was kept, or may have.

        Whoever asks has to bear what is told twice: after a crash, or a look that was not kept.

        Args:
            kind: Issues that are open and labeled, failed workflow runs, or merged pull requests.
            known: Addresses of issues and workflow runs that are known; these are left out.

        Raises:
            OutsideError: the forge is out of reach or refused; nothing is lost by looking again.
        """
        ...

    async def keep(self, look: Look) -> None:
        """Have the next look of that kind go on where this one ended: what it found is taken care of.

        Raises:
            OutsideError: it cannot be written down.
        """
        ...
