"""The agent loop.

It decides at its top, from what is journaled, and never at its bottom: a start, the next turn and a start
after a crash are one code path. An agent rests only when it has submitted, or has met a limit, with no unread
note.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from anton.core.agent import CIRCLES, Act, AgentSpec, Compress, End, Rest, Think, apply, next_step
from anton.core.errors import ContextExceeded, ModelError
from anton.core.event import (
    AgentEnded,
    AgentOutcome,
    Note,
    NotePosted,
    ReplyReceived,
    Source,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from anton.core.message import CallReady, ReplyEnded, StreamRestarted, TextDelta, ToolCall
from anton.core.text import sayable
from anton.core.tool import Tool
from anton.engine.compaction import Compaction
from anton.engine.dispatch import Dispatch
from anton.engine.hooks import AgentHooks
from anton.engine.limit import Limit, limited
from anton.engine.log import AgentLog
from anton.engine.summary import summarise
from anton.ports import Model, ModelRequest


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent with all that it works with."""

    spec: AgentSpec
    log: AgentLog
    model: Model
    tools: Mapping[str, Tool]
    """By name, `submit` included."""
    checkpoint: Callable[[], Awaitable[str | None]]
    """Keeps the worktree as it is now and names it; None where there is none, or it could not be kept."""
    hooks: AgentHooks


async def work(agent: Agent) -> None:
    """Carry an agent from where its journal stands until it rests."""
    while not isinstance(next_step(agent.log.state, agent.spec), Rest):
        await agent.hooks.before_agent()
        await _stint(agent)
        await agent.hooks.after_agent()


async def _stint(agent: Agent) -> None:
    """From a start, a note or a crash to the agent's end, within its limit of seconds."""
    spent = 0.0 if agent.log.state.ended else agent.log.state.stint_seconds
    try:
        async with limited(max(0.0, agent.spec.seconds - spent)) as limit, asyncio.TaskGroup() as group:
            dispatch = Dispatch(agent.tools, group, lambda call: _announce(agent, call), agent.hooks)
            while True:
                match next_step(agent.log.state, agent.spec):
                    case Think():
                        await _think(agent, dispatch)
                        if agent.log.state.ended:
                            return  # the model failed
                    case Act(reply):
                        await _act(agent, dispatch, reply, limit)
                    case Compress(cut):
                        await _compaction(agent).compress(cut)
                    case End(outcome, detail, output):
                        await agent.log.append(AgentEnded(agent.spec.name, outcome, output, detail))
                        return
                    case Rest():
                        return
    except TimeoutError:
        match next_step(agent.log.state, agent.spec):
            case Rest():
                return  # it had ended; only the disk was slow
            case End(outcome, detail, output):
                await agent.log.append(AgentEnded(agent.spec.name, outcome, output, detail))
            case _:
                await agent.log.append(_out_of_time(agent))


async def _think(agent: Agent, dispatch: Dispatch) -> None:
    state = agent.log.state
    turn = state.turn if state.asking else state.turn + 1
    agent.log.post(TurnStarted(agent.spec.name, turn, len(state.unread)))
    dispatch.begin_turn()
    try:
        reply = await _ask(agent, dispatch, turn)
    except ModelError as error:
        dispatch.begin_turn()
        if isinstance(error, ContextExceeded) and await _compaction(agent).thin():
            return
        await agent.log.append(AgentEnded(agent.spec.name, AgentOutcome.FAILED, None, sayable(str(error))))
    else:
        agent.log.post(reply)


def _compaction(agent: Agent) -> Compaction:
    spec, tools = agent.spec, tuple(tool.spec for tool in agent.tools.values())
    return Compaction(spec.name, agent.log, agent.model, tools, spec.model, spec.reasoning_effort)


async def _ask(agent: Agent, dispatch: Dispatch, turn: int) -> ReplyReceived:
    """The model's whole reply; calls that only read are already under way when it returns."""
    spec, tools = agent.spec, tuple(tool.spec for tool in agent.tools.values())
    request = ModelRequest(
        spec.name, agent.log.state.messages, tools, spec.model, reasoning_effort=spec.reasoning_effort
    )
    text: list[str] = []
    calls: list[ToolCall] = []
    restarts = 0
    started = time.monotonic()
    async for item in agent.model.stream(request):
        match item:
            case TextDelta():
                text.append(item.text)
            case CallReady():
                calls.append(item.call)
                dispatch.offer(item.call)
            case StreamRestarted():
                text, calls, restarts = [], [], restarts + 1
                dispatch.begin_turn()
            case ReplyEnded():
                return ReplyReceived(
                    agent=agent.spec.name,
                    turn=turn,
                    text=sayable("".join(text)),
                    calls=tuple(ToolCall(c.id, sayable(c.name), sayable(c.arguments)) for c in calls),
                    usage=item.usage,
                    cost_dollars=agent.model.cost_dollars(item.model, item.usage),
                    model=item.model,
                    finish_reason=item.finish_reason,
                    seconds=time.monotonic() - started,
                    restarts=restarts,
                    instead_of=item.instead_of,
                )
    raise ModelError(f"{agent.model.name} ended its reply without saying so; nothing of it was used")


async def _act(agent: Agent, dispatch: Dispatch, reply: ReplyReceived, limit: Limit) -> None:
    started, waited = time.monotonic(), limit.waited_seconds
    results, submission = await dispatch.finish(reply.calls)
    kept = agent.log.state.checkpoint
    if dispatch.unkept:
        kept = await agent.checkpoint()
        dispatch.unkept = kept is None
    seconds = time.monotonic() - started - (limit.waited_seconds - waited)
    ended = TurnEnded(agent.spec.name, reply.turn, results, kept, submission, seconds)
    said = (NotePosted(agent.spec.name, note) for note in _remarks(agent, reply, ended))
    await agent.log.append(ended, *said)


def _announce(agent: Agent, call: ToolCall) -> None:
    turn = agent.log.state.turn
    agent.log.post(ToolStarted(agent.spec.name, turn, call.id, call.name, summarise(call)))


def _remarks(agent: Agent, reply: ReplyReceived, ended: TurnEnded) -> Iterator[Note]:
    """What the agent has to be told about its turn."""
    state = agent.log.state
    if not reply.calls and not agent.spec.conversational:
        yield _nudge(reply)
    after = apply(state, ended)
    if state.circles < after.circles < CIRCLES:
        text = f"You are going round in circles: {after.circle}. Do something else, or submit what you have."
        yield Note(Source.ANTON, text)


def _nudge(reply: ReplyReceived) -> Note:
    why = {
        "length": "Your reply was cut off at the limit of output tokens; say less and call a tool.",
        "content_filter": "Your reply was withheld by the provider's content filter.",
    }.get(reply.finish_reason, "Your reply called no tool.")
    return Note(Source.ANTON, f"{why} Nothing but a tool call has an effect; call submit when you are done.")


def _out_of_time(agent: Agent) -> AgentEnded:
    state, limit = agent.log.state, agent.spec.seconds
    if state.asking and state.stint_turns <= 1:
        detail = f"{agent.model.name} did not answer within {limit:g} s; check BASE_URL and MODEL"
        return AgentEnded(agent.spec.name, AgentOutcome.FAILED, None, detail)
    doing = "waiting for the model" if state.asking else "carrying out tools"
    detail = f"the limit of {limit:g} s was reached in turn {state.turn}, {doing}"
    return AgentEnded(agent.spec.name, AgentOutcome.TIMED_OUT, None, detail)
