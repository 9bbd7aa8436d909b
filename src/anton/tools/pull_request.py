"""Having others see a change: a pull request, and nothing but what a person was shown of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.text import one_line
from anton.core.tool import Prepared
from anton.tools.context import ToolContext
from anton.tools.define import publishing
from anton.tools.speaking import desk_of, sayable_words

MAX_TITLE_CHARACTERS = 120
MAX_BODY_CHARACTERS = 4_000


@publishing(seconds=300)
async def open_pull_request(
    context: ToolContext,
    title: Annotated[str, Field(min_length=1, max_length=1_000)],
    body: Annotated[str, Field(min_length=1, max_length=20_000)],
) -> Prepared:
    """Open a pull request of your changes as they are now. The person is asked first.

    They are shown branch, commit, title, body and which files it changes, and exactly that is pushed. Run the
    tests before. What you change later is not in it: it would be another pull request.

    Args:
        context: The agent's surroundings.
        title: One line, at most 120 characters.
        body: Markdown, at most 4,000 characters: what was wrong, what changes, how it was tested.
    """
    desk = desk_of(context)
    line = one_line(desk.mask(title))
    if not line or len(line) > MAX_TITLE_CHARACTERS:
        raise ToolError(
            f"the title has {len(line)} characters; write one line of 1 to {MAX_TITLE_CHARACTERS}"
        )
    return await desk.propose(line, sayable_words(desk, body, MAX_BODY_CHARACTERS))
