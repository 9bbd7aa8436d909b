"""How long `anton demo` takes to its briefing, and where the time goes: `python bench/demo.py [RUNS]`.

The whole command in a process of its own and in a fresh state folder, as a newcomer has it, without a
terminal; the steps are read from its journal.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from anton.adapters.journal.sql import SqlJournal
from anton.core.event import (
    AgentEnded,
    BaseResolved,
    BriefingPrepared,
    CellFinished,
    Entry,
    ProofStarted,
    ReplyReceived,
    RunReceived,
    TurnEnded,
    TurnStarted,
)

BUDGET_SECONDS = 10.0


async def entries_in(home: str) -> Sequence[Entry]:
    journal = SqlJournal(Path(home) / "journal.db")
    (run_id,) = await journal.run_ids()
    entries = await journal.read(run_id)
    await journal.close()
    return entries


def steps(entries: Sequence[Entry], started: float, ended: float) -> dict[str, float]:
    """Seconds by step, in order."""

    def first(kind: type) -> float:
        return next(entry.at.timestamp() for entry in entries if isinstance(entry.event, kind))

    handed_in = max(
        entry.at.timestamp()
        for entry in entries
        if isinstance(entry.event, AgentEnded) and entry.at.timestamp() <= first(ProofStarted)
    )
    marks = {
        "start, and the repository laid out": first(RunReceived),
        "fetched into the mirror": first(BaseResolved),
        "worktrees, agents started": first(TurnStarted),
        "agents at work": handed_in,
        "waiting for the first test run": first(ProofStarted),
        "proof": first(BriefingPrepared),
        "shown, and the process ended": ended,
    }
    times = [started, *marks.values()]
    return {name: time - before for name, time, before in zip(marks, times[1:], times, strict=False)}


def inside(entries: Sequence[Entry]) -> dict[str, float]:
    """What ran side by side within the steps, summed up."""
    events = [entry.event for entry in entries]
    cells = {
        (event.cell.tree_sha, event.cell.paths, event.cell.attempt): event.cell.seconds
        for event in events
        if isinstance(event, CellFinished)
    }
    test = [e for e in events if isinstance(e, ReplyReceived | TurnEnded) and e.agent == "test"]
    return {
        "test runs of the proof": sum(cells.values()),
        "the test agent's replies": sum(e.seconds for e in test if isinstance(e, ReplyReceived)),
        "the test agent's tools": sum(r.seconds for e in test if isinstance(e, TurnEnded) for r in e.results),
    }


def once(program: str) -> tuple[dict[str, float], dict[str, float]]:
    with tempfile.TemporaryDirectory() as home:
        kept = {name: value for name, value in os.environ.items() if name not in ("API_KEY", "MODEL")}
        started = time.time()
        subprocess.run(
            [program, "demo"],
            cwd=home,
            env={**kept, "ANTON_HOME": home},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        ended = time.time()
        entries = asyncio.run(entries_in(home))
    found = steps(entries, started, ended)
    return found, inside(entries)


def show(name: str, seconds: Sequence[float], remark: str = "") -> None:
    print(f"{name:36} {statistics.median(seconds):7.2f} s {remark}")


def main(runs: int) -> None:
    program = str(Path(sys.executable).with_name("anton"))
    found, within = zip(*(once(program) for _ in range(runs)), strict=True)
    for name in found[0]:
        show(name, [result[name] for result in found])
    totals = [sum(list(result.values())[:-1]) for result in found]
    show("to the briefing", totals, f"  best {min(totals):.2f} s, budget {BUDGET_SECONDS:.0f} s")
    print("\nwithin these, side by side:")
    for name in within[0]:
        show(name, [result[name] for result in within])


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
