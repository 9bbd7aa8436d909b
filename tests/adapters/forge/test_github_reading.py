"""Issues, pull requests and code on GitHub, as they are read, and all that GitHub may answer instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from tests.adapters.github.server import Faulty, refused, serving, speaking

from anton.adapters.forge.github import GitHubForge
from anton.core.errors import OutsideError, UsageError
from anton.ports import CodeHit, CodeSearch, Discussion, Discussions, Remark


@pytest.fixture
async def server() -> AsyncIterator[Faulty]:
    async with serving(Faulty()) as faulty:
        yield faulty


@pytest.fixture
async def forge(server: Faulty) -> AsyncIterator[GitHubForge]:
    async with speaking(server.url) as github:
        yield GitHubForge(github, "ann/shop")


def comment(number: int, **fields: Any) -> dict[str, Any]:
    minutes = f"{number // 60:02}:{number % 60:02}"
    return {
        "user": {"login": "kim"},
        "created_at": f"2026-11-25T{minutes}:00Z",
        "body": f"c{number}",
        **fields,
    }


def hit(path: str, repository: str = "ann/shop", *fragments: str) -> dict[str, Any]:
    matches = [{"fragment": fragment, "object_type": "FileContent"} for fragment in fragments]
    named = {"full_name": repository}
    return {"path": path, "html_url": f"https://h/{path}", "repository": named, "text_matches": matches}


async def test_an_issue_is_read_with_its_comments(server: Faulty, forge: GitHubForge) -> None:
    assert isinstance(forge, Discussions)
    server.issues[7] = {
        "title": "Twice",
        "state": "open",
        "html_url": "https://h/7",
        "user": {"login": "jo"},
        "body": "It breaks.",
        "labels": [{"name": "bug"}],
    }
    server.comments[7] = [comment(1), comment(2, user=None, body=None)]
    assert await forge.discussion(7) == Discussion(
        7,
        "Twice",
        "open",
        "https://h/7",
        "jo",
        "It breaks.",
        ("bug",),
        remarks=(
            Remark("kim", "2026-11-25T00:01:00Z", "c1"),
            Remark("", "2026-11-25T00:02:00Z", ""),
        ),
    )


async def test_of_many_comments_the_newest_are_read_and_the_others_counted(
    server: Faulty, forge: GitHubForge
) -> None:
    server.issues[7] = {"title": "Long", "state": "open"}
    server.comments[7] = [comment(number) for number in range(1, 131)]
    found = await forge.discussion(7)
    assert [remark.text for remark in found.remarks] == [f"c{number}" for number in range(81, 131)]
    assert found.left_out == 80


async def test_a_pull_request_says_where_it_leads_and_what_was_said_of_its_code(
    server: Faulty, forge: GitHubForge
) -> None:
    server.pulls.append(
        {
            "number": 1,
            "title": "Fix",
            "state": "closed",
            "merged": True,
            "html_url": "https://h/1",
            "head": {"sha": "a" * 40},
            "branch": "fix/x",
            "base": "main",
            "body": None,
            "pull_request": {},
            "comments": 1,
        }
    )
    server.comments[1] = [comment(5)]
    server.code_comments[1] = [comment(3, path="todo.py", line=12), comment(9, path="old.py", line=None)]
    found = await forge.discussion(1)
    assert (found.state, found.branches, found.body) == ("merged", "fix/x into main", "")
    assert [(remark.where, remark.text) for remark in found.remarks] == [
        ("todo.py:12", "c3"),
        ("", "c5"),
        ("old.py", "c9"),
    ]


async def test_code_is_searched_in_the_repository_that_is_set_and_in_no_other(
    server: Faulty, forge: GitHubForge
) -> None:
    assert isinstance(forge, CodeSearch)
    server.hits = [
        hit("a.py", "ann/shop", "x = 1", "y"),
        hit("secret.py", "ann/private"),
        hit("b.py", "Ann/Shop"),
    ]
    assert await forge.search_code("x language:python", 5) == (
        CodeHit("a.py", "https://h/a.py", ("x = 1", "y")),
        CodeHit("b.py", "https://h/b.py"),
    )
    assert server.searched == ["x language:python repo:ann/shop"]


@pytest.mark.parametrize("query", ["x repo:ann/private", "ORG:acme x", "user : ann", "-repo:a/b x"])
async def test_a_query_for_another_place_is_refused(server: Faulty, forge: GitHubForge, query: str) -> None:
    with pytest.raises(UsageError, match="only ann/shop is searched"):
        await forge.search_code(query, 5)
    assert server.searched == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "The credential is not accepted"),
        (403, "lacks a permission"),
        (429, "Too much was asked of it for now"),
        (503, "It is out of order"),
    ],
)
async def test_a_refusal_is_a_sentence(server: Faulty, forge: GitHubForge, status: int, said: str) -> None:
    server.faults = {
        "GET /issues/7": [refused(status, "no")] * 9,
        "GET /search/code": [refused(status, "no")] * 9,
    }
    with pytest.raises(OutsideError, match=said):
        await forge.discussion(7)
    with pytest.raises(OutsideError, match=said):
        await forge.search_code("x", 5)


async def test_a_limit_is_waited_out(server: Faulty, forge: GitHubForge) -> None:
    server.issues[7] = {"title": "Twice", "state": "open"}
    server.faults = {"GET /issues/7": [refused(429, "slow down", retry_after="1")]}
    assert (await forge.discussion(7)).title == "Twice"


async def test_what_is_not_there_is_named(server: Faulty, forge: GitHubForge) -> None:
    with pytest.raises(UsageError, match="no issue or pull request 7 in ann/shop"):
        await forge.discussion(7)
    server.faults = {"GET /search/code": [refused(422, "Validation Failed")]}
    with pytest.raises(UsageError, match="cannot search for 'x'"):
        await forge.search_code("x", 5)


async def test_where_no_repository_is_set_nothing_is_read(server: Faulty) -> None:
    async with speaking(server.url) as github:
        with pytest.raises(UsageError, match="set GITHUB_REPO"):
            await GitHubForge(github).discussion(7)
    assert server.asked == []


@pytest.mark.parametrize("answer", [[], {"number": "x"}, {"items": 3}, "hello", None])
async def test_an_answer_that_is_not_githubs_is_named(
    server: Faulty, forge: GitHubForge, answer: object
) -> None:
    server.faults = {
        "GET /issues/7": [lambda: web.json_response(answer)] * 9,
        "GET /search/code": [lambda: web.json_response(answer)] * 9,
    }
    foreign = r"Check github\.base_url|an answer that GitHub does not give"
    with pytest.raises(OutsideError, match=foreign):
        await forge.discussion(7)
    with pytest.raises(OutsideError, match=foreign):
        await forge.search_code("x", 5)
