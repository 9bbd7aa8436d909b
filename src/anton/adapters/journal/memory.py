"""The journal in memory: for tests, and for whoever wants no trace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from anton.core.codec import decode_event, decode_letter, encode_event, encode_letter
from anton.core.errors import JournalConflict, JournalError, RunBusy
from anton.core.event import Entry
from anton.core.letter import Letter


class _Stored(NamedTuple):
    at: datetime
    kind: str
    body: bytes


class MemoryJournal:
    """The Journal port within one process; gone when the process is.

    Events are kept encoded, as on disk, so that what would not survive a file does not survive here either.
    """

    def __init__(self) -> None:
        self._runs: dict[str, dict[int, _Stored]] = {}
        self._deliveries: dict[str, str] = {}
        self._letters: dict[str, tuple[str, bytes | None]] = {}
        """Id → the run it is to, and the letter unless it was taken."""
        self._held: set[str] = set()
        self._closed = False

    @property
    def description(self) -> str:
        """That nothing is kept."""
        return "in memory"

    async def receive(self, delivery: str, entry: Entry) -> str:
        """Keep a run's first entry, unless the delivery has begun a run before; see the port."""
        self._refuse_if_closed(entry.run_id)
        if delivery not in self._deliveries:
            await self.append(entry.run_id, [entry])
            self._deliveries[delivery] = entry.run_id
        return self._deliveries[delivery]

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        """Keep all entries or none, and take letters with them; see the port."""
        self._refuse_if_closed(run_id)
        new = {entry.number: _stored(run_id, entry) for entry in entries}
        known = self._runs.get(run_id, {})
        if len(new) < len(entries) or known.keys() & new:
            raise JournalConflict(f"another writer appended to run {run_id!r} first: read the run again")
        if new:
            self._runs[run_id] = {**known, **new}
        for letter in taken:
            if self._letters.get(letter, ("",))[0] == run_id:
                self._letters[letter] = (run_id, None)

    async def read(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """A run's entries with a number greater than `after`; see the port."""
        return tuple(self._entry(run_id, number) for number in self._numbers(run_id) if number > after)

    async def read_kinds(self, run_id: str, kinds: Collection[str]) -> tuple[Entry, ...]:
        """A run's entries of these kinds; see the port."""
        stored = self._runs.get(run_id, {})
        numbers = (number for number in self._numbers(run_id) if stored[number].kind in kinds)
        return tuple(self._entry(run_id, number) for number in numbers)

    async def run_ids(self) -> tuple[str, ...]:
        """All runs, oldest first."""
        begun = sorted((stored[1].at, run_id) for run_id, stored in self._runs.items() if 1 in stored)
        return tuple(run_id for _, run_id in begun)

    async def post(self, letter: Letter) -> None:
        """Keep a letter; see the port."""
        self._refuse_if_closed(letter.run_id)
        self._letters.setdefault(letter.id, (letter.run_id, encode_letter(letter)))

    async def letters(self, run_id: str) -> tuple[Letter, ...]:
        """Letters to a run that nobody has taken yet; see the port."""
        waiting = (body for to, body in self._letters.values() if to == run_id and body is not None)
        return tuple(map(decode_letter, waiting))

    async def forget(self, run_id: str) -> None:
        """Remove a run, which the caller holds; see the port."""
        self._refuse_if_closed(run_id)
        self._runs.pop(run_id, None)
        self._letters = {name: kept for name, kept in self._letters.items() if kept[0] != run_id}

    @asynccontextmanager
    async def hold(self, run_id: str) -> AsyncIterator[None]:
        """Work on a run exclusively, within this process; see the port."""
        if run_id in self._held:
            raise RunBusy(f"run {run_id!r} is being worked on already: wait for it")
        self._held.add(run_id)
        try:
            yield
        finally:
            self._held.discard(run_id)

    async def close(self) -> None:
        """Take no more entries."""
        self._closed = True

    def _refuse_if_closed(self, run_id: str) -> None:
        if self._closed:
            raise JournalError(f"nothing was written to run {run_id!r}: the journal is closed")

    def _numbers(self, run_id: str) -> list[int]:
        return sorted(self._runs.get(run_id, {}))

    def _entry(self, run_id: str, number: int) -> Entry:
        stored = self._runs[run_id][number]
        return Entry(run_id, number, stored.at, decode_event(stored.body))


def _stored(run_id: str, entry: Entry) -> _Stored:
    if entry.run_id != run_id:
        raise ValueError(f"an entry of run {entry.run_id!r} was offered to run {run_id!r}")
    return _Stored(entry.at.astimezone(UTC), entry.event.kind, encode_event(entry.event))
