"""Reads `git diff-tree -r -z --raw --numstat`."""

from __future__ import annotations

from collections.abc import Sequence

from anton.core.proof import FileChange

PLAIN = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--no-color",
    "--no-relative",
    "--ignore-submodules=none",
)
"""Options with which git shows what changed as it is: no driver, filter or setting of anybody's."""


def parse_changes(items: Sequence[str]) -> tuple[FileChange, ...]:
    """The changed files, by path.

    Args:
        items: `:mode mode id id status` and the path for each file; then `added<TAB>removed<TAB>path` for
            each, with `-` for the lines of a binary one.
    """
    raw: dict[str, tuple[str, str]] = {}
    counts: dict[str, list[tuple[str, str]]] = {}
    left = iter(items)
    for item in left:
        if item.startswith(":"):
            before, after, _, _, status = item[1:].split(" ")
            raw[next(left)] = ("M" if status == "T" else status, before if status == "D" else after)
        else:
            added, removed, path = item.split("\t", 2)
            counts.setdefault(path, []).append((added, removed))
    return tuple(_change(path, *raw[path], counts.get(path, [])) for path in sorted(raw))


def _change(path: str, status: str, mode: str, counts: Sequence[tuple[str, str]]) -> FileChange:
    """A file that became a link, or the other way round, is counted as removed and as added."""
    if any(added == "-" for added, _ in counts):
        return FileChange(path, status, mode, binary=True)
    added, removed = (sum(map(int, column)) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return FileChange(path, status, mode, added, removed)
