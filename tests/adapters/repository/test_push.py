"""Pushing exactly one commit, to exactly one branch, over nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.mirror import create_bare
from anton.adapters.repository.push import check_branch, check_remote
from anton.core.errors import OutsideError, UsageError

RunGit = Callable[..., str]


@pytest.fixture
async def remote(tmp_path: Path) -> Path:
    """An empty bare repository."""
    await create_bare(tmp_path / "remote.git")
    return tmp_path / "remote.git"


@pytest.fixture
async def commits(repository: GitRepository) -> tuple[str, str]:
    """Two commits that differ in their message."""
    base = await repository.resolve("")
    first = await repository.commit(base.tree, base.commit, "one", 1_800_000_000)
    return first, await repository.commit(base.tree, base.commit, "two", 1_800_000_000)


async def test_the_branch_is_exactly_the_commit(
    repository: GitRepository, commits: tuple[str, str], remote: Path, git: RunGit
) -> None:
    await repository.push(commits[0], "anton/bug-1", str(remote))
    await repository.push(commits[0], "anton/bug-1", str(remote))
    assert git(remote, "for-each-ref", "--format=%(refname) %(objectname)") == (
        f"refs/heads/anton/bug-1 {commits[0]}"
    )
    git(remote, "fsck", "--strict")


async def test_something_else_under_the_name_is_never_overwritten(
    repository: GitRepository, commits: tuple[str, str], remote: Path, git: RunGit
) -> None:
    first, second = commits
    await repository.push(first, "anton/bug-1", str(remote))
    with pytest.raises(OutsideError) as refused:
        await repository.push(second, "anton/bug-1", str(remote))
    assert str(refused.value) == (
        f"'{remote}' already has a branch 'anton/bug-1', at {first[:7]} and not at {second[:7]}. "
        "Nothing was pushed; remove or rename that branch, then try again."
    )
    git(remote, "pack-refs", "--all")
    with pytest.raises(OutsideError, match="already has a branch"):
        await repository.push(second, "anton/bug-1", str(remote))
    assert git(remote, "rev-parse", "anton/bug-1") == first


async def test_of_several_at_once_one_wins(
    repository: GitRepository, commits: tuple[str, str], remote: Path, git: RunGit
) -> None:
    pushes = [repository.push(commit, "anton/race", str(remote)) for commit in commits * 2]
    results = await asyncio.gather(*pushes, return_exceptions=True)
    won = git(remote, "rev-parse", "anton/race")
    assert won in commits
    for commit, result in zip(commits * 2, results, strict=True):
        assert isinstance(result, OutsideError if commit != won else type(None)), result


async def test_a_name_inside_a_branch_is_refused_in_git_s_words(
    repository: GitRepository, commits: tuple[str, str], remote: Path
) -> None:
    await repository.push(commits[0], "anton", str(remote))
    with pytest.raises(OutsideError, match=r"did not take the branch 'anton/bug'.*remote rejected"):
        await repository.push(commits[0], "anton/bug", str(remote))


async def test_a_checkout_that_is_the_remote_keeps_its_branch(
    checkout: Path, repository: GitRepository, commits: tuple[str, str], git: RunGit
) -> None:
    await repository.push(commits[0], "anton/bug-1", str(checkout))
    assert git(checkout, "rev-parse", "anton/bug-1") == commits[0]
    assert git(checkout, "status", "--porcelain") == ""
    with pytest.raises(OutsideError, match="already has a branch 'main'"):
        await repository.push(commits[0], "main", str(checkout))


async def test_a_remote_that_is_not_there_is_named(
    repository: GitRepository, commits: tuple[str, str], tmp_path: Path
) -> None:
    with pytest.raises(OutsideError) as refused:
        await repository.push(commits[0], "anton/x", str(tmp_path / "gone"))
    assert str(refused.value) == (
        f"Nothing can be pushed: '{tmp_path}/gone' does not exist. Name the folder of a git repository."
    )


async def test_a_host_that_does_not_answer_is_named_without_its_password(
    repository: GitRepository, commits: tuple[str, str]
) -> None:
    with pytest.raises(OutsideError) as refused:
        await repository.push(commits[0], "anton/x", "https://ann:secret@127.0.0.1:1/r.git")
    assert str(refused.value).startswith(
        "'https://127.0.0.1:1/r.git' cannot be reached, so nothing was pushed: "
    )
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "remote",
    [
        "/srv/git/r.git", "/srv/with space", "https://github.com/o/r.git", "https://user@host:8443/r",
        "ssh://git@github.com/o/r.git", "ssh://host:22/r", "ssh://[::1]:22/r", "git@github.com:o/r.git",
        "host:/abs/r.git",
    ],
)  # fmt: skip
def test_a_remote_may_be_a_path_or_a_url(remote: str) -> None:
    check_remote(remote)


@pytest.mark.parametrize(
    "remote",
    [
        "", ".", "origin", "../r.git", "relative/r.git", "ext::sh -c id", "ext::/x", "fd::3",
        "-oProxyCommand=id", "--upload-pack=id", "http://h/r", "git://h/r", "file:///x",
        "ssh://-oProxyCommand=id/x",
        "https://-x/r", "-h:r", "git@-oProxyCommand=id:r", "host:-x", "ssh://a@-b/x", "/a\nb",
        "https://h/a b",
        "ssh://h:x/r",
        "transport::https://h/r", "http::https://h/r", "host::r", "host://x",
    ],
)  # fmt: skip
def test_nothing_else_is_a_remote(remote: str) -> None:
    with pytest.raises(UsageError, match="is not a remote that Anton pushes to"):
        check_remote(remote)


@pytest.mark.parametrize(
    "branch",
    ["", "-x", "a..b", "a//b", "a/", "/a", "a.lock", "a.lock/b", "a/.b", ".a", "a.", "A", "a b", "a:b", "+a",
     "a~1", "a^", "a@{1}", "a\n", "ü", "refs/heads/x\0", "x" * 201],
)  # fmt: skip
def test_a_branch_has_a_plain_name(branch: str) -> None:
    with pytest.raises(UsageError, match="is not a branch name that Anton pushes"):
        check_branch(branch)


@given(st.text(alphabet="ab0./-_lock@{~^: ", max_size=12))
def test_a_branch_that_is_accepted_is_one_to_git(branch: str) -> None:
    """The rules of git-check-ref-format, told another way."""
    try:
        check_branch(branch)
    except UsageError:
        return
    parts = branch.split("/")
    assert all(
        part and not part.startswith((".", "-x")) and not part.endswith((".lock", ".")) for part in parts[-1:]
    )
    assert all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    assert ".." not in branch
    assert not set(branch) & set("@{~^: ")
    assert not branch.startswith("-")


async def test_a_bare_repository_is_not_made_over_something(tmp_path: Path, git: RunGit) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(OutsideError) as refused:
        await create_bare(tmp_path / "full")
    assert str(refused.value) == (
        f"'{tmp_path}/full' is not empty. Name another folder for the bare repository."
    )
    await create_bare(tmp_path / "new" / "bare.git", branch="trunk")
    assert git(tmp_path / "new" / "bare.git", "symbolic-ref", "HEAD") == "refs/heads/trunk"
