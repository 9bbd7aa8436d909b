"""What every forge does."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from anton.adapters.forge.local import LocalForge
from anton.ports import Forge, PullRequestDraft

DRAFT = PullRequestDraft(
    head="fix/bug-42-r1",
    base="main",
    commit="a" * 40,
    title="Keep done to-dos done: complete() sets",
    body="## Problem\n\nDone is undone — twice.",
    labels=("bug", "anton"),
    remote="/srv/todo.git",
)


@pytest.fixture(params=["local"])
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> Forge:
    return LocalForge(tmp_path / "pull_requests")


def test_a_forge_says_which_side_it_is(forge: Forge) -> None:
    assert forge.description.startswith("local")


async def test_one_branch_has_one_open_pull_request(forge: Forge) -> None:
    opened = await forge.open_pull_request(DRAFT)
    assert await forge.open_pull_request(replace(DRAFT, title="Again")) == opened


async def test_branches_have_pull_requests_of_their_own(forge: Forge) -> None:
    drafts = [replace(DRAFT, head=f"fix/bug-{n}") for n in range(5)]
    opened = await asyncio.gather(*map(forge.open_pull_request, drafts))
    assert len(set(opened)) == 5


async def test_asked_at_once_for_one_branch_only_one_is_opened(forge: Forge) -> None:
    opened = await asyncio.gather(*(forge.open_pull_request(DRAFT) for _ in range(8)))
    assert len(set(opened)) == 1
