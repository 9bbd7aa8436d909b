"""Reads `git diff-tree -r -z --raw --numstat`."""

from __future__ import annotations

from collections.abc import Sequence

from anton.core.proof import FileChange


def parse_changes(items: Sequence[str]) -> tuple[FileChange, ...]:
    """The changed files, by path.

    Args:
        items: `:mode mode id id status` and the path for each file; then `added<TAB>removed<TAB>path` for
            each, with `-` for the lines of a binary one.
    """
    raw: dict[str, tuple[str, str]] = {}
    counts: dict[str, tuple[str, str]] = {}
    left = iter(items)
    for item in left:
        if item.startswith(":"):
            before, after, _, _, status = item[1:].split(" ")
            raw[next(left)] = ("M" if status == "T" else status, before if status == "D" else after)
        else:
            added, removed, path = item.split("\t", 2)
            counts[path] = (added, removed)
    return tuple(_change(path, *raw[path], *counts.get(path, ("0", "0"))) for path in sorted(raw))


def _change(path: str, status: str, mode: str, added: str, removed: str) -> FileChange:
    if added == "-":
        return FileChange(path, status, mode, binary=True)
    return FileChange(path, status, mode, int(added), int(removed))
