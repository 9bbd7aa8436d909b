"""Searching in files: ripgrep where it is installed, else `git grep`.

A model's pattern never reaches Python's `re`, whose running time such a pattern can make exponential. Neither
program follows links below the folder that it starts in, and that folder is handed over as a descriptor that
was opened beneath the root. Neither reads configuration, environment or the repository's ignore files.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Protocol

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.tool import Reach
from anton.system.beneath import Links
from anton.tools.context import ToolContext
from anton.tools.define import tool
from anton.tools.excerpt import shown_line, text_of
from anton.tools.files import SKIPPED_FOLDERS
from anton.tools.program import Captured, capture
from anton.tools.worktree import Worktree, printable, relative_path

MAX_MATCHES = 200
MAX_SHOWN_CHARACTERS = 300
"""Of one matching line."""
LIMIT_SECONDS = 10.0
_MAX_OUTPUT_BYTES = 1_000_000
_MAX_RESULT_CHARACTERS = 31_000


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for, and in which files of a folder."""

    pattern: str
    glob: str | None = None
    ignore_case: bool = False
    context: int = 0
    file: str | None = None
    """Only this file of the folder."""


class SearchProgram(Protocol):
    """A program that prints what it finds in blocks; see `_shown`."""

    @property
    def env(self) -> Mapping[str, str]:
        """Its whole environment."""
        ...

    def argv(self, query: Query) -> list[str]:
        """Its command line, to be run in the folder to search; a single file is also its standard input."""
        ...


@dataclass(frozen=True, slots=True)
class Ripgrep:
    """ripgrep 13 or later: https://github.com/BurntSushi/ripgrep/blob/master/GUIDE.md."""

    path: str

    @property
    def env(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def argv(self, query: Query) -> list[str]:
        """A named file is read from standard input, since ripgrep follows links that are named to it."""
        globs = [query.glob] if query.glob else []
        globs += [f"!**/{name}/**" for name in SKIPPED_FOLDERS]
        return [
            self.path,
            "--no-config",
            "--no-ignore",
            "--hidden",
            "--no-follow",
            "--heading",
            "--with-filename",
            "--line-number",
            "--color=never",
            "--no-messages",
            "--sort=path",
            f"--max-count={MAX_MATCHES + 1}",
            f"--context={query.context}",
            *(["--ignore-case"] if query.ignore_case else []),
            *(f"--glob={pattern}" for pattern in globs),
            f"--regexp={query.pattern}",
            "--",
            "-" if query.file else ".",
        ]


@dataclass(frozen=True, slots=True)
class GitGrep:
    """`git grep --no-index`: https://git-scm.com/docs/git-grep."""

    path: str

    @property
    def env(self) -> Mapping[str, str]:
        """Shuts out every configuration, that of the tree's own `.git` included."""
        return {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_DIR": "/dev/null",
            "LC_ALL": "C.UTF-8",
        }

    def argv(self, query: Query) -> list[str]:
        """Files are named by pathspecs; git searches no link, named or not."""
        where = f":(literal){query.file}" if query.file else "."
        if query.glob and not query.file:
            where = f":(glob){query.glob if '/' in query.glob else f'**/{query.glob}'}"
        return [
            self.path,
            "-c",
            "core.quotePath=false",
            "grep",
            "--no-index",
            "--no-color",
            "--no-textconv",
            "--perl-regexp",
            "--line-number",
            "--heading",
            "--break",
            "-I",
            f"--context={query.context}",
            *(["--ignore-case"] if query.ignore_case else []),
            "-e",
            query.pattern,
            "--",
            where,
            *(f":(exclude,glob)**/{name}/**" for name in SKIPPED_FOLDERS),
        ]


def find_program() -> SearchProgram:
    """ripgrep, else git.

    Raises:
        ToolError: neither is installed.
    """
    if path := shutil.which("rg"):
        return Ripgrep(path)
    if path := shutil.which("git"):
        return GitGrep(path)
    raise ToolError("neither ripgrep nor git is installed here; use glob and read_file instead")


@tool(reach=Reach.READ, seconds=20)
async def grep(
    context: ToolContext,
    pattern: Annotated[str, Field(min_length=1, max_length=1_000)],
    path: str = ".",
    glob: Annotated[str, Field(max_length=200)] | None = None,
    ignore_case: bool = False,
    context_lines: Annotated[int, Field(ge=0, le=10)] = 0,
) -> str:
    r"""Search file contents with a regular expression; returns `path:line: text` for every matching line.

    At most 200 matches are returned, lines cut at 300 characters. A match lies within one line; escape
    characters that are special, such as `foo\(`. Binary files, `.git`, `.venv`, `__pycache__` and
    `node_modules` are left out. The search ends after 10 seconds.

    Args:
        context: The agent's surroundings.
        pattern: Regular expression without look-around or back-references.
        path: Folder or file to search, relative to the root of the repository.
        glob: Only files that match, such as `*.py`.
        ignore_case: Whether upper and lower case are the same.
        context_lines: Lines to show before and after each match, at most 10; they come as `path-line- text`.
    """
    query = Query(pattern, glob or None, ignore_case, context_lines)
    return await search(context.worktree, path or ".", query, find_program())


async def search(worktree: Worktree, path: str, query: Query, program: SearchProgram) -> str:
    """Matches as a model reads them.

    Raises:
        ToolError: the pattern, the glob or the path is not valid, or the search took too long.
    """
    for text in (query.pattern, query.glob or ""):
        if any(character in text for character in "\0\r\n"):
            raise ToolError(
                f"{text[:80]!r} holds a line end or NUL; matches lie within one line, search for one"
            )
    inside = relative_path(path)
    with contextlib.ExitStack() as stack:
        place = _open(stack, worktree, inside)
        query = replace(query, file=place.file)
        found = await capture(
            program.argv(query),
            folder=place.folder,
            stdin=place.stdin,
            env=program.env,
            seconds=LIMIT_SECONDS,
            max_bytes=_MAX_OUTPUT_BYTES,
        )
    _raise_if_failed(found, query)
    folder = "" if inside == "." else f"{inside}/"
    lines = _shown(found.output, lambda name: inside if place.file else folder + name.removeprefix("./"))
    if lines:
        return "\n".join(lines)
    within = f" with names like {query.glob!r}" if query.glob and not place.file else ""
    return f"no match for {query.pattern!r} in {inside!r}{within}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a search starts."""

    folder: int
    file: str | None
    stdin: int


def _open(stack: contextlib.ExitStack, worktree: Worktree, inside: str) -> _Place:
    found = stack.enter_context(worktree.opened(inside))
    mode = os.fstat(found).st_mode
    if stat.S_ISDIR(mode):
        return _Place(found, None, asyncio.subprocess.DEVNULL)
    if not stat.S_ISREG(mode):
        raise ToolError(f"{inside!r} is a special file, not a regular file or folder")
    parent, _, name = inside.rpartition("/")
    found = stack.enter_context(worktree.opened(inside, links=Links.REFUSE))
    folder = stack.enter_context(worktree.opened(parent or ".", folder=True, links=Links.REFUSE))
    return _Place(folder, name, found)


def _raise_if_failed(found: Captured, query: Query) -> None:
    if found.exit_code is None:
        raise ToolError(
            f"the search for {query.pattern[:200]!r} took more than {LIMIT_SECONDS:.0f} s and was ended; "
            "search in a smaller folder or for something simpler"
        )
    if found.errors and not found.output and found.exit_code not in (0, 1):
        words = found.errors.decode("utf-8", "replace").partition("\n\n")[0].strip()
        raise ToolError(f"the search could not be made: {words[:1_000]}")


def _shown(output: bytes, full_path: Callable[[str], str]) -> list[str]:
    """Lines to show. Both programs print a block per file: its name, then `12:match` and `12-context`."""
    shown: list[str] = []
    matches = 0
    room = _MAX_RESULT_CHARACTERS
    for name, line in _blocks(text_of(output)):
        if line == "--":
            shown.append(line)
            continue
        number, mark, text = re.split("([:-])", line, maxsplit=1)
        matches += mark == ":"
        path = printable(full_path(name))
        shown.append(
            f"{path}{mark}{number}{mark} {shown_line(text.removesuffix(chr(13)), MAX_SHOWN_CHARACTERS)}"
        )
        room -= len(shown[-1]) + 1
        if matches > MAX_MATCHES or room < 0:
            shown[-1] = f"[more than {matches - 1} matches; narrow the pattern, the path or the glob]"
            break
    return shown


def _blocks(output: str) -> Iterator[tuple[str, str]]:
    """Each line with the file that it belongs to; anything else that the programs remark is left out."""
    name: str | None = None
    for line in output.split("\n"):
        if line == "":
            name = None
        elif name is None:
            name = line
        elif line == "--" or re.match(r"\d+[:-]", line, re.ASCII):
            yield name, line
