"""What runs leave behind in a place that many machines share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Waste:
    """Something that nobody needs any more."""

    kind: str
    name: str
    size: int = 0
    """Bytes; 0 where nobody counted."""


class Leftovers(Protocol):
    """One such place."""

    async def sweep(self, open_runs: Collection[str], *, delete: bool) -> tuple[Waste, ...]:
        """What nobody needs any more; with `delete`, it is gone on return.

        Runs may begin and go on meanwhile, here and at other machines: what they need stays.

        Args:
            open_runs: All runs that are not over.
            delete: Whether it goes.

        Raises:
            OutsideError: the place is out of reach.
            JournalError: the place is the journal's database, and out of reach.
        """
        ...
