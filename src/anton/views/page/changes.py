"""A diff as rows with line numbers and coloured tokens, nothing hidden and nothing left out.

Colours are the one thing that costs more than the diff is long, so they are rationed: who writes a diff may
want the page to be slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_for_filename
from pygments.lexers.special import TextLexer
from pygments.token import STANDARD_TYPES, _TokenType

from anton.views.diff import DiffKind, DiffLine, diff_lines
from anton.views.encode import revealed

LONGEST_COLOURED = 400
"""Characters of a line that is taken apart into tokens; a longer one is shown plain."""
MOST_COLOURED = 100_000
"""Characters of one diff that are taken apart; what comes after them is shown plain."""
KEPT = 8
"""Diffs whose rows are kept: a page shows the same one over and over."""
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)")
_PLUMBING = ("index ", "--- ", "+++ ")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a line."""

    css: str
    """Class, as Pygments names it; empty for plain text."""
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file's diff."""

    kind: DiffKind
    old: int | None
    new: int | None
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """All that changed in one file."""

    path: str
    rows: tuple[Row, ...]
    added: int
    removed: int


@lru_cache(maxsize=KEPT)
def file_diffs(diff: str) -> tuple[FileDiff, ...]:
    """The files of a unified diff as git writes it, in its order."""
    files: list[tuple[str, list[DiffLine]]] = []
    for row in diff_lines(diff):
        if row.kind is DiffKind.FILE or not files:
            files.append((row.path, []))
        if row.kind is not DiffKind.FILE:
            files[-1][1].append(row)
    paint = _Paint(MOST_COLOURED)
    return tuple(_file(path, rows, paint) for path, rows in files)


@dataclass(slots=True)
class _Paint:
    """What is left of a diff's colours."""

    characters: int

    def takes(self, text: str) -> bool:
        """Whether there is enough of it for one more line; if so, it is used up."""
        if len(text) > min(LONGEST_COLOURED, self.characters):
            return False
        self.characters -= len(text)
        return True


def _file(path: str, lines: list[DiffLine], paint: _Paint) -> FileDiff:
    lexer = _lexer(path.rpartition("/")[2])
    rows = tuple(_rows(lexer, lines, paint))
    added = sum(row.kind is DiffKind.ADDED for row in rows)
    removed = sum(row.kind is DiffKind.REMOVED for row in rows)
    return FileDiff(revealed(path), rows, added, removed)


def _rows(lexer: Lexer, lines: list[DiffLine], paint: _Paint) -> Iterator[Row]:
    old = new = 0
    for row in lines:
        match row.kind:
            case DiffKind.HUNK:
                found = _HUNK.match(row.text)
                if found:
                    old, new = int(found[1]), int(found[2])
                yield Row(row.kind, None, None, (Token("", revealed(row.text)),))
            case DiffKind.ADDED:
                yield Row(row.kind, None, new, tuple(_tokens(lexer, row.text[1:], paint)))
                new += 1
            case DiffKind.REMOVED:
                yield Row(row.kind, old, None, tuple(_tokens(lexer, row.text[1:], paint)))
                old += 1
            case DiffKind.CONTEXT:
                yield Row(row.kind, old, new, tuple(_tokens(lexer, row.text[1:], paint)))
                old, new = old + 1, new + 1
            case _ if not row.text.startswith(_PLUMBING):
                yield Row(row.kind, None, None, (Token("", revealed(row.text)),))
            case _:
                continue


def _tokens(lexer: Lexer, text: str, paint: _Paint) -> Iterator[Token]:
    if not paint.takes(text):
        yield Token("", revealed(text))
        return
    for _, kind, value in lexer.get_tokens_unprocessed(text):
        yield Token(_css(kind), revealed(value))


def _lexer(name: str) -> Lexer:
    """By the file's name alone: what is in a file decides nothing."""
    found = find_lexer_class_for_filename(name) or TextLexer
    return found(stripnl=False, ensurenl=False)


def _css(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES:
        kind = kind.parent  # type: ignore[assignment]
    return STANDARD_TYPES[kind]
