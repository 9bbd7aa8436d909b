"""Each ticket in its own home: Jira's in Jira, all others in local files."""

from __future__ import annotations

from anton.core.errors import OutsideError, UsageError
from anton.core.ticket import Ticket
from anton.ports import Correspondence, Proving, Tracker


class RoutedTracker:
    """The Tracker port on two of them.

    Args:
        source: Of the tickets whose home is `remote`, as in `Ticket.source`.
        remote: Where these are.
        local: Where all others are.
    """

    def __init__(self, source: str, remote: Tracker, local: Tracker) -> None:
        self._source = source
        self._remote = remote
        self._local = local

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"{self._remote.description}; tickets from elsewhere: {self._local.description}"

    async def prove(self) -> str:
        """What the remote side says of our credentials.

        Raises:
            OutsideError: it is out of reach, or does not take them.
        """
        return await self._remote.prove() if isinstance(self._remote, Proving) else "nothing to prove"

    async def get(self, key: str) -> Ticket:
        """The ticket: a local one, else the remote one.

        Raises:
            UsageError: neither has it, or it cannot be read.
            OutsideError: the remote side is out of reach or refused.
        """
        try:
            return await self._local.get(key)
        except UsageError:
            return await self._remote.get(key)

    async def reread(self, ticket: Ticket) -> Ticket:
        """The ticket as its home has it now."""
        return await self._home(ticket).reread(ticket)

    async def start(self, ticket: Ticket) -> None:
        """Mark the ticket as in progress, where it is at home."""
        await self._home(ticket).start(ticket)

    async def close(self, ticket: Ticket, link: str) -> str:
        """Close the ticket with a comment, where it is at home."""
        return await self._home(ticket).close(ticket, link)

    async def merged(self, ticket: Ticket, link: str) -> str:
        """Tell the ticket's home that the pull request is merged."""
        return await self._home(ticket).merged(ticket, link)

    async def comment(self, ticket: Ticket, text: str, marker: str) -> str:
        """Say something on the ticket, where it is at home."""
        return await self._desk(ticket).comment(ticket, text, marker)

    async def finish(self, ticket: Ticket) -> str:
        """Have the ticket done, where it is at home."""
        return await self._desk(ticket).finish(ticket)

    def _desk(self, ticket: Ticket) -> Correspondence:
        home = self._home(ticket)
        if not isinstance(home, Correspondence):
            raise OutsideError(f"nothing can be said on {ticket.key!r} where it is: {home.description}")
        return home

    def _home(self, ticket: Ticket) -> Tracker:
        return self._remote if ticket.source == self._source else self._local
