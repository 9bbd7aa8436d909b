"""An agent's surroundings in a few lines: a log in memory, tools that are told what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from anton.adapters.hooks.none import NoHooks
from anton.core.agent import AgentSpec, AgentState, apply
from anton.core.event import AgentEvent, AgentStarted, Note, NotePosted, Source
from anton.core.message import StreamItem, Usage
from anton.core.tool import Reach, Tool, ToolSpec
from anton.engine.hooks import AgentHooks
from anton.engine.loop import Agent
from anton.engine.submit import submit_for
from anton.ports import Hooks, Model, ModelRequest

STARTED = AgentStarted("code", "m", "You are.", "Fix it.", ())


class Output(BaseModel):
    """What came of it."""

    model_config = ConfigDict(extra="forbid")

    answer: int


class MemoryLog:
    """The AgentLog of one agent, without a journal behind it."""

    def __init__(self, *events: AgentEvent) -> None:
        self.events: list[AgentEvent] = []
        self.cuts: list[int] = []
        """How many events there were after each write, which is whole or not at all."""
        self.state = AgentState("code")
        self.post(*events)

    def post(self, *events: AgentEvent) -> None:
        """Fold events."""
        for event in events:
            self.state = apply(self.state, event)
            self.events.append(event)
        self.cuts.append(len(self.events))

    async def append(self, *events: AgentEvent) -> None:
        """The same."""
        self.post(*events)

    def note(self, text: str = "Look there.", source: Source = Source.TRIAGE) -> None:
        """A colleague's word."""
        self.post(NotePosted("code", Note(source, text)))


@dataclass(frozen=True)
class Probe:
    """A tool whose calls do what the test says."""

    spec: ToolSpec
    does: Callable[[str], Awaitable[str]]

    async def call(self, arguments: str) -> str:
        """Do it."""
        return await self.does(arguments)


def probe(
    name: str, does: Callable[[str], Awaitable[str]], reach: Reach = Reach.READ, seconds: float = 60.0
) -> Probe:
    """A tool."""
    return Probe(ToolSpec(name, "A probe.", {"type": "object"}, reach, seconds), does)


async def echo(arguments: str) -> str:
    """A tool that answers at once."""
    return f"got {arguments}"


Turn = Callable[[ModelRequest], AsyncIterator[StreamItem]]


@dataclass
class Streams:
    """A model whose replies are generators of the test, one a turn."""

    turns: Sequence[Turn]
    asked: list[ModelRequest] = field(default_factory=list)
    name: str = "streams"

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The next of them."""
        self.asked.append(request)
        return self.turns[len(self.asked) - 1](request)

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        """Nothing."""
        return 0.0

    async def close(self) -> None:
        """Nothing to let go of."""


async def no_worktree() -> str | None:
    """The checkpoint of an agent without a worktree."""
    return None


def agent(
    model: Model,
    *tools: Probe,
    log: MemoryLog | None = None,
    turns: int = 10,
    seconds: float = 60.0,
    checkpoint: Callable[[], Awaitable[str | None]] = no_worktree,
    hooks: Hooks | None = None,
) -> Agent:
    """An agent with these tools and `submit`, started unless its log says otherwise."""
    spec = AgentSpec("code", "You are.", tuple(t.spec.name for t in tools), Output, turns, seconds)
    by_name: dict[str, Tool] = {**{tool.spec.name: tool for tool in tools}, "submit": submit_for(Output)}
    log = log or MemoryLog(STARTED)
    return Agent(spec, log, model, by_name, checkpoint, AgentHooks(hooks or NoHooks(), log, "code", "r1"))
