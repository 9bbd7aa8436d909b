"""Where tickets live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from anton.core.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Sighting:
    """A ticket as its tracker has it at one moment."""

    ticket: Ticket
    """What there is to work from."""
    text: str = ""
    """A word for all that is said in it, another one once that changes; empty where that is not told."""
    closed: str = ""
    """The tracker's name for how it was closed, such as `Won't do`; empty while it is open."""
    changed_at: datetime | None = None
    """When anything of it last changed; aware, UTC. None where the tracker does not say."""


class Tracker(Protocol):
    """Where tickets live."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def get(self, key: str) -> Ticket:
        """The ticket.

        Raises:
            UsageError: there is no such ticket.
        """
        ...

    async def reread(self, ticket: Ticket) -> Sighting:
        """The ticket as its tracker has it now; one that the tracker does not know stays as it is.

        Raises:
            UsageError: the tracker had it, and it is gone.
            OutsideError: the tracker is out of reach or refused.
        """
        ...

    async def start(self, ticket: Ticket) -> None:
        """Mark the ticket as in progress; a ticket that the tracker does not know is added."""
        ...

    async def close(self, ticket: Ticket, link: str) -> str:
        """Close the ticket with a comment that links the pull request, once; returns where to look.

        A tracker that has tickets done only when the pull request is merged leaves that to `merged`.
        """
        ...

    async def merged(self, ticket: Ticket, link: str) -> str:
        """Have the ticket done, now that the pull request is merged; returns where to look.

        Raises:
            OutsideError: the tracker is out of reach or refused.
        """
        ...


@runtime_checkable
class Correspondence(Protocol):
    """What a tracker can do besides in whose name a person, through an agent, speaks and closes."""

    async def comment(self, ticket: Ticket, text: str, marker: str) -> str:
        """Say something on a ticket, once for each marker; returns where to look.

        Args:
            ticket: As `get` gave it.
            text: Plain: nothing in it is markup, or mentions anybody.
            marker: Letters, digits and hyphens; it stays with the comment, by which it is found again.

        Raises:
            UsageError: the ticket is gone.
            OutsideError: the tracker is out of reach or refused. Where that is not known, it may be said.
        """
        ...

    async def finish(self, ticket: Ticket) -> str:
        """Have a ticket done, whatever its workflow calls that; one that is done stays. Where to look.

        Raises:
            UsageError: the ticket is gone, or nothing leads from where it stands to done.
            OutsideError: the tracker is out of reach or refused.
        """
        ...
