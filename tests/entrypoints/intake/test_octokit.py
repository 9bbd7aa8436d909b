"""Every payload of GitHub's that Octokit keeps as an example: taken as it should be, or ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anton.entrypoints.intake import GitHubRules, Merged, Taken, github, parse_json

EXAMPLES = (
    Path(__file__).parents[2]
    / "counterparts"
    / "node_modules"
    / "@octokit"
    / "webhooks-examples"
    / "api.github.com"
    / "index.json"
)

pytestmark = pytest.mark.skipif(
    not EXAMPLES.exists(),
    reason="@octokit/webhooks-examples is not installed: npm ci --prefix tests/counterparts",
)


def examples() -> list[tuple[str, Any]]:
    kinds = json.loads(EXAMPLES.read_text())
    return [(kind["name"], payload) for kind in kinds for payload in kind["examples"]]


def test_every_example_is_taken_or_ignored_for_a_reason() -> None:
    every = examples()
    for number, (event, payload) in enumerate(every):
        result = github(event, f"d{number}", parse_json(json.dumps(payload).encode()), GitHubRules())
        assert isinstance(result, Taken | Merged) or result.reason
    assert len(every) >= 63
    assert {event for event, _ in every} >= {"issues", "issue_comment", "workflow_run", "pull_request"}


def of(event: str, action: str) -> list[Any]:
    return [payload for name, payload in examples() if name == event and payload.get("action") == action]


def test_real_labels_start_a_run_where_they_are_the_ones() -> None:
    labeled = of("issues", "labeled")
    assert labeled
    for payload in labeled:
        if "label" not in payload:
            continue
        result = github("issues", "d", payload, GitHubRules(labels=frozenset({payload["label"]["name"]})))
        assert isinstance(result, Taken), result
        assert result.repository == payload["repository"]["full_name"]
        assert result.ticket.title == payload["issue"]["title"]
        assert result.ticket.url == payload["issue"]["html_url"]


def test_real_comments_are_commands_where_they_say_so() -> None:
    created = of("issue_comment", "created")
    assert created
    for payload in created:
        payload["comment"] |= {"body": "/anton please", "author_association": "OWNER"}
        payload["issue"].pop("pull_request", None)
        result = github("issue_comment", "d", payload, GitHubRules())
        assert isinstance(result, Taken), result
        assert result.ticket.body.endswith("please")


def test_real_workflow_runs_are_tickets_where_they_failed_on_the_main_branch() -> None:
    completed = of("workflow_run", "completed")
    assert completed
    for payload in completed:
        run = payload["workflow_run"]
        run |= {
            "conclusion": "failure",
            "head_branch": payload["repository"]["default_branch"],
            "event": "push",
            "head_repository": payload["repository"],
        }
        result = github("workflow_run", "d", payload, GitHubRules())
        assert isinstance(result, Taken), result
        assert result.ci_run == str(run["id"])


def test_real_pull_requests_are_merged_where_they_are() -> None:
    closed = of("pull_request", "closed")
    assert closed
    for payload in closed:
        result = github("pull_request", "d", payload, GitHubRules())
        assert isinstance(result, Merged) is bool(payload["pull_request"]["merged"])
