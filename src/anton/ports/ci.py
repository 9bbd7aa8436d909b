"""What continuous integration says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test that failed in continuous integration, as its log tells; all words are from outside."""

    name: str
    excerpt: str
    """The traceback or message, bounded."""


@dataclass(frozen=True, slots=True)
class CIRun:
    """What continuous integration says of one commit."""

    status: str
    """`success`, `failure`, `pending` or `none`."""
    url: str = ""
    failed: tuple[FailedTest, ...] = ()
    log: str = ""
    """The part of the log around the failure, bounded; empty where tests were found in it."""


class CI(Protocol):
    """Continuous integration of the repository."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def read(self, run: str) -> CIRun:
        """What a workflow run came to, by its id.

        Raises:
            OutsideError: it is out of reach or refused.
        """
        ...

    async def status(self, commit: str) -> CIRun:
        """What the checks of a commit say, without logs.

        Raises:
            OutsideError: it is out of reach or refused.
        """
        ...
