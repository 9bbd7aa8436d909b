"""Several machines with one database between them, as workers that are processes of their own.

Each has a state folder of its own. The runs are the demo's, played from its recording, so that no machine
needs a key.
"""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from anton.adapters.journal.sql import SqlJournal
from anton.adapters.queue.dbos import DbosQueue
from anton.core.event import Entry, RunReceived, TurnEnded
from anton.core.run import Phase, RunState, fold
from anton.core.work import WorkStarted
from anton.demo.build import demo_ticket, lay_out
from tests.entrypoints.shell import Shell
from tests.postgres import PostgresServer

PATIENCE_SECONDS = 120.0
"""After which a state that never comes fails a test."""


@dataclass
class Cluster:
    """A database, a repository on a disk that all see, and the workers that were started."""

    folder: Path
    url: str
    journal: SqlJournal
    queue: DbosQueue
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _desks: dict[str, Shell] = field(default_factory=dict)

    async def take_in(self, run_id: str) -> None:
        """What a server does with a ticket."""
        checkout = self.folder / run_id / "todo-service"
        await lay_out(checkout, checkout.with_suffix(".git"))
        received = RunReceived(demo_ticket(), str(checkout), "", "", str(self.folder / "reports"), "tester")
        await self.journal.receive(f"test:{run_id}", Entry(run_id, 1, datetime.now(UTC), received))
        await self.queue.put(run_id, str(checkout))

    def start_worker(self, name: str, **more: str) -> subprocess.Popen[bytes]:
        """Another machine, with more in its environment."""
        shell = Shell(self.folder / name, {"DATABASE_URL": self.url, "PYTHONFAULTHANDLER": "1", **more})
        with (self.folder / f"{name}.log").open("wb") as log:
            worker = subprocess.Popen(
                shell.argv("worker", "--unsafe-no-sandbox"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=shell.environment,
                cwd=shell.cwd,
            )
        self.workers.append(worker)
        return worker

    async def until(self, run_id: str, holds: Callable[[RunState, tuple[Entry, ...]], bool]) -> RunState:
        """The run, once something holds of it; other processes write to it, and tell nobody here."""
        entries: tuple[Entry, ...] = ()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not holds(fold(entries := await self.journal.read(run_id)), entries):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"it never came: {[entry.event for entry in entries[-5:]]}\n{self.logs()}")
        return fold(entries)

    async def until_there_are(self, workers: int) -> None:
        """Wait until so many workers have given a sign of life."""
        await self.journal.open()
        async with asyncio.timeout(PATIENCE_SECONDS), await psycopg.AsyncConnection.connect(self.url) as to:
            await to.set_autocommit(True)
            while True:
                found = await (await to.execute("SELECT count(*) FROM anton.workers")).fetchone()
                if found == (workers,):
                    return
                await asyncio.sleep(0.1)

    async def holder(self, run_id: str) -> subprocess.Popen[bytes]:
        """The worker that holds a run."""
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            found = await connection.execute("SELECT holder FROM anton.holds WHERE run_id = %s", [run_id])
            row = await found.fetchone()
        assert row is not None
        pid = int(re.findall(r"\d+", row[0])[0])
        return next(worker for worker in self.workers if worker.pid == pid)

    def desk(self, name: str) -> Shell:
        """Where a person sits; no worker is there."""
        if name not in self._desks:
            self._desks[name] = Shell(self.folder / f"desk-{name}", {"DATABASE_URL": self.url})
        return self._desks[name]

    async def approve(self, run_id: str) -> RunState:
        """Approve the briefing as a person does, and see the run to its end."""
        state = fold(await self.journal.read(run_id))
        assert state.briefing is not None
        said = await asyncio.to_thread(
            self.desk(run_id), "approve", run_id, "--digest", state.briefing.digest
        )
        assert said.status == 0, said
        return await self.until(run_id, lambda state, _: state.phase is Phase.CLOSED)

    async def finish(self, run_id: str) -> RunState:
        """Wait for a run's briefing, approve it, and see the run to its end."""
        await self.until(run_id, waits_for_a_decision)
        return await self.approve(run_id)

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@pytest.fixture
async def cluster(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Cluster]:
    url = postgres.new_database()
    made = Cluster(tmp_path, url, SqlJournal(url), DbosQueue(url, 4, 4))
    try:
        yield made
    finally:
        for worker in made.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()
        await made.journal.close()
        await made.queue.close()


def has_a_checkpoint(_: RunState, entries: tuple[Entry, ...]) -> bool:
    return any(isinstance(e.event, TurnEnded) and e.event.checkpoint for e in entries)


def waits_for_a_decision(state: RunState, _: tuple[Entry, ...]) -> bool:
    return state.phase is Phase.DECIDING


def takers(entries: tuple[Entry, ...]) -> list[Entry]:
    return [entry for entry in entries if isinstance(entry.event, WorkStarted)]
