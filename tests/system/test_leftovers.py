"""What a program leaves behind when it ends before its own children do."""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from anton.adapters.repository.command import Git
from anton.tools.program import Captured, capture

pytestmark = pytest.mark.timeout(60)  # what is left behind sleeps for ten minutes


def is_gone(pid: int) -> bool:
    """Whether a process is no more; one that was just killed is given time to close its eyes."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30.0)[0])
    finally:
        os.close(descriptor)


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def captured(script: str, folder: Path) -> Captured:
    with opened(folder) as descriptor:
        argv = ["/bin/sh", "-c", script]
        return await capture(argv, folder=descriptor, env={}, seconds=600, max_bytes=100)


async def cancelled_once_the_leader_is_gone(work: Coroutine[Any, Any, object], begun: Path) -> int:
    """The process that was left, as written to the pipe `begun` after the leader's own number."""
    os.mkfifo(begun)
    task = asyncio.ensure_future(work)
    leader, left = map(int, (await asyncio.to_thread(begun.read_text)).split())
    assert await asyncio.to_thread(is_gone, leader)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return left


async def test_a_grandchild_that_holds_the_output_is_gone_after_a_cancellation(tmp_path: Path) -> None:
    work = captured("sleep 600 & echo $$ $! > begun", tmp_path)
    assert is_gone(await cancelled_once_the_leader_is_gone(work, tmp_path / "begun"))


async def test_a_grandchild_that_holds_nothing_ends_with_its_program(tmp_path: Path) -> None:
    found = await captured("sleep 600 >/dev/null 2>&1 & echo $!", tmp_path)
    assert found.exit_code == 0
    assert is_gone(int(found.output))


async def test_a_grandchild_that_holds_the_output_of_git_is_gone_after_a_cancellation(tmp_path: Path) -> None:
    git = Git(tmp_path, settings=("alias.x=!sleep 600 & echo $$ $! > begun",))
    work = git.run("x", cwd=tmp_path)
    assert is_gone(await cancelled_once_the_leader_is_gone(work, tmp_path / "begun"))


async def test_a_grandchild_that_holds_nothing_ends_with_git(tmp_path: Path) -> None:
    git = Git(tmp_path, settings=("alias.x=!sleep 600 >/dev/null 2>&1 & echo $!",))
    assert is_gone(int((await git.run("x")).out))


async def test_a_daemon_with_a_session_of_its_own_holds_nobody_up(tmp_path: Path) -> None:
    work = captured(
        "echo $$ > first; setsid sh -c 'echo $(cat first) $$ > begun; exec sleep 600' &", tmp_path
    )
    os.kill(await cancelled_once_the_leader_is_gone(work, tmp_path / "begun"), 9)
