"""What a briefing says of its circumstances: who may approve it, and whether the ticket is still the same."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from anton.core.approval import ApprovalRules
from anton.core.briefing import Briefing
from anton.core.decision import SHOWN, patch_paths
from anton.core.errors import OutsideError, UsageError
from anton.core.event import BriefingPrepared, Event
from anton.core.run import RunState
from anton.core.text import listed
from anton.core.ticket import Ticket
from anton.runs.ticket import TRACKER_SECONDS
from anton.runs.world import World

SHOWN_NAMES = 6
GONE = "gone"
"""In place of a digest, for a ticket that its tracker no longer has."""


async def ticket_seen(world: World, ticket: Ticket) -> str:
    """What tells whether the tracker's text of a ticket changes; empty where the tracker cannot tell."""
    try:
        async with asyncio.timeout(TRACKER_SECONDS):
            now = await world.tracker.reread(ticket)
    except UsageError:
        return GONE
    except (OutsideError, TimeoutError):
        return ""
    return text_of(now)


def text_of(ticket: Ticket) -> str:
    """What tells the text of a ticket from any other."""
    words = f"{ticket.title}\0{ticket.body}".encode("utf-8", "replace")
    return hashlib.sha256(words).hexdigest()


async def circumstanced(world: World, state: RunState, events: Sequence[Event]) -> tuple[Event, ...]:
    """The events that end a round, a briefing among them with what can be said of its circumstances."""
    if not any(isinstance(event, BriefingPrepared) for event in events):
        return tuple(events)
    edited = await _edited(world, state)
    who = who_may(state, world.approval)
    return tuple(
        replace(event, briefing=_with(event.briefing, who, edited))
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


async def _edited(world: World, state: RunState) -> tuple[str, ...]:
    before = state.base.ticket_seen if state.base else ""
    if before in ("", GONE):
        return ()
    now, key = await ticket_seen(world, state.received.ticket), state.received.ticket.key
    if now == GONE:
        return (f"The ticket {key} is no longer at its tracker.",)
    if now in ("", before):
        return ()
    return (f"The ticket {key} was edited meanwhile; the agents read it as it was before.",)


def _with(briefing: Briefing, who: str, edited: tuple[str, ...]) -> Briefing:
    return replace(briefing, approval=who, risks=(*edited, *briefing.risks))
