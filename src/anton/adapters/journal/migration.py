"""How the tables of each version are led to those of the next.

A step that was released never changes: it says what the tables were then, so it names nothing of `schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import BigInteger, Column, Connection, Integer, Text, text


def _to_2(tables: Operations) -> None:
    """Remember what began each run, and keep letters."""
    key = Text().with_variant(Text(collation="C"), "postgresql")
    tables.create_table(
        "deliveries",
        Column("delivery", key, primary_key=True),
        Column("run_id", key, nullable=False),
    )
    tables.create_table(
        "letters",
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("id", key, nullable=False, unique=True),
        Column("run_id", key, nullable=False),
        Column("body", Text),
    )
    waiting = text("body IS NOT NULL")
    tables.create_index(
        "letters_waiting", "letters", ["run_id", "number"], sqlite_where=waiting, postgresql_where=waiting
    )


def _to_3(tables: Operations) -> None:
    """Remember when an object was last offered, where machines share a journal."""
    if tables.get_context().dialect.name == "postgresql":
        tables.execute(
            "ALTER TABLE IF EXISTS anton.objects ADD COLUMN offered timestamptz NOT NULL DEFAULT now()"
        )


STEPS: Sequence[Callable[[Operations], None]] = (_to_2, _to_3)
"""From version 1 to 2, from 2 to 3, and so on."""


def migrate(connection: Connection, version: int) -> None:
    """Take all steps from a version on, within the connection's transaction."""
    tables = Operations(MigrationContext.configure(connection))
    for step in STEPS[version - 1 :]:
        step(tables)
