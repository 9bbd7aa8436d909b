"""`kill -9` on the real command, again and again, at random lengths of its journal: the same end as without.

Nothing is cut in the program: whole processes die wherever they are, with the sandboxes and gits that they
started. `anton resume` goes on each time.
"""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.entrypoints.shell import SECONDS, Shell
from tests.entrypoints.test_cli import assert_delivered
from tests.office import git

KILLS = 6
SEEDS = (1, 2, 3)
POLL_SECONDS = 0.002
OF_THE_PROCESS = frozenset({"seconds", "output", "command", "sha", "head"})
"""What in a proof is not of the patch: measured times, paths of this test, commits that bear a date."""


def rows(anton: Shell) -> Sequence[tuple[str, str, str]]:
    """Run, kind and body of each event in the journal, as another process sees it."""
    path = anton.home / "journal.db"
    if not path.exists():
        return ()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            found: Sequence[tuple[str, str, str]] = connection.execute(
                "SELECT run_id, kind, body FROM events ORDER BY number"
            ).fetchall()
        except sqlite3.OperationalError:  # the tables are not there yet
            return ()
    return found


def killed_at(anton: Shell, length: int, *arguments: str) -> bool:
    """Start a command, and kill it once its journal has that many events; False where it ends before."""
    log = anton.folder / "output.txt"
    with (
        log.open("ab") as output,
        subprocess.Popen(
            anton.argv(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=anton.cwd,
            env=anton.environment,
            start_new_session=True,
        ) as process,
    ):
        try:
            until = time.monotonic() + SECONDS
            while len(rows(anton)) < length:
                if process.poll() is not None:
                    assert process.returncode == 0, log.read_text()
                    return False
                assert time.monotonic() < until, log.read_text()
                time.sleep(POLL_SECONDS)
        finally:
            process.kill()
    return True


def essence(anton: Shell) -> tuple[object, ...]:
    """What two runs could be told apart by."""
    (run,) = {run for run, _, _ in rows(anton)}
    assert_delivered(anton, run)
    remote, branch = anton.home / "demo" / run / "todo-service.git", f"fix/bug-42-{run}"
    assert [path.name for path in (anton.cwd / ".oncall_runs").iterdir()] == [run]
    proof = json.loads((anton.cwd / ".oncall_runs" / run / "proof.json").read_text())
    kinds = [kind for _, kind, _ in rows(anton)]
    return (
        git(remote, "rev-parse", f"{branch}^{{tree}}"),
        git(remote, "log", "--format=%s", f"main..{branch}"),
        of_the_patch(proof),
        kinds.count("run_closed"),
        kinds.count("decided"),
        kinds.count("step_delivered"),
    )


def of_the_patch(value: object) -> object:
    """A proof without what is of the process that made it."""
    if isinstance(value, Mapping):
        return {name: of_the_patch(each) for name, each in value.items() if name not in OF_THE_PROCESS}
    return [of_the_patch(each) for each in value] if isinstance(value, list) else value


def assert_paid_once(anton: Shell) -> None:
    """No reply is in the journal twice."""
    replies = [json.loads(body) for _, kind, body in rows(anton) if kind == "reply_received"]
    turns = [(reply["agent"], reply["turn"]) for reply in replies]
    assert len(set(turns)) == len(turns)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_command_killed_again_and_again_delivers_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Shell(tmp_path / "whole")
    done = whole("demo", "--yes")
    assert done.status == 0, done.err
    expected, length = essence(whole), len(rows(whole))
    kills = 0
    for seed in SEEDS:
        anton = Shell(tmp_path / f"seed{seed}")
        arguments: tuple[str, ...] = ("demo", "--yes")
        for at in sorted(random.Random(seed).sample(range(1, length), KILLS)):
            if not killed_at(anton, at, *arguments):
                break
            kills += 1
            arguments = ("resume", rows(anton)[0][0], "--yes")
        ended = anton("resume", rows(anton)[0][0], "--yes")
        assert ended.status == 0, f"seed {seed}: {ended.out}{ended.err}"
        assert essence(anton) == expected, f"seed {seed}"
        assert_paid_once(anton)
        left = [path for path in (anton.home / "scratch").rglob("*") if path.is_file()]
        assert not left, f"seed {seed}"
    with capsys.disabled():
        print(f" [{kills} kills]", end="")  # noqa: T201 - the figure is what the test is worth
    assert kills >= len(SEEDS) * 3
