"""Times of trying hunks and mutants: `python bench/strength.py [LINES [SECONDS]]`.

A fix that changes LINES lines of one module (default 30), in hunks of their own, and at most ten new tests
under pytest, in the strongest sandbox here, capped at SECONDS (default 60).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from anton.adapters.repository.git import GitRepository
from anton.adapters.sandbox.choose import Kind, choose
from anton.core.proof import Cell
from anton.core.verdict import judge
from anton.proving.harvest import Work, harvest
from anton.proving.matrix import fill
from anton.proving.presets import plan_for
from anton.proving.strength import measure
from anton.proving.suite import SuiteRunner

TESTS = "from prices import *\n\n\ndef test_{n}():\n    assert price_{n}(3, True) == {n} + 3\n"


FUNCTION = (
    "def price_{n}(amount, known):\n    # a price\n    #\n    total = amount + {added}\n"
    "    #\n    #\n    return total\n\n\n"
)


def module(lines: int, wrong: int) -> str:
    """Functions that add their number, or are off by `wrong`."""
    return "".join(FUNCTION.format(n=n, added=n + wrong) for n in range(lines))


def make(checkout: Path, lines: int) -> None:
    """The repository with the bug."""
    checkout.mkdir()
    (checkout / "prices.py").write_text(module(lines, 1))
    (checkout / "test_old.py").write_text("def test_old():\n    pass\n")
    for command in ("init -q -b main", "add -A", "-c user.name=a -c user.email=a@b commit -qm first"):
        subprocess.run(["git", *command.split()], cwd=checkout, check=True)


async def main(lines: int, seconds: float) -> None:
    """Prove a fix, then time how its tests are tried."""
    with tempfile.TemporaryDirectory() as name:
        root, checkout = Path(name), Path(name) / "checkout"
        await asyncio.to_thread(make, checkout, lines)
        repository = GitRepository(checkout, root / "mirror")
        base = await repository.resolve("")
        code, test = root / "code", root / "test"
        await repository.export(base.tree, code)
        await repository.export(base.tree, test)
        (code / "prices.py").write_text(module(lines, 0))
        shown = [TESTS.format(n=n).partition("\n\n\n")[2] for n in range(min(10, lines))]
        (test / "test_new.py").write_text("from prices import *\n\n\n" + "\n\n".join(shown))
        fixed, shown_tree = [await repository.snapshot(folder, base.tree) for folder in (code, test)]
        work = Work(base.commit, base.tree, fixed, shown_tree, {}, "B-1", 0)
        plan = plan_for(await repository.files(base.tree), Path(sys.executable))
        gathered = await harvest(repository, work, plan)
        runner = SuiteRunner(await choose(Kind("auto"), allow_none=True), repository, root / "trees", plan)
        started = time.perf_counter()
        cells = await fill(runner, gathered, (), _told)
        proof = judge(1, gathered.patch, cells, "bench")
        taken = time.perf_counter() - started
        print(f"matrix, {len(cells)} cells             {taken:6.1f} s   green: {proof.green}")
        started = time.perf_counter()
        found = await measure(repository, runner, gathered, proof, seconds)
        print(f"hunks and mutants, cap {seconds:g} s {time.perf_counter() - started:6.1f} s")
        print(f"hunks: {sum(hunk.needed for hunk in found.hunks)} of {len(found.hunks)} needed")
        print(f"mutants: {dict(Counter(str(mutant.fate) for mutant in found.mutants))}")
        print(*found.undone, sep="\n")


async def _told(cell: Cell) -> None:
    """Nobody listens."""


if __name__ == "__main__":
    arguments = [float(argument) for argument in sys.argv[1:]]
    asyncio.run(main(int(arguments[0]) if arguments else 30, arguments[1] if len(arguments) > 1 else 60.0))
