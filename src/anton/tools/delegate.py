"""Handing a question to a colleague with a conversation of its own; only the result comes back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from anton.core.agent import MAX_DELEGATE_SECONDS
from anton.core.errors import ToolError
from anton.core.text import visible
from anton.core.tool import Reach
from anton.tools.context import ToolContext
from anton.tools.define import tool
from anton.tools.testing import as_list

MAX_TASKS = 3
"""Of one call; they are worked on side by side."""
MAX_TASK_CHARACTERS = 4_000
_SECONDS = 2 * MAX_DELEGATE_SECONDS
"""More than a delegate's own limit, so that it is the one that ends first."""

Task = Annotated[str, Field(min_length=1, max_length=MAX_TASK_CHARACTERS)]


@tool(reach=Reach.READ, seconds=_SECONDS, in_order=True)
async def delegate(
    context: ToolContext,
    to: Literal["investigator", "reviewer"],
    tasks: Annotated[list[Task], BeforeValidator(as_list), Field(min_length=1, max_length=MAX_TASKS)],
) -> str:
    """Have a colleague read for you, where that takes many files and you need only the answer.

    An investigator answers a question about the code. A reviewer looks for what is wrong with your changes
    as they are now. They see your files and change nothing; they know the ticket, and of you only the task.
    Several tasks of one call are worked on side by side. What comes back are their words, to be checked like
    any other.

    Args:
        context: The agent's surroundings.
        to: Who does it.
        tasks: At most 3, each of at most 4,000 characters, each complete in itself.
    """
    if context.delegate is None:
        raise ToolError("there is nobody here to delegate to")
    said = tuple(visible(task)[0].strip() for task in tasks)
    if not all(said):
        raise ToolError("a task is empty; say in full what is to be found out")
    return await context.delegate(to, said)
