"""Time limits that stand still while a person is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Limit:
    """A limit in force; it ends what it is around with TimeoutError."""

    timeout: asyncio.Timeout
    waited_seconds: float = 0.0
    """How long it has stood still, all told."""
    _stands: int = 0
    _since: float = 0.0
    _left: float | None = None

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Time that passes within does not count; several may wait at the same time."""
        loop = asyncio.get_running_loop()
        if self._stands == 0:
            self._since = loop.time()
            due = self.timeout.when()
            self._left = None if due is None else due - self._since
            self._move(None)
        self._stands += 1
        try:
            yield
        finally:
            self._stands -= 1
            if self._stands == 0:
                now = loop.time()
                self.waited_seconds += now - self._since
                self._move(None if self._left is None else now + self._left)

    def _move(self, when: float | None) -> None:
        if not self.timeout.expired():
            self.timeout.reschedule(when)


IN_FORCE: ContextVar[tuple[Limit, ...]] = ContextVar("limits", default=())
"""All that are in force around the task, the outermost first."""


@asynccontextmanager
async def limited(seconds: float) -> AsyncIterator[Limit]:
    """`asyncio.timeout`, but for what `standing_still` takes out of it.

    Raises:
        TimeoutError: the time was up.
    """
    async with asyncio.timeout(seconds) as timeout:
        limit = Limit(timeout)
        token = IN_FORCE.set((*IN_FORCE.get(), limit))
        try:
            yield limit
        finally:
            IN_FORCE.reset(token)


@contextmanager
def standing_still() -> Iterator[None]:
    """Time that passes within counts against no limit that is in force around it."""
    with ExitStack() as stack:
        for limit in IN_FORCE.get():
            stack.enter_context(limit.standing())
        yield
