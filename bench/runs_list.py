"""How long it takes to list many runs: `python bench/runs_list.py [RUNS]`, by default 500.

One run of the demo, copied; read from SQLite as `anton runs` does, and as a whole for comparison. Then the
commands, each in a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from anton.adapters.journal.sql import SqlJournal
from anton.core.event import Entry
from anton.core.run import MILESTONES, fold
from anton.entrypoints.stats import figures
from anton.views.statistics import statistics_page

BUDGET_SECONDS = 1.0
PROGRAM = str(Path(sys.executable).with_name("anton"))


async def copy(home: Path, runs: int) -> int:
    """Make `runs` runs of the one that is there; returns how many entries each has."""
    journal = SqlJournal(home / "journal.db")
    (run_id,) = await journal.run_ids()
    entries = await journal.read(run_id)
    for number in range(1, runs):
        other = f"{number:08x}"
        await journal.append(other, [replace(entry, run_id=other) for entry in entries])
    await journal.close()
    return len(entries)


async def reading(home: Path, how: Callable[[SqlJournal, str], Awaitable[Sequence[Entry]]]) -> str:
    """Wall and CPU seconds to read and fold all runs."""
    journal = SqlJournal(home / "journal.db")
    started, used = time.perf_counter(), time.process_time()
    for run_id in await journal.run_ids():
        fold(await how(journal, run_id))
    told = f"{time.perf_counter() - started:.2f} s, CPU {time.process_time() - used:.2f} s"
    await journal.close()
    return told


async def counting(home: Path) -> str:
    """Wall and CPU seconds to count all runs, and to lay the table out."""
    journal = SqlJournal(home / "journal.db")
    started, used = time.perf_counter(), time.process_time()
    found, _ = await figures(journal)
    statistics_page(found, None)
    told = f"{time.perf_counter() - started:.2f} s, CPU {time.process_time() - used:.2f} s"
    await journal.close()
    return told


def command(*arguments: str, home: Path) -> float:
    """Seconds of a whole process."""
    started = time.perf_counter()
    subprocess.run(
        [PROGRAM, *arguments], check=False, cwd=home, env={**os.environ, "ANTON_HOME": str(home)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - started


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        command("demo", "--yes", home=home)
        print(f"{runs} runs of {asyncio.run(copy(home, runs))} entries")
        of_list = asyncio.run(reading(home, lambda journal, run: journal.read_kinds(run, MILESTONES)))
        print(f"as the list reads them: {of_list} (budget {BUDGET_SECONDS} s)")
        print(f"as the statistics do:   {asyncio.run(counting(home))} (budget {BUDGET_SECONDS} s)")
        print(f"as a whole:             {asyncio.run(reading(home, SqlJournal.read))}")
        for arguments in (("runs",), ("runs", "--all"), ("runs", "--stats")):
            print(f"anton {' '.join(arguments):10} {command(*arguments, home=home):.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 500)
