"""What the runs of one square of the matrix say of each test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anton.core.proof import BAD, Case, Cell, CellStatus, Outcome, Suite, Tree

_BADNESS = {Outcome.SKIPPED: 0, Outcome.PASSED: 1, Outcome.ERROR: 2, Outcome.FAILED: 3}
"""A test that failed in its body and then in its teardown is two cases: it failed."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one cell of the matrix says of each test, over all its attempts."""

    cells: tuple[Cell, ...]

    @property
    def ran(self) -> bool:
        """Whether every attempt left a report to judge by."""
        return bool(self.cells) and all(cell.status is CellStatus.RAN for cell in self.cells)

    @property
    def first(self) -> Mapping[str, Case]:
        """Cases of the first attempt, none where it left no report; of several under one id the worst."""
        return worst(self.cells[:1])

    @property
    def reported(self) -> tuple[Cell, ...]:
        """The attempts that left a report."""
        return tuple(cell for cell in self.cells if cell.status is CellStatus.RAN)

    @property
    def worst(self) -> Mapping[str, Case]:
        """The worst case of each test in any attempt."""
        return worst(self.cells)

    def unsteady(self) -> frozenset[str]:
        """Tests that passed in one attempt and in another did not: failed, were skipped, were not there."""
        passed = [
            frozenset(test for test, case in worst((cell,)).items() if case.outcome is Outcome.PASSED)
            for cell in self.reported
        ]
        return frozenset().union(*passed) - passed[0].intersection(*passed) if passed else frozenset()

    def times_run(self) -> Counter[str]:
        """How many cases under each id were run and not skipped; of all attempts the most."""
        most: Counter[str] = Counter()
        for cell in self.reported:
            most |= Counter(case.id for case in cell.cases if case.outcome is not Outcome.SKIPPED)
        return most


def outcomes(cells: Iterable[Cell], suite: Suite, tree: Tree) -> Outcomes:
    """All attempts of one cell of the matrix, first attempt first."""
    chosen = [cell for cell in cells if cell.suite is suite and cell.tree is tree]
    return Outcomes(tuple(sorted(chosen, key=lambda cell: cell.attempt)))


def with_fix(cells: Iterable[Cell]) -> Outcomes:
    """What the old tests say of the fix: as part of the whole suite that would be merged, where that ran."""
    filled = tuple(cells)
    merged = outcomes(filled, Suite.WHOLE, Tree.FIX)
    return merged if merged.cells else outcomes(filled, Suite.OLD, Tree.FIX)


def passed(case: Case | None) -> bool:
    """Whether a test ran and passed."""
    return case is not None and case.outcome is Outcome.PASSED


def bad(case: Case | None) -> bool:
    """Whether a test failed or could not start."""
    return case is not None and case.outcome in BAD


def failed(test: str, cases: Mapping[str, Case]) -> bool:
    """Whether a test failed in its own body."""
    return test in cases and cases[test].outcome is Outcome.FAILED


def worst(cells: Iterable[Cell]) -> dict[str, Case]:
    """The worst case of each test in some runs; a run without a report says nothing."""
    found: dict[str, Case] = {}
    for cell in cells:
        for case in cell.cases if cell.status is CellStatus.RAN else ():
            seen = found.get(case.id)
            if seen is None or _BADNESS[case.outcome] > _BADNESS[seen.outcome]:
                found[case.id] = case
    return found
