"""What only a server can do: be shared by machines that stop, be restarted, be out of reach."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import sql
from sqlalchemy import Connection
from tests.postgres import PostgresServer

from anton.adapters.journal import schema
from anton.adapters.journal.lease import leased
from anton.adapters.journal.sql import SqlJournal
from anton.core.errors import JournalConflict, JournalError, RunBusy
from anton.core.event import Entry, ProofStarted

AT = datetime(2026, 3, 1, tzinfo=UTC)

DROP_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

CHILD = """
import asyncio, sys
from datetime import UTC, datetime
from anton.adapters.journal.sql import SqlJournal
from anton.core.errors import JournalConflict
from anton.core.event import Entry, ProofStarted

def entry(number):
    return Entry("r1", number, datetime(2026, 3, 1, tzinfo=UTC), ProofStarted(number))

async def main():
    journal = SqlJournal(sys.argv[1])
    try:
        async with journal.hold("r1"):
            await journal.append("r1", [entry(1)])
            print("held", flush=True)
            sys.stdin.readline()
            await journal.append("r1", [entry(2)])
            print("written", flush=True)
    except JournalConflict as error:
        print(error, flush=True)
    await journal.close()

asyncio.run(main())
"""


def entry(number: int) -> Entry:
    return Entry("r1", number, AT, ProofStarted(number))


def child(url: str) -> subprocess.Popen[str]:
    """Another machine: it holds r1 once it has said so."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
async def journal(url: str) -> AsyncIterator[SqlJournal]:
    made = SqlJournal(url, busy_seconds=0.2)
    yield made
    await made.close()


def time_goes_by(postgres: PostgresServer, url: str) -> None:
    """As if every lease had run out."""
    postgres.execute(sql.SQL("UPDATE anton.holds SET until = now() - interval '1 second'"), url)


# Machines


async def test_a_run_of_a_killed_machine_is_busy_until_its_lease_runs_out(
    postgres: PostgresServer, url: str, journal: SqlJournal
) -> None:
    with await asyncio.to_thread(child, url) as process:
        with pytest.raises(RunBusy, match=rf"by process {process.pid} on .*: wait for it"):
            async with journal.hold("r1"):
                pass
        process.kill()
    with pytest.raises(RunBusy):
        async with journal.hold("r1"):
            pass
    time_goes_by(postgres, url)
    async with journal.hold("r1"):
        await journal.append("r1", [entry(2)])


async def test_a_stopped_machine_that_wakes_after_its_run_was_taken_writes_nothing(
    postgres: PostgresServer, url: str, journal: SqlJournal
) -> None:
    with await asyncio.to_thread(child, url) as process:
        process.send_signal(signal.SIGSTOP)
        time_goes_by(postgres, url)
        async with journal.hold("r1"):
            process.send_signal(signal.SIGCONT)
            told, _ = await asyncio.to_thread(process.communicate, "go on\n")
            assert told.startswith("run 'r1' was taken over by another process")
            await journal.append("r1", [entry(2)])
    assert await journal.read("r1") == (entry(1), entry(2))


async def test_a_stopped_machine_that_wakes_in_time_goes_on(url: str, journal: SqlJournal) -> None:
    with await asyncio.to_thread(child, url) as process:
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(RunBusy):
            async with journal.hold("r1"):
                pass
        process.send_signal(signal.SIGCONT)
        told, _ = await asyncio.to_thread(process.communicate, "go on\n")
    assert told == "written\n"
    async with journal.hold("r1"):
        pass


async def test_a_holder_that_lost_its_run_does_not_let_the_next_holder_go(
    postgres: PostgresServer, url: str, journal: SqlJournal
) -> None:
    late = SqlJournal(url)
    lost, next_holder = late.hold("r1"), journal.hold("r1")
    await lost.__aenter__()
    time_goes_by(postgres, url)
    async with next_holder:
        with pytest.raises(JournalConflict):
            await late.append("r1", [entry(1)])
        await lost.__aexit__(None, None, None)
        with pytest.raises(RunBusy):
            async with late.hold("r1"):
                pass
        await journal.append("r1", [entry(1)])
    await late.close()


async def test_work_on_a_lost_run_is_cancelled_even_if_it_writes_nothing(
    postgres: PostgresServer, url: str, journal: SqlJournal
) -> None:
    async def work() -> None:
        async with leased("r1", journal._execute, seconds=0.2):
            postgres.execute(sql.SQL("UPDATE anton.holds SET token = 'of another'"), url)
            await asyncio.Event().wait()

    with pytest.raises(JournalConflict, match="'r1' was taken over"):
        await work()


async def test_a_lease_is_renewed_while_the_work_goes_on(
    postgres: PostgresServer, url: str, journal: SqlJournal
) -> None:
    renewed = asyncio.Event()

    async def execute(run_id: str, statements: Callable[[Connection], Any]) -> Any:
        result = await journal._execute(run_id, statements)
        if statements.__name__ == "renew":
            renewed.set()
        return result

    async with leased("r1", execute, seconds=2):
        time_goes_by(postgres, url)
        await renewed.wait()
        with pytest.raises(RunBusy):
            async with journal.hold("r1"):
                pass


async def test_machines_that_make_the_tables_at_once_all_find_them_whole(url: str) -> None:
    journals = [SqlJournal(url) for _ in range(4)]
    assert await asyncio.gather(*(journal.run_ids() for journal in journals)) == [()] * 4
    for journal in journals:
        await journal.close()


async def test_of_two_machines_that_receive_the_same_deliveries_each_begins_one_run(url: str) -> None:
    """In opposite orders, which is how transactions lock each other out."""
    one, two = SqlJournal(url), SqlJournal(url)
    names = [f"github:{n}" for n in range(100)]
    ours = [one.receive(name, Entry(f"one{name}", 1, AT, ProofStarted(1))) for name in names]
    theirs = [two.receive(name, Entry(f"two{name}", 1, AT, ProofStarted(1))) for name in reversed(names)]
    begun = await asyncio.gather(*ours, *theirs)
    assert begun[:100] == begun[:99:-1]
    assert len(await one.run_ids()) == 100
    await one.close()
    await two.close()


# Trouble


async def test_a_restarted_server_is_an_error_once_and_then_works_again(
    postgres: PostgresServer, journal: SqlJournal
) -> None:
    await journal.append("r1", [entry(1)])
    await asyncio.to_thread(postgres.stop)
    try:
        with pytest.raises(JournalError, match="see that the server runs"):
            await journal.append("r1", [entry(2)])
        with pytest.raises(JournalError, match="see that the server runs"):
            await journal.read("r1")
    finally:
        await asyncio.to_thread(postgres.start)
    await journal.append("r1", [entry(2)])
    assert await journal.read("r1") == (entry(1), entry(2))


async def test_a_connection_that_the_server_drops_is_replaced(
    postgres: PostgresServer, url: str, journal: SqlJournal
) -> None:
    await journal.append("r1", [entry(1)])
    postgres.execute(sql.SQL(DROP_OTHERS), url)
    await journal.append("r1", [entry(2)])
    assert await journal.read("r1") == (entry(1), entry(2))


async def test_no_message_names_user_or_password() -> None:
    journal = SqlJournal("postgresql://ada:geheim@127.0.0.1:1/anton")
    with pytest.raises(JournalError, match=r"'postgresql://127\.0\.0\.1:1/anton' failed") as failed:
        await journal.run_ids()
    assert "geheim" not in str(failed.value)
    await journal.close()


async def test_a_database_that_is_not_there_is_named(postgres: PostgresServer) -> None:
    journal = SqlJournal(postgres.url("nowhere"))
    with pytest.raises(JournalError, match=r'database "nowhere" does not exist.*a database that is there'):
        await journal.run_ids()
    await journal.close()


async def test_a_user_who_may_not_make_tables_is_told_what_it_takes(
    postgres: PostgresServer, url: str
) -> None:
    postgres.execute(sql.SQL("DROP ROLE IF EXISTS guest"))
    postgres.execute(sql.SQL("CREATE ROLE guest LOGIN"))
    journal = SqlJournal(url.replace("anton@", "guest@"))
    with pytest.raises(JournalError, match=r"permission denied.*grant it CREATE on the database"):
        await journal.run_ids()
    await journal.close()


async def test_newer_tables_are_refused_untouched(
    postgres: PostgresServer, url: str, journal: SqlJournal
) -> None:
    await journal.append("r1", [entry(1)])
    postgres.execute(sql.SQL("UPDATE anton.about SET version = 99"), url)
    older = SqlJournal(url)
    with pytest.raises(
        JournalError, match=f"has version 99 and this Anton knows versions up to {schema.VERSION}"
    ):
        await older.append("r1", [entry(2)])
    await older.close()
    assert await journal.read("r1") == (entry(1),)


async def test_a_lock_that_another_program_keeps_is_named_and_nothing_is_written(
    postgres: PostgresServer, url: str, journal: SqlJournal
) -> None:
    await journal.append("r1", [entry(1)])
    other = SqlJournal(url)
    with other._opened()[0].begin() as connection:
        connection.exec_driver_sql("LOCK TABLE anton.events")
        with pytest.raises(JournalError, match="another program keeps its tables locked"):
            await journal.append("r1", [entry(2)])
    await journal.append("r1", [entry(2)])
    await other.close()


async def test_a_delivery_that_postgresql_cannot_keep_harms_no_bystander(journal: SqlJournal) -> None:
    outcomes = await asyncio.gather(
        *(journal.receive(f"github:{n}", Entry(f"r{n}", 1, AT, ProofStarted(1))) for n in range(5)),
        journal.receive("github:\0", Entry("r9", 1, AT, ProofStarted(1))),
        return_exceptions=True,
    )
    assert outcomes[:5] == [f"r{n}" for n in range(5)]
    assert isinstance(outcomes[5], JournalError)
    assert "cannot be kept" in str(outcomes[5])
