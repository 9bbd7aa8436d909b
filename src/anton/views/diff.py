"""A unified diff, line by line, and as the terminal shows it: whole, and with nothing hidden in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rich.text import Text

from anton.views.encode import revealed
from anton.views.palette import ACCENT, BAD, GOOD, MUTED, STRONG


class DiffKind(StrEnum):
    """What a line of a diff is."""

    FILE = "file"
    HUNK = "hunk"
    ADDED = "added"
    REMOVED = "removed"
    CONTEXT = "context"
    OTHER = "other"
    """Modes, object ids, notes of git."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a unified diff."""

    kind: DiffKind
    text: str
    """Whole, its sign included."""
    path: str
    """Of the file that it belongs to; empty before the first."""


_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_SIGNS = {"+": DiffKind.ADDED, "-": DiffKind.REMOVED, " ": DiffKind.CONTEXT, "": DiffKind.CONTEXT}


def diff_lines(diff: str) -> Iterator[DiffLine]:
    """The lines of a unified diff as git writes it.

    A hunk's own counts tell where it ends, so that an added line `++ x` is not taken for a file's name.
    """
    path, removed_left, added_left = "", 0, 0
    for text in diff.removesuffix("\n").split("\n") if diff else ():
        kind = _SIGNS.get(text[:1])
        if kind is None and not text.startswith("\\"):
            removed_left = added_left = 0  # no line of a hunk begins so, whatever its header promised
        if kind is not None and (removed_left > 0 or added_left > 0):
            removed_left -= kind in (DiffKind.REMOVED, DiffKind.CONTEXT)
            added_left -= kind in (DiffKind.ADDED, DiffKind.CONTEXT)
            yield DiffLine(kind, text, path)
        elif hunk := _HUNK.match(text):
            removed_left, added_left = (int(size or 1) for size in hunk.groups())
            yield DiffLine(DiffKind.HUNK, text, path)
        elif text.startswith("diff --git "):
            path = text.rpartition(" b/")[2].rstrip('"')
            yield DiffLine(DiffKind.FILE, text, path)
        else:
            yield DiffLine(DiffKind.OTHER, text, path)


_STYLES = {
    DiffKind.FILE: STRONG,
    DiffKind.HUNK: ACCENT,
    DiffKind.ADDED: GOOD,
    DiffKind.REMOVED: BAD,
    DiffKind.CONTEXT: "",
    DiffKind.OTHER: MUTED,
}
_PLUMBING = ("index ", "--- ", "+++ ")


def diff_view(diff: str) -> Text:
    """The whole diff in colour; control, bidirectional and invisible characters are named."""
    if not diff.strip():
        return Text("Nothing was changed.", MUTED)
    whole = Text(overflow="fold", tab_size=4)
    for row in diff_lines(diff):
        if row.kind is DiffKind.OTHER and row.text.startswith(_PLUMBING):
            continue
        shown = revealed(row.path) if row.kind is DiffKind.FILE else revealed(row.text)
        whole.append(shown + "\n", _STYLES[row.kind])
    whole.rstrip()
    return whole
