"""What Anton adds to a run: its time beside what the slowest agent needed by itself.

    python bench/run.py [RUNS] [SECONDS]      # 5 runs; 0.05 s that the scripted model takes for a turn

The demo's repository, with the real journal, git and tools, in a temporary state folder; the model is a
script that reads, changes files and hands in. An agent's own sum is the time of its replies and of its tools
as they stand in the journal; everything is divided by that of the slowest agent. `turns` is that agent from
its first turn's start to its end, `agents` all of them from the known base commit until the last has handed
in, `whole` from the ticket to the start of the proof, which also waits for the first run of the suite.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anton.adapters.model.scripted import Arguments, Reply, ScriptedModel
from anton.app import compose
from anton.core.event import (
    AgentEnded,
    BaseResolved,
    Entry,
    ProofStarted,
    ReplyReceived,
    RunReceived,
    TurnEnded,
    TurnStarted,
)
from anton.demo.build import demo_ticket
from anton.entrypoints.composition import Wish
from anton.runs.runner import advance, receive

BUDGET = 1.15
WITNESSES = ("code", "test")
READS: Sequence[tuple[str, Arguments]] = (
    ("list_dir", {}),
    ("grep", {"pattern": "complete"}),
    ("read_file", {"path": "todo/service.py"}),
    ("read_file", {"path": "todo/models.py"}),
    ("glob", {"pattern": "*.py"}),
    ("read_file", {"path": "tests/test_service.py"}),
)
EDIT = {"path": "todo/service.py", "old": "not todo.completed", "new": "True"}
FIX = ("edit_file", EDIT)
TEST = ("write_file", {"path": "tests/test_more.py", "content": "def test_more():\n    assert 2 > 1\n"})
FILES = [{"path": "todo/service.py", "why": "Mend it"}]
SUBMISSIONS: Mapping[str, Mapping[str, object]] = {
    "triage": {
        "priority": "P3",
        "component": "todo",
        "summary": "It breaks.",
        "acceptance_criteria": ["It holds."],
        "edge_cases": [],
    },
    "code": {"root_cause": "A slip.", "solution": "Mended.", "files": FILES},
    "test": {"covered": ["It holds."], "files": FILES, "diagnosis": "A slip."},
    "pr": {
        "title": "Mend it",
        "problem": "It broke.",
        "root_cause": "A slip.",
        "solution": "Mended.",
        "how_to_verify": ["Look."],
    },
}


def script(seconds: float) -> Mapping[str, Sequence[Reply]]:
    """Fourteen turns for code and nineteen for test, one call each; the others only hand in."""

    def replies(name: str, *calls: tuple[str, Arguments]) -> list[Reply]:
        return [
            Reply("I go on.", calls=(call,), delay_seconds=seconds)
            for call in (*calls, ("submit", SUBMISSIONS[name]))
        ]

    return {
        "triage": replies("triage"),
        "code": replies("code", *READS, *READS, FIX),
        "test": replies("test", *READS, *READS, TEST, *READS[:4], FIX),
        "pr": replies("pr") * 3,
    }


@dataclass(frozen=True, slots=True)
class Times:
    """Of one run, in seconds."""

    own: float
    turns: float
    agents: float
    whole: float


def own_sum(entries: Sequence[Entry], agent: str) -> float:
    """The time of an agent's replies, and that of its tools as far as it is not within a reply's."""
    total, replied = 0.0, 0.0
    for entry in entries:
        match entry.event:
            case ReplyReceived(agent=name, seconds=seconds) if name == agent:
                total, replied = total + seconds, seconds
            case TurnEnded(agent=name, results=results) if name == agent:
                begun = [(max(replied, r.started_after_seconds), r) for r in results]
                total += sum(max(0.0, r.started_after_seconds + r.seconds - start) for start, r in begun)
    return total


def times(entries: Sequence[Entry]) -> Times:
    def at(kind: type, agent: str = "") -> float:
        return next(
            entry.at.timestamp()
            for entry in entries
            if isinstance(entry.event, kind) and agent in ("", getattr(entry.event, "agent", ""))
        )

    sums = {name: own_sum(entries, name) for name in WITNESSES}
    slowest = max(WITNESSES, key=lambda name: sums[name])
    return Times(
        own=sums[slowest],
        turns=at(AgentEnded, slowest) - at(TurnStarted, slowest),
        agents=max(at(AgentEnded, name) for name in WITNESSES) - at(BaseResolved),
        whole=at(ProofStarted) - at(RunReceived),
    )


async def one_run(run_id: str, seconds: float) -> Times:
    async with compose(Wish(unconfined=True)) as anton:
        repository = await anton.lay_out_demo(run_id)
        world = replace(anton.world, model=ScriptedModel(script(seconds)))
        reports = str(world.home / "reports")
        received = RunReceived(demo_ticket(), str(repository), "", "", reports, "bench", rounds=1)
        await receive(world, run_id, received)
        await advance(world, run_id)
        entries = await world.journal.read(run_id)
    assert all(e.event.output for e in entries if isinstance(e.event, AgentEnded)), "an agent did not submit"
    failed = [r for e in entries if isinstance(e.event, TurnEnded) for r in e.event.results if r.failed]
    assert not failed, failed
    return times(entries)


def main(runs: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["ANTON_HOME"] = home
        os.chdir(Path(home))
        measured = []
        for number in range(runs):
            before = time.process_time()
            found = asyncio.run(one_run(f"run{number}", seconds))
            cpu = time.process_time() - before
            times_taken = f"own {found.own:.3f}, turns {found.turns:.3f}, agents {found.agents:.3f}"
            print(f"run {number}: {times_taken}, whole {found.whole:.3f} s; own CPU {cpu:.2f} s", flush=True)
            measured.append(tuple(t / found.own for t in (found.turns, found.agents, found.whole)))
    turns, agents, whole = (statistics.median(ratios) for ratios in zip(*measured, strict=True))
    print(f"over the own sum, medians: turns {turns:.3f}, agents {agents:.3f}, whole {whole:.3f}")
    print(f"budget {BUDGET}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5, float(sys.argv[2]) if sys.argv[2:] else 0.05)
