"""Each ticket in its own home: Jira's in Jira, GitHub's on GitHub, all others in local files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from anton.core.errors import OutsideError, UsageError
from anton.core.ticket import Ticket
from anton.ports import Correspondence, Proving, Sighting, Tracker


class RoutedTracker:
    """The Tracker port on several of them.

    Args:
        homes: Where tickets of a source are, as in `Ticket.source`.
        local: Where all others are.
    """

    def __init__(self, homes: Mapping[str, Tracker], local: Tracker) -> None:
        self._homes = dict(homes)
        self._local = local

    @property
    def description(self) -> str:
        """Which sides these are, for start-up."""
        homes = "; ".join(home.description for home in self._homes.values())
        return f"{homes}; tickets from elsewhere: {self._local.description}"

    async def prove(self) -> str:
        """What remote sides say of our credentials.

        Raises:
            OutsideError: one is out of reach, or does not take them.
        """
        said = [await home.prove() for home in self._homes.values() if isinstance(home, Proving)]
        return "; ".join(said) or "nothing to prove"

    async def get(self, key: str) -> Ticket:
        """The ticket: a local one, else the first remote one.

        Raises:
            UsageError: none has it, or it cannot be read.
            OutsideError: a remote side is out of reach or refused.
        """
        *most, last = (self._local, *self._homes.values())
        for tracker in most:
            with suppress(UsageError):  # the last that is asked says what is wrong
                return await tracker.get(key)
        return await last.get(key)

    async def reread(self, ticket: Ticket) -> Sighting:
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
        return self._homes.get(ticket.source, self._local)
