"""A run's journal while somebody works on it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.core.errors import IllegalTransition, JournalConflict, JournalError, RunBusy, UsageError
from anton.core.event import (
    AgentStarted,
    BaseResolved,
    Entry,
    Event,
    Note,
    NotePosted,
    ProofFinished,
    RunReceived,
    Source,
    StepDelivered,
)
from anton.core.run import Phase, RunState, fold
from anton.core.ticket import Ticket
from anton.runs.log import open_log

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
RECEIVED = RunReceived(Ticket("BUG-1", "It breaks", "Badly."), "/srv/app", "", "", "/srv/reports", "Jo")
BASE = BaseResolved("b" * 40, "t" * 40, "main", "Begin", "/srv/app.git")
STARTED = AgentStarted("code", "m", "You are.", "Fix it.", ())
DELIVERED = StepDelivered("branch", "fix/bug-1")


def note(text: str) -> NotePosted:
    return NotePosted("code", Note(Source.TRIAGE, text))


class SlowJournal(MemoryJournal):
    """Writes when it is let, and remembers what was one transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.let.set()
        self.begun = asyncio.Event()
        self.transactions: list[list[Event]] = []
        self.refuses: Exception | None = None

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        self.begun.set()
        await self.let.wait()
        if self.refuses:
            raise self.refuses
        await super().append(run_id, entries, taken)
        self.transactions.append([entry.event for entry in entries])


class Audience:
    """Watches a run."""

    def __init__(self) -> None:
        self.seen: list[tuple[Entry, RunState]] = []

    def __call__(self, entry: Entry, state: RunState) -> None:
        self.seen.append((entry, state))

    @property
    def events(self) -> list[Event]:
        return [entry.event for entry, _ in self.seen]


@pytest.fixture
async def journal() -> SlowJournal:
    slow = SlowJournal()
    await slow.append("r1", [Entry("r1", 1, NOW, RECEIVED)])
    slow.transactions.clear()
    slow.begun.clear()
    return slow


async def stored(journal: MemoryJournal) -> list[Event]:
    return [entry.event for entry in await journal.read("r1")][1:]


async def test_events_are_numbered_written_and_shown_in_the_order_in_which_they_came(
    journal: SlowJournal,
) -> None:
    audience = Audience()
    async with open_log(journal, "r1", clock=lambda: NOW, watch=[audience]) as log:
        log.post(BASE)
        log.post(STARTED, note("one"))
        await log.append(note("two"))
        assert log.entries == list(await journal.read("r1"))
    assert [entry.number for entry in await journal.read("r1")] == [1, 2, 3, 4, 5]
    assert await stored(journal) == audience.events == [BASE, STARTED, note("one"), note("two")]
    for entry, state in audience.seen:
        assert state == fold(e for e in await journal.read("r1") if e.number <= entry.number)


async def test_what_waits_is_written_in_one_transaction(journal: SlowJournal) -> None:
    journal.let.clear()
    async with open_log(journal, "r1") as log:
        log.post(BASE)
        await journal.begun.wait()
        log.post(STARTED)
        log.post(note("one"))
        log.post(note("two"))
        journal.let.set()
    assert journal.transactions == [[BASE], [STARTED, note("one"), note("two")]]


async def test_only_what_is_on_disk_is_shown_but_the_state_is_ahead_of_it(journal: SlowJournal) -> None:
    audience = Audience()
    journal.let.clear()
    async with open_log(journal, "r1", watch=[audience]) as log:
        written = log.post(BASE)
        await journal.begun.wait()
        assert log.state.phase is Phase.WORKING
        assert not written.done()
        assert audience.events == []
        assert [entry.event for entry in log.entries] == [RECEIVED]
        journal.let.set()
        await written
        assert audience.events == [BASE]


async def test_an_illegal_event_posts_nothing_of_what_came_with_it(journal: SlowJournal) -> None:
    async with open_log(journal, "r1") as log:
        await log.append(BASE)
        before = log.state
        with pytest.raises(IllegalTransition, match="'step_delivered' may not come"):
            log.post(STARTED, note("one"), DELIVERED)
        assert log.state == before
        await log.append(STARTED)
    assert await stored(journal) == [BASE, STARTED]


async def test_leaving_writes_what_was_posted(journal: SlowJournal) -> None:
    audience = Audience()
    async with open_log(journal, "r1", watch=[audience]) as log:
        log.post(BASE)
        log.post(STARTED)
    assert await stored(journal) == audience.events == [BASE, STARTED]


async def test_an_error_leaves_as_itself_and_what_was_posted_before_it_is_written(
    journal: SlowJournal,
) -> None:
    async def work() -> None:
        async with open_log(journal, "r1") as log:
            log.post(BASE)
            raise UsageError("no such thing")

    with pytest.raises(UsageError, match="no such thing"):
        await work()
    assert await stored(journal) == [BASE]


@pytest.mark.parametrize(
    "error", [JournalError("the disk is full"), JournalConflict("another writer was first")]
)
async def test_a_journal_that_fails_ends_the_work_with_its_own_error_and_shows_nothing(
    journal: SlowJournal, error: Exception
) -> None:
    audience = Audience()
    journal.refuses = error

    async def work() -> None:
        async with open_log(journal, "r1", watch=[audience]) as log:
            await log.append(BASE)
            pytest.fail("an event counts as written that is not")

    with pytest.raises(type(error), match=str(error)):
        await work()
    assert audience.events == []
    assert await stored(journal) == []


async def test_a_journal_that_fails_at_the_very_end_is_not_overlooked(journal: SlowJournal) -> None:
    journal.refuses = JournalError("the disk is full")
    with pytest.raises(JournalError, match="the disk is full"):
        async with open_log(journal, "r1") as log:
            log.post(BASE)


async def test_work_that_never_looks_at_the_journal_is_ended_all_the_same(journal: SlowJournal) -> None:
    journal.refuses = JournalError("the disk is full")

    async def work() -> None:
        async with open_log(journal, "r1") as log:
            log.post(BASE)
            await asyncio.Event().wait()

    with pytest.raises(JournalError, match="the disk is full"):
        await work()


async def test_whoever_was_second_hears_of_a_conflict(journal: SlowJournal) -> None:
    async def work() -> None:
        async with open_log(journal, "r1") as log:
            await MemoryJournal.append(journal, "r1", [Entry("r1", 2, NOW, BASE)])
            await log.append(BASE)

    with pytest.raises(JournalConflict, match="another writer appended to run 'r1' first"):
        await work()
    assert await stored(journal) == [BASE]


async def test_an_entry_is_written_although_nobody_waits_for_it_any_more(journal: SlowJournal) -> None:
    journal.let.clear()
    async with open_log(journal, "r1") as log:
        waiting = asyncio.create_task(log.append(BASE))
        await journal.begun.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        journal.let.set()
        await log.append(STARTED)
    assert await stored(journal) == [BASE, STARTED]


async def test_interrupting_the_work_writes_what_was_posted(journal: SlowJournal) -> None:
    posted = asyncio.Event()

    async def work() -> None:
        async with open_log(journal, "r1") as log:
            log.post(BASE)
            posted.set()
            await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await posted.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await stored(journal) == [BASE]


async def test_an_unknown_run_is_named(journal: SlowJournal) -> None:
    with pytest.raises(UsageError, match="there is no run 'r2'; see which there are: anton runs"):
        async with open_log(journal, "r2"):
            pytest.fail("there is nothing to open")


async def test_a_run_is_worked_on_by_one_at_a_time_and_is_free_again_afterwards(
    journal: SlowJournal,
) -> None:
    async with open_log(journal, "r1"):
        with pytest.raises(RunBusy):
            async with open_log(journal, "r1"):
                pytest.fail("two at once")
    async with open_log(journal, "r1"):
        pass


async def test_an_agent_sees_its_own_part(journal: SlowJournal) -> None:
    async with open_log(journal, "r1") as log:
        await log.append(BASE, STARTED)
        view = log.agent("code")
        view.post(note("one"))
        await view.append(note("two"))
        assert [n.text for n in view.state.unread] == ["one", "two"]
        assert log.agent("test").state.messages == ()
        with pytest.raises(IllegalTransition):
            log.post(ProofFinished(None))  # type: ignore[arg-type]
