"""What continuous integration adds to a run: the tests that failed, to its ticket; and a line on its base."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import replace

from anton.core.errors import OutsideError
from anton.core.ticket import MAX_BODY_CHARACTERS, Ticket
from anton.ports import CI, CIRun

LOG_SECONDS = 60.0
"""For the logs of one run; after that the repair begins with the ticket as it was received."""
STATUS_SECONDS = 5.0
ADDED_CHARACTERS = 24_000
"""Of what logs say, in a ticket."""


async def with_failures(ci: CI, ticket: Ticket) -> tuple[Ticket, tuple[str, ...]]:
    """A ticket of a failed workflow run with the tests that failed.

    Returns:
        The ticket, and sentences for the person on what could not be done.
    """
    run = re.fullmatch(r"ci-(\d{1,20})", ticket.key) if ticket.source == "ci" else None
    if run is None:
        return ticket, ()
    found = await _asked(ci.read(run[1]), LOG_SECONDS)
    if isinstance(found, str):
        return ticket, (f"The log of the failed workflow run was not read: {found}",)
    added = _told(found)
    room = MAX_BODY_CHARACTERS - len(added)
    return (replace(ticket, body=f"{ticket.body[:room]}{added}"), ()) if added else (ticket, ())


async def checks_of(ci: CI, commit: str) -> tuple[str, tuple[str, ...]]:
    """What continuous integration says of a commit.

    Returns:
        It in a few words, empty where it says nothing, and a sentence for the person unless all is well.
    """
    found = await _asked(ci.status(commit), STATUS_SECONDS)
    if isinstance(found, str):
        return "", (f"What continuous integration says of the base is not known: {found}",)
    if found.status == "none":
        return "", ()
    said = f"{found.status} ({found.url})" if found.url else found.status
    notices = () if found.status == "success" else (f"Continuous integration on the base: {said}.",)
    return said, notices


async def _asked(question: Awaitable[CIRun], seconds: float) -> CIRun | str:
    """The answer, or why there is none."""
    try:
        async with asyncio.timeout(seconds):
            return await question
    except TimeoutError:
        return f"it did not answer within {seconds:g} seconds"
    except OutsideError as error:
        return str(error)


def _told(found: CIRun) -> str:
    """Tests and excerpts as text, indented so that they stay apart from the ticket's own words."""
    parts, left = [], ADDED_CHARACTERS
    for test in found.failed:
        part = f"\n\n{test.name}\n\n{_indented(test.excerpt)}"
        part = part if len(part) <= left else f"\n\n{test.name}"
        if len(part) > left:
            break
        parts.append(part)
        left -= len(part)
    if parts:
        return "\n\nTests that failed, by the workflow's log:" + "".join(parts)
    return f"\n\nThe workflow's log around the failure:\n\n{_indented(found.log)}" if found.log else ""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))
