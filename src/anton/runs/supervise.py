"""Works on a run in the background: nobody sits before it, so what goes wrong is written down and waited out.

A run that fails for a reason outside is tried again, later and later. One that only a person can help, or
that three workers were killed at, is parked with the reason until somebody asks for another attempt.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from anton.core.errors import (
    AntonError,
    IllegalTransition,
    JournalConflict,
    OutsideError,
    RunBusy,
    UsageError,
)
from anton.core.run import MILESTONES, Phase, RunState, fold
from anton.core.shortage import shortage_of, shortages_told
from anton.core.work import WorkStarted, WorkStopped
from anton.ports import Journal
from anton.runs.log import Watcher
from anton.runs.runner import TURN_SECONDS, TURNS, advance
from anton.runs.world import World

MOST_KILLS = 3
"""Workers in a row that are killed at a run before it is parked."""
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3600.0
"""Between two attempts; the wait doubles."""
MOST_FAILURES = 30
"""Attempts in a row that fail, about a day with these waits, before the run is parked."""
MOST_BUGS = 3
"""The same where the failure is a mistake of ours: waiting helps less."""
BUSY_SECONDS = 30.0
"""After which a run that another process worked on is looked at again: that process may be gone."""

Done = TypeVar("Done")

logger = logging.getLogger(__name__)


async def work_on(world: World, run_id: str, watch: Sequence[Watcher] = ()) -> float | None:
    """Take a run as far as it goes.

    Returns:
        Seconds after which it has to be taken on again; None where it is done, waits for a person, or was
        left to whoever asks for it.
    """
    try:
        if not await _in_turn(lambda: _begin(world, run_id, watch)):
            return None
        await _in_turn(lambda: advance(world, run_id, watch))
    except RunBusy:
        return BUSY_SECONDS
    except asyncio.CancelledError:
        await _stop(world, run_id, WorkStopped("Anton was stopped", "start"), watch)
        raise
    except (OutsideError, JournalConflict) as error:
        return await _failed(world, run_id, str(error), MOST_FAILURES, watch)
    except UsageError as error:
        await _stop(world, run_id, WorkStopped(str(error), "person"), watch)
    except Exception as error:  # the one place: a mistake of ours must not end the other runs
        if short := shortage_of(error):
            return await _failed(world, run_id, str(short), MOST_FAILURES, watch)
        logger.exception("run %s broke off", run_id)
        reason = f"a mistake in Anton: {type(error).__name__}: {error}"
        return await _failed(world, run_id, reason, MOST_BUGS, watch)
    return None


async def _in_turn(act: Callable[[], Awaitable[Done]]) -> Done:
    """Do something with a run, once whoever holds it only to write an answer down has let go of it.

    Raises:
        RunBusy: somebody works on it.
    """
    for _ in range(TURNS - 1):
        with suppress(RunBusy):
            return await act()
        await asyncio.sleep(TURN_SECONDS)
    return await act()


async def needs_work(journal: Journal, run_id: str) -> RunState | None:
    """Where a run stands that has to be taken on after a start; None where it needs nobody.

    Raises:
        JournalError: it cannot be read.
    """
    if await journal.read_kinds(run_id, {"run_closed"}):
        return None
    state = fold(await journal.read_kinds(run_id, MILESTONES))
    return None if _rests(state) or state.work.parked else state


def _rests(state: RunState) -> bool:
    return state.phase in (Phase.DECIDING, Phase.CLOSED)


async def _begin(world: World, run_id: str, watch: Sequence[Watcher]) -> bool:
    """Put on record that the run is taken on; false where there is nothing to do, or it is parked now."""
    async with world.open(run_id, watch) as log:
        if _rests(log.state):
            return False
        if log.state.work.under_way and log.state.work.kills + 1 >= MOST_KILLS:
            reason = (
                f"Anton was killed {MOST_KILLS} times in a row while it worked on this run, so it is left "
                "alone; look at what happened, then retry it"
            )
            await log.append(WorkStopped(reason, "person"))
            return False
        await log.append(WorkStarted())
        return True


async def _failed(
    world: World, run_id: str, reason: str, most: int, watch: Sequence[Watcher]
) -> float | None:
    """Have the run tried again later, unless that was done often enough; the wait until then in seconds."""
    try:
        with shortages_told():
            return await _wait(world, run_id, reason, most, watch)
    except (OutsideError, JournalConflict, RunBusy, IllegalTransition) as error:
        logger.warning("run %s stopped (%s), which could not be written down: %s", run_id, reason, error)
        return pause(0)


async def _wait(world: World, run_id: str, reason: str, most: int, watch: Sequence[Watcher]) -> float | None:
    async with world.open(run_id, watch) as log:
        failures = log.state.work.failures
        if failures + 1 >= most:
            reason = f"{reason} (after {failures + 1} attempts)"
            await log.append(WorkStopped(reason, "person"))
            return None
        wait = pause(failures)
        again_at = world.clock() + timedelta(seconds=wait)
        await log.append(WorkStopped(reason, "time", again_at))
        return wait


async def _stop(world: World, run_id: str, stopped: WorkStopped, watch: Sequence[Watcher]) -> None:
    try:
        with shortages_told():
            async with world.open(run_id, watch) as log:
                if not _rests(log.state):
                    await log.append(stopped)
    except AntonError as error:
        logger.warning("run %s stopped (%s), which could not be written down: %s", run_id, stopped, error)


def pause(failures: int) -> float:
    """Seconds until the next attempt after so many that failed; spread, so that not all runs come at once."""
    wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(failures, 20), LONGEST_WAIT_SECONDS)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - jitter is no secret
