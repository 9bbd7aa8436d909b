"""Where pull requests live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


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


@dataclass(frozen=True, slots=True)
class Remark:
    """One comment; author and text are from outside."""

    author: str
    at: str
    """ISO 8601, as the forge has it."""
    text: str
    where: str = ""
    """Path and line of the code that it is about, as in `todo.py:12`; empty where it is about the whole."""


@dataclass(frozen=True, slots=True)
class Discussion:
    """An issue or a pull request with what was said of it; its words are from outside."""

    number: int
    title: str
    state: str
    """`open`, `closed`, `merged`."""
    url: str
    author: str
    body: str
    labels: tuple[str, ...] = ()
    branches: str = ""
    """Of a pull request, as in `fix/x into main`; empty for an issue."""
    remarks: tuple[Remark, ...] = ()
    """The newest, oldest of them first."""
    left_out: int = 0
    """Older remarks."""


@dataclass(frozen=True, slots=True)
class CodeHit:
    """A file in which something was found; its words are from outside."""

    path: str
    url: str
    fragments: tuple[str, ...] = ()
    """Where in it, as far as the forge says."""


@runtime_checkable
class Discussions(Protocol):
    """What a forge can do besides that lets its issues and pull requests be read."""

    async def discussion(self, number: int) -> Discussion:
        """The issue or pull request with a number.

        Raises:
            UsageError: there is none, or it cannot be read.
            OutsideError: the forge is out of reach or refused.
        """
        ...


@runtime_checkable
class CodeSearch(Protocol):
    """What a forge can do besides that searches the code of its repository."""

    async def search_code(self, query: str, limit: int) -> tuple[CodeHit, ...]:
        """Files that a query finds, best first, at most `limit`; of the repository that is set, and no other.

        Raises:
            UsageError: the query cannot be asked.
            OutsideError: the forge is out of reach or refused.
        """
        ...
