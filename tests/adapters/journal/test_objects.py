"""Git objects in the shared database: kept for whoever may go on, and for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql
from tests.postgres import PostgresServer

from anton.adapters.journal.objects import PostgresCarrier
from anton.adapters.journal.sql import SqlJournal
from anton.adapters.repository.carried import Carried
from anton.core.event import BaseResolved, Entry
from anton.ports.leftovers import Waste

AGE = sql.SQL("UPDATE anton.objects SET offered = now() - interval '2 days'")
BASE, TREE, CHECKPOINT, NEXT, STRANGE = (letter * 40 for letter in "abcde")
CHAIN = (
    Carried(BASE, BASE),
    Carried(TREE, BASE),
    Carried(CHECKPOINT, TREE, b"x" * 10),
    Carried(NEXT, CHECKPOINT, b"x" * 100),
    Carried(STRANGE, BASE, b"x" * 1_000),
)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
async def carrier(url: str) -> AsyncIterator[PostgresCarrier]:
    made = PostgresCarrier(url)
    await made.offer(CHAIN)
    yield made
    await made.close()


async def stand_on(url: str, run_id: str, tree: str) -> None:
    """Have a run's journal name an object."""
    journal = SqlJournal(url)
    event = BaseResolved("0" * 40, tree, "main", "It begins", "")
    await journal.append(run_id, [Entry(run_id, 1, datetime(2026, 3, 1, tzinfo=UTC), event)])
    await journal.close()


async def left(carrier: PostgresCarrier) -> str:
    """First letters of what is there."""
    return "".join([each.id[0] for each in CHAIN if await carrier.find(each.id)])


async def test_what_an_open_run_names_stays_with_all_that_it_builds_on(
    postgres: PostgresServer, url: str, carrier: PostgresCarrier
) -> None:
    await stand_on(url, "r1", CHECKPOINT)
    await stand_on(url, "r2", NEXT)
    postgres.execute(AGE, url)
    assert await carrier.sweep(["r1", "r2"], delete=True) == (
        Waste("git objects", "1 in the database", 1_000),
    )
    assert await left(carrier) == "abcd"
    await carrier.sweep(["r1"], delete=True)
    assert await left(carrier) == "abc"
    await carrier.sweep([], delete=True)
    assert await left(carrier) == ""
    assert await carrier.sweep([], delete=True) == ()


async def test_what_was_offered_within_a_day_stays_with_all_that_it_builds_on(
    postgres: PostgresServer, url: str, carrier: PostgresCarrier
) -> None:
    assert await carrier.sweep([], delete=True) == ()
    postgres.execute(AGE, url)
    await carrier.offer([CHAIN[2]])
    await carrier.sweep([], delete=True)
    assert await left(carrier) == "abc"


async def test_without_delete_it_is_said_what_would_go_and_nothing_goes(
    postgres: PostgresServer, url: str, carrier: PostgresCarrier
) -> None:
    postgres.execute(AGE, url)
    assert await carrier.sweep([], delete=False) == (Waste("git objects", "5 in the database", 1_110),)
    assert await left(carrier) == "abcde"


@pytest.mark.parametrize(
    ("offered", "kept"), [(STRANGE, "ae"), (CHECKPOINT, "abc")], ids=["on one object", "on a chain"]
)
async def test_what_is_being_offered_again_stays_with_all_that_it_builds_on_and_holds_no_sweep_up(
    postgres: PostgresServer, url: str, carrier: PostgresCarrier, offered: str, kept: str
) -> None:
    postgres.execute(AGE, url)
    async with await psycopg.AsyncConnection.connect(url) as offering:
        await offering.execute("UPDATE anton.objects SET offered = now() WHERE id = %s", [offered])
        assert len(await carrier.sweep([], delete=True)) == 1
        await offering.commit()
    assert await left(carrier) == kept
