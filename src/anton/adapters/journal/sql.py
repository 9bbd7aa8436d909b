"""The journal in a database: durable when `append` returns, whatever happens to the process or the power.

One writing thread with group commit; reads on connections of their own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, select
from sqlalchemy.exc import SQLAlchemyError

from anton.adapters.journal.location import store_at
from anton.adapters.journal.schema import events, letters
from anton.adapters.journal.statements import Append, Forget, Post, Receive, row_of_entry, row_of_letter
from anton.adapters.journal.store import Guard, Result
from anton.adapters.journal.writer import Writer
from anton.core.codec import decode_event, decode_letter
from anton.core.errors import JournalError
from anton.core.event import Entry
from anton.core.letter import Letter

BUSY_SECONDS = 5.0
"""How long a commit waits for another program that has the database locked."""


class SqlJournal:
    """The Journal port on a SQLite file, shared on one machine, or on PostgreSQL, shared by many machines."""

    def __init__(self, location: str | Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """`location` is a path, or a URL: `sqlite:////var/lib/anton/journal.db`, `postgresql://host/anton`.

        Raises:
            UsageError: the URL is none of a database that can hold the journal.
        """
        self._store = store_at(location, busy_seconds)
        self._opening = Lock()
        self._closed = False
        self._engines: tuple[Engine, Engine] | None = None
        self._writer = Writer(lambda: self._opened()[0], self._store.explain)
        self._guards: dict[str, Guard] = {}
        """Of the runs that are held through this journal."""

    @property
    def description(self) -> str:
        """Where the journal is, without secrets."""
        return self._store.name

    async def open(self) -> None:
        """Make or check the database's tables now rather than at the first use.

        Raises:
            JournalError: it cannot be used; the text says why and what to do.
        """
        await asyncio.to_thread(self._opened)

    async def receive(self, delivery: str, entry: Entry) -> str:
        """Write a run's first entry, unless the delivery has begun a run before; see the port."""
        row = row_of_entry(entry.run_id, entry)
        return await self._execute(entry.run_id, Receive(delivery, row, self._store.insert_new))

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        """Write entries in one transaction, and take letters with it; see the port."""
        if entries or taken:
            rows = [row_of_entry(run_id, entry) for entry in entries]
            await self._execute(run_id, Append(run_id, rows, tuple(taken), self._guards.get(run_id)))

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
        await self._execute(letter.run_id, Post(row_of_letter(letter), self._store.insert_new))

    async def letters(self, run_id: str) -> tuple[Letter, ...]:
        """Letters to a run that nobody has taken yet; see the port."""
        return await asyncio.to_thread(self._letters, run_id)

    async def forget(self, run_id: str) -> None:
        """Remove a run, which the caller holds; see the port."""
        await self._execute(run_id, Forget(run_id, self._guards.get(run_id)))

    @asynccontextmanager
    async def hold(self, run_id: str) -> AsyncIterator[None]:
        """Work on a run exclusively, among all processes; see the port.

        Raises:
            RunBusy: another process holds the run.
            JournalConflict: on PostgreSQL, the run was lost to another process meanwhile.
        """
        async with self._store.hold(run_id, self._execute) as guard:
            self._guards[run_id] = guard
            try:
                yield
            finally:
                del self._guards[run_id]

    async def close(self) -> None:
        """Write what is waiting and let go of the database."""
        await asyncio.to_thread(self._close)

    async def _execute(self, run_id: str, execute: Callable[[Connection], Result]) -> Result:
        return await asyncio.wrap_future(self._writer.submit(run_id, execute))

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

    def _select(self, query: Select[Any]) -> Sequence[Row[Any]]:
        try:
            with self._opened()[1].connect() as connection:
                return connection.execute(query).all()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._store.explain(error) from error

    def _entry(self, run_id: str, row: Row[Any]) -> Entry:
        try:
            return Entry(run_id, row.number, datetime.fromisoformat(row.at), decode_event(row.body))
        except (JournalError, ValueError) as error:
            raise self._unreadable(f"entry {row.number} of run {run_id!r}", error) from error

    def _letter(self, run_id: str, row: Row[Any]) -> Letter:
        try:
            return decode_letter(row.body)
        except JournalError as error:
            raise self._unreadable(f"letter {row.id!r} to run {run_id!r}", error) from error

    def _unreadable(self, what: str, error: Exception) -> JournalError:
        return JournalError(f"{what} in {self.description!r} cannot be read: {error}")

    def _opened(self) -> tuple[Engine, Engine]:
        """The engines to write and to read with; the tables are made or checked before they are."""
        with self._opening:
            if self._closed:
                raise JournalError(f"the journal {self.description!r} is closed")
            if self._engines is None:
                self._engines = self._store.open()
            return self._engines
