"""A diff as rows with line numbers and coloured tokens, nothing hidden and nothing left out."""

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

LONGEST_COLOURED = 2_000
"""Characters of a line that is taken apart into tokens; a longer one is shown plain."""
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


def file_diffs(diff: str) -> tuple[FileDiff, ...]:
    """The files of a unified diff as git writes it, in its order."""
    files: list[tuple[str, list[DiffLine]]] = []
    for row in diff_lines(diff):
        if row.kind is DiffKind.FILE or not files:
            files.append((row.path, []))
        if row.kind is not DiffKind.FILE:
            files[-1][1].append(row)
    return tuple(_file(path, rows) for path, rows in files)


def _file(path: str, lines: list[DiffLine]) -> FileDiff:
    rows = tuple(_rows(path, lines))
    added = sum(row.kind is DiffKind.ADDED for row in rows)
    removed = sum(row.kind is DiffKind.REMOVED for row in rows)
    return FileDiff(revealed(path), rows, added, removed)


def _rows(path: str, lines: list[DiffLine]) -> Iterator[Row]:
    old = new = 0
    for row in lines:
        match row.kind:
            case DiffKind.HUNK:
                found = _HUNK.match(row.text)
                if found:
                    old, new = int(found[1]), int(found[2])
                yield Row(row.kind, None, None, (Token("", revealed(row.text)),))
            case DiffKind.ADDED:
                yield Row(row.kind, None, new, tuple(_tokens(path, row.text[1:])))
                new += 1
            case DiffKind.REMOVED:
                yield Row(row.kind, old, None, tuple(_tokens(path, row.text[1:])))
                old += 1
            case DiffKind.CONTEXT:
                yield Row(row.kind, old, new, tuple(_tokens(path, row.text[1:])))
                old, new = old + 1, new + 1
            case _ if not row.text.startswith(_PLUMBING):
                yield Row(row.kind, None, None, (Token("", revealed(row.text)),))
            case _:
                continue


def _tokens(path: str, text: str) -> Iterator[Token]:
    if len(text) > LONGEST_COLOURED:
        yield Token("", revealed(text))
        return
    lexer = _lexer(path.rpartition("/")[2])
    for _, kind, value in lexer.get_tokens_unprocessed(text):
        yield Token(_css(kind), revealed(value))


@lru_cache(maxsize=64)
def _lexer(name: str) -> Lexer:
    """By the file's name alone: what is in a file decides nothing."""
    found = find_lexer_class_for_filename(name) or TextLexer
    return found(stripnl=False, ensurenl=False)


def _css(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES:
        kind = kind.parent  # type: ignore[assignment]
    return STANDARD_TYPES[kind]
