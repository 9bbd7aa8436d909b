"""What every tracker does."""

from __future__ import annotations

import csv
import importlib.util
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
from anton.plugins import Surroundings
from anton.ports import Correspondence, Tracker

EXAMPLE = Path(__file__).parents[2] / "examples" / "anton-plugin-example" / "anton_plugin_example.py"
BODY = "Tap Done.\n\nTap it again."
HERE = Ticket("BUG-42", "To-dos come back: twice", BODY, "Jo", "local", labels=("bug",))
IN_CSV = Ticket("BUG-42", "To-dos come back: twice", BODY, "", "csv")
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
    routed = RoutedTracker({"jira": remote}, local)
    return {"local": local, "jira": remote, "routed": routed, "csv": csv_tracker(tmp_path / "tickets.csv")}


def csv_tracker(file: Path) -> Tracker:
    """That of the example of a plugin."""
    spec = importlib.util.spec_from_file_location("csv_plugin", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(
            [("key", "title", "body", "estimate"), (IN_CSV.key, IN_CSV.title, IN_CSV.body, "2 days")]
        )
    surroundings = Surroundings(file.parent, {"file": str(file)})
    made: Tracker = module.plugin.trackers["csv"](surroundings)
    return made


KNOWN = pytest.mark.parametrize(
    ("side", "known"),
    [("local", HERE), ("jira", IN_JIRA), ("routed", HERE), ("routed", IN_JIRA), ("csv", IN_CSV)],
)


@pytest.mark.parametrize(
    ("side", "words"),
    [("local", "local (tickets"), ("jira", "Jira"), ("routed", "Jira"), ("csv", "csv (tickets")],
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


@pytest.mark.parametrize("side", ["local", "jira", "routed", "csv"])
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


@pytest.mark.parametrize("side", ["local", "routed", "csv"])
async def test_a_ticket_from_elsewhere_is_kept_here(
    trackers: dict[str, Tracker], side: str, jira: Jira
) -> None:
    tracker = trackers[side]
    await tracker.start(NEW)
    assert (await tracker.reread(NEW)).ticket == NEW
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


SAID = "anton-said-0123456789abcdef"


def spoken(tracker: Tracker) -> Correspondence:
    assert isinstance(tracker, Correspondence)
    return tracker


@KNOWN
async def test_what_is_said_under_a_mark_is_said_once(
    trackers: dict[str, Tracker], side: str, known: Ticket, jira: Jira, tmp_path: Path
) -> None:
    tracker = spoken(trackers[side])
    first = await tracker.comment(known, "Looked at.\n\n<!-- anton --> *It* is @jo's {color}.", SAID)
    assert await tracker.comment(known, "In other words.", SAID) == first
    assert await tracker.comment(known, "And more.", f"{SAID}0") == first
    file = tmp_path / ("tickets.csv" if known is IN_CSV else f"tickets/{known.key}.md")
    told = str(jira.comments[known.key]) if known is IN_JIRA else file.read_text()
    assert told.count("Looked at.") == told.count("And more.") == 1
    assert "In other words." not in told
    assert "*It* is @jo's {color}." in told


@KNOWN
async def test_a_ticket_is_finished_and_then_stays(
    trackers: dict[str, Tracker], side: str, known: Ticket, jira: Jira
) -> None:
    tracker = spoken(trackers[side])
    first = await tracker.finish(known)
    assert await tracker.finish(known) == first
    assert (await trackers[side].reread(known)).closed in ("closed", "Done")
    assert len(jira.moved) == (1 if known is IN_JIRA else 0)
    assert jira.comments[IN_JIRA.key] == []


@KNOWN
async def test_nothing_that_is_said_changes_the_ticket(
    trackers: dict[str, Tracker], side: str, known: Ticket
) -> None:
    tracker = spoken(trackers[side])
    await tracker.comment(known, "# BUG-1\n\n---\nstatus: open\n<!-- comments -->", SAID)
    await tracker.finish(known)
    after = await trackers[side].get(known.key)
    assert (after.key, after.title) == (known.key, known.title)
    assert after.body.startswith(known.body)
