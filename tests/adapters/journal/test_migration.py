"""Journals of every released version are brought up to date, whole or not at all."""

from __future__ import annotations

import gzip
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from tests.postgres import PostgresServer

from anton.adapters.journal import migration, schema
from anton.adapters.journal.sql import SqlJournal
from anton.core.event import Entry, ProofStarted
from anton.core.run import Phase, fold

VERSIONS = sorted((Path(__file__).parent / "versions").glob("*.db.gz"))
"""A journal as each released version wrote it, with one whole run: that of `anton demo --yes`."""


@pytest.fixture(params=VERSIONS, ids=lambda path: path.name.partition(".")[0])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    path.write_bytes(gzip.decompress(request.param.read_bytes()))
    return path


def version_of(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[60:64], "big")


def rows_of(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM events ORDER BY run_id, number").fetchall()


def tables_of(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name FROM sqlite_master ORDER BY 1").fetchall()


def indexes_of(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY 1"
        ).fetchall()


def test_there_is_a_journal_of_every_earlier_version() -> None:
    assert [int(path.name.partition(".")[0]) for path in VERSIONS] == list(range(1, schema.VERSION))
    assert len(migration.STEPS) == schema.VERSION - 1


async def test_an_older_journal_keeps_its_runs_and_takes_what_is_new(old: Path) -> None:
    before = rows_of(old)
    journal = SqlJournal(old)
    (run_id,) = await journal.run_ids()
    entries = await journal.read(run_id)
    state = fold(entries)
    assert (len(entries), state.phase) == (len(before), Phase.CLOSED)
    assert await journal.letters(run_id) == ()
    await journal.receive("github:1", Entry("r2", 1, entries[0].at, ProofStarted(1)))
    await journal.close()
    assert [row for row in rows_of(old) if row[0] == run_id] == before


async def test_what_the_steps_lead_to_is_what_a_new_journal_has(old: Path) -> None:
    for path in (old, old.with_name("new.db")):
        journal = SqlJournal(path)
        await journal.open()
        await journal.close()
    engine = create_engine(f"sqlite:///{old}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.events.metadata) == []
    engine.dispose()
    assert indexes_of(old) == indexes_of(old.with_name("new.db"))


KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from anton.adapters.journal.sql import SqlJournal

left = int(sys.argv[2])

def count(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", count)
SqlJournal(sys.argv[1])._opened()
"""


def test_killed_before_any_statement_the_journal_is_as_it_was_or_up_to_date(
    old: Path, tmp_path: Path
) -> None:
    before = rows_of(old)
    whole = tmp_path / "whole.db"
    shutil.copy(old, whole)
    for statement in range(100):
        for left_over in tmp_path.glob("journal.db*"):
            left_over.unlink()
        shutil.copy(whole, old)
        ended = subprocess.run([sys.executable, "-c", KILLED, str(old), str(statement)], check=False)
        assert rows_of(old) == before
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
        with closing(sqlite3.connect(old)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (version_of(whole),)
        assert tables_of(old) == tables_of(whole)
    assert statement > 3
    assert version_of(old) == schema.VERSION


def test_nothing_of_the_migration_is_loaded_where_the_journal_is_up_to_date(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys
from anton.adapters.journal.sql import SqlJournal

async def main():
    journal = SqlJournal({str(tmp_path / "journal.db")!r})
    await journal.open()
    await journal.close()
    print([name for name in ("alembic", "psycopg", "sqlalchemy.dialects.postgresql") if name in sys.modules])

asyncio.run(main())
"""
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert told == "[]\n"


def test_the_steps_lead_to_the_same_on_postgresql(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    engine = create_engine(
        url.replace("postgresql:", "postgresql+psycopg:"),
        execution_options={"schema_translate_map": {None: "anton"}},
    )
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA anton"))
        schema.events.create(connection)
        migration.migrate(connection, 1)
        connection.execute(text("SET search_path TO anton"))
        plain = connection.execution_options(schema_translate_map=None)
        assert compare_metadata(MigrationContext.configure(plain), schema.events.metadata) == []
    engine.dispose()
