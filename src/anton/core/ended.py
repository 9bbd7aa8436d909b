"""How an agent is left when its stint ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anton.core.event import AgentEnded, AgentOutcome, Source
from anton.core.message import AssistantMessage, Message, ToolMessage, UserMessage

if TYPE_CHECKING:  # the state is folded with this
    from anton.core.agent import AgentState

RESTED = frozenset({AgentOutcome.SUBMITTED, AgentOutcome.ANSWERED, AgentOutcome.INTERRUPTED})
"""Ends that are no failure."""
NOT_BEGUN = "Not carried out: the time for this stint was over."
BEGUN = (
    "The time for this stint was over: this call was begun, and may have been carried out, in part or not at "
    "all. Look before you rely on it."
)


def ended(state: AgentState, event: AgentEnded) -> AgentState:
    """The state after the end of a stint: it rests, and its conversation can go on later."""
    told, read = _left_unread(state, event)
    return replace(
        state,
        messages=(*state.messages, *_unanswered(state), *_begun(state, event), *told),
        read=read,
        ended=event,
        asking=False,
        reply=None,
        submission=None,
        tools_running=(),
    )


def _left_unread(state: AgentState, event: AgentEnded) -> tuple[tuple[Message, ...], int]:
    """What stands in the conversation of notes that no turn brought, and how many count as read.

    What Anton says of a stint, such as a nudge in its last turn, ends with it and begins no other. A person's
    words whose answer they cut short begin no other either: the model finds them above what they say next.
    """
    if event.outcome is AgentOutcome.INTERRUPTED and state.unread:
        heard = UserMessage("\n\n".join(note.as_prompt() for note in state.unread))
        return (heard,), len(state.notes)
    from_colleagues = any(note.source is not Source.ANTON for note in state.unread)
    return (), state.read if from_colleagues else len(state.notes)


def _begun(state: AgentState, event: AgentEnded) -> tuple[Message, ...]:
    """What a person had read of a reply when they interrupted it: their next words may be about that."""
    if event.outcome is not AgentOutcome.INTERRUPTED or not state.asking or not event.detail:
        return ()
    return (AssistantMessage(f"{event.detail}\n[The person interrupted this reply.]"),)


def _unanswered(state: AgentState) -> tuple[Message, ...]:
    """A call is never left without a result: a conversation that goes on later must be well-formed."""
    begun = {started.call_id for started in state.tools_running}
    calls = state.reply.calls if state.reply else ()
    return tuple(ToolMessage(call.id, BEGUN if call.id in begun else NOT_BEGUN) for call in calls)
