"""Each hunk of the fix, taken back alone: what no test needs is named.

Only the ranges in a diff's hunk headers are used. Content is put together from the bytes of both files, so
encodings, line ends and a missing last one are as they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from anton.core.proof import FileChange
from anton.ports import Repository
from anton.proving.harvest import Harvest

MAX_BYTES = 1_000_000
"""Of a source file; what is harvested is not larger."""
WHOLE_FILE = "the whole file"

_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk of the diff of one file."""

    header: str
    """Its line in the diff."""
    before: tuple[int, int]
    """First line, counted from 0, and number of lines in the file before."""
    after: tuple[int, int]
    """Likewise in the fixed file."""
    added: tuple[int, ...]
    """Numbers, counted from 1, of the lines of the fixed file that are new or changed."""


@dataclass(frozen=True, slots=True)
class FixedFile:
    """A source file that the fix adds, changes or removes."""

    change: FileChange
    hunks: tuple[Hunk, ...]
    fixed: bytes = b""
    """Its content with the fix; empty where it is removed."""
    before: bytes = field(default=b"", repr=False)
    """Its content on base; empty where it is added."""

    @property
    def added(self) -> frozenset[int]:
        """Numbers of its new or changed lines."""
        return frozenset(number for hunk in self.hunks for number in hunk.added)


@dataclass(frozen=True, slots=True)
class Removal:
    """The fix without one of its hunks."""

    path: str
    header: str
    tree: str
    """The whole patch, tests included, without that hunk."""


async def fixed_files(repository: Repository, harvest: Harvest) -> tuple[FixedFile, ...]:
    """The source part of a patch, file by file."""
    return tuple([await _fixed_file(repository, harvest, change) for change in harvest.patch.source])


async def removals(repository: Repository, harvest: Harvest, file: FixedFile) -> tuple[Removal, ...]:
    """One tree for each hunk of a file; a file that is added or removed is one hunk."""
    path, head = file.change.path, harvest.trees.head
    if file.change.status != "M" or len(file.hunks) < 2:
        header = file.hunks[0].header if len(file.hunks) == 1 else WHOLE_FILE
        return (Removal(path, header, await repository.graft(head, harvest.trees.base, (path,))),)
    trees = [
        await repository.with_file(head, path, without(file.before, file.fixed, hunk)) for hunk in file.hunks
    ]
    return tuple(Removal(path, hunk.header, tree) for hunk, tree in zip(file.hunks, trees, strict=True))


def parse_hunks(diff: str) -> tuple[Hunk, ...]:
    """The hunks of a unified diff of one file."""
    rows = diff.split("\n")
    starts = [number for number, row in enumerate(rows) if _HEADER.match(row)]
    ends = [*starts[1:], len(rows)]
    return tuple(_hunk(rows[start], rows[start + 1 : end]) for start, end in zip(starts, ends, strict=False))


def without(before: bytes, fixed: bytes, hunk: Hunk) -> bytes:
    """The fixed file with one hunk as it was before."""
    old, new = _lines(before), _lines(fixed)
    (was, was_long), (now, now_long) = hunk.before, hunk.after
    return b"".join((*new[:now], *old[was : was + was_long], *new[now + now_long :]))


async def _fixed_file(repository: Repository, harvest: Harvest, change: FileChange) -> FixedFile:
    base, fix = harvest.trees.base, harvest.trees.fix
    alone = await repository.graft(base, fix, (change.path,))
    return FixedFile(
        change,
        parse_hunks(await repository.diff(base, alone)),
        fixed=await repository.read(fix, change.path, MAX_BYTES) or b"",
        before=await repository.read(base, change.path, MAX_BYTES) or b"",
    )


def _hunk(header: str, body: list[str]) -> Hunk:
    found = _HEADER.match(header)
    assert found is not None  # noqa: S101 - rows are chosen by this very pattern
    before, after = _range(found[1], found[2]), _range(found[3], found[4])
    return Hunk(header, before, after, tuple(_added(after[0], body)))


def _range(first: str, length: str | None) -> tuple[int, int]:
    """A range as a diff writes it: an empty one names the line that it comes after."""
    lines = int(length) if length is not None else 1
    return (int(first) - 1 if lines else int(first)), lines


def _added(index: int, body: list[str]) -> Iterator[int]:
    number = index
    for row in body:
        if row[:1] in ("+", " "):
            number += 1
        if row[:1] == "+":
            yield number


def _lines(content: bytes) -> list[bytes]:
    """Lines as git counts them, with their ends."""
    lines = content.split(b"\n")
    ended = [line + b"\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended
