from __future__ import annotations

import asyncio

import pytest

from anton.adapters.model.scripted import Cut, Refuse, Reply, ScriptedModel, Silence
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
    UserMessage,
)
from anton.ports import ModelRequest


def asked(replies: int = 0, agent: str = "code") -> ModelRequest:
    """A request whose conversation holds so many replies, each with one call."""
    said = (
        AssistantMessage("", (ToolCall(f"{agent}-{turn}-1", "f", "{}"),)) for turn in range(1, replies + 1)
    )
    return ModelRequest(agent, (UserMessage("go"), *said), ())


async def play(model: ScriptedModel, request: ModelRequest) -> list[StreamItem]:
    return [item async for item in model.stream(request)]


async def test_a_reply_arrives_in_pieces_with_calls_as_objects_or_raw_text() -> None:
    reply = Reply("abcde", (("f", {"x": "é"}), ("g", '{"broken')), Usage(3, 1, 2), chunks=2)
    assert await play(ScriptedModel({"code": [reply]}, name="tester"), asked()) == [
        TextDelta("abc"),
        TextDelta("de"),
        CallReady(ToolCall("code-1-1", "f", '{"x": "é"}')),
        CallReady(ToolCall("code-1-2", "g", '{"broken')),
        ReplyEnded(Usage(3, 1, 2), "tool_calls", "tester"),
    ]


async def test_each_agent_stands_where_its_own_conversation_does() -> None:
    model = ScriptedModel({"code": [Reply("a"), Reply("b")], "test": [Reply("c", finish_reason="length")]})
    assert (await play(model, asked(1)))[0] == TextDelta("b")
    assert (await play(model, asked(0, "test")))[-1] == ReplyEnded(Usage(), "length", "scripted")
    assert (await play(model, asked(0)))[0] == TextDelta("a")
    assert [request.agent for request in model.requests] == ["code", "test", "code"]
    assert model.requests_by_agent["code"] == [asked(1), asked(0)]


async def test_call_ids_are_free_in_the_conversation() -> None:
    model = ScriptedModel({"code": [Reply(), Reply(calls=(("f", {}),))]})
    request = ModelRequest("code", (AssistantMessage("", (ToolCall("code-2-1", "f", "{}"),)),), ())
    assert CallReady(ToolCall("code-3-1", "f", "{}")) in await play(model, request)


async def test_a_cut_is_followed_by_the_next_step_in_the_same_stream() -> None:
    model = ScriptedModel({"code": [Cut((TextDelta("half"),)), Cut(reason="again"), Reply("whole")]})
    assert await play(model, asked()) == [
        TextDelta("half"),
        StreamRestarted("the stream was cut", 1, 0.0),
        StreamRestarted("again", 2, 0.0),
        TextDelta("whole"),
        ReplyEnded(Usage(), "stop", "scripted"),
    ]


async def test_misbehaviour_happens_once() -> None:
    model = ScriptedModel({"code": [Refuse("no key"), Silence((TextDelta("hm"),)), Reply("fine")]})
    with pytest.raises(ModelError, match="no key"):
        await play(model, asked())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await play(model, asked())
    assert (await play(model, asked()))[0] == TextDelta("fine")


async def test_a_step_may_depend_on_what_was_asked() -> None:
    model = ScriptedModel({"code": [lambda request: Reply(f"{len(request.messages)} messages")]})
    assert (await play(model, asked()))[0] == TextDelta("1 messages")


async def test_a_script_that_is_used_up_says_so() -> None:
    with pytest.raises(
        ModelError, match=r"script of agent 'code' holds 1 replies and was asked for number 2"
    ):
        await play(ScriptedModel({"code": [Reply("a")]}), asked(1))
    with pytest.raises(ModelError, match=r"agent 'pr' holds 0 replies"):
        await play(ScriptedModel({}), asked(0, "pr"))
