from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from anton.adapters.model.recording import RecordedModel, RecordingModel
from anton.adapters.model.scripted import Cut, Reply, ScriptedModel
from anton.core.errors import ModelError, RecordingDeparted
from anton.core.event import Note, Source
from anton.core.message import (
    AssistantMessage,
    Message,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)
from anton.core.tool import Reach, ToolSpec
from anton.ports import Model, ModelRequest

from .endpoint import Heard, hear

TOOLS = (ToolSpec("read_file", "Read.", {"type": "object"}, Reach.READ),)
SCRIPT = {
    "code": [
        Reply("I look.", (("read_file", {"path": "a.py"}),), Usage(10, 0, 5)),
        Reply("", (("submit", {"x": 1}),), Usage(20, 10, 2)),
        Reply("Again then.", (("submit", {"x": 2}),)),
    ]
}


def opened(
    agent: str = "code", opening: str = "BUG-1: it breaks", system: str = "You repair."
) -> ModelRequest:
    return ModelRequest(agent, (SystemMessage(system), UserMessage(opening)), TOOLS)


def went_on(request: ModelRequest, reply: Heard, *after: Message | str) -> ModelRequest:
    """The next request: the reply, a result for each of its calls, and further messages."""
    results = iter(text for text in after if isinstance(text, str))
    answered = tuple(ToolMessage(call.id, next(results)) for call in reply.calls)
    others = tuple(message for message in after if not isinstance(message, str))
    said = AssistantMessage(reply.text, reply.calls)
    return replace(request, messages=(*request.messages, said, *answered, *others))


async def converse(model: Model, first: ModelRequest, *after: tuple[Message | str, ...]) -> list[Heard]:
    replies = [await hear(model, first)]
    request = first
    for more in after:
        request = went_on(request, replies[-1], *more)
        replies.append(await hear(model, request))
    return replies


RUN: tuple[tuple[str], ...] = (("1: x  (0.01s)",), ("not valid",))


async def record(path: Path) -> list[Heard]:
    return await converse(RecordingModel(ScriptedModel(SCRIPT, name="true-1"), path), opened(), *RUN)


def played(path: Path) -> RecordedModel:
    return RecordedModel(path, pace_seconds=0, longest_wait_seconds=0.01)


async def test_a_recording_plays_the_same_replies(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    true = await record(path)
    model = played(path)
    assert (
        await converse(model, opened(system="A better prompt."), ("1: x  (7.30s)",), ("other words",)) == true
    )
    assert true[0].end.usage == Usage(10, 0, 5)
    assert model.cost_dollars("true-1", Usage(10, 0, 5)) == 0.0
    assert model.name.startswith("recording of true-1 (20")


async def test_each_line_is_a_whole_exchange_and_no_message_is_written_twice(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await record(path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["started"], line["ended"]) for line in lines] == [(1, 2), (3, 4), (5, 6)]
    assert [len(line["messages"]) for line in lines] == [2, 4, 6]
    assert [len(line["new"]) for line in lines] == [2, 2, 2]


async def test_a_cut_reply_is_recorded_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    inner = ScriptedModel({"code": [Cut((TextDelta("half a"),)), Reply("whole")]})
    await hear(RecordingModel(inner, path), opened())
    assert (await hear(played(path), opened())).text == "whole"


async def test_a_recording_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await hear(RecordingModel(ScriptedModel({"code": [Reply("a")]}), path), opened())
    await hear(RecordingModel(ScriptedModel({"test": [Reply("b")]}), path), opened("test"))
    assert [json.loads(line)["ended"] for line in path.read_text().splitlines()] == [2, 4]
    assert (await hear(played(path), opened("test"))).text == "b"


async def test_what_is_asked_once_more_gets_the_last_reply_again_under_ids_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await record(path)
    replies = await converse(played(path), opened(), *RUN, ("not valid",), ("not valid",))
    assert [reply.text for reply in replies] == ["I look.", "", "Again then.", "Again then.", "Again then."]
    ids = [call.id for reply in replies for call in reply.calls]
    assert len(set(ids)) == len(ids) == 5


async def test_a_turn_that_is_asked_for_anew_gets_the_same_reply(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    true = await record(path)
    second = went_on(opened(), true[0], "1: x")
    first_time, second_time = played(path), played(path)
    request = went_on(opened(), true[0], "1: x  (1s)")
    assert (
        await hear(first_time, request) == await hear(first_time, request) == await hear(second_time, request)
    )
    with pytest.raises(RecordingDeparted):
        await hear(first_time, second)


async def test_a_hint_that_comes_at_another_turn_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    true = await record(path)
    hint = UserMessage(Note(Source.TRIAGE, "P2").as_prompt())
    assert await converse(played(path), opened(), ("1: x  (0.02s)", hint), ("not valid", hint)) == true


async def departure(path: Path, *after: tuple[Message | str, ...], first: ModelRequest | None = None) -> str:
    with pytest.raises(RecordingDeparted) as caught:
        await converse(played(path), first or opened(), *after)
    return str(caught.value)


async def test_another_ticket_departs_at_once(tmp_path: Path) -> None:
    await record(tmp_path / "run.jsonl")
    assert await departure(tmp_path / "run.jsonl", first=opened(opening="BUG-2: other")) == snapshot(
        "agent 'code' departs from the recording at turn 1: recorded is 'the opening\\nBUG-1: it breaks', "
        "and now it is 'the opening\\nBUG-2: other'. This is a recording of one demo run and can answer "
        "nothing else: set API_KEY, BASE_URL and MODEL for a real model"
    )


async def test_another_result_departs_where_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    model = RecordingModel(ScriptedModel(SCRIPT), path)
    await converse(model, opened(), ("x" * 900 + "the recorded end",), ("no",))
    message = await departure(path, ("x" * 900 + "another end",))
    assert "departs from the recording at turn 2" in message
    assert 'recorded is \'read_file {"path": "a.py"} … xxx' in message
    assert "the recorded end" in message
    assert "another end" in message
    assert len(message) < 800


async def test_a_note_that_was_not_there_departs(tmp_path: Path) -> None:
    await record(tmp_path / "run.jsonl")
    note = UserMessage(Note(Source.PERSON, "please rename it").as_prompt())
    message = await departure(tmp_path / "run.jsonl", *RUN, ("not valid", note))
    assert (
        "at turn 4: recorded is 'nothing more', and now it is 'a note from person\\nplease rename it'"
        in message
    )


async def test_an_agent_that_was_not_there_departs(tmp_path: Path) -> None:
    await record(tmp_path / "run.jsonl")
    assert (
        "'reviewer' departs from the recording at turn 1: that agent does not appear in it"
        in await departure(tmp_path / "run.jsonl", first=opened("reviewer"))
    )


async def recorded_in_order(path: Path, *agents: str) -> None:
    """One reply of each agent, in this order; an agent named twice goes on."""
    model = RecordingModel(ScriptedModel({agent: [Reply("1"), Reply("2")] for agent in agents}), path)
    requests = {agent: opened(agent) for agent in agents}
    for agent in agents:
        requests[agent] = went_on(requests[agent], await hear(model, requests[agent]))


async def test_replies_of_agents_at_work_end_in_the_recorded_order(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await recorded_in_order(path, "triage", "test", "code", "pr")
    model = RecordedModel(path, pace_seconds=0, longest_wait_seconds=30)
    order: list[str] = []

    async def work(agent: str) -> None:
        await hear(model, opened(agent))
        order.append(agent)

    await asyncio.gather(*map(work, ("pr", "code", "test", "triage")))
    assert order == ["triage", "test", "code", "pr"]


async def test_nobody_waits_for_an_agent_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await recorded_in_order(path, "triage", "code")
    model = RecordedModel(path, pace_seconds=0, longest_wait_seconds=30)
    assert (await hear(model, opened("code"))).text == "1"


async def test_nobody_waits_for_ever_for_an_agent_that_stopped(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await recorded_in_order(path, "triage", "triage", "code")
    model = played(path)
    await hear(model, opened("triage"))
    assert (await hear(model, opened("code"))).text == "1"


async def test_a_long_reply_arrives_in_several_pieces(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await hear(RecordingModel(ScriptedModel({"code": [Reply("abcdefgh" * 9)]}), path), opened())
    items = [item async for item in played(path).stream(opened())]
    assert 3 <= sum(isinstance(item, TextDelta) for item in items) <= 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("{}\n", "line 1 of .* is not a recorded exchange"),
        ("\n{", "line 2 of .* is not a recorded exchange"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_at_once(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(ModelError, match=expected):
        RecordedModel(path)


async def test_a_damaged_recording_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await record(path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(ModelError, match="lacks the messages"):
        RecordedModel(path)


async def test_a_file_out_of_reach_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"run\.jsonl' cannot be read"):
        RecordedModel(tmp_path / "run.jsonl")
    model = RecordingModel(ScriptedModel(SCRIPT), tmp_path / "missing" / "run.jsonl")
    with pytest.raises(ModelError, match=r"run\.jsonl' cannot be written"):
        await hear(model, opened())


async def test_arguments_that_are_no_json_survive(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    reply = Reply(calls=(("read_file", '{"path": "'), ("read_file", "\u00e9\U0001f642")))
    true = await converse(
        RecordingModel(ScriptedModel({"code": [reply, Reply("b")]}), path), opened(), ("1", "2")
    )
    assert await converse(played(path), opened(), ("1", "2")) == true
    assert true[0].calls[0] == ToolCall("code-1-1", "read_file", '{"path": "')
