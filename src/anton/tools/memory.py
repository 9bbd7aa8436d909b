"""Proposing what later runs should know of the repository. Nothing is written before a person approves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.memory import MAX_NOTE_CHARACTERS, proposal
from anton.core.text import one_line
from anton.core.tool import Reach
from anton.tools.context import ToolContext
from anton.tools.define import tool


@tool(reach=Reach.READ, in_order=True)
async def memory(
    context: ToolContext,  # noqa: ARG001 - a proposal is kept nowhere but in the conversation
    note: Annotated[str, Field(min_length=1, max_length=1_000)],
) -> str:
    """Propose a note for later runs on this repository: a convention, a trap, how something is run.

    It is shown to the person who decides on your fix, and kept only if they approve it. Propose what the next
    engineer would lose time over, not what this ticket was about. Two notes at most are put before them.

    Args:
        context: The agent's surroundings.
        note: One sentence, at most 160 characters, that can be understood without this ticket.
    """
    said = one_line(note)
    if not said or len(said) > MAX_NOTE_CHARACTERS:
        raise ToolError(
            f"the note has {len(said)} characters; write one sentence of 1 to {MAX_NOTE_CHARACTERS}"
        )
    return proposal(said)
