"""Each square says what it means for the fix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import RenderableType

from anton.core.event import Entry
from anton.core.proof import Case, Cell, CellStatus, Outcome, Suite, Tree
from anton.core.run import fold
from anton.views.matrix import Square, Standing, matrix_table, squares

Run = tuple[Entry, ...]
P, F, E, S = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED


def cell(suite: Suite, tree: Tree, attempt: int = 1, **cases: Outcome) -> Cell:
    told = tuple(Case(test, outcome) for test, outcome in cases.items())
    return Cell(suite, tree, CellStatus.RAN, told, "t", ("x",), attempt=attempt)


BASELINE = cell(Suite.OLD, Tree.BASE, a=P, b=F)


@pytest.mark.parametrize(
    ("filled", "square"),
    [
        (BASELINE, Square(Standing.NEUTRAL, "1 failed, 1 passed", "before the fix")),
        (cell(Suite.OLD, Tree.FIX, a=P, b=F), Square(Standing.GOOD, "1 failed, 1 passed", "nothing broken")),
        (cell(Suite.OLD, Tree.FIX, a=F, b=F), Square(Standing.BAD, "2 failed", "regressed")),
        (cell(Suite.OLD, Tree.FIX, b=F), Square(Standing.BAD, "1 failed", "tests vanished")),
        (cell(Suite.NEW, Tree.BASE, n=F, a=P), Square(Standing.GOOD, "1 failed", "shows the bug")),
        (cell(Suite.NEW, Tree.BASE, n=P), Square(Standing.BAD, "1 passed", "bug not shown")),
        (cell(Suite.NEW, Tree.BASE, n=E), Square(Standing.BAD, "1 broken", "bug not shown")),
        (cell(Suite.NEW, Tree.FIX, n=P, a=P), Square(Standing.GOOD, "1 passed", "cured")),
        (cell(Suite.NEW, Tree.FIX, n=F), Square(Standing.BAD, "1 failed", "not cured")),
        (cell(Suite.NEW, Tree.SECOND, n=P), Square(Standing.NEUTRAL, "1 passed", "agrees")),
        (cell(Suite.NEW, Tree.SECOND, n=F), Square(Standing.NEUTRAL, "1 failed", "disagrees")),
    ],
)
def test_squares(filled: Cell, square: Square) -> None:
    assert (
        squares([BASELINE, filled] if filled is not BASELINE else [BASELINE])[filled.suite, filled.tree]
        == square
    )


@pytest.mark.parametrize(
    ("whole", "square"),
    [
        ({"a": P, "b": F, "n": P}, Square(Standing.GOOD, "1 failed, 1 passed", "nothing broken")),
        ({"a": F, "b": F, "n": P}, Square(Standing.BAD, "2 failed", "regressed")),
        ({"a": P, "b": F, "n": P, "m": E}, Square(Standing.BAD, "1 broken, 1 failed, 1 passed", "regressed")),
        ({"b": F, "n": P}, Square(Standing.BAD, "1 failed", "tests vanished")),
    ],
)
def test_the_suite_that_would_be_merged_speaks_for_the_old_one(
    whole: dict[str, Outcome], square: Square
) -> None:
    cells = [BASELINE, cell(Suite.NEW, Tree.FIX, n=P), cell(Suite.WHOLE, Tree.FIX, 1, **whole)]
    assert squares(cells)[Suite.OLD, Tree.FIX] == square
    alone = cell(Suite.OLD, Tree.FIX, a=F, b=F)
    assert squares([*cells, alone])[Suite.OLD, Tree.FIX].standing is Standing.BAD


def test_a_flaky_test_breaks_nothing() -> None:
    cells = [BASELINE, cell(Suite.OLD, Tree.FIX, a=F, b=F), cell(Suite.OLD, Tree.FIX, 2, a=P, b=F)]
    assert squares(cells)[Suite.OLD, Tree.FIX].standing is Standing.GOOD


def test_a_cell_without_a_report_is_bad() -> None:
    silent = replace(cell(Suite.OLD, Tree.FIX), status=CellStatus.TIMED_OUT)
    square = Square(Standing.BAD, "timed out", "nothing to judge by")
    assert squares([BASELINE, silent])[Suite.OLD, Tree.FIX] == square


def test_the_table_keeps_its_height_as_it_fills(green: Run, render: Callable[[RenderableType], str]) -> None:
    proof = fold(green).proof
    assert proof is not None
    heights = {len(render(matrix_table(proof.cells[:n])).splitlines()) for n in range(len(proof.cells) + 1)}
    assert len(heights) == 1
