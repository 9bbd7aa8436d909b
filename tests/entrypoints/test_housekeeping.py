"""`anton gc`, `export` and `import` as a person types them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anton.adapters.journal.sql import SqlJournal
from anton.core.event import Entry, Event, RunClosed, RunOutcome, RunReceived
from anton.core.ticket import Ticket
from tests.entrypoints.shell import Shell

START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
CLOSED = RunClosed(RunOutcome.FAILED, "it was cancelled")


@pytest.fixture
def anton(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def received(anton: Shell) -> RunReceived:
    ticket = Ticket("BUG-1", "It breaks", "Badly.")
    return RunReceived(ticket, str(anton.folder / "app"), "", "", str(anton.folder / "reports"), "Jo")


def keep(anton: Shell, run: str, *events: Event) -> None:
    async def append() -> None:
        journal = SqlJournal(anton.home / "journal.db")
        await journal.append(
            run, [Entry(run, number, START, event) for number, event in enumerate(events, 1)]
        )
        await journal.close()

    asyncio.run(append())


def test_old_runs_go_when_it_is_said_and_not_before_and_open_ones_never(anton: Shell) -> None:
    keep(anton, "r1", received(anton), CLOSED)
    keep(anton, "r2", received(anton))
    assert anton.inside("gc").out == "Nothing to throw away.\n"
    (anton.cwd / "anton.toml").write_text("[retention]\ndays = 30\n")
    said = anton.inside("gc")
    assert said.out.startswith("run          r1, closed 2026-03-01\n1 can go; nothing"), said
    assert "r1" in anton.inside("runs").out
    assert anton.inside("gc", "--delete").out.endswith("1 thrown away.\n")
    left = anton.inside("runs").out
    assert "r1" not in left
    assert "r2" in left


def test_a_run_is_carried_to_another_machine_and_back(anton: Shell, tmp_path: Path) -> None:
    keep(anton, "r1", received(anton), CLOSED)
    said = anton.inside("export", "r1", "run.gz")
    assert (said.status, said.out.partition("(")[0]) == (0, "Run r1 is in run.gz "), said
    other = Shell(tmp_path / "other")
    file = str(anton.cwd / "run.gz")
    assert other.inside("import", file).status == 0
    assert "it was cancelled" in other.inside("show", "r1").out
    again = other.inside("import", file)
    assert (again.status, "anton show r1" in again.err) == (2, True), again


def test_what_cannot_be_carried_is_named(anton: Shell) -> None:
    keep(anton, "r2", received(anton))
    for arguments, words in (
        (("export", "r2", "run.gz"), "is not over"),
        (("export", "r9", "run.gz"), "no run 'r9'"),
        (("import", "missing.gz"), "cannot be read"),
        (("import", "anton.toml"), "no run that anton export wrote"),
    ):
        (anton.cwd / "anton.toml").write_text("")
        said = anton.inside(*arguments)
        assert said.status == 2, said
        assert words in said.err, said
