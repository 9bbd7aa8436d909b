"""Work that a cancellation must not cut in two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Finish a piece of work first, and let a cancellation that came meanwhile pass on then."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()


@asynccontextmanager
async def owned(start: Coroutine[Any, Any, T], end: Callable[[T], Awaitable[None]]) -> AsyncIterator[T]:
    """What `start` makes, ended by `end` in every case, also when the making itself is cancelled.

    A cancellation passes on once the end is through. What could not be made needs no end.
    """
    starting = asyncio.ensure_future(start)
    try:
        yield await asyncio.shield(starting)
    finally:
        await to_its_end(_ended(starting, end))


async def _ended(starting: asyncio.Future[T], end: Callable[[T], Awaitable[None]]) -> None:
    await asyncio.wait((starting,))
    if not starting.cancelled() and starting.exception() is None:
        await end(starting.result())
