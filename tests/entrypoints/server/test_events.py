"""The event stream: every event once, whoever works on the run, however often one reconnects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from starlette.types import ASGIApp, Message, Scope

from anton.adapters.journal.sql import SqlJournal
from anton.core.codec import decode_event
from anton.core.event import BaseResolved, Entry
from anton.core.run import fold
from anton.entrypoints.server.application import application
from anton.entrypoints.server.bus import KEPT, Bus
from anton.runs.log import open_log
from anton.runs.supervise import work_on
from tests.entrypoints.server.served import OWNER, TOKEN, Served, an_anton, an_office, served
from tests.office import RUN, Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return an_office(tmp_path)


@pytest.fixture
async def server(office: Office) -> AsyncIterator[Served]:
    async with served(an_anton(office), office) as up:
        yield up


async def events(response: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    """The events of a stream, as a browser would have them."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if not line:
            if "id" in fields:
                yield fields
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


async def until(server: Served, run: str, kind: str, **headers: str) -> list[dict[str, str]]:
    """What comes up to the first event of a kind; then the connection is let go."""
    found = []
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with server.client.stream("GET", f"/runs/{run}/events", headers=named) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for each in events(response):
            found.append(each)
            if each["event"] == kind:
                break
    return found


async def test_a_stream_tells_every_event_in_order_and_as_it_is_in_the_journal(server: Served) -> None:
    run = await server.begun()
    told = await until(server, run, "briefing_prepared")
    entries = (await server.desk.world.journal.read(run))[: len(told)]
    assert [int(each["id"]) for each in told] == [entry.number for entry in entries]
    for each, entry in zip(told, entries, strict=True):
        said = json.loads(each["data"])
        assert (said["number"], said["at"]) == (entry.number, entry.at.isoformat())
        assert decode_event(json.dumps(said["event"])) == entry.event


async def test_who_reconnects_gets_what_was_missed_and_nothing_twice(server: Served) -> None:
    run = await server.begun()
    first = await until(server, run, "base_resolved")
    rest = await until(server, run, "briefing_prepared", Last_Event_ID=first[-1]["id"])
    numbers = [int(each["id"]) for each in (*first, *rest)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_stream_ends_with_the_run_and_does_not_invite_to_come_back(server: Served) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    await server.client.post(f"/runs/{run}/decline")
    await server.until(run, phase="closed")
    async with server.client.stream("GET", f"/runs/{run}/events") as response:
        told = [each async for each in events(response)]
    assert told[-1]["event"] == "run_closed"
    last = str((await server.desk.state(run)).number)
    again = await server.client.get(f"/runs/{run}/events", headers={"Last-Event-ID": last})
    assert again.status_code == 204


@pytest.mark.parametrize("given", ["x", "-1", "9" * 30, "1; drop"])
async def test_a_last_event_that_is_no_number_starts_from_the_beginning(server: Served, given: str) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    answer_to = server.client.stream("GET", f"/runs/{run}/events", headers={"Last-Event-ID": given})
    async with answer_to as response:
        if response.status_code == 422:
            return
        async for each in events(response):
            assert each["id"] == "1"
            break


async def test_what_another_process_works_on_is_told_as_well(office: Office, tmp_path: Path) -> None:
    office.journal = SqlJournal(tmp_path / "journal.db")
    elsewhere = SqlJournal(tmp_path / "journal.db")
    await office.receive()
    async with open_log(elsewhere, RUN), served(an_anton(office), office) as server:
        told = []
        async with server.client.stream("GET", f"/runs/{RUN}/events") as response:
            async for each in events(response):
                told.append(each["event"])
                if len(told) == 2:
                    break
                await _write(elsewhere, BaseResolved("b" * 40, "t" * 40, "main", "Begin", ""))
        assert told == ["run_received", "base_resolved"]
    await elsewhere.close()
    await office.journal.close()


async def _write(journal: SqlJournal, event: BaseResolved) -> None:
    await journal.append(RUN, [Entry(RUN, 2, datetime(2026, 11, 25, tzinfo=UTC), event)])


async def test_an_onlooker_who_falls_behind_reads_the_journal_and_misses_nothing(office: Office) -> None:
    await office.receive()
    bus = Bus()
    await work_on(office.world(), RUN)
    entries = await office.journal.read(RUN)
    state = fold(entries)
    told = []
    async for entry in bus.follow(office.journal, RUN, 0):
        if entry is None:
            break
        told.append(entry.number)
        if len(told) == 1:
            for _ in range(3):
                for each in entries * (KEPT // len(entries) + 1):
                    bus.see(each, state)
    assert told == [entry.number for entry in entries]


async def test_a_reader_who_left_is_sent_nothing_more(office: Office) -> None:
    """Replayed in one go, the rest of a story would be written to a connection that is closed."""
    async with served(an_anton(office), office) as server:
        run = await server.begun()
        await server.until(run, phase="deciding")
        state = await server.desk.state(run)
        routes = event_application(server)
        sent, asked, gone = 0, False, asyncio.Event()

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal sent
            if b"event: " in message.get("body", b""):
                sent += 1
                gone.set()

        await routes(request_for(f"/runs/{run}/events"), receive, send)
    assert 1 <= sent < 5 < state.number
    assert server.desk.streams == 0


def event_application(server: Served) -> ASGIApp:
    """The server's routes without a network before them."""
    return application(server.desk, {OWNER: TOKEN})


def request_for(path: str) -> Scope:
    headers = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"host", b"localhost")]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }


async def test_streams_end_when_the_server_is_told_to(office: Office) -> None:
    async with served(an_anton(office), office) as server:
        run = await server.begun()
        await server.until(run, phase="deciding")
        async with server.client.stream("GET", f"/runs/{run}/events") as response:
            seen = 0
            async for _ in events(response):
                seen += 1
                if seen == 3:
                    server.desk.bus.close()
    assert seen >= 3
