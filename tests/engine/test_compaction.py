"""An agent goes on past its model's context: what binds stays word for word, the rest is written down."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest

from anton.core.agent import AgentSpec
from anton.core.context import ASK, FULL_SHARE, cut_point, size_of, summarised, thinned
from anton.core.errors import ContextExceeded, ModelError
from anton.core.event import AgentOutcome, ConversationCompressed, Source
from anton.core.message import (
    AssistantMessage,
    CallReady,
    Message,
    ReplyEnded,
    StreamItem,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)
from anton.engine.loop import Agent, work
from anton.ports import ModelRequest
from tests.engine.bench import STARTED, MemoryLog, agent, probe

CONTEXT = 2_000
FACTS = [f"fact-{number}" for number in range(0, 60, 7)]


def tokens_of(messages: tuple[Message, ...]) -> int:
    return size_of(messages) // 4


class Reader:
    """Reads page after page, and at the end submits how many of the planted facts it still knows.

    Its window is real: what is longer is refused. Its summaries hold what a careful reader would keep.
    """

    name = "reader"

    def __init__(self, pages: int, *, summarises: bool = True, says_usage: bool = True) -> None:
        self.pages = pages
        self.summarises = summarises
        self.says_usage = says_usage
        self.requests: list[ModelRequest] = []

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        return 0.0

    async def close(self) -> None:
        pass

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        self.requests.append(request)
        if tokens_of(request.messages) > CONTEXT:
            raise ContextExceeded("the conversation exceeds its context length")
        known = sorted(set(re.findall(r"fact-\d+", " ".join(texts(request.messages)))))
        page = 1 + max(
            [int(n) for n in re.findall(r"page (\d+)", " ".join(texts(request.messages)))], default=-1
        )
        said: list[StreamItem] = []
        if request.messages[-1] == UserMessage(ASK):
            if not self.summarises:
                raise ModelError("not now")
            said.append(TextDelta(f"Read up to page {page - 1}. Found: {', '.join(known)}."))
        elif page >= self.pages:
            said.append(CallReady(ToolCall(f"c{page}", "submit", f'{{"answer": {len(known)}}}')))
        else:
            said.append(CallReady(ToolCall(f"c{page}", "look", f'{{"page": {page}}}')))
        for item in said:
            yield item
        usage = Usage(tokens_of(request.messages), 0, 10) if self.says_usage else Usage()
        yield ReplyEnded(usage, "stop", "reader")


def texts(messages: tuple[Message, ...]) -> list[str]:
    return [m.text for m in messages if not isinstance(m, SystemMessage)]


async def turn_page(arguments: str) -> str:
    page = int(re.findall(r"\d+", arguments)[0])
    fact = f"fact-{page}" if page % 7 == 0 else "nothing"
    return f"page {page}: {fact}. " + "Filler text that nobody needs. " * 20


def reading(model: Reader, log: MemoryLog) -> Agent:
    made = agent(model, probe("look", turn_page), log=log, turns=200)
    spec = replace(made.spec, context_tokens=CONTEXT, model="big", reasoning_effort="low")
    return replace(made, spec=spec)


def compressions(log: MemoryLog) -> list[ConversationCompressed]:
    return [event for event in log.events if isinstance(event, ConversationCompressed)]


async def test_planted_facts_survive_a_conversation_of_many_times_the_context() -> None:
    log, model = MemoryLog(STARTED), Reader(60)
    await work(reading(model, log))
    assert log.state.output == f'{{"answer":{len(FACTS)}}}'
    assert len(compressions(log)) > 3
    assert all(event.summary for event in compressions(log))
    assert {(asked.model, asked.reasoning_effort) for asked in model.requests} == {("big", "low")}
    assert max(tokens_of(request.messages) for request in model.requests) <= CONTEXT


async def test_a_note_that_was_read_before_the_cut_stays_word_for_word() -> None:
    log = MemoryLog(STARTED)
    log.note("Do not touch the API.", Source.PERSON)
    model = Reader(30)
    await work(reading(model, log))
    assert compressions(log)
    assert '<note from="person">\nDo not touch the API.\n</note>' in texts(model.requests[-1].messages)[1]


async def test_prompt_and_opening_are_the_same_bytes_in_every_request() -> None:
    log, model = MemoryLog(STARTED), Reader(30)
    await work(reading(model, log))
    heads = {tuple(message.wire for message in request.messages[:2]) for request in model.requests}
    assert len(heads) == 1


async def test_between_compressions_each_request_begins_with_the_one_before() -> None:
    log, model = MemoryLog(STARTED), Reader(30)
    await work(reading(model, log))
    wires = [tuple(m.wire for m in r.messages) for r in model.requests if r.messages[-1] != UserMessage(ASK)]
    breaks = sum(after[: len(before)] != before for before, after in pairwise(wires))
    assert breaks == len(compressions(log))


async def test_no_request_parts_a_call_from_its_result() -> None:
    log, model = MemoryLog(STARTED), Reader(60)
    await work(reading(model, log))
    for request in model.requests:
        open_calls: set[str] = set()
        for message in request.messages:
            if isinstance(message, ToolMessage):
                assert message.call_id in open_calls
                open_calls.remove(message.call_id)
            elif isinstance(message, AssistantMessage):
                assert not open_calls
                open_calls = {call.id for call in message.calls}


async def test_where_no_summary_is_to_be_had_old_output_is_left_out() -> None:
    log, model = MemoryLog(STARTED), Reader(16, summarises=False)
    await work(reading(model, log))
    ended = log.state.ended
    assert ended is not None
    assert ended.outcome is AgentOutcome.SUBMITTED
    assert compressions(log)
    assert not any(event.summary for event in compressions(log))


async def test_a_provider_that_counts_nothing_and_refuses_at_its_limit_is_understood() -> None:
    """Without counts the estimate may be off; the refusal itself then makes room."""
    log, model = MemoryLog(STARTED), Reader(16, says_usage=False)
    made = reading(model, log)
    await work(replace(made, spec=replace(made.spec, context_tokens=CONTEXT * 50)))
    ended = log.state.ended
    assert ended is not None
    assert ended.outcome is AgentOutcome.SUBMITTED, ended.detail


async def test_an_opening_that_is_too_long_alone_ends_the_agent_with_the_reason() -> None:
    opening = replace(STARTED, opening="x" * CONTEXT * 5)
    log, model = MemoryLog(opening), Reader(30)
    await work(reading(model, log))
    ended = log.state.ended
    assert ended is not None
    assert (ended.outcome, ended.detail) == (
        AgentOutcome.FAILED,
        "the conversation exceeds its context length",
    )


def conversation(turns: int) -> tuple[Message, ...]:
    messages: list[Message] = [SystemMessage("s"), UserMessage("o")]
    for number in range(turns):
        messages += [
            AssistantMessage("", (ToolCall(f"c{number}", "look", "{}"),)),
            ToolMessage(f"c{number}", "y" * 400),
        ]
    return tuple(messages)


@pytest.mark.parametrize("turns", [0, 1])
def test_there_is_nothing_to_cut_before_the_second_turn(turns: int) -> None:
    state = MemoryLog(STARTED).state
    assert cut_point(conversation(turns), state.measure, 10) is None


def test_the_last_turn_stays_however_long_it_is() -> None:
    state = MemoryLog(STARTED).state
    messages = conversation(3)
    cut = cut_point(messages, state.measure, 10)
    assert cut == len(messages) - 2
    assert summarised(messages, cut, "S")[-2:] == messages[-2:]
    assert thinned(messages, cut)[-2:] == messages[-2:]
    assert size_of(thinned(messages, cut)) < size_of(messages)


def test_the_limit_leaves_room_for_the_answer() -> None:
    spec = AgentSpec("code", "", (), type(None), 1, 1)  # type: ignore[arg-type]
    assert spec.context_tokens * (1 - FULL_SHARE) >= 16_000
