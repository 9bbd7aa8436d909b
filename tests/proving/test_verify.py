"""A bundle executed again: what is true holds, what is false does not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.office import QUICK_RUNNER
from tests.proving.conftest import FIXED, SHOP, SHOWN, Files, Project

from anton.adapters.repository.git import GitRepository
from anton.adapters.sandbox.closed import UnconfinedSandbox
from anton.core.claim import Claim, Standing
from anton.core.errors import UsageError
from anton.core.proof import BAD, Cell, HunkCheck, Outcome, Suite, Tree
from anton.core.verdict import judge
from anton.ports import BaseCommit
from anton.proving.bundle import About, Bundle, check_objects, pack_bundle, read_bundle
from anton.proving.harvest import Harvest, Work, harvest
from anton.proving.matrix import fill
from anton.proving.plan import TestPlan
from anton.proving.portable import traces
from anton.proving.presets import plan_for
from anton.proving.suite import SuiteRunner
from anton.proving.verify import Bench, claim_of_honesty, claims_on_paper, differences, execute, localised

SANDBOX = UnconfinedSandbox("a test")
NOWHERE = traces((), {}, "")


@dataclass
class Repair:
    """A repair of the shop, recorded by running it, and its bundle."""

    project: Project
    folder: Path

    @property
    def plan(self) -> TestPlan:
        command = ("python", "-c", QUICK_RUNNER)
        return plan_for(SHOP, Path(sys.executable), command=command, report="report.xml", timeout_seconds=30)

    async def harvest(self, fix: Files, tests: Files) -> Harvest:
        base = self.project.base
        code, test = await self.project.tree(fix), await self.project.tree(tests)
        work = Work(base.commit, base.tree, code, test, {}, "BUG-7", 1_764_000_000)
        return await harvest(self.project.repository, work, self.plan)

    async def record(self, fix: Files = FIXED, tests: Files = SHOWN) -> tuple[Harvest, tuple[Cell, ...]]:
        found = await self.harvest(fix, tests)
        runner = SuiteRunner(SANDBOX, self.project.repository, self.folder / "recording", self.plan)

        async def ignore(cell: Cell) -> None:
            assert cell.cases, cell.output

        return found, await fill(runner, found, (), ignore)

    async def pack(self, found: Harvest, cells: tuple[Cell, ...], **changes: object) -> Bundle:
        proof = replace(judge(1, found.patch, cells, "none"), **changes)  # type: ignore[arg-type]
        about = About("BUG-7", found.trees.base, "1.0", "Python", NOWHERE)
        return read_bundle(await pack_bundle(self.project.repository, proof, self.plan, about))

    def bench(self, name: str = "verifying") -> Bench:
        folder = self.folder / name
        repository = GitRepository(folder / "nowhere", folder / "mirror")
        python = Path(sys.executable)
        return Bench(repository, SANDBOX, folder / "trees", python, self.plan.readable, {}, NOWHERE)

    async def verify(self, bundle: Bundle) -> dict[str, Claim]:
        bench = self.bench()
        await check_objects(bundle, bench.repository)
        honesty = await claim_of_honesty(bundle, bench.repository)
        claims = (*claims_on_paper(bundle), honesty, *await execute(bundle, bench, lambda cell: None))
        return {claim.name: claim for claim in claims}


@pytest.fixture
def repair(shop: Project, tmp_path: Path) -> Repair:
    return Repair(shop, tmp_path)


@pytest.fixture(scope="module")
def honest(opened: tuple[Path, BaseCommit], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """An honest repair, recorded once."""
    folder, base = opened
    project = Project(
        GitRepository(folder / "checkout", folder / "mirror"), base, tmp_path_factory.mktemp("honest")
    )

    async def record() -> Bundle:
        repair = Repair(project, project.folder)
        hunks = (HunkCheck("shop/cart.py", "@@ -1 +1 @@", needed=True),)
        return await repair.pack(*await repair.record(), hunks=hunks)

    return asyncio.run(record())


def failing(claims: dict[str, Claim]) -> set[str]:
    return {name for name, claim in claims.items() if claim.standing is Standing.FAILS}


def rewritten(change: Callable[[Cell], dict[str, Outcome]]) -> Callable[[Cell], Cell]:
    """Cells whose outcomes somebody wrote by hand."""

    def write(cell: Cell) -> Cell:
        outcomes = change(cell)
        cases = tuple(
            replace(c, outcome=outcomes.get(c.id.partition("::")[2], c.outcome)) for c in cell.cases
        )
        failed = any(case.outcome in BAD for case in cases)
        return replace(cell, cases=cases, exit_code=int(failed))

    return write


async def test_an_honest_bundle_holds_and_carries_what_was_measured(repair: Repair, honest: Bundle) -> None:
    claims = await repair.verify(honest)
    assert {name: str(claim.standing) for name, claim in claims.items()} == {
        "untouched": "holds",
        "the patch": "holds",
        "the verdict": "holds",
        "no cheating": "holds",
        "reproduces the bug": "holds",
        "cures it": "holds",
        "breaks nothing": "holds",
        "same outcomes": "holds",
        "each hunk": "as recorded",
    }
    assert claims["same outcomes"].found == "10 outcomes are the same"


async def test_a_fix_that_was_only_said_to_cure_does_not_hold(repair: Repair) -> None:
    found, cells = await repair.record(
        fix={"shop/cart.py": "def total(prices):\n    return sum(prices[2:])\n"}
    )
    lie = rewritten(lambda c: {"test_all_count": Outcome.PASSED} if c.tree is Tree.FIX else {})
    bundle = await repair.pack(found, tuple(map(lie, cells)))
    assert bundle.proof.green, "a lie that agrees with itself"
    claims = await repair.verify(bundle)
    assert failing(claims) == {"reproduces the bug", "cures it", "same outcomes"}
    assert "tests.test_total::test_all_count" in claims["cures it"].found


async def test_tests_that_were_only_said_to_fail_on_base_do_not_hold(repair: Repair) -> None:
    body = "from shop.cart import total\n\n\ndef test_all_count():\n    assert total([0, 2]) == 2\n"
    harmless: Files = {"tests/test_total.py": body}
    found, cells = await repair.record(tests=harmless)
    lie = rewritten(lambda c: {"test_all_count": Outcome.FAILED} if c.tree is Tree.BASE else {})
    claims = await repair.verify(await repair.pack(found, tuple(map(lie, cells))))
    assert failing(claims) == {"reproduces the bug", "same outcomes"}


async def test_a_regression_that_was_left_out_is_found(repair: Repair) -> None:
    found, cells = await repair.record(
        fix={"shop/cart.py": "def total(prices):\n    return sum(prices) if prices else None\n"},
        tests={"tests/test_total.py": str(SHOWN["tests/test_total.py"]).partition("def test_empty")[0]},
    )
    lie = rewritten(lambda c: {"test_nothing": Outcome.PASSED} if c.tree is Tree.FIX else {})
    claims = await repair.verify(await repair.pack(found, tuple(map(lie, cells))))
    assert failing(claims) == {"breaks nothing", "same outcomes"}
    assert claims["breaks nothing"].found == "regressed: tests.test_cart::test_nothing"


async def test_signs_of_cheating_that_were_left_out_are_found(repair: Repair) -> None:
    weakened = str(SHOP["tests/test_cart.py"]).replace("assert total([]) == 0", "assert True")
    found, cells = await repair.record(tests={**SHOWN, "tests/test_cart.py": weakened})
    claims = await repair.verify(await repair.pack(found, cells))
    assert failing(claims) == {"no cheating"}
    assert claims["no cheating"].found == "tests/test_cart.py: assertion removed"


async def test_a_red_bundle_says_so_and_does_not_hold(repair: Repair) -> None:
    found, cells = await repair.record(fix={"shop/cart.py": "def total(prices):\n    return 0\n"})
    claims = await repair.verify(await repair.pack(found, cells))
    assert failing(claims) == {"the verdict", "reproduces the bug", "cures it"}
    assert claims["the verdict"].recorded == "not green: not cured"
    assert claims["same outcomes"].standing is Standing.HOLDS


async def test_any_of_the_recorded_outcomes_of_a_test_will_do(repair: Repair, honest: Bundle) -> None:
    doubtful = rewritten(
        lambda c: {"test_empty": Outcome.SKIPPED} if (c.tree, c.attempt) == (Tree.BASE, 1) else {}
    )
    cells = tuple(map(doubtful, honest.proof.cells))
    claims = await repair.verify(replace(honest, proof=replace(honest.proof, cells=cells)))
    assert failing(claims) == set()


async def test_only_tests_named_as_flaky_may_differ(honest: Bundle) -> None:
    wrong = rewritten(lambda c: {"test_nothing": Outcome.FAILED} if c.suite is Suite.OLD else {})
    recorded = replace(honest.proof, cells=tuple(map(wrong, honest.proof.cells)))
    here = next(cell for cell in honest.proof.cells if cell.is_baseline)
    test = "tests.test_cart::test_nothing"
    assert differences(recorded, here) == {test: ("failed", "passed")}
    assert differences(replace(recorded, flaky=(test,)), here) == {}


async def test_a_suite_that_cannot_run_here_holds_nothing_and_gives_its_own_words(
    repair: Repair, honest: Bundle
) -> None:
    elsewhere = replace(honest.rerun, report="elsewhere.xml")
    claims = await repair.verify(replace(honest, rerun=elsewhere))
    assert failing(claims) == {"reproduces the bug", "cures it", "breaks nothing", "same outcomes"}
    assert "ran as recorded, no report here" in claims["same outcomes"].found


async def test_what_is_missing_on_this_machine_is_asked_for(repair: Repair, honest: Bundle) -> None:
    bench = repair.bench()
    assert localised(honest.rerun, bench).command == (sys.executable, "-c", QUICK_RUNNER)
    with pytest.raises(UsageError, match="run by 'no-such-program', which is not on PATH"):
        localised(replace(honest.rerun, command=("{no-such-program}",)), bench)
    with pytest.raises(UsageError, match="--link node_modules=FOLDER"):
        localised(replace(honest.rerun, links=("node_modules",)), bench)
