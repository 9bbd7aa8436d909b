"""Where requests come in and runs are handed on: what all routes of the server work with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

from anton.core.decision import Answer, Refused
from anton.core.errors import AntonError, UsageError
from anton.core.event import Entry, RunOutcome, RunReceived
from anton.core.letter import Message
from anton.core.run import MILESTONES, Phase, RunState, fold
from anton.core.shortage import shortages_told
from anton.core.text import listed
from anton.entrypoints.composition import Anton
from anton.entrypoints.intake.taken import Taken
from anton.entrypoints.server.admission import Admissions, Subject, subject_of
from anton.entrypoints.server.bus import Bus
from anton.entrypoints.server.logs import log_taken_in, told_of
from anton.entrypoints.server.measuring import MeasuredChat, take_census, watch_the_loop
from anton.entrypoints.server.metrics import Metrics
from anton.entrypoints.server.retelling import retell
from anton.entrypoints.start import new_run_id
from anton.runs.log import working_on
from anton.runs.runner import answer
from anton.runs.supervise import needs_work, work_on
from anton.runs.tell import Told, tell, write

LETTER_SECONDS = 1.0
"""How long an answer or a cancellation waits for the process at work to take it."""
WAKE_SECONDS = 60.0
"""Between two looks for runs that should be worked on and are not."""
NEWEST = 50
LATEST = "latest"

logger = logging.getLogger(__name__)


def _name_known(named: str, known: Collection[str]) -> str:
    """The name by which a repository is known that a ticket names, such as `owner/name`.

    Its last word will do, unless that of somebody else is known: senders of one secret may be many people's.
    """
    owner, _, short = named.rpartition("/")
    namesakes = {
        name.lower(): name
        for name in known
        if not name.startswith("/") and name.lower().endswith(f"/{short}".lower())
    }
    if named in known or not owner or not namesakes:
        return named if named in known else short
    return namesakes.get(named.lower(), named)


class UnknownRun(UsageError):
    """There is no such run."""


class Desk:
    """Takes tickets in, has runs worked off, and passes on what people say to them."""

    def __init__(self, anton: Anton) -> None:
        self.anton = anton
        self.serving = anton.serving
        self.metrics = Metrics()
        self.world = replace(
            anton.world,
            chat=MeasuredChat(anton.world.chat, self.metrics),
            observers=(*anton.world.observers, told_of, self.metrics.follow),
            wrote=self.metrics.appends.observe,
        )
        self.queue = self.serving.queue()
        self.bus = Bus()
        self._admissions = Admissions(self.serving.runs_per_hour, self.world.clock)
        self._alone: WeakValueDictionary[Subject, asyncio.Lock] = WeakValueDictionary()
        self._watch = (self.bus.see, self._admissions.see)
        self._closed: dict[str, RunState] = {}
        self.streams = 0
        """Event streams that are open."""
        self.metrics.gauge("anton_queue_waiting_runs", lambda: self.queue.waiting)
        self.metrics.gauge("anton_queue_running_runs", lambda: self.queue.running)
        self.metrics.gauge("anton_event_streams", lambda: self.streams)

    # Taking in

    async def take_in(self, taken: Taken) -> tuple[str, bool]:
        """Write down that a ticket was taken in, and have its run begin soon.

        Returns:
            The run's id, and whether the ticket began it; else it had one already.

        Raises:
            UsageError: the ticket cannot be taken on as things are set up here; the text says why.
            TooManyRuns: it has started as many runs as it may for now.
            JournalError: it cannot be written down, so nothing was taken in.
        """
        run_id = new_run_id()
        received = self._received(run_id, taken)
        subject = subject_of(received)
        # Whoever asks for the same meanwhile waits: a run is named to nobody before it is written down.
        async with self._alone.setdefault(subject, asyncio.Lock()):
            begun = await self._begin(run_id, received, subject, taken)
        return begun, begun == run_id

    async def _begin(self, run_id: str, received: RunReceived, subject: Subject, taken: Taken) -> str:
        """The run of a ticket: a new one, else the one that it has."""
        if (known := await self._open_run(subject)) is not None:
            return known
        self._admissions.admit(subject, run_id, taken.requested_by)
        begun = ""
        try:
            entry = Entry(run_id, 1, self.world.clock(), received)
            begun = await self.world.journal.receive(taken.delivery, entry)
        finally:
            if begun != run_id:
                self._admissions.withdraw(subject, run_id, taken.requested_by)
        if begun != run_id:
            return begun
        await self.queue.put(run_id, received.repository)
        self.metrics.taken_in.labels(self.metrics.source(received.ticket.source)).inc()
        with working_on(run_id):
            log_taken_in(received)
        return run_id

    async def _open_run(self, subject: Subject) -> str | None:
        """The run about this that is not closed yet, here or, unseen, by another process."""
        while (known := self._admissions.open_run(subject)) is not None:
            if not await self.world.journal.read_kinds(known, {"run_closed"}):
                return known
            self._admissions.ended(subject, known)  # and another may have been let in meanwhile
        return None

    def _received(self, run_id: str, taken: Taken) -> RunReceived:
        demo = self.serving.demo
        is_demo = (taken.ticket.title, taken.ticket.body) == (demo.title, demo.body)
        if self.anton.suggestion and not is_demo:
            raise UsageError(
                "no model is set up here: what comes with Anton is a recording of one demo run and can "
                "answer nothing else. Set API_KEY, BASE_URL and MODEL, and start the server again"
            )
        repository = self._repository(taken.repository, run_id, demo=is_demo)
        return RunReceived(
            ticket=taken.ticket,
            repository=str(repository),
            base_ref=taken.base_ref,
            remote="",
            reports=str(self.anton.reports_of(repository)),
            requested_by=taken.requested_by,
            rounds=self.anton.rounds,
        )

    def _repository(self, named: str, run_id: str, *, demo: bool) -> Path:
        """The repository that a ticket is about.

        Raises:
            UsageError: it names one that is not set up here.
        """
        known = self.serving.repositories
        if demo or (not named and not known):
            return self.serving.demo_checkout(run_id)
        if not named:
            return next(iter(known.values()))
        found = known.get(_name_known(named, known))
        if found is None:
            raise UsageError(
                f"the repository {named[:100]!r} is not set up here: name its folder in server.repositories"
            )
        return found

    # Working off

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Work runs off for as long as the context is open; those that a crash left open first."""
        async with asyncio.TaskGroup() as group:
            working = group.create_task(self.queue.work_off(self._work), name="queue")
            waking = group.create_task(self._wake(), name="wake")
            beside = (
                group.create_task(retell(self.world, self.serving.retell_seconds), name="retell"),
                group.create_task(watch_the_loop(self.metrics), name="lag"),
                group.create_task(take_census(self.world.journal, self.metrics), name="census"),
            )
            try:
                yield
            finally:
                self.bus.close()
                for task in (*beside, waking, working):
                    task.cancel()

    async def _work(self, run_id: str) -> float | None:
        with working_on(run_id):
            with (
                suppress(AntonError),
                shortages_told(),
            ):  # told again, and written down, when the run is begun
                await self._lay_out_demo(run_id)
            return await work_on(self.world, run_id, self._watch)

    async def _lay_out_demo(self, run_id: str) -> None:
        checkout = self.serving.demo_checkout(run_id)
        first = await self.world.journal.read_kinds(run_id, {"run_received"})
        event = first[0].event if first else None
        if isinstance(event, RunReceived) and event.repository == str(checkout):
            await self.anton.lay_out_demo(run_id)

    async def _wake(self) -> None:
        """Have every run taken on that is open and waits for nobody: those of a crash, and forgotten ones."""
        closed: set[str] = set()
        while True:
            try:
                with shortages_told():
                    await self._look_for_open_runs(closed)
            except AntonError as error:
                logger.warning("it could not be looked for runs that nobody works on: %s", error)
            await asyncio.sleep(WAKE_SECONDS)

    async def _look_for_open_runs(self, closed: set[str]) -> None:
        for run_id in await self.world.journal.run_ids():
            try:
                if run_id not in closed and await self.world.journal.read_kinds(run_id, {"run_closed"}):
                    closed.add(run_id)
                state = None if run_id in closed else await needs_work(self.world.journal, run_id)
            except AntonError as error:
                logger.warning("run %s cannot be read, so it is left alone: %s", run_id, error)
                continue
            if state is not None:
                await self.queue.ensure(run_id, state.received.repository)
                self._admissions.know(state.received, run_id)

    # Deciding, and talking to runs

    async def decide(self, run_id: str, given: Callable[[RunState], Answer]) -> RunState:
        """Write down a person's decision and have the run go on.

        Args:
            run_id: Of the run.
            given: The answer to the run as it stands.

        Raises:
            UnknownRun: there is none.
            Refused: it may not be taken now; the text says why.
            RunBusy: somebody holds the run for longer than one can wait.
        """
        state = await answer(self.world, run_id, given(await self.state(run_id)), self._watch)
        await self.queue.put(run_id, state.received.repository)
        return state

    async def tell(self, run_id: str, by: str, message: Message, letter_id: str = "") -> Told:
        """Say something to a run, whoever works on it.

        Raises:
            UnknownRun: there is none.
            Refused: it comes too late, or says nothing that could be heeded.
        """
        await self.state(run_id)
        letter = write(self.world, run_id, by, message, letter_id)
        told = await tell(self.world, letter, wait_seconds=LETTER_SECONDS)
        if told.taken:
            await self.queue.put(run_id, told.state.received.repository)
        return told

    async def retry(self, run_id: str, by: str) -> tuple[str, bool]:
        """Have a run taken on once more; one that failed for good begins anew as another run.

        Returns:
            The id of the run that goes on, and whether it is a new one.

        Raises:
            UnknownRun: there is none.
            Refused: it waits for a decision, or came to its end.
        """
        state = await self.state(run_id)
        if state.closed is not None:
            if state.closed.outcome not in (RunOutcome.FAILED, RunOutcome.UNUSABLE):
                raise Refused(f"run {run_id} is {state.closed.outcome}; there is nothing to try again")
            received = state.received
            names = (
                name for name, path in self.serving.repositories.items() if str(path) == received.repository
            )
            again = Taken(received.ticket, f"retry:{run_id}", by, next(names, ""), received.base_ref)
            return await self.take_in(again)
        if state.phase is Phase.DECIDING:
            raise Refused(f"run {run_id} waits for a decision; there is nothing to try again")
        await self.queue.put(run_id, state.received.repository)
        return run_id, False

    # Looking

    async def entries(self, run_id: str) -> tuple[Entry, ...]:
        """A run's whole story.

        Raises:
            UnknownRun: there is none.
        """
        entries = await self.world.journal.read(run_id)
        if not entries:
            raise UnknownRun(f"there is no run {run_id[:60]!r}")
        return entries

    async def state(self, run_id: str) -> RunState:
        """Where a run stands, in full.

        Raises:
            UnknownRun: there is none.
        """
        return fold(await self.entries(run_id))

    async def outlines(self, most: int = NEWEST) -> tuple[RunState, ...]:
        """The newest runs first, without what their agents did; those that cannot be read are left out."""
        newest = (await self.world.journal.run_ids())[::-1][:most]
        return tuple([state async for state in self._outlined(newest)])

    async def named(self, name: str) -> str:
        """The run that a request means: `latest` is the newest that waits for a decision, else the newest.

        Raises:
            UnknownRun: there is none at all.
        """
        return await self.latest() if name == LATEST else name

    async def refuse_to_choose(self) -> None:
        """Let pass only where at most one run waits, so that `latest` is the one that was looked at.

        Raises:
            Refused: several wait.
        """
        states = await self.outlines()
        waiting = [state.run_id for state in states if state.phase is Phase.DECIDING]
        if len(waiting) > 1:
            raise Refused(
                f"{len(waiting)} runs wait for a decision ({listed(waiting, 3)}): name the one that you "
                "looked at, or its digest"
            )

    async def latest(self) -> str:
        """The newest run that waits for a decision, else the newest of all.

        Raises:
            UnknownRun: there is no run.
        """
        newest = (await self.world.journal.run_ids())[::-1][:NEWEST]
        if not newest:
            raise UnknownRun("there is no run yet")
        async for state in self._outlined(newest):
            if state.phase is Phase.DECIDING:
                return state.run_id
        return newest[0]

    async def _outlined(self, run_ids: Iterable[str]) -> AsyncIterator[RunState]:
        for run_id in run_ids:
            try:
                state = self._closed.get(run_id) or fold(
                    await self.world.journal.read_kinds(run_id, MILESTONES)
                )
            except AntonError as error:
                logger.warning("run %s cannot be read: %s", run_id, error)
                continue
            if state.phase is Phase.CLOSED and len(self._closed) < 1_000:
                self._closed[run_id] = state
            yield state
