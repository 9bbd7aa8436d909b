"""An upgrade while work goes on: an older Anton's runs go on with a newer one, and both work side by side.

The older one is this one with another version, and with another text of the one workflow, from which DBOS
would compute a version of the application that no other Anton has.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path

import psycopg
import pytest

from anton.core.event import RunOutcome
from tests.cluster import Cluster, has_a_checkpoint, takers, waits_for_a_decision
from tests.entrypoints.shell import SOURCE
from tests.office import git

pytestmark = pytest.mark.slow

CHANGES = {
    "__init__.py": ('__version__ = "', '__version__ = "0.0.9+'),
    "adapters/queue/dbos.py": (
        "self._line.under_way.add(name)",
        "self._line.under_way.add(name); logger.warning('the older Anton has %s', run_id)",
    ),
}


@pytest.fixture
def older(tmp_path: Path) -> str:
    """The folder of an older Anton, for PYTHONPATH."""
    folder = tmp_path / "older"
    shutil.copytree(SOURCE / "anton", folder / "anton", ignore=shutil.ignore_patterns("__pycache__"))
    for name, (before, after) in CHANGES.items():
        path = folder / "anton" / name
        text = path.read_text("utf-8")
        assert before in text
        path.write_text(text.replace(before, after), "utf-8")
    return str(folder)


def one_at_a_time(cluster: Cluster) -> str:
    """Settings of a machine that works on one run at once."""
    settings = cluster.folder / "one.toml"
    settings.write_text("[server]\nruns = 1\n")
    return str(settings)


async def versions(cluster: Cluster) -> set[str]:
    """Those under which DBOS keeps what waits or waited."""
    async with await psycopg.AsyncConnection.connect(cluster.url) as connection:
        found = await connection.execute("SELECT DISTINCT application_version FROM dbos.workflow_status")
        return {row[0] for row in await found.fetchall()}


def branches(cluster: Cluster, run_id: str) -> list[str]:
    return git(cluster.folder / run_id / "todo-service.git", "branch", "--list", "fix/*").split()


async def test_what_an_older_anton_left_waiting_queued_and_under_way_is_finished_by_a_newer_one(
    cluster: Cluster, older: str
) -> None:
    """That of the decision waits for a person, one is in the middle of its work, one is in the line."""
    machine = cluster.start_worker("older", PYTHONPATH=older, ANTON_CONFIG=one_at_a_time(cluster))
    await cluster.take_in("decision")
    await cluster.until("decision", waits_for_a_decision)
    await cluster.take_in("middle")
    await cluster.until("middle", has_a_checkpoint)
    await cluster.take_in("line")
    cluster.start_worker("newer")
    machine.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(machine.wait, 30) == 0
    cluster.workers.remove(machine)
    for run_id in ("middle", "line", "decision"):
        state = await cluster.finish(run_id)
        assert state.closed is not None
        assert state.closed.outcome is RunOutcome.DELIVERED
        assert branches(cluster, run_id) == [state.branch]
    assert len(takers(await cluster.journal.read("middle"))) == 2
    assert len(list(cluster.folder.glob("*/anton-home/pull_requests/*.md"))) == 3
    assert await versions(cluster) == {"1"}
    assert "the older Anton has decision" in cluster.logs()


async def test_an_older_anton_and_a_newer_one_work_side_by_side(cluster: Cluster, older: str) -> None:
    one = one_at_a_time(cluster)
    both = [cluster.start_worker("older", PYTHONPATH=older, ANTON_CONFIG=one)]
    both.append(cluster.start_worker("newer", ANTON_CONFIG=one))
    await cluster.until_there_are(2)
    for run_id in ("r1", "r2"):
        await cluster.take_in(run_id)
    for run_id in ("r1", "r2"):
        state = await cluster.finish(run_id)
        entries = await cluster.journal.read(run_id)
        assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
        assert branches(cluster, run_id) == [state.branch]
    assert [machine.poll() for machine in both] == [None, None]
    assert "the older Anton has r" in cluster.logs()
    assert "Traceback" not in cluster.logs()
