"""What every tracker does."""

from pathlib import Path

import pytest

from anton.adapters.tracker.local import LocalTracker
from anton.core.errors import UsageError
from anton.core.ticket import Ticket
from anton.ports import Tracker

KNOWN = Ticket(
    "BUG-42", "To-dos come back: twice", "Tap Done.\n\nTap it again.", "Jo", "local", labels=("bug",)
)
NEW = Ticket("CLI-1", "It's “broken”", "Since Tuesday.", "ada", "cli")


@pytest.fixture(params=["local"])
def tracker(request: pytest.FixtureRequest, tmp_path: Path) -> Tracker:
    return LocalTracker(tmp_path / "tickets", [KNOWN])


def test_a_tracker_says_which_side_it_is(tracker: Tracker) -> None:
    assert tracker.description.startswith("local")


async def test_a_ticket_is_got_by_its_key(tracker: Tracker) -> None:
    ticket = await tracker.get("BUG-42")
    assert (ticket.title, ticket.body, ticket.reporter) == (KNOWN.title, KNOWN.body, "Jo")


async def test_an_unknown_ticket_is_named(tracker: Tracker) -> None:
    with pytest.raises(UsageError, match="'BUG-7'"):
        await tracker.get("BUG-7")


@pytest.mark.parametrize("ticket", [KNOWN, NEW])
async def test_a_ticket_keeps_its_text_from_start_to_close(tracker: Tracker, ticket: Ticket) -> None:
    await tracker.start(ticket)
    await tracker.start(ticket)
    assert await tracker.close(ticket, "https://forge.example/pull/1")
    after = await tracker.get(ticket.key)
    assert (after.key, after.title, after.body) == (ticket.key, ticket.title, ticket.body)
    assert (after.reporter, after.labels) == (ticket.reporter, ticket.labels)


async def test_closing_again_changes_nothing(tracker: Tracker) -> None:
    first = await tracker.close(KNOWN, "/pulls/1.md")
    assert await tracker.close(KNOWN, "/pulls/1.md") == first
