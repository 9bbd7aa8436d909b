"""Runs over HTTP: begun, shown, decided on, talked to; and what is refused, with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.model.scripted import Refuse, Silence
from anton.core.decision import Answer
from anton.core.errors import JournalError
from anton.core.event import Entry, Verb
from anton.entrypoints.intake.taken import Taken
from anton.runs.runner import advance, answer
from tests.entrypoints.server.served import OWNER, Served, an_anton, an_office, served
from tests.office import HONEST, Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return an_office(tmp_path)


@pytest.fixture
async def server(office: Office) -> AsyncIterator[Served]:
    async with served(an_anton(office), office) as up:
        yield up


async def test_a_run_goes_from_a_request_to_its_pull_request(server: Served) -> None:
    run = await server.begun(key="BUG-7")
    waiting = await server.until(run, phase="deciding")
    assert waiting["proof"] == "green"
    assert waiting["ticket"] == {
        "key": "BUG-7",
        "title": "To-dos come back",
        "source": "api",
        "url": "",
        "reporter": "terminal:tester",
    }
    answer = await server.client.post(f"/runs/{run}/approve", json={"digest": waiting["briefing"]["digest"]})  # type: ignore[index]
    assert answer.json() == {"run": run, "phase": "delivering", "taken": True}
    closed = await server.until(run, outcome="delivered")
    assert Path(str(closed["pull_request"])).is_file()


async def test_the_newest_that_waits_can_be_approved_without_its_name(server: Served) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    assert (await server.client.post("/runs/latest/approve")).json()["run"] == run
    await server.until(run, outcome="delivered")


async def test_where_several_wait_the_newest_is_not_approved_unseen(server: Served) -> None:
    runs = [await server.begun(key=f"BUG-{number}") for number in (1, 2)]
    waiting = [await server.until(run, phase="deciding") for run in runs]
    refused = await server.client.post("/runs/latest/approve")
    assert refused.status_code == 409
    assert "2 runs wait for a decision" in refused.json()["detail"]
    digest = waiting[1]["briefing"]["digest"]  # type: ignore[index]
    assert (await server.client.post("/runs/latest/approve", json={"digest": digest})).status_code == 200


async def test_a_second_approval_is_told_of_the_first(server: Served) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    await server.client.post(f"/runs/{run}/approve")
    again = await server.client.post(f"/runs/{run}/approve")
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    assert "already approved" in again.json()["detail"]


async def test_an_approval_of_another_digest_is_refused(server: Served) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    refused = await server.client.post(f"/runs/{run}/approve", json={"digest": "0" * 64})
    assert refused.status_code == 409
    assert "newer briefing" in refused.json()["detail"]


async def test_a_run_is_sent_back_and_its_renewed_briefing_has_to_be_named(server: Served) -> None:
    run = await server.begun()
    first = await server.until(run, phase="deciding")
    changed = await server.client.post(f"/runs/{run}/request-changes", json={"text": "Say why."})
    assert changed.status_code == 200, changed.text
    assert first["round"] == 1
    state = await server.desk.state(run)
    assert state.decisions[-1].text == "Say why."


async def test_a_briefing_is_declined_with_a_reason(server: Served) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    await server.client.post(f"/runs/{run}/decline", json={"text": "Not now."})
    closed = await server.until(run, outcome="declined")
    assert closed["pull_request"] is None


async def test_a_run_that_works_is_cancelled(office: Office) -> None:
    anton = an_anton(office, {**HONEST, "code": [Silence()]})
    async with served(anton, office) as server:
        run = await server.begun()
        await server.until(run, phase="working")
        told = await server.client.post(f"/runs/{run}/cancel", json={"reason": "a duplicate"})
        assert told.status_code == 200, told.text
        await server.until(run, outcome="declined")


async def test_a_run_that_failed_outside_says_why_and_goes_on_when_asked(office: Office) -> None:
    script = {agent: [Refuse("the model is away"), *steps] for agent, steps in HONEST.items()}
    async with served(an_anton(office, script), office) as server:
        run = await server.begun()
        shown = await server.until(run, phase="working")
        while not (shown["stopped"] or shown["phase"] == "deciding"):
            shown = await server.until(run)
        if shown["stopped"]:
            assert shown["again_at"]
            assert (await server.client.post(f"/runs/{run}/retry")).status_code == 202
        await server.until(run, phase="deciding")


async def test_a_run_whose_repository_is_gone_is_parked_until_somebody_asks(office: Office) -> None:
    async with served(an_anton(office), office) as server:
        moved = office.checkout.rename(office.folder / "moved")
        run = await server.begun()
        shown = await server.until(run, phase="received")
        while not shown["stopped"]:
            shown = await server.until(run, phase="received")
        assert shown["again_at"] is None
        moved.rename(office.checkout)
        assert (await server.client.post(f"/runs/{run}/retry")).json()["run"] == run
        await server.until(run, phase="deciding")


async def test_nothing_is_retried_that_waits_for_a_decision(server: Served) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    assert (await server.client.post(f"/runs/{run}/retry")).status_code == 409


async def test_a_request_that_is_sent_again_begins_one_run(server: Served) -> None:
    asked = {"json": {"text": "To-dos come back"}, "headers": {"Idempotency-Key": "k1"}}
    first, second = [(await server.client.post("/runs", **asked)).json() for _ in range(2)]  # type: ignore[arg-type]
    assert (first["begun"], second["begun"]) == (True, False)
    assert first["run"] == second["run"]


async def test_a_ticket_has_one_open_run(server: Served) -> None:
    first = await server.begun(key="BUG-7")
    answer = await server.client.post("/runs", json={"text": "Again", "key": "BUG-7"})
    assert (answer.json()["run"], answer.json()["begun"]) == (first, False)
    await server.until(first, phase="deciding")
    await server.client.post(f"/runs/{first}/decline")
    await server.until(first, phase="closed")
    assert await server.begun(key="BUG-7") != first


async def test_a_ticket_starts_only_so_many_runs_an_hour(office: Office) -> None:
    async with served(an_anton(office, runs_per_hour=1), office) as server:
        run = await server.begun(key="BUG-7")
        await server.until(run, phase="deciding")
        await server.client.post(f"/runs/{run}/decline")
        await server.until(run, phase="closed")
        refused = await server.client.post("/runs", json={"text": "Again", "key": "BUG-7"})
        assert refused.status_code == 429
        assert "server.runs_per_hour" in refused.json()["detail"]


async def test_a_request_without_a_word_is_the_demo_s_ticket_on_the_demo_s_repository(server: Served) -> None:
    run = (await server.client.post("/runs", json={})).json()["run"]
    shown = await server.until(run, phase="deciding")
    assert shown["ticket"]["key"] == "BUG-42"  # type: ignore[index]
    assert str(shown["repository"]).endswith(f"demo/{run}")


async def test_without_a_model_only_the_demo_is_taken(office: Office) -> None:
    anton = an_anton(office)
    object.__setattr__(anton, "suggestion", "Please.")
    async with served(anton, office) as server:
        refused = await server.client.post("/runs", json={"text": "The shop is down"})
        assert refused.status_code == 422
        assert "Set API_KEY" in refused.json()["detail"]
        assert (await server.client.post("/runs", json={})).status_code == 202


async def test_only_repositories_that_are_set_up_can_be_named(server: Served) -> None:
    refused = await server.client.post("/runs", json={"text": "Down", "repository": "/etc"})
    assert refused.status_code == 422
    assert "server.repositories" in refused.json()["detail"]
    assert await server.begun(repository="shop")
    assert await server.begun(repository="acme/shop")


async def test_runs_are_listed_newest_first_and_by_phase(server: Served) -> None:
    first, second = await server.begun(), await server.begun()
    for run in (first, second):
        await server.until(run, phase="deciding")
    listed = (await server.client.get("/runs")).json()["runs"]
    assert [each["id"] for each in listed] == [second, first]
    assert (await server.client.get("/runs", params={"phase": "closed"})).json() == {"runs": []}


@pytest.mark.parametrize("path", ["/runs/none", "/runs/none/events", "/runs/latest"])
async def test_a_run_that_is_not_there_is_a_404(server: Served, path: str) -> None:
    answer = await server.client.get(path)
    assert answer.status_code == 404
    assert "run" in answer.json()["detail"]


@pytest.mark.parametrize("verb", ["approve", "decline", "cancel", "retry"])
async def test_nothing_can_be_said_to_a_run_that_is_not_there(server: Served, verb: str) -> None:
    assert (await server.client.post(f"/runs/none/{verb}")).status_code == 404


async def test_a_question_that_was_not_asked_cannot_be_answered(server: Served) -> None:
    run = await server.begun()
    answer = await server.client.post(f"/runs/{run}/answer", json={"text": "UTC"})
    assert answer.status_code == 409
    assert "0 questions" in answer.json()["detail"]


class FullJournal(MemoryJournal):
    """A journal whose disk is full."""

    async def receive(self, delivery: str, entry: Entry) -> str:
        raise JournalError("the disk is full: make room")


async def test_nothing_is_acknowledged_that_was_not_written_down(tmp_path: Path) -> None:
    office = an_office(tmp_path)
    office.journal = FullJournal()
    async with served(an_anton(office), office) as server:
        answer = await server.client.post("/runs", json={"text": "Down", "key": "BUG-1"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "disk is full" in answer.json()["detail"]


class SlowJournal(MemoryJournal):
    """A journal that is not read in no time, as none on a disk is."""

    async def read_kinds(self, run_id: str, kinds: Collection[str]) -> tuple[Entry, ...]:
        await asyncio.sleep(0)
        return await super().read_kinds(run_id, kinds)


async def test_a_ticket_whose_run_another_process_ended_begins_one_run_however_many_ask(
    office: Office,
) -> None:
    office.journal = SlowJournal()
    async with served(an_anton(office), office) as server:
        ended, world = await server.begun(key="BUG-1"), server.desk.world
        briefed = (await server.until(ended, phase="deciding"))["briefing"]
        await answer(world, ended, Answer(Verb.DECLINE, OWNER, briefed["digest"]))  # type: ignore[index]
        await advance(world, ended)
        ticket = (await server.desk.state(ended)).received.ticket
        asked = [Taken(ticket, f"generic:{number}", "sentry") for number in range(20)]
        begun = await asyncio.gather(*(server.desk.take_in(taken) for taken in asked))
        assert sorted(anew for _, anew in begun) == [False] * 19 + [True]
