"""Brings messages up to date that the chat did not take when their runs were worked on."""

from __future__ import annotations

import asyncio
import logging
import random

from anton.core.errors import AntonError
from anton.core.run import MILESTONES, Phase, fold
from anton.core.shortage import shortages_told
from anton.runs.announce import show_again
from anton.runs.world import World

LOOKED_AT = 200
"""Newest runs; the message of an older one that was missed stays as it is."""

logger = logging.getLogger(__name__)


async def retell(world: World, seconds: float) -> None:
    """Look for messages that are old every so many seconds, spread a little, until cancelled."""
    told: set[str] = set()
    while True:
        try:
            with shortages_told():
                await _look(world, told)
        except AntonError as error:
            logger.warning("it could not be looked for messages that are old: %s", error)
        await asyncio.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter is no secret


async def _look(world: World, told: set[str]) -> None:
    """One round; it ends with the first message that the chat does not take.

    Args:
        world: With journal and chat.
        told: Runs that are closed and whose messages say so; grows.
    """
    for run_id in (await world.journal.run_ids())[::-1][:LOOKED_AT]:
        if run_id in told:
            continue
        try:
            state = fold(await world.journal.read_kinds(run_id, MILESTONES))
        except AntonError:
            continue  # said where open runs are looked for
        # of any other run somebody is at work, who keeps its message up to date
        waits = state.phase in (Phase.DECIDING, Phase.CLOSED) or state.work.stopped is not None
        if waits and not state.told and not await show_again(world, run_id):
            return
        if state.phase is Phase.CLOSED:
            told.add(run_id)
