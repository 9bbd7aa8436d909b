"""A process that is killed before or after any git command of its work; what a killed git leaves locked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anton.adapters.repository.command import Git
from anton.adapters.repository.git import GitRepository

RunGit = Callable[..., str]

WORK = """
import asyncio, sys
from pathlib import Path
from anton.adapters.repository.git import GitRepository

async def work(checkout, mirror, remote, tree):
    repository = GitRepository(Path(checkout), Path(mirror))
    base = await repository.resolve("")
    theirs = await repository.fetch(checkout, "main")
    await repository.export(base.tree, Path(tree))
    Path(tree, "new.txt").write_text("new")
    made = await repository.snapshot(Path(tree), base.tree)
    await repository.keep("run/code", made)
    commit = await repository.commit(made, base.commit, "Add a file", 1_800_000_000)
    await repository.push(commit, "fix/one", remote)
    print(base.commit, theirs.commit, made, commit)

asyncio.run(work(*sys.argv[1:]))
"""
SHIM = """#!/bin/sh
echo . >> "{counter}"
at=$(wc -l < "{counter}")
[ "$at" = "{before}" ] && {{ kill -9 $PPID; exit 1; }}
"{git}" "$@"
code=$?
[ "$at" = "{after}" ] && kill -9 $PPID
exit $code
"""


def killing(folder: Path, *, before: int = 0, after: int = 0) -> Path:
    """A folder with a git that kills whoever started it before or after its n-th command."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    program = folder / "git"
    program.write_text(
        SHIM.format(counter=folder / "counter", git=shutil.which("git"), before=before, after=after)
    )
    program.chmod(0o755)
    return folder


def work(checkout: Path, folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    places = [str(checkout), *(str(folder / name) for name in ("mirror", "remote.git", "tree"))]
    return subprocess.run(
        [sys.executable, "-c", WORK, *places],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_git_command_the_work_is_done_by_the_next_process(
    checkout: Path, tmp_path: Path, git: RunGit, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = os.environ["PATH"]
    killed, points = True, 0
    said = set()
    while killed:
        folder = tmp_path / f"{points + 1}"
        folder.mkdir()
        git(folder, "init", "-q", "--bare", "remote.git")
        shim = killing(tmp_path / "bin", **{when: points + 1})
        killed = work(checkout, folder, f"{shim}:{path}").returncode != 0
        points += killed
        done = work(checkout, folder, path)
        assert done.returncode == 0, f"{when} command {points}: {done.stderr}"
        said.add(done.stdout)
        pushed = git(folder / "remote.git", "rev-parse", "refs/heads/fix/one")
        assert pushed == done.stdout.split()[-1]
        git(folder / "mirror", "fsck", "--strict")
    assert len(said) == 1
    assert points > 15
    with capsys.disabled():
        print(f" [{points} git commands]", end="")  # noqa: T201 - the figure is what the test is worth


async def test_locks_that_a_killed_fetch_left_keep_no_base_from_being_fetched(
    repository: GitRepository, checkout: Path, tmp_path: Path, git: RunGit
) -> None:
    first = await repository.resolve("")
    mirror = tmp_path / "state" / "mirror"
    git(checkout, "commit", "-q", "--allow-empty", "-m", "Go on")
    second = git(checkout, "rev-parse", "HEAD")
    lock = mirror / "refs" / "anton" / "base" / f"{second}.lock"
    lock.touch()
    packed = mirror / "packed-refs.lock"
    packed.touch()
    os.utime(packed, (0, 0))
    assert (await repository.resolve("")).commit == second
    assert (await repository.fetch(str(checkout), "main")).commit == second != first.commit
    assert not lock.exists()
    assert not packed.exists()


async def test_a_lock_that_git_may_still_hold_is_left_to_it(
    repository: GitRepository, tmp_path: Path
) -> None:
    await repository.resolve("")
    packed = tmp_path / "state" / "mirror" / "packed-refs.lock"
    packed.touch()
    await repository.resolve("")
    assert packed.exists()


@pytest.mark.parametrize("command", ["hash-object", "update-ref"])
async def test_what_git_writes_is_on_the_disk_before_the_journal_names_it(
    repository: GitRepository, tmp_path: Path, command: str
) -> None:
    """A power cut otherwise leaves empty objects behind names that were written down."""
    base = await repository.resolve("")
    trace = tmp_path / "trace"
    mirror = Git(tmp_path / "state" / "mirror", {"GIT_TRACE2_EVENT": str(trace)})
    if command == "hash-object":
        await mirror.out("hash-object", "-w", "--stdin", stdin=b"never seen before")
    else:
        await mirror.out("update-ref", "refs/anton/keep/x", base.commit)
    assert '"key":"fsync/hardware-flush","value":"1"' in trace.read_text()


def traced(folder: Path, *argv: str) -> list[str]:
    """The calls of a program and of all that it starts that put something on the disk or name it."""
    log = folder / "strace"
    calls = "trace=fsync,fdatasync,syncfs,sync,rename,renameat,renameat2,link,linkat"
    strace = shutil.which("strace") or "strace"
    try:
        subprocess.run([strace, "-f", "-o", "/dev/null", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs strace, and leave to use it")
    subprocess.run(
        [strace, "-f", "-y", "-s", "4096", "-e", calls, "-o", str(log), *argv], check=True, timeout=120
    )
    return log.read_text(errors="replace").splitlines()


def first(calls: list[str], *words: str) -> int:
    """The place of the first call with all these words."""
    return next(at for at, call in enumerate(calls) if all(word in call for word in words))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_trusted_later_is_on_the_disk_before_it_has_its_name(
    checkout: Path, tmp_path: Path, git: RunGit
) -> None:
    """A power cut otherwise leaves a mirror without attributes, or no ignore rules, under the true name."""
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    places = [str(checkout), *(str(tmp_path / name) for name in ("mirror", "remote.git", "tree"))]
    calls = traced(tmp_path, sys.executable, "-c", WORK, *places)
    mirror = str(tmp_path / "mirror")
    found = first(calls, "rename(", f', "{mirror}")')
    for name in ("info/attributes", "config", "HEAD"):
        assert first(calls, "fsync(", f"/{name}>") < found, name
    assert found < first(calls, "fsync(", f"<{tmp_path}>")
    rules = first(calls, "rename(", f', "{mirror}/anton/ignore/')
    assert first(calls, "fsync(", "/rules/.gitignore>") < rules
