"""A model's replies written down as they come, and played back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from importlib.resources.abc import Traversable
from itertools import count
from pathlib import Path

from anton.adapters.model.assembly import call_ids, free_call_id
from anton.adapters.model.conversation_key import key_of
from anton.adapters.model.exchange import (
    Exchange,
    ExchangeLine,
    encode_line,
    message_as_dict,
    message_id,
    read_recording,
)
from anton.core.errors import ModelError, RecordingDeparted
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
from anton.ports import Model, ModelRequest

CHUNKS = 6
"""Pieces that the text of a played reply arrives in."""
SHOWN = 200
"""Characters of each side that a departure shows."""


class RecordingModel:
    """Passes another model's replies on and appends each whole exchange to a file.

    Args:
        inner: the model that answers.
        path: JSON Lines; made where it is missing, continued where it exists.

    Raises:
        ModelError: the file exists and is not a recording.
    """

    def __init__(self, inner: Model, path: Path) -> None:
        self._inner = inner
        self._path = path
        past = read_recording(path) if path.exists() else ()
        self._numbers = count(past[-1].line.ended + 1 if past else 1)
        self._written: set[str] = set()

    @property
    def name(self) -> str:
        """The inner model's name."""
        return self._inner.name

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        """As the inner model has it."""
        return self._inner.cost_dollars(model, usage)

    async def close(self) -> None:
        """Close the inner model; the file is closed after each line."""
        await self._inner.close()

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The inner model's items; the exchange is on disk before its end is passed on.

        Raises:
            ModelError: the inner model's, or the file cannot be written.
        """
        started, began = next(self._numbers), time.monotonic()
        text: list[str] = []
        calls: list[ToolCall] = []
        async for item in self._inner.stream(request):
            match item:
                case TextDelta():
                    text.append(item.text)
                case CallReady():
                    calls.append(item.call)
                case StreamRestarted():
                    text, calls = [], []
                case ReplyEnded():
                    seconds = round(time.monotonic() - began, 3)
                    line = self._line(
                        request, AssistantMessage("".join(text), tuple(calls)), item, started, seconds
                    )
                    await asyncio.to_thread(self._append, encode_line(line))
            yield item

    def _line(
        self, request: ModelRequest, reply: AssistantMessage, end: ReplyEnded, started: int, seconds: float
    ) -> ExchangeLine:
        messages = {message_id(message): message for message in request.messages}
        new = {ident: message_as_dict(m) for ident, m in messages.items() if ident not in self._written}
        self._written |= new.keys()
        return ExchangeLine(
            agent=request.agent,
            started=started,
            ended=next(self._numbers),
            at=datetime.now(UTC).replace(microsecond=0),
            seconds=seconds,
            model=end.model,
            messages=tuple(message_id(message) for message in request.messages),
            new=new,
            tools=tuple(tool.name for tool in request.tools),
            text=reply.text,
            calls=reply.calls,
            usage=end.usage,
            finish_reason=end.finish_reason,
        )

    def _append(self, line: bytes) -> None:
        try:
            with self._path.open("ab", buffering=0) as file:
                file.write(line)
        except OSError as error:
            raise ModelError(f"the recording {str(self._path)!r} cannot be written: {error}") from error


class RecordedModel:
    """Plays a recording of one true run, and says so. Costs nothing, because nobody is asked.

    An agent's replies are found by its conversation, so they come in whatever order its tools are done. Among
    the agents, replies end in the recorded order as far as that is possible without waiting long.

    Args:
        source: what `RecordingModel` wrote; a path, or a file inside a package.
        pace_seconds: that a reply takes.
        longest_wait_seconds: for another agent's reply that had ended earlier.

    Raises:
        ModelError: the file is not a recording, or an empty one.
    """

    def __init__(
        self,
        source: Traversable | Path,
        *,
        pace_seconds: float = 0.25,
        longest_wait_seconds: float = 0.5,
    ) -> None:
        self._exchanges = read_recording(source)
        if not self._exchanges:
            raise ModelError(f"the recording {str(source)!r} is empty")
        self._pace_seconds = pace_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self._passed: dict[str, int] = {}
        self._moved = asyncio.Condition()

    @property
    def name(self) -> str:
        """Says that it is a recording, of which model and when."""
        first = self._exchanges[0].line
        return f"recording of {first.model} ({first.at:%Y-%m-%d})"

    def cost_dollars(self, model: str, usage: Usage) -> float | None:  # noqa: ARG002 - the port's signature
        """Nothing: the tokens were paid for when the run was recorded."""
        return 0.0

    async def close(self) -> None:
        """Nothing to let go of."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The recorded reply to this conversation, in pieces; usage is as it was recorded.

        Raises:
            RecordingDeparted: the conversation was not recorded.
        """
        self._passed.setdefault(request.agent, 0)
        reply = self._find(request)
        size = max(1, -(-len(reply.text) // CHUNKS))
        starts = range(0, max(1, len(reply.text)), size)
        for start in starts:
            await asyncio.sleep(self._pace_seconds / len(starts))
            if reply.text:
                yield TextDelta(reply.text[start : start + size])
        await self._wait_for_turn(reply)
        taken = call_ids(request.messages)
        for call in reply.calls:
            ident = free_call_id(call.id, taken)
            taken.add(ident)
            yield CallReady(ToolCall(ident, call.name, call.arguments))
        await self._pass(reply)
        yield ReplyEnded(reply.usage, reply.finish_reason, reply.model)

    def _find(self, request: ModelRequest) -> ExchangeLine:
        """The recorded reply to this conversation.

        Several have the same key where a reply added nothing to it: then the one as many replies on counts,
        or the last before it, so that what is asked once more gets the last one again.
        """
        key = key_of(request.agent, request.messages)
        mine = [exchange for exchange in self._exchanges if exchange.line.agent == request.agent]
        fitting = [exchange for exchange in mine if exchange.key.pieces == key.pieces]
        if not fitting:
            raise _departure(request, key.pieces, mine)
        reached = [exchange for exchange in fitting if exchange.key.replies_since <= key.replies_since]
        return (max(reached, key=_position) if reached else min(fitting, key=_position)).line

    async def _wait_for_turn(self, reply: ExchangeLine) -> None:
        try:
            async with asyncio.timeout(self._longest_wait_seconds), self._moved:
                await self._moved.wait_for(lambda: not self._is_early(reply))
        except TimeoutError:
            pass  # order is for the eye; the run goes on

    def _is_early(self, reply: ExchangeLine) -> bool:
        """Whether an agent at work has still to play a reply that had ended before this one."""
        return any(
            self._passed.get(other.line.agent, reply.ended) < other.line.ended < reply.ended
            for other in self._exchanges
            if other.line.agent != reply.agent
        )

    async def _pass(self, reply: ExchangeLine) -> None:
        async with self._moved:
            self._passed[reply.agent] = max(reply.ended, self._passed[reply.agent])
            self._moved.notify_all()


def _position(exchange: Exchange) -> tuple[int, int]:
    return exchange.key.replies_since, exchange.line.ended


def _departure(request: ModelRequest, here: Sequence[str], recorded: Sequence[Exchange]) -> RecordingDeparted:
    turn = 1 + sum(isinstance(message, AssistantMessage) for message in request.messages)
    if recorded:
        there = max(
            (exchange.key.pieces for exchange in recorded), key=lambda pieces: _nearness(pieces, here)
        )
        at = _shared(there, here)
        theirs, ours = (pieces[at] if at < len(pieces) else "nothing more" for pieces in (there, here))
        what = f"recorded is {_around(theirs, ours)!r}, and now it is {_around(ours, theirs)!r}"
    else:
        what = "that agent does not appear in it"
    return RecordingDeparted(
        f"agent {request.agent!r} departs from the recording at turn {turn}: {what}. This is a recording of "
        "one demo run and can answer nothing else: set API_KEY, BASE_URL and MODEL for a real model"
    )


def _nearness(there: Sequence[str], here: Sequence[str]) -> tuple[int, bool]:
    """More where more pieces are the same, and where there is a next one to show the difference by."""
    shared = _shared(there, here)
    return shared, len(there) > shared


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of the first items are the same."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _around(text: str, other: str) -> str:
    """The beginning of the text and what stands where it first differs from another, bounded."""
    if len(text) <= SHOWN:
        return text
    head = text.partition("\n")[0][: SHOWN // 2]
    start = max(len(head), _shared(text, other) - SHOWN // 8)
    return f"{head} … {text[start : start + SHOWN - len(head) - 3]}"
