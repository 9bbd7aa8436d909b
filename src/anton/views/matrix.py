"""The proof's matrix, square by square: as a table for the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from anton.core.outcomes import Outcomes, outcomes
from anton.core.proof import BAD as BAD_OUTCOMES
from anton.core.proof import Case, Cell, CellStatus, Outcome, Suite, Tree
from anton.views.figures import tally
from anton.views.palette import BAD, CAUTION, DONE_SIGN, FAILED_SIGN, GOOD, MUTED

COLUMN_WIDTH = 19
"""Kept from the first cell on, so that the columns stay where they are as the matrix fills."""


class Standing(Enum):
    """What a square says about the fix."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"
    """It informs, and nothing hangs on it."""
    PENDING = "pending"
    """Not run, or not yet."""


@dataclass(frozen=True, slots=True)
class Square:
    """One square of the matrix in words."""

    standing: Standing
    counts: str
    meaning: str


_SQUARES = (
    (Suite.NEW, Tree.BASE),
    (Suite.NEW, Tree.FIX),
    (Suite.NEW, Tree.SECOND),
    (Suite.OLD, Tree.BASE),
    (Suite.OLD, Tree.FIX),
)
_NOT_RUN = Square(Standing.PENDING, "not run", "")


def squares(cells: Iterable[Cell]) -> Mapping[tuple[Suite, Tree], Square]:
    """Every square of the matrix, from the cells that are filled so far."""
    filled = tuple(cells)
    baseline = outcomes(filled, Suite.OLD, Tree.BASE)
    found = {place: _square(place, outcomes(filled, *place), baseline) for place in _SQUARES}
    beside = outcomes(filled, Suite.WHOLE, Tree.FIX)
    if beside.cells:
        new = {test for test in outcomes(filled, Suite.NEW, Tree.FIX).worst if test not in baseline.first}
        merged = _square((Suite.OLD, Tree.FIX), _without(beside, new), baseline)
        if found[_OLD_FIX].standing is not Standing.BAD:
            found[_OLD_FIX] = merged
    return found


_OLD_FIX = (Suite.OLD, Tree.FIX)


def _without(cell: Outcomes, tests: Collection[str]) -> Outcomes:
    """What a cell says of all tests but some."""
    return Outcomes(
        tuple(replace(c, cases=tuple(case for case in c.cases if case.id not in tests)) for c in cell.cells)
    )


def _square(place: tuple[Suite, Tree], cell: Outcomes, baseline: Outcomes) -> Square:
    if not cell.cells:
        return _NOT_RUN
    if not cell.ran:
        status = next(c.status for c in cell.cells if c.status is not CellStatus.RAN)
        standing = Standing.NEUTRAL if place[1] is Tree.SECOND else Standing.BAD
        return Square(standing, str(status), "nothing to judge by")
    suite, tree = place
    flaky = cell.unsteady() | baseline.unsteady()
    if suite is Suite.OLD:
        return _old(tree, cell.first, baseline.first, flaky)
    new = {t: case for t, case in cell.first.items() if _is_new(t, case, baseline.first)}
    return _new(tree, new, flaky)


def _is_new(test: str, case: Case, baseline: Mapping[str, Case]) -> bool:
    """Whether a test came with the patch, or was rewritten so that it fails where its old self passed."""
    before = baseline.get(test)
    return before is None or (before.outcome is Outcome.PASSED and case.outcome in BAD_OUTCOMES)


def _new(tree: Tree, cases: Mapping[str, Case], flaky: frozenset[str]) -> Square:
    counts = tally(cases.values())
    failed = any(c.outcome is Outcome.FAILED for t, c in cases.items() if t not in flaky)
    bad = any(c.outcome in BAD_OUTCOMES for t, c in cases.items() if t not in flaky)
    if tree is Tree.BASE:
        return Square(
            *((Standing.GOOD, counts, "shows the bug") if failed else (Standing.BAD, counts, "bug not shown"))
        )
    if tree is Tree.SECOND:
        return Square(Standing.NEUTRAL, counts, "disagrees" if bad else "agrees")
    if bad or not cases:
        return Square(Standing.BAD, counts, "not cured")
    return Square(Standing.GOOD, counts, "cured")


def _old(
    tree: Tree, cases: Mapping[str, Case], baseline: Mapping[str, Case], flaky: frozenset[str]
) -> Square:
    counts = tally(cases.values())
    if tree is Tree.BASE:
        return Square(Standing.NEUTRAL, counts, "before the fix")
    passed = [t for t, case in baseline.items() if case.outcome is Outcome.PASSED and t not in flaky]
    unknown = [t for t in cases if t not in baseline and t not in flaky]
    if any(t in cases and cases[t].outcome in BAD_OUTCOMES for t in (*passed, *unknown)):
        return Square(Standing.BAD, counts, "regressed")
    if any(t not in cases or cases[t].outcome is Outcome.SKIPPED for t in passed):
        return Square(Standing.BAD, counts, "tests vanished")
    return Square(Standing.GOOD, counts, "nothing broken")


_SIGNS = {
    Standing.GOOD: (f"{DONE_SIGN} ", GOOD),
    Standing.BAD: (f"{FAILED_SIGN} ", BAD),
    Standing.NEUTRAL: ("  ", ""),
    Standing.PENDING: ("  ", MUTED),
}


def matrix_table(cells: Iterable[Cell]) -> Table:
    """The matrix for the terminal; its height is the same from the first cell to the last."""
    filled = squares(cells)
    table = Table(
        box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), border_style=MUTED, header_style=MUTED
    )
    table.add_column("", no_wrap=True)
    for tree in Tree:
        table.add_column(f"  {tree}", no_wrap=True, min_width=COLUMN_WIDTH)
    for suite in (Suite.NEW, Suite.OLD):
        table.add_row(Text(str(suite)), *(_shown(filled.get((suite, tree))) for tree in Tree))
    return table


def _shown(square: Square | None) -> Text:
    if square is None:
        return Text("")
    if square.standing is Standing.PENDING:
        return Text("  ·\n", MUTED)
    sign, style = _SIGNS[square.standing]
    if square.standing is Standing.NEUTRAL and square.meaning == "disagrees":
        style = CAUTION
    return Text.assemble((sign, style), (square.counts, style), "\n  ", (square.meaning, MUTED))


def matrix_markdown(cells: Iterable[Cell]) -> str:
    """The matrix as a Markdown table."""
    filled = squares(cells)
    head = (f"| | {' | '.join(Tree)} |", f"|---|{'---|' * len(Tree)}")
    return "\n".join((*head, *(_written_row(suite, filled) for suite in (Suite.NEW, Suite.OLD))))


def _written_row(suite: Suite, filled: Mapping[tuple[Suite, Tree], Square]) -> str:
    return f"| **{suite}** | {' | '.join(_written(filled.get((suite, tree))) for tree in Tree)} |"


def _written(square: Square | None) -> str:
    if square is None:
        return ""
    if not square.meaning:
        return square.counts
    sign = _SIGNS[square.standing][0].strip()
    return f"{sign} {square.counts}: {square.meaning}".strip()
