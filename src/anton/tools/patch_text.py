"""Reading a patch as models write it: a unified diff, or the form that begins with `*** Begin Patch`.

Numbers of lines are hints only, because models count badly: what a hunk changes is found by its lines.

Sources: https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html,
https://git-scm.com/docs/diff-format (extended headers), https://cookbook.openai.com (the other form)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from anton.core.errors import ToolError

MAX_PATCH_CHARACTERS = 1_000_000
MAX_FILES = 100
MAX_HUNK_LINES = 2_000
"""Of one hunk; whoever changes more replaces the file."""
_NOWHERE = "/dev/null"
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_FILE_HEADER = re.compile(r"\*\*\* (Add|Update|Delete) File: (.*)")
_ESCAPES = {"n": b"\n", "t": b"\t", "r": b"\r", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v"}


@dataclass(slots=True)
class Hunk:
    """One place that changes."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    """Sign (` `, `-` or `+`) and the line without it."""
    at: int | None = None
    """Index of the first old line from 0 as the patch has it, a hint."""
    anchors: tuple[str, ...] = ()
    """Lines that stand somewhere above, outermost first."""
    at_end: bool = False
    """It reaches the end of the file."""
    open_end: bool = False
    """Its last new line has no line end."""

    @property
    def old(self) -> list[str]:
        """The lines to look for."""
        return [text for sign, text in self.lines if sign != "+"]


@dataclass(slots=True)
class FilePatch:
    """What happens to one file."""

    path: str | None
    """None where it is created."""
    new_path: str | None
    """None where it is deleted."""
    hunks: list[Hunk] = field(default_factory=list)


def parse_patch(text: str) -> tuple[FilePatch, ...]:
    """What a patch does, file by file, in its order.

    Raises:
        ToolError: it is neither of the two forms, or changes nothing.
    """
    if len(text) > MAX_PATCH_CHARACTERS:
        raise ToolError(f"the patch has {len(text):,} characters, at most {MAX_PATCH_CHARACTERS:,} are taken")
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    begin = next((i for i, line in enumerate(lines) if line.strip() == "*** Begin Patch"), None)
    found = _Unified(lines).parse() if begin is None else _parse_begun(lines[begin + 1 :])
    if not found:
        raise ToolError(
            "the patch names no file. Give a unified diff (`--- a/x.py`, `+++ b/x.py`, `@@ … @@`, then lines "
            "that begin with a space, `-` or `+`), or `*** Begin Patch` … `*** End Patch`"
        )
    if len(found) > MAX_FILES:
        raise ToolError(f"the patch is about {len(found)} files, at most {MAX_FILES} are taken at once")
    if any(len(hunk.old) > MAX_HUNK_LINES for patch in found for hunk in patch.hunks):
        raise ToolError(f"a hunk quotes over {MAX_HUNK_LINES:,} lines of a file; replace that by write_file")
    return tuple(found)


class _Unified:
    """Goes through the lines of a unified diff; what stands between the files is skipped."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._next = 0
        self._found: list[FilePatch] = []
        self._current: FilePatch | None = None

    def parse(self) -> list[FilePatch]:
        while self._next < len(self._lines):
            line = self._lines[self._next]
            if line.startswith("diff --git "):
                self._current = None
                self._next += 1
            elif self._is_header(self._next):
                self._take_header()
            elif line.startswith("@@"):
                self._take_hunk(line)
            else:
                self._take_extended(line)
                self._next += 1
        return self._found

    def _is_header(self, at: int) -> bool:
        following = self._lines[at + 1] if at + 1 < len(self._lines) else ""
        return self._lines[at].startswith("--- ") and following.startswith("+++ ")

    def _take_header(self) -> None:
        old, new = (_named(self._lines[self._next + i][4:]) for i in (0, 1))
        self._next += 2
        if (old == _NOWHERE or old.startswith("a/")) and (new == _NOWHERE or new.startswith("b/")):
            old, new = old.removeprefix("a/"), new.removeprefix("b/")
        path, new_path = (None if name == _NOWHERE else name for name in (old, new))
        if self._current and not self._current.hunks and (path, new_path) == _ends(self._current):
            return  # already known from the extended header
        self._current = FilePatch(path, new_path)
        self._found.append(self._current)

    def _take_extended(self, line: str) -> None:
        if line.startswith(("GIT binary patch", "Binary files ", "copy from ")):
            raise ToolError(f"the patch holds {line[:40]!r}, which is not taken; only text is patched")
        if line.startswith("rename from ") and self._next + 1 < len(self._lines):
            following = self._lines[self._next + 1]
            if following.startswith("rename to "):
                self._current = FilePatch(_named(line[12:]), _named(following[10:]))
                self._found.append(self._current)

    def _take_hunk(self, line: str) -> None:
        if self._current is None:
            raise ToolError(
                f"line {self._next + 1} of the patch, {line[:60]!r}, comes before any `--- `, `+++ `"
            )
        counted = _HUNK.match(line)
        hunk = Hunk()
        old_left = new_left = -1
        if counted:
            old_left, new_left = (int(counted[i] or 1) for i in (2, 4))
            hunk.at = max(0, int(counted[1]) - (1 if old_left else 0))
        self._next += 1
        while self._next < len(self._lines):
            line = self._lines[self._next]
            if line.startswith(("@@", "diff --git ")) or self._ends_hunk(old_left, new_left):
                break
            if not _take_line(hunk, line):
                break
            old_left -= line[:1] in ("-", " ", "")
            new_left -= line[:1] in ("+", " ", "")
            self._next += 1
        if (old_left, new_left) != (0, 0):
            _drop_blank_end(hunk)
        self._current.hunks.append(hunk)

    def _ends_hunk(self, old_left: int, new_left: int) -> bool:
        """Whether another file begins here; `--- x` and `+++ y` may also be a line `-- x` that is changed.

        What the hunk's own numbers lack decides where both could be.
        """
        if not self._is_header(self._next) or (old_left, new_left) == (1, 1):
            return False
        third = self._lines[self._next + 2] if self._next + 2 < len(self._lines) else ""
        return (
            old_left == new_left == 0 or third.startswith("@@") or self._lines[self._next + 1][4:] == _NOWHERE
        )


def _ends(patch: FilePatch) -> tuple[str | None, str | None]:
    return patch.path, patch.new_path


def _take_line(hunk: Hunk, line: str) -> bool:
    """Take a line into a hunk; False where it belongs to none. An empty one lost its space on the way."""
    if line.startswith("\\"):
        hunk.open_end |= bool(hunk.lines) and hunk.lines[-1][0] == "+"
        return True
    if line[:1] not in ("", " ", "+", "-"):
        return False
    hunk.lines.append((line[:1] or " ", line[1:]))
    return True


def _drop_blank_end(hunk: Hunk) -> None:
    """Empty lines between this hunk and what follows it are no part of the file."""
    while hunk.lines and hunk.lines[-1] == (" ", ""):
        hunk.lines.pop()


def _named(written: str) -> str:
    """A file's name without time stamp and git's quotes."""
    name = written.split("\t")[0].rstrip()
    if len(name) < 2 or not (name.startswith('"') and name.endswith('"')):
        return name

    def plain(match: re.Match[bytes]) -> bytes:
        code = match[1].decode()
        return bytes((int(code, 8) & 255,)) if code[0].isdigit() else _ESCAPES.get(code, code.encode())

    raw = re.sub(rb"\\([0-7]{3}|[ -~])", plain, name[1:-1].encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def _parse_begun(lines: Sequence[str]) -> list[FilePatch]:
    """The form that begins with `*** Begin Patch`."""
    found: list[FilePatch] = []
    hunk: Hunk | None = None
    for number, line in enumerate(lines, 2):
        if line.strip() == "*** End Patch":
            break
        if header := _FILE_HEADER.match(line):
            name = header[2].strip()
            kind = header[1]
            hunk = Hunk() if kind == "Add" else None
            found.append(
                FilePatch(
                    None if kind == "Add" else name,
                    None if kind == "Delete" else name,
                    [hunk] if hunk else [],
                )
            )
        elif not found:
            if line.strip():
                raise ToolError(f"line {number} of the patch, {line[:60]!r}, comes before any `*** … File: `")
        else:
            hunk = _take_begun(found[-1], hunk, line, number)
    for patch in found:
        patch.hunks = [_without_blank_end(h) for h in patch.hunks if h.lines]
    return found


def _take_begun(patch: FilePatch, hunk: Hunk | None, line: str, number: int) -> Hunk | None:
    """Take one line that follows a file's header; returns the hunk that it leaves open."""
    if line.startswith("*** Move to: ") and patch.path is not None and not patch.hunks:
        patch.new_path = line[13:].strip()
        return None
    if line.startswith("*** End of File"):
        if hunk:
            hunk.at_end = True
        return hunk
    if line.startswith("@@"):
        counted = _HUNK.match(line)
        anchor = line[counted.end() if counted else 2 :].strip().removesuffix("@@").strip()
        above = hunk.anchors if hunk and not hunk.lines else ()
        opened = Hunk(anchors=(*above, anchor) if anchor else above)
        patch.hunks.append(opened)
        return opened
    if patch.new_path is None and not line.strip():
        return hunk
    if hunk is None and patch.new_path is not None:
        hunk = Hunk()
        patch.hunks.append(hunk)
    if hunk is None or not _take_line(hunk, line):
        raise ToolError(
            f"line {number} of the patch, {line[:60]!r}, must begin with a space, `-` or `+`"
            + (", and nothing follows a `*** Delete File: `" if patch.new_path is None else "")
        )
    return hunk


def _without_blank_end(hunk: Hunk) -> Hunk:
    _drop_blank_end(hunk)
    return hunk
