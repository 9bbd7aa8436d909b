"""What may be thrown away: nothing that a run which is not over stands on.

Each run's things go while its run is held, as by whoever works on it; a run that is being worked on is passed
over. The journal's part goes last, so that what is interrupted anywhere is found again the next time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from anton.core.errors import AntonError, IllegalTransition, JournalError, OutsideError, RunBusy
from anton.core.run import MILESTONES, Phase, RunState, fold
from anton.ports import Journal
from anton.ports.leftovers import Waste
from anton.proving.scratch import remove_folder
from anton.runs.conversation import ROOM
from anton.runs.world import World

FORGOTTEN_AFTER = timedelta(days=1)
"""Age of worktrees of a run that the journal does not know; a younger one may just be beginning."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept."""

    days: int | None = None
    """Of a run that is over, in the journal; None keeps all."""
    environment_days: int = 30
    """Of a test environment that no run uses."""
    conversation_days: int | None = None
    """Of a conversation in which nothing happens any more; None keeps all."""


async def tidy(world: World, retention: Retention, *, delete: bool) -> AsyncIterator[Waste]:
    """What nobody needs any more, one by one; with `delete`, it is gone when it is named.

    Raises:
        OutsideError: the journal cannot be read, or something cannot be removed; the rest stays as it is.
    """
    known = await world.journal.run_ids()
    open_at: set[str] = set()
    over: dict[str, list[str]] = {}
    for run_id in known:
        try:
            state = fold(await world.journal.read_kinds(run_id, MILESTONES))
        except AntonError:  # a damaged run is kept, with all that is there of it
            open_at.add("")
            continue
        if state.phase is Phase.CLOSED:
            over.setdefault(state.received.repository, []).append(run_id)
            for waste in await _of_run(world, state, retention, delete=delete):
                yield waste
        else:
            open_at.add(state.received.repository)
    for repository, runs in over.items():
        prune = not open_at & {"", repository}
        names = await world.repository(repository).let_go(runs, prune=prune, delete=delete)
        if names:
            yield Waste("git trees", f"{len(names)} in the mirror of {repository}")
    closed = {run_id for runs in over.values() for run_id in runs}
    for shared in world.leftovers:
        for waste in await shared.sweep([each for each in known if each not in closed], delete=delete):
            yield waste
    async for waste in _of_nobody(world, frozenset(known), retention, delete=delete):
        yield waste


async def tidy_conversations(
    world: World, sessions: Journal, retention: Retention, *, delete: bool
) -> AsyncIterator[Waste]:
    """The same of conversations, which are over when nothing was said in them for long.

    Of a younger one the worktree goes after a day: it is laid out anew when the conversation is taken up.
    """
    own = replace(world, journal=sessions, home=world.home / ROOM)
    now, days = world.clock(), retention.conversation_days
    for name in await sessions.run_ids():
        try:
            async with sessions.hold(name):
                state = fold(await sessions.read(name))
                idle = now - state.updated_at
                if idle > FORGOTTEN_AFTER:
                    for waste in await _folder("worktrees", own.scratch(name), delete=delete):
                        yield waste
                if days is not None and idle > timedelta(days=days):
                    if delete:
                        repository = own.repository(state.received.repository)
                        await repository.let_go([name], prune=False, delete=True)
                        await sessions.forget(name)
                    yield Waste("conversation", f"{name}, last used {state.updated_at:%Y-%m-%d}")
        except (RunBusy, JournalError, IllegalTransition):  # it is open, or damaged and kept
            continue


async def _of_run(world: World, state: RunState, retention: Retention, *, delete: bool) -> list[Waste]:
    """What is left of a run that is over; nothing where somebody holds it."""
    run_id = state.run_id
    try:
        async with world.journal.hold(run_id):
            found = await _folder("worktrees", world.scratch(run_id), delete=delete)
            limit = retention.days
            if limit is not None and state.updated_at < world.clock() - timedelta(days=limit):
                found += await _folder("demo", world.home / "demo" / run_id, delete=delete)
                if delete:
                    repository = world.repository(state.received.repository)
                    await repository.let_go([run_id], prune=False, delete=True)
                    await world.journal.forget(run_id)
                found.append(Waste("run", f"{run_id}, closed {state.updated_at:%Y-%m-%d}"))
            return found
    except RunBusy:
        return []


async def _of_nobody(
    world: World, known: frozenset[str], retention: Retention, *, delete: bool
) -> AsyncIterator[Waste]:
    """Worktrees without a run, and environments that were not used for long."""
    now = world.clock()
    for path in await asyncio.to_thread(_older, world.home / "scratch", now - FORGOTTEN_AFTER):
        if path.name not in known and path.name not in await world.journal.run_ids():
            for waste in await _folder("worktrees", path, delete=delete):
                yield waste
    unused = now - timedelta(days=retention.environment_days)
    for key in await asyncio.to_thread(lambda: list(world.environments.unused_since(unused))):
        size = await asyncio.to_thread(_size, world.environments.folder / key)
        if not delete or await world.environments.remove(key, unused):
            yield Waste("environment", key, size)


async def _folder(kind: str, path: Path, *, delete: bool) -> list[Waste]:
    if not await asyncio.to_thread(path.exists):
        return []
    size = await asyncio.to_thread(_size, path)
    if delete:
        await remove_folder(path)
        if await asyncio.to_thread(path.exists):
            raise OutsideError(f"{str(path)!r} cannot be removed: see whose it is, and run anton gc again")
    return [Waste(kind, path.name, size)]


def _older(folder: Path, limit: datetime) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.lstat().st_mtime < limit.timestamp())


def _size(folder: Path) -> int:
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(place) / name).lstat().st_size
            except OSError:
                continue
