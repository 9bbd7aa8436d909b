"""Looking at the repository's past: why a line is as it is.

Everything is about the commit that the agent's tree was laid out from; its own changes are in none of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.tool import Reach
from anton.ports import BlamedLine, PastCommit
from anton.tools.context import BaseHistory, ToolContext
from anton.tools.define import tool
from anton.tools.excerpt import shown_line
from anton.tools.worktree import printable, relative_path

_SHORT = 10
"""Characters of a commit's id that are shown."""
_MAX_SHOWN_BYTES = 60_000
_MAX_BLAMED_LINES = 200
_MAX_AUTHOR = 80
_LAST_SECOND = 253_402_300_799
"""End of the year 9999, the last that can be written."""


@tool(reach=Reach.READ)
async def git_log(
    context: ToolContext, path: str = ".", limit: Annotated[int, Field(ge=1, le=200)] = 20
) -> str:
    """List the commits that led to the code as it was given to you, newest first: id, date, author, subject.

    Args:
        context: The agent's surroundings.
        path: Only commits that changed this file or folder; leave out for all.
        limit: Commits to list, at most 200.
    """
    base = _base(context)
    inside = relative_path(path)
    found = await base.past.log(base.commit, limit, "" if inside == "." else inside)
    if not found:
        raise ToolError(f"no commit has changed {inside!r}; git_log without a path lists all commits")
    more = f"\n[the first {limit}; there may be more]" if len(found) == limit else ""
    return "\n".join(map(_listed, found)) + more


@tool(reach=Reach.READ)
async def git_show(
    context: ToolContext, commit: Annotated[str, Field(max_length=100)], path: str = "."
) -> str:
    """Show a commit: author, date, message and what it changed (of a merge: against its first parent).

    Args:
        context: The agent's surroundings.
        commit: Id as git_log or git_blame has it, or HEAD, which is the code as it was given to you.
        path: Only the change to this file or folder; leave out for all.
    """
    base = _base(context)
    inside = relative_path(path)
    found = await base.past.ancestor(base.commit, commit.strip())
    if found is None:
        raise ToolError(
            f"there is no commit {commit[:60]!r} in the history; give an id of git_log or git_blame, or HEAD"
        )
    shown = await base.past.show(found, "" if inside == "." else inside, _MAX_SHOWN_BYTES)
    cut = f"\n[cut after {_MAX_SHOWN_BYTES:,} bytes; give a path]" if len(shown) >= _MAX_SHOWN_BYTES else ""
    return "\n".join(shown_line(line) for line in shown.rstrip("\n").split("\n")) + cut


@tool(reach=Reach.READ)
async def git_blame(
    context: ToolContext,
    path: str,
    start_line: Annotated[int, Field(ge=1)],
    end_line: Annotated[int, Field(ge=1)],
) -> str:
    """Tell for each line of a file which commit it is from: id, date, author, subject, then the lines.

    The file is as it was given to you, without your changes. At most 200 lines are told of.

    Args:
        context: The agent's surroundings.
        path: File, relative to the root of the repository.
        start_line: First line, counted from 1.
        end_line: Last line.
    """
    base = _base(context)
    inside = relative_path(path)
    last = min(max(start_line, end_line), start_line + _MAX_BLAMED_LINES - 1)
    found = await base.past.blame(base.commit, inside, start_line, last)
    if not found:
        raise ToolError(
            f"there is no line {start_line} of {inside!r} in the code as it was given to you; "
            "read_file shows the file with its lines, git_log whether it has a history"
        )
    return _blamed(found)


def _base(context: ToolContext) -> BaseHistory:
    if context.base is None:
        raise ToolError("there is no history here")
    return context.base


def _listed(commit: PastCommit) -> str:
    merge = " (merge)" if len(commit.parents) > 1 else ""
    said = f"{shown_line(printable(commit.author), _MAX_AUTHOR)}: {printable(commit.subject)}"
    return f"{commit.commit[:_SHORT]} {commit.authored_at[:10]} {shown_line(said, 200)}{merge}"


def _blamed(lines: tuple[BlamedLine, ...]) -> str:
    """Lines below the commit that brought them, which is named once for a stretch."""
    shown: list[str] = []
    before = ""
    for line in lines:
        if line.commit != before:
            at = datetime.fromtimestamp(max(0, min(line.authored_at_unix, _LAST_SECOND)), UTC)
            said = f"{shown_line(printable(line.author), _MAX_AUTHOR)}: {printable(line.subject)}"
            shown.append(f"{line.commit[:_SHORT]} {at:%Y-%m-%d} {shown_line(said, 200)}")
            before = line.commit
        shown.append(f"{line.number:6d}\t{shown_line(line.text)}")
    return "\n".join(shown)
