"""What a server's log says of a run: one line for each thing that whoever operates it would want to know.

No text of tickets, prompts or models is in it: a ticket is named by its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anton.core.agent import principal
from anton.core.event import (
    AgentEnded,
    AgentOutcome,
    BriefingPrepared,
    Decided,
    Entry,
    HookFailed,
    ProofFinished,
    RunClosed,
    RunOutcome,
    StepDelivered,
)
from anton.core.proof import Proof
from anton.core.question import QuestionAsked
from anton.core.report import Priority
from anton.core.run import RunState
from anton.core.work import WorkStopped
from anton.views.encode import line
from anton.views.timeline import step_name

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Notable:
    """A line of the log."""

    text: str
    fields: Mapping[str, Value] = field(default_factory=dict)
    """The same for a machine."""
    bad: bool = False
    """Whether it is a warning."""


def notable(entry: Entry, state: RunState) -> Notable | None:
    """The line for an entry, with the state after it; None for what is none of the log's business."""
    found = _of(entry, state)
    if found is None:
        return None
    fields = {"event": entry.event.kind, "ticket": state.received.ticket.key, **found.fields}
    return Notable(line(found.text, 1_000), fields, found.bad)


def _of(entry: Entry, state: RunState) -> Notable | None:
    seconds = round((entry.at - state.started_at).total_seconds(), 3)
    match entry.event:
        case AgentEnded(agent, outcome, detail=detail) if principal(agent) == agent:
            if outcome is AgentOutcome.SUBMITTED:
                return None
            return Notable(
                f"{agent} ended: {outcome} ({detail})", {"agent": agent, "outcome": outcome}, bad=True
            )
        case QuestionAsked() as event:
            return Notable(
                f"{event.agent} asks a person", {"agent": event.agent, "question": event.question.id}
            )
        case HookFailed() as event:
            return Notable(
                f"the hook {event.command} failed: {event.detail}", {"agent": event.agent}, bad=True
            )
        case ProofFinished(proof):
            return Notable(f"proof of round {proof.round}: {verdict(proof)}", {"verdict": verdict(proof)})
        case BriefingPrepared(briefing):
            said = "green" if briefing.green else "red"
            fields: dict[str, Value] = {
                "verdict": said,
                "priority": Priority.named(briefing.priority),
                "seconds": seconds,
            }
            return Notable(f"waits for a decision: {said}", fields)
        case Decided() as event:
            return Notable(f"{event.who}: {event.verb}", {"verb": event.verb.value, "by": event.by})
        case StepDelivered(step, result):
            return Notable(f"delivered {step_name(step)}: {result}", {"step": step})
        case WorkStopped() as event:
            stopped: dict[str, Value] = {"awaits": event.awaits, "phase": state.phase.value}
            if event.awaits == "start":  # Anton was told to end
                return Notable("stopped with Anton", stopped)
            return Notable(f"stopped: {event.reason}", stopped, bad=True)
        case RunClosed(outcome):
            bad = outcome in (RunOutcome.FAILED, RunOutcome.UNUSABLE)
            return Notable(f"closed: {outcome}", {"outcome": outcome.value, "seconds": seconds}, bad)
        case _:
            return None


def verdict(proof: Proof) -> str:
    """`green`, or what is red about it."""
    return "green" if proof.green else ", ".join(dict.fromkeys(fault.kind for fault in proof.faults))
