"""Letters to a run, taken by the process that holds it.

Every letter becomes events in the transaction that takes it, so none is heeded twice or lost, whatever is
killed when. One that cannot be heeded any more becomes an event as well, which says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from anton.core.decision import Refused
from anton.core.errors import RunBusy, unwrapped
from anton.core.event import Event
from anton.core.letter import Cancel, Letter
from anton.core.mail import heed
from anton.core.question import LetterRefused
from anton.core.run import RunState
from anton.runs.log import RunLog
from anton.runs.world import World

LOOK_SECONDS = 0.5
"""Between two looks for letters from other processes."""


@dataclass(slots=True)
class Mailbox:
    """The letters to one run that is held."""

    world: World
    log: RunLog
    seen: set[str] = field(default_factory=set)
    """Ids of letters that were looked at here."""
    _taken: set[str] = field(default_factory=set)

    async def take(self) -> None:
        """Take all letters that can be heeded now, while nobody is at work."""
        for letter in await self._waiting():
            await self._take(letter)

    async def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Carry out some work while letters are taken as they come.

        One that ends the run ends the work first: its tasks are cancelled, their children gone.
        """
        with unwrapped():
            async with asyncio.TaskGroup() as group:
                working = group.create_task(work, name=f"work on {self.log.state.run_id}")
                reading = group.create_task(self._read(working), name=f"mail of {self.log.state.run_id}")
                await asyncio.wait([working])
                reading.cancel()
        await self.take()

    async def _read(self, working: asyncio.Task[None]) -> None:
        with self.world.doorbell.answered(self.log.state.run_id) as bell:
            while True:
                bell.clear()
                for letter in await self._waiting():
                    if isinstance(letter.message, Cancel) and self._heeded(letter):
                        working.cancel()
                        return
                    await self._take(letter)
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        await bell.wait()
                except TimeoutError:
                    continue

    async def _waiting(self) -> list[Letter]:
        letters = await self.world.journal.letters(self.log.state.run_id)
        self.seen.update(letter.id for letter in letters)
        return [letter for letter in letters if letter.id not in self._taken]

    def _heeded(self, letter: Letter) -> tuple[Event, ...] | None:
        """The events of a letter that can be heeded now; None where it waits or is refused."""
        try:
            return heed(self.log.state, letter, self.world.approval)
        except Refused:
            return None

    async def _take(self, letter: Letter) -> None:
        try:
            events = heed(self.log.state, letter, self.world.approval)
        except Refused as refusal:
            events = (LetterRefused(letter.id, letter.by, str(refusal)),)
        if events is None:
            return
        self._taken.add(letter.id)
        await self.log.append(*events, taken=(letter.id,))


async def open_mail(world: World, run_id: str) -> RunState | None:
    """Take the letters to a run that nobody works on; whoever holds it takes them himself.

    Whoever lets go of a run calls this: a letter may have come after the last look. One that comes later
    finds the run free.

    Returns:
        Where the run stands then; None where there was nothing to take, or another holds the run.
    """
    seen: set[str] = set()
    state = None
    while {letter.id for letter in await world.journal.letters(run_id)} - seen:
        try:
            async with world.open(run_id) as log:
                mailbox = Mailbox(world, log)
                await mailbox.take()
        except RunBusy:
            break
        seen, state = seen | mailbox.seen, log.state
    return state
