"""The briefing: the verdict in one line, and the paragraph that a person reads at two in the morning."""

from __future__ import annotations

from collections.abc import Iterator

from anton.core.briefing import Briefing
from anton.core.confidence import confidence, still_pass
from anton.core.proof import Fault, FaultKind, FileChange, Opinion, Proof
from anton.core.run import RunState
from anton.views.culprit import culprit_sentence
from anton.views.encode import gist, line
from anton.views.figures import count
from anton.views.pull_request import pull_request_body, pull_request_title
from anton.views.risks import risks
from anton.views.strength import scores
from anton.views.testimony import Testimony, testimony
from anton.views.unresolved import unresolved_headline, unresolved_sentences

NOTE_CHARACTERS = 400
"""Of a note that approving keeps."""
GIST_CHARACTERS = 200
"""Of one model text in the paragraph, which is read on a phone; whole texts are in the pull request."""


def pull_request_for(state: RunState, proof: Proof) -> tuple[str, str]:
    """Title and Markdown body of the pull request; the digest is taken over both."""
    return pull_request_title(state), pull_request_body(state, proof, headline_of(state, proof))


def briefing_for(state: RunState, proof: Proof, title: str, body: str, digest: str) -> Briefing:
    """What a person is asked to decide on.

    Args:
        state: the run, whose agents have ended, with a result or without.
        proof: of the current round.
        title: of the pull request, from `pull_request_for`.
        body: likewise.
        digest: `core.codec.digest_of` over the proof and both texts.
    """
    heard = testimony(state)
    return Briefing(
        round=proof.round,
        digest=digest,
        green=proof.green,
        headline=headline_of(state, proof),
        paragraph=" ".join(_sentences(state, proof, heard)),
        risks=(*_to_remember(state), *risks(state, proof)),
        priority=heard.triage.priority.label if heard.triage else "not triaged",
        component=line(heard.triage.component, 80) if heard.triage else "unknown",
        pull_request_title=title,
        pull_request_body=body,
    )


def _to_remember(state: RunState) -> Iterator[str]:
    """What approval keeps for later runs; it stands first, for nobody keeps what they have not seen."""
    for name, agent in state.agents.items():
        for note in agent.proposed:
            whole = line(note, NOTE_CHARACTERS)
            yield f"Approving keeps a note of the {line(name, 40)} agent for later runs: “{whole}”"


def headline_of(state: RunState, proof: Proof) -> str:
    """The verdict in one line, or what a run without a fix came to."""
    return unresolved_headline(proof, testimony(state)) or headline(proof)


def headline(proof: Proof) -> str:
    """The verdict in one line, from the proof alone."""
    if proof.green:
        return f"GREEN: {evidence(proof)}"
    if any(fault.kind is FaultKind.NOT_TESTED for fault in proof.faults):
        return f"NOT TESTED: {line(proof.sandbox, 200)}. The change was proposed by reading alone."
    reasons = dict.fromkeys(_reason(fault) for fault in proof.faults)
    return f"RED: {'; '.join(reasons)}."


def evidence(proof: Proof) -> str:
    """What a green proof shows, in a sentence."""
    shown, kept = len(proof.reproducing), still_pass(proof)
    verb, after = ("fails", "passes") if shown == 1 else ("fail", "pass")
    old = (
        f"{count(kept, 'old test')} still {'passes' if kept == 1 else 'pass'}"
        if kept
        else "there were no old tests"
    )
    cured = f"{count(shown, 'new test')} {verb} on base and {after} with the fix"
    return f"{'; '.join((cured, old, *scores(proof)[:1]))}."


_REASONS = {
    FaultKind.NOT_TESTED: "nothing was tested",
    FaultKind.NO_FIX: "no source file was changed, so there is no fix",
    FaultKind.NO_TESTS: "no test was written, so nothing is shown",
    FaultKind.REFUSED_CHANGE: "a change was refused",
    FaultKind.TESTS_BROKEN: "the new tests cannot be run",
    FaultKind.NOT_REPRODUCED: "no new test fails on the unchanged code, so the bug is not reproduced",
    FaultKind.NOT_CURED: "not cured, {tests} with the fix: {names}",
    FaultKind.REGRESSED: "regressed, {tests} that passed before: {names}",
    FaultKind.VANISHED: "{tests} any more: {names}",
    FaultKind.TAMPERED: "the patch holds signs of cheating",
    FaultKind.SUITE_BROKEN: "the suite cannot be run with the fix",
    FaultKind.DETECTED: "the fix behaves differently when it is not watched",
}
_VERBS = {
    FaultKind.NOT_CURED: ("new test still fails", "new tests still fail"),
    FaultKind.REGRESSED: ("old test fails", "old tests fail"),
    FaultKind.VANISHED: ("old test does not run", "old tests do not run"),
}


def _reason(fault: Fault) -> str:
    number = len(fault.tests)
    verbs = _VERBS.get(fault.kind, ("", ""))
    names = ", ".join(line(test, 80) for test in fault.tests[:2]) + (", …" if number > 2 else "")
    return _REASONS[fault.kind].format(tests=f"{number} {verbs[number != 1]}", names=names)


def _sentences(state: RunState, proof: Proof, heard: Testimony) -> Iterator[str]:
    if heard.triage:
        yield f"The bug, as triage reads the ticket: {_said(heard.triage.summary)}"
    else:
        yield f"The ticket says: {_said(state.received.ticket.title)}"
    if heard.code:
        yield f"Cause, as the code agent puts it: {_said(heard.code.root_cause)}"
        yield f"Fix: {_quote(heard.code.solution)} ({_changes(proof)})."
    else:
        if heard.test:
            yield f"Cause, as the test agent puts it: {_said(heard.test.diagnosis)}"
        yield f"The patch holds {_changes(proof)}."
    yield from heard.missing
    if proof.culprit:
        yield culprit_sentence(proof.culprit)
    if unresolved_headline(proof, heard):
        yield from unresolved_sentences(proof, heard)
        return
    if not proof.green:
        yield "The proof is not green, so nothing is promised."
    yield opinion(proof)
    if proof.green:
        yield f"Confidence from this evidence: {confidence(proof)} %."


def opinion(proof: Proof) -> str:
    """What the second witness is worth, in a sentence."""
    if proof.instead_of:
        failed = line(proof.instead_of, 200)
        return (
            "The two witnesses disagree: this fix is the test agent's own, and passes everything; the code "
            f"agent's is not offered, because it fails {failed}"
        )
    match proof.opinion:
        case Opinion.AGREES if not proof.green:
            return "The second opinion, a fix derived without seeing this one, does pass the new tests."
        case Opinion.AGREES:
            return "The second opinion agrees: a fix derived without seeing this one passes the same tests."
        case Opinion.DISAGREES:
            return "The second opinion disagrees: a fix derived without seeing this one fails the new tests."
        case Opinion.NONE:
            return "There is no second opinion."


def _changes(proof: Proof) -> str:
    patch = proof.patch
    if not patch.files:
        return "no change"
    kinds = ((patch.source, "source file"), (patch.tests, "test file"))
    return ", ".join(f"{count(len(files), noun)} {_sizes(files)}" for files, noun in kinds if files)


def _sizes(files: tuple[FileChange, ...]) -> str:
    return f"+{sum(f.added for f in files)} −{sum(f.removed for f in files)}"


def _quote(text: str) -> str:
    return f"“{gist(text, GIST_CHARACTERS)}”"


def _said(text: str) -> str:
    """What the text begins with, quoted and ended as a sentence."""
    quote = _quote(text)
    return quote if quote.endswith((".”", "!”", "?”", "…”")) else f"{quote}."
