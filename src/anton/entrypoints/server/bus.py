"""A run's entries as they are written, for whoever looks on.

What is worked on in this process arrives at once; what others work on is found in the journal now and then.
The journal is what counts: whoever is too slow, or comes late, reads there what was missed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from anton.core.event import Entry
from anton.core.run import RunState
from anton.ports import Journal

KEPT = 256
"""Entries that one onlooker may be behind before he has to read the journal again."""
LOOK_SECONDS = 1.0
"""Between two looks into the journal, for runs that another process works on."""


@dataclass(slots=True, eq=False)
class _Onlooker:
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    due: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self) -> Entry | None:
        """The next entry, or None where none came for a while."""
        if not self.entries:
            self.due.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.due.wait()
        return self.entries.popleft() if self.entries else None


class Bus:
    """Hands on what the runs of this process write."""

    def __init__(self) -> None:
        self._onlookers: defaultdict[str, set[_Onlooker]] = defaultdict(set)
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the server is about to end."""
        return self._closed

    def see(self, entry: Entry, state: RunState) -> None:  # noqa: ARG002 - a watcher's signature
        """A watcher of runs."""
        for onlooker in self._onlookers.get(entry.run_id, ()):
            onlooker.entries.append(entry)
            onlooker.due.set()

    def close(self) -> None:
        """Let all onlookers go."""
        self._closed = True
        for onlookers in self._onlookers.values():
            for onlooker in onlookers:
                onlooker.due.set()

    async def follow(self, journal: Journal, run_id: str, after: int) -> AsyncGenerator[Entry | None]:
        """A run's entries with a number greater than `after`, each once and in order, as they are written.

        None comes about once a second where nothing happens. Ends with the bus.
        """
        with self._watched(run_id) as onlooker:
            while not self._closed:
                for entry in await journal.read(run_id, after):
                    after = entry.number
                    yield entry
                while (new := await onlooker.next()) is not None and new.number <= after + 1:
                    if new.number == after + 1:
                        after = new.number
                        yield new
                if new is None:
                    yield None

    @contextmanager
    def _watched(self, run_id: str) -> Iterator[_Onlooker]:
        onlooker = _Onlooker()
        self._onlookers[run_id].add(onlooker)
        try:
            yield onlooker
        finally:
            self._onlookers[run_id].discard(onlooker)
            if not self._onlookers[run_id]:
                del self._onlookers[run_id]
