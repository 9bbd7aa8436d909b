"""Durable appends per second: one caller alone, and sixteen side by side.

python bench/journal.py [FOLDER | URL]

The default is the current folder, so that the disk measured is the one meant; a URL names a database.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from anton.adapters.journal.sql import SqlJournal
from anton.core.event import Entry, ToolStarted

APPENDS = 1_600


def entry(run_id: str, number: int) -> Entry:
    event = ToolStarted("code", number, f"call_{number}", "grep", "grep 'completed' in todo/")
    return Entry(run_id, number, datetime.now(UTC), event)


async def write(journal: SqlJournal, run_id: str, appends: int) -> None:
    for number in range(1, appends + 1):
        await journal.append(run_id, [entry(run_id, number)])


async def measure(location: str, callers: int, appends: int) -> float:
    journal = SqlJournal(location if "://" in location else Path(location) / f"{callers}.db")
    await journal.open()
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for caller in range(callers):
            group.create_task(write(journal, f"{started}-{caller}", appends // callers))
    seconds = time.perf_counter() - started
    await journal.close()
    return appends / seconds


def main() -> None:
    where = sys.argv[1] if len(sys.argv) > 1 else "."
    shared = "://" in where
    with nullcontext(where) if shared else tempfile.TemporaryDirectory(dir=where) as location:
        for callers, appends in ((1, APPENDS // 4), (16, APPENDS), (64, APPENDS * 4)):
            rate = asyncio.run(measure(location, callers, appends))
            print(f"{callers:>3} at once: {rate:>7,.0f} appends/s")


if __name__ == "__main__":
    main()
