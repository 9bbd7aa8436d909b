"""The matrix, what is wrong with it, and whom each fault goes back to.

    =============  ==================  ==========================  ==============================
    suite          base                fix                         second opinion
    =============  ==================  ==========================  ==============================
    new tests      at least one fails  all pass                    what agreement is worth
    old suite      the baseline        nothing that passed fails   (not run)
                                       or vanishes
    whole suite    (not run)           so it is with the new       (not run)
                                       tests beside it
    =============  ==================  ==========================  ==============================

Everything here is computed from captured outcomes. No word of a model takes part.

How the cells are compared, test by test: `comparison`. What is missing counts against the proof: a cell
without a report, a test that no longer runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anton.core.comparison import Comparison
from anton.core.evidence import broken, evidence_of, listed, named, tampered
from anton.core.outcomes import bad, failed
from anton.core.proof import (
    Blame,
    Case,
    Cell,
    Fault,
    FaultKind,
    Opinion,
    Outcome,
    Patch,
    Proof,
    SandboxLevel,
    Suite,
    Tampering,
    Tree,
)


def judge(
    round_number: int,
    patch: Patch,
    cells: tuple[Cell, ...],
    sandbox: str,
    tampering: tuple[Tampering, ...] = (),
    *,
    level: SandboxLevel = SandboxLevel.NONE,
) -> Proof:
    """The proof that follows from a filled matrix and from what the guard against cheating found.

    Args:
        round_number: From 1.
        patch: As it was harvested.
        cells: All attempts of all cells.
        sandbox: What the tests were confined by, for a person.
        tampering: Signs of cheating; any makes the proof red.
        level: How strong that sandbox is.
    """
    compared = Comparison(patch, cells)
    return Proof(
        round=round_number,
        patch=patch,
        cells=cells,
        faults=(*_Faults(compared).all(), *tampered(tampering)),
        reproducing=tuple(sorted(compared.reproducing)),
        new_tests=tuple(sorted(compared.new_tests)),
        flaky=tuple(sorted(compared.flaky)),
        already_red=tuple(sorted(compared.already_red)),
        opinion=compared.opinion(),
        sandbox=sandbox,
        tampering=tampering,
        sandbox_level=level,
    )


def not_tested(round_number: int, patch: Patch, sandbox: str, tampering: tuple[Tampering, ...] = ()) -> Proof:
    """The proof of a patch whose tests could not be run for want of a sandbox: never green."""
    why = f"NOT TESTED: {sandbox}. The change was proposed by reading alone; nothing of it was executed."
    fault = Fault(FaultKind.NOT_TESTED, Blame.NOBODY, (), why)
    faults = (fault, *tampered(tampering))
    return Proof(round_number, patch, (), faults, (), (), (), (), Opinion.NONE, sandbox, tampering)


def suspects(patch: Patch, cells: tuple[Cell, ...]) -> frozenset[tuple[Suite, Tree]]:
    """Cells to run a second time: those whose outcome, if it is steady, counts for or against the patch.

    What reproduces the bug is confirmed as well: a flaky test that failed on base and passed on the fix by
    chance would be believed otherwise.
    """
    compared = Comparison(patch, cells)
    found: set[tuple[Suite, Tree]] = set()
    vanished = compared.vanished()
    if compared.reproducing:
        found |= {(Suite.NEW, Tree.BASE), (Suite.NEW, Tree.FIX)}
    if compared.not_cured() or vanished[Blame.TEST]:
        found.add((Suite.NEW, Tree.FIX))
    if vanished[Blame.CODE] or compared.gone_from_whole():
        found |= {(Suite.OLD, Tree.FIX), (Suite.OLD, Tree.BASE), (Suite.WHOLE, Tree.FIX)}
    if compared.only_alone():
        found.add((Suite.WHOLE, Tree.FIX))
    for test in compared.regressed():
        found |= {(Suite.OLD, Tree.BASE)} | compared.where_bad(test)
    return frozenset(found)


def undecided(patch: Patch, cells: tuple[Cell, ...]) -> bool:
    """Whether the old suite must be run on the fix alone, to tell whose the whole suite's trouble is."""
    compared = Comparison(patch, cells)
    if not (patch.source and patch.tests and patch.only_adds_tests):
        return False
    return not compared.whole.ran or bool(compared.gone_from_whole() or compared.bad_in_whole())


def wavering(patch: Patch, cells: tuple[Cell, ...]) -> bool:
    """Whether the new tests say another thing of the fix in disguise; a third run, a plain one, tells why."""
    new_fix = Comparison(patch, cells).new_fix
    return bool(new_fix.unsteady()) and any(cell.disguised for cell in new_fix.cells)


class _Faults:
    """What is wrong, and whose it is, as read off a comparison."""

    def __init__(self, comparison: Comparison) -> None:
        self._of = comparison

    def all(self) -> Iterator[Fault]:
        """Every fault, what is lacking altogether first."""
        yield from self._lacking()
        if not self._of.baseline_stands:
            what = "the repository's own suite on the unchanged code"
            yield broken(FaultKind.SUITE_BROKEN, Blame.NOBODY, what, self._of.old_base.cells)
            return
        yield from self._suite_faults()
        if self._of.patch.tests:
            yield from self._new_test_faults()
        what = "passed on base and fail with the fix applied"
        regressed = self._of.regressed()
        spoilt = {test: case for test, case in regressed.items() if self._of.spoilt(test)}
        ours = {test: case for test, case in regressed.items() if test not in spoilt}
        yield from self._by_author(FaultKind.REGRESSED, what, ours)
        if spoilt:
            what = "fail in the whole suite, and do not on the same fix without the new tests"
            yield named(FaultKind.REGRESSED, Blame.TEST, what, spoilt)
        for blame, tests in self._of.vanished().items():
            if tests:
                text = f"{len(tests)} test(s) of the old suite no longer run: {listed(tests)}."
                yield Fault(FaultKind.VANISHED, blame, tuple(tests), text)

    def _suite_faults(self) -> Iterator[Fault]:
        """What it means that the old suite, or the whole one, left no report on the fix."""
        if not self._of.patch.source:
            return
        stood_in_for = self._of.patch.tests and self._of.patch.only_adds_tests and not self._of.old_fix.cells
        if not stood_in_for and not self._of.old_fix.ran:
            yield broken(
                FaultKind.SUITE_BROKEN, Blame.CODE, "the old suite on the fix", self._of.old_fix.cells
            )
        elif self._of.patch.tests and not self._of.whole.ran:
            blame = Blame.TEST if self._of.old_fix.ran else Blame.CODE
            what = "the whole suite, with the new tests beside the old ones, on the fix"
            yield broken(FaultKind.SUITE_BROKEN, blame, what, self._of.whole.cells)

    def _lacking(self) -> Iterator[Fault]:
        for refusal in self._of.patch.refused:
            yield Fault(FaultKind.REFUSED_CHANGE, refusal.blames, (), refusal.text)
        if not self._of.patch.source:
            yield Fault(FaultKind.NO_FIX, Blame.CODE, (), "No source file was changed, so there is no fix.")
        if not self._of.patch.tests:
            yield Fault(
                FaultKind.NO_TESTS, Blame.TEST, (), "No test file was added or changed, so nothing is shown."
            )

    def _new_test_faults(self) -> Iterator[Fault]:
        if not self._of.new_base.ran:
            yield broken(FaultKind.TESTS_BROKEN, Blame.TEST, "the new tests on base", self._of.new_base.cells)
            return
        if not self._of.failed_on_base:
            yield self._not_reproduced()
        if not self._of.patch.source:
            return
        if not self._of.new_fix.ran:
            blame = Blame.TEST if self._dies_on_second() else Blame.CODE
            yield broken(FaultKind.SUITE_BROKEN, blame, "the new tests on the fix", self._of.new_fix.cells)
            return
        yield from self._by_author(
            FaultKind.NOT_CURED, "are new and do not pass with the fix applied", self._of.not_cured()
        )
        if found := self._of.unsteady_new():
            what = "are new and pass in one run and not in the next, on the same code with the fix applied"
            yield named(FaultKind.TESTS_BROKEN, Blame.TEST, what, found)
        if found := self._of.only_alone():
            what = "are new, pass by themselves, and do not pass as a part of the whole suite"
            yield named(FaultKind.TESTS_BROKEN, Blame.TEST, what, found)
        if self._of.detected:
            what = (
                "give one answer in two runs and another in a run that looks like nobody's in particular, on "
                "the same code with the fix applied: the code behaves differently when it is not watched"
            )
            cases = {test: self._of.worst_after[test] for test in sorted(self._of.detected)}
            yield named(FaultKind.DETECTED, Blame.CODE, what, cases)

    def _dies_on_second(self) -> bool:
        return bool(self._of.new_second.cells) and not self._of.new_second.ran

    def _by_author(self, kind: FaultKind, what: str, cases: Mapping[str, Case]) -> Iterator[Fault]:
        """Its author's, where a test cannot even start, or fails on the author's own fix, too."""
        theirs = {
            test: case
            for test, case in cases.items()
            if self._never_starts(test, case)
            or (self._of.bad_on_second(test) and not bad(self._of.old_after.get(test)))
        }
        ours = {test: case for test, case in cases.items() if test not in theirs}
        if ours:
            yield named(kind, Blame.CODE, what, ours)
        if theirs:
            nor = ", nor with the test agent's own fix" if all(map(self._of.bad_on_second, theirs)) else ""
            yield named(kind, Blame.TEST, what + nor, theirs)

    def _never_starts(self, test: str, case: Case) -> bool:
        before = self._of.before.get(test)
        dead = before is not None and before.outcome is Outcome.ERROR and case.outcome is Outcome.ERROR
        return dead and test in self._of.new_tests

    def _not_reproduced(self) -> Fault:
        new = {test: self._of.before[test] for test in sorted(self._of.new_tests) if test in self._of.before}
        worst = self._of.new_base.worst
        errors = {test: case for test, case in worst.items() if test in new and case.outcome is Outcome.ERROR}
        wavering = [test for test in new if test in self._of.flaky or failed(test, worst)]
        red = sorted(test for test in self._of.before if test in self._of.already_red)
        if errors:
            what = "end in an error before their own body runs (import, fixture or collection), "
            text = evidence_of(what + "which reproduces nothing", errors)
        elif self._of.showing_absence:
            shown = {test: worst[test] for test in sorted(self._of.showing_absence)}
            what = (
                "fail on base only for want of what the patch adds, which shows nothing of how the code "
                "behaves (a test of the bug calls what is there, and fails by what comes of it)"
            )
            text = evidence_of(what, shown)
        elif wavering:
            text = (
                f"The new tests do not give the same answer twice: {listed(wavering)}. "
                "A test that shows the bug must fail whenever the bug is there."
            )
        elif new:
            text = (
                f"All new tests pass on the unchanged code or are skipped there ({listed(new)}), so none of "
                "them shows the bug. At least one must fail there."
            )
        elif red:
            text = f"The changed tests failed before they were changed ({listed(red)}): nothing new is shown."
        else:
            text = "The changed test files add no test that ran on base."
        return Fault(FaultKind.NOT_REPRODUCED, Blame.TEST, tuple(new), text)
