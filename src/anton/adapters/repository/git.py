"""The Repository port by the `git` command.

    the user's checkout ──lens, fetch──► mirror (bare, ours) ──cat-file──► a worktree for a sandbox
                                           ▲      │                            │
                                           │      └──push, lens or URL──►      │
                                           └───────hash-object, write-tree─────┘

Git runs on the mirror only. It sees the user's repository through a lens, which has none of its settings, and
worktrees not at all: their files are read and written here, as bytes. So nothing that a repository can say
(hooks, filters, fsmonitor, textconv, attributes, insteadOf) has anybody to say it to.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from anton.adapters.repository import lens, worktree
from anton.adapters.repository.changes import PLAIN, parse_changes
from anton.adapters.repository.command import Git, require, split
from anton.adapters.repository.credential import HostCredential
from anton.adapters.repository.ignore import IgnoreRules
from anton.adapters.repository.incoming import fetch_branch, fetch_commit
from anton.adapters.repository.lens import Place
from anton.adapters.repository.listing import GITLINK, Entry, Listing, parse
from anton.adapters.repository.making import make_commit, make_tree, store
from anton.adapters.repository.merging import merge
from anton.adapters.repository.mirror import Mirror
from anton.adapters.repository.objects import checked_id
from anton.adapters.repository.packs import make_pack, take_pack
from anton.adapters.repository.past import GitPast
from anton.adapters.repository.push import (
    check_branch,
    check_remote,
    head_at,
    parse_settings,
    push_to,
    reaching,
    remote_of,
)
from anton.adapters.repository.refs import RefReader
from anton.adapters.repository.tidying import let_go
from anton.adapters.repository.worktree import Memory
from anton.core.errors import OutsideError, RepositoryUnusable
from anton.core.proof import FileChange
from anton.ports import BaseCommit, PastCommit

KEPT_LISTINGS = 16
KEPT_FOLDERS = 16


class GitRepository:
    """A user's repository, read only, and the mirror that work is done in.

    Args:
        checkout: root of the user's checkout, or a bare repository.
        mirror: folder of the mirror; made at the first `resolve`.
        push_environment: variables that pushing to a URL needs of the operator's environment, such as
            `SSH_AUTH_SOCK`, or `GIT_CONFIG_GLOBAL` for their credential helper. No other command gets them.
        credential: for remotes at its host.
    """

    def __init__(
        self,
        checkout: Path,
        mirror: Path,
        push_environment: Mapping[str, str] | None = None,
        credential: HostCredential | None = None,
    ) -> None:
        self._checkout = checkout.absolute()
        self._mirror = Mirror(mirror.absolute())
        self._git = self._mirror.git
        self._past = GitPast(self._git)
        self._push_environment = dict(push_environment or {})
        self._credential = credential
        self._listings: OrderedDict[str, Listing] = OrderedDict()
        self._memories: OrderedDict[Path, Memory] = OrderedDict()
        self._ignore = IgnoreRules(self._mirror)

    async def resolve(self, ref: str) -> BaseCommit:
        """Fetch `ref` (empty: what is checked out) into the mirror.

        `branch` is the branch that `ref` names, here or at the origin; for a tag or a commit it is the branch
        checked out, and empty where there is none.

        Raises:
            RepositoryUnusable: not a repository, no commit, a detached head without a ref, or no such ref.
        """
        place = await asyncio.to_thread(lens.locate, self._checkout)
        content = await asyncio.to_thread(lens.read_small, place.common_dir / "config")
        settings = await parse_settings(self._checkout, content)
        hash_name = lens.object_format(self._checkout, settings)
        await self._mirror.create(hash_name)
        await asyncio.to_thread(self._mirror.sweep)
        async with self._lens(place, settings, hash_name) as theirs:
            commit, branch = await RefReader(self._checkout, theirs).commit_and_branch(ref)
            async with self._mirror.alone():
                await fetch_commit(self._git, commit, theirs.folder, self._checkout)
            dirty = await self._is_dirty(theirs, place)
        tree, subject = await self._tree_and_subject(commit)
        return BaseCommit(commit, tree, branch, subject, remote_of(self._checkout, settings), dirty)

    @asynccontextmanager
    async def _lens(self, place: Place, settings: Mapping[str, str], hash_name: str) -> AsyncIterator[Git]:
        with self._mirror.passing() as passing:
            folder = passing / "lens"
            await asyncio.to_thread(lens.build, folder, place, settings, hash_name)
            yield Git(folder)

    async def _is_dirty(self, theirs: Git, place: Place) -> bool:
        if place.worktree is None:
            return False
        await asyncio.to_thread(lens.copy_index, place, theirs.folder)
        options = ("--porcelain", "-z", "--ignore-submodules=all", "--untracked-files=normal", "--no-renames")
        done = await theirs.run(f"--work-tree={place.worktree}", "status", *options)
        return bool(require(done, f"Comparing {str(self._checkout)!r} with its last commit").out)

    async def export(self, tree: str, folder: Path) -> None:
        """Make `folder` hold exactly the files of a tree or commit; what else was there is removed.

        Files that are as they should be are left untouched. A submodule becomes an empty folder.

        Raises:
            OutsideError: the tree holds a path that must not be written, or the folder cannot be written.
        """
        listing = await self._listing(tree)
        memory = self._memory(folder)
        try:
            missing = await asyncio.to_thread(worktree.settle, folder, listing, memory)
            if missing:
                await self._write(folder, missing, listing, memory)
        except OSError as error:
            raise OutsideError(f"The folder {str(folder)!r} cannot be written: {error}.") from error

    async def _write(self, folder: Path, paths: Sequence[str], listing: Listing, memory: Memory) -> None:
        wanted = "".join(f"{listing.entries[path].id}\n" for path in paths)
        with self._mirror.passing() as passing, (passing / "batch").open("w+b") as batch:
            done = await self._git.run("cat-file", "--batch", stdin=wanted.encode(), stdout=batch.fileno())
            require(done, "Reading files from the mirror")
            batch.seek(0)
            await asyncio.to_thread(worktree.write, folder, paths, listing, batch, memory)

    async def snapshot(self, folder: Path, base: str) -> str:
        """The tree that `folder` amounts to; files that the base's ignore rules name are left out.

        A file that the base tracks is never left out. Of others, `.git`, caches of test runs
        (`worktree.JUNK`), sockets, pipes and devices are left out in any case.

        Raises:
            OutsideError: a file is larger than `worktree.MAX_FILE_BYTES` or cannot be read.
        """
        listing = await self._listing(base)
        memory = self._memory(folder)
        try:
            found = await asyncio.to_thread(worktree.scan, folder, listing)
            for path in await self._ignore.ignored(listing, [p for p in found if p not in listing.entries]):
                del found[path]
            with self._mirror.passing() as passing:
                remembered = Memory(dict(memory.files))
                entries, copies = await asyncio.to_thread(
                    worktree.collect, folder, found, listing, remembered, passing
                )
                await store(self._git, copies, passing)
                memory.files = {p: known for p, known in remembered.files.items() if p in found}
        except OSError as error:
            raise OutsideError(f"The folder {str(folder)!r} cannot be read: {error}.") from error
        if memory.taken is None or memory.taken[:2] != (listing.tree, entries):
            memory.taken = (listing.tree, entries, await self._tree(listing, entries))
        return memory.taken[2]

    async def _tree(self, before: Listing, entries: Mapping[str, Entry]) -> str:
        """The tree with exactly these entries, starting from one that is much like it."""
        if before.entries == entries:
            return before.tree
        with self._mirror.passing() as passing:
            tree = await make_tree(self._git, before, entries, passing / "index")
        self._remember(tree, Listing(tree, dict(entries)))
        return tree

    @property
    def made(self) -> bool:
        """Whether there is a mirror; what asks a remote needs one."""
        return self._mirror.exists

    async def has(self, object_id: str) -> bool:
        """Whether the mirror holds an object; one that was never made holds none."""
        asked = ("cat-file", "-e", checked_id(object_id))
        return self._mirror.exists and (await self._git.run(*asked)).code == 0

    async def keep(self, name: str, tree: str) -> None:
        """Keep a tree under a private name, so that it outlives housekeeping."""
        plain = name.encode("utf-8", "surrogateescape")
        escaped = "".join(chr(c) if re.match(rb"[A-Za-z0-9_-]", bytes((c,))) else f"={c:02X}" for c in plain)
        ref = f"refs/anton/keep/{escaped or '='}"
        done = await self._git.run("update-ref", ref, checked_id(tree))
        lock = self._git.folder / f"{ref}.lock"
        if done.code and await asyncio.to_thread(lock.exists):
            # Left by a git that was killed: nobody else writes this ref, whose run is held by one process.
            await asyncio.to_thread(lock.unlink, missing_ok=True)
            done = await self._git.run("update-ref", ref, checked_id(tree))
        require(done, f"keeping a tree in {str(self._git.folder)!r}")

    async def let_go(self, runs: Collection[str], *, prune: bool, delete: bool) -> tuple[str, ...]:
        """Names under which trees of runs that are over are kept; see the port."""
        return await let_go(self._mirror, runs, prune=prune, delete=delete)

    async def files(self, tree: str) -> tuple[str, ...]:
        """Paths of all files of a tree or commit, sorted; symbolic links too, submodules not."""
        listing = await self._listing(tree)
        return tuple(sorted(path for path, entry in listing.entries.items() if entry.mode != GITLINK))

    async def read(self, tree: str, path: str, max_bytes: int = 1_000_000) -> bytes | None:
        """A file's content, cut at `max_bytes`; None where there is no such file.

        The content of a symbolic link is its target.
        """
        entry = (await self._listing(tree)).entries.get(path)
        if not entry or entry.mode == GITLINK:
            return None
        done = await self._git.run("cat-file", "blob", entry.id, max_bytes=max_bytes)
        return require(done, f"Reading {path!r} of {tree}").out

    async def changes(self, before: str, after: str) -> tuple[FileChange, ...]:
        """Files that differ between two trees or commits, by path; a rename is a removal and an addition."""
        options = ("-r", "-z", "--raw", "--numstat", "--no-abbrev", *PLAIN)
        out = await self._git.out(
            "diff-tree", *options, "--end-of-options", checked_id(before), checked_id(after)
        )
        return parse_changes(split(out))

    async def graft(self, onto: str, source: str, paths: Sequence[str]) -> str:
        """The tree `onto` with `paths` as they are in `source` (absent there: removed)."""
        target, giver = await self._listing(onto), await self._listing(source)
        entries = dict(target.entries)
        for path in paths:
            entries.pop(path, None)
            if path in giver.entries:
                entries = {p: e for p, e in entries.items() if not _in_the_way(p, path)}
                entries[path] = giver.entries[path]
        return await self._tree(target, entries)

    async def with_file(self, tree: str, path: str, content: bytes) -> str:
        """The tree with one file that it has holding other content; its mode stays.

        Raises:
            ValueError: the tree has no such file, or it is a link or a submodule.
        """
        listing = await self._listing(tree)
        entry = listing.entries.get(path)
        if entry is None or not entry.mode.startswith("100"):
            raise ValueError(f"there is no file {path!r} in the tree {tree}")
        blob = await self._git.out("hash-object", "-w", "--no-filters", "--stdin", stdin=content)
        changed = replace(entry, id=blob.decode().strip())
        return await self._tree(listing, {**listing.entries, path: changed})

    async def merge(self, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
        """What both sides made of a file; None where lines that they changed meet, or one is no text."""
        return await merge(self._mirror, base, ours, theirs)

    async def commit(self, tree: str, parent: str, message: str, at_unix: int) -> str:
        """A commit by Anton at a given time: the same arguments give the same id."""
        return await make_commit(self._git, tree, parent, message, at_unix)

    async def diff(self, before: str, after: str) -> str:
        """Unified diff, whole, without any of the repository's own drivers or filters.

        A binary file is one line that says so, whatever the repository's attributes call binary or text.
        """
        options = ("-r", "-p", "-U3", "--full-index", "--src-prefix=a/", "--dst-prefix=b/", *PLAIN)
        out = await self._git.out(
            "diff-tree", *options, "--end-of-options", checked_id(before), checked_id(after)
        )
        return out.decode("utf-8", "replace")

    async def history(self, commit: str, limit: int) -> tuple[PastCommit, ...]:
        """A commit and its ancestors by all parents, newest first, at most `limit`.

        Of a shallow clone it is what the clone has. A parent may be missing: where the limit was reached.
        """
        return await self._past.log(commit, limit)

    @property
    def past(self) -> GitPast:
        """What can be asked of the commits in the mirror."""
        return self._past

    async def pack(
        self, commits: Sequence[str], trees: Sequence[str], without: Sequence[str], max_bytes: int
    ) -> bytes | None:
        """Commits, and trees with all that is in them, as a git pack; None where it would be larger."""
        for object_id in (*commits, *trees, *without):
            checked_id(object_id)
        return await make_pack(self._git, commits, trees, without, max_bytes)

    async def unpack(self, packed: bytes, hash_name: str) -> None:
        """Take objects from a git pack into the mirror; it is made where there is none.

        Raises:
            OutsideError: the pack is damaged or unfolds into too much.
        """
        await self._mirror.create(hash_name)
        await take_pack(self._git, packed)

    async def push(self, commit: str, branch: str, remote: str) -> None:
        """Make `branch` of `remote` exactly `commit`; nothing happens where it already is.

        Args:
            commit: full id of a commit in the mirror.
            branch: lower-case letters, digits and `._/-`.
            remote: an absolute path, whose hooks and settings take no part, or an https or ssh URL.

        Raises:
            UsageError: the branch or the remote is not of that form.
            OutsideError: the remote is out of reach, refused, or has something else under that name.
        """
        check_branch(branch)
        async with self._reached(remote) as (git, address):
            await push_to(git, checked_id(commit), branch, address, remote)

    async def head_of(self, remote: str, branch: str) -> str:
        """The commit that `branch` of `remote` is now; empty where there is no such branch.

        Raises:
            UsageError: the remote is not of a form that is pushed to.
            OutsideError: it is out of reach.
        """
        async with self._reached(remote) as (git, address):
            return await head_at(git, branch, address, remote)

    async def fetch(self, remote: str, branch: str) -> BaseCommit:
        """Bring what `branch` of `remote` is now into the mirror; the user's repository is left alone.

        Raises:
            UsageError: the remote is not of a form that is pushed to.
            OutsideError: it is out of reach, or has no such branch.
        """
        async with self._reached(remote) as (git, address), self._mirror.alone():
            commit = await fetch_branch(git, branch, address, remote)
        tree, subject = await self._tree_and_subject(commit)
        return BaseCommit(commit, tree, branch, subject, remote, dirty=False)

    async def _tree_and_subject(self, commit: str) -> tuple[str, str]:
        out = await self._git.out("show", "-s", "--no-show-signature", "--format=%T%n%s", commit)
        tree, _, subject = out.decode("utf-8", "replace").rstrip("\n").partition("\n")
        return tree, subject

    @asynccontextmanager
    async def _reached(self, remote: str) -> AsyncIterator[tuple[Git, str]]:
        """Git on the mirror, and how it is told of a remote."""
        check_remote(remote)
        if not remote.startswith("/"):
            folder = self._mirror.folder
            yield await reaching(folder, self._push_environment, self._credential, remote), remote
            return
        try:
            place = await asyncio.to_thread(lens.locate, Path(remote))
            content = await asyncio.to_thread(lens.read_small, place.common_dir / "config")
            settings = await parse_settings(Path(remote), content)
            hash_name = lens.object_format(Path(remote), settings)
        except RepositoryUnusable as error:
            raise OutsideError(f"Nothing can be pushed: {error}") from error
        async with self._lens(place, settings, hash_name) as theirs:
            yield self._git, str(theirs.folder)

    async def _listing(self, tree: str) -> Listing:
        found = self._listings.get(checked_id(tree))
        if not found:
            top = (await self._git.out("rev-parse", "--verify", f"{tree}^{{tree}}")).decode().strip()
            found = parse(top, await self._git.out("ls-tree", "-r", "-z", "--full-tree", top))
        self._remember(tree, found)
        return found

    def _remember(self, tree: str, listing: Listing) -> None:
        self._listings[tree] = listing
        self._listings.move_to_end(tree)
        while len(self._listings) > KEPT_LISTINGS:
            self._listings.popitem(last=False)

    def _memory(self, folder: Path) -> Memory:
        memory = self._memories.setdefault(folder.absolute(), Memory())
        self._memories.move_to_end(folder.absolute())
        while len(self._memories) > KEPT_FOLDERS:
            self._memories.popitem(last=False)
        return memory


def _in_the_way(path: str, of: str) -> bool:
    """Whether one path is a folder of the other."""
    return path.startswith(of + "/") or of.startswith(path + "/")
