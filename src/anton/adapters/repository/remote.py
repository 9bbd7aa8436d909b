"""A repository that is named by its URL: there is no checkout, and the mirror alone is fetched into."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from anton.adapters.repository.command import Git
from anton.adapters.repository.credential import HostCredential
from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.incoming import fetch_ref
from anton.adapters.repository.push import SECONDS, remedy, shown
from anton.core.errors import OutsideError, RepositoryUnusable
from anton.ports import BaseCommit

MAX_LISTED_BYTES = 64_000_000
"""Of names of branches and tags; what a remote lists beyond is not looked at."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class RemoteRepository(GitRepository):
    """The Repository port on what a URL names.

    Args:
        url: https or ssh.
        mirror: folder of the mirror; made at the first `resolve`.
        environment: variables that reaching it needs of the operator's environment, such as proxies.
        credential: for its host.
    """

    def __init__(
        self,
        url: str,
        mirror: Path,
        environment: Mapping[str, str] | None = None,
        credential: HostCredential | None = None,
    ) -> None:
        super().__init__(mirror, mirror, environment, credential)
        self._url = url

    async def resolve(self, ref: str) -> BaseCommit:
        """Fetch `ref` (empty: the default branch) into the mirror.

        `branch` is the branch that `ref` names; for a tag or a commit it is the default branch.

        Raises:
            RepositoryUnusable: it has no such branch, tag or commit.
            OutsideError: it is out of reach, does not let us in, or lists nothing; that may pass.
        """
        async with self._reached(self._url) as (git, address):
            default, names = await _listed(git, address, self._url)
            wanted, branch = _meant(ref, default, names, self._url)
            await self._mirror.create("sha1" if len(next(iter(names.values()))) == 40 else "sha256")
            await asyncio.to_thread(self._mirror.sweep)
            async with self._mirror.alone():
                commit = await fetch_ref(git, wanted, ref or branch, address, self._url)
        tree, subject = await self._tree_and_subject(commit)
        return BaseCommit(commit, tree, branch, subject, self._url, dirty=False)


async def _listed(git: Git, address: str, url: str) -> tuple[str, Mapping[str, str]]:
    """The default branch, and what each branch and tag is."""
    nowhere = Git(
        Path("/nonexistent"), git.environment, git.settings, git.handed
    )  # there may be no mirror yet
    wanted = ("HEAD", "refs/heads/*", "refs/tags/*")
    done = await nowhere.run(
        *("ls-remote", "--symref", "--", address, *wanted),
        cwd=Path("/"),
        seconds=SECONDS,
        max_bytes=MAX_LISTED_BYTES,
    )
    if done.code:
        raise OutsideError(f"{shown(url)} cannot be read: {done.words}{remedy(git, done)}")
    default, names = "", {}
    for line in done.out.decode("utf-8", "replace").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: refs/heads/") and name == "HEAD":
            default = value.removeprefix("ref: refs/heads/")
        elif _COMMIT.fullmatch(value):
            names[name] = value
    return default, names


def _meant(ref: str, default: str, names: Mapping[str, str], url: str) -> tuple[str, str]:
    """What to fetch, and the branch it is of."""
    if not names:  # git says the same of an empty repository and of a proxy's page
        raise OutsideError(
            f"{shown(url)} lists no commits: push something if it is new, else its host is out of order"
        )
    short = (ref or default).removeprefix("refs/heads/")
    if f"refs/heads/{short}" in names:
        return f"refs/heads/{short}", short
    tag = ref.removeprefix("refs/tags/")
    if default and f"refs/tags/{tag}" in names:
        return f"refs/tags/{tag}", default
    if default and _COMMIT.fullmatch(ref):
        return ref, default
    raise RepositoryUnusable(
        f"{shown(url)} has no branch or tag {ref or 'that is its default'!r}. Name another: --base"
    )
