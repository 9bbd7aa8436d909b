"""Pushing one commit to one branch, and what may be pushed to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from anton.adapters.repository.command import Finished, Git, speakable
from anton.adapters.repository.credential import HostCredential, handed
from anton.core.errors import OutsideError, RepositoryUnusable, UsageError
from anton.core.text import without_userinfo

SECONDS = 180.0
"""Time limit of a push and of a look at a remote."""

MAX_HEAD_BYTES = 100_000
"""Of what a remote lists where one branch is asked for."""
SILENT_SECONDS = 60
"""After which a remote that sends nothing is given up; one that is at work gives a sign every five seconds.
Source: https://git-scm.com/docs/git-config#Documentation/git-config.txt-uploadpackkeepAlive"""

ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "https:ssh",
    "GIT_SSH_COMMAND": (
        f"ssh -o BatchMode=yes -o ConnectTimeout={SILENT_SECONDS} -o ServerAliveInterval={SILENT_SECONDS}"
    ),
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": str(SILENT_SECONDS),
}
"""For a remote on another machine; ssh asks nobody for a password."""


def check_branch(branch: str) -> None:
    """Accept a branch name that no git, shell or file system takes for something else.

    Raises:
        UsageError: it is not one.
    """
    good = re.fullmatch(r"[a-z0-9][a-z0-9._/-]{0,199}", branch)
    if not good or re.search(r"\.\.|//|/\.|\.lock(/|$)|[./]$", branch):
        raise UsageError(
            f"{branch!r} is not a branch name that Anton pushes. Make one of lower-case letters, digits, "
            "'.', '_', '/' and '-'."
        )


def check_remote(remote: str) -> None:
    """Accept an absolute path, an https or ssh URL, or ssh's short form `user@host:path`.

    Raises:
        UsageError: it is something else.
    """
    name = r"[A-Za-z0-9][A-Za-z0-9._-]*"
    forms = (
        r"/[^\x00-\x1f\x7f]*",
        r"https://(?!-)[^\s\x00-\x1f\x7f]+",
        rf"ssh://({name}@)?({name}|\[[0-9a-fA-F:.]+\])(:\d+)?/[^\s\x00-\x1f\x7f]+",
        rf"({name}@)?{name}:(?![:/-]|//)[^\s\x00-\x1f\x7f:][^\s\x00-\x1f\x7f]*",
        rf"({name}@)?{name}:/(?!/)[^\s\x00-\x1f\x7f]+",
    )
    if not any(re.fullmatch(form, remote) for form in forms):
        raise UsageError(
            f"{remote!r} is not a remote that Anton pushes to. Name an absolute path, or an https or ssh URL."
        )


async def push_to(git: Git, commit: str, branch: str, address: str, remote: str) -> None:
    """Push a commit so that `branch` of `address` is that commit and nothing is overwritten.

    Args:
        git: on the mirror.
        commit: full id.
        branch: checked.
        address: what git is told.
        remote: what a person is told.

    Raises:
        OutsideError: the remote is out of reach, refused, or has something else under that name.
    """
    if await _taken(git, commit, branch, address, remote):
        return
    ref = f"refs/heads/{branch}"
    options = ("--quiet", "--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules")
    lease = f"--force-with-lease={ref}:"
    done = await git.run("push", *options, lease, "--", address, f"{commit}:{ref}", seconds=SECONDS)
    if done.code and not await _taken(git, commit, branch, address, remote):
        said = f"{speakable(done.out)} {speakable(done.err)}".strip() + remedy(git, done)
        raise OutsideError(f"{shown(remote)} did not take the branch {branch!r}: {said}")


async def _taken(git: Git, commit: str, branch: str, address: str, remote: str) -> bool:
    """Whether the branch is that commit already; False where there is no such branch."""
    found = await head_at(git, branch, address, remote)
    if found and found != commit:
        raise OutsideError(
            f"{shown(remote)} already has a branch {branch!r}, at {found[:7]} and not at {commit[:7]}. "
            "Nothing was pushed; remove or rename that branch, then try again."
        )
    return found == commit


async def head_at(git: Git, branch: str, address: str, remote: str) -> str:
    """The commit that `branch` of `address` is now; empty where there is no such branch.

    Raises:
        OutsideError: the remote is out of reach.
    """
    ref = f"refs/heads/{branch}"
    done = await git.run("ls-remote", "--", address, ref, seconds=SECONDS, max_bytes=MAX_HEAD_BYTES)
    if done.code:
        raise OutsideError(
            f"{shown(remote)} cannot be reached, so nothing was pushed: {done.words}{remedy(git, done)}"
        )
    lines = (line.partition("\t") for line in done.out.decode("utf-8", "replace").splitlines())
    return next((found for found, _, name in lines if name == ref), "")


async def reaching(
    folder: Path, environment: Mapping[str, str], credential: HostCredential | None, remote: str
) -> Git:
    """Git on the mirror for a remote on another machine, with the credential if that is for its host.

    Raises:
        OutsideError: the credential is not to be had.
    """
    fits = credential is not None and credential.fits(remote)
    given = await handed(credential) if credential and fits else None
    return Git(folder, {**ENVIRONMENT, **environment}, handed=given)


def remedy(git: Git, done: Finished) -> str:
    """What a person does where a remote did not accept the credential; empty where it is another matter."""
    refused = ("Authentication failed", "could not read", "error: 401", "error: 403", "not found")
    if git.handed is None or not any(word in done.words for word in refused):
        return ""
    return f". {git.handed.remedy}"


def shown(remote: str) -> str:
    """A remote as a person is told of it: without any password."""
    return repr(without_userinfo(remote))


async def parse_settings(path: Path, content: bytes) -> Mapping[str, str]:
    """Settings in the text of a git configuration file, by lower-case name; the last of several counts.

    Args:
        path: the repository, for the error.
        content: of the file; what it includes is not read.

    Raises:
        RepositoryUnusable: git cannot read it.
    """
    if not content:
        return {}
    nowhere = Git(Path("/nonexistent"))
    done = await nowhere.run(
        "config", "--file", "-", "--no-includes", "-z", "--list", stdin=content, cwd=Path("/")
    )
    if done.code:
        raise RepositoryUnusable(f"The configuration of {str(path)!r} cannot be read: {done.words}")
    pairs = (item.partition("\n") for item in done.out.decode("utf-8", "surrogateescape").split("\0"))
    return {name.lower(): value for name, _, value in pairs if name}


def remote_of(checkout: Path, settings: Mapping[str, str]) -> str:
    """URL or absolute path of `origin`; empty where there is none."""
    url = settings.get("remote.origin.url", "").removeprefix("file://")
    if not url or re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/]*:", url):
        return url
    return os.path.normpath(checkout / url)
