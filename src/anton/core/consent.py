"""What is written down between a briefing and its delivery, beside the decision itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    """One person approved what takes two; the run goes on waiting for the other."""

    by: str
    """Their identity, see `core.person`."""
    digest: str
    """Of the briefing that they approved."""
    person: str = ""
    """Their name in the rules."""
    text: str = ""
    override: bool = False
    """They approved a proof that is not green, and said so explicitly."""
    kind: Literal["approval_given"] = "approval_given"

    @property
    def who(self) -> str:
        """The person, for a person."""
        return named(self.person, self.by)


@dataclass(frozen=True, slots=True)
class AnswerRefused:
    """Somebody's answer did not count; nothing else changed."""

    by: str
    verb: str
    digest: str
    """That they named."""
    reason: str
    """What they were told."""
    kind: Literal["answer_refused"] = "answer_refused"


class TicketNews(StrEnum):
    """What may have become of a ticket since it was taken on."""

    EDITED = "edited"
    """Somebody changed its text, or commented on it."""
    CLOSED = "closed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class TicketChanged:
    """What the briefing could not say yet became of its ticket; whoever approves is told first."""

    news: tuple[TicketNews, ...]
    told: tuple[str, ...]
    """One sentence for each."""
    kind: Literal["ticket_changed"] = "ticket_changed"


@dataclass(frozen=True, slots=True)
class BaseMoved:
    """The branch went on since the proof; the work was carried over to its new commit and is proved anew."""

    commit: str
    tree: str
    subject: str
    round: int
    """That begins with it."""
    reason: str
    """For a person: what moved, and what that means."""
    trees: tuple[tuple[str, str], ...] = ()
    """What each agent's worktree holds on the new base: the agent's name, and the tree."""
    kind: Literal["base_moved"] = "base_moved"


Consent = ApprovalGiven | AnswerRefused | TicketChanged | BaseMoved
"""All of these."""


def named(person: str, identity: str) -> str:
    """Somebody by name and identity, as far as both are known and differ."""
    if not person or person == identity.partition(":")[2]:
        return identity
    return f"{person} ({identity})"
