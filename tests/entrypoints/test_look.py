"""What `anton runs` lists."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anton.adapters.journal.sql import SqlJournal
from anton.core.event import AgentStarted, BaseResolved, Entry, Event, RunReceived
from anton.core.ticket import Ticket
from anton.entrypoints.look import NEWEST
from tests.entrypoints.shell import Shell

START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
RECEIVED = RunReceived(Ticket("BUG-1", "It breaks", "Badly."), "/srv/app", "", "", "/srv/reports", "Jo")
EVENTS: Sequence[Event] = (
    RECEIVED,
    BaseResolved("b" * 40, "t" * 40, "main", "Begin", "/srv/app.git"),
    AgentStarted("code", "m", "You are.", "Fix it.", ()),
)


@pytest.fixture
def anton(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def receive(anton: Shell, runs: int) -> None:
    """Take in runs r0, r1, … a minute apart; each is under way."""

    async def append() -> None:
        journal = SqlJournal(anton.home / "journal.db")
        for number in range(runs):
            at = START + timedelta(minutes=number)
            run_id = f"r{number}"
            await journal.append(run_id, [Entry(run_id, n, at, event) for n, event in enumerate(EVENTS, 1)])
        await journal.close()

    asyncio.run(append())


def listed(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines() if "BUG-1" in line]


def test_the_newest_runs_are_listed_and_how_many_are_not(anton: Shell) -> None:
    receive(anton, NEWEST + 2)
    said = anton.inside("runs")
    assert listed(said.out) == [f"r{number}" for number in range(NEWEST + 1, 1, -1)]
    assert said.out.endswith("2 more, which are older: anton runs --all\n")
    assert "working" in said.out


def test_all_runs_are_listed_if_that_is_asked(anton: Shell) -> None:
    receive(anton, NEWEST + 2)
    said = anton.inside("runs", "--all")
    assert listed(said.out) == [f"r{number}" for number in range(NEWEST + 1, -1, -1)]
    assert "older" not in said.out


def test_a_run_that_cannot_be_read_does_not_hide_the_others(anton: Shell) -> None:
    receive(anton, 2)
    with closing(sqlite3.connect(anton.home / "journal.db")) as database, database:
        database.execute("""UPDATE events SET body = '{"kind": 1}' WHERE run_id = 'r0' AND number = 2""")
    said = anton.inside("runs")
    assert (listed(said.out), said.status) == (["r1"], 1)
    assert said.err.startswith("anton: run r0 cannot be read: entry 2 of run 'r0' in ")


def test_how_runs_went_is_counted(anton: Shell) -> None:
    receive(anton, 3)
    said = anton.inside("runs", "--stats")
    assert said.out.startswith("3 runs\n")
    assert "runs by end: 3 open" in said.out
    assert said.status == 0


def test_how_runs_went_can_be_asked_of_some(anton: Shell) -> None:
    receive(anton, 3)
    for narrowed, runs in (
        (["--days", "1"], 0),
        (["--repository", "app"], 3),
        (["--repository", "other"], 0),
    ):
        said = anton.inside("runs", "--stats", "--json", *narrowed)
        assert json.loads(said.out)["all"]["runs"] == runs


def test_what_only_statistics_heed_is_refused_without_them(anton: Shell) -> None:
    said = anton.inside("runs", "--json")
    assert (said.out, said.status) == ("", 2)
    assert "anton runs --stats" in said.err


def test_a_run_that_cannot_be_read_is_left_out_of_the_count_and_named(anton: Shell) -> None:
    receive(anton, 2)
    with closing(sqlite3.connect(anton.home / "journal.db")) as database, database:
        database.execute("""UPDATE events SET body = '{"kind": 1}' WHERE run_id = 'r0' AND number = 1""")
    said = anton.inside("runs", "--stats")
    assert (said.out.splitlines()[0], said.status) == ("1 run", 1)
    assert said.err.startswith("anton: run r0 cannot be read")
