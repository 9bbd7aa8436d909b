"""The journal's SQLite file: how it is made, opened, held, and what is refused.

Write-ahead log with full synchronisation. A journal is made whole under another name and then renamed, so
nobody ever meets one that is half made, and a file that is empty was emptied by somebody. Whatever is refused
is refused before SQLite opens it, because opening alone may already change files.
Source of the settings: https://www.sqlite.org/pragma.html#pragma_synchronous
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from anton.adapters.document import alone_in
from anton.adapters.journal import failure, schema
from anton.adapters.journal.locks import locked
from anton.adapters.journal.store import Execute, Guard
from anton.core.errors import JournalError
from anton.system.files import replacement

APPLICATION_ID = 0x414E544E
"""`ANTN`; marks the file as ours. Source: https://www.sqlite.org/fileformat.html#application_id"""

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100


class SqliteStore:
    """A file (mode 0600), shared by any number of processes of one machine.

    It is made at the first use, and so is its folder (mode 0700) where there is none. The version of its
    tables is its `user_version`.
    """

    def __init__(self, path: Path, busy_seconds: float) -> None:
        self._path = path
        self._busy_seconds = busy_seconds

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self._path)

    def open(self) -> tuple[Engine, Engine]:
        """Make the file where there is none, refuse what is not one, bring an older one up to date."""
        path = self._path
        try:
            with alone_in(path.parent):
                if not path.exists():
                    self._create()
                if (version := _examine(path)) < schema.VERSION:
                    _change(path, version)
        except OSError as error:
            raise JournalError(f"the journal {str(path)!r} cannot be made or opened: {error}") from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self.explain(error) from error
        writing = self._engine("OFF")
        event.listen(writing, "begin", _begin_immediate)
        return writing, self._engine("ON")

    def explain(self, error: SQLAlchemyError | sqlite3.Error) -> JournalError:
        """SQLite's error, and what to do next."""
        return failure.explain(error, self._path)

    def insert_new(self, table: Table) -> Insert:
        """An insert that passes over rows that are there; see Store."""
        return insert(table).on_conflict_do_nothing()

    @asynccontextmanager
    async def hold(self, run_id: str, execute: Execute) -> AsyncIterator[Guard]:  # noqa: ARG002 - see Store
        """Hold a lock that the kernel frees when the process ends; it cannot be lost meanwhile."""
        with locked(self._path.parent / "locks", run_id):  # never waits, so it needs no thread
            yield _held

    def _engine(self, query_only: str) -> Engine:
        query = {"mode": "rw", "uri": "true"}  # a file that is gone by now is not made anew
        url = URL.create("sqlite", database=f"file:{quote(str(self._path))}", query=query)
        engine = create_engine(url, connect_args={"timeout": self._busy_seconds})

        def configure(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None  # transactions are begun by us, see _begin_immediate
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA query_only = {query_only}")

        event.listen(engine, "connect", configure)
        return engine

    def _create(self) -> None:
        path = self._path
        for left_over in (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal")):
            if left_over.exists():
                raise JournalError(
                    f"{str(left_over)!r} belongs to a journal that is gone: put {path.name!r} back beside "
                    "it, or move it away to begin anew"
                )
        with replacement(path) as draft:
            _change(draft, 0)


def _held(_connection: Connection) -> None:
    """Nothing is to be checked."""


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: a transaction that asks for it later fails without waiting.

    Source: https://www.sqlite.org/lang_transaction.html#deferred_immediate_and_exclusive_transactions
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _examine(path: Path) -> int:
    """The version of an existing journal, read from the file's header alone."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header:
        raise JournalError(
            f"the journal {str(path)!r} is an empty file, so its runs are lost: "
            "restore a copy, or remove it to begin anew"
        )
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise JournalError(f"{str(path)!r} is not a journal (nor any SQLite file): name another file")
    version = int.from_bytes(header[60:64], "big")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise JournalError(f"{str(path)!r} is a database of another program: name another file")
    if version > schema.VERSION:
        raise JournalError(
            f"the journal {str(path)!r} has version {version} and this Anton knows versions up to "
            f"{schema.VERSION}: install the newer Anton that wrote it, or name another file"
        )
    return version


def _change(path: Path, version: int) -> None:
    """Lead a file from a version (0: none) to the current one, in one transaction."""
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    with engine.connect() as connection:
        if (mode := connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar()) != "wal":
            raise JournalError(
                f"the disk of {str(path)!r} has no write-ahead log (it keeps to {mode}): "
                "put the journal on a local disk"
            )
        connection.rollback()
    event.listen(engine, "begin", _begin_immediate)
    with engine.begin() as connection:
        if version:
            schema.upgrade(connection, version)
        else:
            schema.create(connection)
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {schema.VERSION}")
