"""What a turn costs, and how soon a tool starts: Anton's loop beside popular agent libraries.

    python bench/turn.py [PYTHON ...]

Each PYTHON is an interpreter that has `pydantic-ai-slim[openai]` or `openai-agents`; by default this one is
asked. What is not installed is passed over with a word. The endpoint (`endpoint.py`) runs in a process of its
own. Everybody does the same job: a history of so many turns, eight tools, ten further turns of 20 tokens and
one call each. Costs are medians of the process's CPU milliseconds (user and system, all threads) from one
call of the tool to the next. Anton's include the journal of a run: every event folded and written.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from endpoint import PROMPT, RESULT, SYSTEM, TOOL, Endpoint, Manner, arguments, endpoint
from pydantic import BaseModel

from anton.adapters.hooks.none import NoHooks
from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.journal.sql import SqlJournal
from anton.adapters.model.chat_completions import ChatCompletionsModel
from anton.core.agent import AgentSpec
from anton.core.event import (
    AgentStarted,
    BaseResolved,
    Entry,
    Event,
    ReplyReceived,
    RunReceived,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from anton.core.message import ToolCall, Usage
from anton.core.ticket import Ticket
from anton.core.tool import Reach, Tool, ToolResult
from anton.engine.hooks import AgentHooks
from anton.engine.loop import Agent, work
from anton.engine.submit import submit_for
from anton.ports import Journal
from anton.runs.log import open_log
from anton.tools.context import ToolContext
from anton.tools.define import tool
from anton.tools.worktree import Worktree

TURNS = 11
"""Of one session; the first opens the connection and is not counted."""
LIBRARIES = ("pydantic-ai", "openai-agents")


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table."""

    label: str
    history: int
    manner: Manner
    sessions: int
    budget_ms: float | None = None

    @property
    def whole(self) -> Manner:
        """The manner for a session: it ends after so many replies."""
        return replace(self.manner, replies=self.history + TURNS)


CASES = (
    Case("turn at a history of 10", 10, Manner(), 6, 1.0),
    Case("turn at a history of 50", 50, Manner(), 6),
    Case("turn at a history of 200", 200, Manner(), 6, 1.5),
    Case("stream of 1,000 tokens", 10, Manner(1_000), 3, 15.0),
    Case("tool starts, stream open", 10, Manner(hold_seconds=0.25), 2, 5.0),
)


class Output(BaseModel):
    """What the agent hands in."""

    summary: str


def tools(seen: Callable[[], None]) -> Mapping[str, Tool]:
    @tool(reach=Reach.READ)
    async def look(context: ToolContext, path: str) -> str:  # noqa: ARG001 - a tool's signature
        """Do something to a file.

        Args:
            context: The agent's surroundings.
            path: Of the file.
        """
        seen()
        return RESULT

    async def no_tests(_paths: tuple[str, ...]) -> str:
        return ""

    context = ToolContext(Worktree(Path("/nonexistent")), lambda _path: None, no_tests)
    specs = (replace(look.spec, name=f"tool_{n}") for n in range(8))
    named = (replace(look, spec=spec).bind(context) for spec in specs)
    return {bound.spec.name: bound for bound in named} | {"submit": submit_for(Output)}


def past(turns: int) -> list[Event]:
    """A run whose agent has so many turns behind it."""
    events: list[Event] = [
        RunReceived(Ticket("BUG-1", "It breaks", PROMPT), "/nonexistent", "", "", "/nonexistent", "bench"),
        BaseResolved("0" * 40, "0" * 40, "main", "First", ""),
        AgentStarted("code", "m", SYSTEM, PROMPT, (TOOL,)),
    ]
    for turn in range(1, turns + 1):
        call = ToolCall(f"call_{turn - 1}", TOOL, arguments(turn - 1))
        reply = ReplyReceived("code", turn, "I look at it.", (call,), Usage(), None, "m", "tool_calls", 0.0)
        result = ToolResult(call.id, TOOL, RESULT)
        events += [
            TurnStarted("code", turn, 0),
            reply,
            ToolStarted("code", turn, call.id, TOOL, "src/some/file.py"),
            TurnEnded("code", turn, (result,), None, None, 0.0),
        ]
    return events


@asynccontextmanager
async def journal_of(kind: str) -> AsyncIterator[Journal]:
    with tempfile.TemporaryDirectory() as folder:
        journal = MemoryJournal() if kind == "memory" else SqlJournal(Path(folder) / "journal.db")
        yield journal
        await journal.close()


async def no_checkpoint() -> str | None:
    return None


async def session(base_url: str, case: Case, kind: str, clock: Callable[[], float]) -> list[float]:
    """What the clock said at each call of the tool."""
    seen: list[float] = []
    model = ChatCompletionsModel(base_url, "key", case.whole.model)
    async with journal_of(kind) as journal:
        now = datetime.now(UTC)
        entries = [Entry("r", number, now, event) for number, event in enumerate(past(case.history), 1)]
        await journal.append("r", entries)
        async with open_log(journal, "r") as log:
            # Of a model whose context holds the longest history: nothing is compressed on the way.
            spec = AgentSpec(
                "code", SYSTEM, (TOOL,), Output, turns=1_000, seconds=600.0, context_tokens=1_000_000
            )
            carried = tools(lambda: seen.append(clock()))
            view = log.agent("code")
            hooks = AgentHooks(NoHooks(), view, "code", "r")
            await work(Agent(spec, view, model, carried, no_checkpoint, hooks))
            ended = log.state.agents["code"].ended
            assert ended is not None
            assert ended.output, ended
    await model.close()
    assert len(seen) == TURNS, seen
    return seen


async def ours(served: Endpoint, case: Case, kind: str) -> float:
    """Median milliseconds."""
    found: list[float] = []
    for _ in range(case.sessions):
        if case.manner.hold_seconds:
            starts = await session(served.base_url, case, kind, time.monotonic)
            found += [start - await served.sent_at() for start in starts]
        else:
            spent = await session(served.base_url, case, kind, time.process_time)
            found += [after - before for before, after in pairwise(spent[1:])]
    return statistics.median(found) * 1000


async def theirs(served: Endpoint, case: Case, library: str, pythons: list[str]) -> float | str:
    """Median milliseconds, or why there are none."""
    said = ""
    for python in pythons:
        script = str(Path(__file__).with_name("libraries.py"))
        asked = (library, served.base_url, case.whole.model, str(case.history), str(case.sessions))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(python, script, *asked, stdout=pipe, stderr=pipe)
        out, err = await process.communicate()
        if process.returncode == 0:
            found: list[float] = json.loads(out)
            if case.manner.hold_seconds:
                found = [start - await served.sent_at() for start in found]
            return statistics.median(found) * 1000
        said = err.decode().strip().rpartition("\n")[2]
    return said


async def measure(pythons: list[str]) -> None:
    columns = ("budget", "memory", "SQLite", *LIBRARIES)
    print(f"{'milliseconds':26}" + "".join(f"{column:>15}" for column in columns))
    absent: dict[str, str] = {}
    async with endpoint() as served:
        for case in CASES:
            figures: list[float | str] = [f"{case.budget_ms:.1f}" if case.budget_ms else "-"]
            figures += [await ours(served, case, kind) for kind in ("memory", "SQLite")]
            for library in LIBRARIES:
                found = absent.get(library) or await theirs(served, case, library, pythons)
                if isinstance(found, str):
                    absent[library] = found
                figures.append("not measured" if isinstance(found, str) else found)
            shown = [f"{figure:.2f}" if isinstance(figure, float) else figure for figure in figures]
            print(f"{case.label:26}" + "".join(f"{figure:>15}" for figure in shown), flush=True)
    for library, reason in absent.items():
        print(f"{library} is not measured: {reason}")


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1:] or [sys.executable]))
