"""The record of all runs, and letters to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from anton.core.event import Entry
from anton.core.letter import Letter


class Journal(Protocol):
    """The append-only record of all runs."""

    @property
    def description(self) -> str:
        """Where it is kept, for start-up; without secrets."""
        ...

    async def receive(self, delivery: str, entry: Entry) -> str:
        """Write a run's first entry, unless the delivery has begun a run before; on return it is durable.

        Args:
            delivery: What its sender names it by, such as `github:<delivery id>`; it is remembered for good.
            entry: Number 1 of a new run.

        Returns:
            The id of the run that the delivery began: the entry's own, or the earlier one's.
        """
        ...

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        """Write entries in one transaction; on return they survive a power cut.

        Letters with an id in `taken` are gone with that transaction: what they amount to is in the entries.

        Raises:
            JournalConflict: an entry's number is taken, by another writer.
            JournalError: they cannot be written (disk full, file damaged).
        """
        ...

    async def read(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """A run's entries with a number greater than `after`, in order; empty for an unknown run."""
        ...

    async def read_kinds(self, run_id: str, kinds: Collection[str]) -> tuple[Entry, ...]:
        """A run's entries of these kinds, in order; the others are passed over unread."""
        ...

    async def run_ids(self) -> tuple[str, ...]:
        """All runs, oldest first."""
        ...

    async def post(self, letter: Letter) -> None:
        """Leave a letter for whoever works on its run; a letter with the same id is kept once, for good."""
        ...

    async def letters(self, run_id: str) -> tuple[Letter, ...]:
        """Letters to a run that nobody has taken yet, in the order in which they came."""
        ...

    async def forget(self, run_id: str) -> None:
        """Remove a run, which the caller holds, and its letters; the delivery that began it is remembered."""
        ...

    def hold(self, run_id: str) -> AbstractAsyncContextManager[None]:
        """Work on a run exclusively, among all processes.

        Raises:
            RunBusy: another process holds the run; entering does not wait.
        """
        ...

    async def close(self) -> None:
        """Finish what is being written and let go of the store."""
        ...
