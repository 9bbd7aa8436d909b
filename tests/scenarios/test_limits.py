"""Small limits on what a process may have: a clear sentence or a finished run, and nothing lost."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.entrypoints.server.test_process import serving
from tests.entrypoints.shell import SECONDS, Said, Shell, run_id_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("prlimit") is None, reason="there is no prlimit; Debian: util-linux"),
]


class Limited(Shell):
    """A shell whose commands have a limit."""

    limit: str = "--nofile=1024"

    def argv(self, *arguments: str | bytes) -> list[str | bytes]:
        """The command line, below the limit."""
        return ["prlimit", self.limit, *super().argv(*arguments)]


def limited(folder: Path, limit: str) -> Limited:
    shell = Limited(folder)
    shell.limit = limit
    return shell


def unlimited(shell: Shell, *arguments: str) -> Said:
    """A command of the same person without the limit."""
    done = subprocess.run(
        Shell.argv(shell, *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=shell.cwd,
        env=shell.environment,
        timeout=SECONDS,
        check=False,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("limit", ["--nofile=8", "--nofile=24", "--as=130000000", "--fsize=100000"])
def test_a_run_that_meets_a_limit_says_so_and_goes_on_without_it(tmp_path: Path, limit: str) -> None:
    shell = limited(tmp_path, limit)
    said = shell("demo", "--yes")
    assert "Traceback" not in said.err
    if said.status == 0:
        return
    assert re.match(r"anton: .{20}", said.err), said
    if "anton resume" in said.err:
        again = unlimited(shell, "resume", run_id_in(said.err), "--yes")
        assert again.status == 0, again
        assert "Delivered" in again.out


def test_a_server_that_meets_a_limit_goes_on_serving_and_the_run_goes_on_with_the_next(
    tmp_path: Path,
) -> None:
    shell = limited(tmp_path, "--nofile=24")
    with serving(shell) as up:
        run = up.trigger()
        stopped = up.until(run, "work_stopped")
        assert stopped["stopped"], "whichever step met it first says so"
        assert up.process.poll() is None
    shell.limit = "--nofile=1024"
    with serving(shell) as up:
        assert up.until(run, "briefing_prepared")["proof"] == "green"
