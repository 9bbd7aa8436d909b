"""Replacing an exact piece of text, and saying what would have matched where nothing did.

Line ends are compared as LF and put back as they were: everything outside the replaced piece keeps its bytes.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from anton.core.errors import ToolError
from anton.tools.excerpt import lines_of, numbered

_MAX_COMPARED_LINES = 5_000
_MAX_COMPARED_CHARACTERS = 200
"""Of a line, when looking for one that is similar."""
_LIKENESS = 0.6
"""From which ratio on a line counts as similar."""
_MAX_PLACES = 10


@dataclass(frozen=True, slots=True)
class Replaced:
    """A text after a replacement."""

    text: str
    spans: tuple[tuple[int, int], ...]
    """First and last line of each new piece, counted from 1 in the new text."""


def replace_text(text: str, old: str, new: str, *, every: bool) -> Replaced:
    """The text with `old` replaced by `new`: its one occurrence, or every one.

    Raises:
        ToolError: `old` is empty, equal to `new`, not there, or there several times without `every`.
    """
    old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    if not old:
        raise ToolError("'old' is empty; quote the text to replace, or use write_file for a whole file")
    if old == new:
        raise ToolError("'old' and 'new' are the same, so nothing would change")
    plain = text.replace("\r\n", "\n")
    starts = _occurrences(plain, old)
    if not starts:
        raise ToolError(f"'old' is not in the file. {nearest(lines_of(plain), old)}")
    if len(starts) > 1 and not every:
        raise ToolError(_ambiguous(plain, starts))
    return _splice(text, plain, starts, old, new)


def line_end(text: str) -> str:
    """The line end that most lines of a text have."""
    carriage = text.count("\r\n")
    return "\r\n" if carriage * 2 > text.count("\n") else "\n"


def _occurrences(text: str, piece: str) -> list[int]:
    found = []
    start = text.find(piece)
    while start >= 0:
        found.append(start)
        start = text.find(piece, start + len(piece))
    if len(found) == 1 and (overlapping := text.find(piece, found[0] + 1)) >= 0:
        found.append(overlapping)
    return found


def _splice(text: str, plain: str, starts: Sequence[int], old: str, new: str) -> Replaced:
    """Put the new piece at each start; offsets are those of `plain`, cuts are made in `text`."""
    end = line_end(text)
    # Where in `plain` the line feeds stand that have a carriage return before them in `text`.
    carriages = [match.start() - i for i, match in enumerate(re.finditer("\r\n", text))]
    inserted = new.replace("\n", end)
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    done, line = 0, 1
    for start in starts:
        begin = start + bisect_left(carriages, start)
        if begin < done:
            continue  # overlaps the piece before
        stop = start + len(old)
        kept = text[done:begin]
        line += kept.count("\n")
        spans.append((line, line + new.removesuffix("\n").count("\n")))
        line += new.count("\n")
        pieces += (kept, inserted)
        done = stop + bisect_left(carriages, stop)
    pieces.append(text[done:])
    whole = "".join(pieces)
    if whole and plain.endswith("\n") and not whole.endswith("\n"):
        whole += end
    return Replaced(whole, tuple(spans))


def _ambiguous(text: str, starts: Sequence[int]) -> str:
    lines = dict.fromkeys(text.count("\n", 0, start) + 1 for start in starts[:_MAX_PLACES])
    more = ", …" if len(starts) > _MAX_PLACES else ""
    return (
        f"'old' occurs {len(starts):,} times, at lines {', '.join(map(str, lines))}{more}; "
        "quote more of the lines around the one you mean, or pass replace_all=true"
    )


def nearest(lines: Sequence[str], old: str) -> str:
    """What to quote instead of lines that are not there, as a sentence for the model."""
    wanted = old.strip("\n").split("\n")
    if all(re.match(r" *\d+\t", line) for line in wanted):
        return "It begins with line numbers, which read_file adds; quote the lines without number and tab."
    if place := _same_but_for_space(lines, wanted):
        first, last = place
        return f"Only the white space differs from these lines:\n{numbered(lines[first:last], first + 1)}"
    at = _most_similar(lines, wanted)
    if at is None:
        return "No line is similar; read the file again before you edit it."
    first = max(0, at - 2)
    return f"The most similar lines are:\n{numbered(lines[first : at + len(wanted[:10]) + 2], first + 1)}"


def _same_but_for_space(lines: Sequence[str], wanted: Sequence[str]) -> tuple[int, int] | None:
    """The first stretch of lines that reads the same once white space is left out."""
    bare = ["".join(line.split()) for line in wanted]
    there = ["".join(line.split()) for line in lines]
    if not any(bare):
        return None
    for first in range(len(there) - len(bare) + 1):
        if there[first] == bare[0] and there[first : first + len(bare)] == bare:
            return first, first + len(bare)
    return None


def _most_similar(lines: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Where `wanted` would begin if its longest line were the line that is most like it."""
    anchor = max(range(len(wanted)), key=lambda i: len(wanted[i].strip()))
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted[anchor].strip()[:_MAX_COMPARED_CHARACTERS])
    best, at = _LIKENESS, None
    for index, line in enumerate(lines[:_MAX_COMPARED_LINES]):
        matcher.set_seq1(line.strip()[:_MAX_COMPARED_CHARACTERS])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
            best, at = matcher.ratio(), index
    return None if at is None else max(0, at - anchor)
