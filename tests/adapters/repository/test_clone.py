"""One commit of a repository elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.office import git, make_repository

from anton.adapters.repository.clone import clone_commit
from anton.adapters.repository.git import GitRepository
from anton.core.errors import RepositoryUnusable, UsageError

LOCAL = {"GIT_ALLOW_PROTOCOL": "file"}
"""In place of the network."""


@pytest.mark.parametrize("allowed", ["true", "false"])
async def test_a_commit_comes_whether_or_not_the_other_side_gives_it_alone(
    tmp_path: Path, allowed: str
) -> None:
    theirs = make_repository(tmp_path / "theirs")
    commit = git(theirs, "rev-parse", "HEAD").strip()
    git(theirs, "commit", "-q", "--allow-empty", "-m", "Later")
    git(theirs, "config", "uploadpack.allowAnySHA1InWant", allowed)
    await clone_commit(str(theirs), commit, tmp_path / "clone", LOCAL)
    found = await GitRepository(tmp_path / "clone", tmp_path / "mirror").resolve(commit)
    assert (found.commit, found.subject) == (commit, "Add to-dos")


async def test_a_commit_that_is_not_there_is_told(tmp_path: Path) -> None:
    theirs = make_repository(tmp_path / "theirs")
    with pytest.raises(RepositoryUnusable, match="does not give the commit 1111111111"):
        await clone_commit(str(theirs), "1" * 40, tmp_path / "clone", LOCAL)


async def test_only_https_and_ssh_are_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a remote"):
        await clone_commit("ext::sh -c date", "1" * 40, tmp_path / "clone")
    with pytest.raises(RepositoryUnusable, match="does not give"):
        await clone_commit(str(make_repository(tmp_path / "theirs")), "1" * 40, tmp_path / "other")
