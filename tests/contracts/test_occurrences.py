"""What is found at a forge that no webhook told: each once, whatever fails in between."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from aiohttp import web
from tests.adapters.github.happening import Happening
from tests.adapters.github.server import refused, serving, speaking
from tests.counterparts.emulate import REPOSITORY, TOKEN, emulated, program

from anton.adapters.github.credential import PersonalToken
from anton.adapters.occurrences.github import GitHubOccurrences
from anton.core.errors import OutsideError
from anton.entrypoints.intake import GitHubRules, Ignored, Merged, Taken, github
from anton.ports.occurrences import Look, OccurrenceKind

KINDS: tuple[OccurrenceKind, ...] = ("issues", "workflow_runs", "merges")
RUNS_OF_NO_LIST = b'{"workflow_runs": 3}'
BEGAN = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


@pytest.fixture
async def forge() -> AsyncIterator[Happening]:
    async with serving(Happening()) as server:
        assert isinstance(server, Happening)
        yield server


@pytest.fixture
async def occurrences(forge: Happening, tmp_path: Path) -> AsyncIterator[GitHubOccurrences]:
    async with speaking(forge.url) as calls:
        yield watching(calls, tmp_path)


def watching(calls: object, folder: Path) -> GitHubOccurrences:
    labels = ("anton", "bug")
    return GitHubOccurrences(calls, "ann/shop", labels, folder / "looks.json", lambda: BEGAN)  # type: ignore[arg-type]


def read(look: Look) -> list[Taken | Merged | Ignored]:
    """What the webhooks' own reader makes of it."""
    rules = GitHubRules(labels=frozenset({"anton", "bug"}))
    return [github(each.event, "d", each.payload, rules) for each in look.found]


def taken(look: Look) -> list[Taken]:
    return [each for each in read(look) if isinstance(each, Taken)]


async def kept(occurrences: GitHubOccurrences, kind: OccurrenceKind) -> Look:
    look = await occurrences.look(kind, ())
    await occurrences.keep(look)
    return look


async def test_a_labeled_issue_is_told_as_its_webhook_tells_it(
    forge: Happening, occurrences: GitHubOccurrences
) -> None:
    forge.label(7, by="kim")
    (found,) = taken(await occurrences.look("issues", ()))
    assert (found.ticket.key, found.ticket.title) == ("shop-7", "To-dos come back")
    assert (found.delivery, found.requested_by) == ("github:ann/shop/issue/7", "github:kim")
    assert found.repository == "ann/shop"


@pytest.mark.parametrize(("later", "who"), [(997, "github:kim"), (1_500, "github")])
async def test_who_labeled_an_issue_is_nobody_rather_than_whoever_did_so_long_before(
    forge: Happening, occurrences: GitHubOccurrences, later: int, who: str
) -> None:
    forge.label(7, by="kim")
    forge.talked_of[7] = later
    (found,) = taken(await occurrences.look("issues", ()))
    assert found.requested_by == who


async def test_issues_that_are_known_closed_unlabeled_or_pull_requests_are_left_out(
    forge: Happening, occurrences: GitHubOccurrences
) -> None:
    known = forge.label(1)["html_url"]
    forge.label(2, state="closed")
    forge.label(3, name="later")
    forge.label(4, pull_request={"url": "x"})
    forge.label(5, name="bug")
    look = await occurrences.look("issues", {known})
    assert [each.ticket.key for each in taken(look)] == ["shop-5"]


async def test_a_workflow_is_told_if_its_newest_run_failed(
    forge: Happening, occurrences: GitHubOccurrences
) -> None:
    await kept(occurrences, "workflow_runs")
    forge.ran(1)
    forge.ran(2, workflow_id=2)
    forge.ran(3, "success")
    forge.ran(4, "timed_out", workflow_id=3)
    forge.ran(5, workflow_id=2)
    forge.ran(6, "success", workflow_id=2, event="pull_request")
    forge.ran(7, "success", workflow_id=2, head_repository={"id": 7})
    forge.ran(8, workflow_id=9, head_branch="topic")
    found = {each.ci_run: each for each in taken(await occurrences.look("workflow_runs", ()))}
    assert sorted(found) == ["4", "5"]
    assert (found["4"].delivery, found["4"].requested_by) == ("github:ann/shop/run/4", "github:sam")


async def test_a_merge_is_told_once_and_talk_about_it_later_is_no_merge(
    forge: Happening, occurrences: GitHubOccurrences
) -> None:
    pull = forge.merge("fix/bug-1-r1", "https://github.example/ann/shop/pull/3")
    forge.merge("topic", "https://github.example/ann/shop/pull/4", merged_at=None)
    first = await kept(occurrences, "merges")
    assert read(first) == [Merged("ann/shop", "fix/bug-1-r1", pull["html_url"])]
    pull["updated_at"] = forge.tick()
    assert read(await occurrences.look("merges", ())) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_kept_is_told_again_and_what_is_kept_is_not_even_sent(
    forge: Happening, occurrences: GitHubOccurrences, tmp_path: Path, kind: OccurrenceKind
) -> None:
    forge.label(7)
    forge.ran(1)
    forge.merge("fix/bug-1-r1", "https://github.example/ann/shop/pull/3")
    first = await occurrences.look(kind, ())
    assert len(first.found) == 1
    assert (await kept(occurrences, kind)).found == first.found
    seen = {"https://github.example/ann/shop/issues/7", "https://github.example/ann/shop/actions/runs/1"}
    await occurrences.keep(await occurrences.look(kind, seen))  # another question, from here on
    forge.unchanged = 0
    async with speaking(forge.url) as calls:  # after a restart
        assert (await watching(calls, tmp_path).look(kind, seen)).found == ()
    assert forge.unchanged > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "fault",
    [refused(502, "Bad gateway"), refused(429, "rate limit", retry_after="1"), refused(503, "down")],
    ids=["bad gateway", "rate limit", "down"],
)
async def test_a_forge_that_stumbles_is_asked_again(
    forge: Happening, occurrences: GitHubOccurrences, kind: OccurrenceKind, fault: object
) -> None:
    forge.label(7)
    forge.ran(1)
    forge.merge("fix/bug-1-r1", "https://github.example/ann/shop/pull/3")
    for path in ("", "issues", "issues/7/events", "actions/runs", "pulls"):
        forge.faults[f"GET /{path}".removesuffix("/") if path else "GET "] = [fault, fault]  # type: ignore[list-item]
    assert len((await occurrences.look(kind, ())).found) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "Bad credentials"), (403, "Resource not accessible"), (404, "Not Found"), (422, "Invalid")],
)
async def test_a_forge_that_refuses_is_said_and_loses_nothing(
    forge: Happening, occurrences: GitHubOccurrences, kind: OccurrenceKind, status: int, message: str
) -> None:
    forge.label(7)
    forge.ran(1)
    forge.merge("fix/bug-1-r1", "https://github.example/ann/shop/pull/3")
    path = {"issues": "issues", "workflow_runs": "actions/runs", "merges": "pulls"}[kind]
    forge.faults[f"GET /{path}"] = [refused(status, message)]
    with pytest.raises(OutsideError, match=message):
        await occurrences.look(kind, ())
    assert len((await occurrences.look(kind, ())).found) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[7]", b'[{"number": "x"}]', b"null", b'{"workflow_runs": 3}']
)
async def test_an_answer_that_is_none_of_github_s_is_an_error_outside(
    forge: Happening, occurrences: GitHubOccurrences, kind: OccurrenceKind, body: bytes
) -> None:
    path = {"issues": "issues", "workflow_runs": "actions/runs", "merges": "pulls"}[kind]

    def answer() -> web.Response:
        return web.Response(body=body, content_type="application/json")

    forge.faults[f"GET /{path}"] = [answer] * 6
    with pytest.raises(OutsideError):
        await occurrences.look(kind, ())


async def test_many_issues_are_found_over_all_pages(forge: Happening, occurrences: GitHubOccurrences) -> None:
    for number in range(1, 251):
        forge.label(number)
    assert len((await kept(occurrences, "issues")).found) == 250
    assert [each.ticket.key for each in taken(await occurrences.look("issues", ()))] == ["shop-250"]


async def test_a_run_that_ends_after_a_later_one_is_not_missed(
    forge: Happening, occurrences: GitHubOccurrences
) -> None:
    await kept(occurrences, "workflow_runs")
    early = forge.ran(1)
    forge.runs.clear()  # it goes on
    forge.ran(2, "success", workflow_id=2)
    await kept(occurrences, "workflow_runs")
    forge.runs.append(early)
    assert [each.ci_run for each in taken(await occurrences.look("workflow_runs", ()))] == ["1"]


NO_MOMENTS = ["yesterday", "2026-99-99T00:00:00Z", "0001-01-01T00:00:00Z", "2026-02-30T00:00:00.5Z"]


@pytest.mark.parametrize("moment", NO_MOMENTS)
async def test_a_damaged_record_of_looks_is_begun_anew(
    forge: Happening, occurrences: GitHubOccurrences, tmp_path: Path, moment: str
) -> None:
    forge.label(7)
    forge.ran(1)
    for kind in ("issues", "workflow_runs"):
        await kept(occurrences, kind)
    record = tmp_path / "looks.json"
    record.write_text(re.sub(r'"since": ".*?"', f'"since": "{moment}"', record.read_text()))
    assert len((await occurrences.look("issues", ())).found) == 1
    assert len((await occurrences.look("workflow_runs", ())).found) == 1


@pytest.mark.parametrize("moment", NO_MOMENTS)
async def test_a_moment_that_is_in_no_calendar_is_an_error_outside(
    forge: Happening, occurrences: GitHubOccurrences, moment: str
) -> None:
    forge.merge("fix/bug-1-r1", "https://github.example/ann/shop/pull/3", updated_at=moment)
    with pytest.raises(OutsideError, match="GitHub answered something else"):
        await occurrences.look("merges", ())


async def test_a_record_that_cannot_be_written_is_said(
    forge: Happening, occurrences: GitHubOccurrences, tmp_path: Path
) -> None:
    (tmp_path / "looks.json").mkdir()
    look = await occurrences.look("issues", ())
    with pytest.raises(OutsideError, match=r"looks\.json.*cannot be written"):
        await occurrences.keep(look)


@pytest.mark.skipif(program() is None, reason="emulate is not installed: .ci/run does that, with npm")
async def test_a_github_of_others_is_looked_at_the_same_way(tmp_path: Path) -> None:
    async with emulated(tmp_path) as url, speaking(url, credential=PersonalToken(TOKEN)) as calls:
        occurrences = GitHubOccurrences(calls, REPOSITORY, ("anton",), tmp_path / "looks.json")
        async with httpx2.AsyncClient(
            base_url=f"{url}/repos/{REPOSITORY}", headers={"authorization": f"token {TOKEN}"}, trust_env=False
        ) as client:
            for title in ("It breaks", "Not this one"):
                (await client.post("/issues", json={"title": title})).raise_for_status()
            (await client.post("/issues/1/labels", json={"labels": ["anton"]})).raise_for_status()
            (found,) = taken(await kept(occurrences, "issues"))
            assert (found.ticket.key, found.requested_by) == ("shop-1", "github:octocat")
            known = {found.ticket.url}
            assert (await occurrences.look("issues", known)).found == ()
        for kind in ("workflow_runs", "merges"):
            assert (await kept(occurrences, kind)).found == ()
