"""Pull requests on GitHub, and all that GitHub may answer instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from tests.adapters.github.server import COMMIT, Faulty, refused, serving, speaking

from anton.adapters.forge.github import GitHubForge, body_with_files
from anton.core.errors import OutsideError
from anton.ports import PullRequestDraft


@pytest.fixture
async def server() -> AsyncIterator[Faulty]:
    async with serving(Faulty()) as faulty:
        yield faulty


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
async def forge(server: Faulty, waits: list[float]) -> AsyncIterator[GitHubForge]:
    async with speaking(server.url, waits) as github:
        yield GitHubForge(github)


@pytest.fixture
def draft(server: Faulty) -> PullRequestDraft:
    return PullRequestDraft(
        head="fix/bug-42-r1",
        base="main",
        commit=COMMIT,
        title="Keep done to-dos done",
        body="## Problem\n\nDone is undone.\n",
        labels=("bug", "anton"),
        remote=f"{server.url}/ann/shop.git",
        attachments={"proof.tar.gz": b"bytes"},
    )


async def test_a_pull_request_has_its_labels_and_names_the_files_it_cannot_hold(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft
) -> None:
    server.labels = {"bug"}
    assert await forge.open_pull_request(draft) == f"{server.url}/ann/shop/pull/1"
    assert server.labels == {"bug", "anton"}
    assert server.labelled == {"1": ["bug", "anton"]}
    assert server.pulls[0]["body"] == body_with_files(draft.body, draft.attachments)
    assert "- `proof.tar.gz`, SHA-256 `" in server.pulls[0]["body"]
    assert set(server.tokens) == {"token ghp_secret"}


async def test_what_takes_two_persons_is_opened_as_a_draft(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft
) -> None:
    await forge.open_pull_request(replace(draft, draft=True))
    assert server.pulls[0]["draft"] is True


@pytest.mark.parametrize("late", [refused(502, "Bad Gateway"), lambda: web.Response(body=b"<html>")])
async def test_a_failure_after_it_was_made_makes_no_second_one(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft, late: object
) -> None:
    server.late_faults = {"POST /pulls": [late]}  # type: ignore[list-item]
    assert await forge.open_pull_request(draft) == f"{server.url}/ann/shop/pull/1"
    assert len(server.pulls) == 1


async def test_a_failure_before_it_was_made_is_waited_out(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft, waits: list[float]
) -> None:
    server.faults = {"POST /pulls": [refused(503, "busy"), refused(502, "busy")]}
    await forge.open_pull_request(draft)
    assert len(server.pulls) == 1
    assert waits == [0.5, 1.0]


async def test_one_that_exists_already_counts_as_found(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft
) -> None:
    first = await forge.open_pull_request(draft)
    server.faults = {"GET /pulls": [lambda: web.json_response([])]}  # not visible yet
    assert await forge.open_pull_request(draft) == first


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (refused(403, "You have exceeded a secondary rate limit", retry_after="7"), 7.5),
        (refused(403, "You have exceeded a secondary rate limit"), 60.5),
        (refused(429, "Too many requests", retry_after="3"), 3.5),
    ],
)
async def test_a_rate_limit_is_waited_out_as_long_as_github_asks(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft, waits: list[float],
    fault: object, wait: float,
) -> None:  # fmt: skip
    server.faults = {"POST /pulls": [fault]}  # type: ignore[list-item]
    await forge.open_pull_request(draft)
    assert waits == [wait]


async def test_a_limit_that_ends_too_late_is_told(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft, waits: list[float]
) -> None:
    reset = str(int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))
    headers = {"x_ratelimit_limit": "5000", "x_ratelimit_remaining": "0", "x_ratelimit_reset": reset}
    server.faults = {"GET /pulls": [refused(403, "API rate limit exceeded", **headers)]}
    with pytest.raises(OutsideError, match="Too much was asked of it for now: resume the run later"):
        await forge.open_pull_request(draft)
    assert waits == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (refused(401, "Bad credentials"), "Make a new token and set GITHUB_TOKEN to it"),
        (refused(403, "Resource not accessible by personal access token"), "it needs Contents and Pull"),
        (refused(403, "Repository was archived so is read-only."), "Unarchive the repository"),
        (refused(404, "Not Found"), "Check GITHUB_REPO"),
        (refused(301, "Moved Permanently", location="/repositories/1"), "set GITHUB_REPO to its new name"),
        (refused(422, "Validation Failed"), "It does not take these values"),
    ],
)
async def test_a_refusal_says_what_to_do_and_is_not_repeated(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft, fault: object, said: str
) -> None:
    server.faults = {"POST /pulls": [fault]}  # type: ignore[list-item]
    with pytest.raises(OutsideError, match=said) as refusal:
        await forge.open_pull_request(draft)
    assert "ghp_secret" not in str(refusal.value)
    assert server.asked.count("POST /pulls") == 1


async def test_what_is_out_of_order_for_good_is_told_after_a_bounded_number_of_attempts(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft, waits: list[float]
) -> None:
    server.faults = {"GET /pulls": [refused(500, "oops")] * 9}
    with pytest.raises(OutsideError, match="out of order: resume the run later"):
        await forge.open_pull_request(draft)
    assert (len(waits), server.pulls) == (4, [])


@pytest.mark.parametrize(
    "garbage",
    [b"", b"[", b"null", b"{}", b'[{"number": "x"}]', b"\xff", b"[1]"],
)
async def test_garbage_is_an_error_in_words(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft, garbage: bytes
) -> None:
    answer = lambda: web.Response(body=garbage, content_type="application/json")  # noqa: E731
    server.faults = {"GET /pulls": [answer] * 9}
    with pytest.raises(OutsideError, match="GitHub"):
        await forge.open_pull_request(draft)


async def test_another_commit_than_the_approved_one_is_an_alarm(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft
) -> None:
    server.head = "b" * 40
    with pytest.raises(OutsideError) as alarm:
        await forge.open_pull_request(draft)
    assert str(alarm.value) == (
        f"{server.url}/ann/shop/pull/1 is at 'bbbbbbbbbb', and approved was 'aaaaaaaaaa': somebody pushed to "
        "'fix/bug-42-r1'. Look at what is there. Then set the branch back to the approved commit, or close "
        "the pull request and delete the branch, and resume the run"
    )


async def test_one_that_a_person_closed_or_merged_is_not_opened_again(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft
) -> None:
    first = await forge.open_pull_request(draft)
    server.pulls[0]["state"] = "closed"
    assert await forge.open_pull_request(draft) == first
    server.head = "c" * 40
    assert await forge.open_pull_request(replace(draft, commit="c" * 40)) != first


async def test_a_label_that_somebody_else_makes_meanwhile_is_there(
    server: Faulty, forge: GitHubForge, draft: PullRequestDraft
) -> None:
    exists = lambda: web.json_response(  # noqa: E731
        {"message": "Validation Failed", "errors": [{"code": "already_exists", "field": "name"}]}, status=422
    )
    server.faults = {"POST /labels": [exists, exists]}
    await forge.open_pull_request(draft)
    assert server.labelled == {"1": ["bug", "anton"]}


async def test_a_remote_elsewhere_is_refused(forge: GitHubForge, draft: PullRequestDraft) -> None:
    with pytest.raises(OutsideError, match="is no repository at"):
        await forge.open_pull_request(replace(draft, remote="https://evil.example/ann/shop.git"))


def test_a_body_that_github_would_not_take_is_cut_and_keeps_its_files() -> None:
    body = body_with_files("x" * 100_000, {"proof.tar.gz": b""})
    assert len(body) == 65_000
    assert "the whole text is `pull_request.md`" in body
    assert "- `proof.tar.gz`, SHA-256 `" in body
