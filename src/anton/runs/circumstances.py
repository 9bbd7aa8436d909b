"""What a briefing says of its circumstances: who may approve it, and whether the ticket is still the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from anton.core.approval import ApprovalRules
from anton.core.briefing import Briefing
from anton.core.consent import TicketChanged, TicketNews
from anton.core.decision import SHOWN, patch_paths
from anton.core.errors import OutsideError, UsageError
from anton.core.event import BriefingPrepared, Event
from anton.core.run import RunState
from anton.core.text import listed
from anton.ports import Sighting
from anton.runs.ticket import TRACKER_SECONDS
from anton.runs.world import World

SHOWN_NAMES = 6
ANSWER_SECONDS = 1.5
"""For the tracker, while somebody who approved waits; Slack shows as failed what takes three."""


async def news_of(world: World, state: RunState, seconds: float = TRACKER_SECONDS) -> TicketChanged | None:
    """What became of a run's ticket that its briefing does not say; None for nothing, or nothing known."""
    try:
        async with asyncio.timeout(seconds):
            now = await world.tracker.reread(state.received.ticket)
    except UsageError:
        now = None
    except (OutsideError, TimeoutError):
        return None
    heard = state.briefing.ticket_news if state.briefing else ()
    found = {news: words for news, words in _changes(state, now).items() if news not in heard}
    return TicketChanged(tuple(found), tuple(found.values())) if found else None


async def circumstanced(world: World, state: RunState, events: Sequence[Event]) -> tuple[Event, ...]:
    """The events that end a round, a briefing among them with what can be said of its circumstances."""
    if not any(isinstance(event, BriefingPrepared) for event in events):
        return tuple(events)
    news = await news_of(world, state)
    who = who_may(state, world.approval)
    return tuple(
        replace(event, briefing=_with(event.briefing, who, news))
        if isinstance(event, BriefingPrepared)
        else event
        for event in events
    )


def who_may(state: RunState, rules: ApprovalRules) -> str:
    """Who may approve the patch, in a sentence; empty where that is whoever sits at the machine."""
    if rules.keyboard == "owner" and not rules.rules:
        return ""
    repository, paths = state.received.repository, patch_paths(state)
    asked = "" if rules.requester_may_approve else rules.name(state.received.requested_by)
    names = [name for name in rules.approvers(repository, paths) if name != asked]
    risky = rules.risky(paths)
    own = ", or whoever sits at Anton's machine" if rules.keyboard == "owner" else ""
    if len(names) < (2 if risky else 1) and not own:
        have = f"only {names[0]} may" if names else "nobody may"
        return f"No approval is possible: {have}, by the rules of [approval], for {listed(paths, SHOWN)}."
    shown = listed(names, SHOWN_NAMES) or "nobody by name"
    if risky:
        return f"It takes two persons to approve, because {listed(risky, SHOWN)} changes: {shown}{own}."
    return f"May approve: {shown}{own}."


def _changes(state: RunState, now: Sighting | None) -> Mapping[TicketNews, str]:
    """What became of the ticket since the agents got it, in a sentence each."""
    key, before = state.received.ticket.key, state.base.ticket_seen if state.base else ""
    if now is None:
        return {TicketNews.GONE: f"The ticket {key} is no longer at its tracker."} if before else {}
    at = f" (last changed at {now.changed_at:%Y-%m-%d %H:%M} UTC)" if now.changed_at else ""
    found = {}
    if now.closed:
        found[TicketNews.CLOSED] = f"The ticket {key} is closed at its tracker: “{now.closed}”{at}."
    if before and now.text and now.text != before:
        found[TicketNews.EDITED] = (
            f"The ticket {key} was edited or commented on meanwhile{at}; the agents read it as it was before."
        )
    return found


def _with(briefing: Briefing, who: str, news: TicketChanged | None) -> Briefing:
    if news is None:
        return replace(briefing, approval=who)
    return replace(briefing, approval=who, risks=(*news.told, *briefing.risks), ticket_news=news.news)
