"""What machines that work together share, by one PostgreSQL database; imported only where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import cast

from anton.adapters.queue.local import LocalQueue
from anton.adapters.repository.carried import CarriedRepository, Carrier
from anton.adapters.repository.git import GitRepository
from anton.ports import Queue, Repository
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
    adapter = import_module("anton.adapters.queue.dbos")
    limits = (server.runs, server.per_repository, server.runs_in_total)
    return cast("Queue", adapter.DbosQueue(shared, *limits))


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


def carried(
    repository: Callable[[str], GitRepository], carrier: Carrier | None
) -> Callable[[str], Repository]:
    """Repositories whose objects travel, where there is a carrier."""
    return (lambda path: CarriedRepository(repository(path), carrier)) if carrier else repository
