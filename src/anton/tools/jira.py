"""The tracker for a person: reading a ticket, saying something on it, closing it.

The tools are named after Jira. A ticket that is kept in a file is read and closed by the same.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.text import middle_cut
from anton.core.ticket import Ticket, ticket_text
from anton.core.tool import Prepared, Reach
from anton.ports import Correspondence
from anton.tools.context import Desk, ToolContext
from anton.tools.define import publishing, tool
from anton.tools.speaking import (
    DATA,
    call_shown,
    desk_of,
    marker_of,
    quoted,
    sayable_words,
    told_to_the_model,
)

MAX_TICKET_CHARACTERS = 28_000
MAX_COMMENT_CHARACTERS = 4_000

Key = Annotated[str, Field(min_length=1, max_length=120)]


@tool(reach=Reach.NETWORK, seconds=60)
async def jira_read(context: ToolContext, key: Key) -> str:
    """Read a ticket with its comments.

    Args:
        context: The agent's surroundings.
        key: As in BUG-42.
    """
    ticket = await _ticket(desk_of(context), key)
    facts = {"Reported by": ticket.reporter, "Labels": ", ".join(ticket.labels), "At": ticket.url}
    whole = f"{ticket.key}\n{ticket_text(ticket.title, ticket.body, facts)}"
    return "\n".join((DATA, quoted(middle_cut(whole, MAX_TICKET_CHARACTERS, tail=8_000))))


@publishing(seconds=60)
async def jira_comment(
    context: ToolContext, key: Key, text: Annotated[str, Field(min_length=1, max_length=20_000)]
) -> Prepared:
    """Comment on a ticket, in the name of the account that is set up. The person is asked first.

    Args:
        context: The agent's surroundings.
        key: As in BUG-42.
        text: Plain text, at most 4,000 characters; nothing in it is markup, or mentions anybody.
    """
    desk = desk_of(context)
    ticket, tracker = await _ticket(desk, key), _written(desk)
    said = sayable_words(desk, text, MAX_COMMENT_CHARACTERS)
    marker = marker_of(desk, "comment", ticket.key, said)

    async def carry_out() -> str:
        with told_to_the_model():
            where = await tracker.comment(ticket, said, marker)
        return f"It is said: {where}"

    return Prepared(call_shown("jira_comment", _where(ticket), said), carry_out)


@publishing(seconds=60)
async def jira_close(context: ToolContext, key: Key) -> Prepared:
    """Have a ticket done, by whichever transition leads there. The person is asked first.

    Args:
        context: The agent's surroundings.
        key: As in BUG-42.
    """
    desk = desk_of(context)
    ticket, tracker = await _ticket(desk, key), _written(desk)

    async def carry_out() -> str:
        with told_to_the_model():
            where = await tracker.finish(ticket)
        return f"It is closed: {where}"

    return Prepared(call_shown("jira_close", _where(ticket)), carry_out)


async def _ticket(desk: Desk, key: str) -> Ticket:
    if desk.tracker is None:
        raise ToolError("there is no tracker here")
    with told_to_the_model():
        return await desk.tracker.get(key.strip())


def _written(desk: Desk) -> Correspondence:
    if desk.correspondence is None:
        raise ToolError("the tracker that is set up can be read only")
    return desk.correspondence


def _where(ticket: Ticket) -> dict[str, str]:
    return {"ticket": ticket.key, "title": ticket.title, **({"at": ticket.url} if ticket.url else {})}
