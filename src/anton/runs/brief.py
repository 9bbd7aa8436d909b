"""What follows a proof: another round for whom it blames, or a briefing for a person."""

from __future__ import annotations

from anton.core.codec import digest_of
from anton.core.event import BriefingPrepared, Event, Note, NotePosted, RoundStarted, Source
from anton.core.proof import Blame, Fault, Proof
from anton.core.run import RunState
from anton.runs.memory import proposed
from anton.views.briefing import briefing_for, pull_request_for
from anton.views.testimony import testimony
from anton.views.unresolved import no_code_cause


def goes_back_to(state: RunState, proof: Proof) -> tuple[Blame, ...]:
    """Whom a proof sends back to work; nobody where no round is left, or both witnesses found nothing."""
    if state.round >= state.round_limit or no_code_cause(proof, testimony(state)):
        return ()
    return tuple(b for b in (Blame.CODE, Blame.TEST) if any(fault.blames is b for fault in proof.faults))


def conclude(state: RunState) -> tuple[Event, ...]:
    """The events that end a round whose proof is judged, to be appended in one piece."""
    proof = state.proof
    if proof is None:
        return ()
    if sent_back := goes_back_to(state, proof):
        notes = (NotePosted(blame, Note(Source.PROOF, _evidence(proof, blame))) for blame in sent_back)
        return (RoundStarted(state.round + 1, "proof"), *notes)
    title, body = pull_request_for(state, proof)
    remote = state.base.remote if state.base else ""
    to_keep = "".join(f"\n\n{note}" for _, note in proposed(state))  # what is kept is approved, too
    digest = digest_of(proof, f"{title}\n\n{body}\n\n{remote}{to_keep}")
    return (BriefingPrepared(briefing_for(state, proof, title, body, digest)),)


def _evidence(proof: Proof, blame: Blame) -> str:
    """What was executed and what came of it, told to the one that it concerns and in nobody else's words."""
    faults = [fault for fault in proof.faults if fault.blames is blame]
    told = "\n\n".join(f"{number}. {_told(fault)}" for number, fault in enumerate(faults, 1))
    return (
        f"Your work was executed and the proof is not green. What concerns you:\n\n{told}\n\n"
        "Find out why, correct your own part, and submit again."
    )


def _told(fault: Fault) -> str:
    return f"{str(fault.kind).upper()}: {fault.evidence}"
