"""The commit that brought the bug, in a sentence. Its author and subject are words from outside."""

from __future__ import annotations

from anton.core.proof import Culprit, CulpritStatus
from anton.views.encode import line

SHORT = 7
"""Characters of a commit's id."""


def culprit_sentence(culprit: Culprit) -> str:
    """Which commit brought the bug, or why none is named: one plain line, to be encoded where it is shown."""
    match culprit.status:
        case CulpritStatus.FOUND:
            return f"Brought by {_named(culprit)}."
        case CulpritStatus.ALWAYS:
            return f"There at least since {_named(culprit)}. {line(culprit.detail)}".rstrip()
        case CulpritStatus.NOT_FOUND:
            return f"Which commit brought it was not found. {line(culprit.detail, 500)}".rstrip()


def _named(culprit: Culprit) -> str:
    who = f"{line(culprit.author, 60) or 'nobody named'}, {line(culprit.authored_at[:10])}"
    return f"{line(culprit.commit[:SHORT])} “{line(culprit.subject, 100)}” ({who})"
