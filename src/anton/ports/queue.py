"""Which runs are to be taken on."""

from __future__ import annotations

from typing import Protocol


class Queue(Protocol):
    """Which runs are to be taken on, worked off within limits by whoever has a hand free."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def put(self, run_id: str, repository: str) -> None:
        """Have a run taken on as far as it goes, soon; a run that waits already waits once."""
        ...
