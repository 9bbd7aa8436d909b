"""Several people before one briefing: who counts, what the others are told, and what goes on record."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anton.core.approval import ApprovalRules, Rule
from anton.core.consent import AnswerRefused, ApprovalGiven
from anton.core.decision import Answer, Refused
from anton.core.errors import OutsideError, RunBusy, UsageError
from anton.core.event import Decided, RunOutcome, Verb
from anton.core.person import Person, api, slack, terminal
from anton.core.run import Phase, RunState, fold
from anton.core.ticket import Ticket
from anton.ports import Sighting, Tracker
from anton.runs.runner import advance, answer
from tests.office import QUICK_COMMAND, QUICK_FILES, RUN, Office

KIM, LEE, MAX = slack("T1", "UKIM"), api("lee"), terminal("max")
RULES = ApprovalRules(
    people=(
        Person("kim", frozenset({KIM})),
        Person("lee", frozenset({LEE})),
        Person("max", frozenset({MAX})),
    ),
    rules=(Rule(frozenset({"kim", "lee", "max"})),),
    keyboard="listed",
    two_persons=(),
)
TWO = ApprovalRules(RULES.people, RULES.rules, "listed", two_persons=("todo.py",))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office", files=QUICK_FILES, command=QUICK_COMMAND, approval=RULES)


async def briefed(office: Office) -> RunState:
    await office.receive(requested_by=MAX)
    state = await advance(office.world(), RUN)
    assert state.phase is Phase.DECIDING
    return state


async def say(office: Office, by: str, verb: Verb = Verb.APPROVE, digest: str = "") -> RunState:
    state = fold(await office.journal.read(RUN))
    assert state.briefing is not None
    return await answer(office.world(), RUN, Answer(verb, by, digest or state.briefing.digest, "More."))


async def journaled(office: Office, *kinds: type) -> list[object]:
    return [entry.event for entry in await office.journal.read(RUN) if isinstance(entry.event, kinds)]


async def test_the_briefing_says_who_may(office: Office) -> None:
    state = await briefed(office)
    assert state.briefing is not None
    assert state.briefing.approval == "May approve: kim, lee."


async def test_of_two_people_at_once_the_first_counts_and_the_other_is_told(office: Office) -> None:
    await briefed(office)
    said = await asyncio.gather(say(office, KIM), say(office, LEE), return_exceptions=True)
    [refused] = [each for each in said if isinstance(each, Refused)]
    [decided] = await journaled(office, Decided)
    assert isinstance(decided, Decided)
    assert str(refused) == f"run {RUN} was already approved by {decided.who}"
    done = await advance(office.world(), RUN)
    assert done.closed is not None
    assert done.closed.outcome is RunOutcome.DELIVERED


async def test_many_taps_of_one_person_approve_once(office: Office) -> None:
    await briefed(office)
    said = await asyncio.gather(*(say(office, KIM) for _ in range(8)), return_exceptions=True)
    told = {str(each) for each in said if isinstance(each, Refused)}
    assert told == {f"you already approved run {RUN}"}
    assert len(await journaled(office, Decided)) == 1
    assert len(await journaled(office, AnswerRefused)) == 1


@pytest.mark.parametrize("by", ["slack:T9/UEVE", "terminal:root", "Kim", ""])
async def test_a_stranger_is_refused_on_record_and_nothing_changes(office: Office, by: str) -> None:
    before = await briefed(office)
    for _ in range(2):
        with pytest.raises(Refused, match="may not decide on run r1"):
            await say(office, by, Verb.DECLINE)
    [refused] = await journaled(office, AnswerRefused)
    assert isinstance(refused, AnswerRefused)
    assert (refused.by, refused.verb) == (by, "decline")
    state = fold(await office.journal.read(RUN))
    assert (state.phase, state.briefing) == (Phase.DECIDING, before.briefing)


async def test_the_requester_has_to_find_somebody_else(office: Office) -> None:
    await briefed(office)
    with pytest.raises(Refused, match="you asked for run r1 or reported its bug"):
        await say(office, MAX)
    await say(office, LEE)


async def test_a_stale_button_approves_nothing(office: Office) -> None:
    await briefed(office)
    with pytest.raises(Refused, match="has a newer briefing than the one you answered"):
        await say(office, KIM, digest="0" * 64)
    assert await journaled(office, Decided) == []


async def test_an_unknown_run_is_named(office: Office) -> None:
    with pytest.raises(UsageError, match="there is no run 'r7'"):
        await answer(office.world(), "r7", Answer(Verb.APPROVE, KIM, "d" * 64))


async def test_what_comes_too_late_is_told_even_while_the_run_is_being_delivered(office: Office) -> None:
    await briefed(office)
    await say(office, KIM)
    async with office.journal.hold(RUN):
        with pytest.raises(Refused, match="was already approved by kim"):
            await say(office, LEE)


async def test_what_would_count_waits_for_its_turn_and_gives_up_in_the_end(office: Office) -> None:
    await briefed(office)
    async with office.journal.hold(RUN):
        with pytest.raises(RunBusy):
            await say(office, KIM)
    assert (await say(office, KIM)).phase is Phase.DELIVERING


async def test_risky_paths_take_two_and_everything_names_both(office: Office, tmp_path: Path) -> None:
    office.approval = TWO
    state = await briefed(office)
    assert state.briefing is not None
    assert state.briefing.approval == ("It takes two persons to approve, because todo.py changes: kim, lee.")
    assert (await say(office, KIM)).phase is Phase.DECIDING
    assert (await advance(office.world(), RUN)).phase is Phase.DECIDING, "nothing is delivered yet"
    with pytest.raises(Refused, match=r"it takes another person's approval, for it changes todo\.py"):
        await say(office, KIM)
    assert (await say(office, LEE)).phase is Phase.DELIVERING
    done = await advance(office.world(), RUN)
    assert done.closed is not None
    opened = Path(done.steps["pull_request"].result).read_text()
    assert "draft: yes" in opened
    assert "## Approved by\n\n`kim (slack:T1/UKIM)` and `api:lee`" in opened
    report = Path(done.steps["report"].result).read_text()
    assert "`kim (slack:T1/UKIM)`: **approved**, as the first of two" in report
    assert len(await journaled(office, ApprovalGiven)) == 1


async def test_a_request_for_changes_between_two_approvals_starts_over(office: Office) -> None:
    office.approval = TWO
    await briefed(office)
    await say(office, KIM)
    state = await say(office, LEE, Verb.REQUEST_CHANGES)
    assert (state.phase, state.approvals) == (Phase.WORKING, ())


async def test_rules_that_nobody_can_meet_are_said_in_the_briefing(office: Office) -> None:
    office.approval = ApprovalRules(RULES.people, (Rule(frozenset({"max"})),), "listed", two_persons=())
    state = await briefed(office)
    assert state.briefing is not None
    assert state.briefing.approval == (
        "No approval is possible: nobody may, by the rules of [approval], for todo.py, tests/test_twice.py."
    )


Change = Callable[[Sighting], Sighting]


@dataclass
class RestlessTracker:
    """A tracker whose ticket is changed by somebody while nobody looks."""

    inner: Tracker
    changed: Change
    readings: int = 0
    calm: int = 1
    """How often the ticket is read before it is changed."""

    @property
    def description(self) -> str:
        return "restless"

    async def get(self, key: str) -> Ticket:
        return await self.inner.get(key)

    async def reread(self, ticket: Ticket) -> Sighting:
        self.readings += 1
        seen = Sighting(ticket, "as it was", changed_at=EDITED_AT - timedelta(hours=1))
        return self.changed(seen) if self.readings > self.calm else seen

    async def start(self, ticket: Ticket) -> None:
        await self.inner.start(ticket)

    async def close(self, ticket: Ticket, link: str) -> str:
        return await self.inner.close(ticket, link)

    async def merged(self, ticket: Ticket, link: str) -> str:
        return await self.inner.merged(ticket, link)


EDITED_AT = datetime(2026, 11, 25, 2, 14, tzinfo=UTC)
WAS_EDITED = (
    "The ticket BUG-42 was edited or commented on meanwhile (last changed at 2026-11-25 02:14 UTC); "
    "the agents read it as it was before."
)
IS_CLOSED = "The ticket BUG-42 is closed at its tracker: “Won't do” (last changed at 2026-11-25 02:14 UTC)."
IS_GONE = "The ticket BUG-42 is no longer at its tracker."


def edited(seen: Sighting) -> Sighting:
    return replace(seen, text="only on Sundays", changed_at=EDITED_AT)


def closed(seen: Sighting) -> Sighting:
    return replace(seen, closed="Won't do", changed_at=EDITED_AT)


def moved(seen: Sighting) -> Sighting:
    return replace(seen, changed_at=EDITED_AT)


def deleted(seen: Sighting) -> Sighting:
    raise UsageError(f"{seen.ticket.key} is gone")


def unreachable(seen: Sighting) -> Sighting:
    raise OutsideError("the tracker is down")


def mute(seen: Sighting) -> Sighting:
    return Sighting(seen.ticket)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (edited, [WAS_EDITED]),
        (closed, [IS_CLOSED]),
        (lambda seen: edited(closed(seen)), [IS_CLOSED, WAS_EDITED]),
        (deleted, [IS_GONE]),
        (moved, []),
        (unreachable, []),
        (mute, []),
    ],
)
async def test_the_briefing_says_what_became_of_the_ticket_meanwhile(
    office: Office, change: Change, told: list[str]
) -> None:
    await office.receive(requested_by=MAX)
    world = office.world()
    state = await advance(replace(world, tracker=RestlessTracker(world.tracker, change)), RUN)
    assert state.briefing is not None
    assert [risk for risk in state.briefing.risks if "The ticket BUG-42" in risk] == told


@pytest.mark.parametrize(("change", "told"), [(edited, WAS_EDITED), (closed, IS_CLOSED), (deleted, IS_GONE)])
async def test_whoever_approves_is_told_once_what_became_of_the_ticket_since_the_briefing(
    office: Office, change: Change, told: str
) -> None:
    await office.receive(requested_by=MAX)
    world = office.world()
    world = replace(world, tracker=RestlessTracker(world.tracker, change, calm=2))
    briefing = (await advance(world, RUN)).briefing
    assert briefing is not None
    approval = Answer(Verb.APPROVE, KIM, briefing.digest)
    with pytest.raises(Refused, match=re.escape(told)):
        await answer(world, RUN, approval)
    stands = fold(await office.journal.read(RUN))
    assert (stands.phase, stands.decisions, stands.refusals) == (Phase.DECIDING, (), ())
    assert stands.briefing is not None
    assert stands.briefing.risks == (told, *briefing.risks)
    assert stands.told is False
    state = await answer(world, RUN, approval)
    assert state.decision is not None
    assert state.decision.verb is Verb.APPROVE


async def test_an_approval_given_twice_at_once_does_not_count_before_its_giver_is_told(
    office: Office,
) -> None:
    await office.receive(requested_by=MAX)
    world = office.world()
    world = replace(world, tracker=RestlessTracker(world.tracker, closed, calm=2))
    briefing = (await advance(world, RUN)).briefing
    assert briefing is not None
    approval = Answer(Verb.APPROVE, KIM, briefing.digest)
    pressed = await asyncio.gather(*(answer(world, RUN, approval) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(each, Refused) and IS_CLOSED in str(each) for each in pressed), pressed
    assert (await answer(world, RUN, approval)).decision is not None


@pytest.mark.parametrize("change", [moved, unreachable, mute])
async def test_an_approval_counts_at_once_where_nothing_is_known_to_have_changed(
    office: Office, change: Change
) -> None:
    await office.receive(requested_by=MAX)
    world = office.world()
    world = replace(world, tracker=RestlessTracker(world.tracker, change, calm=2))
    briefing = (await advance(world, RUN)).briefing
    assert briefing is not None
    state = await answer(world, RUN, Answer(Verb.APPROVE, KIM, briefing.digest))
    assert state.decision is not None


async def test_nobody_is_asked_about_the_ticket_for_who_may_not_approve(office: Office) -> None:
    await office.receive(requested_by=MAX)
    world = office.world()
    tracker = RestlessTracker(world.tracker, closed, calm=2)
    world = replace(world, tracker=tracker)
    briefing = (await advance(world, RUN)).briefing
    assert briefing is not None
    with pytest.raises(Refused, match="may not decide"):
        await answer(world, RUN, Answer(Verb.APPROVE, "slack:T1/UEVE", briefing.digest))
    assert tracker.readings == 2
