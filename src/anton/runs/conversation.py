"""A conversation with a person at the keyboard: a run whose one agent rests with each answer.

It is journaled like any other run, in a journal of its own, and goes on from there after a crash.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from anton.core.agent import AgentSpec
from anton.core.event import BaseResolved, Entry, Note, NotePosted, RunReceived, Source
from anton.core.message import StreamItem, Usage
from anton.core.question import Question, QuestionAnswered
from anton.core.run import RunState
from anton.engine.loop import Agent, work
from anton.ports import Journal, Model, ModelRequest, Repository
from anton.runs.budget import within
from anton.runs.crew import Crew
from anton.runs.log import RunLog, Watcher
from anton.runs.planning import planned
from anton.runs.site import site_of
from anton.runs.world import World

Listener = Callable[[StreamItem], None]


@dataclass(frozen=True, slots=True)
class Overheard:
    """The Model port on another, with somebody who hears each piece of a reply as it comes."""

    inner: Model
    hear: Listener

    @property
    def name(self) -> str:
        """The inner model's name."""
        return self.inner.name

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The inner model's items."""
        async for item in self.inner.stream(request):
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

    @property
    def state(self) -> RunState:
        """Where it stands."""
        return self.log.state

    @property
    def interrupted(self) -> bool:
        """Whether the last process ended before the answer to something that was said."""
        own = self.agent.log.state
        return bool(own.notes) and (own.ended is None or bool(own.unread))

    async def say(self, text: str) -> None:
        """Say something, which is on disk first, and wait for the answer."""
        await self.agent.log.append(NotePosted(self.agent.spec.name, Note(Source.PERSON, text)))
        await work(self.agent)

    async def go_on(self) -> None:
        """Finish an answer that was interrupted."""
        await work(self.agent)

    async def answer(self, question: Question, by: str, *, allowed: bool, text: str = "") -> None:
        """Settle whether a call may be made."""
        await self.log.append(QuestionAnswered(question.agent, question.id, by, text, allowed=allowed))

    async def diff(self) -> str:
        """All that was changed so far, against the commit that the conversation is about."""
        base, kept = self.state.base, self.agent.log.state.checkpoint
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
) -> AsyncIterator[Conversation]:
    """Take a conversation up, new or old.

    Args:
        world: What runs work with.
        sessions: The journal of conversations.
        session: Id of one that was begun.
        spec: Who talks.
        hear: Told of each piece of a reply.
        watch: Whom to tell of what is written.

    Raises:
        UsageError: there is none with that id, or its repository cannot be used.
        RunBusy: another process has it open.
    """
    own = replace(world, journal=sessions, specs=(spec,), delegates=(), home=world.home / "chat")
    async with own.open(session, watch) as log:
        repository = own.repository(log.state.received.repository)
        if log.state.base is None:
            await _resolve(own, log, repository)
        heard = Overheard(within(own.budget, log.state, own.model), hear)
        site = await site_of(replace(own, model=heard), log)
        agents = await Crew(site).assemble()
        yield Conversation(log, agents[spec.name], repository)


async def _resolve(world: World, log: RunLog, repository: Repository) -> None:
    found = await repository.resolve(log.state.received.base_ref)
    plan = await planned(world, repository, found.tree)
    await log.append(
        BaseResolved(found.commit, found.tree, found.branch, found.subject, "", plan.notices, plan.options)
    )
