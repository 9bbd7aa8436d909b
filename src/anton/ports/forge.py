"""Where pull requests live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PullRequestDraft:
    """A pull request to open."""

    head: str
    """Branch; at most one pull request is open for it."""
    base: str
    commit: str
    title: str
    body: str
    """Markdown."""
    labels: tuple[str, ...]
    remote: str
    attachments: Mapping[str, bytes] = field(default_factory=dict)
    """Files that belong to it, by name; a forge that takes none leaves them out."""
    draft: bool = False
    """Whether it is opened as one that cannot be merged yet; a forge that has none of these ignores it."""


class Forge(Protocol):
    """Where pull requests live."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def open_pull_request(self, draft: PullRequestDraft) -> str:
        """URL or path of the open pull request for the draft's branch, made where there is none.

        Raises:
            OutsideError: the forge is out of reach or refused.
        """
        ...
