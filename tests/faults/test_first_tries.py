"""Every call site fails its first tries, and then no more: the run is delivered, each effect done once.

One run takes one fault to all call sites of all services. Which sites there are, the run itself shows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.counterparts.git_host import backend
from tests.counterparts.weather import FAULTS
from tests.faults.sentences import assert_plain
from tests.faults.whole import SERVICES, whole

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(backend() is None, reason="git is installed without git-http-backend"),
]
SITES = {"model": 4, "slack": 4, "github": 8, "git": 4, "jira": 5}
"""At least so many call sites of each service a run has."""
HANGS = {("git", "truncated, done"): "cut, done"}
"""Git waits for itself after an answer that is whole and too short. It is ended after three minutes, too long
for here."""
MOST_TAKEN = 24_000_000
"""Bytes of an endless answer that are taken, with what the system's buffers hold."""
BY_TIME = {"git", "slack"}
"""Where time bounds an answer and not size: git is a process of its own, and slack_sdk, which asks whose the
token is and opens windows, reads for two seconds at most. All else of Slack is bounded in test_answers."""


async def test_the_call_sites_of_a_run_are_known(tmp_path: Path) -> None:
    async with whole(tmp_path) as everything:
        run = await everything.begun()
        await everything.until(run, lambda at: at.phase == "deciding", "briefed")
        await everything.approve(run)
        await everything.delivered(run)
        assert await everything.reasons(run) == []
        found = {name: len(weather.seen) for name, weather in everything.weathers.items()}
        assert {name: least for name, least in SITES.items() if found[name] < least} == {}, found


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_fails_twice_everywhere_is_delivered_once(
    fault: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    record_property: Callable[[str, object], None],
) -> None:
    async with whole(tmp_path) as everything:
        for name, weather in everything.weathers.items():
            weather.first = HANGS.get((name, fault), fault)
        run = await everything.begun()
        await everything.until(run, lambda at: at.phase == "deciding", "briefed")
        await everything.approve(run)
        await everything.delivered(run)
        assert_plain(await everything.sentences(run), caplog)
        met = {name: set(weather.dealt) for name, weather in everything.weathers.items()}
        assert met == {name: set(everything.weathers[name].seen) for name in SERVICES}
        record_property("cells", sum(map(len, met.values())))
        taken = {name: weather.sent for name, weather in everything.weathers.items() if name not in BY_TIME}
        assert max(taken.values()) < MOST_TAKEN, taken
        assert all(wait <= 121 for wait in everything.waits)
        if fault == "429 asked":
            assert any(wait >= 1 for wait in everything.waits)
        fractions = {wait % 1 for wait in everything.waits}
        assert len(fractions) == len(everything.waits), "waits without jitter come all at once"
