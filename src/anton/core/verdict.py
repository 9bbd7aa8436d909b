"""The matrix, what is wrong with it, and whom each fault goes back to.

    =============  ==================  ==========================  ==============================
    suite          base                fix                         second opinion
    =============  ==================  ==========================  ==============================
    new tests      at least one fails  all pass                    what agreement is worth
    old suite      the baseline        nothing that passed fails   (not run)
                                       or vanishes
    =============  ==================  ==========================  ==============================

Everything here is computed from captured outcomes. No word of a model takes part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anton.core.proof import (
    BAD,
    Blame,
    Case,
    Cell,
    CellStatus,
    Fault,
    FaultKind,
    Opinion,
    Outcome,
    Patch,
    Proof,
    Suite,
    Tree,
)

SHOWN_TESTS = 8
"""Tests named in the evidence of a fault; the rest are counted."""
SHOWN_CHARACTERS = 1_500
"""Of one test's failure message, or of a runner's output, in the evidence of a fault."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one cell of the matrix says of each test, over all its attempts."""

    cells: tuple[Cell, ...]

    @property
    def ran(self) -> bool:
        """Whether there is a report to judge by."""
        return bool(self.cells) and all(cell.status is CellStatus.RAN for cell in self.cells)

    @property
    def first(self) -> Mapping[str, Case]:
        """The first attempt's cases by id; of several under one id the worst counts."""
        worst: dict[str, Case] = {}
        for case in self.cells[0].cases if self.cells else ():
            seen = worst.get(case.id)
            if seen is None or _BADNESS[case.outcome] > _BADNESS[seen.outcome]:
                worst[case.id] = case
        return worst

    def unsteady(self) -> frozenset[str]:
        """Tests that one attempt passed and another did not."""
        seen: dict[str, set[bool]] = {}
        for cell in self.cells:
            for case in cell.cases:
                if case.outcome is not Outcome.SKIPPED:
                    seen.setdefault(case.id, set()).add(case.outcome in BAD)
        return frozenset(test for test, outcomes in seen.items() if len(outcomes) > 1)


_BADNESS = {Outcome.SKIPPED: 0, Outcome.PASSED: 1, Outcome.FAILED: 2, Outcome.ERROR: 3}


def outcomes(cells: Iterable[Cell], suite: Suite, tree: Tree) -> Outcomes:
    """All attempts of one cell of the matrix, first attempt first."""
    chosen = [cell for cell in cells if cell.suite is suite and cell.tree is tree]
    return Outcomes(tuple(sorted(chosen, key=lambda cell: cell.attempt)))


def judge(round_number: int, patch: Patch, cells: tuple[Cell, ...], sandbox: str) -> Proof:
    """The proof that follows from a filled matrix."""
    matrix = _Matrix(patch, cells)
    return Proof(
        round=round_number,
        patch=patch,
        cells=cells,
        faults=tuple(matrix.faults()),
        reproducing=tuple(sorted(matrix.reproducing)),
        new_tests=tuple(sorted(matrix.new_tests)),
        flaky=tuple(sorted(matrix.flaky)),
        already_red=tuple(sorted(matrix.already_red)),
        opinion=matrix.opinion(),
        sandbox=sandbox,
    )


def not_tested(round_number: int, patch: Patch, sandbox: str) -> Proof:
    """The proof of a patch whose tests could not be run for want of a sandbox: never green."""
    why = f"NOT TESTED: {sandbox}. The change was proposed by reading alone; nothing of it was executed."
    fault = Fault(FaultKind.NOT_TESTED, Blame.NOBODY, (), why)
    return Proof(round_number, patch, (), (fault,), (), (), (), (), Opinion.NONE, sandbox)


def suspects(patch: Patch, cells: tuple[Cell, ...]) -> frozenset[tuple[Suite, Tree]]:
    """Cells to run a second time: those whose outcome would be held against somebody if it is steady."""
    matrix = _Matrix(patch, cells)
    found = set()
    if matrix.not_cured():
        found.add((Suite.NEW, Tree.FIX))
    if matrix.regressed():
        found.add((Suite.OLD, Tree.FIX))
        found.add((Suite.OLD, Tree.BASE))
    return frozenset(found)


class _Matrix:
    """The derived sets that the faults are read off."""

    def __init__(self, patch: Patch, cells: tuple[Cell, ...]) -> None:
        self.patch = patch
        self.old_base = outcomes(cells, Suite.OLD, Tree.BASE)
        self.old_fix = outcomes(cells, Suite.OLD, Tree.FIX)
        self.new_base = outcomes(cells, Suite.NEW, Tree.BASE)
        self.new_fix = outcomes(cells, Suite.NEW, Tree.FIX)
        self.new_second = outcomes(cells, Suite.NEW, Tree.SECOND)
        every = (self.old_base, self.old_fix, self.new_base, self.new_fix, self.new_second)
        self.flaky = frozenset[str]().union(*(cell.unsteady() for cell in every))
        self.baseline = self.old_base.first
        self.already_red = frozenset(t for t, case in self.baseline.items() if case.outcome in BAD)
        before, after = self.new_base.first, self.new_fix.first
        self.new_tests = frozenset(
            test for test in {*before, *after} if test not in self.baseline or self._turned_red(test)
        )
        self.reproducing = frozenset(
            test
            for test in self.new_tests - self.flaky - self.already_red
            if test in before
            and before[test].outcome is Outcome.FAILED
            and test in after
            and after[test].outcome is Outcome.PASSED
        )

    def _turned_red(self, test: str) -> bool:
        """Whether a test of the old suite was rewritten so that it fails on base now."""
        case = self.new_base.first.get(test)
        return case is not None and case.outcome in BAD and self.baseline[test].outcome is Outcome.PASSED

    def failed_on_base(self) -> frozenset[str]:
        before = self.new_base.first
        failing = {t for t in self.new_tests if t in before and before[t].outcome is Outcome.FAILED}
        return frozenset(failing - self.flaky - self.already_red)

    def not_cured(self) -> dict[str, Case]:
        after = self.new_fix.first
        return {
            test: after[test]
            for test in sorted(self.new_tests - self.flaky)
            if test in after and after[test].outcome in BAD
        }

    def regressed(self) -> dict[str, Case]:
        found: dict[str, Case] = {}
        for after in (self.old_fix.first, self.new_fix.first):
            for test, case in after.items():
                before = self.baseline.get(test)
                passed = before is not None and before.outcome is Outcome.PASSED
                if passed and case.outcome in BAD and test not in self.flaky | self.new_tests:
                    found.setdefault(test, case)
        return found

    def vanished(self) -> dict[Blame, list[str]]:
        """Tests that ran on base and no longer do, by whose change it was."""
        gone: dict[Blame, list[str]] = {Blame.CODE: [], Blame.TEST: []}
        for blame, after in ((Blame.CODE, self.old_fix), (Blame.TEST, self.new_fix)):
            if not after.ran:
                continue
            covered = _modules(after.cells[0].paths)
            for test, before in self.baseline.items():
                ran_before = before.outcome is not Outcome.SKIPPED
                case = after.first.get(test)
                gone_now = case is None or case.outcome is Outcome.SKIPPED
                if ran_before and gone_now and _inside(test, covered):
                    gone[blame].append(test)
        return gone

    def opinion(self) -> Opinion:
        if not self.patch.second_opinion or not self.new_second.ran or not self.new_tests:
            return Opinion.NONE
        after = self.new_second.first
        good = all(t in after and after[t].outcome not in BAD for t in self.new_tests - self.flaky)
        return Opinion.AGREES if good else Opinion.DISAGREES

    def faults(self) -> Iterable[Fault]:
        yield from self._lacking()
        if self.patch.source and not self.old_fix.ran:
            yield _broken(FaultKind.SUITE_BROKEN, Blame.CODE, "the old suite on the fix", self.old_fix)
        if self.patch.tests:
            yield from self._new_test_faults()
        if found := self.regressed():
            yield _named(
                FaultKind.REGRESSED, Blame.CODE, "passed on base and fail with the fix applied", found
            )
        for blame, tests in self.vanished().items():
            if tests:
                text = f"{len(tests)} test(s) of the old suite no longer run: {_listed(tests)}."
                yield Fault(FaultKind.VANISHED, blame, tuple(tests), text)

    def _lacking(self) -> Iterable[Fault]:
        for reason in self.patch.refused:
            blame = Blame.TEST if reason.startswith("test agent") else Blame.CODE
            yield Fault(FaultKind.REFUSED_CHANGE, blame, (), reason)
        if not self.patch.source:
            yield Fault(FaultKind.NO_FIX, Blame.CODE, (), "No source file was changed, so there is no fix.")
        if not self.patch.tests:
            yield Fault(
                FaultKind.NO_TESTS, Blame.TEST, (), "No test file was added or changed, so nothing is shown."
            )

    def _new_test_faults(self) -> Iterable[Fault]:
        if not self.new_base.ran:
            yield _broken(FaultKind.TESTS_BROKEN, Blame.TEST, "the new tests on base", self.new_base)
            return
        if not self.failed_on_base():
            yield self._not_reproduced()
        if not self.patch.source:
            return
        if not self.new_fix.ran:
            yield _broken(FaultKind.SUITE_BROKEN, self._blame(), "the new tests on the fix", self.new_fix)
        elif found := self.not_cured():
            yield _named(FaultKind.NOT_CURED, self._blame(), "are new and fail with the fix applied", found)
        elif self.failed_on_base() and not self.reproducing:
            tests = tuple(sorted(self.failed_on_base()))
            text = f"The tests that fail on base do not pass with the fix applied: {_listed(tests)}."
            yield Fault(FaultKind.NOT_CURED, self._blame(), tests, text)

    def _blame(self) -> Blame:
        """New tests that fail even on their author's own fix are the author's fault."""
        return Blame.TEST if self.opinion() is Opinion.DISAGREES else Blame.CODE

    def _not_reproduced(self) -> Fault:
        before = self.new_base.first
        new = {test: before[test] for test in sorted(self.new_tests) if test in before}
        if not new:
            text = "The changed test files add no test that ran on base."
        elif errors := {t: case for t, case in new.items() if case.outcome is Outcome.ERROR}:
            return _named(
                FaultKind.NOT_REPRODUCED,
                Blame.TEST,
                "end in an error before their own body runs (import, fixture or collection), "
                "which reproduces nothing",
                errors,
            )
        else:
            text = (
                f"All new tests pass on the unchanged code ({_listed(new)}), so none of them shows the bug. "
                "At least one must fail there."
            )
        return Fault(FaultKind.NOT_REPRODUCED, Blame.TEST, tuple(new), text)


def _modules(paths: tuple[str, ...]) -> tuple[str, ...]:
    """`tests/test_a.py` as a report's classname begins: `tests.test_a`."""
    return tuple(re.sub(r"\.py$", "", path).replace("/", ".") for path in paths)


def _inside(test: str, modules: tuple[str, ...]) -> bool:
    name = test.partition("::")[0]
    return not modules or any(name == module or name.startswith(module + ".") for module in modules)


def _listed(tests: Iterable[str]) -> str:
    names = list(tests)
    more = f" and {len(names) - SHOWN_TESTS} more" if len(names) > SHOWN_TESTS else ""
    return ", ".join(names[:SHOWN_TESTS]) + more


def _named(kind: FaultKind, blame: Blame, what: str, cases: Mapping[str, Case]) -> Fault:
    shown = [
        f"{test}\n{case.message[:SHOWN_CHARACTERS]}".rstrip()
        for test, case in list(cases.items())[:SHOWN_TESTS]
    ]
    text = f"{len(cases)} test(s) {what}: {_listed(cases)}.\n\n" + "\n\n".join(shown)
    return Fault(kind, blame, tuple(cases), text)


def _broken(kind: FaultKind, blame: Blame, what: str, cell: Outcomes) -> Fault:
    last = cell.cells[-1] if cell.cells else None
    how = "was not run" if last is None else f"ended with {last.status}"
    output = last.output[-SHOWN_CHARACTERS:] if last else ""
    return Fault(kind, blame, (), f"Running {what} {how}. The runner's own words:\n{output}".rstrip())
