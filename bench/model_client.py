"""What a turn costs in the client's own CPU time, beside the official SDK.

    python bench/model_client.py

Figures are medians of this process's CPU milliseconds (user and system). The history is kept as the engine
keeps it, so both clients get what they need ready made: messages with their bytes here, plain dicts there.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import openai
from endpoint import PROMPT, RESULT, SYSTEM, TOOL, Manner, endpoint

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

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
TOOLS = tuple(ToolSpec(f"tool_{n}", "Does something to a file.", SCHEMA, Reach.READ) for n in range(8))
CASES = (
    # label, turns of history, manner, repeats, budget in ms
    ("turn at a history of 10", 10, Manner(20), 60, "1.0"),
    ("turn at a history of 200", 200, Manner(20), 60, "1.5"),
    ("stream of 1,000 tokens", 10, Manner(1000), 60, "15.0"),
    # each token wakes the event loop: its cost, mostly
    ("the same, one by one", 10, Manner(1000, pause_seconds=0.001), 9, "none"),
)


def history(turns: int) -> tuple[Message, ...]:
    messages: list[Message] = [SystemMessage(SYSTEM), UserMessage(PROMPT)]
    for turn in range(turns):
        call = ToolCall(f"call_{turn}", TOOL, '{"path": "src/some/file.py"}')
        messages += [AssistantMessage("I look at it.", (call,)), ToolMessage(call.id, RESULT)]
    return tuple(messages)


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
            model=request.model or "",
            messages=messages,
            tools=tools,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            for choice in chunk.choices:
                heard += bool(choice.delta.content) + len(choice.delta.tool_calls or ())
        return heard

    return turn


async def measure() -> None:
    async with endpoint() as served:
        model = ChatCompletionsModel(served.base_url, "key", "unused")
        sdk = openai.AsyncOpenAI(base_url=served.base_url, api_key="key", max_retries=0)
        print(f"{'':26} {'ours':>9} {'budget':>9} {'openai':>9} {'ratio':>7}")
        for label, turns, manner, repeats, budget in CASES:
            request = ModelRequest("code", history(turns), TOOLS, manner.model)
            mine = await median_ms(ours(model, request), manner.tokens, repeats)
            theirs = await median_ms(official(sdk, request), manner.tokens, repeats)
            figures = f"{mine:6.2f} ms {budget:>6} ms {theirs:6.1f} ms {theirs / mine:6.1f}x"
            print(f"{label:26} {figures}", flush=True)
        await model.close()
        await sdk.close()


if __name__ == "__main__":
    asyncio.run(measure())
