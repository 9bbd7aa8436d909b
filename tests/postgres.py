"""A PostgreSQL server of the tests' own: in a temporary folder, on a socket that only this machine has.

PostgreSQL refuses to be run by root, so there it is run by the user `nobody`.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql


@dataclass(frozen=True)
class PostgresServer:
    """A running server; its superuser is `anton`, without a password."""

    programs: Path
    folder: Path
    user: str | None
    """Who runs it; None is whoever runs the tests."""

    @property
    def socket(self) -> str:
        """The folder of its socket."""
        return str(self.folder)

    def url(self, database: str) -> str:
        """Of one of its databases."""
        return f"postgresql://anton@/{database}?host={self.socket}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def execute(self, statement: sql.SQL | sql.Composed, url: str = "") -> None:
        """Carry out a statement as superuser."""
        with psycopg.connect(url or self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def make(self) -> None:
        """Make the empty cluster."""
        self._run(
            "initdb",
            "--pgdata",
            str(self._data),
            "-U",
            "anton",
            "-A",
            "trust",
            "-N",
            "--no-locale",
            "-E",
            "UTF8",
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-k {self.socket} -c listen_addresses= -c fsync=off -c max_connections=200"
        self._run(
            "pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self.folder / "log"), "-o", options
        )

    def stop(self) -> None:
        """Stop it at once; its clients lose their connections."""
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self._data))

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.programs / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.user,
            group=pwd.getpwnam(self.user).pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )


def _programs() -> Path | None:
    """The folder of the newest server on this machine; Debian keeps it off PATH."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((found.parent for found in installed), key=lambda found: int(found.parts[4]), default=None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server, for all tests of a session."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed; Debian's package is 'postgresql'")
    folder = Path(tempfile.mkdtemp(prefix="anton-postgres-"))  # short enough for a socket's path
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    server = PostgresServer(programs, folder, user)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
