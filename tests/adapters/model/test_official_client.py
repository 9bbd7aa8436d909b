"""The official client as an oracle: the same request, the same stream, the same reply."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from anton.core.message import ToolCall, Usage

from .endpoint import DONE, Answer, Endpoint, call, chunk, client, hear, serving, sse, usage
from .test_chat_completions import REQUEST, WHOLE

STREAMS = {
    "text and two calls": WHOLE,
    "CRLF": WHOLE.replace(b"\n", b"\r\n"),
    "text only": sse(chunk(role="assistant"), chunk(content="héllo "), chunk(content="🙂"), chunk("stop"))
    + DONE,
    "interleaved calls": sse(
        chunk(tool_calls=[call(0, "a", "f", '{"x": ')]),
        chunk(tool_calls=[call(1, "b", "g", '{"y": "')]),
        chunk(tool_calls=[call(0, arguments="1}"), call(1, arguments='\\"}"}')]),
        chunk("tool_calls"),
        usage(3, 0, 1),
    )
    + DONE,
    "arguments cut off": sse(chunk(tool_calls=[call(0, "a", "f", '{"x": ')]), chunk("length")) + DONE,
    "nothing": sse(chunk(role="assistant", content=None), chunk("stop"), usage(9, 9, 0)) + DONE,
}


async def official(endpoint: Endpoint) -> tuple[str, tuple[ToolCall, ...], Usage]:
    """What the official client makes of the stream; pieces of a call are joined by index."""
    messages: Any = [json.loads(message.wire) for message in REQUEST.messages]
    tools: Any = [json.loads(tool.wire) for tool in REQUEST.tools]
    text, calls, counts = "", dict[int, list[str]](), Usage()
    async with openai.AsyncOpenAI(base_url=endpoint.base_url, api_key="k", max_retries=0) as sdk:
        stream = await sdk.chat.completions.create(
            model="some-model",
            messages=messages,
            tools=tools,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for piece in stream:
            if piece.usage:
                details = piece.usage.prompt_tokens_details
                cached = (details.cached_tokens if details else 0) or 0
                counts = Usage(piece.usage.prompt_tokens, cached, piece.usage.completion_tokens)
            for delta in (choice.delta for choice in piece.choices):
                text += delta.content or ""
                for part in delta.tool_calls or ():
                    fields = calls.setdefault(part.index, ["", "", ""])
                    function = part.function
                    name, arguments = (function.name, function.arguments) if function else (None, None)
                    added = (part.id, name, arguments)
                    calls[part.index] = [old + (new or "") for old, new in zip(fields, added, strict=True)]
    return text, tuple(ToolCall(*fields) for fields in calls.values()), counts


@pytest.mark.parametrize("name", STREAMS)
async def test_both_clients_send_the_same_and_hear_the_same(name: str) -> None:
    async with serving(Answer(STREAMS[name])) as endpoint, client(endpoint) as model:
        reply = await hear(model, REQUEST)
        theirs = await official(endpoint)
    assert (reply.text, reply.calls, reply.end.usage) == theirs
    ours_sent, theirs_sent = endpoint.bodies
    assert ours_sent == theirs_sent
