"""Looking at a remote's branch, and bringing it in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from anton.adapters.repository.git import GitRepository
from anton.core.errors import OutsideError, UsageError

RunGit = Callable[..., str]


@pytest.fixture
async def remote(repository: GitRepository, tmp_path: Path, git: RunGit) -> Path:
    """A colleague's repository, one commit beyond the user's on branch `Main/next`."""
    base = await repository.resolve("")
    await repository.commit(base.tree, base.commit, "unrelated", 1_800_000_000)
    folder = tmp_path / "remote"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "Main/next")
    (folder / "new.txt").write_text("new\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Go on")
    return folder


async def test_a_branch_is_told_where_it_is_now(repository: GitRepository, remote: Path, git: RunGit) -> None:
    head = git(remote, "rev-parse", "HEAD").strip()
    assert await repository.head_of(str(remote), "Main/next") == head
    assert await repository.head_of(str(remote), "next") == ""
    git(remote, "commit", "-q", "--allow-empty", "-m", "And on")
    assert await repository.head_of(str(remote), "Main/next") != head


async def test_it_is_brought_in_with_its_tree_and_kept(
    repository: GitRepository, remote: Path, git: RunGit
) -> None:
    found = await repository.fetch(str(remote), "Main/next")
    assert found.commit == git(remote, "rev-parse", "HEAD").strip()
    assert (found.branch, found.subject, found.dirty) == ("Main/next", "Go on", False)
    assert await repository.files(found.tree) == ("new.txt",)
    assert await repository.fetch(str(remote), "Main/next") == found


async def test_several_bring_it_in_at_once(repository: GitRepository, remote: Path) -> None:
    found = await asyncio.gather(*(repository.fetch(str(remote), "Main/next") for _ in range(4)))
    assert len(set(found)) == 1


async def test_a_branch_that_is_not_there_cannot_be_brought_in(
    repository: GitRepository, remote: Path
) -> None:
    with pytest.raises(OutsideError, match="'gone' cannot be fetched from"):
        await repository.fetch(str(remote), "gone")


async def test_the_remotes_own_settings_take_no_part(
    repository: GitRepository, remote: Path, tmp_path: Path, git: RunGit
) -> None:
    witness = tmp_path / "witness"
    for key in ("core.fsmonitor", "uploadpack.packObjectsHook", "core.sshCommand"):
        git(remote, "config", key, f"touch {witness}")
    await repository.fetch(str(remote), "Main/next")
    assert not witness.exists()


@pytest.mark.parametrize("remote", ["relative/path", "--upload-pack=x", "ext::sh -c true", ""])
async def test_what_is_no_remote_is_refused(repository: GitRepository, remote: str) -> None:
    with pytest.raises(UsageError, match="is not a remote that Anton pushes to"):
        await repository.head_of(remote, "main")


async def test_a_remote_out_of_reach_is_named(repository: GitRepository, tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="gone"):
        await repository.head_of(str(tmp_path / "gone"), "main")
