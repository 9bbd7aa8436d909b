"""The job of `turn.py` done with other agent libraries, in whatever environment has them.

    python bench/libraries.py LIBRARY BASE_URL MODEL TURNS SESSIONS

Prints a JSON list of seconds: CPU time between calls of the tool, or, where the endpoint holds the stream
open, the monotonic time of each call. With `together` as a sixth argument the sessions run at once, and the
list is: wall seconds, CPU seconds, bytes of memory that the process grew by.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

from endpoint import PROMPT, RESULT, SYSTEM, TOOL, arguments

Session = Callable[[Callable[[], None]], Awaitable[None]]


def pydantic_ai(base_url: str, model: str, turns: int) -> Session:
    from pydantic_ai import Agent, Tool, UsageLimits
    from pydantic_ai.messages import (
        ModelMessage,
        ModelRequest,
        ModelResponse,
        SystemPromptPart,
        TextPart,
        ToolCallPart,
        ToolReturnPart,
        UserPromptPart,
    )
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    history: list[ModelMessage] = [ModelRequest([SystemPromptPart(SYSTEM), UserPromptPart(PROMPT)])]
    for turn in range(turns):
        call = ToolCallPart(TOOL, arguments(turn), tool_call_id=f"call_{turn}")
        history += [
            ModelResponse([TextPart("I look at it."), call]),
            ModelRequest([ToolReturnPart(TOOL, RESULT, tool_call_id=f"call_{turn}")]),
        ]
    chat = OpenAIChatModel(model, provider=OpenAIProvider(base_url=base_url, api_key="key"))

    async def session(seen: Callable[[], None]) -> None:
        async def look(path: str) -> str:  # noqa: ARG001 - a tool's signature
            seen()
            return RESULT

        tools = [Tool(look, name=f"tool_{n}", description="Do something to a file.") for n in range(8)]
        agent = Agent(chat, system_prompt=SYSTEM, tools=tools)
        limits = UsageLimits(request_limit=None)
        async with agent.run_stream_events("Go on.", message_history=history, usage_limits=limits) as events:
            async for _event in events:
                pass

    return session


def openai_agents(base_url: str, model: str, turns: int) -> Session:
    from agents import (
        Agent,
        FunctionTool,
        OpenAIChatCompletionsModel,
        Runner,
        function_tool,
        set_tracing_disabled,
    )
    from openai import AsyncOpenAI

    set_tracing_disabled(disabled=True)
    history: list[dict[str, str]] = [{"role": "user", "content": PROMPT}]
    for turn in range(turns):
        call_id = f"call_{turn}"
        history += [
            {"role": "assistant", "content": "I look at it."},
            {"type": "function_call", "call_id": call_id, "name": TOOL, "arguments": arguments(turn)},
            {"type": "function_call_output", "call_id": call_id, "output": RESULT},
        ]
    chat = OpenAIChatCompletionsModel(model, AsyncOpenAI(base_url=base_url, api_key="key"))

    async def session(seen: Callable[[], None]) -> None:
        async def look(path: str) -> str:  # noqa: ARG001 - a tool's signature
            """Do something to a file."""
            seen()
            return RESULT

        tools: list[FunctionTool] = [function_tool(look, name_override=f"tool_{n}") for n in range(8)]
        agent = Agent("code", instructions=SYSTEM, model=chat, tools=list(tools))
        result = Runner.run_streamed(agent, input=list(history), max_turns=1_000)
        async for _event in result.stream_events():
            pass

    return session


async def together(session: Session, sessions: int) -> list[float]:
    """What so many sessions at once took, once one has brought everything in that is shared."""
    await session(lambda: None)
    before, wall, cpu = resident(), time.monotonic(), time.process_time()
    await asyncio.gather(*(session(lambda: None) for _ in range(sessions)))
    return [time.monotonic() - wall, time.process_time() - cpu, peak() - before]


def resident() -> int:
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak() -> int:
    """Bytes that it held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def main(library: str, base_url: str, model: str, turns: int, sessions: int, at_once: bool) -> None:
    session = {"pydantic-ai": pydantic_ai, "openai-agents": openai_agents}[library](base_url, model, turns)
    if at_once:
        print(json.dumps(await together(session, sessions)))
        return
    held = float(model.rpartition("/")[2]) > 0
    clock = time.monotonic if held else time.process_time
    found: list[float] = []
    for _ in range(sessions):
        seen: list[float] = []
        await session(lambda seen=seen: seen.append(clock()))  # type: ignore[misc]
        found += seen if held else [after - before for before, after in pairwise(seen[1:])]
    print(json.dumps(found))


if __name__ == "__main__":
    at_once = sys.argv[6:] == ["together"]
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), at_once))
