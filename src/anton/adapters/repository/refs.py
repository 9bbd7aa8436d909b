"""Tells which commit a person means by what they wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from anton.adapters.repository.command import Git
from anton.core.errors import RepositoryUnusable


class RefReader:
    """Reads references of a repository through a lens."""

    def __init__(self, path: Path, theirs: Git) -> None:
        self._path = str(path)
        self._git = theirs

    async def commit_and_branch(self, ref: str) -> tuple[str, str]:
        """The commit that `ref` names (empty: what is checked out), and its branch; empty if it has none.

        Raises:
            RepositoryUnusable: no commit, a detached head without a ref, or no such ref.
        """
        head = await self._line("symbolic-ref", "--quiet", "HEAD")
        current = head.removeprefix("refs/heads/")
        if not ref:
            return await self._head(current), current
        if not re.fullmatch(r"[^-\x00-\x20\x7f][^\x00-\x1f\x7f]*", ref):
            raise self._unknown(ref)
        for name, branch in _spellings(ref):
            if commit := await self._commit(name):
                return commit, branch if branch is not None else current
        if not await self._line("for-each-ref", "--count=1") and not await self._commit("HEAD"):
            raise self._no_commits()
        raise self._unknown(ref)

    async def _head(self, current: str) -> str:
        commit = await self._commit("HEAD")
        if not commit and not await self._line("for-each-ref", "--count=1"):
            raise self._no_commits()
        if not commit:
            raise RepositoryUnusable(
                f"{self._path!r} has checked out {current!r}, which has no readable commit. "
                "Say what to base the fix on: --base BRANCH"
            )
        if not current:
            raise RepositoryUnusable(
                f"{self._path!r} is detached at {commit[:7]}; say what to base the fix on: --base BRANCH"
            )
        return commit

    async def _commit(self, name: str) -> str:
        return await self._line("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    async def _line(self, *arguments: str) -> str:
        done = await self._git.run(*arguments)
        return "" if done.code else done.out.decode("utf-8", "replace").strip()

    def _no_commits(self) -> RepositoryUnusable:
        return RepositoryUnusable(f"{self._path!r} has no commits yet. Commit something, then try again.")

    def _unknown(self, ref: str) -> RepositoryUnusable:
        return RepositoryUnusable(
            f"{self._path!r} has no branch, tag or commit {ref!r}. `git branch --all` lists what there is."
        )


def _spellings(ref: str) -> Sequence[tuple[str, str | None]]:
    """What a person may mean, first meaning first, each with the branch that it names (None: no branch)."""
    short = ref.removeprefix("refs/heads/").removeprefix("refs/remotes/").removeprefix("origin/")
    branches = [(f"refs/heads/{ref.removeprefix('refs/heads/')}", ref.removeprefix("refs/heads/"))]
    return [*branches, (f"refs/remotes/origin/{short}", short), (ref, None)]
