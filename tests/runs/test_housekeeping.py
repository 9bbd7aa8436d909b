"""What is thrown away, and what never is."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.core.decision import Answer
from anton.core.errors import JournalError
from anton.core.event import Verb
from anton.core.run import Phase
from anton.ports.leftovers import Waste
from anton.runs.housekeeping import Retention, tidy
from anton.runs.runner import advance, answer
from anton.runs.world import World
from tests.office import QUICK_COMMAND, QUICK_FILES, RUN, Office, git

ALL = Retention(days=1, environment_days=1)


@pytest.fixture
async def place(tmp_path: Path) -> Office:
    place = Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)
    await place.receive()
    state = await advance(place.world(), RUN)
    assert state.phase is Phase.DECIDING
    return place


async def decline(place: Office) -> None:
    world = place.world()
    state = await advance(world, RUN)
    assert state.briefing is not None
    await answer(world, RUN, Answer(Verb.DECLINE, "terminal:tester", state.briefing.digest, "no"))
    closed = await advance(world, RUN)
    assert closed.phase is Phase.CLOSED


def later(place: Office, days: int) -> World:
    """The same machine after some days."""
    place.clock = _Late(days)  # type: ignore[assignment]
    return place.world()


class _Late:
    def __init__(self, days: int) -> None:
        self._at = datetime.now(UTC) + timedelta(days=400 + days)

    def __call__(self) -> datetime:
        return self._at


async def swept(world: World, retention: Retention = ALL, *, delete: bool = True) -> list[Waste]:
    return [waste async for waste in tidy(world, retention, delete=delete)]


def kept(place: Office) -> list[str]:
    return git(place.home / "mirror.git", "for-each-ref", "refs/anton/keep/").splitlines()


async def test_nothing_of_a_run_that_waits_for_a_person_is_touched(place: Office) -> None:
    scratch = place.world().scratch(RUN)
    (scratch / "code").mkdir(parents=True, exist_ok=True)
    before = kept(place)
    assert before
    assert await swept(later(place, 10)) == []
    assert kept(place) == before
    assert scratch.exists()
    git(place.home / "mirror.git", "fsck", "--connectivity-only")
    await decline(place)


async def test_without_delete_it_is_said_what_would_go_and_nothing_goes(place: Office) -> None:
    await decline(place)
    (place.world().scratch(RUN) / "code").mkdir(parents=True)
    before = kept(place)
    said = await swept(later(place, 10), delete=False)
    assert [waste.kind for waste in said] == ["worktrees", "run", "git trees"]
    assert kept(place) == before
    assert await place.journal.run_ids() == (RUN,)
    assert place.world().scratch(RUN).exists()


async def test_what_is_over_goes_and_a_second_time_there_is_nothing(place: Office) -> None:
    await decline(place)
    (place.world().scratch(RUN) / "code").mkdir(parents=True)
    world = later(place, 10)
    kinds = [waste.kind for waste in await swept(world)]
    assert kinds == ["worktrees", "run"]
    assert await place.journal.run_ids() == ()
    assert kept(place) == []
    assert not world.scratch(RUN).exists()
    assert (place.folder / "reports" / RUN / "incident.md").exists(), "reports stay"
    assert await swept(world) == []


async def test_without_a_limit_runs_stay_in_the_journal(place: Office) -> None:
    await decline(place)
    said = await swept(later(place, 10_000), Retention())
    assert [waste.kind for waste in said] == ["git trees"]
    assert await place.journal.run_ids() == (RUN,)


async def test_a_run_that_somebody_holds_is_passed_over(place: Office) -> None:
    await decline(place)
    world = later(place, 10)
    async with place.journal.hold(RUN):
        assert [waste.kind for waste in await swept(world)] == ["git trees"]
    assert [waste.kind for waste in await swept(world)] == ["run"]


class Interrupted(MemoryJournal):
    """A journal that ends the sweep, once, before it forgets a run."""

    ends = True

    async def forget(self, run_id: str) -> None:
        if self.ends:
            self.ends = False
            raise JournalError("killed")
        await super().forget(run_id)


async def test_what_is_interrupted_is_finished_the_next_time(tmp_path: Path) -> None:
    place = Office(tmp_path, journal=Interrupted(), files=QUICK_FILES, command=QUICK_COMMAND)
    await place.receive()
    await decline(place)
    (place.world().scratch(RUN) / "code").mkdir(parents=True)
    world = later(place, 10)
    with pytest.raises(JournalError):
        await swept(world)
    assert await place.journal.run_ids() == (RUN,)
    assert not world.scratch(RUN).exists()
    assert [waste.kind for waste in await swept(world)] == ["run"]
    assert kept(place) == []


async def test_worktrees_without_a_run_go_once_they_are_old(place: Office) -> None:
    stray = place.home / "scratch" / "ffffffff"
    (stray / "code").mkdir(parents=True)
    young = place.home / "scratch" / "eeeeeeee"
    young.mkdir()
    world = later(place, 10)
    os.utime(young, (world.clock().timestamp(),) * 2)
    assert [waste.name for waste in await swept(world)] == ["ffffffff"]
    assert (stray.exists(), young.exists()) == (False, True)


async def test_an_environment_goes_once_no_run_asked_for_it_for_long(place: Office) -> None:
    used, unused = place.environments / "aaaa", place.environments / "bbbb"
    for environment in (used, unused):
        (environment / "python").mkdir(parents=True)
        (environment / "python" / "file").write_text("x" * 100)
    world = later(place, 10)
    os.utime(used, (world.clock().timestamp(),) * 2)
    assert [(waste.name, waste.size) for waste in await swept(world)] == [("bbbb", 100)]
    assert (used.exists(), unused.exists()) == (True, False)
    assert not await world.environments.remove("aaaa", world.clock() - timedelta(days=1))
