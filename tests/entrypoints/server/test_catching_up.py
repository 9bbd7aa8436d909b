"""Webhooks that never came: what they would have told is found, and is one run however it is heard of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.occurrences.github import GitHubOccurrences
from anton.adapters.tracker.local import LocalTracker
from anton.core.errors import JournalError, OutsideError
from anton.core.event import Entry
from anton.core.run import RunState
from anton.core.ticket import Ticket
from anton.entrypoints.composition import Watch
from anton.entrypoints.server.catching_up import GIVEN_UP_AFTER, KnownTickets, look
from tests.adapters.github.happening import REPOSITORY_ID, Happening
from tests.adapters.github.server import refused, serving, speaking
from tests.entrypoints.server.served import PATIENCE_SECONDS, Served, an_anton, an_office, served
from tests.office import QUICK_FILES, RUN, Office, StepClock

ALL = ("issues", "workflow_runs", "merges")


@dataclass
class Place:
    """A forge, and a server beside it that looks as often as it is told to."""

    forge: Happening
    server: Served
    watch: Watch
    known: KnownTickets

    async def look(self) -> None:
        for kind in self.watch.kinds:
            await look(self.server.desk, self.watch, kind, self.known)

    async def runs(self) -> tuple[str, ...]:
        return await self.server.desk.world.journal.run_ids()

    async def told(self, number: int, delivery: str) -> Mapping[str, Any]:
        """What a webhook about an issue is answered."""
        (issue,) = (each for each in self.forge.labeled if each["number"] == number)
        payload = {
            "action": "labeled",
            "label": {"name": "anton"},
            "issue": issue,
            "repository": {
                "id": REPOSITORY_ID,
                "name": "shop",
                "full_name": "ann/shop",
                "default_branch": "main",
            },
            "sender": {"login": "kim"},
            "delivery": delivery,
        }
        headers = {"X_GitHub_Event": "issues", "X_GitHub_Delivery": delivery}
        answer = await self.server.signed("github", payload, **headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def delivered(self) -> RunState:
        """A run whose pull request is open."""
        run = await self.server.begun()
        await self.server.until(run, phase="deciding")
        await self.server.client.post(f"/runs/{run}/approve", json={})
        await self.server.until(run, phase="closed")
        return await self.server.desk.state(run)

    async def cancelled(self, run: str) -> None:
        await self.server.client.post(f"/runs/{run}/cancel", json={})
        await self.server.until(run, phase="closed")


@pytest.fixture
async def forge() -> AsyncIterator[Happening]:
    async with serving(Happening()) as server:
        assert isinstance(server, Happening)
        yield server


@asynccontextmanager
async def watching(
    forge: Happening, folder: Path, seconds: float = 3_600, **world: Any
) -> AsyncIterator[Place]:
    """A server whose first look, at its start, finds what there is."""
    office = an_office(folder)
    async with speaking(forge.url) as calls:
        occurrences = GitHubOccurrences(
            calls, "ann/shop", ("anton",), office.home / "looks.json", lambda: forge.at.astimezone()
        )
        office.home.mkdir(parents=True, exist_ok=True)
        watch = Watch(occurrences, ALL, seconds)  # type: ignore[arg-type]
        anton = an_anton(office)
        anton = replace(
            anton,
            serving=replace(anton.serving, watch=watch),
            world=replace(anton.world, **world),
        )
        async with served(anton, office) as server:
            yield Place(forge, server, watch, KnownTickets(server.desk.world.journal))


async def begun(place: Place, count: int = 1) -> tuple[str, ...]:
    """The runs, once there are so many."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if len(found := await place.runs()) >= count:
                return found
            await asyncio.sleep(0.02)


async def test_an_issue_whose_webhook_was_lost_has_its_run_after_the_start(
    forge: Happening, tmp_path: Path
) -> None:
    forge.label(7, by="kim")
    async with watching(forge, tmp_path) as place:
        (run,) = await begun(place)
        state = await place.server.desk.state(run)
        assert (state.received.ticket.key, state.received.requested_by) == ("shop-7", "github:kim")
        await place.server.until(run, phase="deciding")


async def test_it_is_looked_for_again_and_again(forge: Happening, tmp_path: Path) -> None:
    async with watching(forge, tmp_path, seconds=0.05) as place:
        forge.label(7)
        await begun(place, 1)
        forge.label(8)
        await begun(place, 2)


async def test_a_webhook_that_comes_late_finds_the_run_that_was_begun_by_looking_even_a_closed_one(
    forge: Happening, tmp_path: Path
) -> None:
    forge.label(7)
    async with watching(forge, tmp_path) as place:
        (run,) = await begun(place)
        for delivery in ("d1", "d2"):
            assert (await place.told(7, delivery))["run"] == run
        await place.cancelled(run)
        assert await place.told(7, "d3") == {**await place.told(7, "d4"), "run": run, "begun": False}
        assert await place.runs() == (run,)


async def test_a_look_finds_nothing_that_a_webhook_or_a_comment_has_begun(
    forge: Happening, tmp_path: Path
) -> None:
    async with watching(forge, tmp_path) as place:
        forge.label(7)
        run = (await place.told(7, "d1"))["run"]
        await place.look()
        await place.cancelled(run)
        forge.label(7)  # changed since, and still open
        await place.look()
        assert await place.runs() == (run,)


async def test_heard_of_in_both_ways_at_once_it_is_one_run(forge: Happening, tmp_path: Path) -> None:
    async with watching(forge, tmp_path) as place:
        for number in range(1, 11):
            forge.label(number)
        webhooks = (place.told(number, f"d{number}") for number in range(1, 11))
        await asyncio.gather(place.look(), *webhooks, place.look())
        assert len(await place.runs()) == 10


async def test_a_failed_workflow_has_one_run_and_its_ticket_the_branch(
    forge: Happening, tmp_path: Path
) -> None:
    async with watching(forge, tmp_path) as place:
        await place.look()
        forge.ran(30433642)
        await place.look()
        await place.look()
        (run,) = await place.runs()
        received = (await place.server.desk.state(run)).received
        assert (received.ticket.key, received.base_ref) == ("ci-30433642", "main")


async def test_a_forge_that_is_down_is_logged_and_what_was_missed_found_later(
    forge: Happening, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    forge.faults["GET /issues"] = [refused(401, "Bad credentials")]
    forge.label(7)
    with caplog.at_level(logging.WARNING):
        async with watching(forge, tmp_path, seconds=0.05) as place:
            await begun(place)
            assert (await place.server.client.get("/health")).status_code == 200
    assert "it could not be looked for issues that were missed" in caplog.text


@dataclass
class Merging(LocalTracker):
    """A tracker that writes down what is merged, and is down at first."""

    folder: Path
    outages: int = 0
    refused: str = ""
    """Link of a merge for which it is always down."""
    merges: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.folder)

    async def merged(self, ticket: Ticket, link: str) -> str:
        if self.outages or link == self.refused:
            self.outages = max(0, self.outages - 1)
            raise OutsideError("the tracker is down")
        self.merges.append((ticket.key, link))
        return "done"


class Clock(StepClock):
    """A clock that can be put forward."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return super().__call__() + self.ahead


async def test_a_merge_that_no_webhook_told_reaches_the_tracker_once_also_if_that_was_down(
    forge: Happening, tmp_path: Path
) -> None:
    tracker = Merging(tmp_path / "tickets", outages=1)
    async with watching(forge, tmp_path, tracker=tracker) as place:
        await place.look()
        state = await place.delivered()
        link = state.steps["pull_request"].result
        forge.merge("somebody/else", "https://github.example/ann/shop/pull/1")
        forge.merge(state.branch, link)
        with pytest.raises(OutsideError, match="the tracker is down"):
            await place.look()
        await place.look()
        await place.look()
    assert tracker.merges == [(state.received.ticket.key, link)]


async def test_a_merge_that_is_always_refused_holds_up_no_other_and_is_given_up_after_a_day(
    forge: Happening, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracker, clock = Merging(tmp_path / "tickets"), Clock()
    async with watching(forge, tmp_path, tracker=tracker, clock=clock) as place:
        await place.look()
        first, second = await place.delivered(), await place.delivered()
        for state in (second, first):  # GitHub lists the newest first
            forge.merge(state.branch, state.steps["pull_request"].result)
        tracker.refused = first.steps["pull_request"].result
        for _ in range(2):
            with pytest.raises(OutsideError, match="the tracker is down"):
                await place.look()
        assert [link for _, link in tracker.merges] == [second.steps["pull_request"].result]
        clock.ahead = GIVEN_UP_AFTER
        await place.look()
        assert f"{tracker.refused} is given up after a day of trying" in caplog.text
        await place.look()
    assert len(tracker.merges) == 1


class Damaged(MemoryJournal):
    """A journal in which one run cannot be read."""

    async def read_kinds(self, run_id: str, kinds: Collection[str]) -> tuple[Entry, ...]:
        if run_id == "broken":
            raise JournalError("entry 1 of run 'broken' cannot be read: it is no event")
        return await super().read_kinds(run_id, kinds)


async def test_a_run_that_cannot_be_read_keeps_no_other_from_being_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(tmp_path, journal=Damaged(), files=QUICK_FILES)
    await office.receive()
    (first,) = await office.journal.read(RUN)
    await office.journal.append("broken", [replace(first, run_id="broken")])
    known = KnownTickets(office.journal)
    for _ in range(2):
        await known.refresh()
    assert len(known.addresses) == 1
    assert [record.message.partition(",")[0] for record in caplog.records] == ["run broken cannot be read"]
