"""A conversation with a person at the keyboard: a run whose one agent rests with each answer.

It is journaled like any other run, in a journal of its own, and goes on from there after a crash.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from anton.core.agent import AgentSpec, AgentState
from anton.core.errors import UsageError
from anton.core.event import (
    AgentEnded,
    AgentOutcome,
    BaseResolved,
    Entry,
    Note,
    NotePosted,
    ReplyReceived,
    RunReceived,
    Source,
    TurnEnded,
)
from anton.core.message import StreamItem, StreamRestarted, TextDelta, Usage
from anton.core.permission import Policy
from anton.core.question import Question, QuestionAnswered
from anton.core.run import RunState
from anton.core.text import sayable
from anton.core.tool import ToolResult
from anton.core.turning import NAME, CheckpointMade, CheckpointRestored, ModelChosen, PolicyChosen
from anton.engine.loop import Agent, work
from anton.ports import Journal, Model, ModelRequest, Repository
from anton.runs.budget import within
from anton.runs.crew import Crew
from anton.runs.log import RunLog, Watcher
from anton.runs.planning import planned
from anton.runs.site import site_of
from anton.runs.world import World

Listener = Callable[[StreamItem], None]
ROOM = "chat"
"""Folder in the state folder that the worktrees of conversations are in."""
CUT_SHORT = (
    "The person interrupted this call: it may have been carried out, in part or not at all. Look before you "
    "rely on it."
)


@dataclass(frozen=True, slots=True)
class Overheard:
    """The Model port on another, with somebody who hears each piece of a reply as it comes."""

    inner: Model
    hear: Listener
    begun: list[str]
    """What has come of the reply under way."""

    @property
    def name(self) -> str:
        """The inner model's name."""
        return self.inner.name

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The inner model's items."""
        self.begun.clear()
        async for item in self.inner.stream(request):
            match item:
                case TextDelta(text):
                    self.begun.append(text)
                case StreamRestarted():
                    self.begun.clear()
            self.hear(item)
            yield item

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        """As the inner model has it."""
        return self.inner.cost_dollars(model, usage)

    async def close(self) -> None:
        """Close the inner model."""
        await self.inner.close()


@dataclass(frozen=True, slots=True)
class Conversation:
    """One that is open in this process. Made by `open_conversation`."""

    log: RunLog
    agent: Agent
    repository: Repository
    policy: Policy
    """In force."""
    begun: list[str]
    """What has come of the reply under way."""

    @property
    def id(self) -> str:
        """What it is taken up again by."""
        return self.log.state.run_id

    @property
    def state(self) -> RunState:
        """Where it stands."""
        return self.log.state

    @property
    def own(self) -> AgentState:
        """Where its agent stands."""
        return self.agent.log.state

    @property
    def model(self) -> str:
        """The model in use."""
        return self.agent.spec.model or self.agent.model.name

    @property
    def interrupted(self) -> bool:
        """Whether the last process ended before the answer to something that was said."""
        return bool(self.own.notes) and (self.own.ended is None or bool(self.own.unread))

    async def say(self, text: str) -> None:
        """Say something, which is on disk first, and wait for the answer."""
        await self.agent.log.append(NotePosted(self.agent.spec.name, Note(Source.PERSON, text)))
        await work(self.agent)

    async def go_on(self) -> None:
        """Finish an answer that was interrupted."""
        await work(self.agent)

    async def cut_short(self) -> None:
        """Write down that an answer was interrupted, once nothing works on it; what was done is kept."""
        if not self.interrupted:
            return
        name, reply = self.agent.spec.name, self.own.reply
        turn = () if reply is None else (await self._broken_off(reply),)
        begun = sayable("".join(self.begun)).rstrip() if self.own.asking else ""
        await self.agent.log.append(*turn, AgentEnded(name, AgentOutcome.INTERRUPTED, None, begun))

    async def _broken_off(self, reply: ReplyReceived) -> TurnEnded:
        results = tuple(ToolResult(call.id, call.name, CUT_SHORT, failed=True) for call in reply.calls)
        tree = await self.agent.checkpoint()
        return TurnEnded(self.agent.spec.name, reply.turn, results, tree, None, 0.0)

    async def answer(self, question: Question, by: str, *, allowed: bool, text: str = "") -> None:
        """Settle whether a call may be made."""
        await self.log.append(QuestionAnswered(question.agent, question.id, by, text, allowed=allowed))

    async def mark(self, name: str = "") -> str:
        """Name the point at which the conversation and its worktree are.

        Args:
            name: Empty for the next free of `c1`, `c2`, …

        Returns:
            The name.

        Raises:
            UsageError: it is none that a checkpoint can have.
        """
        name = name or self._free_name()
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot be a checkpoint's name: up to 40 letters, digits, '.', '_' and '-' can"
            )
        await self.agent.log.append(CheckpointMade(self.agent.spec.name, name))
        return name

    def _free_name(self) -> str:
        numbered = (f"c{number}" for number in range(1, len(self.own.marks) + 2))
        return next(name for name in numbered if name not in self.own.marks)

    async def take_back(self, name: str) -> None:
        """Go back to a checkpoint; the worktree follows when the conversation is opened the next time.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self.own.marks:
            raise UsageError(f"there is no checkpoint {name!r}; {self.named_marks}")
        await self.agent.log.append(CheckpointRestored(self.agent.spec.name, name))

    @property
    def named_marks(self) -> str:
        """Which checkpoints there are, in a few words."""
        return f"there are: {', '.join(self.own.marks)}" if self.own.marks else "none was made yet"

    async def choose_model(self, name: str) -> None:
        """Have another model for the rest, from when the conversation is opened the next time."""
        await self.agent.log.append(ModelChosen(self.agent.spec.name, name))

    async def choose_policy(self, policy: Policy) -> None:
        """The same with the policy."""
        await self.agent.log.append(PolicyChosen(self.agent.spec.name, policy))

    async def diff(self) -> str:
        """All that was changed so far, against the commit that the conversation is about."""
        base, kept = self.state.base, self.own.checkpoint
        return await self.repository.diff(base.tree, kept) if base and kept else ""


async def begin(world: World, sessions: Journal, session: str, received: RunReceived) -> None:
    """Write down that a conversation was begun."""
    await sessions.append(session, [Entry(session, 1, world.clock(), received)])


@asynccontextmanager
async def open_conversation(
    world: World,
    sessions: Journal,
    session: str,
    spec: AgentSpec,
    hear: Listener,
    watch: Sequence[Watcher] = (),
    changed: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Conversation]:
    """Take a conversation up, new or old.

    Args:
        world: What runs work with.
        sessions: The journal of conversations.
        session: Id of one that was begun.
        spec: Who talks.
        hear: Told of each piece of a reply.
        watch: Whom to tell of what is written.
        changed: Told of the diff that a turn amounts to, before the turn's end is written.

    Raises:
        UsageError: there is none with that id, or its repository cannot be used.
        RunBusy: another process has it open.
    """
    own = replace(world, journal=sessions, delegates=(), home=world.home / ROOM)
    async with own.open(session, watch) as log:
        repository = own.repository(log.state.received.repository)
        if log.state.base is None:
            await _resolve(own, log, repository)
        chosen = log.agent(spec.name).state
        spec = replace(spec, model=chosen.chosen_model or spec.model)
        policy = chosen.chosen_policy or world.policy
        heard = Overheard(within(own.budget, log.state, own.model), hear, [])
        site = await site_of(replace(own, model=heard, policy=policy, specs=(spec,)), log)
        agent = (await Crew(site).assemble())[spec.name]
        agent = replace(agent, checkpoint=_told(agent, repository, site.base, changed))
        yield Conversation(log, agent, repository, policy, heard.begun)


def _told(
    agent: Agent, repository: Repository, base: BaseResolved, changed: Callable[[str], None]
) -> Callable[[], Awaitable[str | None]]:
    """The agent's way to keep its worktree, with somebody who is told what became another."""

    async def checkpoint() -> str | None:
        before = agent.log.state.checkpoint or base.tree
        tree = await agent.checkpoint()
        if tree not in (None, before):
            changed(await repository.diff(before, tree))
        return tree

    return checkpoint


async def _resolve(world: World, log: RunLog, repository: Repository) -> None:
    found = await repository.resolve(log.state.received.base_ref)
    plan = await planned(world, repository, found.tree)
    await log.append(
        BaseResolved(found.commit, found.tree, found.branch, found.subject, "", plan.notices, plan.options)
    )
