"""Git objects in the journal's PostgreSQL database, from machine to machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeVar

from sqlalchemy import Engine, make_url, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from anton.adapters.journal.machines import objects
from anton.adapters.journal.postgres import PostgresStore
from anton.adapters.repository.carried import Carried

Result = TypeVar("Result")


class PostgresCarrier:
    """A carrier for all who share a database; opened at the first use.

    Args:
        url: Of the journal's database.
    """

    def __init__(self, url: str) -> None:
        self._store = PostgresStore(make_url(url.replace("postgres://", "postgresql://", 1)), 5.0)
        self._opening = Lock()
        self._engine: Engine | None = None

    async def offer(self, carried: Sequence[Carried]) -> None:
        """Keep objects for whoever lacks them; what is there already stays.

        Raises:
            JournalError: the database is out of reach.
        """
        rows = [
            {
                "id": each.id,
                "base": each.base,
                "remote": each.remote,
                "branch": each.branch,
                "packed": each.packed,
            }
            for each in carried
        ]

        def write(engine: Engine) -> None:
            with engine.begin() as connection:
                connection.execute(insert(objects).on_conflict_do_nothing(), rows)

        await self._told(write)

    async def find(self, object_id: str) -> Carried | None:
        """What was offered under an id.

        Raises:
            JournalError: the database is out of reach.
        """

        def read(engine: Engine) -> Carried | None:
            with engine.connect() as connection:
                row = connection.execute(select(objects).where(objects.c.id == object_id)).first()
            return None if row is None else Carried(row.id, row.base, row.packed, row.remote, row.branch)

        return await self._told(read)

    async def close(self) -> None:
        """Let go of the database."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(engine.dispose)

    async def _told(self, call: Callable[[Engine], Result]) -> Result:
        try:
            return await asyncio.to_thread(lambda: call(self._opened()))
        except SQLAlchemyError as error:
            raise self._store.explain(error) from error

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine, _ = self._store.open()
            return self._engine
