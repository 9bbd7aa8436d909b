"""What the journal needs of a database: how it is opened, how a run is held there, what its errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Insert, Table
from sqlalchemy.exc import SQLAlchemyError

from anton.core.errors import JournalError

Result = TypeVar("Result")
Guard = Callable[[Connection], None]
"""Raises JournalConflict within a transaction if the run is not held any more."""
Execute = Callable[[str, Callable[[Connection], Any]], Awaitable[Any]]
"""Carry out statements for a run in a transaction; what they returned comes once it is on disk."""


class Store(Protocol):
    """One kind of database, at one place."""

    @property
    def name(self) -> str:
        """Where it is, without secrets."""
        ...

    def open(self) -> tuple[Engine, Engine]:
        """Engines to write and to read with; the tables are made, or brought up to date, before.

        Raises:
            JournalError: it cannot be used; the text says why and what to do.
        """
        ...

    def explain(self, error: SQLAlchemyError | sqlite3.Error) -> JournalError:
        """What the operator is told about a failed statement or connection."""
        ...

    def insert_new(self, table: Table) -> Insert:
        """An insert that passes over rows whose keys are there already."""
        ...

    def hold(self, run_id: str, execute: Execute) -> AbstractAsyncContextManager[Guard]:
        """Work on a run exclusively, among all who use this database; the guard goes with every write.

        Raises:
            RunBusy: it is held already; entering does not wait.
            JournalConflict: it was lost to another meanwhile; the block is cancelled.
        """
        ...
