"""What every journal does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from anton.adapters.journal.masked import MaskedJournal
from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.journal.sql import SqlJournal
from anton.core.errors import JournalConflict, JournalError, RunBusy
from anton.core.event import Entry, Event, ProofStarted, RoundStarted, RunReceived
from anton.core.letter import Cancel, Letter, Message, QuestionReply, Word
from anton.core.secrets import Masker
from anton.core.ticket import Ticket
from anton.ports import Journal

START = datetime(2026, 3, 1, 2, 0, 0, 123456, tzinfo=UTC)
TICKET = Ticket("BUG-42", "Done is undone — ‘again’", "Zeile 1\nZeile 2 \U0001f41e", labels=("bug",))
RECEIVED = RunReceived(TICKET, "/repo", "", "/remote.git", "/reports", "ada")

LOOK = Word("Look at the clock.")


def letter(name: str, run_id: str = "r1", message: Message = LOOK) -> Letter:
    return Letter(name, run_id, "slack:T1/U42", START, message)


def entry(run_id: str, number: int, event: Event | None = None, at: datetime | None = None) -> Entry:
    return Entry(run_id, number, at or START + timedelta(seconds=number), event or ProofStarted(number))


def memory(_: pytest.FixtureRequest) -> Journal:
    return MemoryJournal()


def sqlite(request: pytest.FixtureRequest) -> Journal:
    return SqlJournal(request.getfixturevalue("tmp_path") / "journal.db")


def postgresql(request: pytest.FixtureRequest) -> Journal:
    return SqlJournal(request.getfixturevalue("postgres").new_database())


def masked(_: pytest.FixtureRequest) -> Journal:
    return MaskedJournal(MemoryJournal(), Masker({"KEY": "configured-value"}))


@pytest.fixture(params=[memory, sqlite, postgresql, masked])
async def journal(request: pytest.FixtureRequest) -> AsyncIterator[Journal]:
    made: Journal = request.param(request)
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


async def test_one_delivery_begins_one_run_for_good(journal: Journal) -> None:
    assert await journal.receive("github:1", entry("r1", 1, RECEIVED)) == "r1"
    await journal.append("r1", [entry("r1", 2)])
    assert await journal.receive("github:1", entry("r2", 1, RECEIVED)) == "r1"
    assert await journal.receive("github:2", entry("r3", 1, RECEIVED)) == "r3"
    assert await journal.run_ids() == ("r1", "r3")
    assert [e.number for e in await journal.read("r1")] == [1, 2]


async def test_a_delivery_that_comes_many_times_at_once_begins_one_run(journal: Journal) -> None:
    begun = await asyncio.gather(
        *(journal.receive("slack:7", entry(f"r{n}", 1, RECEIVED)) for n in range(20)),
        *(journal.receive(f"slack:other{n}", entry(f"other{n}", 1, RECEIVED)) for n in range(5)),
    )
    assert len(set(begun[:20])) == 1
    assert set(await journal.run_ids()) == set(begun)


async def test_a_delivery_whose_run_is_there_already_is_a_conflict_and_begins_nothing(
    journal: Journal,
) -> None:
    await journal.append("r1", [entry("r1", 1, RECEIVED)])
    with pytest.raises(JournalConflict):
        await journal.receive("github:1", entry("r1", 1, RECEIVED))
    assert await journal.receive("github:1", entry("r2", 1, RECEIVED)) == "r2"


@pytest.mark.parametrize(
    "message",
    [QuestionReply("q1", "Yes — ‘both’", True), QuestionReply("q1", ""), Cancel("No longer"), Word("\x00ü")],
)
async def test_a_letter_is_read_as_it_was_posted(journal: Journal, message: Message) -> None:
    await journal.post(letter("l1", message=message))
    (read,) = await journal.letters("r1")
    assert read == letter("l1", message=message)
    assert read.at.utcoffset() == timedelta(0)


async def test_letters_come_in_the_order_of_posting_to_their_own_run(journal: Journal) -> None:
    for name, run_id in (("c", "r1"), ("a", "r2"), ("b", "r1")):
        await journal.post(letter(name, run_id))
    assert [found.id for found in await journal.letters("r1")] == ["c", "b"]
    assert [found.id for found in await journal.letters("r2")] == ["a"]
    assert await journal.letters("r3") == ()


async def test_a_letter_posted_again_is_kept_once_as_it_was_first(journal: Journal) -> None:
    await journal.post(letter("l1"))
    await journal.post(letter("l1", message=Cancel("another")))
    assert await journal.letters("r1") == (letter("l1"),)


async def test_a_letter_that_was_taken_is_gone_for_good(journal: Journal) -> None:
    await journal.post(letter("l1"))
    await journal.post(letter("l2"))
    await journal.append("r1", [entry("r1", 1)], taken=["l1"])
    assert await journal.letters("r1") == (letter("l2"),)
    await journal.post(letter("l1"))
    assert await journal.letters("r1") == (letter("l2"),)
    await journal.append("r1", [], taken=["l2", "never posted"])
    assert await journal.letters("r1") == ()


async def test_a_letter_to_another_run_cannot_be_taken(journal: Journal) -> None:
    await journal.post(letter("l1", "r2"))
    await journal.append("r1", [entry("r1", 1)], taken=["l1"])
    assert await journal.letters("r2") == (letter("l1", "r2"),)


async def test_a_letter_stays_where_the_entries_that_take_it_conflict(journal: Journal) -> None:
    await journal.append("r1", [entry("r1", 1)])
    await journal.post(letter("l1"))
    with pytest.raises(JournalConflict):
        await journal.append("r1", [entry("r1", 1)], taken=["l1"])
    assert await journal.letters("r1") == (letter("l1"),)


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
    with pytest.raises(JournalError, match="closed"):
        await journal.receive("github:1", entry("r1", 1))
    with pytest.raises(JournalError, match="closed"):
        await journal.post(letter("l1"))


async def test_a_run_that_is_forgotten_is_gone_with_its_letters_and_no_other_and_begins_no_second(
    journal: Journal,
) -> None:
    await journal.receive("github:1", entry("r1", 1, RECEIVED))
    await journal.append("r2", [entry("r2", 1, RECEIVED)])
    await journal.post(letter("l1"))
    await journal.post(letter("l2", "r2"))
    async with journal.hold("r1"):
        await journal.forget("r1")
    assert await journal.run_ids() == ("r2",)
    assert await journal.read("r1") == ()
    assert await journal.letters("r1") == ()
    assert len(await journal.letters("r2")) == 1
    assert await journal.receive("github:1", entry("r3", 1, RECEIVED)) == "r1"
    assert await journal.run_ids() == ("r2",)
