"""Finding the commit to base a fix on, in whatever state a repository is."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from anton.adapters.repository.git import GitRepository
from anton.core.errors import RepositoryUnusable
from anton.ports import BaseCommit

RunGit = Callable[..., str]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def give_away(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)


async def refusal(repository: GitRepository, ref: str = "") -> str:
    with pytest.raises(RepositoryUnusable) as refused:
        await repository.resolve(ref)
    return str(refused.value)


async def test_what_is_checked_out_is_the_base(
    checkout: Path, repository: GitRepository, git: RunGit
) -> None:
    git(checkout, "remote", "add", "origin", "../upstream.git")
    assert await repository.resolve("") == BaseCommit(
        commit=git(checkout, "rev-parse", "HEAD"),
        tree=git(checkout, "rev-parse", "HEAD^{tree}"),
        branch="main",
        subject="Double a number",
        remote=str(checkout.parent / "upstream.git"),
        dirty=False,
    )


async def test_the_mirror_is_for_this_user_only(repository: GitRepository, tmp_path: Path) -> None:
    await repository.resolve("")
    assert stat.S_IMODE((tmp_path / "state" / "mirror").stat().st_mode) == 0o700
    assert not list((tmp_path / "state" / "mirror" / "anton" / "passing").iterdir())


async def test_a_branch_a_tag_and_a_commit_can_be_named(
    checkout: Path, repository: GitRepository, git: RunGit
) -> None:
    first = git(checkout, "rev-parse", "HEAD")
    git(checkout, "tag", "v1")
    git(checkout, "update-ref", "refs/remotes/origin/stable", first)
    git(checkout, "checkout", "-q", "-b", "feature/x")
    git(checkout, "commit", "-q", "--allow-empty", "-m", "second")
    second = git(checkout, "rev-parse", "HEAD")
    named = {}
    for ref in ("main", "feature/x", "v1", first[:9], "origin/stable", "stable", "HEAD~1", "refs/heads/main"):
        base = await repository.resolve(ref)
        named[ref] = (base.commit, base.branch)
    assert named == {
        "main": (first, "main"),
        "feature/x": (second, "feature/x"),
        "v1": (first, "feature/x"),
        first[:9]: (first, "feature/x"),
        "origin/stable": (first, "stable"),
        "stable": (first, "stable"),
        "HEAD~1": (first, "feature/x"),
        "refs/heads/main": (first, "main"),
    }


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert await refusal(GitRepository(gone, tmp_path / "mirror")) == (
        f"'{gone}' does not exist. Name the folder of a git repository."
    )


async def test_a_folder_that_is_no_repository_is_named(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert await refusal(GitRepository(tmp_path / "plain", tmp_path / "mirror")) == (
        f"'{tmp_path}/plain' is not a git repository. Name the folder that holds its `.git`, "
        "or run `git init` there."
    )


async def test_a_folder_inside_a_repository_leads_to_its_root(checkout: Path, tmp_path: Path) -> None:
    assert await refusal(GitRepository(checkout / "src", tmp_path / "mirror")) == (
        f"'{checkout}/src' is inside the git repository '{checkout}'. Name that folder instead."
    )


async def test_a_broken_git_folder_is_named(checkout: Path, repository: GitRepository) -> None:
    (checkout / ".git" / "HEAD").unlink()
    assert await refusal(repository) == (
        f"'{checkout}' is not a git repository: its `.git` leads to '{checkout}/.git', which lacks HEAD, "
        "objects or refs. Clone it afresh."
    )


async def test_a_repository_without_commits_is_named(tmp_path: Path, git: RunGit) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q", "-b", "main")
    repository = GitRepository(empty, tmp_path / "mirror")
    said = f"'{empty}' has no commits yet. Commit something, then try again."
    assert [await refusal(repository), await refusal(repository, "main")] == [said, said]


async def test_an_unborn_branch_beside_others_asks_for_a_base(
    checkout: Path, repository: GitRepository, git: RunGit
) -> None:
    git(checkout, "checkout", "-q", "--orphan", "fresh")
    assert await refusal(repository) == (
        f"'{checkout}' has checked out 'fresh', which has no readable commit. "
        "Say what to base the fix on: --base BRANCH"
    )


async def test_a_detached_head_asks_for_a_base(
    checkout: Path, repository: GitRepository, git: RunGit
) -> None:
    git(checkout, "checkout", "-q", "--detach")
    commit = git(checkout, "rev-parse", "HEAD")
    assert await refusal(repository) == (
        f"'{checkout}' is detached at {commit[:7]}; say what to base the fix on: --base BRANCH"
    )
    assert (await repository.resolve("main")).branch == "main"
    assert (await repository.resolve(commit)).branch == ""


@pytest.mark.parametrize("ref", ["no-such", "--upload-pack=x", "a\nb", "-q", "main..", "HEAD^{tree}"])
async def test_an_unknown_reference_is_named(checkout: Path, repository: GitRepository, ref: str) -> None:
    assert await refusal(repository, ref) == (
        f"'{checkout}' has no branch, tag or commit {ref!r}. `git branch --all` lists what there is."
    )


async def test_a_damaged_configuration_is_named(checkout: Path, repository: GitRepository) -> None:
    (checkout / ".git" / "config").write_text("[core\n")
    assert await refusal(repository) == (
        f"The configuration of '{checkout}' cannot be read: fatal: bad config line 1 in standard input"
    )


async def test_references_in_another_store_are_named(
    checkout: Path, repository: GitRepository, git: RunGit
) -> None:
    git(checkout, "config", "extensions.refStorage", "reftable")
    assert await refusal(repository) == (
        f"'{checkout}' stores objects as 'sha1' and references as 'reftable'; Anton reads sha1 and "
        "sha256, and files. Give it a plain clone."
    )


async def test_a_partial_clone_is_named(checkout: Path, tmp_path: Path, git: RunGit) -> None:
    git(checkout, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{checkout}", str(partial))
    said = await refusal(GitRepository(partial, tmp_path / "mirror"))
    commit = git(checkout, "rev-parse", "HEAD")
    assert said.startswith(
        f"'{partial}' lacks objects of commit {commit[:7]}, as a partial or damaged clone does. "
        "Run `git fetch --refetch --no-filter` there, or clone it afresh. git says: "
    )


async def test_a_bare_repository_a_shallow_clone_and_a_linked_worktree_will_do(
    checkout: Path, tmp_path: Path, git: RunGit
) -> None:
    git(checkout, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--bare", str(checkout), "bare")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{checkout}", "shallow")
    git(checkout, "worktree", "add", "-q", "-b", "side", "../linked")
    found = {}
    for name in ("bare", "shallow", "linked"):
        repository = GitRepository(tmp_path / name, tmp_path / f"mirror-{name}")
        base = await repository.resolve("")
        found[name] = (base.branch, base.subject, base.dirty, await repository.files(base.commit))
    files = (".gitignore", "link", "run.sh", "src/app.py")
    assert found == {
        "bare": ("main", "second", False, files),
        "shallow": ("main", "second", False, files),
        "linked": ("side", "second", False, files),
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to somebody else")
async def test_somebody_else_s_repository_is_read_though_git_itself_calls_it_dubious(
    checkout: Path, repository: GitRepository, git: RunGit
) -> None:
    give_away(checkout)
    assert git(checkout, "status", check=False) == ""
    assert (await repository.resolve("")).subject == "Double a number"


async def test_a_sha256_repository_goes_all_the_way(tmp_path: Path, git: RunGit) -> None:
    folder = tmp_path / "modern"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main", "--object-format=sha256")
    (folder / "a").write_text("1\n")
    git(folder, "add", "a")
    git(folder, "commit", "-q", "-m", "one")
    repository = GitRepository(folder, tmp_path / "mirror")
    base = await repository.resolve("")
    await repository.export(base.commit, tmp_path / "out")
    (tmp_path / "out" / "a").write_text("2\n")
    tree = await repository.snapshot(tmp_path / "out", base.commit)
    assert len(tree) == 64
    assert await repository.read(tree, "a") == b"2\n"


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("git@github.com:o/r.git", "git@github.com:o/r.git"),
        ("https://example.com/o/r.git", "https://example.com/o/r.git"),
        ("file:///srv/r.git", "/srv/r.git"),
        ("/srv/r.git", "/srv/r.git"),
        ("./r.git", "{checkout}/r.git"),
    ],
)
async def test_the_origin_is_read_and_made_absolute(
    checkout: Path, repository: GitRepository, git: RunGit, url: str, remote: str
) -> None:
    git(checkout, "remote", "add", "origin", url)
    assert (await repository.resolve("")).remote == remote.format(checkout=checkout)


async def test_uncommitted_work_is_noticed(checkout: Path, repository: GitRepository, git: RunGit) -> None:
    async def dirty() -> bool:
        return (await repository.resolve("")).dirty

    (checkout / "debug.log").write_text("ignored\n")
    (checkout / "src" / "app.py").touch()
    assert not await dirty()
    (checkout / "new.py").write_text("")
    assert await dirty()
    (checkout / "new.py").unlink()
    assert not await dirty()
    (checkout / "src" / "app.py").write_text("changed\n")
    assert await dirty()
    git(checkout, "add", "-A")
    assert await dirty()
    git(checkout, "commit", "-q", "-m", "second")
    assert not await dirty()
    git(checkout, "update-index", "--split-index")
    assert not await dirty()


async def test_a_checkout_with_other_line_ends_is_clean(
    checkout: Path, repository: GitRepository, git: RunGit
) -> None:
    git(checkout, "config", "core.autocrlf", "true")
    (checkout / "src" / "app.py").unlink()
    git(checkout, "checkout", "-q", "--", "src/app.py")
    (checkout / "src" / "app.py").touch()
    assert b"\r\n" in (checkout / "src" / "app.py").read_bytes()
    assert not (await repository.resolve("")).dirty


async def test_many_at_once_make_one_mirror(checkout: Path, tmp_path: Path, git: RunGit) -> None:
    commits = [git(checkout, "rev-parse", "HEAD")]
    for number in range(3):
        git(checkout, "commit", "-q", "--allow-empty", "-m", f"number {number}")
        commits.append(git(checkout, "rev-parse", "HEAD"))
    several = [GitRepository(checkout, tmp_path / "mirror") for _ in range(2)]
    bases = await asyncio.gather(*(repo.resolve(commit) for repo in several for commit in commits))
    assert [base.commit for base in bases] == commits * 2
    assert names(tmp_path) == ["checkout", "mirror"]
