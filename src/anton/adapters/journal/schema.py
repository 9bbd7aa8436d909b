"""The journal's tables, the same in every database, and their version.

A new journal is made from the tables as they are here; an older one is brought up to date step by step, see
`migration`. A test holds the two against each other.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, MetaData, Table, Text, text

VERSION = 3
"""Of the tables below. Every change of them counts it up, and adds a step to `migration`."""

_tables = MetaData()
_Key = Text().with_variant(Text(collation="C"), "postgresql")
"""A text that is compared byte by byte, as SQLite does of itself."""

events = Table(
    "events",
    _tables,
    Column("run_id", _Key, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", _Key, nullable=False),  # ISO 8601, UTC, microseconds: sorts as text
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON, see core/codec
)

deliveries = Table(
    "deliveries",
    _tables,
    Column("delivery", _Key, primary_key=True),
    Column("run_id", _Key, nullable=False),
)
"""Which run each delivery has begun, for good."""

letters = Table(
    "letters",
    _tables,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),  # as they came
    Column("id", _Key, nullable=False, unique=True),
    Column("run_id", _Key, nullable=False),
    Column("body", Text),  # JSON, see core/codec; none once the letter was taken
)
"""Letters to runs; of one that was taken the id stays, for good."""

_PARTIAL = {
    Index("runs_by_age", events.c.at, events.c.run_id): text("number = 1"),
    Index("letters_waiting", letters.c.run_id, letters.c.number): text("body IS NOT NULL"),
}
"""Indexes of some rows only, and of which."""


def create(connection: Connection) -> None:
    """Make all tables of the current version, within the connection's transaction."""
    for index, rows in _PARTIAL.items():  # named here, each database's code is only loaded where it is used
        index.dialect_kwargs[f"{connection.dialect.name}_where"] = rows
    _tables.create_all(connection, checkfirst=False)


def upgrade(connection: Connection, version: int) -> None:
    """Lead the tables of an older version to the current one, within the connection's transaction.

    What does it takes a second to import, and is needed once in the life of a version.
    """
    cast("None", import_module("anton.adapters.journal.migration").migrate(connection, version))
