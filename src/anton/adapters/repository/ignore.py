"""Which new files a base's `.gitignore` files leave out: git's own answer, in a folder of nothing else."""

from __future__ import annotations

import asyncio
import shutil
from collections import OrderedDict
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from anton.adapters.repository import worktree
from anton.adapters.repository.command import require, split
from anton.adapters.repository.listing import SYMLINK, Listing
from anton.adapters.repository.mirror import Mirror
from anton.system.files import put_folder

KEPT_BASES = 8


class IgnoreRules:
    """The ignore rules of bases; what a worktree says of itself does not count."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._verdicts: OrderedDict[str, dict[str, bool]] = OrderedDict()

    async def ignored(self, base: Listing, paths: Sequence[str]) -> Sequence[str]:
        """Those of `paths`, none of which the base tracks, that it wants left out."""
        rules = [p for p in base.entries if p.rpartition("/")[2] == ".gitignore" and base.mode(p) != SYMLINK]
        if not paths or not rules:
            return []
        verdicts = self._verdicts.setdefault(base.tree, {})
        unknown = [path for path in paths if path not in verdicts]
        if unknown:
            ignored = await self._ask(await self._folder(base, rules), unknown)
            verdicts |= {path: path in ignored for path in unknown}
        while len(self._verdicts) > KEPT_BASES:
            self._verdicts.popitem(last=False)
        return [path for path in paths if verdicts[path]]

    async def _ask(self, folder: Path, paths: Sequence[str]) -> frozenset[str]:
        stdin = "".join(f"./{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        arguments = (f"--work-tree={folder}", "check-ignore", "--no-index", "-z", "--stdin")
        done = await self._mirror.git.run(*arguments, stdin=stdin, cwd=folder)
        if done.code != 1:  # 1: none of them is ignored
            require(done, "Asking git for ignored files")
        return frozenset(path.removeprefix("./") for path in split(done.out))

    async def _folder(self, base: Listing, rules: Sequence[str]) -> Path:
        """A folder that holds the base's `.gitignore` files and nothing else; made once for a base."""
        folder = self._mirror.folder / "anton" / "ignore" / base.tree
        if not folder.is_dir():
            wanted = "".join(f"{base.entries[path].id}\n" for path in rules)
            batch = await self._mirror.git.out("cat-file", "--batch", stdin=wanted.encode())
            with self._mirror.passing() as passing:
                await asyncio.to_thread(_fill, passing / "rules", base, rules, batch, folder)
        return folder


def _fill(draft: Path, base: Listing, rules: Sequence[str], batch: bytes, folder: Path) -> None:
    draft.mkdir()
    worktree.write(draft, rules, base, BytesIO(batch), worktree.Memory())
    try:
        put_folder(draft, folder)
    except OSError:
        if not folder.is_dir():  # another process made the same one first
            raise
        shutil.rmtree(draft)
