"""Changing files."""

from __future__ import annotations

import asyncio
import difflib
import sys
from dataclasses import dataclass

from anton.core.errors import ToolError
from anton.core.tool import Reach
from anton.tools.context import ToolContext
from anton.tools.define import tool
from anton.tools.excerpt import around, bytes_of, lines_of, plural, size, text_of
from anton.tools.files import MAX_FILE_BYTES, is_binary, read_text_file
from anton.tools.replacement import line_end, replace_text
from anton.tools.syntax import python_problem
from anton.tools.worktree import Absent, Worktree, writable_path

MAX_CONTENT_CHARACTERS = 1_000_000
"""Of one file written."""
_MAX_COMPARED_LINES = 2_000
"""Where more lines than this differ, all of them count as replaced."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A change that was made."""

    path: str
    content: bytes
    summary: str
    excerpt: str = ""


@tool(reach=Reach.WRITE)
async def write_file(context: ToolContext, path: str, content: str) -> str:
    """Create a text file, or replace the whole of one. To change a part of a file, use edit_file.

    Missing folders are made. A file that had CRLF line ends or a byte order mark keeps them. At most
    1,000,000 characters are taken.

    Args:
        context: The agent's surroundings.
        path: File, relative to the root of the repository.
        content: The whole new content.
    """
    return await _report(await asyncio.to_thread(_write, context, path, content))


@tool(reach=Reach.WRITE)
async def edit_file(context: ToolContext, path: str, old: str, new: str, replace_all: bool = False) -> str:
    """Replace a piece of text in a file, quoted exactly; returns the lines around the change.

    Line ends and the newline at the file's end are kept as they are.

    Args:
        context: The agent's surroundings.
        path: File, relative to the root of the repository.
        old: Text to replace, with its indentation but without line numbers. It must occur exactly once.
        new: Text to put in its place; empty to delete it.
        replace_all: Replace every occurrence instead.
    """
    return await _report(await asyncio.to_thread(_edit, context, path, old, new, replace_all))


async def _report(change: _Change) -> str:
    lines = [change.summary]
    if warning := await parse_warning(change.path, change.content):
        lines.append(warning)
    if change.excerpt:
        lines.append(change.excerpt)
    return "\n".join(lines)


async def parse_warning(path: str, content: bytes) -> str | None:
    """A line for the model where a Python file does not parse."""
    if not path.endswith((".py", ".pyi")) or not (problem := await python_problem(content)):
        return None
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"warning: {path} does not parse as Python {version}: {problem}"


def owned(context: ToolContext, path: str) -> str:
    """The path inside the tree, of a file that the agent may write.

    Raises:
        ToolError: it may not; the reason is named.
    """
    inside = writable_path(path)
    if reason := context.owns(inside):
        raise ToolError(f"{inside!r} is not yours to write: {reason}")
    return inside


def _write(context: ToolContext, path: str, content: str) -> _Change:
    inside = owned(context, path)
    if len(content) > MAX_CONTENT_CHARACTERS:
        raise ToolError(
            f"content has {len(content):,} characters, at most {MAX_CONTENT_CHARACTERS:,} are taken"
        )
    if "\0" in content:
        raise ToolError("content holds a NUL character; only text can be written")
    before = content_to_replace(context.worktree, inside)
    if before is None:
        context.worktree.write(inside, content.encode())
        return _Change(
            inside, content.encode(), f"created {inside}: {plural(len(lines_of(content)), 'line')}"
        )
    text = text_of(before)
    after = bytes_of(_as_before(text, content))
    if after == before:
        return _Change(inside, after, f"{inside} has exactly this content already; nothing was written")
    context.worktree.write(inside, after)
    added, removed = _changed_lines(lines_of(text), lines_of(content))
    return _Change(inside, after, f"replaced {inside}: +{added:,} -{removed:,} lines")


def content_to_replace(worktree: Worktree, inside: str) -> bytes | None:
    """What a file that is about to be replaced holds, None where there is none.

    Raises:
        ToolError: it is not text, or too large to be kept in mind.
    """
    try:
        file = worktree.read(inside, MAX_FILE_BYTES)
    except Absent:
        return None
    if not file.whole or is_binary(file.content):
        raise ToolError(
            f"{inside!r} is a binary file or larger than {size(MAX_FILE_BYTES)}; it is not replaced"
        )
    return file.content


def _as_before(before: str, content: str) -> str:
    """New content with the line ends and the byte order mark of the old."""
    if line_end(before) == "\r\n":
        content = content.replace("\r\n", "\n").replace("\n", "\r\n")
    return "\ufeff" + content if before.startswith("\ufeff") and not content.startswith("\ufeff") else content


def _changed_lines(before: list[str], after: list[str]) -> tuple[int, int]:
    """How many lines were added and removed."""
    same = 0
    shorter = min(len(before), len(after))
    while same < shorter and before[same] == after[same]:
        same += 1
    tail = 0
    while tail < shorter - same and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    old, new = before[same : len(before) - tail], after[same : len(after) - tail]
    kept = 0
    if max(len(old), len(new)) <= _MAX_COMPARED_LINES:
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        kept = sum(block.size for block in matcher.get_matching_blocks())
    return len(new) - kept, len(old) - kept


def _edit(context: ToolContext, path: str, old: str, new: str, every: bool) -> _Change:
    inside = owned(context, path)
    file = read_text_file(context.worktree, inside)
    if is_binary(file.content) or "\0" in new:
        raise ToolError(f"{inside!r}: only text can be edited, and it or 'new' holds NUL bytes")
    if not file.whole:
        raise ToolError(f"{inside!r} is {size(file.size)}, too large to edit (limit {size(MAX_FILE_BYTES)})")
    if len(new) > MAX_CONTENT_CHARACTERS:
        raise ToolError(f"'new' has {len(new):,} characters, at most {MAX_CONTENT_CHARACTERS:,} are taken")
    try:
        replaced = replace_text(text_of(file.content), old, new, every=every)
    except ToolError as error:
        raise ToolError(f"{inside}: {error}") from error
    after = bytes_of(replaced.text)
    context.worktree.write(inside, after)
    places = len(replaced.spans)
    first, last = replaced.spans[0]
    where = f"line {first}" if first == last else f"lines {first}-{last}"
    what = (
        f"edited {inside} at {where}"
        if places == 1
        else f"edited {inside} in {places:,} places, first {where}"
    )
    return _Change(inside, after, what, around(lines_of(replaced.text), first, last))
