"""Past commits as git tells of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.history import parse_history
from anton.ports import PastCommit

RunGit = Callable[..., str]


@pytest.fixture
def merged(checkout: Path, git: RunGit) -> Path:
    """One commit, two branches of one commit each, and their merge."""
    git(checkout, "checkout", "-q", "-b", "side")
    git(checkout, "commit", "-q", "--allow-empty", "-m", "Aside\n\nwith a body")
    git(checkout, "checkout", "-q", "main")
    git(checkout, "commit", "-q", "--allow-empty", "--author=Zoë \x1b[1m Ω <z@e>", "-m", "Go on")
    git(checkout, "merge", "-q", "--no-ff", "-m", "Merge aside", "side")
    return checkout


async def test_all_parents_are_followed(merged: Path, repository: GitRepository, git: RunGit) -> None:
    base = await repository.resolve("")
    first, main, side = (git(merged, "rev-parse", name) for name in ("main~2", "main~1", "side"))
    found = {commit.commit: commit for commit in await repository.history(base.commit, 100)}
    at = git(merged, "log", "-1", "--format=%aI")  # newer versions write `Z` for `+00:00`
    assert found == {
        base.commit: PastCommit(base.commit, (main, side), "Ada", at, "Merge aside"),
        main: PastCommit(main, (first,), "Zoë \x1b[1m Ω", at, "Go on"),
        side: PastCommit(side, (first,), "Ada", at, "Aside"),
        first: PastCommit(first, (), "Ada", at, "Double a number"),
    }


async def test_it_ends_at_its_limit(merged: Path, repository: GitRepository) -> None:
    base = await repository.resolve("")
    (only,) = await repository.history(base.commit, 1)
    assert (only.commit, len(only.parents)) == (base.commit, 2)


async def test_of_a_shallow_clone_it_is_what_the_clone_has(merged: Path, tmp_path: Path, git: RunGit) -> None:
    git(tmp_path, "clone", "-q", "--depth=2", f"file://{merged}", "shallow")
    repository = GitRepository(tmp_path / "shallow", tmp_path / "mirror-of-shallow")
    past = await repository.history((await repository.resolve("")).commit, 100)
    assert sorted((commit.subject, len(commit.parents)) for commit in past) == [
        ("Aside", 0),
        ("Go on", 0),
        ("Merge aside", 2),
    ]


async def test_a_commit_without_words_is_one_too(
    checkout: Path, repository: GitRepository, git: RunGit
) -> None:
    git(checkout, "commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    git(checkout, "-c", "i18n.commitEncoding=latin-1", "commit", "-q", "--allow-empty", "-m", "Next")
    past = await repository.history((await repository.resolve("")).commit, 100)
    assert [commit.subject for commit in past] == ["Next", "", "Double a number"]


@given(st.binary(max_size=300))
def test_any_bytes_give_some_commits(listing: bytes) -> None:
    assert len(parse_history(listing)) == (listing.decode("utf-8", "replace").count("\0") + 1) // 5
