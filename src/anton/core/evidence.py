"""The wording of faults: what was executed and what came of it, for an agent and for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from anton.core import text
from anton.core.proof import Blame, Case, Cell, CellStatus, Fault, FaultKind, Tampering

SHOWN_TESTS = 8
"""Tests named in the evidence of a fault; the rest are counted."""
SHOWN_CHARACTERS = 1_500
"""Of one test's failure message, or of a runner's output, in the evidence of a fault."""


def listed(tests: Iterable[str]) -> str:
    """The first few names; the rest is counted."""
    return text.listed(tests, SHOWN_TESTS)


def named(kind: FaultKind, blame: Blame, what: str, cases: Mapping[str, Case]) -> Fault:
    """A fault of certain tests."""
    return Fault(kind, blame, tuple(cases), evidence_of(what, cases))


def evidence_of(what: str, cases: Mapping[str, Case]) -> str:
    """What is said of certain tests, with the failure messages of the first few."""
    shown = [
        f"{test}\n{case.message[:SHOWN_CHARACTERS]}".rstrip()
        for test, case in list(cases.items())[:SHOWN_TESTS]
    ]
    return f"{len(cases)} test(s) {what}: {listed(cases)}.\n\n" + "\n\n".join(shown)


def broken(kind: FaultKind, blame: Blame, what: str, cells: Sequence[Cell]) -> Fault:
    """A fault of a whole cell, all attempts of which are given: at least one left no report."""
    worst = next((cell for cell in cells if cell.status is not CellStatus.RAN), None)
    how = "was not run" if worst is None else f"ended with {worst.status.value!r}"
    output = worst.output[-SHOWN_CHARACTERS:] if worst else ""
    return Fault(kind, blame, (), f"Running {what} {how}. The runner's own words:\n{output}".rstrip())


def tampered(signs: Sequence[Tampering]) -> Iterator[Fault]:
    """One fault for each agent that signs of cheating go back to."""
    for blame in Blame:
        found = [sign for sign in signs if sign.blames is blame]
        if found:
            places = "\n".join(
                f"- {_place(sign)}: {sign.kind}. {sign.detail}" for sign in found[:SHOWN_TESTS]
            )
            more = f"\n- and {len(found) - SHOWN_TESTS} more" if len(found) > SHOWN_TESTS else ""
            what = f"The patch holds what no proof can stand on; take it back:\n{places}{more}"
            yield Fault(FaultKind.TAMPERED, blame, (), what)


def _place(sign: Tampering) -> str:
    return f"{sign.path}:{sign.line}" if sign.line else sign.path
