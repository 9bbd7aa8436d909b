"""The queue that many machines share, kept by DBOS in the journal's PostgreSQL database.

Each piece of work is one short workflow, "take this run on", named `run-<id>-<n>`. Nothing waits in one while
a person thinks, and nothing of a run is kept here: what has to be done is known from the journal. So whatever
is lost or done twice here costs a look at the journal and no more. From a worker that was taken for dead and
woke, DBOS takes no outcome, and the journal no entry.
Source: https://docs.dbos.dev/python/reference/contexts
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from dbos import DBOS, DBOSPortableJSONSerializer
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

from anton.adapters.queue.line import VERSION, WORKFLOW, Limits, Line
from anton.core.errors import OutsideError
from anton.ports.leftovers import Waste
from anton.ports.queue import Work

BEAT_SECONDS = 3.0
"""Between two signs of life of a worker."""

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    """A workflow that DBOS gave to this process."""

    run_id: str
    repository: str
    done: Future[None] = field(default_factory=Future)


class DbosQueue:
    """The Queue port for any number of processes with one database.

    Args:
        url: Of the journal's database.
        runs: How many are worked on at once by this process.
        per_repository: How many of one repository, by all processes together.
        in_total: How many by all processes together; 0 for as many as there are hands.
    """

    def __init__(self, url: str, runs: int, per_repository: int, in_total: int = 0) -> None:
        self._line = Line(url, Limits(runs, per_repository, in_total))
        self._running: set[str] = set()

    @property
    def description(self) -> str:
        """Which side this is, and its limits."""
        runs, per_repository, in_total = self._line.limits
        total = f", {in_total} in total" if in_total else ""
        where = self._line.store.name
        return f"DBOS on {where}: {runs} runs at once here, {per_repository} of one repository{total}"

    @property
    def running(self) -> int:
        """How many runs are being worked on here."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many runs waited for a free hand anywhere, at the last sign of life."""
        return self._line.waiting

    async def put(self, run_id: str, repository: str) -> None:
        """Have a run taken on soon; see the port.

        Raises:
            OutsideError: the database is out of reach.
        """
        await self._told(partial(self._line.put, run_id, repository))

    async def ensure(self, run_id: str, repository: str) -> None:
        """Have a run taken on unless it will be anyway; see the port.

        Raises:
            OutsideError: the database is out of reach.
        """
        if not await self._told(partial(self._line.ahead, run_id)):
            await self.put(run_id, repository)

    async def work_off(self, work: Work) -> None:
        """Take runs on until cancelled; see the port.

        Raises:
            OutsideError: the database is out of reach at the start.
        """
        jobs: asyncio.Queue[_Job] = asyncio.Queue()
        await self._told(self._line.beat)
        try:
            await self._told(partial(self._launch, asyncio.get_running_loop(), jobs))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._live(), name="signs of life")
                while True:
                    job = await jobs.get()
                    group.create_task(self._carry(job, work), name=f"run {job.run_id}")
        finally:
            await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
            try:
                await self._told(self._line.leave)
            except OutsideError as error:
                logger.warning("others take over what was under way here in a while: %s", error)
            await self.close()

    async def sweep(self, open_runs: Collection[str], *, delete: bool) -> tuple[Waste, ...]:
        """What is kept of work that was done long ago; see the port Leftovers.

        Raises:
            OutsideError: the database is out of reach.
        """
        number = await self._told(partial(self._line.sweep, open_runs, delete=delete))
        return (Waste("queue", f"{number} ended workflows in the database"),) if number else ()

    async def close(self) -> None:
        """Let go of the database; a process that works runs off does so at its end."""
        await asyncio.to_thread(self._line.close)

    def _launch(self, loop: asyncio.AbstractEventLoop, jobs: asyncio.Queue[_Job]) -> None:
        """Start DBOS, which is one a process, on threads of its own; it hands jobs to our loop."""

        async def take_run_on(run_id: str, repository: str) -> None:
            job, name = _Job(run_id, repository), DBOS.workflow_id or ""
            self._line.under_way.add(name)
            try:
                loop.call_soon_threadsafe(jobs.put_nowait, job)
                await asyncio.wrap_future(job.done)
            finally:
                self._line.under_way.discard(name)

        DBOS(
            config={
                "name": "anton",
                "system_database_url": self._line.url,
                "application_version": VERSION,
                "executor_id": self._line.worker,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "WARNING",
            }
        )
        DBOS.workflow(name=WORKFLOW)(take_run_on)
        DBOS.launch()

    async def _carry(self, job: _Job, work: Work) -> None:
        """Work on a run; where that is cancelled, the workflow has not ended, and goes to another worker."""
        self._running.add(job.run_id)
        try:
            again_in = await work(job.run_id)
        finally:
            self._running.discard(job.run_id)
        if again_in is not None:
            try:
                await self._told(partial(self._line.put, job.run_id, job.repository, max(again_in, 0.001)))
            except OutsideError as error:
                logger.warning("run %s is taken on again once it is missed: %s", job.run_id, error)
        job.done.set_result(None)

    async def _live(self) -> None:
        """Give signs of life, and take over from those who give none."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._told(self._line.beat)
            except OutsideError as error:
                self._line.missed()
                logger.warning("%s", error)

    async def _told(self, call: Callable[[], Result]) -> Result:
        """What came of a call, made in a thread; its failure in our words."""
        try:
            return await asyncio.to_thread(call)
        except SQLAlchemyError as error:
            told = self._line.store.explain(error)
            raise OutsideError(f"the queue could not be reached: {told}") from error
        except dbos_error.DBOSException as error:
            raise OutsideError(f"the queue on {self._line.store.name!r} failed: {error}") from error
