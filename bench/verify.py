"""How long verification takes beside the suite itself: `python bench/verify.py [TESTS]`, by default 500."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from anton.adapters.repository.git import GitRepository
from anton.adapters.sandbox.choose import choose
from anton.core.proof import Cell, Suite, Tree
from anton.core.verdict import judge
from anton.ports import Sandbox
from anton.proving.bundle import About, check_objects, pack_bundle, read_bundle
from anton.proving.harvest import Work, harvest
from anton.proving.matrix import fill
from anton.proving.plan import TestPlan
from anton.proving.portable import traces
from anton.proving.presets import plan_for
from anton.proving.suite import SuiteRunner
from anton.proving.verify import Bench, claims_on_paper, execute
from anton.runs.verify import all_hold

ROUNDS = 5
PYTHON = Path(sys.executable)
NOWHERE = traces((), {}, "")
BUGGY = "def total(prices):\n    return sum(prices[1:])\n"
FIXED = "def total(prices):\n    return sum(prices)\n"
NEW_TEST = "from shop import total\n\n\ndef test_all_count():\n    assert total([1, 2]) == 3\n"


def lay_out(folder: Path, tests: int) -> None:
    """A repository with a bug and a suite of so many tests of some milliseconds each."""
    body = "import time\n\nfrom shop import total\n\n\n"
    for number in range(tests // 50):
        path = folder / f"tests/test_part{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        cases = (f"def test_{n}():\n    time.sleep(0.003)\n    assert total([]) == 0\n" for n in range(50))
        path.write_text(body + "\n\n".join(cases))
    (folder / "shop.py").write_text(BUGGY)
    for command in ("init -q -b main", "add -A", "-c user.name=a -c user.email=a@b commit -qm first"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)


async def timed(action: Callable[[], Awaitable[object]]) -> float:
    """Seconds, the median of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


async def record(repository: GitRepository, root: Path, plan: TestPlan, sandbox: Sandbox) -> bytes:
    """The bundle of an honest repair."""
    base = await repository.resolve("")
    trees: list[str] = []
    for name, content in (("shop.py", FIXED), ("tests/test_total.py", NEW_TEST)):
        worktree = root / f"worktree{len(trees)}"
        await repository.export(base.tree, worktree)
        (worktree / name).write_text(content)
        trees.append(await repository.snapshot(worktree, base.tree))
    code, test = trees
    found = await harvest(repository, Work(base.commit, base.tree, code, test, {}, "BUG-1", 0), plan)

    async def ignore(cell: Cell) -> None:
        """Nobody watches."""

    runner = SuiteRunner(sandbox, repository, root / "recording", plan)
    proof = judge(1, found.patch, await fill(runner, found, (), ignore), sandbox.description)
    return await pack_bundle(repository, proof, plan, About("BUG-1", base.tree, "0", "", NOWHERE))


async def main(tests: int) -> None:
    """Measure the suite alone, then reading and executing its bundle."""
    sandbox = await choose()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        lay_out(root / "checkout", tests)
        repository = GitRepository(root / "checkout", root / "mirror")
        plan = plan_for(("shop.py",), PYTHON)
        packed = await record(repository, root, plan, sandbox)
        base = await repository.resolve("")

        async def suite() -> None:
            await SuiteRunner(sandbox, repository, root / "alone", plan).run(base.tree, Suite.OLD, Tree.BASE)

        async def verify(*, run: bool) -> None:
            with tempfile.TemporaryDirectory() as here:
                folder = Path(here)
                mirror = GitRepository(folder / "nowhere", folder / "mirror")
                bench = Bench(mirror, sandbox, folder / "trees", PYTHON, plan.readable, {}, NOWHERE)
                bundle = read_bundle(packed)
                await check_objects(bundle, mirror)
                claims = claims_on_paper(bundle)
                claims += await execute(bundle, bench, lambda _: None) if run else ()
                if not all_hold(claims):
                    raise SystemExit(f"it does not hold: {claims}")

        alone, integrity, whole = (
            await timed(suite),
            await timed(lambda: verify(run=False)),
            await timed(lambda: verify(run=True)),
        )
    print(f"{tests} tests, sandbox {sandbox.description}, {len(packed):,} bytes of bundle")
    print(f"suite alone          {alone:6.2f} s")
    print(f"bundle checked       {integrity:6.2f} s")
    print(f"bundle verified      {whole:6.2f} s   {whole / alone:.2f} × the suite")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
