"""What docs/operations.md says of waits and sizes is what the adapters keep to."""

from __future__ import annotations

from pathlib import Path

import pytest

from anton.adapters.chat import slack_api
from anton.adapters.github import api as github_api
from anton.adapters.github.patience import Patience as GitHubPatience
from anton.adapters.model import chat_completions, event_stream
from anton.adapters.model.refusal import Patience as ModelPatience
from anton.adapters.repository import incoming, push
from anton.adapters.tracker import jira_site
from anton.app.models import REPEATS_BEFORE_FALLBACK
from anton.entrypoints.server import slack_workspace
from anton.runs import circumstances, supervise, ticket

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def row(table: str, name: str) -> list[str]:
    """The cells of a row, by its first, in the table that begins so."""
    _, _, rest = OPERATIONS.read_text().partition(table)
    lines = (line.strip("| ").split(" | ") for line in rest.split("\n\n")[0].splitlines())
    return next(cells for cells in lines if cells[0] == name)[1:]


def limits(name: str) -> list[str]:
    return row("| service | one answer |", name)


def test_the_model_is_waited_for_as_documented() -> None:
    patience = ModelPatience()
    whole, event = chat_completions.MAX_ANSWER_BYTES // 10**6, event_stream.MAX_EVENT_BYTES // 10**6
    assert limits("model")[1:] == [
        f"{whole} MB, an event {event} MB",
        f"{patience.repeats}, with a fallback {REPEATS_BEFORE_FALLBACK}",
        f"{patience.longest_wait_seconds:g} s",
    ]


def test_slack_is_waited_for_as_documented() -> None:
    waiting = slack_api.Waiting()
    assert limits("Slack") == [
        f"{waiting.answer_seconds:g} s; {slack_workspace.ANSWER_SECONDS} s while somebody waits for a window",
        f"{slack_api.MAX_BYTES // 10**6} MB",
        f"{waiting.repeats}, of what Slack was too busy for",
        f"{waiting.longest_wait_seconds:g} s",
    ]


def test_github_is_waited_for_as_documented() -> None:
    patience = GitHubPatience()
    assert limits("GitHub") == [
        f"{patience.answer_seconds:g} s",
        f"{github_api.MAX_BYTES // 10**6} MB",
        f"{patience.repeats}",
        f"{patience.longest_wait_seconds:g} s",
    ]


def test_jira_is_waited_for_as_documented() -> None:
    waiting = jira_site.Waiting()
    start = f"at the start of a run {ticket.TRACKER_SECONDS:g} s for all"
    approval = f"at an approval {circumstances.ANSWER_SECONDS:g} s"
    assert limits("Jira") == [
        f"{waiting.answer_seconds:g} s; {start}, {approval}",
        f"{jira_site.MAX_BYTES >> 20} MB",
        f"{waiting.repeats}",
        f"{waiting.longest_wait_seconds:g} s",
    ]


def test_git_is_waited_for_as_documented() -> None:
    pushing, fetching = push.SECONDS / 60, incoming.SECONDS / 60
    whole = f"{pushing:g} min for a push, {fetching:g} min for a fetch"
    assert limits("git")[0] == f"{push.SILENT_SECONDS} s without a byte; {whole}"


@pytest.mark.parametrize("failures", range(40))
def test_attempts_of_a_run_are_spread_and_at_most_an_hour_apart(failures: int) -> None:
    wait = min(supervise.FIRST_WAIT_SECONDS * 2**failures, supervise.LONGEST_WAIT_SECONDS)
    tried = {supervise.pause(failures) for _ in range(20)}
    assert len(tried) > 1
    assert all(0.8 * wait <= each <= 1.2 * wait for each in tried)


def test_attempts_of_a_run_last_for_about_a_day() -> None:
    waits = (min(30 * 2**n, supervise.LONGEST_WAIT_SECONDS) for n in range(supervise.MOST_FAILURES - 1))
    assert 0.8 < sum(waits) / 86_400 < 1.2
