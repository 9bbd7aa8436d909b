"""The trusted git directory, and what led to the code as it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anton.core.proof import FileChange


@dataclass(frozen=True, slots=True)
class BaseCommit:
    """The commit to base a fix on, kept in the mirror."""

    commit: str
    tree: str
    branch: str
    subject: str
    remote: str
    """URL or path of the repository's `origin`; empty where it has none."""
    dirty: bool
    """The checkout holds changes that are not committed."""


@dataclass(frozen=True, slots=True)
class PastCommit:
    """One commit of the repository's own history; author and subject are words from outside."""

    commit: str
    parents: tuple[str, ...]
    """First parent first; empty for the first commit, and where a shallow clone ends."""
    author: str
    authored_at: str
    """ISO 8601 with offset, as git has it."""
    subject: str


@dataclass(frozen=True, slots=True)
class BlamedLine:
    """One line of a file, and the commit that brought it; all words are from outside."""

    number: int
    """From 1."""
    text: str
    commit: str
    author: str
    authored_at_unix: int
    subject: str


class Past(Protocol):
    """Why a line is as it is: read-only, of commits in the mirror, without drivers of the repository."""

    async def ancestor(self, commit: str, name: str) -> str | None:
        """The full id of the commit that `name` means, if it is `commit` itself or an ancestor of it.

        `name` is a full or shortened id or `HEAD`, which is `commit`, and may end in `~2` or `^`.
        """
        ...

    async def log(self, commit: str, limit: int, path: str = "") -> tuple[PastCommit, ...]:
        """A commit and its ancestors, newest first, at most `limit`; with a path those that changed it."""
        ...

    async def show(self, commit: str, path: str = "", max_bytes: int = 100_000) -> str:
        """Author, date, message and diff to the first parent, of one path or all, cut at `max_bytes`."""
        ...

    async def blame(self, commit: str, path: str, first: int, last: int) -> tuple[BlamedLine, ...]:
        """Which commit each line of a file as it is in `commit` is from, from line `first` to `last`.

        As far as there are any: empty where there is no such file.
        """
        ...


class Repository(Protocol):
    """The trusted git directory: a bare mirror that no sandbox can write, and trees exported from it.

    Objects are named by their full hexadecimal id. The user's checkout and its `.git` are only read.
    """

    async def resolve(self, ref: str) -> BaseCommit:
        """Fetch `ref` (empty: what is checked out) into the mirror.

        Raises:
            RepositoryUnusable: not a repository, no commit, a detached head without a ref, or no such ref.
        """
        ...

    async def export(self, tree: str, folder: Path) -> None:
        """Make `folder` hold exactly the files of a tree or commit; what else was there is removed."""
        ...

    async def snapshot(self, folder: Path, base: str) -> str:
        """The tree that `folder` amounts to; files that the base's ignore rules name are left out."""
        ...

    async def keep(self, name: str, tree: str) -> None:
        """Keep a tree or commit under a private name, so that it outlives housekeeping."""
        ...

    async def files(self, tree: str) -> tuple[str, ...]:
        """Paths of all files of a tree or commit, sorted."""
        ...

    async def read(self, tree: str, path: str, max_bytes: int = 1_000_000) -> bytes | None:
        """A file's content, cut at `max_bytes`; None where there is no such file."""
        ...

    async def changes(self, before: str, after: str) -> tuple[FileChange, ...]:
        """Files that differ between two trees or commits, by path; a rename is a removal and an addition."""
        ...

    async def graft(self, onto: str, source: str, paths: Sequence[str]) -> str:
        """The tree `onto` with `paths` as they are in `source` (absent there: removed)."""
        ...

    async def with_file(self, tree: str, path: str, content: bytes) -> str:
        """The tree with one file that it has holding other content; its mode stays.

        Raises:
            ValueError: the tree has no such file.
        """
        ...

    async def merge(self, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
        """What two sides made of a file's content, as one; None where lines that both changed meet.

        None as well where one is no text.
        """
        ...

    async def commit(self, tree: str, parent: str, message: str, at_unix: int) -> str:
        """A commit by Anton at a given time: the same arguments give the same id."""
        ...

    async def diff(self, before: str, after: str) -> str:
        """Unified diff, whole, without any of the repository's own drivers or filters."""
        ...

    async def history(self, commit: str, limit: int) -> tuple[PastCommit, ...]:
        """A commit and its ancestors by all parents, newest first, at most `limit`.

        A parent may be missing in the answer: where the limit was reached.
        """
        ...

    @property
    def past(self) -> Past:
        """What can be asked of the commits in the mirror."""
        ...

    async def pack(
        self, commits: Sequence[str], trees: Sequence[str], without: Sequence[str], max_bytes: int
    ) -> bytes | None:
        """Commits without their parents, and trees with all that is in them, as a git pack.

        The same objects give the same bytes with the same git. None where it would exceed `max_bytes`;
        what is in the trees `without` is left out.
        """
        ...

    async def unpack(self, packed: bytes, hash_name: str) -> None:
        """Take objects from a git pack of anybody's; `hash_name` is `sha1` or `sha256`.

        Raises:
            OutsideError: the pack is damaged or unfolds into too much.
        """
        ...

    async def let_go(self, runs: Collection[str], *, prune: bool, delete: bool) -> tuple[str, ...]:
        """Names under which trees of runs that are over are kept.

        Args:
            runs: Their ids.
            prune: Whether no other run stands on the mirror, so that what nothing leads to may go.
            delete: Whether the names are removed.
        """
        ...

    async def head_of(self, remote: str, branch: str) -> str:
        """The commit that `branch` of `remote` is now; empty where there is no such branch.

        Raises:
            OutsideError: the remote is out of reach.
        """
        ...

    async def fetch(self, remote: str, branch: str) -> BaseCommit:
        """Bring what `branch` of `remote` is now into the mirror.

        Raises:
            OutsideError: the remote is out of reach, or has no such branch.
        """
        ...

    async def push(self, commit: str, branch: str, remote: str) -> None:
        """Make `branch` of `remote` exactly `commit`; nothing happens where it already is.

        Raises:
            OutsideError: the remote is out of reach, refused, or has something else under that name.
        """
        ...
