"""How many runs a server carries to their briefings in a minute, by how many it works on at once.

    python -m bench.throughput [RUNS]

SQLite journal, real git, real test runs of a tenth of a second, a model that answers at once: what is left is
Anton's own work and the suites'.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.entrypoints.server.served import an_anton, an_office

from anton.adapters.journal.sql import SqlJournal
from anton.core.run import Phase
from anton.core.ticket import Ticket
from anton.entrypoints.intake.taken import Taken
from anton.entrypoints.server.desk import Desk

AT_ONCE = (1, 2, 4, 10)


async def carried(runs: int, at_once: int, folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds, of this process and its children, until all runs wait for a decision."""
    office = an_office(folder)
    office.journal = SqlJournal(folder / "journal.db")
    desk = Desk(an_anton(office, runs=at_once))
    began, spent = time.monotonic(), _cpu()
    async with desk.open():
        for number in range(runs):
            ticket = Ticket(f"BUG-{number}", "To-dos come back", "They do.", source="api")
            await desk.take_in(Taken(ticket, f"bench:{number}", "api:bench"))
        while [state.phase for state in await desk.outlines(runs)].count(Phase.DECIDING) < runs:  # noqa: ASYNC110 - as an onlooker sees it
            await asyncio.sleep(0.2)
        wall = time.monotonic() - began
    await office.journal.close()
    return wall, _cpu() - spent


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


async def measure(runs: int) -> None:
    print(f"{runs} runs on {os.cpu_count()} cores\n\n{'at once':>8} {'a minute':>9} {'CPU a run':>10}")
    for at_once in AT_ONCE:
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu = await carried(runs, at_once, Path(folder))
        print(f"{at_once:8} {60 * runs / wall:9.0f} {cpu / runs:8.2f} s", flush=True)


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if sys.argv[1:] else 20))
