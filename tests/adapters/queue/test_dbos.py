"""What only the shared queue can do: outlive its workers, and its database's bad days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest
from psycopg import sql
from tests.postgres import PostgresServer

from anton.adapters.queue import line
from anton.adapters.queue.dbos import DbosQueue
from anton.adapters.queue.line import Limits, Line
from anton.core.errors import OutsideError

UNDER_WAY = "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = {}"
SILENT = "UPDATE anton.workers SET seen = now() - interval '1 minute' WHERE id = {}"


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
async def queue(url: str) -> AsyncIterator[DbosQueue]:
    made = DbosQueue(url, 4, 4)
    yield made
    await made.close()


def worker(url: str) -> Line:
    """Another process's view of the line."""
    return Line(url, Limits(4, 4, 0))


@pytest.fixture
def two(url: str) -> Iterator[tuple[Line, Line]]:
    """Two processes' views of it, which end with the test."""
    with closing(worker(url)) as one, closing(worker(url)) as other:
        yield one, other


def fall_silent(postgres: PostgresServer, url: str, at: Line) -> None:
    postgres.execute(sql.SQL(SILENT).format(at.worker), url)


def work_under_way(postgres: PostgresServer, url: str, at: Line) -> None:
    postgres.execute(sql.SQL(UNDER_WAY).format(at.worker), url)


async def test_what_a_silent_worker_has_under_way_goes_back_into_the_queue(
    postgres: PostgresServer, url: str, queue: DbosQueue, two: tuple[Line, Line]
) -> None:
    await queue.put("r1", "/repo")
    silent, other = two
    silent.beat()
    work_under_way(postgres, url, silent)
    other.beat()
    assert other.ahead("r1") == {"run-r1-1": "PENDING"}
    fall_silent(postgres, url, silent)
    other.beat()
    assert other.ahead("r1") == {"run-r1-1": "ENQUEUED"}


async def test_nobody_is_taken_for_dead_by_one_who_could_not_hear_anybody(
    postgres: PostgresServer, url: str, queue: DbosQueue, two: tuple[Line, Line]
) -> None:
    await queue.put("r1", "/repo")
    silent, other = two
    silent.beat()
    work_under_way(postgres, url, silent)
    fall_silent(postgres, url, silent)
    other.missed()
    other.beat()
    assert other.ahead("r1") == {"run-r1-1": "PENDING"}


async def test_a_worker_that_leaves_gives_back_what_it_has_under_way_and_nothing_of_others(
    postgres: PostgresServer, url: str, queue: DbosQueue, two: tuple[Line, Line]
) -> None:
    await queue.put("r1", "/repo")
    leaving, staying = two
    leaving.beat()
    work_under_way(postgres, url, leaving)
    await queue.put("r2", "/repo")
    leaving.leave()
    assert staying.ahead("r1") == {"run-r1-1": "ENQUEUED"}
    assert staying.ahead("r2") == {"run-r2-1": "ENQUEUED"}


async def test_what_nobody_works_on_for_two_beats_goes_back_though_its_worker_lives(
    postgres: PostgresServer, url: str, queue: DbosQueue
) -> None:
    """Its end could not be recorded, such as while the database was restarted."""
    await queue.put("r1", "/repo")
    await queue.put("r2", "/repo")
    living = worker(url)
    living.beat()
    work_under_way(postgres, url, living)
    living.under_way.add("run-r2-1")
    living.beat()
    assert living.ahead("r1") == {"run-r1-1": "PENDING"}
    living.beat()
    assert living.ahead("r1") == {"run-r1-1": "ENQUEUED"}
    assert living.ahead("r2") == {"run-r2-1": "PENDING"}
    living.close()


async def test_of_many_who_put_a_run_in_at_once_one_does(url: str, queue: DbosQueue) -> None:
    others = [DbosQueue(url, 4, 4) for _ in range(3)]
    await asyncio.gather(*(each.put("r1", "/repo") for each in (queue, *others) for _ in range(3)))
    for each in others:
        await each.close()
    assert await asyncio.to_thread(queue._line.ahead, "r1") == {"run-r1-1": "ENQUEUED"}


def test_what_older_and_newer_versions_agree_on_stays_as_it_is() -> None:
    """A change of these strands every run that waits while the other version is at work."""
    assert (line.QUEUE, line.WORKFLOW, line.VERSION) == ("runs", "take_run_on", "1")


async def test_a_run_waits_under_the_version_that_every_worker_has(
    postgres: PostgresServer, url: str, queue: DbosQueue
) -> None:
    await queue.put("r1", "/repo")
    (found,) = await asyncio.to_thread(queue._line._found, "ENQUEUED")
    assert (found.app_version, found.queue_partition_key) == ("1", "/repo")


async def test_a_database_out_of_reach_is_an_error_that_says_so_and_then_works_again(
    postgres: PostgresServer, queue: DbosQueue
) -> None:
    await queue.put("r1", "/repo")
    await asyncio.to_thread(postgres.stop)
    try:
        with pytest.raises(OutsideError, match=r"queue could not be reached: .*see that the server runs"):
            await queue.put("r2", "/repo")
    finally:
        await asyncio.to_thread(postgres.start)
    await queue.put("r2", "/repo")
    assert await asyncio.to_thread(queue._line.ahead, "r2") == {"run-r2-1": "ENQUEUED"}


async def test_no_message_names_the_password() -> None:
    queue = DbosQueue("postgresql://ada:geheim@127.0.0.1:1/anton", 4, 4)
    with pytest.raises(OutsideError) as failed:
        await queue.put("r1", "/repo")
    assert "geheim" not in str(failed.value) + queue.description


LONG_AGO = "UPDATE dbos.workflow_status SET status = {}, completed_at = 1000 WHERE workflow_uuid = {}"


async def ended(postgres: PostgresServer, url: str, queue: DbosQueue, run_id: str, status: str) -> None:
    """Work on a run that was done long ago."""
    await queue.put(run_id, "/repo")
    (name,) = await asyncio.to_thread(queue._line.ahead, run_id)
    postgres.execute(sql.SQL(LONG_AGO).format(status, name), url)


async def test_what_ended_long_ago_goes_but_the_newest_of_an_open_run_and_all_that_did_not_end(
    postgres: PostgresServer, url: str, queue: DbosQueue
) -> None:
    for status in ("SUCCESS", "ERROR", "CANCELLED"):
        await ended(postgres, url, queue, "open", status)
        await ended(postgres, url, queue, "over", status)
    await queue.put("open", "/repo")
    await queue.put("young", "/repo")
    other = DbosQueue(url, 4, 4)
    assert [waste.name for waste in await other.sweep(["open"], delete=False)] == [
        "5 ended workflows in the database"
    ]
    await other.sweep(["open"], delete=True)
    assert await other.sweep(["open"], delete=True) == ()
    assert await asyncio.to_thread(queue._line._newest, "open") == {
        "run-open-4": "ENQUEUED",
        "run-open-3": "CANCELLED",
    }
    assert await asyncio.to_thread(queue._line._newest, "over") == {}
    assert await asyncio.to_thread(queue._line.ahead, "young") == {"run-young-1": "ENQUEUED"}
    await other.close()


async def test_of_a_run_whose_ended_work_is_gone_new_work_is_taken_in(
    postgres: PostgresServer, url: str, queue: DbosQueue
) -> None:
    await ended(postgres, url, queue, "r1", "SUCCESS")
    await queue.sweep([], delete=True)
    await queue.put("r1", "/repo")
    assert await asyncio.to_thread(queue._line.ahead, "r1") == {"run-r1-1": "ENQUEUED"}
