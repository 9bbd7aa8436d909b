"""An agent's own list of what is to be done.

It is kept nowhere but in the conversation: the last call's result is the list.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.tool import Reach
from anton.tools.context import ToolContext
from anton.tools.define import tool
from anton.tools.worktree import printable

_MARKS = {"[ ]": "to do", "[>]": "under way", "[x]": "done"}


@tool(reach=Reach.READ)
async def todo(
    context: ToolContext,  # noqa: ARG001 - a list needs no surroundings
    items: Annotated[list[Annotated[str, Field(max_length=300)]], Field(min_length=1, max_length=30)],
) -> str:
    """Write down your steps, where there are many. Give the whole list each time: it replaces the last one.

    Args:
        context: The agent's surroundings.
        items: At most 30 steps, each with its mark: `[ ]` to do, `[>]` under way, `[x]` done.
    """
    steps = [_marked(item) for item in items]
    counts = {name: sum(mark == known for mark, _ in steps) for known, name in _MARKS.items()}
    shown = [f"{number}. {mark} {text}" for number, (mark, text) in enumerate(steps, 1)]
    return "\n".join([*shown, ", ".join(f"{count} {name}" for name, count in counts.items() if count)])


def _marked(item: str) -> tuple[str, str]:
    """Mark and text of a step; one without a mark is to do."""
    written = printable(" ".join(item.split())).removeprefix("- ")
    mark = written[:3].lower()
    if mark in _MARKS:
        text = written[3:].strip()
    elif mark.startswith("[") and mark.endswith("]") and len(mark) == 3:
        raise ToolError(f"{item[:60]!r} has an unknown mark; known are {', '.join(_MARKS)}")
    else:
        mark, text = "[ ]", written
    if not text:
        raise ToolError("a step of the list is empty; say in a few words what is to be done")
    return mark, text
