"""Looking at files and folders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.tool import Reach
from anton.tools.context import ToolContext
from anton.tools.define import tool
from anton.tools.excerpt import MAX_RESULT_CHARACTERS, lines_of, numbered, plural, shown_line, size, text_of
from anton.tools.pattern import PathPattern
from anton.tools.worktree import Absent, Entry, FileContent, Kind, Worktree, printable, relative_path

MAX_FILE_BYTES = 2_000_000
"""Larger files are described, not shown."""
SKIPPED_FOLDERS = (".git", ".venv", "__pycache__", "node_modules")
"""Neither listed nor searched: nobody wrote what is in them."""
_MAX_WALKED = 50_000
_MAX_LISTED = 500
_MAX_LISTED_PER_FOLDER = 100
_MAX_FOUND = 500


@tool(reach=Reach.READ)
async def read_file(
    context: ToolContext,
    path: str,
    start_line: Annotated[int, Field(ge=1)] = 1,
    max_lines: Annotated[int, Field(ge=1, le=2_000)] = 400,
) -> str:
    """Read a text file. Each line comes behind its number and a tab, which are not part of the file.

    At most 32,000 characters are returned; lines over 1,000 characters are cut. Binary files and files over
    2 MB are only described.

    Args:
        context: The agent's surroundings.
        path: File, relative to the root of the repository.
        start_line: First line to return, counted from 1.
        max_lines: Lines to return, at most 2000.
    """
    return await asyncio.to_thread(_read, context.worktree, path, start_line, max_lines)


@tool(reach=Reach.READ)
async def list_dir(
    context: ToolContext, path: str = ".", depth: Annotated[int, Field(ge=1, le=8)] = 2
) -> str:
    """List a folder as an indented tree: folders first, with a trailing slash; files with their size.

    At most 500 entries are returned, and 100 of one folder. `.git`, `.venv`, `__pycache__` and `node_modules`
    are left out. Links are shown, not followed.

    Args:
        context: The agent's surroundings.
        path: Folder, relative to the root of the repository.
        depth: Levels to list, at most 8.
    """
    return await asyncio.to_thread(_list, context.worktree, path or ".", depth)


@tool(reach=Reach.READ)
async def glob(context: ToolContext, pattern: Annotated[str, Field(max_length=200)]) -> str:
    """Find files by name; returns their paths, sorted, at most 500.

    `*` and `?` stand for characters within one name, `**` for any number of folders, `{a,b}` for a choice. A
    pattern without a slash matches names at any depth. `.git`, `.venv`, `__pycache__` and `node_modules` are
    left out. Links to folders are not followed.

    Args:
        context: The agent's surroundings.
        pattern: Such as `*.py`, `src/**/test_*.py` or `**/*.{yml,yaml}`.
    """
    return await asyncio.to_thread(_glob, context.worktree, pattern)


def read_text_file(worktree: Worktree, path: str) -> FileContent:
    """A file within the size limit or its beginning; a missing one is met with names that come close.

    Raises:
        ToolError: there is no such file.
    """
    try:
        return worktree.read(path, MAX_FILE_BYTES)
    except Absent as error:
        name = relative_path(path).rpartition("/")[2]
        elsewhere = list(find(worktree, PathPattern.literal_name(name), most=5))
        if not elsewhere:
            raise
        raise Absent(f"{error}; files of that name: {', '.join(map(repr, elsewhere))}") from error


def is_binary(content: bytes) -> bool:
    """Whether it holds a NUL byte, which is what `git` and `grep` go by."""
    return b"\0" in content


def _read(worktree: Worktree, path: str, start_line: int, max_lines: int) -> str:
    file = read_text_file(worktree, path)
    if is_binary(file.content):
        return f"{file.path}: binary file of {size(file.size)}, not shown"
    if not file.whole:
        return (
            f"{file.path}: {size(file.size)}, too large to read (limit {size(MAX_FILE_BYTES)}); "
            "search in it with grep"
        )
    text = text_of(file.content)
    lines = lines_of(text)
    if not lines:
        return f"{file.path}: empty file"
    if start_line > len(lines):
        raise ToolError(
            f"{file.path!r} has {plural(len(lines), 'line')}; line {start_line:,} is past its end"
        )
    shown = _fitting(lines[start_line - 1 : start_line - 1 + max_lines])
    last = start_line + len(shown) - 1
    head = f"{file.path}: lines {start_line}-{last} of {len(lines)}{_peculiarities(file.content, text)}"
    rest = len(lines) - last
    more = f"\n[{plural(rest, 'more line')}; go on with start_line={last + 1}]" if rest else ""
    return f"{head}\n{numbered(shown, start_line)}{more}"


def _fitting(lines: list[str]) -> list[str]:
    """As many lines as fit into one result, at least one."""
    room = MAX_RESULT_CHARACTERS - 500
    for count, line in enumerate(lines):
        room -= len(shown_line(line)) + 8
        if room < 0:
            return lines[: max(1, count)]
    return lines


def _peculiarities(content: bytes, text: str) -> str:
    """What an editor's status bar would show."""
    found = []
    if b"\r\n" in content:
        found.append(
            "CRLF line ends" if content.count(b"\n") == content.count(b"\r\n") else "mixed line ends"
        )
    if text.startswith("\ufeff"):
        found.append("byte order mark")
    if not content.endswith(b"\n"):
        found.append("no newline at the end")
    if any("\udc80" <= character <= "\udcff" for character in text):
        found.append("not valid UTF-8: \ufffd stands for each byte that is not")
    return f" ({', '.join(found)})" if found else ""


def _list(worktree: Worktree, path: str, depth: int) -> str:
    inside = relative_path(path)
    lines: list[str] = []
    complete = _list_into(lines, worktree, inside, depth, "")
    head = f"{printable(inside)}/" if inside != "." else "./"
    if not lines:
        return f"{head} is empty"
    end = [] if complete else [f"[more than {_MAX_LISTED} entries; list a folder further down, or use glob]"]
    return "\n".join([head, *(f"  {line}" for line in lines), *end])


def _list_into(lines: list[str], worktree: Worktree, folder: str, depth: int, indent: str) -> bool:
    """Append what a folder holds; False once there is no room for more."""
    entries = [
        e for e in worktree.entries(folder) if e.kind is not Kind.FOLDER or e.name not in SKIPPED_FOLDERS
    ]
    for entry in entries[:_MAX_LISTED_PER_FOLDER]:
        if len(lines) >= _MAX_LISTED:
            return False
        lines.append(indent + _described(entry))
        deeper = entry.kind is Kind.FOLDER and depth > 1
        if deeper and not _list_into(lines, worktree, f"{folder}/{entry.name}", depth - 1, indent + "  "):
            return False
    if len(entries) > _MAX_LISTED_PER_FOLDER:
        lines.append(f"{indent}[{len(entries) - _MAX_LISTED_PER_FOLDER:,} more in this folder]")
    return True


def _described(entry: Entry) -> str:
    name = printable(entry.name)
    match entry.kind:
        case Kind.FOLDER:
            return f"{name}/"
        case Kind.FILE:
            return f"{name}  {size(entry.size)}"
        case Kind.LINK:
            return f"{name} -> {printable(entry.target)}"
        case Kind.OTHER:
            return f"{name}  special file"


def _glob(worktree: Worktree, pattern: str) -> str:
    found = list(find(worktree, PathPattern.parse(pattern), most=_MAX_FOUND + 1))
    if not found:
        return f"no file matches {pattern!r}"
    lines = sorted(found[:_MAX_FOUND])
    if len(found) > _MAX_FOUND:
        lines.append(f"[more than {_MAX_FOUND} files match; narrow the pattern]")
    return "\n".join(lines)


def find(worktree: Worktree, pattern: PathPattern, most: int) -> Iterator[str]:
    """Printable paths of files and links that match, folder by folder, from at most 50,000 entries."""
    todo = [(".", pattern.start)]
    left = _MAX_WALKED
    while todo and left > 0 and most > 0:
        folder, states = todo.pop()
        for entry in _entries_if_there(worktree, folder):
            left -= 1
            inside = entry.name if folder == "." else f"{folder}/{entry.name}"
            after = pattern.step(states, entry.name)
            if entry.kind is Kind.FOLDER:
                if after and entry.name not in SKIPPED_FOLDERS:
                    todo.append((inside, after))
            elif pattern.accepts(after) and most > 0:
                most -= 1
                yield printable(inside)


def _entries_if_there(worktree: Worktree, folder: str) -> tuple[Entry, ...]:
    """A folder that is gone, or that has a name no path may have, holds nothing."""
    try:
        return worktree.entries(folder)
    except ToolError:
        return ()
