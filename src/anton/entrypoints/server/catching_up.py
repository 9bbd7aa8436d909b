"""Takes in what GitHub's webhooks should have told and did not: looked for at the start, and now and then.

What is found is read as a webhook is, and begins a run under the same name: it is one run, however often and
by whichever way it was heard of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

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
GIVEN_UP_AFTER = timedelta(days=1)
"""A merge that fails for so long is passed over, or all that comes later would be read again for good."""

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
    """Addresses of the tickets that have a run, each of which is read once, and what came of looks before."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._read: set[str] = set()
        self._damaged: set[str] = set()
        self._failed: dict[str, datetime] = {}
        self.addresses: set[str] = set()
        self.done: set[str] = set()
        """What was taken in by a look that was not kept."""

    async def refresh(self) -> None:
        """Read the runs that were begun since; one that is damaged is passed over, and tried again next time.

        Raises:
            JournalError: the journal cannot be read.
        """
        for run_id in await self._journal.run_ids():
            if run_id not in self._read:
                try:
                    await self._note(run_id)
                except AntonError as error:
                    if run_id not in self._damaged:
                        logger.warning("run %s cannot be read, so its ticket is not known: %s", run_id, error)
                    self._damaged.add(run_id)

    async def _note(self, run_id: str) -> None:
        for entry in await self._journal.read_kinds(run_id, {"run_received"}):
            if isinstance(entry.event, RunReceived):
                self.addresses.add(entry.event.ticket.url)
        self._read.add(run_id)

    def failed(self, name: str, now: datetime) -> bool:
        """Note that something could not be taken in; whether that has been so for too long."""
        return now - self._failed.setdefault(name, now) >= GIVEN_UP_AFTER

    def kept(self, names: Iterable[str]) -> None:
        """Forget what will not be found again."""
        for name in names:
            self._failed.pop(name, None)
            self.done.discard(name)


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
    """Take in what was missed of one kind; what fails keeps nothing behind it from being taken in.

    Raises:
        AntonError: the forge, the tracker or the journal is out of reach or refused; the next look finds the
            same, but a merge that has failed for a day.
    """
    await known.refresh()
    found = await watch.occurrences.look(kind, known.addresses)
    wanted = {_name(read): read for each in found.found if (read := _read(desk, each))}
    failures: list[AntonError] = []
    for name, read in wanted.items():
        try:
            if name not in known.done:
                await _take(desk, read)
        except AntonError as error:
            # A ticket fails with the journal, which may be out for long; a merge may fail for its own sake.
            if isinstance(read, Taken) or not known.failed(name, desk.world.clock()):
                failures.append(error)
                continue
            logger.warning("%s is given up after a day of trying: %s", name, error)
        known.done.add(name)
    if failures:
        raise failures[0]
    await watch.occurrences.keep(found)
    known.kept(wanted)


def _read(desk: Desk, occurrence: Occurrence) -> Taken | Merged | None:
    """What a webhook that tells this would ask for."""
    rules = GitHubRules(labels=desk.serving.github_labels)
    try:
        read = github(occurrence.event, UNNAMED, occurrence.payload, rules)
    except UsageError as error:  # as a webhook's sender is refused, and with no more consequence
        logger.warning("what was found by looking starts nothing: %s", error)
        return None
    return None if isinstance(read, Ignored) else read


def _name(read: Taken | Merged) -> str:
    return read.delivery if isinstance(read, Taken) else read.url


async def _take(desk: Desk, read: Taken | Merged) -> None:
    """What a webhook would come to.

    Raises:
        AntonError: it could not be taken in now.
    """
    try:
        match read:
            case Taken():
                run_id, begun = await desk.take_in(read)
                if begun:
                    logger.info("run %s was begun by looking for what no webhook told", run_id)
            case Merged(_, branch, link):
                told = await conclude_merged(desk.world, branch, link)
                logger.info("%s is merged, which was found by looking: %s", link, told)
    except UsageError as error:
        logger.warning("what was found by looking starts nothing: %s", error)
