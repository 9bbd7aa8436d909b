"""What is in a tree, as `git ls-tree` lists it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from anton.core.errors import OutsideError

SYMLINK = "120000"
GITLINK = "160000"
"""A submodule: the id is a commit of another repository."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree."""

    mode: str
    """`100644`, `100755`, `SYMLINK` or `GITLINK`."""
    id: str


@dataclass(frozen=True)
class Listing:
    """All files of a tree."""

    tree: str
    entries: Mapping[str, Entry]
    """By path."""

    @property
    def hash_name(self) -> str:
        """Name of the hash that makes object ids, for `hashlib`."""
        return "sha1" if len(self.tree) == 40 else "sha256"

    @cached_property
    def folders(self) -> frozenset[str]:
        """Paths of all folders that hold files."""
        found: set[str] = set()
        for path in self.entries:
            above = path.rpartition("/")[0]
            while above and above not in found:
                found.add(above)
                above = above.rpartition("/")[0]
        return frozenset(found)

    def mode(self, path: str) -> str:
        """A file's mode; empty where there is no such file."""
        entry = self.entries.get(path)
        return entry.mode if entry else ""


def parse(tree: str, listing: bytes) -> Listing:
    """Read the output of `git ls-tree -r -z`.

    Raises:
        OutsideError: a path could not be written to a folder without harm.
    """
    entries: dict[str, Entry] = {}
    for item in listing.split(b"\0"):
        if not item:
            continue
        head, _, path = item.partition(b"\t")
        mode, _, object_id = head.decode().split(" ")
        name = os.fsdecode(path)
        if any(part.lower() in ("", ".", "..", ".git") for part in name.split("/")):
            raise OutsideError(
                f"The tree {tree} holds the path {name!r}, which git itself refuses to check out."
            )
        entries[name] = Entry(_canonical(mode), object_id)
    return Listing(tree, entries)


def _canonical(mode: str) -> str:
    """Very old repositories hold modes such as 100664, which git treats as 100644."""
    if mode in (SYMLINK, GITLINK):
        return mode
    return "100755" if int(mode, 8) & 0o100 else "100644"
