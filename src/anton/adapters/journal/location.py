"""Where a journal is, as a setting names it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from anton.adapters.journal.sqlite import SqliteStore
from anton.adapters.journal.store import Store
from anton.core.errors import UsageError

_FORMS = "'sqlite:////absolute/path' or 'postgresql://user:password@host/database'"


def store_at(location: str | Path, busy_seconds: float) -> Store:
    """The database at a path or URL; it is not opened yet.

    Raises:
        UsageError: the URL is none of a database that can hold the journal.
    """
    if isinstance(location, Path) or "://" not in location:
        return SqliteStore(Path(location).absolute(), busy_seconds)
    url = _parsed(location)
    match url.get_backend_name():
        case "sqlite" if url.database and url.database != ":memory:":
            return SqliteStore(Path(url.database).absolute(), busy_seconds)
        case "postgresql" if url.database:  # its driver takes long to import
            module = import_module("anton.adapters.journal.postgres")
            return cast("Store", module.PostgresStore(url, busy_seconds))
        case _:
            raise UsageError(
                f"{url.set(query={}).render_as_string(hide_password=True)!r} cannot hold the journal: "
                f"give the path of a file, or {_FORMS}"
            )


def _parsed(location: str) -> URL:
    try:
        return make_url(location.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):
        raise UsageError(f"the journal's URL cannot be read: write it as {_FORMS}") from None
