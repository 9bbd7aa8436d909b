"""A conversation as it reads afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from anton.core.event import (
    AgentEnded,
    AgentOutcome,
    Entry,
    Event,
    Note,
    NotePosted,
    ReplyReceived,
    RunReceived,
    Source,
    TurnEnded,
)
from anton.core.message import ToolCall, Usage
from anton.core.permission import Policy
from anton.core.question import Question, QuestionAnswered, QuestionAsked
from anton.core.ticket import Ticket
from anton.core.tool import ToolResult
from anton.core.turning import CheckpointMade, CheckpointRestored, ModelChosen, PolicyChosen
from anton.views.conversation import Exchange, exchanges, transcript

AT = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
BEGUN = RunReceived(Ticket("CHAT-1", "Conversation", "", "Jo", "cli"), "/srv/app", "", "", "", "Jo")


def written(*events: Event) -> Sequence[Entry]:
    return [Entry("t1", number, AT, event) for number, event in enumerate(events, 1)]


def said(text: str) -> Event:
    return NotePosted("chat", Note(Source.PERSON, text))


def replied(text: str, *calls: ToolCall) -> Event:
    return ReplyReceived("chat", 1, text, calls, Usage(), None, "m", "stop", 1.0)


def test_what_was_taken_back_is_not_shown_again() -> None:
    entries = written(
        BEGUN,
        said("One."),
        replied("First."),
        CheckpointMade("chat", "c1"),
        said("Two."),
        replied("Second."),
        CheckpointRestored("chat", "c1"),
        said("Three."),
    )
    assert exchanges(entries) == (Exchange("One.", "First."), Exchange("Three."))


def test_the_whole_conversation_is_written_down() -> None:
    call = ToolCall("c1", "shell", '{"command": "rm -rf x"}')
    entries = written(
        BEGUN,
        said("Clean up."),
        replied("I will.", call),
        QuestionAsked(
            "chat", Question("q1", "chat", "May this call be made?", "rm -rf x", "it is dangerous")
        ),
        QuestionAnswered("chat", "q1", "terminal:jo", "not today", allowed=False),
        TurnEnded("chat", 1, (ToolResult("c1", "shell", "not made", failed=True),), None, None, 0.0),
        PolicyChosen("chat", Policy.YOLO),
        ModelChosen("chat", "m2"),
        AgentEnded("chat", AgentOutcome.INTERRUPTED, None, "I was"),
    )
    assert transcript(entries) == (
        "# Conversation t1\n\n"
        "About `/srv/app`, begun on 2026-11-26 at 02:00 UTC.\n\n"
        "## You\n\nClean up.\n\n"
        "## Anton\n\nI will.\n\n"
        'Calls **shell**:\n\n```\n{"command": "rm -rf x"}\n```\n\n'
        "> May this call be made? it is dangerous\n\n```\nrm -rf x\n```\n\n"
        "> terminal:jo: no, not today\n\n"
        "**shell** failed:\n\n```\nnot made\n```\n\n"
        "*the policy is yolo from here on*\n\n"
        "*the model is m2 from here on*\n\n"
        "## Anton\n\nI was\n\n"
        "*Interrupted.*\n"
    )


@given(st.text(alphabet="`~a \n", max_size=60))
def test_no_output_ends_the_block_that_it_stands_in(text: str) -> None:
    entries = written(BEGUN, TurnEnded("chat", 1, (ToolResult("c1", "grep", text),), None, None, 0.0))
    block = transcript(entries).partition("brought:\n\n")[2].rstrip("\n")
    fence, *inside, end = block.split("\n")
    assert fence == end
    assert not any(line.strip().startswith(fence) for line in inside)
