"""The table of what may follow what, and the fold that is a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.briefing import Briefing
from anton.core.codec import decode_event, encode_event
from anton.core.consent import AnswerRefused, ApprovalGiven, BaseMoved, TicketChanged, TicketNews
from anton.core.errors import IllegalTransition
from anton.core.event import (
    AgentEnded,
    AgentOutcome,
    AgentStarted,
    BaseResolved,
    BriefingPrepared,
    CellFinished,
    ConversationCompressed,
    Decided,
    Entry,
    Event,
    HookFailed,
    HookMoment,
    MessageShown,
    Note,
    NotePosted,
    ProofFinished,
    ProofStarted,
    ReplyReceived,
    RoundStarted,
    RunClosed,
    RunOutcome,
    RunReceived,
    Source,
    StepDelivered,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    Verb,
)
from anton.core.message import ToolCall, Usage
from anton.core.permission import Policy
from anton.core.proof import Cell, CellStatus, Patch, Suite, Tree
from anton.core.question import LetterRefused, Question, QuestionAnswered, QuestionAsked
from anton.core.run import MILESTONES, Phase, RunState, advance, begin, fold, permit
from anton.core.ticket import Ticket
from anton.core.tool import ToolResult
from anton.core.turning import CheckpointMade, CheckpointRestored, ModelChosen, PolicyChosen
from anton.core.verdict import not_tested
from anton.core.work import WorkStarted, WorkStopped

START = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
RECEIVED = RunReceived(Ticket("BUG-1", "It breaks", "Badly."), "/srv/app", "", "", "/srv/reports", "Jo")
BASELINE = Cell(Suite.OLD, Tree.BASE, CellStatus.RAN, (), "t" * 40, ("pytest",))
ON_FIX = replace(BASELINE, tree=Tree.FIX)
CALL = ToolCall("c1", "grep", "{}")
BRIEFING = Briefing(1, "d" * 64, False, "Not tested", "So it was.", (), "P2", "app", "Fix", "Body")
PROOF = not_tested(1, Patch("b" * 40, "h" * 40, (), (), (), ""), "none")

APPROVED = Decided(Verb.APPROVE, "Kim", "d" * 64)
SENT_BACK = Decided(Verb.REQUEST_CHANGES, "Kim", "d" * 64, "More.")
ACTIVE = {Phase.WORKING: Phase.WORKING, Phase.PROVING: Phase.PROVING}

BASE = BaseResolved("b" * 40, "t" * 40, "main", "Begin", "/srv/app.git")

TABLE: Sequence[tuple[Event, dict[Phase, Phase]]] = (
    (RECEIVED, {}),
    (BASE, {Phase.RECEIVED: Phase.WORKING}),
    (AgentStarted("code", "m", "You are.", "Fix it.", ("grep",)), ACTIVE),
    (NotePosted("code", Note(Source.TRIAGE, "Look there.")), ACTIVE),
    (TurnStarted("code", 1), ACTIVE),
    (ReplyReceived("code", 1, "", (CALL,), Usage(3, 1, 2), 0.5, "m", "tool_calls", 1.0), ACTIVE),
    (ToolStarted("code", 1, "c1", "grep", "x"), ACTIVE),
    (TurnEnded("code", 1, (ToolResult("c1", "grep", "found"),), "t" * 40, None, 0.2), ACTIVE),
    (ConversationCompressed("code", 4, "Read a.py."), ACTIVE),
    (QuestionAsked("code", Question("q1", "code", "Which clock?")), ACTIVE),
    (QuestionAnswered("code", "q1", "Jo", "UTC"), ACTIVE),
    (HookFailed("code", HookMoment.AFTER_TOOL, "notify", "it ended with code 1"), ACTIVE),
    (CheckpointMade("code", "here"), ACTIVE),
    (CheckpointRestored("code", "here"), ACTIVE),
    (ModelChosen("code", "m2"), ACTIVE),
    (PolicyChosen("code", Policy.YOLO), ACTIVE),
    (ApprovalGiven("slack:T1/U1", "d" * 64, "Kim"), {Phase.DECIDING: Phase.DECIDING}),
    (AnswerRefused("slack:T1/U9", "approve", "d" * 64, "no rule"), {phase: phase for phase in Phase}),
    (TicketChanged((TicketNews.CLOSED,), ("It is closed.",)), {Phase.DECIDING: Phase.DECIDING}),
    (BaseMoved("c" * 40, "u" * 40, "Go on", 2, "main moved"), {Phase.DELIVERING: Phase.WORKING}),
    (LetterRefused("l1", "Kim", "too late"), {phase: phase for phase in Phase}),
    (MessageShown("C1/1.2", 3), {phase: phase for phase in Phase}),
    (AgentEnded("code", AgentOutcome.SUBMITTED, "{}"), ACTIVE),
    (CellFinished(BASELINE), ACTIVE),
    (ProofStarted(1), {Phase.WORKING: Phase.PROVING}),
    (ProofFinished(PROOF), {Phase.PROVING: Phase.PROVING}),
    (RoundStarted(2, "proof"), {Phase.PROVING: Phase.WORKING, Phase.DECIDING: Phase.WORKING}),
    (BriefingPrepared(BRIEFING), {Phase.PROVING: Phase.DECIDING}),
    (APPROVED, {Phase.DECIDING: Phase.DELIVERING}),
    (
        Decided(Verb.DECLINE, "Kim", "d" * 64),
        {phase: Phase.DELIVERING for phase in Phase if phase is not Phase.CLOSED},
    ),
    (SENT_BACK, {Phase.DECIDING: Phase.DECIDING}),
    (StepDelivered("branch", "fix/bug-1"), {Phase.DELIVERING: Phase.DELIVERING}),
    (WorkStarted(), {phase: phase for phase in Phase if phase is not Phase.CLOSED}),
    (WorkStopped("no model", "time"), {phase: phase for phase in Phase if phase is not Phase.CLOSED}),
    (RunClosed(RunOutcome.FAILED), {phase: Phase.CLOSED for phase in Phase if phase is not Phase.CLOSED}),
)
"""Event → each phase that it may come in, and the phase after it. Every other phase refuses it."""


def entry(event: Event, number: int) -> Entry:
    return Entry("r1", number, START + timedelta(seconds=number), event)


def at(phase: Phase) -> RunState:
    return replace(begin(entry(RECEIVED, 1)), phase=phase, base=BASE)


def entries(*events: Event) -> list[Entry]:
    return [entry(event, number) for number, event in enumerate(events, 1)]


def test_the_table_names_every_event() -> None:
    assert {type(event) for event, _ in TABLE} == set(get_args(Event))


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize(("event", "allowed"), TABLE, ids=lambda value: getattr(value, "kind", ""))
def test_an_event_comes_in_its_phases_and_in_no_other(
    event: Event, allowed: dict[Phase, Phase], phase: Phase
) -> None:
    state = at(phase)
    if phase in allowed:
        after = advance(state, entry(event, 2))
        assert after.phase is allowed[phase] is permit(state, event)
        assert (after.number, after.updated_at) == (2, START + timedelta(seconds=2))
        return
    before = replace(state)
    with pytest.raises(IllegalTransition, match=f"{event.kind!r} may not come while run 'r1' is {phase}"):
        advance(state, entry(event, 2))
    assert state == before


@pytest.mark.parametrize("event", [event for event, _ in TABLE[1:]], ids=lambda event: event.kind)
def test_a_run_begins_with_its_ticket_and_with_nothing_else(event: Event) -> None:
    with pytest.raises(IllegalTransition, match="begins with"):
        fold(entries(event))


def test_no_events_are_no_run() -> None:
    with pytest.raises(IllegalTransition, match="without any event"):
        fold([])


@given(st.lists(st.sampled_from([event for event, _ in TABLE]), max_size=40))
def test_folding_a_journal_is_what_living_through_it_was(events: list[Event]) -> None:
    run = entries(RECEIVED)
    lived = begin(run[0])
    for event in events:
        following = entry(event, lived.number + 1)
        try:
            lived = advance(lived, following)
        except IllegalTransition:
            continue
        run.append(following)
    stored = [replace(e, event=decode_event(encode_event(e.event))) for e in run]
    assert fold(run) == lived == fold(stored)
    seen = fold([each for each in run if each.event.kind in MILESTONES])
    rest = replace(seen, agents=lived.agents, cells=lived.cells)
    assert replace(rest, updated_at=lived.updated_at, number=lived.number, notable=lived.notable) == lived


def test_milestones_are_events() -> None:
    assert {event.kind for event, _ in TABLE} >= MILESTONES


def whole_round(number: int) -> list[Event]:
    return [
        CellFinished(BASELINE),
        CellFinished(ON_FIX),
        ProofStarted(number),
        ProofFinished(replace(PROOF, round=number)),
    ]


def test_a_new_round_keeps_the_baseline_and_forgets_the_other_cells_and_the_briefing() -> None:
    begun = [RECEIVED, TABLE[1][0], *whole_round(1), BriefingPrepared(BRIEFING)]
    asked = fold(entries(*begun))
    assert asked.proof is not None
    assert asked.briefing == BRIEFING
    again = fold(entries(*begun, SENT_BACK, RoundStarted(2, "person")))
    assert (again.round, again.cells, again.briefing, again.proof) == (2, (BASELINE,), None, None)
    assert again.proofs == asked.proofs
    assert again.decision == SENT_BACK


def test_a_persons_request_gives_the_agents_their_attempts_anew() -> None:
    events = [RECEIVED, TABLE[1][0], *whole_round(1), RoundStarted(2, "proof"), *whole_round(2)]
    assert fold(entries(*events)).round_limit == 2
    events += [BriefingPrepared(BRIEFING), SENT_BACK, RoundStarted(3, "person")]
    state = fold(entries(*events))
    assert (state.round, state.round_limit) == (3, 4)


def test_costs_add_up_and_one_unknown_price_makes_the_sum_unknown() -> None:
    priced = TABLE[5][0]
    assert isinstance(priced, ReplyReceived)
    start = [RECEIVED, TABLE[1][0], TABLE[2][0]]
    state = fold(entries(*start, priced, replace(priced, agent="test")))
    assert (state.cost_dollars, state.cost_known) == (1.0, True)
    state = fold(entries(*start, priced, replace(priced, agent="test", cost_dollars=None)))
    assert (state.cost_dollars, state.cost_known) == (0.5, False)


def test_steps_are_known_by_their_names() -> None:
    approved = [RECEIVED, TABLE[1][0], *whole_round(1), BriefingPrepared(BRIEFING), APPROVED]
    branch, report = StepDelivered("branch", "fix/bug-1"), StepDelivered("report", "/srv/reports/r1")
    state = fold(entries(*approved, branch, report))
    assert dict(state.steps) == {"branch": branch, "report": report}
    assert fold(entries(*approved, branch, report, RunClosed(RunOutcome.DELIVERED))).closed is not None
