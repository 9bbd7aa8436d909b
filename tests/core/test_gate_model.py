"""Answers of several people in any order: at most one approval takes effect, and only by right."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.core.test_approval import KIM, KIM_API, LEE, MAX, PLAIN, RISKY, RULES
from tests.core.test_decision import BRIEFING, after

from anton.core.consent import ApprovalGiven, BaseMoved
from anton.core.decision import PUSHED, Answer, Refused, decide, recorded
from anton.core.event import (
    BaseResolved,
    BriefingPrepared,
    Decided,
    Event,
    ProofFinished,
    ProofStarted,
    RunClosed,
    RunOutcome,
    StepDelivered,
    Verb,
)
from anton.core.person import slack
from anton.core.run import Phase, RunState

STRANGER = slack("T9", "UEVE")
BASE = BaseResolved("b" * 40, "t" * 40, "main", "Begin", "/srv/app.git")
PERSON = {KIM: "kim", KIM_API: "kim", LEE: "lee", MAX: "max", STRANGER: ""}


def briefing(number: int) -> str:
    return f"{number:064d}"


class Gate(RuleBasedStateMachine):
    """A run that Max asked for, and everything that can happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.risky = False
        self.briefings = 1
        self.state: RunState = replace(PLAIN, base=BASE)
        self.history: list[tuple[RunState, Event]] = []
        self._set_up()

    def _set_up(self) -> None:
        received = replace(PLAIN.received, requested_by=MAX)
        start = replace(RISKY if self.risky else PLAIN, base=BASE, received=received)
        self.state = replace(start, briefing=replace(BRIEFING, digest=briefing(1)))

    @precondition(lambda self: not self.history)
    @rule()
    def touch_security_code(self) -> None:
        self.risky = True
        self._set_up()

    def _happen(self, *events: Event) -> None:
        for event in events:
            self.history.append((self.state, event))
            self.state = after(self.state, [event])

    @rule(
        by=st.sampled_from(sorted(PERSON)),
        verb=st.sampled_from([Verb.APPROVE, Verb.APPROVE, Verb.APPROVE, Verb.REQUEST_CHANGES, Verb.DECLINE]),
        back=st.integers(0, 2),
        override=st.booleans(),
    )
    def answer(self, by: str, verb: Verb, back: int, override: bool) -> None:
        given = Answer(verb, by, briefing(self.briefings - back), "More.", override)
        before = self.state
        try:
            events = decide(self.state, given, RULES)
        except Refused as refusal:
            self._happen(*recorded(self.state, given, str(refusal)))
            assert replace(self.state, refusals=(), number=0) == replace(before, refusals=(), number=0)
        else:
            self._happen(*events)

    @precondition(lambda self: self.state.phase is Phase.WORKING)
    @rule()
    def brief_again(self) -> None:
        self.briefings += 1
        number = self.state.round
        renewed = replace(self.state.proofs[0], round=number)
        prepared = replace(BRIEFING, round=number, digest=briefing(self.briefings))
        self._happen(ProofStarted(number), ProofFinished(renewed), BriefingPrepared(prepared))

    @precondition(lambda self: self.state.phase is Phase.DELIVERING and PUSHED not in self.state.steps)
    @rule()
    def go_on(self) -> None:
        if self.state.decision and self.state.decision.verb is Verb.APPROVE:
            moved = BaseMoved("c" * 40, "u" * 40, "On", self.state.round + 1, "main went on")
            self._happen(moved)

    @precondition(lambda self: self.state.phase is Phase.DELIVERING)
    @rule(close=st.booleans())
    def deliver(self, close: bool) -> None:
        self._happen(RunClosed(RunOutcome.DELIVERED) if close else StepDelivered(PUSHED, "fix/x"))

    @invariant()
    def an_approval_takes_effect_once_and_by_right(self) -> None:
        approved: set[str] = set()
        for state, event in self.history:
            if not isinstance(event, Decided) or event.verb is not Verb.APPROVE:
                continue
            assert state.phase is Phase.DECIDING
            assert state.briefing is not None
            assert event.digest == state.briefing.digest, "what was looked at is what waits"
            assert event.digest not in approved, "once"
            approved.add(event.digest)
            assert PERSON[event.by] in ("kim", "lee"), "a stranger may not, and Max asked for it"
            if self.risky:
                [first] = [given for given in state.approvals if given.digest == event.digest]
                assert PERSON[first.by] != PERSON[event.by], "two persons"
                assert PERSON[first.by] in ("kim", "lee")

    @invariant()
    def a_first_approval_never_takes_effect_by_itself(self) -> None:
        for state, event in self.history:
            if isinstance(event, ApprovalGiven):
                assert self.risky
                assert after(state, [event]).phase is Phase.DECIDING

    @invariant()
    def nobody_unknown_changes_anything(self) -> None:
        for _, event in self.history:
            if isinstance(event, (Decided, ApprovalGiven)):
                assert PERSON[event.by]


TestGate = Gate.TestCase
TestGate.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
