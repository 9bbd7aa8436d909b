"""Times of the repository adapter on a small repository: `python bench/repository.py [FILES]`."""

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

ROUNDS = 15


async def timed(name: str, action: Callable[[int], Awaitable[object]], rounds: int = ROUNDS) -> None:
    """Print median and best of an action."""
    taken = []
    for number in range(rounds):
        started = time.perf_counter()
        await action(number)
        taken.append((time.perf_counter() - started) * 1000)
    print(f"{name:34} median {statistics.median(taken):8.1f} ms   best {min(taken):8.1f} ms")


def make(folder: Path, files: int) -> None:
    """A repository with some files in folders of ten."""
    for number in range(files):
        path = folder / f"src/part{number // 10}/module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VALUE = {number}\n" * 40)
    (folder / ".gitignore").write_text("*.log\nbuild/\n")
    for command in ("init -q -b main", "add -A", "-c user.name=a -c user.email=a@b commit -qm first"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)


async def main(files: int) -> None:
    """Measure each operation."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make(root / "checkout", files)
        repository = GitRepository(root / "checkout", root / "mirror")
        await timed("resolve, first", lambda _: repository.resolve(""), 1)
        base = await repository.resolve("")
        await timed("resolve, known", lambda _: repository.resolve(""))
        await timed("export, fresh", lambda n: repository.export(base.commit, root / f"fresh{n}"), 5)
        tree = root / "tree"
        await repository.export(base.commit, tree)
        await timed("export, unchanged", lambda _: repository.export(base.commit, tree))
        await timed("snapshot, unchanged", lambda _: repository.snapshot(tree, base.commit))

        async def one_change(number: int) -> None:
            (tree / "src/part0/module1.py").write_text(f"VALUE = {number}\n")
            await repository.snapshot(tree, base.commit)

        async def one_new(number: int) -> None:
            (tree / f"src/part0/new{number}.py").write_text(f"VALUE = {number}\n")
            await repository.snapshot(tree, base.commit)

        await timed("snapshot, one file changed", one_change)
        await timed("snapshot, one file more", one_new)
        changed = await repository.snapshot(tree, base.commit)
        await timed("graft", lambda n: repository.graft(base.commit, changed, [f"src/part0/new{n}.py"]))
        await timed("commit", lambda n: repository.commit(changed, base.commit, "A fix", n))
        await timed("diff", lambda _: repository.diff(base.commit, changed))
        await timed("changes", lambda _: repository.changes(base.commit, changed))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
