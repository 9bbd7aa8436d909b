"""A chat-completions endpoint on the loopback, in a process of its own, for the benchmarks.

What it answers is said by the model's name, see `Manner`. It needs nothing but the standard library, so that
any library can be measured against it in whatever environment that library is installed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

TOOL = "tool_1"
"""Which is called in every reply but the last."""
RESULT = "line of a file that the agent has read\n" * 50  # about 2 KB, as a usual tool result
SYSTEM = "You repair. " * 300
PROMPT = "It breaks. " * 100
CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def arguments(number: int) -> str:
    """Of a call, no two alike in letters: an agent that repeats itself would be told so."""
    letters = "".join("abcdefghij"[int(digit)] for digit in str(number))
    return json.dumps({"path": f"src/some/{letters}.py"})


@dataclass(frozen=True, slots=True)
class Manner:
    """How the endpoint answers."""

    tokens: int = 20
    """Of text before the call, each an event of its own."""
    replies: int = 1_000_000
    """In the conversation; the one after these calls `submit`, or is the last where there is no such tool."""
    pause_seconds: float = 0.0
    """Between two tokens; with none they arrive as fast as they can be read."""
    hold_seconds: float = 0.0
    """The stream stays open for so long after the call's last byte; when that was sent is printed."""

    @property
    def model(self) -> str:
        """As a model's name."""
        return f"{self.tokens}/{self.replies}/{self.pause_seconds}/{self.hold_seconds}"


def _manner(model: str) -> Manner:
    tokens, replies, pause, hold = model.split("/")
    return Manner(int(tokens), int(replies), float(pause), float(hold))


def _event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return b"data: " + json.dumps(CHUNK | {"choices": [choice]} | more).encode() + b"\n\n"


OPENING = _event({"role": "assistant", "content": ""})
TOKEN = _event({"content": " token"})
USAGE = _event({}, choices=[], usage={"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18})


def _call(asked: dict[str, Any], manner: Manner) -> dict[str, Any] | None:
    """What the reply calls, if anything."""
    replies = sum(message["role"] == "tool" for message in asked["messages"])  # one call a reply
    if replies < manner.replies:
        return {"id": f"call_{replies}", "name": TOOL, "arguments": arguments(replies)}
    if any(tool["function"]["name"] == "submit" for tool in asked["tools"]):
        return {"id": f"call_{replies}", "name": "submit", "arguments": '{"summary": "Done."}'}
    return None


async def _answer(asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    async def say(event: bytes, pause: float = 0.0) -> None:
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await asyncio.sleep(pause)

    manner = _manner(asked["model"])
    writer.write(HEAD)
    await say(OPENING)
    for _ in range(manner.tokens):
        await say(TOKEN, manner.pause_seconds)
    if call := _call(asked, manner):
        function = {"name": call["name"], "arguments": call["arguments"]}
        await say(
            _event({"tool_calls": [{"index": 0, "id": call["id"], "type": "function", "function": function}]})
        )
        if manner.hold_seconds and call["name"] == TOOL:
            print(time.monotonic(), flush=True)
            await asyncio.sleep(manner.hold_seconds)
    await say(_event({}, "tool_calls" if call else "stop"))
    await say(USAGE)
    await say(b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        await _answer(json.loads(await reader.readexactly(length)), writer)


async def _serve() -> None:
    server = await asyncio.start_server(_connection, "127.0.0.1", 0, limit=2**26)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint as its parent sees it."""

    base_url: str
    output: asyncio.StreamReader

    async def sent_at(self) -> float:
        """When the last byte of the next held call was sent; of the monotonic clock that processes share."""
        return float(await self.output.readline())


@asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    """An endpoint that runs as long as the context."""
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(sys.executable, __file__, stdout=pipe)
    assert server.stdout is not None
    try:
        port = int(await server.stdout.readline())
        yield Endpoint(f"http://127.0.0.1:{port}/v1", server.stdout)
    finally:
        server.terminate()
        await server.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
