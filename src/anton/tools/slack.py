"""Saying something in the chat for a person."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.tool import Prepared
from anton.ports import MAX_POST_CHARACTERS
from anton.tools.context import ToolContext
from anton.tools.define import publishing
from anton.tools.speaking import call_shown, desk_of, marker_of, sayable_words


@publishing(seconds=60)
async def slack_post(
    context: ToolContext, text: Annotated[str, Field(min_length=1, max_length=20_000)]
) -> Prepared:
    """Say something in the channel that is set up. The person is asked first.

    Args:
        context: The agent's surroundings.
        text: Plain text, at most 2,000 characters; nothing in it is markup, and it mentions nobody.
    """
    desk = desk_of(context)
    if desk.board is None:
        raise ToolError("the chat that is set up cannot be posted to")
    board, said = desk.board, sayable_words(desk, text, MAX_POST_CHARACTERS)
    marker = marker_of(desk, "post", said)

    async def carry_out() -> str:
        return f"It is said: {await board.post(said, marker)}"

    return Prepared(call_shown("slack_post", {"to": board.place}, said), carry_out)
