"""Runs a command's step to its end, or until somebody ends it: at the keyboard, or with `kill`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from anton.core.shortage import shortages_told

T = TypeVar("T")


def run_step(step: Coroutine[Any, Any, T]) -> T:
    """What came of the step.

    The first SIGTERM cancels it, as Ctrl-C does, so that nothing is left running or lying about; a second one
    ends the process where it stands.

    Raises:
        Shortage: this machine was used up.
        KeyboardInterrupt: it was ended by Ctrl-C or SIGTERM, and has cleaned up.
    """
    try:
        with shortages_told():
            return asyncio.run(_terminable(step))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _terminable(step: Coroutine[Any, Any, T]) -> T:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine that runs is run by a task

    def end() -> None:
        loop.remove_signal_handler(signal.SIGTERM)
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, end)
    try:
        return await step
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
