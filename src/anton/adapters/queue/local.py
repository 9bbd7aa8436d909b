"""The queue within this process.

It is in memory: what has to be taken on after a start is known from the journal.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from anton.ports.queue import Work


class LocalQueue:
    """The Queue port for one process: first come, first served, as far as the limits allow.

    Args:
        runs: How many are worked on at once.
        per_repository: How many of one repository; the next in line of another goes first.
    """

    def __init__(self, runs: int, per_repository: int) -> None:
        self._runs = runs
        self._per_repository = per_repository
        self._waiting: dict[str, str] = {}
        self._running: dict[str, str] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._due = asyncio.Event()

    @property
    def description(self) -> str:
        """Which side this is, and its limits."""
        return f"in this process: {self._runs} runs at once, {self._per_repository} of one repository"

    @property
    def running(self) -> int:
        """How many runs are being worked on."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many runs wait for a free hand."""
        return len(self._waiting)

    async def put(self, run_id: str, repository: str) -> None:
        """Have a run taken on soon; see the port.

        One that is worked on right now is taken on once more afterwards: its work may be past what it is for.
        """
        self._put(run_id, repository)

    async def ensure(self, run_id: str, repository: str) -> None:
        """Have a run taken on unless it waits, is worked on, or comes later; see the port."""
        if not {run_id} & (self._waiting.keys() | self._running.keys() | self._later.keys()):
            self._put(run_id, repository)

    async def close(self) -> None:
        """Nothing was opened."""

    async def work_off(self, work: Work) -> None:
        """Take runs on until cancelled; see the port."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    while chosen := self._next():
                        run_id, repository = chosen
                        del self._waiting[run_id]
                        self._running[run_id] = repository
                        group.create_task(self._carry(work, run_id, repository), name=f"run {run_id}")
                    await self._due.wait()
                    self._due.clear()
        finally:
            for timer in self._later.values():
                timer.cancel()
            self._later.clear()

    def _put(self, run_id: str, repository: str) -> None:
        if timer := self._later.pop(run_id, None):
            timer.cancel()
        self._waiting.setdefault(run_id, repository)
        self._due.set()

    def _next(self) -> tuple[str, str] | None:
        """The first in line that the limits allow."""
        if len(self._running) >= self._runs:
            return None
        busy = Counter(self._running.values())
        for run_id, repository in self._waiting.items():
            if run_id not in self._running and busy[repository] < self._per_repository:
                return run_id, repository
        return None

    async def _carry(self, work: Work, run_id: str, repository: str) -> None:
        try:
            again_in = await work(run_id)
        finally:
            del self._running[run_id]
            self._due.set()
        if again_in is not None and run_id not in self._waiting:
            loop = asyncio.get_running_loop()
            self._later[run_id] = loop.call_later(again_in, self._put, run_id, repository)
