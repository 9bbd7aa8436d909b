"""Keeps a run's message in the chat up to date while the run is worked on.

The message is shown once what it is about is on disk. A chat that is out of reach holds up nothing: the run
goes on, it is tried again after a while, and where the work ends first, `RunState.told` says that the
message is old, so that whoever looks after the runs has it shown later.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from anton.core.errors import OutsideError, RunBusy, unwrapped
from anton.core.event import Entry, MessageShown
from anton.core.run import RunState
from anton.ports import Chat
from anton.runs.log import RunLog
from anton.runs.world import World

GATHER_SECONDS = 1.0
"""Between two changes of a message: chats allow about one a second."""
LAST_SECONDS = 20.0
"""For whatever is still to be shown once the work has ended."""
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 120.0
"""Between two tries where the chat is out of reach; the wait doubles."""


@dataclass(slots=True)
class Announcer:
    """Shows one run in the chat. Made by `announced`."""

    chat: Chat
    log: RunLog
    _due: asyncio.Event = field(default_factory=asyncio.Event)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _limit: asyncio.Timeout | None = None
    """Of the change that is under way."""
    _gives_up_at: float | None = None
    """By the loop's clock; None as long as the work goes on."""

    def see(self, entry: Entry, state: RunState) -> None:  # noqa: ARG002 - a watcher's signature
        """A watcher of the run's log."""
        if not state.told:
            self._due.set()

    async def keep_up(self) -> None:
        """Show the run whenever its message is old, until `end`."""
        wait = FIRST_WAIT_SECONDS
        while not self._ending.is_set():
            await self._due.wait()
            self._due.clear()
            if self.log.state.told or self._ending.is_set():
                continue
            try:
                await self._show()
            except OutsideError:
                await self._pause(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
                self._due.set()
            else:
                wait = FIRST_WAIT_SECONDS
                await self._pause(GATHER_SECONDS)

    def end(self) -> None:
        """The work has ended, and from now on the chat is not waited for much longer."""
        self._gives_up_at = asyncio.get_running_loop().time() + LAST_SECONDS
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(self._gives_up_at)
        self._ending.set()
        self._due.set()

    async def show_last(self) -> None:
        """Show where the run stands now; a chat that is out of reach is left for later."""
        if self.log.state.told:
            return
        with suppress(OutsideError):
            await self._show()

    async def _show(self) -> None:
        state = self.log.state
        try:
            async with asyncio.timeout_at(self._gives_up_at) as self._limit:
                message = await self.chat.show(state, state.message)
        except TimeoutError:
            raise OutsideError("the chat did not answer in time; it is tried again later") from None
        finally:
            self._limit = None
        await self.log.append(MessageShown(message, state.number))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            return


@asynccontextmanager
async def announced(chat: Chat, log: RunLog) -> AsyncIterator[None]:
    """Keep the run's message up to date within the context, and bring it up to date at its end.

    The end is not waited for where the context ends with an error: what failed is more urgent.
    """
    announcer = Announcer(chat, log)
    log.watch(announcer.see)
    with unwrapped():
        async with asyncio.TaskGroup() as group:
            group.create_task(announcer.keep_up(), name=f"message of {log.state.run_id}")
            try:
                yield
            finally:
                announcer.end()
    await announcer.show_last()


async def show_again(world: World, run_id: str) -> bool:
    """Bring the message of a run up to date that nobody works on.

    Returns:
        Whether it is; False where the chat is still out of reach, or somebody works on the run after all.
    """
    try:
        async with world.open(run_id) as log:
            announcer = Announcer(world.chat, log)
            announcer.end()
            await announcer.show_last()
            return log.state.told
    except RunBusy:
        return False
