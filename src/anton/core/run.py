"""A run: the fold of its events, and the table of what may follow what.

    RECEIVED ──► WORKING ──► PROVING ──► DECIDING ──► DELIVERING ──► CLOSED
                    ▲            │ red       │ request       │ base moved,
                    └────────────┴───────────┴ changes ──────┘ nothing pushed

Recovery after a crash is this same fold. There is no other record of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from anton.core import agent as agents
from anton.core.agent import AgentState
from anton.core.briefing import Briefing
from anton.core.consent import AnswerRefused, ApprovalGiven, BaseMoved, TicketChanged
from anton.core.errors import IllegalTransition
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
from anton.core.proof import Cell, Proof
from anton.core.question import LetterRefused, Question, QuestionAnswered, QuestionAsked
from anton.core.turning import CheckpointMade, CheckpointRestored, ModelChosen, PolicyChosen
from anton.core.work import Work, WorkStarted, WorkStopped


class Phase(StrEnum):
    """Where a run stands."""

    RECEIVED = "received"
    WORKING = "working"
    PROVING = "proving"
    DECIDING = "deciding"
    DELIVERING = "delivering"
    CLOSED = "closed"


_ACTIVE = frozenset({Phase.WORKING, Phase.PROVING})
_OPEN = frozenset(Phase) - {Phase.CLOSED}

TRANSITIONS: Mapping[type, tuple[frozenset[Phase], Phase | None]] = MappingProxyType(
    {
        BaseResolved: (frozenset({Phase.RECEIVED}), Phase.WORKING),
        AgentStarted: (_ACTIVE, None),
        NotePosted: (_ACTIVE, None),
        TurnStarted: (_ACTIVE, None),
        ReplyReceived: (_ACTIVE, None),
        ToolStarted: (_ACTIVE, None),
        TurnEnded: (_ACTIVE, None),
        ConversationCompressed: (_ACTIVE, None),
        QuestionAsked: (_ACTIVE, None),
        QuestionAnswered: (_ACTIVE, None),
        HookFailed: (_ACTIVE, None),
        CheckpointMade: (_ACTIVE, None),
        CheckpointRestored: (_ACTIVE, None),
        ModelChosen: (_ACTIVE, None),
        PolicyChosen: (_ACTIVE, None),
        AgentEnded: (_ACTIVE, None),
        CellFinished: (_ACTIVE, None),
        ProofStarted: (frozenset({Phase.WORKING}), Phase.PROVING),
        ProofFinished: (frozenset({Phase.PROVING}), None),
        RoundStarted: (frozenset({Phase.PROVING, Phase.DECIDING}), Phase.WORKING),
        BriefingPrepared: (frozenset({Phase.PROVING}), Phase.DECIDING),
        Decided: (
            frozenset({Phase.DECIDING}),
            None,
        ),  # DELIVERING, unless changes are requested; declined: any
        ApprovalGiven: (frozenset({Phase.DECIDING}), None),
        AnswerRefused: (frozenset(Phase), None),
        TicketChanged: (frozenset({Phase.DECIDING}), None),
        BaseMoved: (frozenset({Phase.DELIVERING}), Phase.WORKING),
        LetterRefused: (frozenset(Phase), None),
        MessageShown: (frozenset(Phase), None),
        StepDelivered: (frozenset({Phase.DELIVERING}), None),
        WorkStarted: (_OPEN, None),
        WorkStopped: (_OPEN, None),
        RunClosed: (_OPEN, Phase.CLOSED),
    }
)
"""Event type → the phases it may come in, and the phase it leads to (None: stays)."""


MILESTONES = frozenset(
    {
        "run_received",
        "base_resolved",
        "proof_started",
        "proof_finished",
        "round_started",
        "briefing_prepared",
        "message_shown",
        "approval_given",
        "answer_refused",
        "ticket_changed",
        "decided",
        "base_moved",
        "step_delivered",
        "work_started",
        "work_stopped",
        "run_closed",
    }
)
"""Kinds of the events that a run's phase, rounds and verdict follow from: no agent's, no cell's."""


NOTABLE = (MILESTONES - {"message_shown", "answer_refused"}) | {
    "agent_ended",
    "question_asked",
    "question_answered",
    "work_stopped",
}
"""Kinds of the events that the run's message in the chat is about."""


@dataclass(frozen=True, slots=True)
class RunState:
    """All that is known of a run."""

    run_id: str
    received: RunReceived
    phase: Phase
    started_at: datetime
    updated_at: datetime
    base: BaseResolved | None = None
    round: int = 1
    round_limit: int = 2
    """The round after which a red proof is put before a person; a person's request adds to it."""
    agents: Mapping[str, AgentState] = field(default_factory=lambda: MappingProxyType({}))
    cells: tuple[Cell, ...] = ()
    """Of the round under way; the baseline is kept from round to round."""
    proofs: tuple[Proof, ...] = ()
    """One per finished round, oldest first."""
    briefing: Briefing | None = None
    decisions: tuple[Decided, ...] = ()
    approvals: tuple[ApprovalGiven, ...] = ()
    """Of the briefing that waits or was approved, apart from the decision that completes them."""
    refusals: tuple[AnswerRefused, ...] = ()
    """Answers that did not count, oldest first, as far as they are kept."""
    steps: Mapping[str, StepDelivered] = field(default_factory=lambda: MappingProxyType({}))
    closed: RunClosed | None = None
    message: str = ""
    """Name of the run's message in the chat."""
    shown: int = 0
    """Number of the last event that the message takes into account."""
    notable: int = 1
    """Number of the last event that the message is about."""
    work: Work = field(default_factory=Work)
    number: int = 1
    """Of the last event."""

    @property
    def told(self) -> bool:
        """Whether the run's message says all that it is about."""
        return self.shown >= self.notable

    @property
    def branch(self) -> str:
        """`fix/<ticket>-<run>`: at most one branch and one pull request for a run."""
        return f"fix/{self.received.ticket.slug}-{self.run_id}"

    @property
    def proof(self) -> Proof | None:
        """The proof of the current round, once it is judged."""
        return self.proofs[-1] if self.proofs and self.proofs[-1].round == self.round else None

    @property
    def decision(self) -> Decided | None:
        """The latest answer of a person."""
        return self.decisions[-1] if self.decisions else None

    @property
    def renewed(self) -> bool:
        """Whether the briefing that waits is not the first: somebody may have looked at an older one."""
        return self.phase is Phase.DECIDING and bool(self.decisions)

    @property
    def earlier_approvals(self) -> tuple[ApprovalGiven, ...]:
        """Other people's approvals of what was decided on, oldest first."""
        decided = self.decision
        if not decided:
            return ()
        return tuple(g for g in self.approvals if g.digest == decided.digest and g.by != decided.by)

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who approved what is being delivered or was; empty where it was not."""
        decided = self.decision
        if self.phase not in (Phase.DELIVERING, Phase.CLOSED) or not decided:
            return ()
        if decided.verb is not Verb.APPROVE:
            return ()
        return tuple(dict.fromkeys((*(given.who for given in self.earlier_approvals), decided.who)))

    @property
    def questions(self) -> tuple[Question, ...]:
        """All that a person was asked while the run went on, oldest first."""
        asked = (question for agent in self.agents.values() for question in agent.questions)
        return tuple(sorted(asked, key=lambda question: int(question.id[1:])))

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """Those that an answer is still waited for, oldest first."""
        if self.phase not in _ACTIVE:
            return ()
        return tuple(q for q in self.questions if q in self.agents[q.agent].open_questions)

    def question(self, name: str) -> Question | None:
        """The question that goes by an id."""
        return next((question for question in self.questions if question.id == name), None)

    def answer_to(self, name: str) -> QuestionAnswered | None:
        """How the question with an id was settled; None where it was not."""
        answers = (answer for agent in self.agents.values() for answer in agent.answers)
        return next((answer for answer in answers if answer.question == name), None)

    @property
    def cost_dollars(self) -> float:
        """Spent on models so far, as far as prices are known."""
        return sum(agent.cost_dollars for agent in self.agents.values())

    @property
    def cost_known(self) -> bool:
        """Whether every reply's price is known."""
        return all(agent.cost_known for agent in self.agents.values())


def fold(entries: Iterable[Entry]) -> RunState:
    """The state that a run's journal amounts to.

    Raises:
        IllegalTransition: the entries do not begin with RunReceived or are not in a legal order.
    """
    state: RunState | None = None
    for entry in entries:
        state = begin(entry) if state is None else advance(state, entry)
    if state is None:
        raise IllegalTransition("a run without any event has no state")
    return state


def begin(entry: Entry) -> RunState:
    """The state after a run's first event."""
    event = entry.event
    if not isinstance(event, RunReceived):
        raise IllegalTransition(f"run {entry.run_id!r} begins with {event.kind!r}, not 'run_received'")
    return RunState(
        entry.run_id, event, Phase.RECEIVED, entry.at, entry.at, round_limit=event.rounds, number=entry.number
    )


def advance(state: RunState, entry: Entry) -> RunState:
    """The state after one more event.

    Raises:
        IllegalTransition: the phase does not allow the event; the state given is still good.
    """
    phase = permit(state, entry.event)
    changed = _apply(state, entry.event)
    notable = entry.number if entry.event.kind in NOTABLE else state.notable
    work = changed.work
    if phase is not state.phase:
        work = work.progressed(rests=phase in (Phase.DECIDING, Phase.CLOSED))
    return replace(changed, phase=phase, work=work, updated_at=entry.at, number=entry.number, notable=notable)


def permit(state: RunState, event: Event) -> Phase:
    """The phase that an event leads to.

    Raises:
        IllegalTransition: the event may not come now.
    """
    allowed, leads_to = TRANSITIONS.get(type(event), (frozenset[Phase](), None))
    if isinstance(event, Decided) and event.verb is Verb.DECLINE:
        allowed = _OPEN
    if isinstance(event, BaseMoved) and state.base is None:
        allowed = frozenset()  # what was declined before there was one
    if state.phase not in allowed:
        raise IllegalTransition(f"{event.kind!r} may not come while run {state.run_id!r} is {state.phase}")
    if isinstance(event, Decided) and event.verb is not Verb.REQUEST_CHANGES:
        return Phase.DELIVERING
    return leads_to or state.phase


def _apply(state: RunState, event: Event) -> RunState:
    match event:
        case BaseResolved():
            ticket = event.ticket or state.received.ticket
            return replace(state, base=event, received=replace(state.received, ticket=ticket))
        case CellFinished():
            return replace(state, cells=(*state.cells, event.cell))
        case ProofFinished():
            return replace(state, proofs=(*state.proofs, event.proof))
        case RoundStarted():
            return _next_round(state, event)
        case BriefingPrepared():
            return replace(state, briefing=event.briefing, approvals=())
        case ApprovalGiven():
            return replace(state, approvals=(*state.approvals, event))
        case AnswerRefused():
            return replace(state, refusals=(*state.refusals, event))
        case TicketChanged():
            return replace(state, briefing=_with_news(state.briefing, event))
        case BaseMoved():
            return _rebased(state, event)
        case Decided():
            return replace(state, decisions=(*state.decisions, event))
        case StepDelivered():
            return replace(state, steps=MappingProxyType({**state.steps, event.step: event}))
        case RunClosed():
            return replace(state, closed=event)
        case MessageShown():
            return replace(state, message=event.message, shown=event.number)
        case WorkStarted():
            return replace(state, work=state.work.started())
        case WorkStopped():
            return replace(state, work=state.work.ended(event))
        case RunReceived() | ProofStarted() | LetterRefused():
            return state
        case _:
            known = state.agents.get(event.agent) or AgentState(event.agent)
            changed = agents.apply(known, event)
            return replace(state, agents=MappingProxyType({**state.agents, event.agent: changed}))


def _next_round(state: RunState, event: RoundStarted) -> RunState:
    baseline = tuple(cell for cell in state.cells if cell.is_baseline)
    limit = state.round_limit
    if event.reason == "person":
        limit = event.round + state.received.rounds - 1
    return replace(state, round=event.round, round_limit=limit, cells=baseline, briefing=None, approvals=())


def _with_news(briefing: Briefing | None, event: TicketChanged) -> Briefing | None:
    """The digest stays as it is: nothing of what would be pushed has changed."""
    if briefing is None:
        return None
    news, risks = (*briefing.ticket_news, *event.news), (*event.told, *briefing.risks)
    return replace(briefing, ticket_news=news, risks=risks)


def _rebased(state: RunState, event: BaseMoved) -> RunState:
    """Nothing that was said or executed on the old base counts on the new one."""
    assert state.base is not None  # noqa: S101 - `permit` has seen to it
    base = replace(
        state.base,
        commit=event.commit,
        tree=event.tree,
        subject=event.subject,
        remote_head=event.commit,
        notices=(*state.base.notices, event.reason),
    )
    trees = dict(event.trees)
    moved = {
        name: replace(agent, checkpoint=trees.get(name, agent.checkpoint))
        for name, agent in state.agents.items()
    }
    return replace(
        state,
        base=base,
        agents=MappingProxyType(moved),
        round=event.round,
        round_limit=event.round + state.received.rounds - 1,
        cells=(),
        briefing=None,
        approvals=(),
    )
