"""A model whose replies are written down beforehand: the embedded side for tests.

    ScriptedModel({"code": [
        Reply(calls=(("read_file", {"path": "app.py"}),)),
        Cut(after=(TextDelta("I think"),)),
        Reply("Fixed.", calls=(("submit", {"summary": "…"}),)),
    ]})

Where an agent stands in its script is read from the conversation it sends: the n-th reply answers the request
that holds n - 1 replies. A run that was cut down and resumed therefore goes on where it was, even with a new
`ScriptedModel`, and a turn that is asked for anew gets the same reply anew. Misbehaviour happens once.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from anton.core.errors import ModelError
from anton.core.message import (
    AssistantMessage,
    CallReady,
    ReplyEnded,
    StreamItem,
    StreamRestarted,
    TextDelta,
    ToolCall,
    Usage,
)
from anton.ports import ModelRequest

Arguments = Mapping[str, object] | str
"""Of one call; a string is sent as it is, so it may be invalid JSON."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply."""

    text: str = ""
    calls: tuple[tuple[str, Arguments], ...] = ()
    """Tool names and arguments, in order."""
    usage: Usage = Usage()
    finish_reason: str = ""
    """Empty: `tool_calls` or `stop`, whichever fits."""
    delay_seconds: float = 0.0
    """From the request to the reply's end, spread evenly over its pieces."""
    chunks: int = 1
    """Pieces that the text arrives in."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The stream breaks off and is asked for again: the next step follows in the same stream."""

    after: tuple[TextDelta | CallReady, ...] = ()
    reason: str = "the stream was cut"
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing more comes until the request is cancelled."""

    after: tuple[TextDelta | CallReady, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """No reply is to be had: raises ModelError."""

    message: str
    after: tuple[TextDelta | CallReady, ...] = ()


Step = Reply | Cut | Silence | Refuse | Callable[[ModelRequest], Reply]
"""A callable decides by what it was asked; it stands for one reply."""


class ScriptedModel:
    """Plays a script for each agent. Nothing leaves the process and nothing costs anything.

    Args:
        script: by agent's name, its steps in order.
        name: what it calls itself.
    """

    def __init__(self, script: Mapping[str, Sequence[Step]], *, name: str = "scripted") -> None:
        self._script = {agent: tuple(steps) for agent, steps in script.items()}
        self._name = name
        self._spent: set[tuple[str, int]] = set()
        self.requests: list[ModelRequest] = []
        """All requests, in the order in which they came."""
        self.requests_by_agent: defaultdict[str, list[ModelRequest]] = defaultdict(list)

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    def cost_dollars(self, model: str, usage: Usage) -> float | None:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return 0.0

    async def close(self) -> None:
        """Nothing to let go of."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Play the step that the conversation has come to.

        Raises:
            ModelError: a `Refuse`, or the script holds no further step for this agent.
        """
        self.requests.append(request)
        self.requests_by_agent[request.agent].append(request)
        restarts = 0
        while True:
            step = self._next_step(request)
            if not isinstance(step, Cut | Silence | Refuse):
                break
            for said in step.after:
                yield said
            if not isinstance(step, Cut):
                await _misbehave(step)
            else:
                restarts += 1
                yield StreamRestarted(step.reason, restarts, step.wait_seconds)
        reply = step if isinstance(step, Reply) else step(request)
        items = _items(reply, request, request.model or self._name)
        for item in items:
            await asyncio.sleep(reply.delay_seconds / len(items))
            yield item

    def _next_step(self, request: ModelRequest) -> Step:
        """The first step after the replies already given whose misbehaviour was not seen yet."""
        agent = request.agent
        replies = sum(isinstance(message, AssistantMessage) for message in request.messages)
        given = 0
        for place, step in enumerate(self._script.get(agent, ())):
            misbehaves = isinstance(step, Cut | Silence | Refuse)
            if given == replies and not (misbehaves and (agent, place) in self._spent):
                if misbehaves:
                    self._spent.add((agent, place))
                return step
            given += not misbehaves
        raise ModelError(
            f"the script of agent {agent!r} holds {given} replies and was asked for number {replies + 1}: "
            "add a step, or find out why the agent goes on"
        )


async def _misbehave(step: Silence | Refuse) -> None:
    if isinstance(step, Refuse):
        raise ModelError(step.message)
    await asyncio.Event().wait()


def _items(reply: Reply, request: ModelRequest, model: str) -> list[StreamItem]:
    pieces: list[StreamItem] = [TextDelta(piece) for piece in _split(reply.text, reply.chunks)]
    calls = _calls(reply, request)
    reason = reply.finish_reason or ("tool_calls" if calls else "stop")
    return [*pieces, *map(CallReady, calls), ReplyEnded(reply.usage, reason, model)]


def _calls(reply: Reply, request: ModelRequest) -> list[ToolCall]:
    """The reply's calls, with ids that the conversation does not hold yet."""
    said = [message for message in request.messages if isinstance(message, AssistantMessage)]
    taken = {call.id for message in said for call in message.calls}
    turn = len(said) + 1
    while f"{request.agent}-{turn}-1" in taken:
        turn += 1
    return [
        ToolCall(
            f"{request.agent}-{turn}-{number}",
            name,
            arguments if isinstance(arguments, str) else json.dumps(dict(arguments), ensure_ascii=False),
        )
        for number, (name, arguments) in enumerate(reply.calls, start=1)
    ]


def _split(text: str, pieces: int) -> list[str]:
    """The text in about so many pieces, none of them empty."""
    size = max(1, -(-len(text) // max(1, pieces)))
    return [text[start : start + size] for start in range(0, len(text), size)]
