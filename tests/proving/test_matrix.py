from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from anton.adapters.sandbox.closed import NoSandbox
from anton.core.errors import SandboxError
from anton.core.proof import Blame, Cell, CellStatus, FaultKind, FileChange, Opinion, Patch, Suite, Tree
from anton.core.verdict import judge
from anton.proving.harvest import Harvest, Trees, Work, harvest
from anton.proving.matrix import fill, plan_cells
from anton.proving.suite import SuiteRunner

from .conftest import FIXED, SHOWN, Files, Project

OLD_BASE, OLD_FIX = (Suite.OLD, Tree.BASE), (Suite.OLD, Tree.FIX)
WHOLE_FIX = (Suite.WHOLE, Tree.FIX)
NEW_BASE, NEW_FIX, NEW_SECOND = (Suite.NEW, Tree.BASE), (Suite.NEW, Tree.FIX), (Suite.NEW, Tree.SECOND)


class Heard(list[Cell]):
    """Cells as they were told of."""

    async def __call__(self, cell: Cell) -> None:
        self.append(cell)


def placed(cells: Sequence[Cell]) -> list[tuple[Suite, Tree, int]]:
    return [(cell.suite, cell.tree, cell.attempt) for cell in cells]


async def reap(shop: Project, code: Files, test: Files) -> Harvest:
    base = shop.base
    trees = await shop.tree(code), await shop.tree(test)
    return await harvest(shop.repository, Work(base.commit, base.tree, *trees, {}, "BUG-42", 0), shop.plan())


async def test_a_bug_is_reproduced_cured_and_confirmed_by_execution(shop: Project) -> None:
    own_fix = {"shop/cart.py": "def total(prices):\n    return sum(list(prices))\n"}
    gathered = await reap(shop, FIXED, {**SHOWN, **own_fix})
    heard = Heard()
    cells = await fill(shop.runner(), gathered, (), heard)
    proof = judge(1, gathered.patch, cells, "none")
    assert proof.green
    assert proof.reproducing == ("tests.test_total::test_all_count",)
    assert proof.new_tests == ("tests.test_total::test_all_count", "tests.test_total::test_empty")
    assert proof.opinion is Opinion.AGREES
    assert placed(cells) == [
        (*NEW_BASE, 1),
        (*NEW_BASE, 2),
        (*OLD_BASE, 1),
        (*WHOLE_FIX, 1),
        (*NEW_FIX, 1),
        (*NEW_FIX, 2),
        (*NEW_SECOND, 1),
    ]
    assert sorted(map(repr, heard)) == sorted(map(repr, cells))
    assert {cell.paths for cell in cells if cell.suite is Suite.NEW} == {("tests/test_total.py",)}
    nothing_runs = SuiteRunner(NoSandbox("a test"), shop.repository, shop.workspace, shop.plan())
    assert await fill(nothing_runs, gathered, cells, heard) == cells


async def test_a_regression_is_looked_at_twice_on_both_sides(shop: Project) -> None:
    worse = {"shop/cart.py": "def total(prices):\n    return sum(prices) or None\n"}
    gathered = await reap(shop, worse, {})
    cells = await fill(shop.runner(), gathered, (), Heard())
    assert placed(cells) == [(*OLD_BASE, 1), (*OLD_BASE, 2), (*OLD_FIX, 1), (*OLD_FIX, 2)]
    kinds = [fault.kind.value for fault in judge(1, gathered.patch, cells, "none").faults]
    assert kinds == ["no new tests", "regressed"]


async def test_a_new_test_that_spoils_an_old_one_is_told_by_the_suite_that_would_be_merged(
    shop: Project,
) -> None:
    spoiling = (
        "from shop import cart\n\n\n"
        "def test_all_count():\n    assert cart.total([1]) == 1\n    cart.sum = max\n"
    )
    gathered = await reap(shop, FIXED, {"tests/test_a.py": spoiling})
    cells = await fill(shop.runner(), gathered, (), Heard())
    assert {(*OLD_FIX, 1), (*WHOLE_FIX, 1), (*WHOLE_FIX, 2)} < set(placed(cells))
    proof = judge(1, gathered.patch, cells, "none")
    assert [(fault.kind, fault.blames, fault.tests) for fault in proof.faults] == [
        (FaultKind.REGRESSED, Blame.TEST, ("tests.test_cart::test_nothing",))
    ]


@pytest.mark.parametrize(
    "watched",
    [
        "'CI' in os.environ",
        "os.environ.get('PYTHONHASHSEED') == '0'",
        "'NO_COLOR' in os.environ",
        "sys.dont_write_bytecode",
        "'junit' in str(sys.argv)",
    ],
)
async def test_a_fix_that_works_only_where_it_is_watched_is_found_out(shop: Project, watched: str) -> None:
    fix = f"import os\nimport sys\n\n\ndef total(prices):\n    return sum(prices[not ({watched}):])\n"
    gathered = await reap(shop, {"shop/cart.py": fix}, SHOWN)
    cells = await fill(shop.runner(), gathered, (), Heard())
    proof = judge(1, gathered.patch, cells, "none")
    assert [(fault.kind, fault.blames, fault.tests) for fault in proof.faults] == [
        (FaultKind.DETECTED, Blame.CODE, ("tests.test_total::test_all_count",))
    ]


SOURCE = (FileChange("shop/cart.py", "M"),)
TESTS = (FileChange("tests/test_total.py", "A"),)
REWRITTEN = (*TESTS, FileChange("tests/test_cart.py", "M"))
TREES = Trees("base", "fix", "head", "base+tests", "second")


def harvested(
    source: tuple[FileChange, ...] = SOURCE,
    tests: tuple[FileChange, ...] = TESTS,
    second: str | None = "second",
) -> Harvest:
    return Harvest(Patch("b", "h", (), source, tests, ""), replace(TREES, second=second))


@pytest.mark.parametrize(
    ("gathered", "expected"),
    [
        (harvested(), [NEW_BASE, OLD_BASE, WHOLE_FIX, NEW_FIX, NEW_SECOND]),
        (harvested(second=None), [NEW_BASE, OLD_BASE, WHOLE_FIX, NEW_FIX]),
        (harvested(tests=REWRITTEN, second=None), [NEW_BASE, OLD_BASE, OLD_FIX, WHOLE_FIX, NEW_FIX]),
        (harvested(tests=(), second=None), [OLD_BASE, OLD_FIX]),
        (harvested(source=()), [NEW_BASE, OLD_BASE, NEW_SECOND]),
        (harvested(source=(), tests=(), second=None), [OLD_BASE]),
    ],
    ids=["whole", "no second opinion", "old tests changed", "no tests", "no source", "nothing"],
)
def test_only_cells_that_can_tell_something_are_filled(
    shop: Project, gathered: Harvest, expected: list[tuple[Suite, Tree]]
) -> None:
    assert [(place.suite, place.tree) for place in plan_cells(gathered, shop.runner())] == expected


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        (TESTS, ("tests/test_total.py",)),
        ((*TESTS, FileChange("tests/test_cart.py", "D")), ("tests/test_total.py",)),
        ((FileChange("tests/test_cart.py", "D"),), ()),
        ((*TESTS, FileChange("tests/helpers.py", "M")), ()),
    ],
)
def test_new_cells_run_the_touched_files_or_all_where_that_is_not_enough(
    shop: Project, changes: tuple[FileChange, ...], paths: tuple[str, ...]
) -> None:
    assert {
        place.paths
        for place in plan_cells(harvested(tests=changes), shop.runner())
        if place.suite is Suite.NEW
    } == {paths}


async def test_a_known_cell_counts_only_for_the_tree_and_command_that_it_ran(shop: Project) -> None:
    gathered = await reap(shop, FIXED, {})
    runner = shop.runner("sh", "-c", "mkdir -p out; echo '<testsuite/>' > out/junit.xml")
    known = await runner.run(shop.base.tree, Suite.OLD, Tree.BASE)
    stale = replace(known, tree=Tree.FIX, tree_sha="0" * 40)
    other_command = replace(known, tree=Tree.FIX, tree_sha=gathered.trees.fix, command=("true",))
    heard = Heard()
    cells = await fill(runner, gathered, (stale, other_command, known), heard)
    assert placed(heard) == [(*OLD_FIX, 1)]
    assert placed(cells) == [(*OLD_BASE, 1), (*OLD_FIX, 1)]
    assert cells[1].command == runner.command()


async def test_a_sandbox_that_fails_ends_the_matrix_with_its_own_error(shop: Project) -> None:
    runner = SuiteRunner(NoSandbox("a test"), shop.repository, shop.workspace, shop.plan())
    gathered = await reap(shop, FIXED, SHOWN)
    with pytest.raises(SandboxError):
        await fill(runner, gathered, (), Heard())
    assert list(shop.workspace.iterdir()) == []


async def test_a_timed_out_suite_is_told_of_and_judged(shop: Project) -> None:
    gathered = await reap(shop, FIXED, {})
    runner = shop.runner("sleep", "600", timeout_seconds=0.2)
    cells = await fill(runner, gathered, (), Heard())
    assert {cell.status for cell in cells} == {CellStatus.TIMED_OUT}
    assert not judge(1, gathered.patch, cells, "none").green
