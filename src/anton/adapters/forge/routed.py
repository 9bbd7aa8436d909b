"""Each pull request where its branch was pushed: GitHub's on GitHub, all others in local files."""

from __future__ import annotations

from collections.abc import Callable

from anton.core.errors import OutsideError
from anton.ports import CodeHit, CodeSearch, Discussion, Discussions, Forge, Proving, PullRequestDraft


class RoutedForge:
    """The Forge port on two of them.

    Args:
        is_there: Whether a draft's remote is at `remote`.
        remote: Where these are.
        local: Where all others are.
    """

    def __init__(self, is_there: Callable[[str], bool], remote: Forge, local: Forge) -> None:
        self._is_there = is_there
        self._remote = remote
        self._local = local

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"{self._remote.description}; of other repositories: {self._local.description}"

    async def prove(self) -> str:
        """What the remote side says of our credentials.

        Raises:
            OutsideError: it is out of reach, or does not take them.
        """
        return await self._remote.prove() if isinstance(self._remote, Proving) else "nothing to prove"

    async def open_pull_request(self, draft: PullRequestDraft) -> str:
        """URL or path of the pull request for the draft's branch.

        Raises:
            OutsideError: the forge is out of reach or refused.
        """
        forge = self._remote if self._is_there(draft.remote) else self._local
        return await forge.open_pull_request(draft)

    async def discussion(self, number: int) -> Discussion:
        """The remote side's issue or pull request with a number.

        Raises:
            UsageError: there is none, or it cannot be read.
            OutsideError: the forge is out of reach, refused, or has none that could be read.
        """
        if not isinstance(self._remote, Discussions):
            raise OutsideError(f"no issues can be read there: {self._remote.description}")
        return await self._remote.discussion(number)

    async def search_code(self, query: str, limit: int) -> tuple[CodeHit, ...]:
        """Files that a query finds on the remote side.

        Raises:
            UsageError: the query cannot be asked.
            OutsideError: the forge is out of reach, refused, or searches no code.
        """
        if not isinstance(self._remote, CodeSearch):
            raise OutsideError(f"no code can be searched there: {self._remote.description}")
        return await self._remote.search_code(query, limit)
