"""What a turn costs in the client's own CPU time, beside the official SDK.

    python bench/model_client.py

The endpoint runs in a process of its own, on the loopback, and sends each token as an event of its own.
Figures are medians of this process's CPU milliseconds (user and system). The history is kept as the engine
keeps it, so both clients get what they need ready made: messages with their bytes here, plain dicts there.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import openai

from anton.adapters.model.chat_completions import ChatCompletionsModel
from anton.core.message import (
    AssistantMessage,
    CallReady,
    Message,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from anton.core.tool import Reach, ToolSpec
from anton.ports import ModelRequest

RESULT = "line of a file that the agent has read\n" * 50  # about 2 KB, as a usual tool result
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
TOOLS = tuple(ToolSpec(f"tool_{n}", "Does something to a file.", SCHEMA, Reach.READ) for n in range(8))
CASES = (
    # label, turns of history, tokens, seconds between tokens, repeats, budget in ms
    ("turn at a history of 10", 10, 20, 0.0, 60, "1.0"),
    ("turn at a history of 200", 200, 20, 0.0, 60, "1.5"),
    ("stream of 1,000 tokens", 10, 1000, 0.0, 60, "15.0"),
    ("the same, one by one", 10, 1000, 0.001, 9, "none"),  # each token wakes the event loop: its cost, mostly
)


def history(turns: int) -> tuple[Message, ...]:
    messages: list[Message] = [SystemMessage("You repair. " * 300), UserMessage("It breaks. " * 100)]
    for turn in range(turns):
        call = ToolCall(f"call_{turn}", "tool_1", '{"path": "src/some/file.py"}')
        messages += [AssistantMessage("I look at it.", (call,)), ToolMessage(call.id, RESULT)]
    return tuple(messages)


def events(tokens: int) -> list[bytes]:
    """A reply of so many tokens and one call, an event each."""

    def event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return b"data: " + json.dumps(chunk | {"choices": [choice]} | more).encode() + b"\n\n"

    function = {"name": "tool_1", "arguments": '{"path": "a.py"}'}
    call = {"index": 0, "id": "call_x", "type": "function", "function": function}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    return [
        event({"role": "assistant", "content": ""}),
        *(event({"content": " token"}) for _ in range(tokens)),
        event({"tool_calls": [call]}),
        event({}, "tool_calls"),
        event({}, choices=[], usage=usage),
        b"data: [DONE]\n\n",
    ]


async def serve() -> None:
    """An endpoint whose reply is as long as `max_tokens` and as slow as the model's name says."""
    replies = {tokens: events(tokens) for tokens in (20, 1000)}

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            length = next(
                int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")
            )
            asked = json.loads(await reader.readexactly(length))
            pause = float(asked["model"])
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            for event in replies[asked["max_tokens"]]:
                writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                await asyncio.sleep(pause)
            writer.write(b"0\r\n\r\n")

    server = await asyncio.start_server(connection, "127.0.0.1", 0, limit=2**26)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def median_ms(turn: Callable[[], Awaitable[int]], tokens: int, repeats: int) -> float:
    spent = []
    for _ in range(repeats):
        before = time.process_time()
        heard = await turn()
        spent.append((time.process_time() - before) * 1000)
        assert heard == tokens + 1, heard
    return statistics.median(spent[3:])


def ours(model: ChatCompletionsModel, request: ModelRequest) -> Callable[[], Awaitable[int]]:
    async def turn() -> int:
        return sum([isinstance(item, TextDelta | CallReady) async for item in model.stream(request)])

    return turn


def official(sdk: openai.AsyncOpenAI, request: ModelRequest) -> Callable[[], Awaitable[int]]:
    messages: Any = [json.loads(message.wire) for message in request.messages]
    tools: Any = [json.loads(tool.wire) for tool in request.tools]

    async def turn() -> int:
        heard = 0
        stream = await sdk.chat.completions.create(
            model=request.model or "0",
            messages=messages,
            tools=tools,
            stream=True,
            stream_options={"include_usage": True},
            max_tokens=request.max_output_tokens,
        )
        async for chunk in stream:
            for choice in chunk.choices:
                heard += bool(choice.delta.content) + len(choice.delta.tool_calls or ())
        return heard

    return turn


async def measure() -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "serve", stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    base_url = f"http://127.0.0.1:{int(await server.stdout.readline())}/v1"
    model = ChatCompletionsModel(base_url, "key", "0")
    sdk = openai.AsyncOpenAI(base_url=base_url, api_key="key", max_retries=0)
    print(f"{'':26} {'ours':>9} {'budget':>9} {'openai':>9} {'ratio':>7}")
    try:
        for label, turns, tokens, pause, repeats, budget in CASES:
            request = ModelRequest("code", history(turns), TOOLS, str(pause), max_output_tokens=tokens)
            mine = await median_ms(ours(model, request), tokens, repeats)
            theirs = await median_ms(official(sdk, request), tokens, repeats)
            print(
                f"{label:26} {mine:6.2f} ms {budget:>6} ms {theirs:6.1f} ms {theirs / mine:6.1f}x", flush=True
            )
    finally:
        await model.close()
        await sdk.close()
        server.terminate()
        await server.wait()


if __name__ == "__main__":
    asyncio.run(serve() if sys.argv[1:] == ["serve"] else measure())
