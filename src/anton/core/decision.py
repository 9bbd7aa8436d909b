"""May this answer be given now? The one gate that every way of deciding passes.

It asks, in this order: may this person answer at all; is there something to answer; is it what they looked
at; and, for an approval, may they approve these paths, did they ask for the run themselves, is the proof
green or the override said out loud, and does it take somebody else besides.
"""

from __future__ import annotations

from dataclasses import dataclass

from anton.core.agent import WITNESSES
from anton.core.approval import ApprovalRules
from anton.core.consent import AnswerRefused, ApprovalGiven
from anton.core.errors import UsageError
from anton.core.event import Decided, Event, Note, NotePosted, RoundStarted, Source, Verb
from anton.core.proof import Proof
from anton.core.run import Phase, RunState
from anton.core.text import listed, one_line, sayable

PUSHED = "branch"
"""The step of a delivery with which the work leaves the machine."""

MOST_REFUSALS = 20
"""Refused answers that a run puts on record; whoever goes on trying is refused all the same."""

SHOWN = 3
"""Paths or people named in one sentence; the rest are counted."""


class Refused(UsageError):
    """The answer does not count; the text says why and what would."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said to a briefing."""

    verb: Verb
    by: str
    """Their identity, made by the way in that checked it: see `core.person`."""
    digest: str
    """Of the briefing that the person was looking at."""
    text: str = ""
    override: bool = False
    """Approve although the proof is not green; decline although it was approved and is being delivered."""


def decide(state: RunState, answer: Answer, rules: ApprovalRules) -> tuple[Event, ...]:
    """The events that an answer amounts to, to be appended in one piece.

    Raises:
        Refused: it does not count; the sentence is for the person who gave it.
    """
    refuse_strangers(state, answer.by, rules)
    briefing = state.briefing
    if answer.verb is Verb.DECLINE and state.phase is not Phase.DECIDING:
        return (_given_up(state, answer, rules),)
    if state.phase is not Phase.DECIDING or briefing is None:
        raise Refused(_nothing_to_decide(state, answer, rules))
    if answer.digest != briefing.digest:
        raise Refused(
            f"run {state.run_id} has a newer briefing than the one you answered "
            f"({one_line(answer.digest)[:12]} is not {briefing.digest[:12]}); "
            f"look at it again: anton show {state.run_id}"
        )
    if answer.verb is Verb.APPROVE:
        return (_approved(state, answer, rules),)
    decided = _decided(answer, rules)
    if answer.verb is Verb.DECLINE:
        return (decided,)
    if not decided.text:
        raise Refused("say what should change: the text goes to the agents")
    heard = tuple(
        NotePosted(name, Note(Source.PERSON, _request(decided, state.proof)))
        for name in WITNESSES
        if name in state.agents
    )
    return (decided, RoundStarted(state.round + 1, "person"), *heard)


def refuse_strangers(state: RunState, identity: str, rules: ApprovalRules) -> None:
    """Let pass whoever has a say in a run.

    Raises:
        Refused: no rule names them for the run's repository.
    """
    if not rules.may_decide(identity, state.received.repository):
        who = one_line(identity)[:200] or "somebody unknown"
        raise Refused(
            f"{who} may not decide on run {state.run_id}: no rule of [approval] in Anton's settings names "
            "them for its repository. Ask whoever runs Anton to add them"
        )


def recorded(state: RunState, answer: Answer, reason: str) -> tuple[AnswerRefused, ...]:
    """The event that puts a refusal on record; none where it is there already, or there are many."""
    by, digest = one_line(answer.by)[:200], one_line(answer.digest)[:64]
    refused = AnswerRefused(by, answer.verb.value, digest, reason)
    if refused in state.refusals or len(state.refusals) >= MOST_REFUSALS:
        return ()
    return (refused,)


def patch_paths(state: RunState) -> tuple[str, ...]:
    """What the patch before the person changes."""
    return tuple(change.path for change in state.proof.patch.files) if state.proof else ()


def _approved(state: RunState, answer: Answer, rules: ApprovalRules) -> Decided | ApprovalGiven:
    run, paths = state.run_id, patch_paths(state)
    if state.proof is not None and not state.proof.patch.commits:
        raise Refused(f"run {run} changes nothing, so there is nothing to approve")
    if barred := rules.barred(answer.by, state.received.repository, paths):
        may = listed(rules.approvers(state.received.repository, paths), SHOWN) or "nobody yet"
        raise Refused(f"you may not approve changes of {listed(barred, SHOWN)} in run {run}; may: {may}")
    if rules.asked_for(answer.by, state.received.requested_by, state.received.ticket.reporter):
        raise Refused(f"you asked for run {run} or reported its bug, so somebody else has to approve it")
    override = _override(state, answer)
    risky = () if rules.owns(answer.by) else rules.risky(paths)
    earlier = _earlier(state, rules)
    if risky and any(rules.same(answer.by, given.by) for given in earlier):
        raise Refused(
            f"you already approved run {run}; it takes another person's approval, "
            f"for it changes {listed(risky, SHOWN)}"
        )
    if risky and not earlier:
        text = sayable(answer.text).strip()
        return ApprovalGiven(answer.by, answer.digest, rules.name(answer.by), text, override)
    return _decided(answer, rules, override=override)


def _override(state: RunState, answer: Answer) -> bool:
    """Whether the approval is one of a proof that is not green."""
    briefing = state.briefing
    if briefing is None or briefing.green:
        return False
    if not answer.override:
        raise Refused(
            f"the proof of run {state.run_id} is not green: {briefing.headline} "
            f"To approve it all the same: anton approve {state.run_id} --override-red"
        )
    return True


def _earlier(state: RunState, rules: ApprovalRules) -> tuple[ApprovalGiven, ...]:
    """Approvals of this very briefing, by people who may still give them."""
    digest = state.briefing.digest if state.briefing else ""
    repository, paths = state.received.repository, patch_paths(state)
    return tuple(
        given
        for given in state.approvals
        if given.digest == digest and not rules.barred(given.by, repository, paths)
    )


def _decided(answer: Answer, rules: ApprovalRules, *, override: bool = False) -> Decided:
    text = sayable(answer.text).strip()
    return Decided(answer.verb, answer.by, answer.digest, text, override, rules.name(answer.by))


def _given_up(state: RunState, answer: Answer, rules: ApprovalRules) -> Decided:
    """A run can be given up whatever it is at, as long as nothing of it has left the machine.

    The first decision counts: what was approved is given up only by someone who says that he knows.
    """
    approved = state.phase is Phase.DELIVERING
    if state.phase is Phase.CLOSED or (approved and (PUSHED in state.steps or not answer.override)):
        raise Refused(_nothing_to_decide(state, answer, rules))
    text = sayable(answer.text).strip()
    return Decided(Verb.DECLINE, answer.by, "", text, person=rules.name(answer.by))


def _request(decided: Decided, proof: Proof | None) -> str:
    evidence = "\n".join(f"- {f.kind}: {f.evidence}" for f in proof.faults) if proof else ""
    stands = f"The proof so far is not green:\n{evidence}" if evidence else "The proof so far is green."
    return (
        f"A reviewer looked at the briefing and asks for changes:\n\n{decided.text}\n\n{stands}\n\n"
        "Revise your own part where the request concerns it, leave the rest as it is, and submit again."
    )


_SAID = {Verb.APPROVE: "approved", Verb.DECLINE: "declined"}


def _nothing_to_decide(state: RunState, answer: Answer, rules: ApprovalRules) -> str:
    decision = state.decision
    if decision is not None and state.phase in (Phase.DELIVERING, Phase.CLOSED):
        verb = _SAID.get(decision.verb, "sent back")
        if not rules.same(answer.by, decision.by):
            return f"run {state.run_id} was already {verb} by {decision.who}"
        return f"you already {verb} run {state.run_id}"
    if state.phase is Phase.CLOSED:
        return f"run {state.run_id} is closed; nothing waits for a decision"
    return (
        f"run {state.run_id} is {state.phase}; there is no briefing to decide on yet{_since(decision)}. "
        f"See where it stands: anton show {state.run_id}. To give it up: anton decline {state.run_id}"
    )


def _since(decision: Decided | None) -> str:
    """Why the briefing that there was is gone."""
    match decision.verb if decision else None:
        case Verb.REQUEST_CHANGES if decision:
            return f", since {decision.who} asked for changes"
        case Verb.APPROVE:
            return ", since its branch went on and the proof is made anew"
        case _:
            return ""
