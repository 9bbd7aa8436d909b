"""Each pull request where its branch was pushed: GitHub's on GitHub, all others in local files."""

from __future__ import annotations

from collections.abc import Callable

from anton.ports import Forge, Proving, PullRequestDraft


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
