"""What every journal does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.journal.sql import SqlJournal
from anton.core.errors import JournalConflict, JournalError, RunBusy
from anton.core.event import Entry, Event, ProofStarted, RoundStarted, RunReceived
from anton.core.ticket import Ticket
from anton.ports import Journal

START = datetime(2026, 3, 1, 2, 0, 0, 123456, tzinfo=UTC)
TICKET = Ticket("BUG-42", "Done is undone — ‘again’", "Zeile 1\nZeile 2 \U0001f41e", labels=("bug",))
RECEIVED = RunReceived(TICKET, "/repo", "", "/remote.git", "/reports", "ada")


def entry(run_id: str, number: int, event: Event | None = None, at: datetime | None = None) -> Entry:
    return Entry(run_id, number, at or START + timedelta(seconds=number), event or ProofStarted(number))


@pytest.fixture(params=["memory", "sql"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    made: Journal = MemoryJournal() if request.param == "memory" else SqlJournal(tmp_path / "journal.db")
    yield made
    await made.close()


async def test_what_was_appended_is_read_back_whole_and_in_order(journal: Journal) -> None:
    first, second = entry("r1", 1, RECEIVED), entry("r1", 2, RoundStarted(2, "person"))
    third = entry("r1", 3)
    await journal.append("r1", [first])
    await journal.append("r1", [second, third])
    assert await journal.read("r1") == (first, second, third)


async def test_reading_on_gives_only_what_came_after(journal: Journal) -> None:
    entries = [entry("r1", number) for number in range(1, 12)]
    await journal.append("r1", entries)
    assert await journal.read("r1", after=9) == tuple(entries[9:])
    assert await journal.read("r1", after=11) == ()


async def test_entries_of_some_kinds_are_read_in_order_and_no_others(journal: Journal) -> None:
    entries = [entry("r1", 1, RECEIVED), entry("r1", 2), entry("r1", 3, RoundStarted(2, "person"))]
    await journal.append("r1", entries)
    await journal.append("r2", [entry("r2", 1, RECEIVED)])
    assert await journal.read_kinds("r1", {"round_started", "run_received"}) == (entries[0], entries[2])
    assert await journal.read_kinds("r1", ()) == ()
    assert await journal.read_kinds("nothing", {"run_received"}) == ()


async def test_a_run_that_is_not_known_has_no_entries(journal: Journal) -> None:
    assert await journal.read("nothing") == ()
    assert await journal.run_ids() == ()


async def test_appending_nothing_changes_nothing(journal: Journal) -> None:
    await journal.append("r1", [])
    assert await journal.run_ids() == ()


async def test_a_number_that_is_taken_is_a_conflict_and_nothing_is_written(journal: Journal) -> None:
    await journal.append("r1", [entry("r1", 1), entry("r1", 2)])
    with pytest.raises(JournalConflict, match="'r1'"):
        await journal.append("r1", [entry("r1", 3), entry("r1", 2)])
    assert [e.number for e in await journal.read("r1")] == [1, 2]


async def test_one_number_twice_in_one_append_is_a_conflict(journal: Journal) -> None:
    with pytest.raises(JournalConflict):
        await journal.append("r1", [entry("r1", 1), entry("r1", 1)])
    assert await journal.read("r1") == ()


async def test_of_two_writers_at_once_one_wins_and_bystanders_are_not_harmed(journal: Journal) -> None:
    outcomes = await asyncio.gather(
        *(journal.append("r1", [entry("r1", 1, ProofStarted(writer))]) for writer in range(8)),
        *(journal.append(f"other{n}", [entry(f"other{n}", 1)]) for n in range(8)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None)] + [JournalConflict] * 7 + [type(None)] * 8
    assert [e.event for e in await journal.read("r1")] == [ProofStarted(0)]
    assert len(await journal.run_ids()) == 9


async def test_fifty_tasks_append_side_by_side_and_each_run_stays_in_order(journal: Journal) -> None:
    async def write(run_id: str) -> None:
        for number in range(1, 6):
            await journal.append(run_id, [entry(run_id, number)])

    runs = [f"run{n:02}" for n in range(50)]
    async with asyncio.TaskGroup() as group:
        for run_id in runs:
            group.create_task(write(run_id))
    for run_id in runs:
        assert [e.number for e in await journal.read(run_id)] == [1, 2, 3, 4, 5]


async def test_runs_are_listed_oldest_first(journal: Journal) -> None:
    for run_id, minutes in (("b", 3), ("c", 1), ("a", 2)):
        await journal.append(run_id, [entry(run_id, 1, at=START + timedelta(minutes=minutes))])
        await journal.append(run_id, [entry(run_id, 2)])
    assert await journal.run_ids() == ("c", "a", "b")


async def test_times_come_back_in_utc_to_the_microsecond(journal: Journal) -> None:
    there = START.astimezone(timezone(timedelta(hours=5, minutes=30)))
    await journal.append("r1", [entry("r1", 1, at=there)])
    (read,) = await journal.read("r1")
    assert (read.at, read.at.utcoffset()) == (START, timedelta(0))


async def test_an_entry_of_another_run_is_our_mistake(journal: Journal) -> None:
    with pytest.raises(ValueError, match=r"'r2'.*'r1'"):
        await journal.append("r1", [entry("r2", 1)])


async def test_a_held_run_is_busy_until_it_is_let_go(journal: Journal) -> None:
    async with journal.hold("r1"):
        with pytest.raises(RunBusy, match="'r1' is being worked on"):
            async with journal.hold("r1"):
                pass
        async with journal.hold("r2"):
            pass
    async with journal.hold("r1"):
        pass


async def test_a_run_is_let_go_when_the_work_fails(journal: Journal) -> None:
    with pytest.raises(LookupError):
        async with journal.hold("r1"):
            raise LookupError
    async with journal.hold("r1"):
        pass


async def test_closing_finishes_what_is_being_written(journal: Journal) -> None:
    appending = [asyncio.ensure_future(journal.append(f"r{n}", [entry(f"r{n}", 1)])) for n in range(20)]
    await asyncio.sleep(0)  # every append is under way
    await journal.close()
    assert await asyncio.gather(*appending) == [None] * 20


async def test_a_closed_journal_takes_nothing_more_and_says_so(journal: Journal) -> None:
    await journal.close()
    await journal.close()
    with pytest.raises(JournalError, match="closed"):
        await journal.append("r1", [entry("r1", 1)])
