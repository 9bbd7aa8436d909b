"""Where tickets live."""

from __future__ import annotations

from typing import Protocol

from anton.core.ticket import Ticket


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

    async def start(self, ticket: Ticket) -> None:
        """Mark the ticket as in progress; a ticket that the tracker does not know is added."""
        ...

    async def close(self, ticket: Ticket, link: str) -> str:
        """Close the ticket with a comment that links the pull request, once; returns where to look."""
        ...
