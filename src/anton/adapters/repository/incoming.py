"""Bringing commits into the mirror."""

from __future__ import annotations

import secrets
from pathlib import Path

from anton.adapters.repository.command import Git, require
from anton.adapters.repository.push import remedy, shown
from anton.core.errors import OutsideError, RepositoryUnusable

SECONDS = 1800.0
"""Time limit of a fetch."""

_OPTIONS = (
    *("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
    *("--no-auto-maintenance", "--update-shallow", "--no-show-forced-updates"),
)


async def fetch_commit(git: Git, commit: str, lens: Path, checkout: Path) -> None:
    """Bring a commit of the user's repository in, and keep it as a base.

    Args:
        git: on the mirror, which nobody else fetches into meanwhile.
        commit: full id.
        lens: what the repository is seen through.
        checkout: what a person is told.

    Raises:
        RepositoryUnusable: it lacks objects of the commit.
    """
    name = f"refs/anton/base/{commit}"
    known = await git.run("rev-parse", "--verify", "--quiet", name)
    if known.code == 0:
        return
    fetched = await git.run("fetch", *_OPTIONS, "--", str(lens), f"+{commit}:{name}", seconds=SECONDS)
    if fetched.code:
        raise RepositoryUnusable(
            f"{str(checkout)!r} lacks objects of commit {commit[:7]}, as a partial or damaged "
            "clone does. Run `git fetch --refetch --no-filter` there, or clone it afresh. "
            f"git says: {fetched.words}"
        )


async def fetch_branch(git: Git, branch: str, address: str, remote: str) -> str:
    """The commit that a branch is now, which is in the mirror and kept there as a base.

    Args:
        git: on the mirror, which nobody else fetches into meanwhile.
        branch: as the remote names it.
        address: what git is told.
        remote: what a person is told.

    Raises:
        OutsideError: the remote is out of reach, or has no such branch.
    """
    return await fetch_ref(git, f"refs/heads/{branch}", branch, address, remote)


async def fetch_ref(git: Git, ref: str, name: str, address: str, remote: str) -> str:
    """The commit that a reference or a commit's full id is, in the mirror and kept there as a base.

    Args:
        git: on the mirror, which nobody else fetches into meanwhile.
        ref: in full.
        name: what a person calls it.
        address: what git is told.
        remote: what a person is told.

    Raises:
        OutsideError: the remote is out of reach, or has no such reference.
    """
    arrived = f"refs/anton/incoming/{secrets.token_hex(8)}"
    done = await git.run("fetch", *_OPTIONS, "--", address, f"+{ref}:{arrived}", seconds=SECONDS)
    if done.code:
        said = f"{done.words}{remedy(git, done)}"
        raise OutsideError(f"{name!r} cannot be fetched from {shown(remote)}: {said}")
    commit = (await git.out("rev-parse", "--verify", f"{arrived}^{{commit}}")).decode().strip()
    kept = f"create refs/anton/base/{commit} {commit}\n"
    known = await git.run("rev-parse", "--verify", "--quiet", f"refs/anton/base/{commit}")
    changes = f"{kept if known.code else ''}delete {arrived}\n"
    require(await git.run("update-ref", "--stdin", stdin=changes.encode()), "keeping what was fetched")
    return commit
