"""One agent: what it is, where it stands, and what it does next.

    Think ──reply──► Act ──results──► Think … ──submission, no unread note──► End ──note──► Think …

`next_step` decides from the journaled state alone, at the top of the loop; the same function therefore serves
a fresh start, the next turn, and a start after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, get_args

from pydantic import BaseModel

from anton.core.context import FULL_SHARE, Measure, cut_point, summarised, thinned
from anton.core.ended import ended
from anton.core.event import (
    AgentEnded,
    AgentEvent,
    AgentOutcome,
    AgentStarted,
    ConversationCompressed,
    HookFailed,
    Note,
    NotePosted,
    ReplyReceived,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from anton.core.memory import proposed_after
from anton.core.message import AssistantMessage, Message, SystemMessage, ToolMessage, Usage, UserMessage
from anton.core.permission import Policy
from anton.core.question import Question, QuestionAnswered, QuestionAsked
from anton.core.repetition import find_repetition
from anton.core.shell import folder_after
from anton.core.turned import turned
from anton.core.turning import CheckpointMade, CheckpointRestored, ModelChosen, PolicyChosen

AgentName = Literal["triage", "code", "test", "pr"]
AGENTS: tuple[AgentName, ...] = get_args(AgentName)
"""In the order in which they are shown."""
WITNESSES: tuple[AgentName, ...] = ("code", "test")
"""They work from the ticket, never see each other's work, and the proof is about what they made.

A person's request for changes reaches them at once."""
WRITER: AgentName = "pr"
"""Retells what the others made; it hears of them once both witnesses have handed in."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one stint; a stint begins at the start and with each note that wakes the agent."""

    turns: int
    """Replies."""
    seconds: float


LIMITS: Mapping[AgentName, Limits] = MappingProxyType(
    {
        "triage": Limits(5, 60),
        "code": Limits(15, 180),
        "test": Limits(20, 300),
        "pr": Limits(5, 60),
    }
)
"""By agent, where the settings say nothing else."""

CHAT = "chat"
"""Who talks with a person at the keyboard."""
CHAT_LIMITS = Limits(30, 600)
"""For one answer, where the settings say nothing else."""
DELEGATE_LIMITS: Mapping[str, Limits] = MappingProxyType(
    {"investigator": Limits(10, 120), "reviewer": Limits(8, 120)}
)
"""By kind, for one task, where the settings say nothing else."""
MAX_DELEGATE_SECONDS = 3_600.0
"""Of one task, whatever the settings say."""

IDLE_REPLIES = 3
"""Replies in a row without any call after which an agent is ended."""
CIRCLES = 2
"""Findings of going round in circles after which an agent is ended; after the first it is told."""
NOT_TAKEN = "Your result was not taken: what follows came in while you were handing it in. Submit again."


def principal(name: str) -> str:
    """Whom an agent works for: `code` for `code/investigator-1`, and for itself."""
    return name.partition("/")[0]


class Plane(StrEnum):
    """Whether an agent has a worktree, and which paths of it become part of the patch."""

    NONE = "none"
    SOURCE = "source"
    TESTS = "tests"
    WHOLE = "whole"
    """A worktree whose patch a person takes as it is."""


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """An agent as data."""

    name: str
    system: str
    tools: tuple[str, ...]
    output: type[BaseModel]
    turns: int
    """Replies per stint; a stint begins at the start and with each note that wakes the agent."""
    seconds: float
    """Time limit per stint."""
    plane: Plane = Plane.NONE
    model: str | None = None
    """Overrides the run's model."""
    context_tokens: int = 128_000
    """Of the model; a conversation is compressed before it is full."""
    reasoning_effort: str | None = None
    """How hard the model is asked to think; None leaves it to the provider."""
    conversational: bool = False
    """A reply without calls is its answer to a person, whose next note wakes it; it hands nothing in."""


@dataclass(frozen=True, slots=True)
class AgentState:
    """Where an agent stands: the fold of its events."""

    name: str
    model: str = ""
    """That it started with."""
    stand_in: str = ""
    """The model that gave the last reply, where that was not `model` but a fallback."""
    messages: tuple[Message, ...] = ()
    notes: tuple[Note, ...] = ()
    read: int = 0
    """How many of `notes` the agent has seen."""
    turn: int = 0
    """Turns begun since the agent started."""
    stint_turns: int = 0
    stint_seconds: float = 0.0
    idle_replies: int = 0
    measure: Measure = Measure()
    """How the provider counts."""
    compressed_to: int = 0
    """Messages that the last compression left."""
    circles: int = 0
    """How often in this stint it was found to go round in circles."""
    circle: str = ""
    """What it did again and again, when it was found last."""
    reply: ReplyReceived | None = None
    """A reply whose calls are not answered yet."""
    asking: bool = False
    """A turn was begun and its reply has not come."""
    tools_running: tuple[ToolStarted, ...] = ()
    submission: str | None = None
    """JSON of the output, handed in but not taken yet."""
    checkpoint: str | None = None
    """Git tree of the worktree after the last turn."""
    folder: str = ""
    """That its shell is in, relative to the worktree; empty for the root."""
    proposed: tuple[str, ...] = ()
    """Notes that it would have remembered of the repository, oldest first."""
    ended: AgentEnded | None = None
    questions: tuple[Question, ...] = ()
    """That it asked a person, oldest first."""
    answers: tuple[QuestionAnswered, ...] = ()
    asked_before: int = 0
    """How many of the questions are older than the latest reply: the others are of its calls."""
    answered_before: int = 0
    """How many of the answers are older than this stint."""
    usage: Usage = Usage()
    cost_dollars: float = 0.0
    cost_known: bool = True
    marks: Mapping[str, AgentState] = field(default_factory=lambda: MappingProxyType({}))
    """Where it stood at each checkpoint of a person's, by name, oldest first."""
    chosen_model: str = ""
    """The model that a person named for the rest; empty: as set."""
    chosen_policy: Policy | None = None
    """The same for the policy."""

    @property
    def unread(self) -> tuple[Note, ...]:
        """Notes that were posted and not seen, oldest first."""
        return self.notes[self.read :]

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """Questions that nobody has answered and that still wait, oldest first.

        Whether a call may be made is asked only as long as the reply that makes it is acted on.
        """
        settled = {answer.question for answer in self.answers}
        return tuple(
            question
            for question in self.questions
            if question.id not in settled and (self.reply is not None or not question.is_permission)
        )

    @property
    def output(self) -> str | None:
        """JSON of the result the agent ended with, if it ended with one."""
        return self.ended.output if self.ended else None


@dataclass(frozen=True, slots=True)
class Think:
    """Ask the model."""


@dataclass(frozen=True, slots=True)
class Act:
    """Carry out the calls of a reply that is already journaled."""

    reply: ReplyReceived


@dataclass(frozen=True, slots=True)
class End:
    """End the agent."""

    outcome: AgentOutcome
    detail: str = ""
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until a note comes."""


@dataclass(frozen=True, slots=True)
class Compress:
    """Make the conversation shorter before the model is asked again."""

    cut: int
    """The first message that stays as it is."""


Step = Think | Act | Compress | End | Rest


def next_step(state: AgentState, spec: AgentSpec) -> Step:
    """What the agent does now."""
    if state.ended is not None and not state.unread:
        return Rest()
    if state.reply is not None:
        return Act(state.reply)
    if state.submission is not None and not state.unread:
        return End(AgentOutcome.SUBMITTED, output=state.submission)
    if spec.conversational and state.idle_replies and not (state.ended or state.asking or state.unread):
        return End(AgentOutcome.ANSWERED)
    if not spec.conversational and state.ended is None and state.idle_replies >= IDLE_REPLIES:
        return End(AgentOutcome.IDLE, f"{state.idle_replies} replies in a row without calling any tool")
    if state.ended is None and state.circles >= CIRCLES:
        return End(AgentOutcome.LOOPING, f"it went round in circles, {state.circle}")
    if state.ended is None and not state.asking and state.stint_turns >= spec.turns:
        return End(AgentOutcome.TURN_LIMIT, f"the limit of {spec.turns} turns was reached without a result")
    cut = _cut(state, spec)
    return Think() if cut is None else Compress(cut)


def _cut(state: AgentState, spec: AgentSpec) -> int | None:
    """Where to cut a conversation that nearly fills the context and has grown since the last cut."""
    grown = len(state.messages) > state.compressed_to + 1
    if not grown or state.measure.estimate(state.messages) <= FULL_SHARE * spec.context_tokens:
        return None
    return cut_point(state.messages, state.measure, spec.context_tokens)


def apply(state: AgentState, event: AgentEvent) -> AgentState:
    """The state after one more event."""
    match event:
        case AgentStarted():
            opening = (SystemMessage(event.system), UserMessage(event.opening))
            return replace(state, model=event.model, messages=opening)
        case NotePosted():
            return replace(state, notes=(*state.notes, event.note))
        case TurnStarted():
            return _turn_started(state, event)
        case ReplyReceived():
            return _replied(state, event)
        case ToolStarted():
            return replace(state, tools_running=(*state.tools_running, event))
        case TurnEnded():
            return _turn_ended(state, event)
        case ConversationCompressed():
            return _compressed(state, event)
        case QuestionAsked():
            return replace(state, questions=(*state.questions, event.question))
        case QuestionAnswered():
            return replace(state, answers=(*state.answers, event))
        case HookFailed():
            return state
        case CheckpointMade() | CheckpointRestored() | ModelChosen() | PolicyChosen():
            return turned(state, event)
        case AgentEnded():
            return ended(state, event)


def _replied(state: AgentState, event: ReplyReceived) -> AgentState:
    messages = (*state.messages, AssistantMessage(event.text, event.calls))
    return replace(
        state,
        messages=messages,
        measure=state.measure.after(messages, event.usage),
        reply=event,
        asked_before=len(state.questions),
        stand_in=event.model if event.instead_of else "",
        asking=False,
        idle_replies=0 if event.calls else state.idle_replies + 1,
        usage=state.usage + event.usage,
        cost_dollars=state.cost_dollars + (event.cost_dollars or 0.0),
        cost_known=state.cost_known and event.cost_dollars is not None,
        stint_seconds=state.stint_seconds + event.seconds,
    )


def _turn_ended(state: AgentState, event: TurnEnded) -> AgentState:
    messages = (*state.messages, *(ToolMessage(r.call_id, r.text) for r in event.results))
    circle = find_repetition(messages)
    return replace(
        state,
        messages=messages,
        circles=state.circles + (circle is not None),
        circle=str(circle) if circle else state.circle,
        reply=None,
        tools_running=(),
        submission=event.submission,
        checkpoint=event.checkpoint or state.checkpoint,
        folder=folder_after(state.folder, event.results),
        proposed=proposed_after(state.proposed, event.results),
        stint_seconds=state.stint_seconds + event.seconds,
    )


def _compressed(state: AgentState, event: ConversationCompressed) -> AgentState:
    if event.summary:
        messages = summarised(state.messages, event.cut, event.summary)
    else:
        messages = thinned(state.messages, event.cut)
    return replace(
        state,
        messages=messages,
        compressed_to=len(messages),
        measure=state.measure.of_another(),
        usage=state.usage + event.usage,
        cost_dollars=state.cost_dollars + (event.cost_dollars or 0.0),
        cost_known=state.cost_known and event.cost_dollars is not None,
        stint_seconds=state.stint_seconds + event.seconds,
    )


def _turn_started(state: AgentState, event: TurnStarted) -> AgentState:
    woken = state.ended is not None
    messages = state.messages
    if event.notes_read:
        unread = state.notes[state.read : state.read + event.notes_read]
        heard = "\n\n".join(note.as_prompt() for note in unread)
        messages = (*messages, UserMessage(heard if state.submission is None else f"{NOT_TAKEN}\n\n{heard}"))
    again = state.asking and not woken  # the turn was cut by a crash and is asked for anew
    return replace(
        state,
        messages=messages,
        read=state.read + event.notes_read,
        turn=event.turn,
        stint_turns=1 if woken else state.stint_turns + (0 if again else 1),
        stint_seconds=0.0 if woken else state.stint_seconds,
        idle_replies=0 if woken else state.idle_replies,
        circles=0 if woken else state.circles,
        answered_before=len(state.answers) if woken else state.answered_before,
        asking=True,
        tools_running=(),
        submission=None,
        ended=None,
    )
