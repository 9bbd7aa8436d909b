"""What every queue does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from anton.adapters.queue.dbos import DbosQueue
from anton.adapters.queue.local import LocalQueue
from anton.ports import Queue

SECONDS = 60.0
"""After which what never comes fails a test."""
Make = Callable[..., Queue]


@pytest.fixture(params=["local", "dbos"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """How a queue is made, with its limits: runs at once, and of one repository."""
    if request.param == "local":
        yield LocalQueue
        return
    url = request.getfixturevalue("postgres").new_database()
    made: list[DbosQueue] = []

    def shared(runs: int, per_repository: int) -> Queue:
        made.append(DbosQueue(url, runs, per_repository))
        return made[-1]

    yield shared
    for queue in made:
        await queue.close()


class Hands:
    """Work that says when it began, and ends when it is let."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.at_once: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.let = asyncio.Event()
        self.let.set()
        self.again: dict[str, float] = {}
        self._changed = asyncio.Event()

    async def __call__(self, run_id: str) -> float | None:
        kind = run_id[0]
        self.begun.append(run_id)
        for name in (kind, "all"):
            self.at_once[name] += 1
            self.most[name] = max(self.most[name], self.at_once[name])
        self._changed.set()
        try:
            await self.let.wait()
        finally:
            for name in (kind, "all"):
                self.at_once[name] -= 1
            self._changed.set()
        return self.again.pop(run_id, None)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def working(queue: Queue, work: Callable[[str], Awaitable[float | None]]) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.work_off(work))
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_what_was_put_in_is_taken_on_once(make: Make) -> None:
    queue, hands = make(4, 4), Hands()
    for run_id in ("a1", "a2", "a1"):
        await queue.put(run_id, "/repo/a")
    async with working(queue, hands):
        await hands.until(lambda: len(hands.begun) == 2)
        await queue.put("b1", "/repo/b")
        await hands.until(lambda: len(hands.begun) == 3)
    assert sorted(hands.begun) == ["a1", "a2", "b1"]


async def test_no_more_runs_than_the_limits_allow_are_worked_on_at_once(make: Make) -> None:
    queue, hands = make(3, 2), Hands()
    runs = [f"a{n}" for n in range(4)] + [f"b{n}" for n in range(4)]
    for run_id in runs:
        await queue.put(run_id, f"/repo/{run_id[0]}")
    hands.let.clear()
    async with working(queue, hands):
        await hands.until(lambda: len(hands.begun) == 3)
        assert queue.running == 3
        hands.let.set()
        await hands.until(lambda: len(hands.begun) == len(runs))
    assert sorted(hands.begun) == sorted(runs)
    assert hands.most["all"] <= 3
    assert max(hands.most["a"], hands.most["b"]) <= 2


async def test_a_run_that_is_put_in_while_it_is_worked_on_is_taken_on_once_more(make: Make) -> None:
    queue, hands = make(4, 4), Hands()
    await queue.put("a1", "/repo/a")
    hands.let.clear()
    async with working(queue, hands):
        await hands.until(lambda: hands.begun == ["a1"])
        await queue.put("a1", "/repo/a")
        await queue.put("a1", "/repo/a")
        hands.let.set()
        await hands.until(lambda: len(hands.begun) == 2)
    assert hands.begun == ["a1", "a1"]


async def test_a_run_that_asks_for_it_is_taken_on_again_later(make: Make) -> None:
    queue, hands = make(4, 4), Hands()
    hands.again["a1"] = 0.2
    await queue.put("a1", "/repo/a")
    async with working(queue, hands):
        await hands.until(lambda: hands.begun == ["a1", "a1"])


async def test_a_run_that_comes_later_is_taken_on_at_once_when_it_is_put_in(make: Make) -> None:
    queue, hands = make(4, 4), Hands()
    hands.again["a1"] = 3600.0
    await queue.put("a1", "/repo/a")
    async with working(queue, hands):
        await hands.until(lambda: hands.begun == ["a1"] and not hands.at_once["all"])
        await queue.put("a1", "/repo/a")
        await hands.until(lambda: hands.begun == ["a1", "a1"])


async def test_making_sure_of_a_run_takes_it_on_unless_it_will_be_anyway(make: Make) -> None:
    queue, hands = make(4, 4), Hands()
    hands.again["a1"] = 3600.0
    await queue.ensure("a1", "/repo/a")
    async with working(queue, hands):
        await hands.until(lambda: hands.begun == ["a1"] and not hands.at_once["all"])
        await queue.ensure("a1", "/repo/a")
        await queue.ensure("b1", "/repo/b")
        await hands.until(lambda: "b1" in hands.begun)
    assert hands.begun == ["a1", "b1"]


async def test_work_under_way_is_let_go_of_when_the_queue_is_told_to_end(make: Make) -> None:
    queue, hands = make(4, 4), Hands()
    await queue.put("a1", "/repo/a")
    hands.let.clear()
    async with working(queue, hands):
        await hands.until(lambda: hands.begun == ["a1"])
    assert hands.at_once["all"] == 0
    assert queue.running == 0
