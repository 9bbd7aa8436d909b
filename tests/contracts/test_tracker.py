"""What every tracker does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.counterparts.jira import EMAIL, TOKEN, Jira, serving

from anton.adapters.tracker.jira import JiraTracker
from anton.adapters.tracker.jira_site import JiraSite
from anton.adapters.tracker.local import LocalTracker
from anton.adapters.tracker.routed import RoutedTracker
from anton.core.errors import UsageError
from anton.core.ticket import Ticket
from anton.ports import Tracker

BODY = "Tap Done.\n\nTap it again."
HERE = Ticket("BUG-42", "To-dos come back: twice", BODY, "Jo", "local", labels=("bug",))
IN_JIRA = Ticket("ED-7", "To-dos come back: twice", BODY, "Jo", "jira", labels=("bug",))
NEW = Ticket("CLI-1", "It's “broken”", "Since Tuesday.", "ada", "cli")


@pytest.fixture
async def jira() -> AsyncIterator[Jira]:
    site = Jira()
    site.put(
        IN_JIRA.key,
        summary=IN_JIRA.title,
        description={
            "type": "doc",
            "version": 1,
            "content": [
                {"type": "paragraph", "content": [{"type": "text", "text": "Tap Done."}]},
                {"type": "paragraph", "content": [{"type": "text", "text": "Tap it again."}]},
            ],
        },
        reporter={"displayName": "Jo"},
        labels=["bug"],
    )
    async with serving(site):
        yield site


@pytest.fixture
async def trackers(jira: Jira, tmp_path: Path) -> dict[str, Tracker]:
    site = JiraSite(jira.base_url, EMAIL, TOKEN)
    local, remote = LocalTracker(tmp_path / "tickets", [HERE]), JiraTracker(site)
    return {"local": local, "jira": remote, "routed": RoutedTracker("jira", remote, local)}


KNOWN = pytest.mark.parametrize(
    ("side", "known"), [("local", HERE), ("jira", IN_JIRA), ("routed", HERE), ("routed", IN_JIRA)]
)


@pytest.mark.parametrize(
    ("side", "words"), [("local", "local (tickets"), ("jira", "Jira"), ("routed", "Jira")]
)
def test_a_tracker_says_which_side_it_is(trackers: dict[str, Tracker], side: str, words: str) -> None:
    assert trackers[side].description.startswith(words)


@KNOWN
async def test_a_ticket_is_got_by_its_key(trackers: dict[str, Tracker], side: str, known: Ticket) -> None:
    ticket = await trackers[side].get(known.key)
    assert (ticket.title, ticket.body, ticket.reporter, ticket.labels) == (
        known.title,
        known.body,
        known.reporter,
        known.labels,
    )


@pytest.mark.parametrize("side", ["local", "jira", "routed"])
@pytest.mark.parametrize("key", ["BUG-7", "../x", ""])
async def test_an_unknown_ticket_is_named(trackers: dict[str, Tracker], side: str, key: str) -> None:
    with pytest.raises(UsageError, match=f"'{key}'"):
        await trackers[side].get(key)


@KNOWN
async def test_a_ticket_keeps_its_text_from_start_to_merge(
    trackers: dict[str, Tracker], side: str, known: Ticket
) -> None:
    tracker = trackers[side]
    link = "https://forge.example/pull/1"
    await tracker.start(known)
    await tracker.start(known)
    assert await tracker.close(known, link)
    assert await tracker.merged(known, link)
    after = await tracker.get(known.key)
    assert (after.key, after.title, after.body) == (known.key, known.title, known.body)
    assert (after.reporter, after.labels) == (known.reporter, known.labels)


@pytest.mark.parametrize("side", ["local", "routed"])
async def test_a_ticket_from_elsewhere_is_kept_here(
    trackers: dict[str, Tracker], side: str, jira: Jira
) -> None:
    tracker = trackers[side]
    await tracker.start(NEW)
    assert await tracker.reread(NEW) == NEW
    assert await tracker.close(NEW, "https://forge.example/pull/1")
    assert (await tracker.get(NEW.key)).body == NEW.body
    assert jira.requests == []


@KNOWN
async def test_closing_again_changes_nothing(
    trackers: dict[str, Tracker], side: str, known: Ticket, jira: Jira
) -> None:
    first = await trackers[side].close(known, "/pulls/1.md")
    assert await trackers[side].close(known, "/pulls/1.md") == first
    assert len(jira.comments[IN_JIRA.key]) == len(jira.moved) == (1 if known is IN_JIRA else 0)
