"""Says something to a run, whoever works on it: what every way in uses."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass

from anton.core.decision import Refused
from anton.core.errors import UsageError
from anton.core.letter import Letter, Message
from anton.core.mail import heed
from anton.core.question import LetterRefused
from anton.core.run import RunState, fold
from anton.runs.mailbox import LOOK_SECONDS, open_mail
from anton.runs.world import World


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a letter."""

    state: RunState
    """Of the run, as it was looked at last."""
    taken: bool
    """Whether it was heeded; else it lies there for whoever works on the run, or will."""


def write(world: World, run_id: str, by: str, message: Message, letter_id: str = "") -> Letter:
    """A letter, dated now.

    Args:
        world: Whose clock counts.
        run_id: Of the run that it is to.
        by: Who says it, such as `slack:T1/U42` or a name at the terminal.
        message: What is said.
        letter_id: The same for the same letter, where it may be sent twice, such as a chat's id of a press;
            empty for a new one.
    """
    return Letter(letter_id or secrets.token_hex(8), run_id, by, world.clock(), message)


async def tell(world: World, letter: Letter, *, wait_seconds: float = 0.0) -> Told:
    """Leave a letter to a run; where nobody works on the run, it is taken at once.

    A `Cancel` that was taken leaves a run that is decided, as after `runner.answer`: whoever told it carries
    the run on to its end, unless a process at work does.

    Args:
        world: With the journal.
        letter: See `write`. The same letter told again changes nothing.
        wait_seconds: How long to wait for a process at work to take it, at most; one looks twice a second.

    Raises:
        UsageError: there is no such run.
        Refused: it comes too late, or says nothing that could be heeded; the text says why and what would.
    """
    heed(await _state(world, letter), letter, world.approval)
    await world.journal.post(letter)
    world.doorbell.ring(letter.run_id)
    give_up_at = time.monotonic() + wait_seconds
    while True:
        await open_mail(world, letter.run_id)
        waits = any(other.id == letter.id for other in await world.journal.letters(letter.run_id))
        if not waits or time.monotonic() >= give_up_at:
            return Told(await _state(world, letter), taken=not waits)
        await asyncio.sleep(LOOK_SECONDS / 5)


async def _state(world: World, letter: Letter) -> RunState:
    """Where the letter's run stands.

    Raises:
        UsageError: there is no such run.
        Refused: the letter was refused by the process that took it.
    """
    entries = await world.journal.read(letter.run_id)
    if not entries:
        raise UsageError(f"there is no run {letter.run_id!r}; see which there are: anton runs")
    for entry in entries:
        if isinstance(entry.event, LetterRefused) and entry.event.letter == letter.id:
            raise Refused(entry.event.reason)
    return fold(entries)
