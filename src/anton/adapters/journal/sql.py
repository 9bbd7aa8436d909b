"""The journal in a SQLite file: durable when `append` returns, whatever happens to the process or the power.

Write-ahead log with full synchronisation; one writing thread with group commit; reads on connections of their
own. Source of the settings: https://www.sqlite.org/pragma.html#pragma_synchronous
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Row,
    Select,
    Table,
    create_engine,
    event,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from anton.adapters.journal import schema
from anton.adapters.journal.failure import explain
from anton.adapters.journal.locks import locked
from anton.adapters.journal.schema import events, letters
from anton.adapters.journal.statements import Append, Post, Receive, row_of_entry, row_of_letter
from anton.adapters.journal.writer import Writer
from anton.core.codec import decode_event, decode_letter
from anton.core.errors import JournalError, UsageError
from anton.core.event import Entry
from anton.core.letter import Letter

BUSY_SECONDS = 5.0
"""How long a commit waits for another program that has the file locked."""


class SqlJournal:
    """The Journal port on one SQLite file, shared by any number of processes.

    The file (mode 0600) is made at the first use, and so is its folder (mode 0700) where there is none.
    """

    def __init__(self, location: str | Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """`location` is a path or a URL such as `sqlite:////var/lib/anton/journal.db`.

        Raises:
            UsageError: the URL is not one of a SQLite file.
        """
        self.path = _path_of(location)
        self._busy_seconds = busy_seconds
        self._opening = Lock()
        self._closed = False
        self._engines: tuple[Engine, Engine] | None = None
        self._writer = Writer(lambda: self._opened()[0], lambda error: explain(error, self.path))

    async def open(self) -> None:
        """Make or check the file now rather than at the first use.

        Raises:
            JournalError: the file cannot be used; the text says why and what to do.
        """
        await asyncio.to_thread(self._opened)

    async def receive(self, delivery: str, entry: Entry) -> str:
        """Write a run's first entry, unless the delivery has begun a run before; see the port."""
        receiving = Receive(delivery, row_of_entry(entry.run_id, entry), _insert_new)
        return await asyncio.wrap_future(self._writer.submit(entry.run_id, receiving))

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        """Write entries in one transaction, and take letters with it; see the port."""
        if entries or taken:
            appending = Append(run_id, [row_of_entry(run_id, entry) for entry in entries], tuple(taken))
            await asyncio.wrap_future(self._writer.submit(run_id, appending))

    async def read(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """A run's entries with a number greater than `after`; see the port."""
        return await asyncio.to_thread(self._read, run_id, events.c.number > after)

    async def read_kinds(self, run_id: str, kinds: Collection[str]) -> tuple[Entry, ...]:
        """A run's entries of these kinds; see the port."""
        return await asyncio.to_thread(self._read, run_id, events.c.kind.in_(tuple(kinds)))

    async def run_ids(self) -> tuple[str, ...]:
        """All runs, oldest first."""
        return await asyncio.to_thread(self._run_ids)

    async def post(self, letter: Letter) -> None:
        """Leave a letter for whoever works on its run; see the port."""
        posting = Post(row_of_letter(letter), _insert_new)
        await asyncio.wrap_future(self._writer.submit(letter.run_id, posting))

    async def letters(self, run_id: str) -> tuple[Letter, ...]:
        """Letters to a run that nobody has taken yet; see the port."""
        return await asyncio.to_thread(self._letters, run_id)

    @asynccontextmanager
    async def hold(self, run_id: str) -> AsyncIterator[None]:
        """Work on a run exclusively, among all processes; see the port."""
        with locked(self.path.parent / "locks", run_id):  # never waits, so it needs no thread
            yield

    async def close(self) -> None:
        """Write what is waiting and let go of the file."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        with self._opening:
            self._closed = True
            engines, self._engines = self._engines, None
        for engine in engines or ():
            engine.dispose()

    def _read(self, run_id: str, which: ColumnElement[bool]) -> tuple[Entry, ...]:
        query = (
            select(events.c.number, events.c.at, events.c.body)
            .where(events.c.run_id == run_id, which)
            .order_by(events.c.number)
        )
        return tuple(self._entry(run_id, row) for row in self._select(query))

    def _run_ids(self) -> tuple[str, ...]:
        query = select(events.c.run_id).where(events.c.number == 1).order_by(events.c.at, events.c.run_id)
        return tuple(row.run_id for row in self._select(query))

    def _letters(self, run_id: str) -> tuple[Letter, ...]:
        query = (
            select(letters.c.id, letters.c.body)
            .where(letters.c.run_id == run_id, letters.c.body.is_not(None))
            .order_by(letters.c.number)
        )
        return tuple(self._letter(run_id, row) for row in self._select(query))

    def _letter(self, run_id: str, row: Row[Any]) -> Letter:
        try:
            return decode_letter(row.body)
        except JournalError as error:
            raise JournalError(
                f"letter {row.id!r} to run {run_id!r} in {str(self.path)!r} cannot be read: {error}"
            ) from error

    def _select(self, query: Select[Any]) -> Sequence[Row[Any]]:
        try:
            with self._opened()[1].connect() as connection:
                return connection.execute(query).all()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise explain(error, self.path) from error

    def _entry(self, run_id: str, row: Row[Any]) -> Entry:
        try:
            return Entry(run_id, row.number, datetime.fromisoformat(row.at), decode_event(row.body))
        except (JournalError, ValueError) as error:
            raise JournalError(
                f"entry {row.number} of run {run_id!r} in {str(self.path)!r} cannot be read: {error}"
            ) from error

    def _opened(self) -> tuple[Engine, Engine]:
        """The engines to write and to read with; the file is made or checked before they are."""
        with self._opening:
            if self._closed:
                raise JournalError(f"the journal {str(self.path)!r} is closed")
            if self._engines is None:
                schema.prepare(self.path)
                self._engines = (self._engine("OFF"), self._engine("ON"))
                event.listen(self._engines[0], "begin", _begin_immediate)
            return self._engines

    def _engine(self, query_only: str) -> Engine:
        query = {"mode": "rw", "uri": "true"}  # a file that is gone by now is not made anew
        url = URL.create("sqlite", database=f"file:{quote(str(self.path))}", query=query)
        engine = create_engine(url, connect_args={"timeout": self._busy_seconds})

        def configure(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None  # transactions are begun by us, see _begin_immediate
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA query_only = {query_only}")

        event.listen(engine, "connect", configure)
        return engine


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: a transaction that asks for it later fails without waiting.

    Source: https://www.sqlite.org/lang_transaction.html#deferred_immediate_and_exclusive_transactions
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _insert_new(table: Table) -> Insert:
    return insert(table).on_conflict_do_nothing()


def _path_of(location: str | Path) -> Path:
    if isinstance(location, Path) or "://" not in location:
        return Path(location).absolute()
    try:
        url = make_url(location)
    except ArgumentError:
        raise UsageError("the journal's URL cannot be read: write it as 'sqlite:////absolute/path'") from None
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise UsageError(
            f"{url.render_as_string(hide_password=True)!r} cannot hold the journal: "
            "give the path of a file, or 'sqlite:////absolute/path'"
        )
    return Path(url.database).absolute()
