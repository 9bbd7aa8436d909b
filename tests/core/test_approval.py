"""Who may approve what: rules, persons by several ways in, risky paths; and what each is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.test_decision import BRIEFING, DIGEST, GREEN, after, red, waiting

from anton.core.approval import ApprovalRules, Rule
from anton.core.consent import AnswerRefused, ApprovalGiven
from anton.core.decision import MOST_REFUSALS, Answer, Refused, decide, recorded
from anton.core.event import BriefingPrepared, Decided, Event, ProofFinished, ProofStarted, Verb
from anton.core.person import Person, api, page, slack, terminal
from anton.core.proof import FileChange
from anton.core.run import RunState

KIM, KIM_API = slack("T1", "UKIM"), api("kim-laptop")
LEE, MAX = slack("T1", "ULEE"), slack("T1", "UMAX")
PEOPLE = (
    Person("kim", frozenset({KIM, KIM_API, terminal("kim")})),
    Person("lee", frozenset({LEE})),
    Person("max", frozenset({MAX})),
)
RULES = ApprovalRules(
    people=PEOPLE,
    rules=(
        Rule(frozenset({"kim", "lee", "max"}), ("**/app",)),
        Rule(frozenset({"kim", "lee"}), ("**/app",), ("payments/**",)),
    ),
    keyboard="listed",
)


def changing(*paths: str, state: RunState | None = None) -> RunState:
    """A run that waits with a patch of these paths."""
    state = state or waiting()
    [proof] = state.proofs
    files = tuple(FileChange(path, "M") for path in paths)
    return replace(state, proofs=(replace(proof, patch=replace(proof.patch, source=files)),))


PLAIN, RISKY = changing("app.py"), changing("auth/login.py")


def approve(by: str, *, digest: str = DIGEST, override: bool = False) -> Answer:
    return Answer(Verb.APPROVE, by, digest, "", override)


def told(state: RunState, given: Answer, rules: ApprovalRules = RULES) -> str:
    with pytest.raises(Refused) as refusal:
        decide(state, given, rules)
    return str(refusal.value)


def test_whoever_a_rule_names_approves_and_is_on_record_by_name() -> None:
    assert decide(PLAIN, approve(LEE), RULES) == (Decided(Verb.APPROVE, LEE, DIGEST, person="lee"),)


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize(
    "by",
    ["", "Kim", "kim", "slack:T2/UKIM", "slack:T1/UBOT", "api:", "terminal:root", "page:nobody", "jira"],
)
def test_whoever_no_rule_names_may_do_nothing(by: str, verb: Verb) -> None:
    sentence = told(PLAIN, Answer(verb, by, DIGEST, "More."))
    assert "may not decide on run r1: no rule of [approval] in Anton's settings names them" in sentence


@given(by=st.text(max_size=30), verb=st.sampled_from(Verb))
def test_no_text_is_an_identity_by_itself(by: str, verb: Verb) -> None:
    if not terminal("x").startswith(by[:9]):
        told(PLAIN, Answer(verb, by, DIGEST, "More."), ApprovalRules())


@pytest.mark.parametrize("by", [KIM, api("x"), page("kim"), "github:kim", "email:kim@example.com"])
def test_without_rules_nobody_from_elsewhere_may(by: str) -> None:
    assert "may not decide" in told(PLAIN, approve(by), ApprovalRules(people=PEOPLE))


def test_a_signed_link_is_its_persons() -> None:
    assert decide(PLAIN, approve(page("lee")), RULES)


def test_an_identity_of_two_people_is_nobodys() -> None:
    rules = replace(RULES, people=(*PEOPLE, Person("eve", frozenset({LEE}))))
    assert "may not decide" in told(PLAIN, approve(LEE), rules)


def test_the_last_rule_that_matches_a_path_counts() -> None:
    state = changing("payments/card.py", "app.py")
    sentence = told(state, approve(MAX))
    assert sentence == "you may not approve changes of payments/card.py in run r1; may: kim, lee"
    assert decide(state, Answer(Verb.DECLINE, MAX, DIGEST), RULES), "anyone of the repository may say no"
    assert decide(state, approve(KIM), RULES)


def test_a_path_of_no_rule_is_nobodys() -> None:
    rules = replace(RULES, rules=(Rule(frozenset({"kim"}), paths=("docs/**",)),))
    assert told(PLAIN, approve(KIM), rules) == (
        "you may not approve changes of app.py in run r1; may: nobody yet"
    )


def test_a_rule_of_another_repository_says_nothing_here() -> None:
    rules = replace(RULES, rules=(Rule(frozenset({"kim"}), ("**/shop",)),))
    assert "may not decide" in told(PLAIN, approve(KIM), rules)


def test_a_repository_goes_by_its_folders_name_too() -> None:
    rules = replace(RULES, rules=(Rule(frozenset({"kim"}), ("app",)),))
    assert decide(PLAIN, approve(KIM), rules)


@pytest.mark.parametrize("by", [KIM, KIM_API, page("kim")])
@pytest.mark.parametrize("asked", [KIM, KIM_API])
def test_nobody_approves_what_they_asked_for_whatever_way_they_come(by: str, asked: str) -> None:
    state = replace(PLAIN, received=replace(PLAIN.received, requested_by=asked))
    assert told(state, approve(by)) == (
        "you asked for run r1 or reported its bug, so somebody else has to approve it"
    )
    assert decide(state, approve(by), replace(RULES, requester_may_approve=True))
    assert decide(state, Answer(Verb.REQUEST_CHANGES, by, DIGEST, "More."), RULES)


def test_nor_what_they_reported() -> None:
    ticket = replace(PLAIN.received.ticket, reporter="@Lee")
    state = replace(PLAIN, received=replace(PLAIN.received, ticket=ticket))
    assert "reported its bug" in told(state, approve(LEE))
    assert decide(state, approve(KIM), RULES)


def test_a_risky_path_takes_two_persons() -> None:
    [first] = decide(RISKY, approve(KIM), RULES)
    assert first == ApprovalGiven(KIM, DIGEST, "kim")
    waits = after(RISKY, [first])
    assert waits.phase is RISKY.phase
    for again in (KIM, KIM_API, page("kim")):
        assert told(waits, approve(again)) == (
            "you already approved run r1; it takes another person's approval, for it changes auth/login.py"
        )
    second = decide(waits, approve(LEE), RULES)
    assert second == (Decided(Verb.APPROVE, LEE, DIGEST, person="lee"),)
    assert after(waits, second).approvers == ("kim (slack:T1/UKIM)", "lee (slack:T1/ULEE)")


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        "web/package.json",
        "uv.lock",
        "requirements-dev.txt",
        "Dockerfile",
        "src/Auth/token.py",
        "app/jwt_check.py",
        "setup.py",
        "CODEOWNERS",
        ".vscode/tasks.json",
        "AGENTS.md",
    ],
)
def test_what_is_risky_by_default(path: str) -> None:
    assert RULES.risky((path, "app.py")) == (path,)


def test_a_request_for_changes_and_a_new_briefing_void_the_first_approval() -> None:
    waits = after(RISKY, decide(RISKY, approve(KIM), RULES))
    sent_back = after(waits, decide(waits, Answer(Verb.REQUEST_CHANGES, LEE, DIGEST, "More."), RULES))
    assert sent_back.approvals == ()
    renewed: Sequence[Event] = (
        ProofStarted(2),
        ProofFinished(replace(RISKY.proofs[0], round=2)),
        BriefingPrepared(replace(BRIEFING, round=2, digest="e" * 64)),
    )
    again = after(sent_back, renewed)
    [first] = decide(again, approve(LEE, digest="e" * 64), RULES)
    assert isinstance(first, ApprovalGiven)


def test_an_approval_of_somebody_who_lost_the_right_does_not_count() -> None:
    waits = after(RISKY, decide(RISKY, approve(KIM), RULES))
    rules = replace(RULES, rules=(Rule(frozenset({"lee", "max"})),))
    [given] = decide(waits, approve(LEE), rules)
    assert isinstance(given, ApprovalGiven)


def test_an_override_is_said_by_both() -> None:
    state = changing("auth/login.py", state=red())
    assert "--override-red" in told(state, approve(KIM))
    waits = after(state, decide(state, approve(KIM, override=True), RULES))
    assert "--override-red" in told(waits, approve(LEE))
    [decided] = decide(waits, approve(LEE, override=True), RULES)
    assert decided == Decided(Verb.APPROVE, LEE, DIGEST, override=True, person="lee")


def test_an_override_takes_the_same_right() -> None:
    assert "may not approve" in told(changing("payments/a.py", state=red()), approve(MAX, override=True))


def test_whoever_sits_at_the_machine_decides_alone_as_long_as_it_is_theirs() -> None:
    mine = ApprovalRules(people=RULES.people, rules=RULES.rules)
    state = replace(RISKY, received=replace(RISKY.received, requested_by=terminal("jo")))
    assert decide(state, approve(terminal("jo")), mine) == (Decided(Verb.APPROVE, terminal("jo"), DIGEST),)
    assert "may not decide" in told(state, approve(terminal("jo")))
    assert "may not decide" in told(state, approve("terminal:"), mine)


def test_an_owner_completes_what_they_began_under_rules_that_are_gone() -> None:
    waits = after(RISKY, decide(RISKY, approve(terminal("kim")), RULES))
    assert len(waits.approvals) == 1
    [decided] = decide(waits, approve(terminal("kim")), ApprovalRules())
    assert after(waits, [decided]).approvers == ("terminal:kim",)


def test_a_double_tap_is_told_that_it_counts_already() -> None:
    approved = after(PLAIN, decide(PLAIN, approve(KIM), RULES))
    assert told(approved, approve(KIM)) == "you already approved run r1"
    assert told(approved, approve(KIM_API)) == "you already approved run r1"
    assert told(approved, approve(LEE)) == "run r1 was already approved by kim (slack:T1/UKIM)"


def test_a_refusal_is_put_on_record_once_and_not_without_end() -> None:
    state = PLAIN
    [refused] = recorded(state, approve("slack:T1/UEVE"), "no")
    assert refused == AnswerRefused("slack:T1/UEVE", "approve", DIGEST, "no")
    state = after(state, [refused])
    assert recorded(state, approve("slack:T1/UEVE"), "no") == ()
    for number in range(100):
        state = after(state, recorded(state, approve(f"slack:T1/U{number}"), "no"))
    assert len(state.refusals) == MOST_REFUSALS
    assert state.phase is PLAIN.phase


def test_what_is_put_on_record_is_bounded_and_of_one_line() -> None:
    [refused] = recorded(PLAIN, approve("slack:\n" * 1000, digest="\x1b[2J" * 500), "no")
    assert len(refused.by) <= 200
    assert len(refused.digest) <= 64
    assert refused.by.isprintable()


def test_a_green_proof_of_nothing_is_not_approved_by_any_rule() -> None:
    nothing = replace(PLAIN, proofs=(replace(GREEN, patch=replace(GREEN.patch, commits=())),))
    assert "changes nothing" in told(nothing, approve(KIM))
