"""The gate: which answers count, and what those that do not are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from anton.core.agent import AgentState
from anton.core.approval import ApprovalRules
from anton.core.briefing import Briefing
from anton.core.decision import Answer, Refused
from anton.core.decision import decide as gate
from anton.core.event import (
    Decided,
    Entry,
    Event,
    Note,
    NotePosted,
    RoundStarted,
    RunClosed,
    RunOutcome,
    RunReceived,
    Source,
    StepDelivered,
    Verb,
)
from anton.core.proof import Blame, Commit, Fault, FaultKind, Opinion, Patch, Proof
from anton.core.run import Phase, RunState, advance, begin
from anton.core.ticket import Ticket

KIM, LEE = "terminal:Kim", "terminal:Lee"
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
DIGEST = "d" * 64
PATCH = Patch("b" * 40, "h" * 40, (Commit("h" * 40, "app.py", "Fix"),), (), (), "")
GREEN = Proof(1, PATCH, (), (), ("t",), ("t",), (), (), Opinion.AGREES, "full")
FAULT = Fault(FaultKind.NOT_CURED, Blame.CODE, ("t",), "1 test(s) still fail: t.")
BRIEFING = Briefing(1, DIGEST, True, "All is well.", "It was fixed.", (), "P2", "app", "Fix", "Body")
RED_BRIEFING = replace(BRIEFING, green=False, headline="1 new test still fails.")
AGENTS = MappingProxyType({name: AgentState(name) for name in ("triage", "code", "test", "pr")})


def decide(state: RunState, given: Answer) -> tuple[Event, ...]:
    """At a machine without any rules: whoever sits at it decides."""
    return gate(state, given, ApprovalRules())


def waiting(proof: Proof = GREEN, briefing: Briefing | None = BRIEFING) -> RunState:
    received = RunReceived(Ticket("BUG-1", "It breaks", "Badly."), "/srv/app", "", "", "/srv/reports", "Jo")
    state = begin(Entry("r1", 1, NOW, received))
    return replace(state, phase=Phase.DECIDING, agents=AGENTS, proofs=(proof,), briefing=briefing)


def red() -> RunState:
    return waiting(replace(GREEN, faults=(FAULT,)), RED_BRIEFING)


def after(state: RunState, events: Sequence[Event]) -> RunState:
    for event in events:
        state = advance(state, Entry("r1", state.number + 1, NOW, event))
    return state


def answer(
    verb: Verb = Verb.APPROVE, text: str = "", *, digest: str = DIGEST, override: bool = False
) -> Answer:
    return Answer(verb, KIM, digest, text, override)


def test_an_approval_and_a_decline_are_one_event_each() -> None:
    assert decide(waiting(), answer()) == (Decided(Verb.APPROVE, KIM, DIGEST),)
    declined = decide(waiting(), answer(Verb.DECLINE, "  Not so.\n"))
    assert declined == (Decided(Verb.DECLINE, KIM, DIGEST, "Not so."),)


def test_a_request_for_changes_sends_code_and_test_back_to_work_with_the_text() -> None:
    decided, round_started, *notes = decide(waiting(), answer(Verb.REQUEST_CHANGES, "Say why."))
    assert decided == Decided(Verb.REQUEST_CHANGES, KIM, DIGEST, "Say why.")
    assert round_started == RoundStarted(2, "person")
    text = (
        "A reviewer looked at the briefing and asks for changes:\n\nSay why.\n\n"
        "The proof so far is green.\n\n"
        "Revise your own part where the request concerns it, leave the rest as it is, and submit again."
    )
    assert notes == [NotePosted(name, Note(Source.PERSON, text)) for name in ("code", "test")]


def test_the_evidence_of_a_red_proof_goes_along_with_a_request() -> None:
    *_, note = decide(red(), answer(Verb.REQUEST_CHANGES, "Try the other way."))
    assert isinstance(note, NotePosted)
    assert "The proof so far is not green:\n- not cured: 1 test(s) still fail: t." in note.note.text


def test_only_agents_of_the_run_hear_a_request() -> None:
    state = replace(waiting(), agents=MappingProxyType({"code": AgentState("code")}))
    events = decide(state, answer(Verb.REQUEST_CHANGES, "Say why."))
    assert [event.agent for event in events if isinstance(event, NotePosted)] == ["code"]


@pytest.mark.parametrize(
    ("state", "given", "sentence"),
    [
        (
            waiting(),
            answer(digest="e" * 64),
            "run r1 has a newer briefing than the one you answered (eeeeeeeeeeee is not dddddddddddd); "
            "look at it again: anton show r1",
        ),
        (
            waiting(),
            answer(Verb.DECLINE, digest=""),
            "run r1 has a newer briefing than the one you answered ( is not dddddddddddd); "
            "look at it again: anton show r1",
        ),
        (
            red(),
            answer(),
            "the proof of run r1 is not green: 1 new test still fails. "
            "To approve it all the same: anton approve r1 --override-red",
        ),
        (
            waiting(replace(GREEN, patch=replace(PATCH, commits=())), RED_BRIEFING),
            answer(override=True),
            "run r1 changes nothing, so there is nothing to approve",
        ),
        (
            waiting(),
            answer(Verb.REQUEST_CHANGES, " \n "),
            "say what should change: the text goes to the agents",
        ),
        *(
            (
                replace(waiting(), phase=phase, briefing=None),
                answer(),
                f"run r1 is {phase}; there is no briefing to decide on yet. "
                "See where it stands: anton show r1. To give it up: anton decline r1",
            )
            for phase in (Phase.RECEIVED, Phase.WORKING, Phase.PROVING)
        ),
        (
            after(waiting(), [RunClosed(RunOutcome.FAILED)]),
            answer(),
            "run r1 is closed; nothing waits for a decision",
        ),
    ],
)
def test_an_answer_that_does_not_count_is_told_why(state: RunState, given: Answer, sentence: str) -> None:
    with pytest.raises(Refused) as refusal:
        decide(state, given)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(("first", "word"), [(Verb.APPROVE, "approved"), (Verb.DECLINE, "declined")])
@pytest.mark.parametrize("second", Verb)
def test_the_second_of_two_taps_is_told_whose_was_the_first(first: Verb, word: str, second: Verb) -> None:
    decided = after(waiting(), decide(waiting(), answer(first)))
    closed = after(decided, [RunClosed(RunOutcome.DELIVERED)])
    for state in (decided, closed):
        with pytest.raises(Refused, match=f"^run r1 was already {word} by terminal:Kim$"):
            decide(state, Answer(second, LEE, DIGEST, "More."))


def test_a_second_request_finds_the_run_at_work_again() -> None:
    sent_back = after(waiting(), decide(waiting(), answer(Verb.REQUEST_CHANGES, "Say why.")))
    with pytest.raises(
        Refused,
        match="run r1 is working; there is no briefing to decide on yet, since terminal:Kim asked for",
    ):
        decide(sent_back, answer(Verb.REQUEST_CHANGES, "Say why."))


def test_a_red_proof_is_approved_only_by_whoever_says_so_and_that_is_on_record() -> None:
    [decided] = decide(red(), answer(text="I know.", override=True))
    assert decided == Decided(Verb.APPROVE, KIM, DIGEST, "I know.", override=True)


def test_an_override_of_a_green_proof_is_none() -> None:
    assert decide(waiting(), answer(override=True)) == (Decided(Verb.APPROVE, KIM, DIGEST),)


def test_a_red_proof_may_be_declined_and_sent_back_without_more_ado() -> None:
    assert decide(red(), answer(Verb.DECLINE))
    assert decide(red(), answer(Verb.REQUEST_CHANGES, "Again."))


@pytest.mark.parametrize("phase", [Phase.RECEIVED, Phase.WORKING, Phase.PROVING])
def test_a_run_that_is_at_work_can_be_given_up(phase: Phase) -> None:
    state = replace(waiting(), phase=phase, briefing=None)
    given = answer(Verb.DECLINE, "Enough.")
    assert decide(state, given) == (Decided(Verb.DECLINE, KIM, "", "Enough."),)


def test_what_was_approved_is_given_up_only_on_purpose_and_only_before_it_is_pushed() -> None:
    approved = after(waiting(), decide(waiting(), answer(Verb.APPROVE)))
    given = Answer(Verb.DECLINE, LEE, "", "The remote is gone.", override=True)
    assert decide(approved, given) == (Decided(Verb.DECLINE, LEE, "", "The remote is gone."),)
    pushed = after(approved, [StepDelivered("branch", "fix/bug-1")])
    with pytest.raises(Refused, match="already approved by terminal:Kim"):
        decide(pushed, given)
