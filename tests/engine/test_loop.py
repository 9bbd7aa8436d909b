"""One agent, from its start to its rest, with a model that does well, badly, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from anton.adapters.model.scripted import Cut, Refuse, Reply, ScriptedModel, Silence, Step
from anton.core.agent import IDLE_REPLIES, NOT_TAKEN
from anton.core.ended import BEGUN, NOT_BEGUN
from anton.core.errors import OutsideError
from anton.core.event import (
    AgentEnded,
    AgentEvent,
    AgentOutcome,
    Note,
    NotePosted,
    ReplyReceived,
    Source,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from anton.core.message import (
    AssistantMessage,
    CallReady,
    ReplyEnded,
    StreamItem,
    StreamRestarted,
    TextDelta,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)
from anton.core.tool import Reach
from anton.engine.loop import work
from anton.ports import ModelRequest
from tests.engine.bench import STARTED, MemoryLog, Streams, agent, echo, probe

LOOK = ToolCall("c1", "look", "{}")
DONE = Reply(calls=(("submit", {"answer": 42}),))
WHOLE = ReplyEnded(Usage(), "tool_calls", "streams")
LOOKING = probe("look", echo)


def scripted(*steps: Step) -> ScriptedModel:
    return ScriptedModel({"code": steps})


def end_of(log: MemoryLog) -> tuple[AgentOutcome, str]:
    assert log.state.ended is not None
    return log.state.ended.outcome, log.state.ended.detail


def kinds(log: MemoryLog) -> list[str]:
    return [event.kind for event in log.events]


def last_words(request: ModelRequest) -> str:
    message = request.messages[-1]
    assert isinstance(message, UserMessage | ToolMessage)
    return message.text


async def submits(_: ModelRequest) -> AsyncIterator[StreamItem]:
    yield CallReady(ToolCall("done", "submit", '{"answer": 42}'))
    yield WHOLE


async def test_an_agent_reads_writes_submits_and_rests() -> None:
    log = MemoryLog(STARTED)
    await work(agent(scripted(Reply("I look.", (("look", {"n": 1}),)), DONE), LOOKING, log=log))
    assert log.state.output == '{"answer":42}'
    assert kinds(log) == [
        "agent_started",
        *("turn_started", "tool_started", "reply_received", "turn_ended"),
        *("turn_started", "reply_received", "tool_started", "turn_ended"),
        "agent_ended",
    ]
    assert next(m.text for m in log.state.messages if isinstance(m, ToolMessage)) == 'got {"n": 1}'


async def test_a_read_starts_while_the_reply_still_streams() -> None:
    begun = asyncio.Event()

    async def look(_: str) -> str:
        begun.set()
        return "found"

    async def waits_for_the_tool(_: ModelRequest) -> AsyncIterator[StreamItem]:
        yield CallReady(LOOK)
        await begun.wait()
        yield TextDelta("…and while that runs…")
        yield WHOLE

    log = MemoryLog(STARTED)
    await work(agent(Streams([waits_for_the_tool, submits]), probe("look", look), log=log))
    assert end_of(log)[0] is AgentOutcome.SUBMITTED
    assert kinds(log).index("tool_started") < kinds(log).index("reply_received")


async def test_a_cut_stream_has_changed_nothing_says_nothing_twice_and_leaves_no_read_behind() -> None:
    begun, changed, cancelled = asyncio.Event(), list[str](), list[str]()

    async def look(arguments: str) -> str:
        if "hang" not in arguments:
            return "found"
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(arguments)
            raise
        return ""

    async def change(arguments: str) -> str:
        changed.append(arguments)
        return "changed"

    async def cut(_: ModelRequest) -> AsyncIterator[StreamItem]:
        yield TextDelta("I thi")
        yield CallReady(ToolCall("c1", "look", '"hang"'))
        yield CallReady(ToolCall("c2", "change", '"first"'))
        await begun.wait()
        yield StreamRestarted("the stream was cut", 1, 0.0)
        yield TextDelta("I think.")
        yield CallReady(ToolCall("c1", "look", "{}"))
        yield CallReady(ToolCall("c2", "change", '"second"'))
        yield WHOLE

    log = MemoryLog(STARTED)
    tools = (probe("look", look), probe("change", change, Reach.WRITE))
    await work(agent(Streams([cut, submits]), *tools, log=log))
    assert changed == ['"second"']
    assert cancelled == ['"hang"']
    reply = next(event for event in log.events if isinstance(event, ReplyReceived))
    assert (reply.text, len(reply.calls), reply.restarts) == ("I think.", 2, 1)
    ended = next(event for event in log.events if isinstance(event, TurnEnded))
    assert [(r.call_id, r.text) for r in ended.results] == [("c1", "found"), ("c2", "changed")]


async def test_a_stream_that_ends_without_its_end_is_a_failure_of_the_model() -> None:
    async def truncated(_: ModelRequest) -> AsyncIterator[StreamItem]:
        yield TextDelta("I thi")

    log = MemoryLog(STARTED)
    await work(agent(Streams([truncated]), log=log))
    assert end_of(log) == (
        AgentOutcome.FAILED,
        "streams ended its reply without saying so; nothing of it was used",
    )


async def test_a_refused_request_fails_the_agent_with_the_models_words_and_ends_its_reads() -> None:
    refused = Refuse("401 at https://model.example: check API_KEY \udcff", after=(CallReady(LOOK),))

    async def forever(_: str) -> str:
        await asyncio.Event().wait()
        return ""

    log = MemoryLog(STARTED)
    await work(agent(scripted(refused), probe("look", forever), log=log))
    assert end_of(log) == (AgentOutcome.FAILED, "401 at https://model.example: check API_KEY ?")


async def test_a_model_that_never_answers_is_named_with_what_to_check() -> None:
    log = MemoryLog(STARTED)
    await work(agent(scripted(Silence()), log=log, seconds=0.05))
    assert end_of(log) == (
        AgentOutcome.FAILED,
        "scripted did not answer within 0.05 s; check BASE_URL and MODEL",
    )


async def test_a_model_that_falls_silent_later_runs_into_the_agents_limit() -> None:
    log = MemoryLog(STARTED)
    await work(agent(scripted(Reply(calls=(("look", {}),)), Silence()), LOOKING, log=log, seconds=0.5))
    assert end_of(log) == (
        AgentOutcome.TIMED_OUT,
        "the limit of 0.5 s was reached in turn 2, waiting for the model",
    )


async def test_a_tool_that_outlives_the_agents_limit_is_cancelled_and_its_call_answered() -> None:
    cancelled = asyncio.Event()

    async def hang(_: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return ""

    log = MemoryLog(STARTED)
    model = scripted(Reply(calls=(("hang", {}), ("hang", {}))), DONE)
    await work(agent(model, probe("hang", hang, Reach.RUN), log=log, seconds=0.5))
    assert end_of(log) == (
        AgentOutcome.TIMED_OUT,
        "the limit of 0.5 s was reached in turn 1, carrying out tools",
    )
    assert cancelled.is_set()
    told = (ToolMessage("code-1-1", BEGUN), ToolMessage("code-1-2", NOT_BEGUN))
    assert log.state.messages[-2:] == told, "what was begun may have been done"
    log.note()
    await work(agent(model, probe("hang", hang, Reach.RUN), log=log))
    assert end_of(log)[0] is AgentOutcome.SUBMITTED, "a woken agent goes on in a well-formed conversation"


@pytest.mark.parametrize(
    ("reach", "more"),
    [
        (Reach.READ, ""),
        (Reach.OUTSIDE, " It may have been carried out nonetheless: look before you rely on it."),
    ],
)
async def test_a_hanging_tool_is_ended_at_its_own_limit_and_the_agent_goes_on(
    reach: Reach, more: str
) -> None:
    async def hang(_: str) -> str:
        await asyncio.Event().wait()
        return ""

    log = MemoryLog(STARTED)
    await work(
        agent(scripted(Reply(calls=(("hang", {}),)), DONE), probe("hang", hang, reach, seconds=0.01), log=log)
    )
    assert end_of(log)[0] is AgentOutcome.SUBMITTED
    [hung, _] = [m.text for m in log.state.messages if isinstance(m, ToolMessage)]
    assert hung == f"hang was ended: it had not finished after 0.01 s.{more}"


class SlowDisk(MemoryLog):
    """The first event of some kind is not on disk before the agent's limit."""

    def __init__(self, slow_for: str) -> None:
        super().__init__(STARTED)
        self.slow_for = slow_for

    async def append(self, *events: AgentEvent) -> None:
        self.post(*events)
        if events[0].kind == self.slow_for:
            self.slow_for = ""
            await asyncio.Event().wait()


@pytest.mark.parametrize("slow_for", ["turn_ended", "agent_ended"])
async def test_a_result_that_was_handed_in_is_not_lost_to_the_limit(slow_for: str) -> None:
    log = SlowDisk(slow_for)
    await work(agent(scripted(DONE), log=log, seconds=0.5))
    assert log.state.output == '{"answer":42}'
    assert kinds(log).count("agent_ended") == 1


async def test_the_turn_limit_ends_the_agent() -> None:
    log = MemoryLog(STARTED)
    model = scripted(*[Reply(calls=(("look", {}),))] * 5)
    await work(agent(model, LOOKING, log=log, turns=3))
    assert end_of(log) == (
        AgentOutcome.TURN_LIMIT,
        "the limit of 3 turns was reached without a result",
    )
    assert len(model.requests) == 3


async def test_a_result_in_the_last_turn_counts() -> None:
    log = MemoryLog(STARTED)
    await work(agent(scripted(Reply(calls=(("look", {}),)), DONE), LOOKING, log=log, turns=2))
    assert end_of(log)[0] is AgentOutcome.SUBMITTED


async def test_an_idle_agent_is_nudged_and_then_ended_and_not_woken_by_its_own_nudge() -> None:
    log = MemoryLog(STARTED)
    model = scripted(*[Reply("Hm.")] * 10)
    await work(agent(model, log=log))
    assert end_of(log) == (AgentOutcome.IDLE, "3 replies in a row without calling any tool")
    assert len(model.requests) == IDLE_REPLIES
    assert "Your reply called no tool." in last_words(model.requests[1])
    assert "call submit when you are done" in last_words(model.requests[1])


async def test_an_agent_that_is_idle_in_its_last_turn_ends_there() -> None:
    log = MemoryLog(STARTED)
    model = scripted(*[Reply("Hm.")] * 10)
    await work(agent(model, log=log, turns=2))
    assert end_of(log)[0] is AgentOutcome.TURN_LIMIT
    assert len(model.requests) == 2


async def test_a_nudge_that_is_heard_saves_the_agent() -> None:
    log = MemoryLog(STARTED)
    await work(agent(scripted(Reply("Hm."), Reply("Well."), DONE), log=log))
    assert end_of(log)[0] is AgentOutcome.SUBMITTED


@pytest.mark.parametrize(
    ("finish_reason", "says"),
    [
        ("length", "Your reply was cut off at the limit of output tokens"),
        ("content_filter", "withheld by the provider's content filter"),
        ("stop", "Your reply called no tool."),
    ],
)
async def test_a_nudge_says_why(finish_reason: str, says: str) -> None:
    model = scripted(Reply("Hm.", finish_reason=finish_reason), DONE)
    await work(agent(model))
    assert says in last_words(model.requests[1])


async def test_unknown_tools_and_invalid_arguments_are_answered_and_the_agent_goes_on() -> None:
    log = MemoryLog(STARTED)
    model = scripted(Reply(calls=(("lok", {}), ("submit", '{"answer": '), ("look", "\ud800"))), DONE)
    await work(agent(model, LOOKING, log=log))
    assert end_of(log)[0] is AgentOutcome.SUBMITTED
    unknown, invalid, odd, _ = [m.text for m in log.state.messages if isinstance(m, ToolMessage)]
    assert unknown == "There is no tool 'lok'. You have: look, submit."
    assert invalid.startswith("The result was not accepted:\n- the arguments are not valid JSON")
    assert odd == "got ?"


def note_during(log: MemoryLog, turn: int) -> Callable[[ModelRequest], Reply]:
    """A reply that submits, during which a note comes in."""

    def reply(_: ModelRequest) -> Reply:
        if log.state.turn == turn:
            log.note()
        return DONE

    return reply


async def test_a_result_beside_an_unread_note_is_not_taken() -> None:
    log = MemoryLog(STARTED)
    model = scripted(note_during(log, 1), DONE)
    await work(agent(model, log=log))
    assert end_of(log)[0] is AgentOutcome.SUBMITTED
    assert kinds(log).count("agent_ended") == 1
    assert len(model.requests) == 2
    assert last_words(model.requests[1]).startswith(NOT_TAKEN)
    assert "Look there." in last_words(model.requests[1])


async def test_a_note_after_the_end_wakes_the_agent_for_a_stint_of_its_own() -> None:
    log = MemoryLog(STARTED)
    model = scripted(Reply(calls=(("look", {}),)), DONE, Reply(calls=(("look", {}),)), DONE)
    working = agent(model, LOOKING, log=log, turns=2)
    await work(working)
    await work(working)
    assert len(model.requests) == 2, "nothing happens without a note"
    log.note("A person asks for more.", Source.PERSON)
    await work(working)
    assert len(model.requests) == 4
    assert "A person asks for more." in last_words(model.requests[2])
    assert [e.outcome for e in log.events if isinstance(e, AgentEnded)] == [AgentOutcome.SUBMITTED] * 2


async def test_a_failed_agent_goes_on_when_it_is_told_to() -> None:
    log = MemoryLog(STARTED)
    model = scripted(Reply(calls=(("look", {}),)), Refuse("503"), DONE)
    await work(agent(model, LOOKING, log=log))
    assert end_of(log) == (AgentOutcome.FAILED, "503")
    log.note("Go on.", Source.ANTON)
    await work(agent(model, LOOKING, log=log))
    assert end_of(log)[0] is AgentOutcome.SUBMITTED


SCRIPT = (
    Reply("I look.", (("look", {"n": 1}), ("look", {"n": 2}))),
    Cut(after=(TextDelta("I ch"),)),
    Reply("I change.", (("change", {}), ("look", {"n": 3}))),
    Reply("Hm."),
    Reply(calls=(("submit", "{}"),)),
    DONE,
)


async def test_from_wherever_it_was_cut_off_an_agent_comes_to_the_same_end() -> None:
    tools = (LOOKING, probe("change", echo, Reach.WRITE))
    whole = MemoryLog(STARTED)
    await work(agent(scripted(*SCRIPT), *tools, log=whole))
    assert whole.state.output == '{"answer":42}'
    for cut in whole.cuts[:-1]:
        log = MemoryLog(*whole.events[:cut])
        paid = sum(isinstance(event, ReplyReceived) for event in log.events)
        model = scripted(*SCRIPT)
        await work(agent(model, *tools, log=log))
        assert log.state.messages == whole.state.messages, f"cut after event {cut}"
        assert log.state.output == whole.state.output
        assert log.state.turn == whole.state.turn
        assert len(model.requests) == 5 - paid, "a reply that is journaled is not asked for again"


async def test_a_journaled_reply_is_acted_on_without_asking_again() -> None:
    reply = ReplyReceived(
        "code", 1, "", (ToolCall("c1", "submit", '{"answer": 42}'),), Usage(), 0.0, "m", "tool_calls", 1.0
    )
    log = MemoryLog(STARTED, TurnStarted("code", 1), reply)
    model = scripted()
    await work(agent(model, log=log))
    assert log.state.output == '{"answer":42}'
    assert model.requests == []


async def test_the_worktree_is_kept_at_first_and_after_each_turn_that_could_change_it() -> None:
    trees = iter("abc")

    async def keep() -> str | None:
        return next(trees)

    log = MemoryLog(STARTED)
    looks, changes = Reply(calls=(("look", {}),)), Reply(calls=(("change", {}),))
    tools = (LOOKING, probe("change", echo, Reach.WRITE))
    await work(agent(scripted(looks, looks, changes, looks, DONE), *tools, log=log, checkpoint=keep))
    assert [event.checkpoint for event in log.events if isinstance(event, TurnEnded)] == list("aabbb")
    assert log.state.checkpoint == "b"


async def test_what_a_stint_cut_short_left_in_the_worktree_is_kept_by_the_next() -> None:
    trees = iter("ab")

    async def keep() -> str | None:
        return next(trees)

    async def change_and_hang(_: str) -> str:
        await asyncio.Event().wait()
        return ""

    log = MemoryLog(STARTED)
    changes, looks = Reply(calls=(("change", {}),)), Reply(calls=(("look", {}),))
    tools = (LOOKING, probe("change", change_and_hang, Reach.WRITE))
    working = agent(scripted(changes, looks, DONE), *tools, log=log, checkpoint=keep, seconds=0.1)
    await work(working)
    assert log.state.checkpoint is None
    log.post(NotePosted("code", Note(Source.PERSON, "Go on.")))
    await work(replace(working, spec=replace(working.spec, seconds=60.0)))
    assert log.state.checkpoint == "a"


async def test_a_turn_whose_worktree_cannot_be_kept_is_not_ended() -> None:
    async def fail() -> str | None:
        raise OutsideError("the disk is full")

    log = MemoryLog(STARTED)
    with pytest.raises(ExceptionGroup) as group:
        await work(agent(scripted(DONE), log=log, checkpoint=fail))
    assert group.group_contains(OutsideError, match="the disk is full")
    assert log.state.reply is not None, "it is acted on when the agent goes on"


async def test_a_worktree_that_could_not_be_kept_is_kept_after_the_next_turn() -> None:
    kept = iter([None, "tree"])

    async def checkpoint() -> str | None:
        return next(kept)

    log, change = MemoryLog(STARTED), probe("change", echo, Reach.WRITE)
    await work(agent(scripted(Reply(calls=(("change", {}),)), DONE), change, log=log, checkpoint=checkpoint))
    assert [event.checkpoint for event in log.events if isinstance(event, TurnEnded)] == [None, "tree"]
    assert log.state.checkpoint == "tree"


async def test_a_note_that_the_checkpoint_posts_is_heard_before_the_result_is_taken() -> None:
    log = MemoryLog(STARTED)
    words = ["Your worktree cannot be kept."]

    async def keep() -> str | None:
        if words:
            log.note(words.pop(), Source.ANTON)
        return None

    model = scripted(DONE, DONE)
    await work(agent(model, log=log, checkpoint=keep))
    assert "Your worktree cannot be kept." in last_words(model.requests[1])
    assert end_of(log)[0] is AgentOutcome.SUBMITTED


async def test_cancellation_passes_through_and_ends_nothing() -> None:
    begun = asyncio.Event()

    async def hang(_: str) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    log = MemoryLog(STARTED)
    model = scripted(Reply(calls=(("hang", {}),)))
    working = asyncio.create_task(work(agent(model, probe("hang", hang, Reach.RUN), log=log)))
    await begun.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert log.state.ended is None
    assert log.state.reply is not None


async def test_the_request_holds_the_conversation_and_the_tools_and_only_grows() -> None:
    model = scripted(Reply(calls=(("look", {}),)), Reply("Hm."), DONE)
    await work(agent(model, LOOKING))
    assert [spec.name for spec in model.requests[0].tools] == ["look", "submit"]
    for earlier, later in zip(model.requests, model.requests[1:], strict=False):
        assert later.messages[: len(earlier.messages)] == earlier.messages
        assert later.tools == earlier.tools
    calls = [c.id for m in model.requests[-1].messages if isinstance(m, AssistantMessage) for c in m.calls]
    assert calls == [m.call_id for m in model.requests[-1].messages if isinstance(m, ToolMessage)]


async def test_the_request_names_the_agents_own_model_and_effort_and_the_reply_who_gave_it() -> None:
    async def stands_in(_: ModelRequest) -> AsyncIterator[StreamItem]:
        yield CallReady(ToolCall("c1", "submit", '{"answer": 42}'))
        yield ReplyEnded(Usage(), "tool_calls", "small", instead_of="big")

    log, model = MemoryLog(STARTED), Streams([stands_in])
    made = agent(model, log=log)
    await work(replace(made, spec=replace(made.spec, model="big", reasoning_effort="low")))
    assert [(asked.model, asked.reasoning_effort) for asked in model.asked] == [("big", "low")]
    reply = next(event for event in log.events if isinstance(event, ReplyReceived))
    assert (reply.model, reply.instead_of, log.state.stand_in) == ("small", "big", "small")


async def test_a_tool_that_starts_is_announced_with_what_it_is_about() -> None:
    log = MemoryLog(STARTED)
    model = scripted(Reply(calls=(("look", {"path": "src/\x1b[31mapp.py"}),)), DONE)
    await work(agent(model, LOOKING, log=log))
    started = [event for event in log.events if isinstance(event, ToolStarted)]
    assert [(event.turn, event.name, event.summary) for event in started] == [
        (1, "look", "src/app.py"),
        (2, "submit", ""),
    ]
    assert not [event for event in log.events if isinstance(event, NotePosted)]


async def test_an_agent_in_a_circle_is_told_and_then_ended_well_before_its_limit() -> None:
    log = MemoryLog(STARTED)
    model = scripted(*[Reply(calls=(("look", {}),))] * 15)
    await work(agent(model, LOOKING, log=log, turns=15))
    assert end_of(log) == (
        AgentOutcome.LOOPING,
        "it went round in circles, look: 3 times with the same result",
    )
    assert len(model.requests) == 6
    assert "You are going round in circles: look" in last_words(model.requests[3])


async def test_an_agent_that_leaves_its_circle_goes_on() -> None:
    log = MemoryLog(STARTED)
    await work(agent(scripted(*[Reply(calls=(("look", {}),))] * 3, DONE), LOOKING, log=log))
    assert end_of(log)[0] is AgentOutcome.SUBMITTED


async def test_a_conversation_rests_with_its_answer_and_is_not_nudged() -> None:
    log = MemoryLog(STARTED)
    talker = agent(scripted(Reply(text="Hello."), Reply(text="Well.")), log=log)
    talker = replace(talker, spec=replace(talker.spec, conversational=True))
    await work(talker)
    assert end_of(log) == (AgentOutcome.ANSWERED, "")
    assert log.state.notes == ()
    log.note("How are you?", Source.PERSON)
    await work(talker)
    assert log.state.messages[-1] == AssistantMessage("Well.")
