"""A chat-completions endpoint on the loopback whose answers are data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from anton.adapters.model.chat_completions import ChatCompletionsModel
from anton.adapters.model.refusal import Patience
from anton.core.message import CallReady, ReplyEnded, StreamItem, StreamRestarted, TextDelta, ToolCall
from anton.ports import Model, ModelRequest

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as the bytes of its body, and how it ends."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    end: Literal["whole", "reset", "silence"] = "whole"


@dataclass
class Endpoint:
    """What it was asked, and where it stands."""

    base_url: str
    answers: Sequence[Answer]
    bodies: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    """The bodies byte for byte."""
    headers: list[Mapping[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        number = len(self.bodies)
        self.raw.append(await request.read())
        self.bodies.append(json.loads(self.raw[number]))
        self.headers.append(dict(request.headers))
        answer = self.answers[min(number, len(self.answers) - 1)]
        response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
        await response.prepare(request)
        await response.write(answer.body)
        if answer.end == "silence":
            await asyncio.Event().wait()
        if answer.end == "reset" and request.transport is not None:
            request.transport.close()
        return response


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncIterator[Endpoint]:
    """An endpoint that gives these answers in turn, the last one for ever."""
    endpoint = Endpoint("", answers)
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", endpoint.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    endpoint.base_url = f"http://127.0.0.1:{port}/v1"
    try:
        yield endpoint
    finally:
        await runner.cleanup()


@dataclass
class Waits:
    """Takes the place of sleeping."""

    seconds: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def patience(self, **changes: Any) -> Patience:
        return Patience(sleep=self.sleep, **{"chance": lambda: 0.5} | changes)


@asynccontextmanager
async def client(endpoint: Endpoint, **options: Any) -> AsyncIterator[ChatCompletionsModel]:
    options.setdefault("patience", Waits().patience())
    model = ChatCompletionsModel(endpoint.base_url, "sk-secret", "some-model", **options)
    try:
        yield model
    finally:
        await model.close()


def sse(*values: object) -> bytes:
    """Values as events, without the final [DONE]."""
    return b"".join(b"data: " + json.dumps(v, ensure_ascii=False).encode() + b"\n\n" for v in values)


def chunk(finish: str | None = None, **delta: object) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "some-model-2026",
        "choices": [choice],
    }


def call(
    index: int | None, ident: str | None = None, name: str | None = None, arguments: str | None = None
) -> dict[str, object]:
    """A piece of a call, with only the fields that are given."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    fields = (("index", index), ("id", ident), ("function", function))
    return {key: value for key, value in fields if value is not None}


def usage(prompt: int, cached: int, completion: int) -> dict[str, object]:
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return chunk() | {"choices": [], "usage": counts}


@dataclass(frozen=True)
class Heard:
    """What is left of a stream once repeats have voided what came before."""

    text: str
    calls: tuple[ToolCall, ...]
    end: ReplyEnded
    restarts: tuple[StreamRestarted, ...] = ()


async def hear(model: Model, request: ModelRequest) -> Heard:
    return heard([item async for item in model.stream(request)])


def heard(items: Sequence[StreamItem]) -> Heard:
    end = items[-1]
    assert isinstance(end, ReplyEnded)
    assert sum(isinstance(item, ReplyEnded) for item in items) == 1
    restarts = tuple(item for item in items if isinstance(item, StreamRestarted))
    last = items[items.index(restarts[-1]) + 1 :] if restarts else items
    text = "".join(item.text for item in last if isinstance(item, TextDelta))
    return Heard(text, tuple(item.call for item in last if isinstance(item, CallReady)), end, restarts)
