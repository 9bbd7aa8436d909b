"""The queue within one process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anton.adapters.queue.local import LocalQueue
from anton.ports import Work


class Bench:
    """Work that lasts until it is told to end."""

    def __init__(self) -> None:
        self.at: list[str] = []
        self.most = 0
        self.begun: Counter[str] = Counter()
        self.again: dict[str, float] = {}
        self.released = asyncio.Event()
        self.changed = asyncio.Event()

    async def work(self, run_id: str) -> float | None:
        self.at.append(run_id)
        self.begun[run_id] += 1
        self.most = max(self.most, len(self.at))
        self.changed.set()
        try:
            await self.released.wait()
        finally:
            self.at.remove(run_id)
            self.changed.set()
        return self.again.pop(run_id, None)

    async def until(self, **begun: int) -> None:
        while any(self.begun[run] < times for run, times in begun.items()):
            self.changed.clear()
            await self.changed.wait()


@asynccontextmanager
async def working(queue: LocalQueue, work: Work) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.work_off(work))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_no_more_are_worked_on_than_the_limit_and_all_are_in_the_end() -> None:
    queue, bench = LocalQueue(2, 2), Bench()
    async with working(queue, bench.work):
        for number in range(5):
            await queue.put(f"r{number}", f"repo{number}")
        await bench.until(r0=1, r1=1)
        assert (sorted(bench.at), queue.running, queue.waiting) == (["r0", "r1"], 2, 3)
        bench.released.set()
        await bench.until(r4=1)
    assert bench.most == 2
    assert bench.begun == {f"r{number}": 1 for number in range(5)}


async def test_the_next_of_another_repository_goes_before_one_too_many_of_the_same() -> None:
    queue, bench = LocalQueue(2, 1), Bench()
    async with working(queue, bench.work):
        for run, repository in (("a1", "a"), ("a2", "a"), ("b1", "b")):
            await queue.put(run, repository)
        await bench.until(a1=1, b1=1)
        assert bench.begun["a2"] == 0
        bench.released.set()
        await bench.until(a2=1)


async def test_a_run_that_waits_twice_is_worked_on_once() -> None:
    queue, bench = LocalQueue(1, 1), Bench()
    bench.released.set()
    await queue.put("r", "a")
    await queue.put("r", "a")
    await queue.put("last", "a")
    async with working(queue, bench.work):
        await bench.until(last=1)
    assert bench.begun["r"] == 1


async def test_a_run_that_is_put_while_it_is_worked_on_is_worked_on_again_and_never_twice_at_once() -> None:
    queue, bench = LocalQueue(2, 2), Bench()
    async with working(queue, bench.work):
        await queue.put("r", "a")
        await bench.until(r=1)
        await queue.put("r", "a")
        await queue.put("other", "b")
        await bench.until(other=1)
        assert bench.at.count("r") == 1
        bench.released.set()
        await bench.until(r=2)


async def test_a_run_that_asks_for_it_is_worked_on_again_later() -> None:
    queue, bench = LocalQueue(1, 1), Bench()
    bench.again["r"] = 0.01
    bench.released.set()
    async with working(queue, bench.work):
        await queue.put("r", "a")
        await bench.until(r=2)


async def test_all_that_is_worked_on_has_ended_when_the_queue_has() -> None:
    queue, bench = LocalQueue(3, 3), Bench()
    async with working(queue, bench.work):
        for number in range(3):
            await queue.put(f"r{number}", "a")
        await bench.until(r0=1, r1=1, r2=1)
    assert (bench.at, queue.running) == ([], 0)
