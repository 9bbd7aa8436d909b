"""A conversation that goes back to a point, and one whose answer was cut short."""

from __future__ import annotations

from dataclasses import replace

from anton.core.agent import AgentSpec, AgentState, Rest, Think, apply, next_step
from anton.core.event import (
    AgentEnded,
    AgentEvent,
    AgentOutcome,
    AgentStarted,
    Note,
    NotePosted,
    ReplyReceived,
    Source,
    TurnEnded,
    TurnStarted,
)
from anton.core.message import ToolCall, Usage, UserMessage
from anton.core.permission import Policy
from anton.core.report import CodeReport
from anton.core.turning import CheckpointMade, CheckpointRestored, ModelChosen, PolicyChosen

SPEC = AgentSpec("chat", "You are.", (), CodeReport, 5, 60, conversational=True)
STARTED = AgentStarted("chat", "m", "You are.", "Here.", ())
ANSWERED = AgentEnded("chat", AgentOutcome.ANSWERED, None)


def told(*events: AgentEvent) -> AgentState:
    state = AgentState("chat")
    for event in events:
        state = apply(state, event)
    return state


def said(text: str) -> NotePosted:
    return NotePosted("chat", Note(Source.PERSON, text))


def exchange(turn: int, text: str, tree: str | None = None) -> tuple[AgentEvent, ...]:
    reply = ReplyReceived("chat", turn, f"To {text}", (), Usage(3, 0, 2), 0.5, "m", "stop", 1.0)
    ended = TurnEnded("chat", turn, (), tree, None, 0.0)
    return said(text), TurnStarted("chat", turn, 1), reply, ended, ANSWERED


def test_a_restored_conversation_is_what_it_was_and_has_spent_what_it_spent() -> None:
    first = (STARTED, *exchange(1, "one", "t1"))
    mark, restored = CheckpointMade("chat", "here"), CheckpointRestored("chat", "here")
    before, after = told(*first), told(*first, mark, *exchange(2, "two", "t2"), restored)
    assert (after.messages, after.checkpoint, after.notes) == (before.messages, "t1", before.notes)
    assert (after.turn, after.cost_dollars, after.usage.input_tokens) == (2, 1.0, 6)
    assert next_step(after, SPEC) == Rest()
    assert next_step(apply(after, said("three")), SPEC) == Think()


def test_what_came_after_a_checkpoint_can_be_gone_forward_to_again() -> None:
    marks = CheckpointMade("chat", "a"), CheckpointMade("chat", "b")
    whole = told(STARTED, marks[0], *exchange(1, "one", "t2"), marks[1])
    back = apply(whole, CheckpointRestored("chat", "a"))
    assert (len(back.messages), back.checkpoint, back.notes) == (2, None, ())
    assert apply(back, CheckpointRestored("chat", "b")).messages == whole.messages


def test_a_checkpoint_without_a_name_that_was_given_changes_nothing() -> None:
    state = told(STARTED, *exchange(1, "one"))
    assert apply(state, CheckpointRestored("chat", "nowhere")) == state


def test_what_a_person_chose_is_not_taken_back() -> None:
    chosen = ModelChosen("chat", "m2"), PolicyChosen("chat", Policy.YOLO)
    state = told(STARTED, CheckpointMade("chat", "a"), *chosen, CheckpointRestored("chat", "a"))
    assert (state.chosen_model, state.chosen_policy) == ("m2", Policy.YOLO)


def test_a_word_whose_answer_was_interrupted_before_it_was_read_stands_above_the_next() -> None:
    cut = AgentEnded("chat", AgentOutcome.INTERRUPTED, None)
    state = told(STARTED, *exchange(1, "one"), said("Stop me."), cut)
    assert next_step(state, SPEC) == Rest()
    assert isinstance(last := state.messages[-1], UserMessage)
    assert "Stop me." in last.text


def test_calls_of_an_interrupted_answer_have_results() -> None:
    call = ToolCall("c1", "shell", "{}")
    reply = ReplyReceived("chat", 1, "", (call,), Usage(), None, "m", "tool_calls", 1.0)
    cut = AgentEnded("chat", AgentOutcome.INTERRUPTED, None)
    state = told(STARTED, said("Go."), TurnStarted("chat", 1, 1), reply, cut)
    assert [type(message).__name__ for message in state.messages[-2:]] == ["AssistantMessage", "ToolMessage"]
    assert next_step(replace(state, ended=state.ended), SPEC) == Rest()
