"""A run's ticket where it is at home: read again, taken on, and done, without holding up a repair."""

from __future__ import annotations

import asyncio

from anton.core.errors import OutsideError, UsageError
from anton.core.run import MILESTONES, fold
from anton.core.ticket import Ticket
from anton.ports import Sighting, Tracker
from anton.runs.world import World

TRACKER_SECONDS = 10.0
"""For both together; after that the repair begins with the ticket as it was received."""


async def take_on(tracker: Tracker, ticket: Ticket) -> tuple[Sighting, tuple[str, ...]]:
    """Mark a ticket as in progress.

    Returns:
        The ticket as its tracker has it now, as far as that could be told, and sentences for the person on
        what could not be done.
    """
    known = Sighting(ticket)
    unread: tuple[str, ...] = ()
    try:
        async with asyncio.timeout(TRACKER_SECONDS):
            known, unread = await _read_again(tracker, ticket)
            await tracker.start(known.ticket)
    except TimeoutError:
        reason = f"its tracker did not answer within {TRACKER_SECONDS:g} seconds"
    except (OutsideError, UsageError) as error:
        reason = str(error)
    else:
        return known, unread
    return known, (f"The ticket was not marked as in progress: {reason}",)


async def _read_again(tracker: Tracker, ticket: Ticket) -> tuple[Sighting, tuple[str, ...]]:
    try:
        return await tracker.reread(ticket), ()
    except (OutsideError, UsageError) as error:
        return Sighting(ticket), (f"The ticket could not be looked at where it is at home: {error}",)


async def conclude_merged(world: World, branch: str, link: str) -> str:
    """Tell a run's tracker that its pull request is merged; what came of it, in a sentence.

    Args:
        world: Where runs and tickets are.
        branch: That was merged; anybody's.
        link: URL of the pull request.

    Raises:
        OutsideError: the tracker is out of reach or refused; nothing is lost by trying again.
    """
    run_id = branch.rpartition("-")[2]
    entries = await world.journal.read_kinds(run_id, MILESTONES) if branch.startswith("fix/") else ()
    state = fold(entries) if entries else None
    opened = state.steps.get("pull_request") if state and state.branch == branch else None
    if state is None or opened is None or opened.result != link:
        return "the pull request is none of Anton's"
    try:
        async with asyncio.timeout(TRACKER_SECONDS):
            return await world.tracker.merged(state.received.ticket, link)
    except TimeoutError:
        raise OutsideError(
            f"the tracker did not answer within {TRACKER_SECONDS:g} seconds; redeliver the webhook later"
        ) from None
    except UsageError as error:
        return str(error)
