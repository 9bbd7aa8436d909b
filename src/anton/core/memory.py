"""What agents propose to be remembered of a repository, read from their journal.

A proposal is the result of a call of `memory`. It is kept by nobody but a person who approves the run.
"""

from __future__ import annotations

from collections.abc import Iterable

from anton.core.tool import ToolResult

TOOL = "memory"
MAX_NOTES = 2
"""Of one agent in one run; later ones are not put before anybody."""
MAX_NOTE_CHARACTERS = 160
"""So that every view shows a note whole."""
_LEAD = "Proposed. It is kept if the person who approves your fix keeps it:"


def proposal(note: str) -> str:
    """The result of a call that proposes a note of one line."""
    return f"{_LEAD}\n{note}"


def proposed_after(proposed: tuple[str, ...], results: Iterable[ToolResult]) -> tuple[str, ...]:
    """An agent's proposals after some calls, oldest first, each once."""
    for result in results:
        lead, _, note = result.text.partition("\n")
        if result.name == TOOL and not result.failed and lead == _LEAD and note:
            proposed = (*proposed, note) if note not in proposed else proposed
    return proposed[:MAX_NOTES]
