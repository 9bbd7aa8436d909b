"""Two workers, as two machines have them: each with a state folder of its own, one PostgreSQL between them.

The runs are the demo's, played from its recording, so that no machine needs a key. One worker is killed, or
stopped and woken too late; the other goes on where the journal stands.
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
from anton.core.event import Entry, RunOutcome, RunReceived, TurnEnded
from anton.core.run import Phase, RunState, fold
from anton.core.work import WorkStarted
from anton.demo.build import demo_ticket, lay_out
from tests.entrypoints.shell import Shell
from tests.office import git
from tests.postgres import PostgresServer

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 120.0
"""After which a state that never comes fails a test."""
TAKEN_OVER_SECONDS = 30.0
"""Within which another worker has to be at work; what the operations guide promises."""


@dataclass
class Cluster:
    """A database, a repository on a disk that all see, and the workers that were started."""

    folder: Path
    url: str
    journal: SqlJournal
    queue: DbosQueue
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def take_in(self, run_id: str) -> None:
        """What a server does with a ticket."""
        checkout = self.folder / run_id / "todo-service"
        await lay_out(checkout, checkout.with_suffix(".git"))
        received = RunReceived(demo_ticket(), str(checkout), "", "", str(self.folder / "reports"), "tester")
        await self.journal.receive(f"test:{run_id}", Entry(run_id, 1, datetime.now(UTC), received))
        await self.queue.put(run_id, str(checkout))

    def start_worker(self, name: str, **more: str) -> subprocess.Popen[bytes]:
        """Another machine."""
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

    async def holder(self, run_id: str) -> subprocess.Popen[bytes]:
        """The worker that holds a run."""
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            found = await connection.execute("SELECT holder FROM anton.holds WHERE run_id = %s", [run_id])
            row = await found.fetchone()
        assert row is not None
        pid = int(re.findall(r"\d+", row[0])[0])
        return next(worker for worker in self.workers if worker.pid == pid)

    async def approve(self, run_id: str) -> RunState:
        """Approve the briefing as a person does, and see the run to its end."""
        state = fold(await self.journal.read(run_id))
        assert state.briefing is not None
        shell = Shell(self.folder / "desk", {"DATABASE_URL": self.url})
        said = await asyncio.to_thread(shell, "approve", run_id, "--digest", state.briefing.digest)
        assert said.status == 0, said
        return await self.until(run_id, lambda state, _: state.phase is Phase.CLOSED)

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


async def test_a_killed_workers_run_goes_on_at_another_machine_within_half_a_minute(cluster: Cluster) -> None:
    await cluster.take_in("r1")
    cluster.start_worker("one")
    await cluster.until("r1", has_a_checkpoint)
    cluster.start_worker("two")
    (await cluster.holder("r1")).kill()
    killed_at = datetime.now(UTC)
    await cluster.until("r1", lambda _, entries: len(takers(entries)) == 2)
    second = takers(await cluster.journal.read("r1"))[1]
    state = await cluster.until("r1", waits_for_a_decision)
    assert state.briefing is not None
    assert state.briefing.green
    assert (second.at - killed_at).total_seconds() < TAKEN_OVER_SECONDS, cluster.logs()
    closed = await cluster.approve("r1")
    assert closed.closed is not None
    assert closed.closed.outcome is RunOutcome.DELIVERED
    remote = cluster.folder / "r1" / "todo-service.git"
    assert git(remote, "branch", "--list", "fix/*").split() == [closed.branch]
    pull_requests = list(cluster.folder.glob("*/anton-home/pull_requests/*.md"))
    assert len(pull_requests) == 1


async def test_a_worker_that_wakes_too_late_writes_nothing_and_works_on(cluster: Cluster) -> None:
    await cluster.take_in("r1")
    cluster.start_worker("one")
    await cluster.until("r1", has_a_checkpoint)
    stopped = await cluster.holder("r1")
    stopped.send_signal(signal.SIGSTOP)
    cluster.start_worker("two")
    await cluster.until("r1", lambda _, entries: len(takers(entries)) == 2)
    stopped.send_signal(signal.SIGCONT)
    state = await cluster.until("r1", waits_for_a_decision)
    assert state.briefing is not None
    assert state.briefing.green
    entries = await cluster.journal.read("r1")
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert len(takers(entries)) == 2
    await cluster.take_in("r2")
    await cluster.until("r2", waits_for_a_decision)
    assert stopped.poll() is None
    assert "Traceback" not in cluster.logs()


async def test_a_run_goes_on_after_the_database_was_restarted(
    cluster: Cluster, postgres: PostgresServer
) -> None:
    await cluster.take_in("r1")
    worker = cluster.start_worker("one")
    await cluster.until("r1", has_a_checkpoint)
    await asyncio.to_thread(postgres.stop)
    await asyncio.to_thread(postgres.start)
    state = await cluster.until("r1", waits_for_a_decision)
    assert state.briefing is not None
    assert state.briefing.green
    assert worker.poll() is None


async def test_a_worker_that_is_told_to_end_hands_its_run_on_at_once(cluster: Cluster) -> None:
    await cluster.take_in("r1")
    first = cluster.start_worker("one")
    await cluster.until("r1", has_a_checkpoint)
    cluster.start_worker("two")
    first.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(first.wait, 30) == 0
    cluster.workers.remove(first)
    state = await cluster.until("r1", waits_for_a_decision)
    assert state.briefing is not None
    assert state.briefing.green
    assert len(takers(await cluster.journal.read("r1"))) == 2
