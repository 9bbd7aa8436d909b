"""A commit of a repository elsewhere, brought here by its URL."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from anton.adapters.repository.command import Git, speakable
from anton.adapters.repository.mirror import init
from anton.adapters.repository.push import ENVIRONMENT, check_remote
from anton.core.errors import RepositoryUnusable

SECONDS = 1_800.0


async def clone_commit(
    url: str, commit: str, folder: Path, environment: Mapping[str, str] = ENVIRONMENT
) -> None:
    """Make `folder` a bare repository with one commit of another one: alone if the other side allows it.

    Args:
        url: https or ssh; nothing of the operator's own git settings takes part.
        commit: Full id.
        folder: Made here.
        environment: For git.

    Raises:
        UsageError: the URL is not of such a form.
        RepositoryUnusable: it is out of reach, or has no such commit on any branch or tag.
    """
    check_remote(url)
    await asyncio.to_thread(folder.mkdir, parents=True)
    await init(folder, "sha1" if len(commit) == 40 else "sha256")
    git = Git(folder, environment)
    options = (
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
    )
    said = b""
    for wanted in (("--depth=1", "--", url, f"+{commit}:refs/heads/base"), ("--", url, *_EVERYTHING)):
        fetched = await git.run("fetch", *options, *wanted, seconds=SECONDS)
        known = await git.run("cat-file", "-e", f"{commit}^{{commit}}")
        if fetched.code == 0 and known.code == 0:
            return
        said = fetched.err
    why = speakable(said) or "no branch or tag has it"
    raise RepositoryUnusable(f"{speakable(url.encode())} does not give the commit {commit[:10]}: {why}")


_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
