"""What becomes of a run that nobody sits before, whatever goes wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.model.scripted import Refuse, Silence
from anton.core.errors import OutsideError, RunBusy
from anton.core.event import Entry
from anton.core.run import Phase, RunState, fold
from anton.core.work import WorkStarted, WorkStopped
from anton.runs.log import open_log
from anton.runs.supervise import (
    BUSY_SECONDS,
    LONGEST_WAIT_SECONDS,
    MOST_FAILURES,
    MOST_KILLS,
    needs_work,
    pause,
    work_on,
)
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)


async def state_of(office: Office) -> RunState:
    return fold(await office.journal.read(RUN))


async def test_a_run_is_taken_as_far_as_a_person_has_to_decide(office: Office) -> None:
    await office.receive()
    assert await work_on(office.world(), RUN) is None
    state = await state_of(office)
    assert (state.phase, state.work.under_way, state.work.stopped) == (Phase.DECIDING, False, None)


async def test_nothing_is_written_where_there_is_nothing_to_do(office: Office) -> None:
    await office.receive()
    await work_on(office.world(), RUN)
    number = (await state_of(office)).number
    assert await work_on(office.world(), RUN) is None
    assert (await state_of(office)).number == number


async def test_a_repository_that_cannot_be_used_parks_the_run_with_the_reason(office: Office) -> None:
    await office.receive()
    moved = office.checkout.rename(office.folder / "moved")
    assert await work_on(office.world(), RUN) is None
    state = await state_of(office)
    assert state.work.parked
    assert str(office.checkout) in state.work.stopped.reason  # type: ignore[union-attr]
    assert await needs_work(office.journal, RUN) is None
    moved.rename(office.checkout)
    await work_on(office.world(), RUN)
    assert (await state_of(office)).phase is Phase.DECIDING


class Away:
    """A remote that cannot be named."""

    async def __call__(self, repository: str, origin: str) -> str:
        raise OutsideError("the forge is away")


async def test_a_failure_outside_is_tried_again_later_and_parked_in_the_end(office: Office) -> None:
    await office.receive()
    world = office.world()
    object.__setattr__(world, "remote", Away())
    wait = await work_on(world, RUN)
    state = await state_of(office)
    assert wait is not None
    assert wait > 0
    assert state.work.stopped is not None
    assert (state.work.stopped.reason, state.work.stopped.awaits) == ("the forge is away", "time")
    assert state.work.stopped.again_at is not None
    assert await needs_work(office.journal, RUN)
    for _ in range(MOST_FAILURES - 1):
        wait = await work_on(world, RUN)
    assert wait is None
    assert (await state_of(office)).work.parked


async def test_a_mistake_of_ours_ends_no_other_run_and_is_written_down(office: Office) -> None:
    await office.receive()
    world = office.world()
    object.__setattr__(world, "remote", None)
    waits = [await work_on(world, RUN) for _ in range(3)]
    assert waits[0]
    assert waits[-1] is None
    stopped = (await state_of(office)).work.stopped
    assert stopped is not None
    assert "a mistake in Anton: TypeError" in stopped.reason


async def test_a_run_that_another_holds_is_left_alone_and_looked_at_later(office: Office) -> None:
    await office.receive()
    async with open_log(office.journal, RUN):
        assert await work_on(office.world(), RUN) == BUSY_SECONDS
    assert (await state_of(office)).number == 1


class Asked(MemoryJournal):
    """A journal that says when a run was asked for that somebody holds."""

    def __init__(self) -> None:
        super().__init__()
        self.in_vain = asyncio.Event()

    @asynccontextmanager
    async def hold(self, run_id: str) -> AsyncIterator[None]:
        try:
            async with super().hold(run_id):
                yield
        except RunBusy:
            self.in_vain.set()
            raise


async def test_whoever_holds_a_run_only_to_answer_it_is_waited_for(office: Office) -> None:
    office.journal = journal = Asked()
    await office.receive()
    async with asyncio.TaskGroup() as group, open_log(journal, RUN):
        working = group.create_task(work_on(office.world(), RUN))
        await journal.in_vain.wait()
    assert working.result() is None
    assert (await state_of(office)).phase is Phase.DECIDING


async def test_a_run_is_parked_after_three_workers_were_killed_at_it(office: Office) -> None:
    await office.receive()
    async with open_log(office.journal, RUN, clock=office.clock) as log:
        for _ in range(MOST_KILLS):
            await log.append(WorkStarted())
    assert await work_on(office.world(), RUN) is None
    state = await state_of(office)
    assert state.work.parked
    assert "killed 3 times" in state.work.stopped.reason  # type: ignore[union-attr]
    assert await work_on(office.world(), RUN) is None  # somebody asked for another attempt
    assert (await state_of(office)).phase is Phase.DECIDING


async def test_a_run_whose_worker_is_told_to_end_goes_on_at_the_next_start(office: Office) -> None:
    await office.receive()
    at_work = asyncio.Event()

    def see(entry: Entry, state: RunState) -> None:
        if entry.event.kind == "turn_started":
            at_work.set()

    working = asyncio.create_task(work_on(office.world({**HONEST, "code": [Silence()]}), RUN, [see]))
    await at_work.wait()
    working.cancel()
    await asyncio.wait([working])
    assert working.cancelled()
    state = await state_of(office)
    assert state.work.stopped == WorkStopped("Anton was stopped", "start")
    assert await needs_work(office.journal, RUN)
    await work_on(office.world(), RUN)
    assert (await state_of(office)).phase is Phase.DECIDING


async def test_a_run_whose_agents_all_failed_still_ends_before_a_person(office: Office) -> None:
    await office.receive()
    await work_on(office.world({agent: [Refuse("no")] for agent in HONEST}), RUN)
    state = await state_of(office)
    assert state.phase is Phase.DECIDING or state.work.stopped is not None


def test_waits_grow_to_an_hour_and_differ() -> None:
    assert pause(0) < pause(4) < pause(30) <= LONGEST_WAIT_SECONDS * 1.2
    assert len({pause(3) for _ in range(5)}) > 1
