"""What the API says of runs, and what it takes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from anton.core.event import Decided
from anton.core.proof import Cell
from anton.core.run import Phase, RunState

DIGITS = 12
"""Of a digest where a person sees it."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TicketShape(_Shape):
    """A bug ticket."""

    key: str
    title: str
    source: str
    url: str
    reporter: str


class RunShape(_Shape):
    """A run in a list."""

    id: str
    phase: Phase
    outcome: str | None
    """How it ended; null while it is open."""
    ticket: TicketShape
    repository: str
    round: int
    proof: str | None
    """`green` or `red`; null before there is one."""
    pull_request: str | None
    started_at: datetime
    updated_at: datetime
    stopped: str | None
    """Why nobody works on it, where something went wrong."""
    again_at: datetime | None
    """When it is tried again by itself."""
    number: int
    """Of its last event."""


class BriefingShape(_Shape):
    """What a person decides on."""

    digest: str
    green: bool
    headline: str
    paragraph: str
    priority: str
    component: str
    risks: tuple[str, ...]
    pull_request_title: str
    pull_request_body: str


class CellShape(_Shape):
    """One cell of the proof's matrix."""

    tree: str
    suite: str
    status: str


class AgentShape(_Shape):
    """One agent."""

    name: str
    model: str
    turns: int
    outcome: str | None
    cost_dollars: float


class QuestionShape(_Shape):
    """A question that waits for an answer."""

    id: str
    agent: str
    text: str
    call: str
    """The exact call that would be made, where the question is whether it may be."""
    expires_at: datetime | None


class DecisionShape(_Shape):
    """What a person answered."""

    verb: str
    by: str
    digest: str
    text: str
    override: bool


class StepShape(_Shape):
    """One outside effect that is done."""

    step: str
    result: str


class WholeRun(RunShape):
    """Everything about a run but its events."""

    base: str | None
    """Commit that the fix is based on."""
    head: str | None
    """Commit that would be merged."""
    diff: str
    briefing: BriefingShape | None
    matrix: tuple[CellShape, ...]
    faults: tuple[str, ...]
    agents: tuple[AgentShape, ...]
    questions: tuple[QuestionShape, ...]
    decisions: tuple[DecisionShape, ...]
    delivered: tuple[StepShape, ...]
    cost_dollars: float
    cost_known: bool
    """Whether the price of every reply is known."""
    events: str
    """Address of the event stream."""


class RunList(_Shape):
    """The newest runs, newest first."""

    runs: tuple[RunShape, ...]


class NewRun(_Shape):
    """A bug to repair; without a text it is the demo's."""

    text: Annotated[str, Field(max_length=1_000_000)] = ""
    """Its first line is the title."""
    key: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,99})?$")] = ""
    """The ticket's key, such as `BUG-7`; without one, a new one."""
    repository: Annotated[str, Field(max_length=1_000)] = ""
    """Name or path of one that is set up here; without one, the first of these."""
    base: Annotated[str, Field(max_length=200)] = ""
    """Branch, tag or commit to base the fix on; without one, what is checked out."""


class Begun(_Shape):
    """What became of a ticket."""

    run: str | None
    """The run's id; null where the ticket starts none."""
    begun: bool
    """Whether it was begun by this request; else it was there already."""
    url: str | None
    detail: str


class Approval(_Shape):
    """Approve a briefing."""

    digest: Annotated[str, Field(max_length=64)] = ""
    """Of the briefing that was looked at, or its first digits; may be left out unless it was renewed."""
    override_red: bool = False
    """Approve although the proof is not green."""
    text: Annotated[str, Field(max_length=4_000)] = ""


class ChangeRequest(_Shape):
    """Send a run back to the agents."""

    text: Annotated[str, Field(min_length=1, max_length=4_000)]
    digest: Annotated[str, Field(max_length=64)] = ""


class Declining(_Shape):
    """Decline a briefing."""

    text: Annotated[str, Field(max_length=4_000)] = ""
    digest: Annotated[str, Field(max_length=64)] = ""
    give_up: bool = False
    """Also what was approved already, as long as nothing of it has left."""


class Cancelling(_Shape):
    """Stop working on a run and close it."""

    reason: Annotated[str, Field(max_length=4_000)] = ""


class Reply(_Shape):
    """The answer to a question."""

    question: Annotated[str, Field(max_length=60)] = ""
    """Its id; may be left out where only one waits."""
    text: Annotated[str, Field(max_length=4_000)] = ""
    allowed: bool | None = None
    """Whether the call may be made, where that is the question."""


class Heard(_Shape):
    """What became of a word to a run."""

    run: str
    phase: Phase
    taken: bool
    """Whether it was heeded; else it lies there for whoever works on the run."""


class SideShape(_Shape):
    """Which side a port is on."""

    name: str
    good: bool
    detail: str


class Health(_Shape):
    """How the server is."""

    status: str
    """`ok`, or `degraded` where a side of a port is not good."""
    active_runs: int
    """Being worked on right now, by this process."""
    queued_runs: int
    """Waiting for a free hand."""
    waiting_runs: int
    """Waiting for a person's decision, in the whole journal."""
    version: str
    sandbox: str
    sides: tuple[SideShape, ...]


def run_shape(state: RunState) -> RunShape:
    """A run in a list."""
    return RunShape(**_outline(state))


def whole_run(state: RunState) -> WholeRun:
    """Everything about a run but its events."""
    proof = state.proofs[-1] if state.proofs else None
    return WholeRun(
        **_outline(state),
        base=state.base.commit if state.base else None,
        head=proof.patch.head if proof else None,
        diff=proof.patch.diff if proof else "",
        briefing=_briefing(state),
        matrix=tuple(_cell(cell) for cell in (proof.cells if proof else state.cells)),
        faults=tuple(f"{fault.kind}: {fault.evidence}" for fault in (proof.faults if proof else ())),
        agents=_agents(state),
        questions=_questions(state),
        decisions=tuple(_decision(each) for each in state.decisions),
        delivered=tuple(StepShape(step=each.step, result=each.result) for each in state.steps.values()),
        cost_dollars=state.cost_dollars,
        cost_known=state.cost_known,
        events=f"/runs/{state.run_id}/events",
    )


def _outline(state: RunState) -> dict[str, object]:
    ticket, opened = state.received.ticket, state.steps.get("pull_request")
    stopped = state.work.stopped
    return {
        "id": state.run_id,
        "phase": state.phase,
        "outcome": state.closed.outcome if state.closed else None,
        "ticket": TicketShape(
            key=ticket.key, title=ticket.title, source=ticket.source, url=ticket.url, reporter=ticket.reporter
        ),
        "repository": state.received.repository,
        "round": state.round,
        "proof": ("green" if state.proofs[-1].green else "red") if state.proofs else None,
        "pull_request": opened.result if opened else None,
        "started_at": state.started_at,
        "updated_at": state.updated_at,
        "stopped": stopped.reason if stopped else None,
        "again_at": stopped.again_at if stopped else None,
        "number": state.number,
    }


def _briefing(state: RunState) -> BriefingShape | None:
    shown = state.briefing
    if shown is None:
        return None
    names = BriefingShape.model_fields
    return BriefingShape(**{name: getattr(shown, name) for name in names})


def _cell(cell: Cell) -> CellShape:
    return CellShape(tree=str(cell.tree), suite=str(cell.suite), status=str(cell.status))


def _agents(state: RunState) -> tuple[AgentShape, ...]:
    return tuple(
        AgentShape(
            name=agent.name,
            model=agent.model,
            turns=agent.turn,
            outcome=str(agent.ended.outcome) if agent.ended else None,
            cost_dollars=agent.cost_dollars,
        )
        for agent in state.agents.values()
    )


def _questions(state: RunState) -> tuple[QuestionShape, ...]:
    return tuple(
        QuestionShape(
            id=each.id, agent=each.agent, text=each.text, call=each.call, expires_at=each.expires_at
        )
        for each in state.open_questions
    )


def _decision(decided: Decided) -> DecisionShape:
    return DecisionShape(
        verb=str(decided.verb),
        by=decided.by,
        digest=decided.digest,
        text=decided.text,
        override=decided.override,
    )
