"""Pages and searches of the web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebPage:
    """What a web server answered; all of it is from outside."""

    url: str
    """Where it came from in the end, redirects followed."""
    status: int
    content_type: str
    """Without parameters, such as `text/html`."""
    charset: str
    """As the server says, which may be no encoding at all."""
    content: bytes
    cut: bool
    """There was more."""


class Web(Protocol):
    """Reads pages of the hosts that the operator lists, and reaches nothing else."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def get(self, url: str) -> WebPage:
        """The page, whatever its status.

        Raises:
            OutsideError: it may not be read, or cannot be.
        """
        ...


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One page that a search found; its words are from outside."""

    url: str
    title: str
    snippet: str


class Search(Protocol):
    """Searches the web."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def search(self, query: str, limit: int) -> tuple[SearchHit, ...]:
        """What is found, best first, at most `limit`.

        Raises:
            OutsideError: search is not set up, out of reach, or refused.
        """
        ...
