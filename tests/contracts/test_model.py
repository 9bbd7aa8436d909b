"""What every Model has to do, whichever side it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from anton.adapters.model.chat_completions import ChatCompletionsModel
from anton.adapters.model.recording import RecordedModel, RecordingModel
from anton.adapters.model.scripted import Reply, ScriptedModel
from anton.core.errors import ModelError
from anton.core.message import (
    AssistantMessage,
    CallReady,
    ReplyEnded,
    StreamItem,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)
from anton.ports import Model, ModelRequest

TURNS = (
    Reply("Look: é🙂", (("list_dir", {"path": "a"}), ("grep", {"pattern": "x"})), Usage(70, 30, 2), chunks=4),
    Reply("", (("submit", {"cause": "y"}),), Usage(90, 70, 5)),
    Reply("Nothing to add.", (), Usage(100, 90, 4), chunks=2),
)  # fmt: skip
FIRST = ModelRequest("code", (SystemMessage("You repair."), UserMessage("It breaks.")), ())


def _calls(reply: Reply, turn: int) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(f"code-{turn}-{n}", name, json.dumps(a)) for n, (name, a) in enumerate(reply.calls, 1)
    )


def _sse(reply: Reply, turn: int) -> bytes:
    """A reply as an endpoint streams it, a character or a call at a time."""
    deltas: list[dict[str, object]] = [{"content": character} for character in reply.text]
    for index, call in enumerate(_calls(reply, turn)):
        function = {"name": call.name, "arguments": call.arguments}
        deltas.append({"tool_calls": [{"index": index, "id": call.id, "function": function}]})
    chunks: list[dict[str, object]] = [{"model": "m", "choices": [{"delta": delta}]} for delta in deltas]
    chunks.append(
        {"model": "m", "choices": [{"delta": {}, "finish_reason": "tool_calls" if reply.calls else "stop"}]}
    )
    counts = reply.usage
    usage = {"prompt_tokens": counts.input_tokens, "completion_tokens": counts.output_tokens}
    chunks.append(
        {"choices": [], "usage": usage | {"prompt_tokens_details": {"cached_tokens": counts.cached_tokens}}}
    )
    return (
        b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    )


async def _answer(request: web.Request) -> web.Response:
    said = sum(message["role"] == "assistant" for message in (await request.json())["messages"])
    if said >= len(TURNS):
        return web.json_response({"error": {"message": "no more"}}, status=400)
    return web.Response(body=_sse(TURNS[said], said + 1), content_type="text/event-stream")


@asynccontextmanager
async def scripted(folder: Path) -> AsyncIterator[Model]:
    yield ScriptedModel({"code": TURNS}, name="m")


@asynccontextmanager
async def recorded(folder: Path) -> AsyncIterator[Model]:
    path = folder / "run.jsonl"
    await converse(RecordingModel(ScriptedModel({"code": TURNS}, name="m"), path))
    yield RecordedModel(path, pace_seconds=0)


@asynccontextmanager
async def chat_completions(folder: Path) -> AsyncIterator[Model]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield ChatCompletionsModel(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", "key", "m")
    await runner.cleanup()


@pytest.fixture(params=[scripted, recorded, chat_completions])
async def model(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Model]:
    make: Callable[[Path], AbstractAsyncContextManager[Model]] = request.param
    async with make(tmp_path) as made:
        yield made
        await made.close()


async def converse(model: Model, turns: int = len(TURNS)) -> list[list[StreamItem]]:
    """The items of each turn; every call is answered with the same words."""
    request, heard = FIRST, list[list[StreamItem]]()
    for _ in range(turns):
        items = [item async for item in model.stream(request)]
        heard.append(items)
        calls = tuple(item.call for item in items if isinstance(item, CallReady))
        results = (ToolMessage(call.id, "1: x") for call in calls)
        messages = (*request.messages, AssistantMessage(_text(items), calls), *results)
        request = ModelRequest(request.agent, messages, request.tools)
    return heard


def _text(items: list[StreamItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


async def test_a_conversation_has_the_same_text_calls_and_usage(model: Model) -> None:
    for number, (items, turn) in enumerate(zip(await converse(model), TURNS, strict=True), start=1):
        assert _text(items) == turn.text
        assert tuple(item.call for item in items if isinstance(item, CallReady)) == _calls(turn, number)
        assert items[-1] == ReplyEnded(turn.usage, "tool_calls" if turn.calls else "stop", "m")


async def test_the_end_comes_once_and_last_and_no_piece_of_text_is_empty(model: Model) -> None:
    for items in await converse(model):
        assert [isinstance(item, ReplyEnded) for item in items] == [False] * (len(items) - 1) + [True]
        assert all(item.text for item in items if isinstance(item, TextDelta))


async def test_the_same_question_gets_the_same_answer(model: Model) -> None:
    assert await converse(model, turns=2) == await converse(model, turns=2)


async def test_where_no_reply_is_to_be_had_a_model_error_says_so(model: Model) -> None:
    beyond = ModelRequest("code", (UserMessage("x"), *[AssistantMessage("a")] * len(TURNS)), ())
    with pytest.raises(ModelError):
        async for _ in model.stream(beyond):
            pass


async def test_a_model_that_is_closed_twice_does_not_mind(model: Model) -> None:
    await converse(model, turns=1)
    await model.close()
    await model.close()


async def test_a_model_has_a_name(model: Model) -> None:
    assert "m" in model.name
