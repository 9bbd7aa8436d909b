"""Two workers, as two machines have them: one is killed, or stopped and woken too late; the other goes on."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime

import pytest
from psycopg import sql

from anton.core.event import RunOutcome
from tests.cluster import Cluster, has_a_checkpoint, takers, waits_for_a_decision
from tests.office import git
from tests.postgres import PostgresServer

pytestmark = pytest.mark.slow

TAKEN_OVER_SECONDS = 30.0
"""Within which another worker has to be at work; what the operations guide promises."""


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


AGED = sql.SQL("UPDATE anton.objects SET offered = now() - interval '2 days'")
ENDED = sql.SQL("UPDATE dbos.workflow_status SET completed_at = 1000 WHERE completed_at IS NOT NULL")


async def test_what_a_run_stands_on_survives_housekeeping_and_goes_once_the_run_is_over(
    cluster: Cluster, postgres: PostgresServer
) -> None:
    """As if days went by: in the middle of the work, and while it waits, with another machine each time."""
    await cluster.take_in("r1")
    cluster.start_worker("one")
    await cluster.until("r1", has_a_checkpoint)
    assert "git objects" not in await tidied(cluster, postgres)
    (await cluster.holder("r1")).kill()
    second = cluster.start_worker("two")
    state = await cluster.until("r1", waits_for_a_decision)
    assert state.briefing is not None
    assert state.briefing.green
    await tidied(cluster, postgres)
    second.kill()
    cluster.start_worker("three")
    closed = await cluster.approve("r1")
    assert closed.closed is not None
    assert closed.closed.outcome is RunOutcome.DELIVERED
    said = await tidied(cluster, postgres)
    assert "git objects" in said
    assert "nothing" not in said
    assert await tidied(cluster, postgres) == "Nothing to throw away.\n"


async def tidied(cluster: Cluster, postgres: PostgresServer) -> str:
    """What `anton gc --delete` says days later, at a desk of its own."""
    for statement in (AGED, ENDED):
        await asyncio.to_thread(postgres.execute, statement, cluster.url)
    said = await asyncio.to_thread(cluster.desk("gc"), "gc", "--delete")
    assert (said.status, said.err) == (0, "")
    return said.out
