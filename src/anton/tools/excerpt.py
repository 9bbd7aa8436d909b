"""How files and results are shown to a model: numbered, bounded, and every cut named."""

from __future__ import annotations

from collections.abc import Sequence

from anton.core.text import middle_cut, sayable

MAX_RESULT_CHARACTERS = 32_000
"""Of one tool's result; about 8,000 tokens."""
MAX_LINE_CHARACTERS = 1_000
"""Of one line of a file; longer ones are minified or generated."""


def text_of(content: bytes) -> str:
    """A file's text. Bytes that are not UTF-8 survive the way back through `bytes_of`."""
    return content.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The way back from `text_of`."""
    return text.encode("utf-8", "surrogateescape")


def lines_of(text: str) -> list[str]:
    """Lines as an editor counts them: ended by LF or CRLF and nothing else; a byte order mark is dropped."""
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def shown_line(line: str, limit: int = MAX_LINE_CHARACTERS) -> str:
    """One line, cut with a notice; bytes that are not UTF-8 become U+FFFD."""
    if len(line) > limit:
        line = f"{line[:limit]} [{len(line) - limit:,} more characters]"
    return bytes_of(line).decode("utf-8", "replace")


def numbered(lines: Sequence[str], first: int) -> str:
    """Lines behind their numbers and a tab, the first of them having number `first`."""
    return "\n".join(f"{first + i:6d}\t{shown_line(line)}" for i, line in enumerate(lines))


def around(lines: Sequence[str], first: int, last: int, context: int = 3, most: int = 40) -> str:
    """Lines `first` to `last` (from 1) with some around them; a long stretch is cut in its middle."""
    begin = max(1, first - context)
    end = min(len(lines), max(first, last) + context)
    if end - begin < most:
        return numbered(lines[begin - 1 : end], begin)
    half = most // 2
    head = numbered(lines[begin - 1 : begin - 1 + half], begin)
    tail = numbered(lines[end - half : end], end - half + 1)
    return f"{head}\n[{end - begin + 1 - 2 * half:,} lines not shown]\n{tail}"


def bounded(text: str, limit: int = MAX_RESULT_CHARACTERS) -> str:
    """Text of about `limit` characters at most; where there is more, beginning and end are kept."""
    return middle_cut(sayable(text), limit, tail=limit // 4)


def size(count: int) -> str:
    """A number of bytes for reading."""
    if count < 1_000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1_000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"


def plural(count: int, noun: str) -> str:
    """`1 line`, `2 lines`, `1 match`, `2 matches`."""
    ending = "" if count == 1 else "es" if noun.endswith("ch") else "s"
    return f"{count:,} {noun}{ending}"
