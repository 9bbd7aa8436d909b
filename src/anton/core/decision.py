"""May this answer be given now? The one gate that every way of deciding passes."""

from __future__ import annotations

from dataclasses import dataclass

from anton.core.agent import WITNESSES
from anton.core.errors import UsageError
from anton.core.event import Decided, Event, Note, NotePosted, RoundStarted, Source, Verb
from anton.core.proof import Proof
from anton.core.run import Phase, RunState
from anton.core.text import sayable

PUSHED = "branch"
"""The step of a delivery with which the work leaves the machine."""


class Refused(UsageError):
    """The answer does not count; the text says why and what would."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said to a briefing."""

    verb: Verb
    by: str
    digest: str
    """Of the briefing that the person was looking at."""
    text: str = ""
    override: bool = False
    """Approve although the proof is not green; decline although it was approved and is being delivered."""


def decide(state: RunState, answer: Answer) -> tuple[Event, ...]:
    """The events that an answer amounts to, to be appended in one piece.

    Raises:
        Refused: there is nothing to decide on yet or any more, the briefing has changed, the proof is not
            green, or the request for changes has no text.
    """
    briefing = state.briefing
    if answer.verb is Verb.DECLINE and state.phase is not Phase.DECIDING:
        return (_given_up(state, answer),)
    if state.phase is not Phase.DECIDING or briefing is None:
        raise Refused(_nothing_to_decide(state))
    if answer.digest != briefing.digest:
        raise Refused(
            f"run {state.run_id} has a newer briefing than the one you answered "
            f"({answer.digest[:12]} is not {briefing.digest[:12]}); "
            f"look at it again: anton show {state.run_id}"
        )
    if answer.verb is Verb.APPROVE and state.proof is not None and not state.proof.patch.commits:
        raise Refused(f"run {state.run_id} changes nothing, so there is nothing to approve")
    decided = Decided(answer.verb, answer.by, answer.digest, sayable(answer.text).strip())
    if answer.verb is Verb.APPROVE and not briefing.green:
        if not answer.override:
            raise Refused(
                f"the proof of run {state.run_id} is not green: {briefing.headline} "
                f"To approve it all the same: anton approve {state.run_id} --override-red"
            )
        decided = Decided(answer.verb, answer.by, answer.digest, sayable(answer.text).strip(), override=True)
    if answer.verb is not Verb.REQUEST_CHANGES:
        return (decided,)
    if not decided.text:
        raise Refused("say what should change: the text goes to the agents")
    heard = tuple(
        NotePosted(name, Note(Source.PERSON, _request(decided, state.proof)))
        for name in WITNESSES
        if name in state.agents
    )
    return (decided, RoundStarted(state.round + 1, "person"), *heard)


def _given_up(state: RunState, answer: Answer) -> Decided:
    """A run can be given up whatever it is at, as long as nothing of it has left the machine.

    The first decision counts: what was approved is given up only by someone who says that he knows.
    """
    approved = state.phase is Phase.DELIVERING
    if state.phase is Phase.CLOSED or (approved and (PUSHED in state.steps or not answer.override)):
        raise Refused(_nothing_to_decide(state))
    return Decided(Verb.DECLINE, answer.by, "", sayable(answer.text).strip())


def _request(decided: Decided, proof: Proof | None) -> str:
    evidence = "\n".join(f"- {f.kind}: {f.evidence}" for f in proof.faults) if proof else ""
    stands = f"The proof so far is not green:\n{evidence}" if evidence else "The proof so far is green."
    return (
        f"A reviewer looked at the briefing and asks for changes:\n\n{decided.text}\n\n{stands}\n\n"
        "Revise your own part where the request concerns it, leave the rest as it is, and submit again."
    )


def _nothing_to_decide(state: RunState) -> str:
    if state.decision is not None and state.phase in (Phase.DELIVERING, Phase.CLOSED):
        words = {Verb.APPROVE: "approved", Verb.DECLINE: "declined"}
        verb = words.get(state.decision.verb, "sent back")
        return f"run {state.run_id} was already {verb} by {state.decision.by}"
    if state.phase is Phase.CLOSED:
        return f"run {state.run_id} is closed; nothing waits for a decision"
    return (
        f"run {state.run_id} is {state.phase}; there is no briefing to decide on yet. "
        f"See where it stands: anton show {state.run_id}. To give it up: anton decline {state.run_id}"
    )
