"""A repository whose runs may go on at another machine: what they stand on travels by a carrier.

Whatever a run may be resumed from (checkpoints, commits) is packed without what it builds on and handed to
the carrier before anything of it is journaled. A machine whose mirror lacks an object brings first what that
builds on, at last a commit from the repository itself, and then the pack.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anton.adapters.repository.git import GitRepository
from anton.core.errors import OutsideError, RepositoryUnusable
from anton.core.proof import FileChange
from anton.ports import BaseCommit, Past, PastCommit

MAX_PACKED_BYTES = 50_000_000
"""Of what one checkpoint or commit adds."""
SHA1_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Carried:
    """An object, and how a machine that lacks it comes by it."""

    id: str
    base: str
    """Object to be brought first, which it builds on; of what is in the repository the commit to fetch."""
    packed: bytes | None = None
    """What it adds to its base; None where it is in the repository."""
    remote: str = ""
    branch: str = ""
    """Where that commit is found, if the repository on a machine does not have it."""


class Carrier(Protocol):
    """Takes objects from machine to machine."""

    async def offer(self, carried: Sequence[Carried]) -> None:
        """Keep objects for whoever lacks them; on return they are durable."""
        ...

    async def find(self, object_id: str) -> Carried | None:
        """What was offered under an id."""
        ...


class CarriedRepository:
    """The Repository port for machines that share a carrier; each has a mirror of its own.

    Args:
        inner: The repository on this machine.
        carrier: Shared by all of them.
    """

    def __init__(self, inner: GitRepository, carrier: Carrier) -> None:
        self._inner = inner
        self._carrier = carrier
        self._here: set[str] = set()
        self._bases: dict[str, str] = {}
        """Tree that was made here → what it was made from."""

    async def resolve(self, ref: str) -> BaseCommit:
        """As the port says; the commit can be found on every machine."""
        return await self._offered(await self._inner.resolve(ref))

    async def fetch(self, remote: str, branch: str) -> BaseCommit:
        """As the port says; the commit can be found on every machine."""
        await self._ready()
        return await self._offered(await self._inner.fetch(remote, branch), remote, branch)

    async def let_go(self, runs: Collection[str], *, prune: bool, delete: bool) -> tuple[str, ...]:
        """As the port says, of this machine."""
        return await self._inner.let_go(runs, prune=prune, delete=delete)

    async def head_of(self, remote: str, branch: str) -> str:
        """As the port says."""
        await self._ready()
        return await self._inner.head_of(remote, branch)

    async def export(self, tree: str, folder: Path) -> None:
        """As the port says."""
        await self._bring(tree)
        await self._inner.export(tree, folder)

    async def snapshot(self, folder: Path, base: str) -> str:
        """As the port says."""
        await self._bring(base)
        return self._made(await self._inner.snapshot(folder, base), base)

    async def graft(self, onto: str, source: str, paths: Sequence[str]) -> str:
        """As the port says."""
        await self._bring(onto, source)
        return self._made(await self._inner.graft(onto, source, paths), onto)

    async def with_file(self, tree: str, path: str, content: bytes) -> str:
        """As the port says."""
        await self._bring(tree)
        return self._made(await self._inner.with_file(tree, path, content), tree)

    async def merge(self, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
        """As the port says."""
        await self._ready()
        return await self._inner.merge(base, ours, theirs)

    async def keep(self, name: str, tree: str) -> None:
        """As the port says, for every machine."""
        await self._bring(tree)
        await self._inner.keep(name, tree)
        base = self._base_of(tree)
        await self._offer(tree, base, (), tree, base)

    async def commit(self, tree: str, parent: str, message: str, at_unix: int) -> str:
        """As the port says, for every machine."""
        await self._bring(tree, parent)
        made = await self._inner.commit(tree, parent, message, at_unix)
        await self._offer(made, parent, [made], tree, self._base_of(tree))
        return made

    async def files(self, tree: str) -> tuple[str, ...]:
        """As the port says."""
        await self._bring(tree)
        return await self._inner.files(tree)

    async def read(self, tree: str, path: str, max_bytes: int = 1_000_000) -> bytes | None:
        """As the port says."""
        await self._bring(tree)
        return await self._inner.read(tree, path, max_bytes)

    async def changes(self, before: str, after: str) -> tuple[FileChange, ...]:
        """As the port says."""
        await self._bring(before, after)
        return await self._inner.changes(before, after)

    async def diff(self, before: str, after: str) -> str:
        """As the port says."""
        await self._bring(before, after)
        return await self._inner.diff(before, after)

    async def history(self, commit: str, limit: int) -> tuple[PastCommit, ...]:
        """As the port says."""
        await self._bring(commit)
        return await self._inner.history(commit, limit)

    @property
    def past(self) -> Past:
        """Of what was brought here, as is every commit that a worktree was laid out from."""
        return self._inner.past

    async def pack(
        self, commits: Sequence[str], trees: Sequence[str], without: Sequence[str], max_bytes: int
    ) -> bytes | None:
        """As the port says."""
        await self._bring(*commits, *trees, *without)
        return await self._inner.pack(commits, trees, without, max_bytes)

    async def unpack(self, packed: bytes, hash_name: str) -> None:
        """As the port says."""
        await self._inner.unpack(packed, hash_name)

    async def push(self, commit: str, branch: str, remote: str) -> None:
        """As the port says."""
        await self._bring(commit)
        await self._inner.push(commit, branch, remote)

    # Offering

    def _made(self, tree: str, base: str) -> str:
        if tree != base:
            self._bases.setdefault(tree, base)
        return tree

    def _base_of(self, tree: str) -> str:
        """The last that a tree was made from which was not made here itself; empty where nobody knows."""
        base, seen = self._bases.get(tree, ""), {tree}
        while base in self._bases and base not in seen:
            seen.add(base)
            base = self._bases[base]
        return base

    async def _offered(self, found: BaseCommit, remote: str = "", branch: str = "") -> BaseCommit:
        ids = (found.commit, found.tree)
        self._here.update(ids)
        await self._carrier.offer([Carried(each, found.commit, None, remote, branch) for each in ids])
        return found

    async def _offer(self, made: str, base: str, commits: Sequence[str], tree: str, without: str) -> None:
        left_out = [without] if without else []
        packed = await self._inner.pack(commits, [tree], left_out, MAX_PACKED_BYTES)
        if packed is None:
            raise OutsideError(
                f"what was changed comes to more than {MAX_PACKED_BYTES:,} bytes, which is too much to be "
                "taken to another machine"
            )
        self._here.add(made)
        await self._carrier.offer([Carried(made, base, packed)])

    # Bringing

    async def _bring(self, *object_ids: str) -> None:
        """Have objects here, as far as they can be come by; whoever asked says which are missing then."""
        for object_id in object_ids:
            if object_id in self._here:
                continue
            if not await self._inner.has(object_id) and (carried := await self._carrier.find(object_id)):
                await self._take(carried)
            self._here.add(object_id)

    async def _ready(self) -> None:
        """Have a mirror, on a machine where this run is the first of its repository."""
        if self._inner.made:
            return
        try:
            await self._inner.resolve("")
        except RepositoryUnusable:  # such as one with no branch checked out
            await self._inner.resolve("HEAD")

    async def _take(self, carried: Carried) -> None:
        if carried.packed is not None:
            await self._bring(*filter(None, [carried.base]))
            await self._inner.unpack(carried.packed, "sha1" if len(carried.id) == SHA1_DIGITS else "sha256")
            return
        try:
            await self._inner.resolve(carried.base)
        except RepositoryUnusable:
            if not carried.remote:
                raise
            await self.fetch(carried.remote, carried.branch)
