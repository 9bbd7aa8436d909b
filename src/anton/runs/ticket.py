"""A run's ticket where it is at home: read again and taken on, without a tracker ever holding up a repair."""

from __future__ import annotations

import asyncio

from anton.core.errors import OutsideError, UsageError
from anton.core.ticket import Ticket
from anton.ports import Tracker

TRACKER_SECONDS = 10.0
"""For both together; after that the repair begins with the ticket as it was received."""


async def take_on(tracker: Tracker, ticket: Ticket) -> tuple[Ticket, tuple[str, ...]]:
    """Mark a ticket as in progress.

    Returns:
        The ticket as its tracker has it now, as far as that could be told, and sentences for the person on
        what could not be done.
    """
    known = ticket
    try:
        async with asyncio.timeout(TRACKER_SECONDS):
            known = await tracker.reread(ticket)
            await tracker.start(known)
    except TimeoutError:
        reason = f"its tracker did not answer within {TRACKER_SECONDS:g} seconds"
    except (OutsideError, UsageError) as error:
        reason = str(error)
    else:
        return known, ()
    return known, (f"The ticket was not marked as in progress: {reason}",)
