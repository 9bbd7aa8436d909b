"""Git objects in the journal's PostgreSQL database, from machine to machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from threading import Lock
from typing import TypeVar

from sqlalchemy import Engine, func, make_url, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from anton.adapters.journal.machines import objects
from anton.adapters.journal.postgres import PostgresStore
from anton.adapters.repository.carried import Carried
from anton.ports.leftovers import Waste

Result = TypeVar("Result")

_UNNEEDED = text("""
WITH RECURSIVE roots(id) AS (
    SELECT (regexp_matches(body, '[0-9a-f]{40,}', 'g'))[1] FROM anton.events WHERE run_id = ANY(:open)
    UNION
    SELECT id FROM anton.objects WHERE offered > now() - interval '1 day'
), needed(id, base) AS (
    SELECT id, base FROM anton.objects JOIN roots USING (id)
    UNION
    SELECT below.id, below.base FROM anton.objects AS below JOIN needed ON below.id = needed.base
)
SELECT id, coalesce(octet_length(packed), 0) AS size FROM anton.objects
WHERE offered <= now() - interval '1 day' AND id NOT IN (SELECT id FROM needed)
""")
"""What no open run's journal names or builds on, and what was not offered for a day: a run may be about to
name what is younger."""
_LOCK = text("""
SELECT id FROM anton.objects WHERE id = ANY(:unneeded) AND offered <= now() - interval '1 day'
FOR UPDATE SKIP LOCKED
""")
"""What was offered again meanwhile stays, and so does what is being offered; what is locked cannot be."""
_DELETE = text("""
WITH RECURSIVE standing(id, base) AS (
    SELECT id, base FROM anton.objects WHERE id <> ALL(:locked)
    UNION
    SELECT below.id, below.base FROM anton.objects AS below JOIN standing ON below.id = standing.base
)
DELETE FROM anton.objects WHERE id = ANY(:locked) AND id NOT IN (SELECT id FROM standing) RETURNING id
""")
"""Of what is locked, all that nothing builds on which stays."""
_OFFER = insert(objects).on_conflict_do_update(index_elements=[objects.c.id], set_={"offered": func.now()})


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
        """Keep objects for whoever lacks them; what is there already stays, and is as new again.

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
                connection.execute(_OFFER, rows)

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

    async def sweep(self, open_runs: Collection[str], *, delete: bool) -> tuple[Waste, ...]:
        """Objects that no run which is not over stands on; see the port.

        Raises:
            JournalError: the database is out of reach.
        """

        def write(engine: Engine) -> dict[str, int]:
            with engine.begin() as connection:
                found = connection.execute(_UNNEEDED, {"open": sorted(open_runs)}).all()
                sizes = {row.id: int(row.size) for row in found}
                if not delete or not sizes:
                    return sizes
                locked = connection.scalars(_LOCK, {"unneeded": [*sizes]}).all()
                return {gone: sizes[gone] for gone in connection.scalars(_DELETE, {"locked": locked})}

        sizes = await self._told(write)
        if not sizes:
            return ()
        return (Waste("git objects", f"{len(sizes)} in the database", sum(sizes.values())),)

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
