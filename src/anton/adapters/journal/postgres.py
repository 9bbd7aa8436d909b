"""The journal on PostgreSQL 13 or later, shared by any number of machines; in a schema of its own, `anton`.

Connections go to the server itself, or through a pooler that keeps sessions.
"""

from __future__ import annotations

import sqlite3
from contextlib import AbstractAsyncContextManager, closing

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from anton.adapters.journal import lease, schema
from anton.adapters.journal.machines import about, tables
from anton.adapters.journal.postgres_failure import explain
from anton.adapters.journal.store import Execute, Guard
from anton.core.errors import JournalError

SCHEMA = "anton"
_LOCK = 0x414E544E
"""Of the database, while the tables are made or changed."""
_STALE_SECONDS = 10
"""After which the server ends a transaction whose client is silent: a stopped process holds nobody up."""

_CHANGE_SECONDS = 120
"""How long one waits while others make or change the tables."""


class PostgresStore:
    """A database that PostgreSQL serves; its tables are made at the first use."""

    def __init__(self, url: URL, busy_seconds: float, lease_seconds: float = lease.LEASE_SECONDS) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self._busy_seconds = busy_seconds
        self._lease_seconds = lease_seconds

    @property
    def name(self) -> str:
        """The database's URL, without user and password."""
        url = self._url
        host = url.host or str(url.query.get("host", "localhost"))
        return f"postgresql://{host}{f':{url.port}' if url.port else ''}/{url.database}"

    def open(self) -> tuple[Engine, Engine]:
        """Make the tables where there are none, refuse newer ones, bring older ones up to date."""
        engine = self._engine()
        try:
            with engine.connect() as connection:
                version = _version(connection)
            if version != schema.VERSION:
                self._prepare(engine)
        except SQLAlchemyError as error:
            engine.dispose()
            raise self.explain(error) from error
        except JournalError:
            engine.dispose()
            raise
        return engine, engine

    def explain(self, error: SQLAlchemyError | sqlite3.Error) -> JournalError:
        """PostgreSQL's error, and what to do next."""
        return explain(error, self.name)

    def insert_new(self, table: Table) -> Insert:
        """An insert that passes over rows that are there; see Store."""
        return insert(table).on_conflict_do_nothing()

    def hold(self, run_id: str, execute: Execute) -> AbstractAsyncContextManager[Guard]:
        """Hold a lease on the run; see Store."""
        return lease.leased(run_id, execute, self._lease_seconds)

    def _engine(self) -> Engine:
        quickly = {
            "connect_timeout": 5,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        }
        engine = create_engine(
            self._url,
            connect_args={**quickly, "tcp_user_timeout": 10_000},
            pool_pre_ping=True,  # a server that was restarted is found at the next use
            execution_options={"schema_translate_map": {None: SCHEMA}},
        )
        limits = {"lock_timeout": self._busy_seconds, "idle_in_transaction_session_timeout": _STALE_SECONDS}

        def configure(connection: DBAPIConnection, _record: object) -> None:
            with closing(connection.cursor()) as cursor:
                for name, seconds in limits.items():
                    cursor.execute(f"SET {name} = {round(seconds * 1000)}")
            connection.commit()

        event.listen(engine, "connect", configure)
        return engine

    def _prepare(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(text(f"SET LOCAL lock_timeout = {_CHANGE_SECONDS * 1000}"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            version = _version(connection)
            if version > schema.VERSION:
                raise JournalError(
                    f"the journal {self.name!r} has version {version} and this Anton knows versions up to "
                    f"{schema.VERSION}: install the newer Anton that wrote it, or name another database"
                )
            if version == 0:
                connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
                schema.create(connection)
                tables.create_all(connection, checkfirst=False)
                connection.execute(insert(about).values(version=schema.VERSION))
            elif version < schema.VERSION:
                schema.upgrade(connection, version)
                connection.execute(update(about).values(version=schema.VERSION))


def _version(connection: Connection) -> int:
    """Of the tables that are there; 0 where there are none.

    The catalogue is asked as a table: `to_regclass` may answer from before a lock that was waited for.
    """
    made = text("SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = :schema AND tablename = 'about'")
    if connection.scalar(made, {"schema": SCHEMA}) is None:
        return 0
    return int(connection.scalar(select(about.c.version)) or 0)
