"""What the runs of a matrix say of the tests, side by side: new and old, before and after.

- A test is *new* if the baseline does not know it, or if it passed there and, rewritten, fails on base.
- A test *reproduces* if its own body fails on base and it passes on the fix, in every attempt. That something
  which the patch adds was missing on base is no such failure: `absence`.
- A test is *steady* unless one attempt at a cell passed it and another did not. An old test that is not
  steady is named and not held against the fix; a new one that is not steady on the fix is a fault.
- The *whole suite* is what would be merged. Where the patch only adds test files it stands in for the old
  suite on the fix, which is run alone only to tell whose fault it is that something fails or vanishes.
- A second run of the new tests on the fix is *disguised*. Where it differs from two plain runs that agree,
  the fix behaves differently when it is not watched.

What follows from it: `verdict`.
"""

from __future__ import annotations

import re

from anton.core.absence import lacks_what_is_added
from anton.core.outcomes import Outcomes, bad, failed, outcomes, passed, worst
from anton.core.proof import BAD, Blame, Case, Cell, CellStatus, Opinion, Outcome, Patch, Suite, Tree


class Comparison:
    """The sets of tests that a matrix amounts to; every one is derived from outcomes."""

    def __init__(self, patch: Patch, cells: tuple[Cell, ...]) -> None:
        self.patch = patch
        self.old_base = outcomes(cells, Suite.OLD, Tree.BASE)
        self.old_fix = outcomes(cells, Suite.OLD, Tree.FIX)
        self.new_base = outcomes(cells, Suite.NEW, Tree.BASE)
        self.new_fix = outcomes(cells, Suite.NEW, Tree.FIX)
        self.new_second = outcomes(cells, Suite.NEW, Tree.SECOND)
        self.whole = outcomes(cells, Suite.WHOLE, Tree.FIX)
        every = (self.old_base, self.old_fix, self.new_base, self.new_fix, self.new_second, self.whole)
        self.detected = self._detected()
        self.flaky = frozenset[str]().union(*(cell.unsteady() for cell in every)) - self.detected
        self.baseline = self.old_base.first
        self.before, self.after = self.new_base.first, self.new_fix.first
        self.old_after, self.second = self.old_fix.worst, self.new_second.first
        self.worst_after, self.whole_after = self.new_fix.worst, self.whole.worst
        self.already_red = frozenset(t for t, case in self.baseline.items() if case.outcome in BAD)
        self.new_tests = frozenset(
            test
            for test in {*self.before, *self.worst_after}
            if test not in self.baseline or self._turned_red(test)
        )
        attempts = [worst((cell,)) for cell in self.new_base.reported]
        failing = frozenset(
            test
            for test in self.new_tests - self.flaky
            if attempts and all(failed(test, attempt) for attempt in attempts)
        )
        self.showing_absence = frozenset(
            test
            for test in failing
            if all(lacks_what_is_added(attempt[test].message, patch) for attempt in attempts)
        )
        self.failed_on_base = failing - self.showing_absence
        self.reproducing = frozenset(test for test in self.failed_on_base if passed(self.after.get(test)))

    def _detected(self) -> frozenset[str]:
        """Tests that say one thing of the fix in two plain runs, and another in a disguised one."""
        plain = Outcomes(tuple(cell for cell in self.new_fix.cells if not cell.disguised))
        if len(plain.reported) < 2:
            return frozenset()
        return self.new_fix.unsteady() - plain.unsteady()

    def _turned_red(self, test: str) -> bool:
        """Whether a test of the old suite was rewritten so that it fails on base now."""
        case = self.before.get(test)
        return case is not None and case.outcome in BAD and passed(self.baseline[test])

    def not_cured(self) -> dict[str, Case]:
        """New tests that do not pass on the fix; one that ran on base and no longer runs is among them."""
        if not self.new_fix.ran:
            return {}
        found: dict[str, Case] = {}
        for test in sorted(self.new_tests - self.new_fix.unsteady()):
            case = self.worst_after.get(test) or Case(test, Outcome.SKIPPED)
            before = self.before.get(test)
            ran_before = before is not None and before.outcome in (Outcome.PASSED, Outcome.FAILED)
            if case.outcome in BAD:
                found[test] = case
            elif case.outcome is Outcome.SKIPPED and ran_before:
                found[test] = Case(
                    test, Outcome.SKIPPED, case.message or "It ran on base and does not run here."
                )
        return found

    def unsteady_new(self) -> dict[str, Case]:
        """New tests that pass and do not pass on the very same fix."""
        unsteady = (self.new_tests & self.new_fix.unsteady()) - self.detected
        return {test: self.worst_after[test] for test in sorted(unsteady)}

    def only_alone(self) -> dict[str, Case]:
        """New tests that pass by themselves, and do not as a part of the suite that they are added to."""
        if not self.whole.ran:
            return {}
        steady = self.new_tests - self.flaky - self.detected
        passing = sorted(test for test in steady if passed(self.worst_after.get(test)))
        missing = "It is not run by the command that runs the whole suite."
        cases = {test: self.whole_after.get(test) or Case(test, Outcome.SKIPPED, missing) for test in passing}
        return {test: case for test, case in cases.items() if not passed(case)}

    def bad_in_whole(self) -> dict[str, Case]:
        """What fails in the whole suite and was fine on base, apart from the new tests themselves."""
        return {
            test: case
            for test, case in self.whole_after.items()
            if bad(case) and test not in self.flaky | self.new_tests and self._was_fine(test)
        }

    def gone_from_whole(self) -> list[str]:
        """Tests that ran on base and do not in the whole suite."""
        if not self.whole.ran:
            return []
        now = self.whole.times_run()
        return sorted(test for test, times in self._expected().items() if now[test] < times)

    def regressed(self) -> dict[str, Case]:
        """Tests that passed on base and fail on the fix, and errors that the old suite did not have there.

        An old test that was rewritten, and reproduces the bug now, is expected to fail as it was before.
        """
        found = self.bad_in_whole()
        sides = (
            (self.old_after, self.flaky | self.reproducing),
            (self.worst_after, self.flaky | self.new_tests),
        )
        for after, excused in sides:
            for test, case in after.items():
                if case.outcome in BAD and test not in excused and self._was_fine(test):
                    found.setdefault(test, case)
        return found

    def spoilt(self, test: str) -> bool:
        """Whether a test fails for nothing but the new tests beside it."""
        alone = self.patch.only_adds_tests or not bad(self.worst_after.get(test))
        beside = self.old_fix.ran and not bad(self.old_after.get(test))
        return alone and beside and bad(self.whole_after.get(test))

    def _was_fine(self, test: str) -> bool:
        """Whether the old suite passed a test on base, or had no such error there."""
        return passed(self.baseline[test]) if test in self.baseline else self.baseline_stands

    def where_bad(self, test: str) -> set[tuple[Suite, Tree]]:
        """The cells on the fix that a test fails in."""
        sides = (
            (Suite.OLD, self.old_after),
            (Suite.NEW, self.worst_after),
            (Suite.WHOLE, self.whole_after),
        )
        return {(suite, Tree.FIX) for suite, side in sides if bad(side.get(test))}

    def vanished(self) -> dict[Blame, list[str]]:
        """Tests that ran on base and no longer do, by whose change it was."""
        ran = self._expected()
        gone: dict[Blame, list[str]] = {Blame.CODE: [], Blame.TEST: []}
        if self.old_fix.ran:
            now = self.old_fix.times_run()
            gone[Blame.CODE] = sorted(test for test, times in ran.items() if now[test] < times)
        elif not self.old_fix.cells:
            gone[Blame.CODE] = self.gone_from_whole()
        theirs = set(self.gone_from_whole())
        if self.new_fix.ran:
            now, covered = self.new_fix.times_run(), self._covered()
            theirs |= {test for test, times in ran.items() if now[test] < times and _inside(test, covered)}
        gone[Blame.TEST] = sorted(theirs.difference(gone[Blame.CODE]))
        return gone

    def _expected(self) -> dict[str, int]:
        """How often each test of the baseline should run again; not so an import error that is gone now."""
        times, unsteady = self.old_base.times_run(), self.old_base.unsteady()
        return {
            test: times[test] if passed(case) else 1  # a failure in body and teardown is two cases
            for test, case in self.baseline.items()
            if case.outcome in (Outcome.PASSED, Outcome.FAILED) and test not in unsteady
        }

    def _covered(self) -> tuple[str, ...]:
        """Modules that the new tests' run answers for, deleted ones included; empty for the whole suite."""
        paths = self.new_fix.cells[0].paths
        return _modules((*paths, *(change.path for change in self.patch.tests))) if paths else ()

    def opinion(self) -> Opinion:
        """What the test agent's own fix says of the new tests."""
        if not self.patch.second_opinion or not self.new_second.ran or not self.failed_on_base:
            return Opinion.NONE
        cured = all(passed(self.second.get(test)) for test in self.failed_on_base)
        unharmed = not any(self.bad_on_second(test) for test in self.new_tests - self.flaky)
        return Opinion.AGREES if cured and unharmed else Opinion.DISAGREES

    def bad_on_second(self, test: str) -> bool:
        """Whether a test does not pass on its author's own fix either."""
        return bad(self.second.get(test))

    @property
    def baseline_stands(self) -> bool:
        """Whether there is a baseline; a second look at it that broke down takes nothing from the first."""
        return bool(self.old_base.cells) and self.old_base.cells[0].status is CellStatus.RAN


def _modules(paths: tuple[str, ...]) -> tuple[str, ...]:
    """`tests/test_a.py` as a report's classname begins: `tests.test_a`."""
    return tuple(re.sub(r"\.py$", "", path).replace("/", ".") for path in paths)


def _inside(test: str, modules: tuple[str, ...]) -> bool:
    name = test.partition("::")[0]
    return not modules or any(name == module or name.startswith(module + ".") for module in modules)
