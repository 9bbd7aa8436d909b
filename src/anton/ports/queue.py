"""Which runs are to be taken on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

Work = Callable[[str], Awaitable[float | None]]
"""Takes a run, by its id, as far as it goes; seconds until it has to be taken on again, None for never.

It raises nothing but cancellation: what went wrong with a run is written into that run's journal.
"""


class Queue(Protocol):
    """Which runs are to be taken on, worked off within limits by whoever has a hand free."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    @property
    def running(self) -> int:
        """How many runs are being worked on here."""
        ...

    @property
    def waiting(self) -> int:
        """How many runs wait for a free hand, as far as this process knows."""
        ...

    async def put(self, run_id: str, repository: str) -> None:
        """Have a run taken on as far as it goes, soon; a run that waits already waits once."""
        ...

    async def ensure(self, run_id: str, repository: str) -> None:
        """Have a run taken on unless it will be anyway: for what may have been forgotten."""
        ...

    async def close(self) -> None:
        """Let go of what `put` opened; a process that works runs off does so at its end."""
        ...

    async def work_off(self, work: Work) -> None:
        """Take runs on, within the limits, until cancelled; then those under way are let go of first."""
        ...
