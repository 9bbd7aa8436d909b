"""The real server is killed in a burst: every webhook that was answered is one run, and all end alike."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash.killing import Storm, check, storm, told


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_server_that_is_killed_in_a_burst_loses_no_webhook_and_does_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    what = Storm(webhooks=10, kills=10)
    outcome = await storm(tmp_path, what)
    with capsys.disabled():
        sys.stdout.write(f"\n{told(outcome)}\n")
    check(outcome, what)
