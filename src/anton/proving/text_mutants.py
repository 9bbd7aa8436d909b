"""Mutants of JavaScript, TypeScript, Go and Java: another operator or truth value in a line's code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anton.proving.edit import Edit

_DEAD = re.compile(
    rb"""//[^\n]* | /\*.*?(?:\*/|\Z)
    | "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'? | `(?:\\.|[^`\\])*`?""",
    re.VERBOSE | re.DOTALL,
)
"""Comments and strings. A template's `${…}` and a regular expression's inside are taken for strings or code,
whichever they look like."""
_LIVE = re.compile(
    rb"""(?P<word>\b(?:true|false)\b)
    | (?P<operator>===|!==|==|!=|&&|\|\||(?<=\s)(?:<=|>=|<|>|\+|-)(?=\s))""",
    re.VERBOSE,
)
"""The last six only between blanks: `List<String>`, `=>`, `i++` and `-1` are something else."""
_INSTEAD = {
    b"===": b"!==",
    b"!==": b"===",
    b"==": b"!=",
    b"!=": b"==",
    b"&&": b"||",
    b"||": b"&&",
    b"<": b"<=",
    b"<=": b"<",
    b">": b">=",
    b">=": b">",
    b"+": b"-",
    b"-": b"+",
    b"true": b"false",
    b"false": b"true",
}
_INERT = re.compile(
    rb"\s*(?:import\b|package\b|@|console\.|log\.|logger\.|slog\.|fmt\.Print|System\.(?:out|err)\.)",
    re.IGNORECASE,
)
"""Lines that no test is expected to watch."""


def text_edits(source: bytes, lines: frozenset[int]) -> Iterator[Edit]:
    """Edits on the given lines (counted from 1), in the order of the text."""
    live = _DEAD.sub(lambda dead: re.sub(rb"[^\n]", b" ", dead[0]), source)
    start = 0
    for number, line in enumerate(live.split(b"\n"), 1):
        if number in lines and not _INERT.match(line):
            for found in _LIVE.finditer(line):
                yield Edit(start + found.start(), start + found.end(), _INSTEAD[found[0]])
        start += len(line) + 1
