"""What every forge does; GitHub's side against a stateful GitHub from npm, where that is installed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.adapters.github.server import Faulty, serving, speaking
from tests.counterparts.emulate import REPOSITORY, TOKEN, emulated, program

from anton.adapters.forge.github import GitHubForge
from anton.adapters.forge.local import LocalForge
from anton.adapters.github.api import GitHub
from anton.adapters.github.credential import PersonalToken
from anton.core.errors import UsageError
from anton.ports import CodeSearch, Discussions, Forge, PullRequestDraft

DRAFT = PullRequestDraft(
    head="fix/bug-42-r1",
    base="main",
    commit="a" * 40,
    title="Keep done to-dos done: complete() sets",
    body="## Problem\n\nDone is undone — twice.",
    labels=("bug", "anton"),
    remote="/srv/todo.git",
)


@dataclass(frozen=True)
class Stage:
    """A forge, and how a branch comes to be where its pull request will look for it."""

    forge: Forge
    says: str
    pushed: Callable[[str], Awaitable[PullRequestDraft]]


async def _as_it_is(head: str) -> PullRequestDraft:
    return replace(DRAFT, head=head)


@pytest.fixture(params=["local", "github", "emulate"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    if request.param == "local":
        yield Stage(LocalForge(tmp_path / "pull_requests"), "local", _as_it_is)
    elif request.param == "github":
        async with serving(Faulty()) as server, speaking(server.url) as github:

            async def known(head: str) -> PullRequestDraft:
                return replace(DRAFT, head=head, remote=f"{server.url}/ann/shop.git")

            yield Stage(GitHubForge(github, "ann/shop"), "GitHub at", known)
    elif program() is None:
        pytest.skip("emulate is not installed: .ci/run does that, with npm")
    else:
        async with emulated(tmp_path) as url, speaking(url, credential=PersonalToken(TOKEN)) as github:

            async def created(head: str) -> PullRequestDraft:
                return await _with_branch(github, url, head)

            yield Stage(GitHubForge(github, REPOSITORY), "GitHub at", created)


async def _with_branch(github: GitHub, url: str, head: str) -> PullRequestDraft:
    names = {"repository": REPOSITORY}
    main = await github.get("/repos/{repository}/git/ref/heads/main", names)
    commit = main["object"]["sha"]
    await github.post("/repos/{repository}/git/refs", names, {"ref": f"refs/heads/{head}", "sha": commit})
    return replace(DRAFT, head=head, commit=commit, remote=f"{url}/{REPOSITORY}.git")


async def test_a_forge_says_which_side_it_is(stage: Stage) -> None:
    assert stage.forge.description.startswith(stage.says)


async def test_one_branch_has_one_open_pull_request(stage: Stage) -> None:
    draft = await stage.pushed("fix/bug-42-r1")
    opened = await stage.forge.open_pull_request(draft)
    assert await stage.forge.open_pull_request(replace(draft, title="Again")) == opened


async def test_branches_have_pull_requests_of_their_own(stage: Stage) -> None:
    drafts = [await stage.pushed(f"fix/bug-{n}") for n in range(5)]
    opened = await asyncio.gather(*map(stage.forge.open_pull_request, drafts))
    assert len(set(opened)) == 5


async def test_asked_at_once_for_one_branch_only_one_is_opened(stage: Stage) -> None:
    draft = await stage.pushed("fix/bug-42-r1")
    opened = await asyncio.gather(*(stage.forge.open_pull_request(draft) for _ in range(8)))
    assert len(set(opened)) == 1


async def test_a_pull_request_is_read_by_its_number(stage: Stage) -> None:
    forge, draft = stage.forge, await stage.pushed("fix/bug-42-r1")
    opened = await forge.open_pull_request(draft)
    number = int(re.findall(r"[0-9]+", opened)[-1])
    assert isinstance(forge, Discussions)
    found = await forge.discussion(number)
    assert (found.number, found.title, found.state) == (number, draft.title, "open")
    assert (found.url, found.branches) == (opened, "fix/bug-42-r1 into main")
    assert draft.body in found.body
    assert found.remarks == ()


async def test_a_number_that_nothing_has_is_named(stage: Stage) -> None:
    assert isinstance(stage.forge, Discussions)
    with pytest.raises(UsageError, match="pull request 4711"):
        await stage.forge.discussion(4711)


async def test_code_is_found_where_the_forge_holds_any(stage: Stage) -> None:
    if not isinstance(stage.forge, CodeSearch):
        pytest.skip("this forge holds no code")
    assert await stage.forge.search_code("words that nobody wrote", 3) == ()
    with pytest.raises(UsageError, match="is searched: leave out"):
        await stage.forge.search_code("x repo:somebody/else", 3)
