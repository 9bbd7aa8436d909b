"""Tells whoever works on a run in this process that a letter for it has come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Doorbell:
    """One for all runs of a process; letters from other processes are found by looking now and then."""

    _rooms: dict[str, asyncio.Event] = field(default_factory=dict)

    def ring(self, run_id: str) -> None:
        """Somebody left a letter."""
        if run_id in self._rooms:
            self._rooms[run_id].set()

    @contextmanager
    def answered(self, run_id: str) -> Iterator[asyncio.Event]:
        """Hear the bell of a run, as the one that holds it."""
        self._rooms[run_id] = asyncio.Event()
        try:
            yield self._rooms[run_id]
        finally:
            del self._rooms[run_id]
