"""Any journal, with nothing secret in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager

from anton.core.event import Entry
from anton.core.letter import Letter
from anton.core.secrets import Masker
from anton.ports import Journal


class MaskedJournal:
    """The Journal port on another: whatever is written is masked first; reading is left alone."""

    def __init__(self, inner: Journal, masker: Masker) -> None:
        self._inner = inner
        self._masker = masker

    @property
    def description(self) -> str:
        """The inner journal's."""
        return self._inner.description

    async def receive(self, delivery: str, entry: Entry) -> str:
        """Write a run's first entry, unless the delivery has begun a run before; see the port."""
        return await self._inner.receive(delivery, self._masker.masked(entry))

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        """Write entries in one transaction, and take letters with it; see the port."""
        await self._inner.append(run_id, [self._masker.masked(entry) for entry in entries], taken)

    async def post(self, letter: Letter) -> None:
        """Leave a letter for whoever works on its run; see the port."""
        await self._inner.post(self._masker.masked(letter))

    async def read(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """A run's entries with a number greater than `after`; see the port."""
        return await self._inner.read(run_id, after)

    async def read_kinds(self, run_id: str, kinds: Collection[str]) -> tuple[Entry, ...]:
        """A run's entries of these kinds; see the port."""
        return await self._inner.read_kinds(run_id, kinds)

    async def run_ids(self) -> tuple[str, ...]:
        """All runs, oldest first."""
        return await self._inner.run_ids()

    async def letters(self, run_id: str) -> tuple[Letter, ...]:
        """Letters to a run that nobody has taken yet; see the port."""
        return await self._inner.letters(run_id)

    async def forget(self, run_id: str) -> None:
        """Remove a run, which the caller holds; see the port."""
        await self._inner.forget(run_id)

    def hold(self, run_id: str) -> AbstractAsyncContextManager[None]:
        """Work on a run exclusively, among all processes; see the port."""
        return self._inner.hold(run_id)

    async def close(self) -> None:
        """Close the inner journal."""
        await self._inner.close()
