"""Child processes from their start to the end of their group."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

import pytest

from anton.system.cancellation import owned, to_its_end
from anton.system.child import child, end_group, read_head


async def test_a_child_has_the_given_environment_and_no_other() -> None:
    async with child("/usr/bin/env", env={"A": "b"}, stdout=PIPE) as process:
        assert await read_head(process.stdout, 100) == b"A=b\n"


async def test_a_child_is_gone_after_its_block_though_it_would_run_on() -> None:
    async with child("/bin/sleep", "600", env={}) as process:
        assert process.returncode is None
    assert process.returncode == -9


async def test_a_child_that_reads_nothing_of_a_long_input_holds_nobody_up() -> None:
    async with child("/bin/sleep", "600", env={}, stdin=PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(bytes(1_000_000))
        process.stdin.close()
    assert process.returncode == -9


async def test_what_cannot_be_started_is_the_callers_to_tell() -> None:
    with pytest.raises(FileNotFoundError):
        async with child("/no/such/program", env={}):
            pytest.fail("it was started")


async def test_the_beginning_of_an_output_is_kept_and_its_end_awaited() -> None:
    script = "import sys; sys.stdout.write('a' * 300_000)"
    async with child(sys.executable, "-ISc", script, env={}, stdout=PIPE) as process:
        assert await read_head(process.stdout, 10) == b"a" * 10
        assert await process.wait() == 0


async def test_an_endless_output_can_be_ended_when_enough_has_come() -> None:
    async with child("/usr/bin/yes", env={}, stdout=PIPE) as process:
        told = []

        def enough() -> None:
            told.append("full")
            end_group(process)

        assert await read_head(process.stdout, 4, enough) == b"y\ny\n"
    assert told == ["full"]


async def test_no_stream_is_an_empty_one() -> None:
    assert await read_head(None, 10) == b""


async def test_a_cancelled_start_still_ends_what_it_started() -> None:
    starting, go_on, ended = asyncio.Event(), asyncio.Event(), []

    async def start() -> str:
        starting.set()
        await go_on.wait()
        return "it"

    async def end(what: str) -> None:
        ended.append(what)

    async def own() -> None:
        async with owned(start(), end):
            pytest.fail("the block was entered")

    owning = asyncio.create_task(own())
    await starting.wait()
    owning.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await owning
    assert ended == ["it"]


async def test_what_could_not_be_made_is_not_ended() -> None:
    async def start() -> str:
        raise FileNotFoundError("none")

    async def end(_what: str) -> None:
        pytest.fail("there is nothing to end")

    with pytest.raises(FileNotFoundError):
        async with owned(start(), end):
            pytest.fail("the block was entered")


async def test_work_comes_to_its_end_though_it_is_cancelled_twice() -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await go_on.wait()
        done.append(True)

    working = asyncio.create_task(to_its_end(work()))
    await begun.wait()
    for _ in range(2):
        working.cancel()
        await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert done == [True]


async def test_a_child_leads_a_session_of_its_own() -> None:
    async with child("/bin/sleep", "600", env={}) as process:
        assert os.getsid(process.pid) == process.pid
