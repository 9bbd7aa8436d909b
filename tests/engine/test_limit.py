"""Time limits that stand still while a person is waited for."""

from __future__ import annotations

import asyncio

import pytest

from anton.adapters.model.scripted import Reply
from anton.core.event import TurnEnded
from anton.engine.limit import IN_FORCE, limited, standing_still
from anton.engine.loop import work
from tests.engine.bench import STARTED, MemoryLog, agent, probe
from tests.engine.test_loop import DONE, scripted


async def test_a_limit_ends_what_it_is_around() -> None:
    with pytest.raises(TimeoutError):
        async with limited(0.0):
            await asyncio.Event().wait()


async def test_a_limit_is_not_due_while_it_stands_still_and_due_later_by_as_much() -> None:
    async with limited(1_000.0) as limit:
        before = limit.timeout.when()
        with standing_still():
            assert limit.timeout.when() is None
            await asyncio.sleep(0)
        after = limit.timeout.when()
    assert before is not None
    assert after is not None
    assert limit.waited_seconds > 0
    assert after - before == pytest.approx(limit.waited_seconds)


async def test_every_limit_around_stands_still_until_the_last_one_who_waits() -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def wait_for(event: asyncio.Event) -> None:
        with standing_still():
            await event.wait()

    async with limited(1_000.0) as outer, asyncio.TaskGroup() as group:
        tasks = []
        async with limited(1_000.0) as inner:
            tasks = [group.create_task(wait_for(event)) for event in (first, second)]
            await asyncio.sleep(0)
            assert (outer.timeout.when(), inner.timeout.when()) == (None, None)
            first.set()
            await tasks[0]
            assert (outer.timeout.when(), inner.timeout.when()) == (None, None)
            second.set()
            await tasks[1]
            assert None not in (outer.timeout.when(), inner.timeout.when())


async def test_what_is_not_within_a_limit_may_stand_still() -> None:
    with standing_still():
        await asyncio.sleep(0)


async def test_waiting_for_a_person_is_not_taken_from_the_time_of_tool_and_agent() -> None:
    log = MemoryLog(STARTED)
    loop = asyncio.get_running_loop()
    waited_seconds = 0.05

    async def ask(_: str) -> str:
        with standing_still():
            assert [limit.timeout.when() for limit in IN_FORCE.get()] == [None, None]
            answered = asyncio.Event()
            loop.call_later(waited_seconds, answered.set)
            await answered.wait()
        return "yes"

    started = loop.time()
    await work(agent(scripted(Reply(calls=(("ask", {}),)), DONE), probe("ask", ask), log=log))
    first = next(e for e in log.events if isinstance(e, TurnEnded))
    assert [result.text for result in first.results] == ["yes"]
    assert first.seconds <= loop.time() - started - waited_seconds
