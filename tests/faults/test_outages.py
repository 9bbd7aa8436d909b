"""One service is down for longer than it is waited for, from the trigger on and past a person's approval.

What happens meanwhile is what docs/operations.md says under "When something is down", and is checked against
that table. Once the service is back the run is delivered by the same process, without anybody's help, and
each effect is there once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from anton.core.work import WorkStopped
from tests.counterparts.git_host import backend
from tests.counterparts.weather import FAULTS, REFUSED
from tests.faults.sentences import assert_plain
from tests.faults.test_first_tries import HANGS
from tests.faults.whole import SERVICES, TICKET, Whole, whole

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(backend() is None, reason="git is installed without git-http-backend"),
]
HARMLESS = "other type, done"
"""What is right but for its label: whether it is taken for what it is, is left to the client."""
CELLS = [
    (service, fault)
    for service in SERVICES
    for fault in (*FAULTS, REFUSED)
    if (service, fault) not in (("github", REFUSED), *HANGS)  # one host with git, which is among the cells
]


@pytest.mark.parametrize(("service", "fault"), CELLS)
async def test_what_is_down_too_long_is_told_and_made_up_for(
    service: str,
    fault: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    record_property: Callable[[str, object], None],
) -> None:
    async with whole(tmp_path) as everything:
        weather = everything.weathers[service]
        await everything.knows_its_workspace()
        await weather.worsen(fault)
        run = await everything.begun()
        if service in BEGINS_LATER and await held_up(everything, run):
            await weather.clear()
        await everything.until(run, lambda at: at.phase == "deciding", "briefed")
        await weather.worsen(fault)
        await everything.approve(run)
        await MEANWHILE[service](everything, run)
        await weather.clear()
        state = await everything.delivered(run)
        assert not state.work.parked
        assert_plain(await everything.sentences(run), caplog)
        record_property("cells", len(weather.dealt) or 1)


async def held_up(everything: Whole, run: str) -> bool:
    """Whether the run could not go on, and says so, and comes again by itself; False where it could."""
    state = await everything.until(
        run, lambda at: at.phase == "deciding" or at.work.failures >= 2, "held up or briefed"
    )
    if state.phase == "deciding":
        return False
    stops = [e.event for e in await everything.entries(run) if isinstance(e.event, WorkStopped)]
    assert all(stop.awaits == "time" and stop.again_at for stop in stops)
    return True


async def model_down(everything: Whole, run: str) -> None:
    """Nothing of a delivery is asked of a model."""
    await everything.delivered(run)


async def slack_down(everything: Whole, run: str) -> None:
    """All but the message is done meanwhile."""
    state = await everything.until(run, lambda at: at.closed is not None, "delivered without Slack")
    assert everything.github.pulls
    assert everything.site.status_of(TICKET) == "Done"
    assert await everything.reasons(run) == []
    assert state.decisions


async def jira_down(everything: Whole, run: str) -> None:
    """Branch, pull request and report are there; the ticket waits, and the briefing told of it."""
    weather = everything.weathers["jira"]
    await everything.until(
        run, lambda at: {"pull_request", "report"} <= at.steps.keys(), "at the pull request"
    )
    if weather.storm == HARMLESS:
        return
    assert "Jira" in await everything.stopped(run, 2)
    state = await everything.team.server.desk.state(run)
    assert "ticket" not in state.steps
    assert state.base is not None
    assert any("not marked as in progress" in said for said in state.base.notices)


async def github_down(everything: Whole, run: str) -> None:
    """The branch is pushed; the approval is kept and the pull request waits."""
    await everything.until(run, lambda at: "branch" in at.steps, "pushed")
    await kept(everything, run, "github", "pull_request")


async def git_down(everything: Whole, run: str) -> None:
    """The approval is kept, and nothing was made."""
    await kept(everything, run, "git", "branch")


async def kept(everything: Whole, run: str, service: str, step: str) -> None:
    """The decision is in the journal; people are told why it is not carried out, and that it will be."""
    if everything.weathers[service].storm == HARMLESS:
        return
    state = await everything.until(
        run, lambda at: at.phase == "delivering" and at.work.failures >= 2, "held up twice"
    )
    assert [each.verb for each in state.decisions] == ["approve"]
    assert step not in state.steps
    stop = [e.event for e in await everything.entries(run) if isinstance(e.event, WorkStopped)][-1]
    assert stop.awaits == "time"
    named = ("GitHub", everything.host.url.removeprefix("https://"))
    assert any(name in stop.reason for name in named), stop.reason
    message = await everything.team.says("It is tried again by itself")
    assert "anton_approve" not in str(message)


BEGINS_LATER = ("model", "git")
"""Without these a run does not get as far as a briefing."""
MEANWHILE = {
    "model": model_down,
    "slack": slack_down,
    "github": github_down,
    "git": git_down,
    "jira": jira_down,
}
