"""Runs that end without a fix to decide on, told for what they are: honest outcomes, not failures to hide."""

from __future__ import annotations

from collections.abc import Iterator

from anton.core.outcomes import outcomes
from anton.core.proof import FaultKind, Outcome, Proof, Suite, Tree
from anton.views.encode import line
from anton.views.figures import count
from anton.views.testimony import Testimony

QUOTED_CHARACTERS = 400


def no_code_cause(proof: Proof, heard: Testimony) -> bool:
    """Whether the code agent found no cause in the code and nothing that was executed speaks against it."""
    said = heard.code is not None and heard.code.no_code_cause
    return said and not proof.patch.source and not shown_on_base(proof)


def not_reproduced(proof: Proof) -> bool:
    """Whether tests were written from the ticket and none of them fails on the unchanged code."""
    return any(fault.kind is FaultKind.NOT_REPRODUCED for fault in proof.faults) and not proof.green


def shown_on_base(proof: Proof) -> bool:
    """Whether some new test fails on the unchanged code."""
    before = outcomes(proof.cells, Suite.NEW, Tree.BASE).first
    return any(test in before and before[test].outcome is Outcome.FAILED for test in proof.new_tests)


def unresolved_headline(proof: Proof, heard: Testimony) -> str | None:
    """The verdict in one line for a run of this kind; None for any other."""
    tried = _tried(proof)
    if no_code_cause(proof, heard):
        return f"NO CODE CAUSE: no code here was found to cause what the ticket describes; {tried}."
    if not_reproduced(proof):
        return f"NOT REPRODUCED: {tried}."
    return None


def unresolved_sentences(proof: Proof, heard: Testimony) -> Iterator[str]:
    """What was tried, and the one question whose answer would help."""
    if heard.code and no_code_cause(proof, heard):
        yield f"What the code agent looked at and found: {_quote(heard.code.root_cause)}."
    if heard.test:
        listed = "; ".join(line(shown, 120) for shown in heard.test.covered[:6])
        yield f"What was tried: {_tried(proof)} (as the test agent lists them: “{listed}”)."
        if heard.test.question:
            yield f"The one question that would help: {_quote(heard.test.question)}"


def _tried(proof: Proof) -> str:
    before = outcomes(proof.cells, Suite.NEW, Tree.BASE).first
    ran = [before[test] for test in proof.new_tests if test in before]
    passed = sum(case.outcome is Outcome.PASSED for case in ran)
    if not ran:
        return "no test written from the ticket could be run on the unchanged code"
    verb = "passes" if len(ran) == 1 else "pass"
    if passed == len(ran):
        return f"{count(len(ran), 'test')} written from the ticket {verb} on the unchanged code"
    tests = count(len(ran), "test")
    return f"none of {tests} written from the ticket fails on the unchanged code; {passed} pass"


def _quote(text: str) -> str:
    return f"“{line(text, QUOTED_CHARACTERS)}”"
