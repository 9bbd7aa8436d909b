"""What the new tests of a green proof notice, found by running them on changed trees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anton.adapters.sandbox.closed import NoSandbox
from anton.core.proof import (
    Case,
    Cell,
    CellStatus,
    HunkCheck,
    Mutant,
    MutantFate,
    Outcome,
    Proof,
    Suite,
    Tree,
)
from anton.core.verdict import judge
from anton.proving.harvest import Harvest, Work, harvest
from anton.proving.matrix import fill
from anton.proving.strength import NO_END, NO_REPORT, Strength, measure
from anton.proving.suite import SuiteRunner

from .conftest import FIXED, SHOWN, Files, Project

NEW, OLD = "tests.test_total::test_all_count", "tests.test_cart::test_nothing"
KILLED, SURVIVED, NOT_RUN = MutantFate.KILLED, MutantFate.SURVIVED, MutantFate.NOT_RUN
LINES = [f"line_{number} = {number}\n" for number in range(1, 21)]
LONG: Files = {"shop/list.py": "".join(LINES)}
CHANGED: Files = {
    "shop/list.py": "".join([*LINES[:4], "five.a = True\n", *LINES[5:14], "l.b = True\n", *LINES[15:]])
}


async def reap(shop: Project, code: Files = FIXED, before: Files | None = None) -> Harvest:
    base = await shop.tree(before or {})
    there = {path: content for path, content in (before or {}).items() if path not in code}
    trees = await shop.tree({**there, **code}), await shop.tree({**(before or {}), **SHOWN})
    work = Work(shop.base.commit, base, *trees, {}, "BUG-42", 0)
    return await harvest(shop.repository, work, shop.plan())


def proof_of(gathered: Harvest, runner: SuiteRunner, *more: Case) -> Proof:
    """A green proof, as if the script had been run for its cells."""

    def cell(suite: Suite, tree: Tree, *cases: Case) -> Cell:
        return Cell(suite, tree, CellStatus.RAN, cases, "e" * 40, runner.command())

    old = Case(OLD, Outcome.PASSED)
    cells = (
        cell(Suite.NEW, Tree.BASE, old, Case(NEW, Outcome.FAILED), *more),
        cell(Suite.OLD, Tree.BASE, old),
        cell(Suite.WHOLE, Tree.FIX, old, Case(NEW, Outcome.PASSED), *more),
        cell(Suite.NEW, Tree.FIX, old, Case(NEW, Outcome.PASSED), *more),
    )
    proof = judge(1, gathered.patch, cells, "none")
    assert proof.green
    return proof


def failing(new: str = "false", old: str = "false") -> tuple[str, ...]:
    """A runner in which the new or the old test fails where a condition, in shell, holds."""
    script = "mkdir -p out; exec > out/junit.xml; echo '<testsuite>'; "
    for test, condition in ((NEW, new), (OLD, old)):
        classname, _, name = test.partition("::")
        script += f"echo \"<testcase classname='{classname}' name='{name}'>\"; "
        script += f"if {condition}; then echo '<failure/>'; fail=1; fi; echo '</testcase>'; "
    return ("sh", "-c", f"{script} echo '</testsuite>'; exit $((fail))")


async def test_a_small_fix_is_shown_by_its_tests(shop: Project) -> None:
    async def heard(cell: Cell) -> None:
        return None

    gathered, runner = await reap(shop), shop.runner()
    proof = judge(1, gathered.patch, await fill(runner, gathered, (), heard), "none")
    assert await measure(shop.repository, runner, gathered, proof) == Strength(
        hunks=(HunkCheck("shop/cart.py", "@@ -1,2 +1,2 @@", needed=True, killed_by=NEW),),
        mutants=(Mutant("shop/cart.py", 2, "return sum(prices)", "return None", KILLED, NEW),),
    )


async def test_hunks_that_nothing_needs_and_mutants_that_survive_are_told_apart(shop: Project) -> None:
    gathered = await reap(shop, CHANGED, LONG)
    runner = shop.runner(*failing(new="! grep -q 'five.a = True' shop/list.py"))
    strength = await measure(shop.repository, runner, gathered, proof_of(gathered, runner))
    assert strength == Strength(
        hunks=(
            HunkCheck("shop/list.py", "@@ -2,7 +2,7 @@ line_1 = 1", needed=True, killed_by=NEW),
            HunkCheck("shop/list.py", "@@ -12,7 +12,7 @@ line_11 = 11", needed=False),
        ),
        mutants=(
            Mutant("shop/list.py", 5, "five.a = True", "five.a = False", KILLED, NEW),
            Mutant("shop/list.py", 15, "l.b = True", "l.b = False", SURVIVED),
            Mutant("shop/list.py", 5, "five.a = True", "pass", KILLED, NEW),
            Mutant("shop/list.py", 15, "l.b = True", "pass", SURVIVED),
        ),
    )


async def test_the_old_suite_may_need_a_hunk_and_kills_no_mutant(
    shop: Project,
) -> None:
    gathered = await reap(shop, CHANGED, LONG)
    runner = shop.runner(*failing(old="! grep -q 'l.b = True' shop/list.py"))
    strength = await measure(shop.repository, runner, gathered, proof_of(gathered, runner))
    assert [(hunk.needed, hunk.killed_by) for hunk in strength.hunks] == [(False, ""), (True, OLD)]
    assert {mutant.fate for mutant in strength.mutants} == {SURVIVED}


async def test_a_test_that_is_not_steady_notices_nothing(shop: Project) -> None:
    gathered = await reap(shop, CHANGED, LONG)
    runner = shop.runner(*failing(new="true", old="true"))
    proof = replace(proof_of(gathered, runner), flaky=(NEW, OLD))
    strength = await measure(shop.repository, runner, gathered, proof)
    assert not any(hunk.needed for hunk in strength.hunks)
    assert {mutant.fate for mutant in strength.mutants} == {SURVIVED}


@pytest.mark.parametrize(
    ("instead", "by"),
    [
        ("exec sleep 600", NO_END),
        ("exit 1", NO_REPORT),
        (
            "mkdir -p out; exec > out/junit.xml; "
            "echo '<testsuite><testcase name=\"tests.test_total\"><error/></testcase></testsuite>'; exit 1",
            NEW,
        ),
    ],
    ids=["endless", "dead", "cannot be imported"],
)
async def test_a_mutant_that_ends_the_tests_themselves_is_killed(
    shop: Project, instead: str, by: str
) -> None:
    gathered = await reap(shop)
    *shell, script = failing()
    command = (*shell, f"if grep -q None shop/cart.py; then {instead}; fi; {script}")
    runner = shop.runner(*command, timeout_seconds=1.0)
    strength = await measure(shop.repository, runner, gathered, proof_of(gathered, runner))
    assert [(mutant.fate, mutant.killed_by) for mutant in strength.mutants] == [(KILLED, by)]


async def test_a_mutant_that_a_compiler_may_have_refused_proves_nothing(shop: Project) -> None:
    gathered = await reap(shop, {"shop/a.go": "x = true\n"})
    *shell, script = failing()
    runner = shop.runner(*shell, f"if grep -q false shop/a.go; then exit 1; fi; {script}")
    strength = await measure(shop.repository, runner, gathered, proof_of(gathered, runner))
    assert [mutant.fate for mutant in strength.mutants] == [NOT_RUN]
    assert strength.undone == ("1 of 1 mutants left no report, as one that does not compile.",)


async def test_what_the_time_did_not_suffice_for_is_said(shop: Project) -> None:
    gathered = await reap(shop, CHANGED, LONG)
    runner = shop.runner("sleep", "600")
    strength = await measure(shop.repository, runner, gathered, proof_of(gathered, runner), seconds=0.5)
    assert strength.hunks == ()
    assert [mutant.fate for mutant in strength.mutants] == [NOT_RUN] * 4
    assert strength.undone == (
        "The time for hunks and mutants, 0.5 s, was over.",
        "2 of 2 hunks were not tried.",
        "4 of 4 mutants were not tried.",
    )
    assert list(shop.workspace.iterdir()) == []


async def test_no_time_at_all_leaves_the_stage_out_and_says_so(shop: Project) -> None:
    gathered = await reap(shop)
    runner = shop.runner()
    strength = await measure(shop.repository, runner, gathered, proof_of(gathered, runner), seconds=0)
    assert strength == Strength(undone=("Hunks and mutants were not tried: `proof.mutation_seconds` is 0.",))


async def test_a_sandbox_that_fails_makes_a_proof_no_less_green(shop: Project) -> None:
    gathered = await reap(shop)
    runner = SuiteRunner(NoSandbox("a test"), shop.repository, shop.workspace, shop.plan())
    strength = await measure(shop.repository, runner, gathered, proof_of(gathered, runner))
    assert [mutant.fate for mutant in strength.mutants] == [NOT_RUN]
    assert strength.undone[0].startswith("Hunks and mutants could not all be tried: ")


async def test_many_mutants_are_cut_and_what_no_mutants_are_made_of_is_named(shop: Project) -> None:
    code = {"shop/many.py": "".join(f"x.a{n} = True\n" for n in range(60)), "shop/page.html": "<p>\n"}
    gathered = await reap(shop, code)
    runner = shop.runner(*failing(new="true"))
    strength = await measure(shop.repository, runner, gathered, proof_of(gathered, runner))
    assert [mutant.line for mutant in strength.mutants] == list(range(1, 41))
    assert strength.undone == (
        "No mutants are made of shop/page.html.",
        "Only the first 40 mutants were made, spread over the changed lines.",
    )
