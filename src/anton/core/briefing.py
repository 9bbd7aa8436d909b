"""What a person is asked to decide on."""

from __future__ import annotations

from dataclasses import dataclass

from anton.core.consent import TicketNews


@dataclass(frozen=True, slots=True)
class Briefing:
    """One screen for a person who was just woken. All figures come from the proof and the journal."""

    round: int
    digest: str
    """SHA-256 of base commit, head commit, proof and pull request; an approval names it."""
    green: bool
    headline: str
    """The verdict in one line."""
    paragraph: str
    """What happened, why, and what was done about it."""
    risks: tuple[str, ...]
    """What deserves a second look before approving."""
    priority: str
    component: str
    pull_request_title: str
    pull_request_body: str
    """Markdown, whole: exactly what will be opened."""
    approval: str = ""
    """Who may approve, in a sentence; empty where that is whoever sits at the machine."""
    ticket_news: tuple[TicketNews, ...] = ()
    """What became of the ticket meanwhile, as far as `risks` says so."""
