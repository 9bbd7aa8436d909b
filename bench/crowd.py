"""A hundred agents at once in one process: Anton's loop beside popular agent libraries.

    python bench/crowd.py [AGENTS] [PYTHON ...]

Everybody does the same: ten turns of 20 tokens, 50 ms apart, and a call of a tool each; the endpoint
(`endpoint.py`) runs in a process of its own. Ideal is what one agent would wait for its model alone. Anton's
agents are of one run, whose journal is in memory or in SQLite: every event is folded and written.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from endpoint import Endpoint, Manner, endpoint
from libraries import peak, resident
from turn import LIBRARIES, Output, journal_of, no_checkpoint, past, tools

from anton.adapters.hooks.none import NoHooks
from anton.adapters.model.chat_completions import ChatCompletionsModel
from anton.core.agent import AgentSpec
from anton.core.event import AgentStarted, Entry
from anton.engine.hooks import AgentHooks
from anton.engine.loop import Agent, work
from anton.runs.log import RunLog, open_log

TURNS = 10
MANNER = Manner(tokens=20, replies=TURNS, pause_seconds=0.05)
IDEAL_SECONDS = (TURNS + 1) * MANNER.tokens * MANNER.pause_seconds
"""Of an agent that waits for nothing but its model; its last reply submits."""


async def one(log: RunLog, name: str, model: ChatCompletionsModel) -> None:
    view = log.agent(name)
    carried = tools(lambda: None)
    spec = AgentSpec(name, "You repair.", tuple(carried), Output, turns=1_000, seconds=600.0)
    if not view.state.messages:
        await view.append(AgentStarted(name, "m", spec.system, "It breaks.", spec.tools))
    hooks = AgentHooks(NoHooks(), view, name, "r")
    await work(Agent(spec, view, model, carried, no_checkpoint, hooks))
    ended = log.state.agents[name].ended
    assert ended is not None
    assert ended.output, ended


async def ours(base_url: str, agents: int, kind: str) -> list[float]:
    """Wall seconds, CPU seconds, bytes that the process grew by."""
    model = ChatCompletionsModel(base_url, "key", MANNER.model)
    async with journal_of(kind) as journal:
        now = datetime.now(UTC)
        await journal.append("r", [Entry("r", n, now, event) for n, event in enumerate(past(0)[:2], 1)])
        async with open_log(journal, "r") as log:
            await one(log, "first", model)
            before, wall, cpu = resident(), time.monotonic(), time.process_time()
            await asyncio.gather(*(one(log, f"agent-{number}", model) for number in range(agents)))
            found = [time.monotonic() - wall, time.process_time() - cpu, peak() - before]
    await model.close()
    return [float(figure) for figure in found]


async def asked(program: str, *arguments: str) -> list[float] | str:
    """The three figures of a process, or why there are none."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, *arguments, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    if process.returncode != 0:
        return err.decode().strip().rpartition("\n")[2]
    figures: list[float] = json.loads(out)
    return figures


async def theirs(served: Endpoint, library: str, agents: int, pythons: list[str]) -> list[float] | str:
    said: list[float] | str = "no interpreter was named"
    script = str(Path(__file__).with_name("libraries.py"))
    for python in pythons:
        job = (library, served.base_url, replace(MANNER).model, "0", str(agents), "together")
        said = await asked(python, script, *job)
        if not isinstance(said, str):
            break
    return said


async def measure(agents: int, pythons: list[str]) -> None:
    print(f"{agents} agents, {TURNS} turns each; an agent alone waits {IDEAL_SECONDS:.1f} s for its model\n")
    print(f"{'':16}{'wall':>9}{'wall/ideal':>12}{'CPU':>9}{'CPU a turn':>13}{'memory an agent':>18}")
    async with endpoint() as served:
        for kind in ("memory", "SQLite"):
            job = (__file__, "--ours", served.base_url, str(agents), kind)
            show(f"Anton, {kind}", agents, await asked(sys.executable, *job))
        for library in LIBRARIES:
            show(library, agents, await theirs(served, library, agents, pythons))


def show(name: str, agents: int, found: list[float] | str) -> None:
    if isinstance(found, str):
        print(f"{name:16}not measured: {found}")
        return
    wall, cpu, memory = found
    turn_ms = cpu / agents / (TURNS + 1) * 1000
    print(
        f"{name:16}{wall:7.1f} s{wall / IDEAL_SECONDS:12.2f}{cpu:7.1f} s{turn_ms:10.2f} ms"
        f"{memory / agents / 1024:14.0f} kB",
        flush=True,
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ours"]:
        print(json.dumps(asyncio.run(ours(sys.argv[2], int(sys.argv[3]), sys.argv[4]))))
    else:
        asyncio.run(measure(int(sys.argv[1]) if sys.argv[1:] else 100, sys.argv[2:] or [sys.executable]))
