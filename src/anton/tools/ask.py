"""Asking a person."""

from __future__ import annotations

from anton.core.errors import ToolError
from anton.core.tool import Reach
from anton.tools.context import ToolContext
from anton.tools.define import tool


@tool(reach=Reach.READ, in_order=True)
async def ask_person(context: ToolContext, question: str) -> str:
    """Ask the people on call one short question that only they can answer: what is meant, what is promised.

    It returns at once. Go on meanwhile; an answer, if one comes, reaches you as a note. Never ask what the
    files or the tests can tell.

    Args:
        context: The agent's surroundings.
        question: One question, at most 600 characters, that can be answered without seeing your work.
    """
    if context.ask is None:
        raise ToolError("ask_person: nobody can be asked here; decide yourself")
    return await context.ask(question)
