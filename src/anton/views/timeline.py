"""What happened when, one line a moment: for progress without a terminal, and for the story afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from anton.core.consent import AnswerRefused, ApprovalGiven, BaseMoved, TicketChanged
from anton.core.event import (
    AgentEnded,
    AgentStarted,
    BaseResolved,
    BriefingPrepared,
    CellFinished,
    ConversationCompressed,
    Decided,
    Entry,
    Event,
    HookFailed,
    MessageShown,
    NotePosted,
    ProofFinished,
    ProofStarted,
    ReplyReceived,
    RoundStarted,
    RunClosed,
    RunReceived,
    StepDelivered,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    Verb,
)
from anton.core.outcomes import Outcomes
from anton.core.question import LetterRefused, QuestionAnswered, QuestionAsked
from anton.core.run import RunState
from anton.core.turning import CheckpointMade, CheckpointRestored, ModelChosen, PolicyChosen, Turning
from anton.core.work import WorkStarted, WorkStopped
from anton.views.encode import line
from anton.views.figures import duration, tally
from anton.views.questions import how_to_answer
from anton.views.testimony import ending

_STEPS = {"pull_request": "pull request", "report": "incident report"}

VERBS = {
    Verb.APPROVE: "approved",
    Verb.REQUEST_CHANGES: "asked for changes",
    Verb.DECLINE: "declined",
}
"""A person's answers in the past tense."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a run's story."""

    at: datetime
    who: str
    """An agent, `proof`, a person, or `anton`."""
    text: str
    """One plain line, fit for encoding."""


def moments(entries: Iterable[Entry]) -> tuple[Moment, ...]:
    """The story of a run."""
    return tuple(moment for entry in entries if (moment := moment_of(entry)) is not None)


def moment_of(entry: Entry) -> Moment | None:
    """The line for one entry; None for what only a machine needs."""
    told = _told(entry.event)
    return None if told is None else Moment(entry.at, line(told[0], 80), line(told[1]))


def progress_line(entry: Entry, state: RunState) -> str | None:
    """One plain line for a notable event, for output that is not a terminal.

    Args:
        entry: what has just been journaled.
        state: the run after it.
    """
    moment = moment_of(entry)
    if moment is None:
        return None
    passed = duration((moment.at - state.started_at).total_seconds())
    how = ""
    if isinstance(entry.event, QuestionAsked):
        how = f"  [{how_to_answer(entry.event.question, state.run_id)}]"
    return f"{passed:>7}  {moment.who:<6}  {moment.text}{how}"


def _told(event: Event) -> tuple[str, str] | None:
    match event:
        case (
            AgentStarted()
            | AgentEnded()
            | NotePosted()
            | ToolStarted()
            | ConversationCompressed()
            | QuestionAsked()
            | QuestionAnswered()
            | HookFailed()
        ):
            return event.agent, _of_agent(event)
        case CheckpointMade() | CheckpointRestored() | ModelChosen() | PolicyChosen():
            return "you", turning(event)
        case ReplyReceived() if event.instead_of:
            return event.agent, f"turn {event.turn}: {event.model} answers in place of {event.instead_of}"
        case TurnStarted() | ReplyReceived() | TurnEnded() | MessageShown() | WorkStarted():
            return None
        case ProofStarted() | CellFinished() | ProofFinished():
            return "proof", _of_proof(event)
        case Decided():
            return event.who, _decided(event)
        case ApprovalGiven():
            text = f": {event.text}" if event.text else ""
            return event.who, f"approved, and another person has to as well{text}"
        case AnswerRefused():
            return event.by, f"is refused ({event.verb}): {event.reason}"
        case TicketChanged():
            return "ticket", " ".join(event.told)
        case LetterRefused():
            return event.by, f"is not heard: {event.reason}"
        case (
            RunReceived()
            | BaseResolved()
            | RoundStarted()
            | BriefingPrepared()
            | BaseMoved()
            | StepDelivered()
            | WorkStopped()
            | RunClosed()
        ):
            return "anton", _of_run(event)
        case _:
            assert_never(event)


def _of_agent(
    event: AgentStarted
    | AgentEnded
    | NotePosted
    | ToolStarted
    | ConversationCompressed
    | QuestionAsked
    | QuestionAnswered
    | HookFailed,
) -> str:
    match event:
        case AgentStarted():
            return f"started with {event.model}"
        case AgentEnded():
            return ending(event)
        case NotePosted():
            return f"gets a note from {event.note.source}"
        case ConversationCompressed():
            how = "summarised its older turns" if event.summary else "left out old output of tools"
            return f"{how}, to have room to go on"
        case QuestionAsked(_, question):
            return f"asks: {question.text} {question.call}".rstrip()
        case QuestionAnswered():
            return _answered(event)
        case HookFailed():
            return f"the hook {event.command} ({event.moment}) failed: {event.detail}"
        case ToolStarted():
            return f"turn {event.turn}: {event.summary or event.name}"


def turning(event: Turning) -> str:
    """What a person did with a conversation, in a few words."""
    match event:
        case CheckpointMade():
            return f"checkpoint {event.name}"
        case CheckpointRestored():
            return f"back to checkpoint {event.name}"
        case ModelChosen():
            return f"the model is {event.model} from here on"
        case PolicyChosen():
            return f"the policy is {event.policy} from here on"


def _answered(event: QuestionAnswered) -> str:
    if not event.by:
        return f"gets no answer to {event.question} in time"
    said = {True: "yes", False: "no", None: ""}[event.allowed]
    return f"is answered by {event.by}: {', '.join(filter(None, (said, event.text)))}"


def _of_proof(event: ProofStarted | CellFinished | ProofFinished) -> str:
    match event:
        case ProofStarted():
            return f"round {event.round}: the agents' work is being executed"
        case CellFinished(cell):
            counts = tally(cell.cases) if Outcomes((cell,)).ran else str(cell.status)
            again = " (again)" if cell.attempt > 1 else ""
            return f"{cell.suite} on {cell.tree}{again}: {counts} in {cell.seconds:.1f} s"
        case ProofFinished(proof):
            found = ", ".join(dict.fromkeys(fault.kind for fault in proof.faults))
            return "green" if proof.green else f"not green: {found}"


def _decided(event: Decided) -> str:
    words = VERBS[event.verb] + (" although the proof is not green" if event.override else "")
    return f"{words}: {event.text}" if event.text else words


def _of_run(
    event: RunReceived
    | BaseResolved
    | RoundStarted
    | BriefingPrepared
    | BaseMoved
    | StepDelivered
    | WorkStopped
    | RunClosed,
) -> str:
    match event:
        case RunReceived():
            return f"received {event.ticket.key}: {event.ticket.title}"
        case BaseResolved():
            return f"based on {event.commit[:12]} of {event.branch}: {event.subject}"
        case RoundStarted():
            why = "a person asked for changes" if event.reason == "person" else "the proof was not green"
            return f"round {event.round} begins: {why}"
        case BriefingPrepared():
            return f"waits for a decision: {event.briefing.headline}"
        case BaseMoved():
            return f"round {event.round} begins: {event.reason}"
        case StepDelivered():
            return f"{step_name(event.step)}: {event.result}"
        case WorkStopped():
            return f"stopped: {event.reason}"
        case RunClosed():
            return f"closed: {event.outcome}" + (f" ({event.detail})" if event.detail else "")


def step_name(step: str) -> str:
    """A step of the delivery, as people call it."""
    return _STEPS.get(step, step)
