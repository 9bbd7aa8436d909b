"""A repository that tries to run a command by every feature of git: none may, and nothing is written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from anton.adapters.repository.command import Git
from anton.adapters.repository.git import GitRepository
from anton.core.errors import RepositoryUnusable, UsageError

RunGit = Callable[..., str]

HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit",
    "post-index-change", "post-merge", "post-receive", "post-rewrite", "post-update", "pre-applypatch",
    "pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive",
    "prepare-commit-msg", "proc-receive", "push-to-checkout", "reference-transaction",
    "sendemail-validate", "update",
)  # fmt: skip


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "executed"


def plant(folder: Path, git: RunGit, marker: Path, only: str = "") -> None:
    """Put a command that leaves its name in `marker` where git knows a place for one, or in one only."""
    git_dir = folder / ".git" if (folder / ".git").is_dir() else folder

    def script(name: str) -> str:
        path = git_dir / f"evil-{name}"
        path.write_text(f"#!/bin/sh\necho {name} >> {marker}\n")
        path.chmod(0o755)
        return str(path)

    (git_dir / "hooks").mkdir(exist_ok=True)
    for hook in () if only and only != "hooks" else HOOKS:
        path = git_dir / "hooks" / hook
        path.write_text(f"#!/bin/sh\necho {hook} >> {marker}\n")
        path.chmod(0o755)
    settings = {
        "alias.status": f"!{script('alias')}",
        "commit.gpgSign": "true",
        "core.alternateRefsCommand": script("alternateRefsCommand"),
        "core.askPass": script("askPass"),
        "core.editor": script("editor"),
        "core.fsmonitor": script("fsmonitor"),
        "core.gitProxy": script("gitProxy"),
        "core.hooksPath": str(git_dir / "hooks"),
        "core.pager": script("pager"),
        "core.sshCommand": script("sshCommand"),
        "credential.helper": script("credential"),
        "diff.evil.command": script("diff-command"),
        "diff.evil.textconv": script("textconv"),
        "diff.external": script("diff-external"),
        "filter.evil.clean": script("clean"),
        "filter.evil.smudge": script("smudge"),
        "filter.evil.process": script("process"),
        "filter.evil.required": "true",
        "gpg.program": script("gpg"),
        "log.showSignature": "true",
        "merge.evil.driver": script("merge"),
        "protocol.ext.allow": "always",
        "remote.origin.receivepack": script("receivepack"),
        "remote.origin.uploadpack": script("uploadpack"),
        "uploadpack.packObjectsHook": script("packObjectsHook"),
        f"url.ext::sh -c echo% insteadOf% >>{marker} .insteadOf": "/",
        "include.path": str(git_dir / "included"),
    }
    (git_dir / "included").write_text(f"[core]\n\tfsmonitor = {script('included')}\n")
    for name, value in settings.items():
        if not only or name.startswith(only) or (only, name) == ("commit.gpgSign", "gpg.program"):
            git(folder, "config", name, value)


@pytest.fixture
def hostile(checkout: Path, tmp_path: Path, git: RunGit, marker: Path) -> Path:
    """The hostile repository, with an alternate and a submodule that is hostile too."""
    git(tmp_path, "clone", "-q", "--no-hardlinks", str(checkout), "elsewhere")
    git(tmp_path, "-c", "protocol.file.allow=always", "clone", "-q", "-s", str(checkout), "hostile")
    folder = tmp_path / "hostile"
    (folder / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "attributes")
    git(folder, "clone", "-q", str(tmp_path / "elsewhere"), "sub")
    git(folder, "-c", "advice.addEmbeddedRepo=false", "add", "sub")
    git(folder, "commit", "-q", "-m", "submodule")
    plant(folder / "sub", git, marker)
    plant(folder, git, marker)
    (folder / "src" / "app.py").write_text("changed and not committed\n")
    assert executed(marker) == ""
    return folder


def executed(marker: Path) -> str:
    """Names of the planted commands that ran."""
    return marker.read_text() if marker.exists() else ""


def fingerprint(folder: Path) -> str:
    """Of every name, status and byte in a folder."""
    digest = hashlib.sha256()
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        digest.update(
            repr((str(path), status.st_mode, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)).encode()
        )
        if path.is_file() and not path.is_symlink():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("feature", "command"),
    [
        ("core.fsmonitor", "status"),
        ("include.path", "status"),
        ("filter.evil.clean", "status"),
        ("filter.evil.process", "add -A"),
        ("filter.evil.smudge", "checkout -f HEAD -- src"),
        ("diff.evil.command", "diff"),
        ("diff.external", "diff"),
        ("diff.evil.textconv", "show HEAD~1"),
        ("hooks", "commit -am x"),
        ("commit.gpgSign", "commit -am x"),
        ("core.sshCommand", "ls-remote ssh://nowhere/x"),
        ("url.", "-c protocol.ext.allow=always ls-remote /x"),
    ],
)
async def test_a_feature_that_catches_plain_git_does_not_catch_anton(
    checkout: Path, tmp_path: Path, git: RunGit, marker: Path, feature: str, command: str
) -> None:
    (checkout / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "attributes")
    plant(checkout, git, marker, only=feature)
    (checkout / "src" / "app.py").write_text("changed and not committed\n")
    before = fingerprint(checkout)
    await through_everything(GitRepository(checkout, tmp_path / "mirror"), tmp_path / "tree")
    assert fingerprint(checkout) == before
    assert executed(marker) == ""
    (checkout / "run.sh").unlink()
    git(checkout, *command.split(), check=False)
    assert executed(marker)


async def through_everything(repository: GitRepository, tree: Path) -> str:
    """Every operation but the push; returns the commit."""
    base = await repository.resolve("")
    assert (base.branch, base.dirty) == ("main", True)
    assert (await repository.resolve("HEAD~1")).commit != base.commit
    await repository.export(base.commit, tree)
    (tree / "src" / "app.py").write_text("fixed\n")
    (tree / "new.py").write_text("x\n")
    fixed = await repository.snapshot(tree, base.commit)
    await repository.keep("fixed", fixed)
    grafted = await repository.graft(base.commit, fixed, ["src/app.py"])
    commit = await repository.commit(grafted, base.commit, "Fix it", 1_800_000_000)
    assert [change.path for change in await repository.changes(base.commit, commit)] == ["src/app.py"]
    assert "+fixed" in await repository.diff(base.commit, commit)
    assert await repository.read(commit, "src/app.py") == b"fixed\n"
    past = repository.past
    assert await past.ancestor(base.commit, "HEAD~1") is not None
    first = (await past.log(base.commit, 5, "src"))[-1]
    assert "src/app.py" in await past.show(first.commit)
    assert "+fixed" in await past.show(commit)
    assert len(await past.blame(base.commit, "src/app.py", 1, 9)) == 2
    await repository.export(commit, tree)
    return commit


async def test_nothing_of_a_hostile_repository_runs_and_nothing_in_it_changes(
    hostile: Path, tmp_path: Path, git: RunGit, marker: Path
) -> None:
    git_dirs = [hostile, tmp_path / "checkout", tmp_path / "elsewhere"]
    before = [fingerprint(folder) for folder in git_dirs]
    repository = GitRepository(hostile, tmp_path / "mirror")
    tree = tmp_path / "tree"
    await through_everything(repository, tree)
    git(tree, "init", "-q")
    plant(tree, git, marker)
    await through_everything(repository, tree)
    assert [fingerprint(folder) for folder in git_dirs] == before
    assert executed(marker) == ""


async def test_a_push_runs_nothing_of_a_hostile_remote(
    hostile: Path, tmp_path: Path, git: RunGit, marker: Path
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(tmp_path / "elsewhere"), "remote.git", check=True)
    remote = tmp_path / "remote.git"
    (remote / "objects" / "info").mkdir(exist_ok=True)
    (remote / "objects" / "info" / "alternates").write_text(f"{tmp_path}/checkout/.git/objects\n")
    plant(remote, git, marker)
    repository = GitRepository(hostile, tmp_path / "mirror")
    base = await repository.resolve("")
    commit = await repository.commit(base.tree, base.commit, "Fix it", 1_800_000_000)
    await repository.push(commit, "anton/fix", str(remote))
    assert (remote / "refs" / "heads" / "anton" / "fix").read_text().strip() == commit
    assert executed(marker) == ""
    git(tmp_path / "elsewhere", "push", str(remote), "HEAD:refs/heads/plain", check=False)
    assert executed(marker)


async def test_a_remote_named_by_a_hostile_configuration_is_not_followed(
    hostile: Path, tmp_path: Path, git: RunGit, marker: Path
) -> None:
    git(hostile, "config", "remote.origin.url", f"ext::sh -c 'echo remote >> {marker}'")
    repository = GitRepository(hostile, tmp_path / "mirror")
    base = await repository.resolve("")
    with pytest.raises(UsageError, match="is not a remote that Anton pushes to"):
        await repository.push(base.commit, "anton/fix", base.remote)
    assert executed(marker) == ""


async def test_a_promised_object_is_not_fetched(
    checkout: Path, tmp_path: Path, git: RunGit, marker: Path
) -> None:
    git(checkout, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{checkout}", "partial")
    script = tmp_path / "ssh"
    script.write_text(f"#!/bin/sh\necho ssh >> {marker}\n")
    script.chmod(0o755)
    git(tmp_path / "partial", "config", "core.sshCommand", str(script))
    git(tmp_path / "partial", "config", "remote.origin.url", "ssh://nowhere/x")
    with pytest.raises(RepositoryUnusable, match="partial or damaged clone"):
        await GitRepository(tmp_path / "partial", tmp_path / "mirror").resolve("")
    assert executed(marker) == ""
    git(tmp_path / "partial", "checkout", "main", check=False)
    assert executed(marker)


async def test_a_pipe_in_place_of_a_file_of_git_is_refused(hostile: Path, tmp_path: Path) -> None:
    (hostile / ".git" / "config").unlink()
    os.mkfifo(hostile / ".git" / "config")
    with pytest.raises(RepositoryUnusable, match="is not a regular file"):
        await GitRepository(hostile, tmp_path / "mirror").resolve("")


async def test_the_environment_of_a_command_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_CONFIG_COUNT", "GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "SECRET_TOKEN"):
        monkeypatch.setenv(name, "1")
    done = await Git(tmp_path, settings=("alias.shown=!env",)).run("shown")
    assert b"SECRET" not in done.out
    assert not {b"GIT_EXTERNAL_DIFF=1", b"GIT_SSH_COMMAND=1", b"GIT_CONFIG_COUNT=1"} & set(done.out.split())
