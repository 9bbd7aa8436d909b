"""What the past of a commit can be asked: by whom a line is, what a commit changed.

Everything runs on the mirror, whose settings are ours and which has no worktree. Attributes that a commit
holds may name drivers; the mirror defines none, and the options below switch them off besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from anton.adapters.repository.command import Git, require
from anton.adapters.repository.history import PAST, parse_history
from anton.adapters.repository.objects import checked_id
from anton.ports import BlamedLine, PastCommit

MAX_BLAMED_BYTES = 5_000_000
"""Of a file; what comes after is not told of."""
_LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}
"""A path is a path: no pattern, no `:(magic)`."""
_NAME = re.compile(r"(?:HEAD|[0-9a-f]{4,64})(?:[~^][0-9]{0,4}){0,8}")
_HEADER = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) [0-9]+ ([0-9]+)")
_NO_DRIVERS = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--no-color",
    "--no-relative",
    "--no-show-signature",
    "--no-notes",
    "--no-mailmap",
    "--ignore-submodules=none",
)
_SHOWN = (
    "--format=commit %H%nparents %P%nauthor %an%ndate %aI%n%n%B",
    "--encoding=UTF-8",
    "--diff-merges=first-parent",
    "--stat=100",
    "--patch",
    "--unified=3",
)


@dataclass(frozen=True, slots=True)
class GitPast:
    """The Past port by the `git` command on the mirror."""

    git: Git

    async def ancestor(self, commit: str, name: str) -> str | None:
        """The full id of the commit that `name` means, if it is `commit` itself or an ancestor of it.

        None for everything else that the mirror may hold, such as what another agent has written.
        """
        if not _NAME.fullmatch(name):
            return None
        spelled = name.replace("HEAD", checked_id(commit), 1) + "^{commit}"
        found = await self.git.run("rev-parse", "--verify", "--quiet", "--end-of-options", spelled)
        ancestor = found.out.decode("ascii", "replace").strip()
        if found.code or not ancestor:
            return None
        related = await self.git.run("merge-base", "--is-ancestor", ancestor, commit)
        return None if related.code else ancestor

    async def log(self, commit: str, limit: int, path: str = "") -> tuple[PastCommit, ...]:
        """A commit and its ancestors by all parents, newest first; with a path those that changed it.

        Of a shallow clone it is what the clone has.
        """
        options = (f"--max-count={limit}", *PAST, "--end-of-options", checked_id(commit), "--")
        done = await self.git.run("log", *options, *_only(path), environment=_LITERAL)
        return parse_history(require(done, f"Reading the history of {commit}").out)

    async def show(self, commit: str, path: str = "", max_bytes: int = 100_000) -> str:
        """Author, date, message and diff to the first parent, of one path or all, cut at `max_bytes`."""
        words = (*_SHOWN, *_NO_DRIVERS, "--end-of-options", checked_id(commit), "--", *_only(path))
        done = await self.git.run("show", *words, max_bytes=max_bytes, environment=_LITERAL)
        return require(done, f"Showing the commit {commit}").out.decode("utf-8", "replace")

    async def blame(self, commit: str, path: str, first: int, last: int) -> tuple[BlamedLine, ...]:
        """Which commit each line of a file is from, as far as there are any; empty without such a file."""
        named = f"{checked_id(commit)}:{path}"
        blob = await self.git.run("cat-file", "blob", named, max_bytes=MAX_BLAMED_BYTES)
        lines = blob.out.removesuffix(b"\n").count(b"\n") + 1
        if blob.code or not blob.out or not 1 <= first <= min(last, lines):
            return ()
        options = ("--line-porcelain", "--encoding=UTF-8", "--no-textconv", f"-L{first},{min(last, lines)}")
        done = await self.git.run("blame", *options, commit, "--", path, environment=_LITERAL)
        return tuple(parse_blame(require(done, f"Asking who wrote {path!r} of {commit}").out))


def _only(path: str) -> tuple[str, ...]:
    return (path,) if path else ()


def parse_blame(listing: bytes) -> Iterator[BlamedLine]:
    """Read the output of `git blame --line-porcelain`; what is not of that form is left out."""
    commit, number, words = "", 0, dict[bytes, bytes]()
    for line in listing.split(b"\n"):
        if line.startswith(b"\t"):
            if commit:
                yield _blamed(commit, number, words, line[1:])
            commit, words = "", {}
        elif not commit and (header := _HEADER.match(line)):
            commit, number, words = header[1].decode(), int(header[2]), {}
        else:
            key, _, value = line.partition(b" ")
            words[key] = value


def _blamed(commit: str, number: int, words: dict[bytes, bytes], text: bytes) -> BlamedLine:
    said = {key: words.get(key, b"").decode("utf-8", "replace") for key in (b"author", b"summary")}
    seconds = words.get(b"author-time", b"")
    at = int(seconds) if re.fullmatch(rb"-?[0-9]{1,18}", seconds) else 0
    return BlamedLine(
        number, text.decode("utf-8", "surrogateescape"), commit, said[b"author"], at, said[b"summary"]
    )
