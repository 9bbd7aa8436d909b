"""Finding the place of a hunk in a file, and putting the new lines there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anton.core.errors import ToolError
from anton.tools.excerpt import lines_of
from anton.tools.patch_text import Hunk
from anton.tools.replacement import line_end, nearest

_MAX_PLACES = 10


@dataclass(frozen=True, slots=True)
class Applied:
    """A text after its hunks."""

    text: str
    spans: tuple[tuple[int, int], ...]
    """First and last line of each changed place, counted from 1 in the new text."""
    added: int
    removed: int


def apply_hunks(text: str, hunks: Sequence[Hunk]) -> Applied:
    """The text with all hunks applied; line ends and whatever no hunk touches keep their bytes.

    Raises:
        ToolError: a hunk's lines are not there, or at several places; it is named by its number.
    """
    lines = lines_of(text)
    placed: list[tuple[int, Hunk]] = []
    after = 0
    for number, hunk in enumerate(hunks, 1):
        try:
            start = _place(lines, hunk, after, placed)
        except ToolError as error:
            raise ToolError(f"hunk {number} of {len(hunks)}: {error}") from error
        placed.append((start, hunk))
        after = start + len(hunk.old)
    return _spliced(text, sorted(placed, key=lambda item: item[0]))


def _place(lines: list[str], hunk: Hunk, after: int, taken: Sequence[tuple[int, Hunk]]) -> int:
    """Index of the first old line: where the patch says, else the only place where they are."""
    start = _below_anchors(lines, hunk.anchors, after) if hunk.anchors else 0
    if not hunk.old:
        return _place_to_insert(lines, hunk, start)
    places = _places(lines, hunk, start)
    if not places and hunk.anchors and hunk.old[0].strip() == hunk.anchors[-1].strip():
        places = [place for place in _places(lines, hunk, start - 1) if place == start - 1]
    places = [place for place in places if not _overlaps(place, hunk, taken)]
    if not places:
        raise ToolError(f"its lines are not in the file. {nearest(lines, chr(10).join(hunk.old))}")
    if hunk.at in places:
        return hunk.at
    if hunk.anchors:
        return places[0]
    if len(places) > 1:
        numbers = ", ".join(str(place + 1) for place in places[:_MAX_PLACES])
        raise ToolError(
            f"its lines are in the file {len(places):,} times, at lines {numbers}"
            f"{', …' if len(places) > _MAX_PLACES else ''}; give more of the lines around the one you mean"
        )
    return places[0]


def _places(lines: list[str], hunk: Hunk, start: int) -> list[int]:
    """Where the old lines are: exactly, else but for white space at the ends of lines."""
    for alike in (str, str.rstrip):
        found = _matches(lines, hunk, start, alike)
        if found:
            return found
    return []


def _matches(lines: list[str], hunk: Hunk, start: int, alike: Callable[[str], str]) -> list[int]:
    there, old = [alike(line) for line in lines], [alike(line) for line in hunk.old]
    last = len(there) - len(old)
    first = max(start, last) if hunk.at_end else max(start, 0)
    return [i for i in range(first, last + 1) if there[i] == old[0] and there[i : i + len(old)] == old]


def _overlaps(place: int, hunk: Hunk, taken: Sequence[tuple[int, Hunk]]) -> bool:
    end = place + len(hunk.old)
    return any(place < other + len(done.old) and other < end for other, done in taken)


def _place_to_insert(lines: list[str], hunk: Hunk, below: int) -> int:
    if hunk.at_end or not lines:
        return len(lines)
    if hunk.anchors:
        return below
    if hunk.at in (0, len(lines)):
        return hunk.at
    raise ToolError(
        "it only adds lines and does not show where; give a line of the file before or after them, "
        "beginning with a space"
    )


def _below_anchors(lines: list[str], anchors: Sequence[str], after: int) -> int:
    """The line below the innermost anchor."""
    at = after
    for anchor in anchors:
        found = next((i for i in range(at, len(lines)) if lines[i].strip() == anchor), None)
        if found is None:
            found = next((i for i in range(at, len(lines)) if lines[i].strip().startswith(anchor)), None)
        if found is None:
            raise ToolError(f"there is no line {anchor[:100]!r} from line {at + 1} on")
        at = found + 1
    return at


def _spliced(text: str, placed: Sequence[tuple[int, Hunk]]) -> Applied:
    end = line_end(text)
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    raw = _with_ends(text.removeprefix(mark))
    out: list[str] = []
    spans: list[tuple[int, int]] = []
    done = added = removed = 0
    for start, hunk in placed:
        out += raw[done:start]
        done = start
        changed: list[int] = []
        for sign, line in hunk.lines:
            if sign == "+":
                out.append(line + end)
                added += 1
                changed.append(len(out))
            else:
                if sign == " ":
                    out.append(raw[done])
                else:
                    removed += 1
                    changed.append(len(out) + 1)
                done += 1
        if hunk.open_end and out:
            out[-1] = out[-1].rstrip("\r\n")
        spans.append((min(changed), max(changed)) if changed else (start + 1, start + 1))
    out += raw[done:]
    whole = [line if line.endswith("\n") else line + end for line in out[:-1]] + out[-1:]
    return Applied(mark + "".join(whole), tuple(spans), added, removed)


def _with_ends(text: str) -> list[str]:
    """Lines with their ends, as many as `lines_of` gives."""
    pieces = text.split("\n")
    return [piece + "\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
