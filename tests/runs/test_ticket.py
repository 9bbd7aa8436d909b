"""A run beside its ticket's tracker: what it reads there, and that nothing waits for one that is down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from anton.adapters.tracker.jira import jira_tracker
from anton.adapters.tracker.local import LocalTracker
from anton.adapters.tracker.routed import RoutedTracker
from anton.core.decision import Answer
from anton.core.errors import OutsideError
from anton.core.event import AgentStarted, Verb
from anton.core.person import terminal
from anton.core.run import Phase, RunState
from anton.core.ticket import Ticket
from anton.ports import Sighting
from anton.runs.runner import advance, answer
from anton.runs.ticket import conclude_merged, take_on
from anton.runs.world import World
from tests.counterparts.jira import EMAIL, TOKEN, Jira, Trouble, serving
from tests.office import QUICK_COMMAND, QUICK_FILES, RUN, Office

TOLD = Ticket("ED-7", "It breaks", "As the webhook has it.", "Jo", "jira")


@pytest.fixture
async def jira() -> AsyncIterator[Jira]:
    site = Jira()
    site.put("ED-7", summary="To-dos come back", description="As Jira has it.")
    site.say("ED-7", "It is worse on phones.")
    async with serving(site):
        yield site


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)


def world_with(office: Office, jira: Jira, done: str = "approval") -> World:
    remote = jira_tracker(jira.base_url, EMAIL, TOKEN, {"done": done})
    world = office.world()
    return replace(world, tracker=RoutedTracker({"jira": remote}, LocalTracker(office.home / "tickets")))


async def briefed(office: Office, world: World) -> RunState:
    await office.receive(ticket=TOLD)
    state = await advance(world, RUN)
    assert state.phase is Phase.DECIDING
    return state


async def approved(office: Office, world: World, state: RunState) -> None:
    assert state.briefing is not None
    await answer(world, RUN, Answer(Verb.APPROVE, by=terminal("kim"), digest=state.briefing.digest))


async def test_a_run_works_on_the_issue_as_jira_has_it(office: Office, jira: Jira) -> None:
    world = world_with(office, jira)
    state = await briefed(office, world)
    assert state.received.ticket.title == "To-dos come back"
    assert "As Jira has it." in state.received.ticket.body
    events = [entry.event for entry in await office.journal.read(RUN)]
    [opening] = [e.opening for e in events if isinstance(e, AgentStarted) and e.agent == "code"]
    assert "It is worse on phones." in opening
    assert jira.status_of("ED-7") == "In Progress"
    await approved(office, world, state)
    state = await advance(world, RUN)
    assert state.steps["ticket"].result == f"{jira.base_url}/browse/ED-7"
    assert jira.status_of("ED-7") == "Done"
    assert [said["author"]["displayName"] for said in jira.comments["ED-7"]] == ["Kim", "Anton"]
    assert not (office.home / "tickets").exists(), "an issue of Jira's is kept nowhere else"


async def test_jira_that_is_down_holds_up_neither_repair_nor_pull_request(office: Office, jira: Jira) -> None:
    world = world_with(office, jira)
    outage = Trouble(status=403, times=1000)
    jira.troubles = [outage]
    state = await briefed(office, world)
    assert state.received.ticket == TOLD
    assert state.base is not None
    assert "was not marked as in progress: Jira at" in state.base.notices[-1]
    await approved(office, world, state)
    with pytest.raises(OutsideError, match="give that account the permission"):
        await advance(world, RUN)
    [pull_request] = (office.home / "pull_requests").glob("*.md")
    assert (office.folder / "reports" / RUN / "incident.md").exists()
    outage.times = 0
    state = await advance(world, RUN)
    assert state.phase is Phase.CLOSED
    assert state.steps["pull_request"].result == str(pull_request)
    assert jira.status_of("ED-7") == "Done"
    assert len(jira.comments["ED-7"]) == 2


async def test_an_issue_that_waits_for_the_merge_is_done_then(office: Office, jira: Jira) -> None:
    world = world_with(office, jira, done="merge")
    state = await briefed(office, world)
    await approved(office, world, state)
    state = await advance(world, RUN)
    assert jira.status_of("ED-7") == "In Progress"
    link = state.steps["pull_request"].result
    for branch, address in [
        ("main", link),
        (state.branch, "https://elsewhere.example/1"),
        (f"fix/x-{RUN}", link),
    ]:
        assert await conclude_merged(world, branch, address) == "the pull request is none of Anton's"
    assert jira.status_of("ED-7") == "In Progress"
    for _ in range(2):
        assert await conclude_merged(world, state.branch, link) == f"{jira.base_url}/browse/ED-7"
    assert jira.status_of("ED-7") == "Done"
    assert len(jira.comments["ED-7"]) == 2


async def test_what_could_be_read_is_kept_where_the_issue_cannot_be_moved(office: Office, jira: Jira) -> None:
    jira.troubles = [Trouble(403, path="transitions")]
    known, notices = await take_on(world_with(office, jira).tracker, TOLD)
    assert known.ticket.title == "To-dos come back"
    assert "give that account the permission" in notices[0]


async def test_an_issue_that_was_deleted_is_repaired_as_it_was_told(office: Office, jira: Jira) -> None:
    del jira.issues["ED-7"]
    known, notices = await take_on(world_with(office, jira).tracker, TOLD)
    assert known == Sighting(TOLD)
    assert "there is no issue 'ED-7'" in notices[0]


async def test_a_ticket_that_cannot_be_looked_at_is_begun_all_the_same(tmp_path: Path) -> None:
    class Blind(LocalTracker):
        async def reread(self, ticket: Ticket) -> Sighting:
            raise OutsideError("give the credential the permission to read Issues")

    tracker = Blind(tmp_path)
    known, notices = await take_on(tracker, TOLD)
    assert (known, notices) == (
        Sighting(TOLD),
        (
            "The ticket could not be looked at where it is at home: "
            "give the credential the permission to read Issues",
        ),
    )
    assert "status: in progress" in (tmp_path / "ED-7.md").read_text()
