"""Takes in what GitHub's webhooks should have told and did not: looked for at the start, and now and then.

What is found is read as a webhook is, and begins a run under the same name: it is one run, however often and
by whichever way it was heard of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anton.core.errors import AntonError, UsageError
from anton.core.event import RunReceived
from anton.entrypoints.composition import Watch
from anton.entrypoints.intake import GitHubRules, Ignored, Merged, Taken, github
from anton.entrypoints.server.desk import Desk
from anton.ports import Journal
from anton.ports.occurrences import Occurrence, OccurrenceKind
from anton.runs.ticket import conclude_merged

UNNAMED = "found by looking"
"""Stands for a delivery's own name, which only a webhook has."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def catching_up(desk: Desk) -> AsyncIterator[None]:
    """Look for what was missed for as long as the context is open."""
    watch = desk.serving.watch
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(_keep_looking(desk, watch), name="catch up") if watch else None
        try:
            yield
        finally:
            if looking:
                looking.cancel()


class KnownTickets:
    """Addresses of the tickets that have a run; each run is read once."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._read: set[str] = set()
        self.addresses: set[str] = set()

    async def refresh(self) -> None:
        """Read the runs that were begun since.

        Raises:
            JournalError: the journal cannot be read.
        """
        for run_id in await self._journal.run_ids():
            if run_id not in self._read:
                for entry in await self._journal.read_kinds(run_id, {"run_received"}):
                    if isinstance(entry.event, RunReceived):
                        self.addresses.add(entry.event.ticket.url)
                self._read.add(run_id)


async def _keep_looking(desk: Desk, watch: Watch) -> None:
    known = KnownTickets(desk.world.journal)
    while True:
        for kind in watch.kinds:
            try:
                await look(desk, watch, kind, known)
            except AntonError as error:
                what = kind.replace("_", " ")
                logger.warning("it could not be looked for %s that were missed: %s", what, error)
        await asyncio.sleep(watch.seconds)


async def look(desk: Desk, watch: Watch, kind: OccurrenceKind, known: KnownTickets) -> None:
    """Take in what was missed of one kind.

    Raises:
        OutsideError: the forge, the tracker or the journal is out of reach or refused; the next look finds
            the same.
    """
    await known.refresh()
    found = await watch.occurrences.look(kind, known.addresses)
    for occurrence in found.found:
        await _take(desk, occurrence)
    await watch.occurrences.keep(found)


async def _take(desk: Desk, occurrence: Occurrence) -> None:
    """What a webhook that tells this would come to.

    Raises:
        OutsideError: it could not be taken in now.
    """
    try:
        read = github(
            occurrence.event, UNNAMED, occurrence.payload, GitHubRules(labels=desk.serving.github_labels)
        )
        match read:
            case Taken():
                run_id, begun = await desk.take_in(read)
                if begun:
                    logger.info("run %s was begun by looking for what no webhook told", run_id)
            case Merged(_, branch, link):
                told = await conclude_merged(desk.world, branch, link)
                logger.info("%s is merged, which was found by looking: %s", link, told)
            case Ignored():
                pass
    except UsageError as error:  # as a webhook's sender is refused, and with no more consequence
        logger.warning("what was found by looking starts nothing: %s", error)
