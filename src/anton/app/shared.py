"""What machines that work together share, by one PostgreSQL database; imported only where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from anton.adapters.queue.local import LocalQueue
from anton.adapters.repository.carried import CarriedRepository, Carrier
from anton.adapters.repository.git import GitRepository
from anton.ports import Queue, Repository
from anton.ports.leftovers import Leftovers, Waste
from anton.settings import Settings


def shared_database(settings: Settings) -> str | None:
    """URL of the journal's database, where other machines can have it too."""
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    return url if url.startswith(("postgres:", "postgresql:", "postgresql+")) else None


def queue_of(settings: Settings) -> Queue:
    """The queue of all who share the journal; DBOS takes a second to import, and one machine needs none."""
    server, shared = settings.server, shared_database(settings)
    if shared is None:
        return LocalQueue(server.runs, server.per_repository)
    return cast("Queue", _shared_queue(settings, shared))


@asynccontextmanager
async def carrier_of(settings: Settings) -> AsyncIterator[Carrier | None]:
    """What takes git objects from machine to machine; None where there is one machine only."""
    shared = shared_database(settings)
    if shared is None:
        yield None
        return
    carrier = import_module("anton.adapters.journal.objects").PostgresCarrier(shared)
    try:
        yield cast("Carrier", carrier)
    finally:
        await carrier.close()


def leftovers_of(settings: Settings, carrier: Carrier | None) -> tuple[Leftovers, ...]:
    """Places in the shared database that something is left in; none where there is one machine only."""
    shared = shared_database(settings)
    return (cast("Leftovers", carrier), _InQueue(settings, shared)) if carrier and shared else ()


@dataclass(frozen=True, slots=True)
class _InQueue:
    """The queue as such a place, opened once somebody asks."""

    settings: Settings
    database: str

    async def sweep(self, open_runs: Collection[str], *, delete: bool) -> tuple[Waste, ...]:
        queue = _shared_queue(self.settings, self.database)
        try:
            return cast("tuple[Waste, ...]", await queue.sweep(open_runs, delete=delete))
        finally:
            await queue.close()


def _shared_queue(settings: Settings, database: str) -> Any:  # noqa: ANN401 - its type is imported with DBOS
    server = settings.server
    adapter = import_module("anton.adapters.queue.dbos")
    return adapter.DbosQueue(database, server.runs, server.per_repository, server.runs_in_total)


def carried(
    repository: Callable[[str], GitRepository], carrier: Carrier | None
) -> Callable[[str], Repository]:
    """Repositories whose objects travel, where there is a carrier."""
    return (lambda path: CarriedRepository(repository(path), carrier)) if carrier else repository
