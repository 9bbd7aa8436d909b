"""How long the whole matrix takes beside one run of the suite: `python bench/matrix.py [TESTS]` (500).

Warm means as in a run: the baseline is known before the agents hand in, since it was measured beside them.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from verify import FIXED, NEW_TEST, lay_out

from anton.adapters.repository.git import GitRepository
from anton.adapters.sandbox.choose import choose
from anton.core.proof import BAD, Cell, Suite, Tree
from anton.core.verdict import judge
from anton.proving.harvest import Harvest, Work, harvest
from anton.proving.matrix import fill
from anton.proving.plan import TestPlan
from anton.proving.presets import plan_for
from anton.proving.suite import SuiteRunner

ROUNDS = 5


async def hand_in(repository: GitRepository, root: Path, plan: TestPlan) -> Harvest:
    """An honest repair with a second opinion, as the agents' worktrees would hold it."""
    base = await repository.resolve("")
    code, test = root / "code", root / "test"
    for worktree in (code, test):
        await repository.export(base.tree, worktree)
        (worktree / "shop.py").write_text(FIXED if worktree is code else f"{FIXED}\n")
    (test / "tests/test_total.py").write_text(NEW_TEST)
    trees = [await repository.snapshot(worktree, base.tree) for worktree in (code, test)]
    return await harvest(repository, Work(base.commit, base.tree, *trees, {}, "BUG-1", 0), plan)


async def main(tests: int) -> None:
    """Measure one plain run, the whole matrix, and the time to its first refutation of base."""
    sandbox = await choose()
    plain, whole, first = [], [], []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        lay_out(root / "checkout", tests)
        repository = GitRepository(root / "checkout", root / "mirror")
        plan = plan_for(("shop.py",), Path(sys.executable))
        found = await hand_in(repository, root, plan)
        for number in range(ROUNDS):
            runner = SuiteRunner(sandbox, repository, root / f"trees{number}", plan)
            started = time.perf_counter()
            baseline = await runner.run(found.trees.base, Suite.OLD, Tree.BASE)
            plain.append(time.perf_counter() - started)
            refuted: list[float] = []
            started = time.perf_counter()

            async def watch(cell: Cell, since: float = started, seen: list[float] = refuted) -> None:
                if any(case.outcome in BAD for case in cell.cases):
                    seen.append(time.perf_counter() - since)

            cells = await fill(runner, found, (baseline,), watch)
            whole.append(time.perf_counter() - started)
            first.append(refuted[0])
            if not judge(1, found.patch, cells, sandbox.description).green:
                raise SystemExit("an honest repair was not found green")
    one = statistics.median(plain)
    print(f"{tests} tests, sandbox {sandbox.description}, medians of {ROUNDS}")
    for what, taken in (("suite alone", plain), ("matrix, whole", whole), ("first refutation", first)):
        print(
            f"{what:18} {statistics.median(taken):6.2f} s   {statistics.median(taken) / one:.2f} × the suite"
        )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
