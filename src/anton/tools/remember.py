"""Keeping a note on the repository that a person has seen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.memory import MAX_NOTE_CHARACTERS
from anton.core.text import one_line
from anton.core.tool import Prepared
from anton.tools.context import ToolContext
from anton.tools.define import publishing
from anton.tools.speaking import desk_of


@publishing()
async def remember(
    context: ToolContext, note: Annotated[str, Field(min_length=1, max_length=1_000)]
) -> Prepared:
    """Keep a note on this repository for all later runs and conversations. The person is asked first.

    A convention, a trap, how something is run: what the next engineer would lose time over.

    Args:
        context: The agent's surroundings.
        note: One sentence, at most 160 characters, that can be understood without this conversation.
    """
    desk = desk_of(context)
    said = one_line(desk.mask(note))
    if not said or len(said) > MAX_NOTE_CHARACTERS:
        raise ToolError(
            f"the note has {len(said)} characters; write one sentence of 1 to {MAX_NOTE_CHARACTERS}"
        )
    return await desk.remember(said)
