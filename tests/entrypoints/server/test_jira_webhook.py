"""Jira at the server's door, and its issues when GitHub says that a pull request is merged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from anton.adapters.tracker.jira import jira_tracker
from anton.core.event import Decided, Entry, Event, RunClosed, RunOutcome, StepDelivered, Verb
from anton.core.ticket import Ticket
from tests.counterparts.jira import EMAIL, TOKEN, Jira, Trouble, serving
from tests.entrypoints.server.served import Served, an_anton, an_office, served
from tests.entrypoints.server.test_webhooks import JIRA
from tests.office import RUN, Office

LINK = "https://github.com/acme/shop/pull/13"
MERGED = {
    "action": "closed",
    "pull_request": {"merged": True, "html_url": LINK, "head": {"ref": f"fix/ed-7-{RUN}"}},
    "repository": {"id": 1, "name": "shop", "full_name": "acme/shop", "default_branch": "main"},
}


async def opened(office: Office) -> None:
    """A run whose pull request is open; how it came to that does not matter here."""
    await office.receive(ticket=Ticket("ED-7", "It breaks", "Badly.", source="jira"))
    events: tuple[Event, ...] = (
        Decided(Verb.DECLINE, "kim", ""),
        StepDelivered("pull_request", LINK),
        RunClosed(RunOutcome.DELIVERED),
    )
    numbered = enumerate(events, 2)
    await office.journal.append(RUN, [Entry(RUN, n, office.clock(), event) for n, event in numbered])


async def merge(server: Served) -> tuple[int, str]:
    answer = await server.signed("github", MERGED, X_GitHub_Event="pull_request", X_GitHub_Delivery="d9")
    return answer.status_code, answer.json()["detail"]


async def test_only_issues_with_the_label_start_a_run_where_one_is_set(tmp_path: Path) -> None:
    office = an_office(tmp_path)
    anton = an_anton(office)
    async with served(replace(anton, serving=replace(anton.serving, jira_label="anton")), office) as server:
        answer = (await server.signed("jira", JIRA)).json()
        assert answer["run"] is None
        assert answer["detail"] == "the issue does not have the label 'anton'"


async def test_an_issue_is_done_when_its_pull_request_is_merged(tmp_path: Path) -> None:
    office, site = an_office(tmp_path), Jira()
    site.put("ED-7", "In Progress")
    await opened(office)
    anton = an_anton(office)
    async with serving(site):
        tracker = jira_tracker(site.base_url, EMAIL, TOKEN, {"done": "merge"})
        async with served(replace(anton, world=replace(anton.world, tracker=tracker)), office) as server:
            site.troubles = [Trouble(403)]
            status, words = await merge(server)
            assert (status, site.status_of("ED-7")) == (503, "In Progress")
            assert "give that account the permission" in words
            assert await merge(server) == (200, f"{site.base_url}/browse/ED-7")
    assert site.status_of("ED-7") == "Done"


async def test_a_pull_request_of_somebody_else_s_is_nothing_to_us(tmp_path: Path) -> None:
    office = an_office(tmp_path)
    async with served(an_anton(office), office) as server:
        assert await merge(server) == (200, "the pull request is none of Anton's")
