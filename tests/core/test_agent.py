"""What an agent does next, and what its events make of it."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from pydantic import BaseModel

from anton.core.agent import (
    IDLE_REPLIES,
    NOT_TAKEN,
    Act,
    AgentSpec,
    AgentState,
    End,
    Rest,
    Step,
    Think,
    apply,
    next_step,
)
from anton.core.event import (
    AgentEnded,
    AgentEvent,
    AgentOutcome,
    AgentStarted,
    Note,
    NotePosted,
    ReplyReceived,
    Source,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from anton.core.message import AssistantMessage, SystemMessage, ToolCall, ToolMessage, Usage, UserMessage
from anton.core.tool import ToolResult


class Output(BaseModel):
    """What the agent of these tests hands in."""


SPEC = AgentSpec("code", "You are.", ("grep",), Output, turns=5, seconds=60)
CALL = ToolCall("c1", "grep", "{}")
REPLY = ReplyReceived("code", 1, "", (CALL,), Usage(10, 4, 2), 0.5, "m", "tool_calls", 1.0)
IDLE = replace(REPLY, calls=(), text="Hm.")
NOTE = Note(Source.TRIAGE, "Look there.")
STARTED = AgentStarted("code", "m", "You are.", "Fix it.", ("grep",))
ENDED = AgentEnded("code", AgentOutcome.SUBMITTED, "{}")
SPENT = End(AgentOutcome.TURN_LIMIT, "the limit of 5 turns was reached without a result")
FRESH = AgentState("code")


def told(*events: AgentEvent, state: AgentState = FRESH) -> AgentState:
    return reduce(apply, events, state)


TALK = replace(SPEC, conversational=True)


def turn(number: int, *, submission: str | None = None, notes_read: int = 0) -> tuple[AgentEvent, ...]:
    result = ToolResult("c1", "grep", "found")
    return (
        TurnStarted("code", number, notes_read),
        replace(REPLY, turn=number),
        TurnEnded("code", number, (result,), "t" * 40, submission, 0.5),
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (FRESH, Think()),
        (replace(FRESH, asking=True, stint_turns=5), Think()),  # the last turn was cut: it is asked for anew
        (replace(FRESH, stint_turns=5), SPENT),
        (replace(FRESH, stint_turns=5, notes=(NOTE,)), SPENT),
        (replace(FRESH, reply=REPLY, stint_turns=5), Act(REPLY)),
        (replace(FRESH, reply=IDLE, idle_replies=IDLE_REPLIES), Act(IDLE)),
        (
            replace(FRESH, idle_replies=IDLE_REPLIES),
            End(AgentOutcome.IDLE, "3 replies in a row without calling any tool"),
        ),
        (replace(FRESH, idle_replies=IDLE_REPLIES - 1), Think()),
        (
            replace(FRESH, submission="{}", stint_turns=5, idle_replies=IDLE_REPLIES),
            End(AgentOutcome.SUBMITTED, output="{}"),
        ),
        (replace(FRESH, submission="{}", notes=(NOTE,)), Think()),
        (replace(FRESH, submission="{}", notes=(NOTE,), read=1), End(AgentOutcome.SUBMITTED, output="{}")),
        (replace(FRESH, ended=ENDED), Rest()),
        (replace(FRESH, ended=ENDED, notes=(NOTE,), read=1), Rest()),
        (replace(FRESH, ended=ENDED, notes=(NOTE,)), Think()),
        (
            replace(FRESH, ended=ENDED, notes=(NOTE,), stint_turns=5, idle_replies=IDLE_REPLIES),
            Think(),
        ),  # a note begins a stint of its own
    ],
)
def test_the_next_step_follows_from_the_state_alone(state: AgentState, expected: Step) -> None:
    assert next_step(state, SPEC) == expected


def test_a_note_that_is_posted_is_not_read_until_a_turn_brings_it() -> None:
    posted = told(STARTED, NotePosted("code", NOTE))
    assert posted.unread == (NOTE,)
    assert posted.messages == (SystemMessage("You are."), UserMessage("Fix it."))
    read = told(TurnStarted("code", 1, 1), state=posted)
    assert read.unread == ()
    assert read.messages[-1] == UserMessage(NOTE.as_prompt())


def test_a_turn_brings_no_more_notes_than_it_says() -> None:
    later = Note(Source.PERSON, "And there.")
    state = told(STARTED, NotePosted("code", NOTE), NotePosted("code", later), TurnStarted("code", 1, 1))
    assert state.unread == (later,)
    assert told(*turn(2, notes_read=1), state=state).unread == ()


def test_a_submission_beside_an_unread_note_is_not_taken_and_the_agent_is_told_so() -> None:
    handed_in = told(STARTED, *turn(1, submission='{"x": 1}'), NotePosted("code", NOTE))
    assert next_step(handed_in, SPEC) == Think()
    asked = told(TurnStarted("code", 2, 1), state=handed_in)
    assert asked.submission is None
    assert asked.messages[-1] == UserMessage(f"{NOT_TAKEN}\n\n{NOTE.as_prompt()}")


def test_a_woken_agent_begins_a_stint_with_all_its_turns_and_seconds() -> None:
    state = told(STARTED, *turn(1), *turn(2, submission="{}"), ENDED, NotePosted("code", NOTE))
    assert (state.stint_turns, state.stint_seconds) == (2, 3.0)
    woken = told(TurnStarted("code", 3, 1), state=state)
    assert (woken.turn, woken.stint_turns, woken.stint_seconds, woken.ended) == (3, 1, 0.0, None)
    assert woken.output is None
    assert woken.usage == Usage(20, 8, 4)


def test_a_turn_that_is_asked_for_anew_after_a_crash_counts_once() -> None:
    cut = told(STARTED, *turn(1), TurnStarted("code", 2))
    again = told(TurnStarted("code", 2), state=cut)
    assert (again.turn, again.stint_turns) == (2, 2)


def test_what_a_cut_turn_had_begun_is_not_under_way_in_the_next() -> None:
    cut = told(STARTED, TurnStarted("code", 1), ToolStarted("code", 1, "c1", "grep", "x"))
    assert told(TurnStarted("code", 1), state=cut).tools_running == ()


def test_a_call_has_a_result_even_where_time_ran_out_before_it_was_carried_out() -> None:
    timed_out = AgentEnded("code", AgentOutcome.TIMED_OUT, None, "the limit was reached")
    two = replace(REPLY, calls=(CALL, ToolCall("c2", "glob", "{}")))
    state = told(STARTED, TurnStarted("code", 1), two, ToolStarted("code", 1, "c1", "grep", "x"), timed_out)
    assert state.reply is None
    assert state.tools_running == ()
    answered = [message.call_id for message in state.messages if isinstance(message, ToolMessage)]
    assert answered == ["c1", "c2"]
    assert isinstance(state.messages[-3], AssistantMessage)


def test_idle_replies_count_only_in_a_row() -> None:
    def idle(number: int) -> tuple[AgentEvent, ...]:
        return (TurnStarted("code", number), IDLE, TurnEnded("code", number, (), None, None, 0.0))

    assert told(STARTED, *idle(1), *idle(2)).idle_replies == 2
    assert told(STARTED, *idle(1), *idle(2), *turn(3)).idle_replies == 0
    assert told(STARTED, *idle(1), *turn(2), *idle(3)).idle_replies == 1


@pytest.mark.parametrize("outcome", [each for each in AgentOutcome if each is not AgentOutcome.INTERRUPTED])
def test_what_anton_says_of_a_stint_ends_with_it_and_wakes_nobody(outcome: AgentOutcome) -> None:
    nudge = NotePosted("code", Note(Source.ANTON, "Your reply called no tool."))
    ended = AgentEnded("code", outcome, None)
    assert next_step(told(STARTED, *turn(1), nudge, ended), SPEC) == Rest()
    assert next_step(told(STARTED, *turn(1), nudge, NotePosted("code", NOTE), ended), SPEC) == Think()
    assert next_step(told(STARTED, *turn(1), ended, nudge), SPEC) == Think(), "said after the end, it wakes"


def test_the_last_checkpoint_stays_where_a_turn_brings_none() -> None:
    without = TurnEnded("code", 2, (), None, None, 0.0)
    assert told(STARTED, *turn(1), without).checkpoint == "t" * 40


def test_in_a_conversation_a_reply_without_calls_ends_the_exchange() -> None:
    answered = told(STARTED, TurnStarted("code", 1), IDLE, TurnEnded("code", 1, (), None, None, 0.1))
    assert next_step(answered, TALK) == End(AgentOutcome.ANSWERED)
    assert next_step(answered, SPEC) == Think()


def test_in_a_conversation_a_word_that_came_meanwhile_is_answered_first() -> None:
    said = NotePosted("code", Note(Source.PERSON, "And now?"))
    state = told(STARTED, TurnStarted("code", 1), IDLE, TurnEnded("code", 1, (), None, None, 0.1), said)
    assert next_step(state, TALK) == Think()


def test_a_word_of_the_person_wakes_a_conversation_that_rests() -> None:
    resting = told(STARTED, AgentEnded("code", AgentOutcome.ANSWERED, None))
    assert next_step(resting, TALK) == Rest()
    woken = told(NotePosted("code", Note(Source.PERSON, "Go on.")), state=resting)
    assert next_step(woken, TALK) == Think()
