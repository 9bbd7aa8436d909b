"""A run's journal while somebody works on it: events go in, the folded state comes out.

Events are numbered, checked against the run's phase and folded when they are posted; they are written in
that order, whatever waits being one transaction; and only what is written is shown to those who watch. What
nobody waits for is gathered for a moment first: a transaction costs more than all that it holds. When writing
fails, or another writer was first, the run is lost to this process: the context ends with that error, and
nothing that was posted in vain was ever shown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

from anton.core.agent import AgentState
from anton.core.errors import UsageError, unwrapped
from anton.core.event import AgentEvent, Entry, Event
from anton.core.run import RunState, advance, fold
from anton.core.secrets import Masker
from anton.ports import Journal

GATHER_SECONDS = 0.02
"""How long an event that nobody waits for may wait for others; a person's eye does not notice."""

Clock = Callable[[], datetime]
Watcher = Callable[[Entry, RunState], None]
"""Told of each entry once it is on disk, with the state as of that entry."""
Observer = Callable[[Sequence[Entry]], Watcher]
"""Asked for a watcher whenever a run is opened, and given what is written of it by then."""

CURRENT_RUN: ContextVar[str] = ContextVar("CURRENT_RUN", default="")
"""The run that is worked on in this task; empty outside of any."""


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def unmeasured(seconds: float) -> None:
    """Nobody wants to know how long a transaction took."""


@dataclass(slots=True)
class _Batch:
    """Events posted together, written together."""

    entries: tuple[Entry, ...]
    states: tuple[RunState, ...]
    written: asyncio.Future[None]
    taken: tuple[str, ...] = ()
    """Ids of the letters that the events come from."""


class RunLog:
    """One run's events, for the one process that holds it. Made by `open_log`."""

    def __init__(
        self,
        journal: Journal,
        entries: Iterable[Entry],
        clock: Clock,
        watch: Sequence[Watcher],
        wrote: Callable[[float], object] = unmeasured,
        masker: Masker | None = None,
    ) -> None:
        self.entries = list(entries)
        """All that is written, oldest first."""
        self.state = fold(self.entries)
        """Where the run stands, with everything posted so far."""
        self._journal = journal
        self._clock = clock
        self._watchers = list(watch)
        self._wrote = wrote
        self._masker = masker or Masker()
        self._pending: list[_Batch] = []
        self._due = asyncio.Event()
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False

    def post(self, *events: Event, taken: Sequence[str] = ()) -> asyncio.Future[None]:
        """Fold events and have them written soon, in one transaction; the future is done once they are.

        Args:
            events: In their order.
            taken: Ids of the letters that they come from, which are gone with that transaction.

        Raises:
            IllegalTransition: the run's phase does not allow one of them; none was posted.
        """
        state, entries, states = self.state, [], []
        for event in events:
            entry = Entry(state.run_id, state.number + 1, self._clock(), self._masker.masked(event))
            state = advance(state, entry)
            entries.append(entry)
            states.append(state)
        self.state = state
        loop = asyncio.get_running_loop()
        batch = _Batch(tuple(entries), tuple(states), loop.create_future(), tuple(taken))
        self._pending.append(batch)
        if self._timer is None:
            self._timer = loop.call_later(GATHER_SECONDS, self._due.set)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return batch.written

    async def append(self, *events: Event, taken: Sequence[str] = ()) -> None:
        """Post events, have them written now, and wait until they are on disk."""
        written = self.post(*events, taken=taken)
        self._due.set()
        await written

    async def until(self, holds: Callable[[RunState], bool]) -> RunState:
        """Wait until something holds of the run, with everything posted so far."""
        while not holds(self.state):
            await self._changed.wait()
        return self.state

    def watch(self, watcher: Watcher) -> None:
        """Have somebody told of each entry from now on."""
        self._watchers.append(watcher)

    def agent(self, name: str) -> AgentView:
        """One agent's part, as the engine needs it."""
        return AgentView(self, name)

    def stop(self) -> None:
        """Nothing more will be posted: `write` finishes what waits and returns."""
        self._stopping = True
        self._due.set()

    async def write(self) -> None:
        """Write what is posted, as it comes, until stopped."""
        while self._pending or not self._stopping:
            await self._due.wait()
            self._due.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._pending:
                await self._write_pending()

    async def _write_pending(self) -> None:
        batches, self._pending = self._pending, []
        entries = tuple(entry for batch in batches for entry in batch.entries)
        taken = [letter for batch in batches for letter in batch.taken]
        started = time.perf_counter()
        await self._journal.append(self.state.run_id, entries, taken)
        self._wrote(time.perf_counter() - started)
        self.entries.extend(entries)
        for batch in batches:
            for entry, state in zip(batch.entries, batch.states, strict=True):
                for watcher in self._watchers:
                    watcher(entry, state)
            if not batch.written.done():
                batch.written.set_result(None)


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent's part of a run's log."""

    log: RunLog
    name: str

    @property
    def state(self) -> AgentState:
        """Where the agent stands."""
        return self.log.state.agents.get(self.name) or AgentState(self.name)

    def post(self, *events: AgentEvent) -> None:
        """Write without waiting."""
        self.log.post(*events)

    async def append(self, *events: AgentEvent) -> None:
        """Write and wait until it is on disk."""
        await self.log.append(*events)


@contextmanager
def working_on(run_id: str) -> Iterator[None]:
    """Have whatever is logged within the context bear the run's id."""
    token = CURRENT_RUN.set(run_id)
    try:
        yield
    finally:
        CURRENT_RUN.reset(token)


@asynccontextmanager
async def open_log(
    journal: Journal,
    run_id: str,
    *,
    clock: Clock = utc_now,
    watch: Sequence[Watcher] = (),
    observers: Sequence[Observer] = (),
    wrote: Callable[[float], object] = unmeasured,
    masker: Masker | None = None,
) -> AsyncIterator[RunLog]:
    """A run to work on, held against all other processes until the context ends.

    Args:
        journal: Of all runs.
        run_id: Of the run.
        clock: Tells when an event happened.
        watch: Whom to tell of what is written from here on.
        observers: The same, for those who have to know what was written before.
        wrote: Told how many seconds each transaction took.
        masker: Takes secrets out of events before they are folded, so that what is decided on is what is
            written; without one, only what looks like a secret is known.

    Raises:
        UsageError: there is no such run.
        RunBusy: another process works on it.
        JournalConflict: another writer was first; nothing more was written.
        JournalError: the journal cannot be read or written.
    """
    with working_on(run_id):
        async with journal.hold(run_id):
            entries = await journal.read(run_id)
            if not entries:
                raise UsageError(f"there is no run {run_id!r}; see which there are: anton runs")
            watchers = [observer(entries) for observer in observers]
            log = RunLog(journal, entries, clock, [*watchers, *watch], wrote, masker)
            with unwrapped():
                async with asyncio.TaskGroup() as group:
                    writer = group.create_task(log.write(), name=f"journal of {run_id}")
                    try:
                        yield log
                    finally:
                        log.stop()
                        await asyncio.wait([writer])
