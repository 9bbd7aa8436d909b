"""Running the repository's tests."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

from pydantic import BeforeValidator, Field

from anton.core.errors import ToolError
from anton.core.tool import Reach
from anton.tools.context import ToolContext
from anton.tools.define import tool
from anton.tools.worktree import Kind, Worktree, relative_path


def as_list(given: object) -> object:
    """One text, or a list written as JSON text, in place of a list."""
    if not isinstance(given, str):
        return given
    try:
        parsed = json.loads(given) if given.startswith("[") else [given]
    except (ValueError, RecursionError):
        return [given]
    return parsed


@tool(reach=Reach.RUN, seconds=120)
async def run_tests(
    context: ToolContext,
    paths: Annotated[list[str] | None, BeforeValidator(as_list), Field(max_length=50)] = None,
) -> str:
    """Run the repository's tests on your files as they are now; returns what passed and what failed, and how.

    They run in a sandbox without network, on a copy: files that they leave behind are not kept. The run ends
    after 120 seconds.

    Args:
        context: The agent's surroundings.
        paths: Test files or folders, at most 50; leave out for the whole suite.
    """
    wanted = await asyncio.to_thread(_existing, context.worktree, paths or [])
    return await context.run_tests(wanted)


def _existing(worktree: Worktree, paths: list[str]) -> tuple[str, ...]:
    """The paths as they are in the tree, each once; `::test_name` behind a file is dropped."""
    found: dict[str, None] = {}
    for path in paths:
        inside = relative_path(path.partition("::")[0])
        if inside.startswith("-"):
            raise ToolError(f"{path!r} begins with a dash and would be taken for an option; run its folder")
        if worktree.kind(inside) is Kind.OTHER:
            raise ToolError(f"{path!r} is neither a file nor a folder")
        found[inside] = None
    return () if "." in found else tuple(found)
