"""The journal's file: its tables, its versions, how it is made and what is refused.

A journal is made whole under another name and then renamed, so nobody ever meets one that is half made, and
a file that is empty was emptied by somebody. Whatever is refused is refused before SQLite opens it, because
opening alone may already change files.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, Text

from anton.adapters.document import alone_in
from anton.adapters.journal.failure import explain
from anton.core.errors import JournalError
from anton.system.files import replacement

APPLICATION_ID = 0x414E544E
"""`ANTN`; marks the file as ours. Source: https://www.sqlite.org/fileformat.html#application_id"""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE events (
            run_id TEXT NOT NULL,
            number INTEGER NOT NULL,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (run_id, number)
        )
        """,
        "CREATE INDEX runs_by_age ON events (at, run_id) WHERE number = 1",
    ),
    (
        "CREATE TABLE deliveries (delivery TEXT NOT NULL PRIMARY KEY, run_id TEXT NOT NULL)",
        """
        CREATE TABLE letters (
            number INTEGER NOT NULL PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            run_id TEXT NOT NULL,
            body TEXT
        )
        """,
        "CREATE INDEX letters_waiting ON letters (run_id, number) WHERE body IS NOT NULL",
    ),
)
"""Statements that lead from version 0 (an empty file) to 1, to 2, and so on. A released one never changes."""

VERSION = len(STEPS)
"""Kept in the file as `user_version`."""

_metadata = MetaData()

events = Table(
    "events",
    _metadata,
    Column("run_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),  # ISO 8601, UTC, microseconds: sorts as text
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON, see core/codec
)

deliveries = Table(
    "deliveries",
    _metadata,
    Column("delivery", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
)
"""Which run each delivery has begun, for good."""

letters = Table(
    "letters",
    _metadata,
    Column("number", Integer, primary_key=True),  # the order in which they came
    Column("id", Text, nullable=False, unique=True),
    Column("run_id", Text, nullable=False),
    Column("body", Text),  # JSON, see core/codec; none once the letter was taken
)
"""Letters to runs; of one that was taken the id stays, for good."""

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100


def prepare(path: Path) -> None:
    """Make the journal where there is none, refuse what is not one, bring an older one up to date.

    Raises:
        JournalError: the file is empty, damaged, another program's or a newer version's, or cannot be made.
    """
    try:
        with alone_in(path.parent):
            if not path.exists():
                _create(path)
            if _examine(path) < VERSION:
                _upgrade(path)
    except OSError as error:
        raise JournalError(f"the journal {str(path)!r} cannot be made or opened: {error}") from error
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _create(path: Path) -> None:
    for left_over in (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal")):
        if left_over.exists():
            raise JournalError(
                f"{str(left_over)!r} belongs to a journal that is gone: put {path.name!r} back beside it, "
                "or move it away to begin anew"
            )
    with replacement(path) as draft:
        _upgrade(draft)


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
    if version > VERSION:
        raise JournalError(
            f"the journal {str(path)!r} has version {version} and this Anton knows versions up to {VERSION}: "
            "install the newer Anton that wrote it, or name another file"
        )
    return version


def _upgrade(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise JournalError(
                f"the disk of {str(path)!r} has no write-ahead log: put the journal on a local disk"
            )
        connection.execute("BEGIN IMMEDIATE")
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        for statements in STEPS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
